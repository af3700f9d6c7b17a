"""The best windows of small images, 64 images at a time: an image in each lane, a pixel in each vector.

So a neighbour is another vector, whatever the shape of an image, and each image may have a window of its own size.
Windows grow by powers of two, along one axis after the other: those of radius d, where they are and moved by s both
ways, make up one of radius d + s, if s is at most 2d + 1. Which steps an image takes is said by the binary digits of
its radius + 1: by s = 1, 2, 4, ..., one for each digit but the highest, and one more where that digit is 1.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.shape import Shape
from chdt.cpu.kernels.jit import helper, hot_helper, outlined
from chdt.cpu.kernels.keys import Floats, keys_at, nans_at
from chdt.cpu.kernels.lanes import (
    BLOCK,
    VECTOR_WORDS,
    Numbers,
    Vector,
    Word,
    aligned,
    choose,
    fill,
    less_bits,
    load_pixels,
    maximum,
    minimum,
    store,
    where_less,
)
from chdt.cpu.kernels.packing import Words

AXES = 3
AREAS = 3  # the keys; and two, which take turns, for the least keys of windows that grow
REACHES, KEYS, CENTRES, PIXELS, HELD = 0, BLOCK, 2 * BLOCK, 3 * BLOCK, 4 * BLOCK  # where in `of_image`, see there


class MinimaMemory(NamedTuple):
    """What a thread needs for 64 images at a time."""

    shape: Shape  # of an image
    areas: Numbers  # AREAS, each a vector for each pixel
    of_image: Numbers  # radius + 1 of windows; least key, centre and weakest pixel of the best one; ranks held, twice
    words: Words  # a word for each pixel, with a bit for each image; and two more such areas, to erode in
    margins: npt.NDArray[np.int64]  # how far each pixel is away from the border of the grid


def minima_memory(shape: Shape, dtype: Any) -> MinimaMemory:
    """Memory for one thread."""
    shape = shape.without_single_pixels
    margins = np.full(shape, shape.cap, np.int64)
    for axis, side in enumerate(shape):
        if side > 1:
            from_ends = np.minimum(np.arange(side), np.arange(side)[::-1])
            margins = np.minimum(margins, np.expand_dims(from_ends, [other for other in range(AXES) if other != axis]))
    areas, of_image = aligned(AREAS * shape.pixels * BLOCK, 0, dtype), aligned(6 * BLOCK, 0, dtype)
    words = np.zeros(3 * shape.pixels + VECTOR_WORDS, np.uint64)
    return MinimaMemory(shape, areas, of_image, words, np.ascontiguousarray(margins).reshape(-1))


@helper
def length_along(shape: Shape, axis: int) -> int:
    """Pixels of a line along an axis."""
    return shape.depth if axis == 0 else shape.height if axis == 1 else shape.width


@helper
def stride_along(shape: Shape, axis: int) -> int:
    """How far apart, in reading order, they are."""
    return shape.height * shape.width if axis == 0 else shape.width if axis == 1 else 1


@hot_helper
def _spread(values: Numbers, first: Word, images: Word, pixels: Word, areas: Numbers, to: Word) -> None:
    """Put the values of each image into its lane. Unsigned indices are not looked at for being negative."""
    for pixel in range(pixels):
        for image in range(images):
            areas[to + pixel * np.uint64(BLOCK) + image] = values[first + pixel + image * pixels]


@outlined
def read_keys(values: Numbers, first: int, images: int, floats: Floats, memory: MinimaMemory) -> Word:
    """Leave the keys of up to 64 images in the first area, those of negative zeros as of zeros.

    Give a word with the bits of images that hold a NaN.
    """
    areas, pixels = memory.areas, memory.margins.size
    area = pixels * BLOCK
    _spread(values, np.uint64(first), np.uint64(images), np.uint64(pixels), areas, np.uint64(area))
    zeros, one = fill(floats.sign, values[0]), fill(1, values[0])
    nan = np.uint64(0)
    for at in range(0, area, BLOCK):
        nan |= nans_at(areas, area + at, floats)
        keys = keys_at(areas, area + at, floats)
        store(areas, at, where_less(keys ^ (zeros - one), one, zeros, keys))
    return nan


@hot_helper
def _grow_along(
    areas: Numbers, at: int, to: int, lines: int, length: int, stride: int, step: int, once: Word, twice: Word
) -> None:
    """Let windows reach ``step`` pixels farther along an axis, or twice as far; from the area ``at`` to that at ``to``.

    Beyond the ends of a line there are none, and the last one is within reach.
    """
    for line in range(lines):
        begin = line * length * stride
        for i in range(length):
            before, behind = max(i - step, 0) - i, min(i + step, length - 1) - i
            far_before, far_behind = max(i - 2 * step, 0) - i, min(i + 2 * step, length - 1) - i
            for j in range(begin + i * stride, begin + (i + 1) * stride):
                here = at + j * BLOCK
                least = load_pixels(areas, here)
                near = minimum(
                    load_pixels(areas, here + before * stride * BLOCK),
                    load_pixels(areas, here + behind * stride * BLOCK),
                )
                least = choose(once, minimum(least, near), least)
                if twice != 0:
                    far = minimum(
                        load_pixels(areas, here + far_before * stride * BLOCK),
                        load_pixels(areas, here + far_behind * stride * BLOCK),
                    )
                    least = choose(twice, minimum(least, far), least)
                store(areas, to + j * BLOCK, least)


@outlined
def grow(memory: MinimaMemory, at: int, step: int, once: Word, twice: Word) -> int:
    """Let windows grow by ``step`` in some images, and by twice as much in some of these; give where least keys are."""
    area = memory.margins.size * BLOCK
    for axis in range(AXES):
        length, stride = length_along(memory.shape, axis), stride_along(memory.shape, axis)
        if length > 1:
            to, lines = 2 * area if at == area else area, memory.margins.size // (length * stride)
            _grow_along(memory.areas, at, to, lines, length, stride, step, once, twice)
            at = to
    return at


@outlined
def least_keys(memory: MinimaMemory) -> int:
    """The least keys of all windows of each image that reach as far as REACHES say; give where they are."""
    reaches = load_pixels(memory.of_image, REACHES)
    nothing, at, step = reaches ^ reaches, 0, 1
    once = less_bits(fill(1, memory.areas[0]), reaches)
    while once != 0:
        at = grow(memory, at, step, once, once & less_bits(nothing, reaches & fill(step, memory.areas[0])))
        step *= 2
        once = less_bits(fill(2 * step - 1, memory.areas[0]), reaches)
    return at


@outlined
def find_best(memory: MinimaMemory, at: int, has_border: bool) -> None:
    """Leave the largest of the keys from ``at`` on in KEYS, and the first pixel that has it in CENTRES.

    With a border, only of windows that do not reach it; 0 if there is none.
    """
    like, margin = memory.areas[0], np.int64(max(memory.shape))
    reaches = load_pixels(memory.of_image, REACHES)
    best = reaches ^ reaches
    centres = best
    for pixel in range(memory.margins.size):
        if has_border:
            margin = memory.margins[pixel]
        keys = choose(less_bits(reaches, fill(margin + 2, like)), load_pixels(memory.areas, at + pixel * BLOCK), best)
        centres = where_less(best, keys, fill(pixel, like), centres)
        best = maximum(best, keys)
    store(memory.of_image, KEYS, best)
    store(memory.of_image, CENTRES, centres)


@outlined
def mark_above(memory: MinimaMemory, limits: Vector, which: Word) -> None:
    """Leave in the first words which keys are above the limit of their image."""
    for pixel in range(memory.margins.size):
        memory.words[pixel] = less_bits(limits, load_pixels(memory.areas, pixel * BLOCK)) & which


@hot_helper
def _shrink_along(
    words: Words, at: int, to: int, lines: int, length: int, stride: int, step: int, outside: Word
) -> None:
    for line in range(lines):
        begin = line * length * stride
        for i in range(length):
            before, behind = (max(i - step, 0) - i) * stride, (min(i + step, length - 1) - i) * stride
            inside = outside if i < step or i + step >= length else ~np.uint64(0)
            for j in range(begin + i * stride, begin + (i + 1) * stride):
                words[to + j] = words[at + j + before] & words[at + j] & words[at + j + behind] & inside


@outlined
def _shrink(memory: MinimaMemory, step: int, which: Word, has_border: bool) -> Word:
    """Erode what is marked in these images by ``step`` more, but where nothing would be left; give where something is.

    It is in the first words.
    """
    words, pixels = memory.words, memory.margins.size
    at, to = 0, pixels
    for axis in range(AXES):
        length, stride = length_along(memory.shape, axis), stride_along(memory.shape, axis)
        if length > 1:
            outside = np.uint64(0) if has_border else ~np.uint64(0)
            _shrink_along(words, at, to, pixels // (length * stride), length, stride, step, outside)
            at, to = to, 2 * pixels if to == pixels else pixels
    left = np.uint64(0)
    for pixel in range(pixels):
        left |= words[at + pixel]
    left &= which
    for pixel in range(pixels):
        words[pixel] = (words[at + pixel] & left) | (words[pixel] & ~left)
    return left


@outlined
def count_ranks(memory: MinimaMemory, has_border: bool, count: int) -> Vector:
    """How many of ``count`` ranks of windows what is marked in each image holds.

    That is how often it can be eroded by one pixel until nothing is left: found by doubling, and then by bisection.
    """
    like = memory.areas[0]
    doubled = np.uint64(0)
    for pixel in range(memory.margins.size):
        doubled |= memory.words[pixel]
    nothing = fill(0, like)
    held, step = choose(doubled, fill(1, like), nothing), 1
    while doubled != 0 and step < count:
        doubled = _shrink(memory, step, doubled, has_border)
        held = held + choose(doubled, fill(step, like), nothing)
        step *= 2
    while step > 1:
        step //= 2
        which = less_bits(fill(step, like), held)
        if which != 0:
            held = held + choose(_shrink(memory, step, which, has_border), fill(step, like), nothing)
    return minimum(held, fill(count, like))  # without background, nothing is ever taken
