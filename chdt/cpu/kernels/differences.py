"""The sampled gradient: differences of losses between a mask and the same mask with one pixel flipped (21)."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.shape import Shape
from chdt.cpu.kernels.crossed_maxima import CrossedScan
from chdt.cpu.kernels.drawing import draw, first_nan
from chdt.cpu.kernels.flip_ways import flip_sizes_of
from chdt.cpu.kernels.flips import FlipMemory, flip_memory
from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import BLOCK, VECTOR_WORDS, Number, Numbers, aligned, equal_bits, lowest_bit
from chdt.cpu.kernels.packing import WORD_BITS, Words, low_bits, packed_words, read_bits, surround
from chdt.cpu.kernels.rows import RowLayout, ScanMemory, pixels_of, scan_memory

GRADIENT_PIXELS = 1 << 15
"""Pixels of the images that are done at once.

Their flip sizes should still be in a near cache when they are looked up; with few pixels, the work around each round
weighs more. Not measured.
"""


@helper
def _add_differences(
    packed: Words,
    start: int,
    pixels: int,
    flips: Numbers,
    flips_at: int,
    size: int,
    losses: Numbers,
    gradient: Numbers,
    at: int,
) -> None:
    """Add y_i (l(g(y)) - l(g(y↓i))) of one image to its gradient, from ``at`` on, where the flip of i changes the size.

    Its packed bits begin at ``start``, its flip sizes at ``flips_at``; ``losses`` are those of its sizes 0, 2, 4, ...
    """
    loss = losses[size // 2]
    for pixel in range(0, pixels, BLOCK):
        count = min(BLOCK, pixels - pixel)
        changed = ~equal_bits(flips, flips_at + pixel, size) & low_bits(count)
        if changed == 0:
            continue
        foreground = read_bits(packed, start + pixel, count)
        while changed != 0:
            j = lowest_bit(changed)
            changed &= changed - np.uint64(1)
            difference = loss - losses[flips[flips_at + pixel + j] // 2]
            gradient[at + pixel + j] += difference if (foreground >> np.uint64(j)) & np.uint64(1) != 0 else -difference


class GradientMemory(NamedTuple):
    """What a thread needs to differentiate the losses of as many images as are done at once."""

    line_or_tiny: bool | None  # one way of these five: see `flip_sizes_of`
    interleaved: bool | None
    counted: bool | None
    scan: ScanMemory | None
    crossed: CrossedScan | None
    flips: FlipMemory
    flip_sizes: npt.NDArray[Any]  # of as many images
    sizes: npt.NDArray[np.int64]
    packed: Words  # masks that are drawn
    inner: Shape  # of these, without the border that the others have
    border: Shape  # pixels of background on either side of each axis
    surrounded: Words  # masks that are drawn, with their border
    rest: npt.NDArray[Any]  # see `draw`
    gradient: npt.NDArray[Any]  # sum over the draws


def gradient_memory(
    shape: Shape,
    border: Shape,
    layout: RowLayout,
    small: bool,
    lanes: Any,
    last: int,
    scanned: bool,
    line_or_tiny: bool | None,
    interleaved: bool | None,
    counted: bool | None,
    black_border: bool,
    dtype: Any,
) -> GradientMemory:
    """Memory for one thread; small grids, whose distances are counted by erosions, need no scan.

    ``last`` is the largest distance, or rank. With a spacing, what follows from it is missing: its ranks, and what
    large grids are crossed with. The border is part of the shape, or else ``black_border``.
    """
    pixels = shape.pixels
    inner = Shape(*(side - 2 * more for side, more in zip(shape, border, strict=True)))
    images = max(1, GRADIENT_PIXELS // (pixels * layout.images)) * layout.images
    return GradientMemory(
        line_or_tiny,
        interleaved,
        counted,
        scan_memory(layout, lanes) if scanned else None,
        None,
        flip_memory(shape, layout, small, 1 if interleaved is None else VECTOR_WORDS, lanes, last, black_border),
        aligned(images * pixels + BLOCK, 0, lanes),
        np.empty(images, np.int64),
        np.zeros(packed_words(images * inner.pixels), np.uint64),
        inner,
        border,
        np.zeros(packed_words(images * pixels if any(border) else 0), np.uint64),
        np.empty(WORD_BITS, dtype),
        np.empty(images * inner.pixels, dtype),
    )


@helper
def _add_draw(
    packed: Words,
    start: int,
    first: int,
    images: int,
    memory: GradientMemory,
    losses: Numbers,
    drawn: Numbers,
    gradient: Numbers,
) -> None:
    """Add l(s, g(y)) to ``drawn`` and y_i (l(s, g(y)) - l(s, g(y↓i))) to ``gradient``, of a few images.

    ``first`` is the number of the first of them. Their packed bits have the border, the gradient has not: then it is
    done row by row, at once else.
    """
    pixels, inner, border = pixels_of(memory.flips.layout), memory.inner, memory.border
    height, width = inner.height + 2 * border.height, inner.width + 2 * border.width
    rows, length = 1, pixels
    if border.width > 0:
        rows, length = inner.depth * inner.height, inner.width
    flip_sizes_of(
        packed,
        start,
        first,
        images,
        memory.line_or_tiny,
        memory.interleaved,
        memory.counted,
        memory.scan,
        memory.crossed,
        memory.flips,
        memory.flip_sizes,
        memory.sizes,
    )
    for image in range(images):
        size, of_image = memory.sizes[image], losses[image]
        drawn[image] += of_image[size // 2]
        for row in range(rows):
            z, y = row // inner.height + border.depth, row % inner.height + border.height
            at = image * pixels + (z * height + y) * width + border.width
            to = (image * rows + row) * length
            _add_differences(packed, start + at, length, memory.flip_sizes, at, size, of_image, gradient, to)


@kernel
def differentiate_given(
    packed: Words, start: int, memory: GradientMemory, losses: Numbers, drawn: Numbers, gradient: Numbers
) -> None:
    """Add l(s, g(y)) to ``drawn`` and (21) to ``gradient``, for masks whose packed bits begin at ``start``.

    The bits have the border, the gradient has not.
    """
    pixels, most = pixels_of(memory.flips.layout), len(memory.sizes)
    inner = memory.inner.depth * memory.inner.height * memory.inner.width
    for first in range(0, len(drawn), most):
        images = min(most, len(drawn) - first)
        here = gradient[first * inner : (first + images) * inner]
        _add_draw(packed, start + first * pixels, first, images, memory, losses[first:], drawn[first:], here)


@helper
def _surround_drawn(images: int, memory: GradientMemory) -> None:
    """Write the masks that were drawn once more, with their border."""
    for k in range(memory.surrounded.size):
        memory.surrounded[k] = np.uint64(0)
    surround(memory.packed, images, memory.inner, memory.border, memory.surrounded)


@kernel
def differentiate_drawn(
    chances: Numbers,
    seeds: Words,
    start: int,
    memory: GradientMemory,
    losses: Numbers,
    left_out: npt.NDArray[np.bool_],
    drawn: Numbers,
    draws: Number,
    one: Number,
) -> None:
    """Draw a mask with every seed; leave the mean of (21) times F'(a) = F(a) (1 - F(a)) in place of the chances F(a).

    ``start`` is the number of the first pixel in the whole batch, ``drawn`` gets the mean of l(s, g(y)). ``draws``, as
    many as there are seeds, and ``one`` are of the dtype of the chances: integers would make Numba go on in float64.
    A chance that is NaN is drawn as background, and makes NaN of its own derivative and of the loss of its image.
    Images that are ``left_out`` get zeros, whatever they hold; the array is empty if none is.
    """
    pixels, most = memory.inner.depth * memory.inner.height * memory.inner.width, len(memory.sizes)
    zero = one - one
    for first in range(0, len(drawn), most):
        images = min(most, len(drawn) - first)
        here = chances[first * pixels : (first + images) * pixels]
        gradient = memory.gradient[: images * pixels]
        for i in range(len(gradient)):
            gradient[i] = 0
        for image in range(images):
            drawn[first + image] = 0
        any_nan = False
        for seed in seeds:
            any_nan |= draw(here, memory.rest, seed, start + first * pixels, memory.packed) >= 0
            bits = memory.packed
            if memory.border.width > 0:
                _surround_drawn(images, memory)
                bits = memory.surrounded
            _add_draw(bits, 0, first, images, memory, losses[first:], drawn[first:], gradient)
        if len(seeds) > 1:
            for i in range(len(gradient)):
                gradient[i] /= draws
            for image in range(images):
                drawn[first + image] /= draws
        if any_nan:
            for image in range(images):
                if first_nan(here[image * pixels : (image + 1) * pixels]) >= 0:
                    drawn[first + image] = np.nan
        for i in range(len(here)):
            slope = here[i] * (one - here[i])
            # Certain pixels have no gradient, not even where the loss of some size is infinite: 0 times inf is NaN.
            here[i] = zero if slope == zero else gradient[i] * slope
        if len(left_out) != 0:
            for image in range(images):
                if left_out[first + image]:
                    drawn[first + image] = 0
                    for i in range(image * pixels, (image + 1) * pixels):
                        here[i] = 0
