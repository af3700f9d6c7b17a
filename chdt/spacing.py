"""Distances where pixels are farther apart along one axis than along another, as the slices of many volumes are.

The distance is then max over the axes of spacing times steps, and its ball a box: d_i = min over background j of
max_a spacing_a·|i_a - j_a|. Axis by axis, that is a minimum of maxima along lines: of the values v that the axes before
have left on a line, t_i = min over j of max(spacing·|i - j|, v_j).
"""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.bitplanes import WORD, Words, read_bits
from chdt.jit import helper, kernel
from chdt.lanes import Numbers
from chdt.masks import PackedMasks, Shape, check_spatial_dims
from chdt.parallel import share

Spacing = float | Sequence[float]
Steps = tuple[float, float, float]  # from slice to slice, row to row, column to column
Floats = npt.NDArray[np.float32]
Radii = tuple[int, int, int]  # of a window, in pixels along the columns, the rows and the slices

LEAST, MOST = 1e-25, 1e25  # far from where float32 knows no step but zero, and no length but infinity


def spacing_of(spacing: Spacing | None, spatial_dims: int) -> Steps | None:
    """The spacing of each axis of a grid of three, None where nothing was said."""
    if spacing is None:
        return None
    check_spatial_dims(spatial_dims)
    remedy = f"give one positive number, or one for each of the spatial_dims={spatial_dims} dims"
    is_one = spacing.ndim == 0 if isinstance(spacing, np.ndarray) else not isinstance(spacing, Sequence)
    values: Any = [spacing] * spatial_dims if is_one else spacing
    try:
        numbers = [_number(x) for x in values]
    except (AttributeError, RuntimeError, TypeError, ValueError):
        raise TypeError(f"spacing must be made of numbers, not {spacing!r}: {remedy}") from None
    if len(numbers) != spatial_dims:
        raise ValueError(f"spacing has {len(numbers)} numbers: {remedy}")
    for axis, number in enumerate(numbers):
        if not 0 < number < math.inf:
            raise ValueError(f"spacing must be positive and finite, but spacing[{axis}] is {number}: {remedy}")
        if not LEAST <= number <= MOST:
            raise ValueError(
                f"spacing must be from {LEAST} to {MOST}, but spacing[{axis}] is {number}: change the unit"
            )
    slices, rows, columns = (numbers[0],) * (3 - spatial_dims) + tuple(numbers)
    return slices, rows, columns


def _number(x: Any) -> float:
    """A real number, also of NumPy or torch; ``float`` alone would read text and drop imaginary parts."""
    if not isinstance(x, Real):
        x = x.item()
    if not isinstance(x, Real):
        raise TypeError
    try:
        return float(x)
    except OverflowError:  # an integer beyond all floats
        return math.inf


def largest_distance(shape: Shape, spacing: Steps) -> float:
    """The distance where there is no background: as long as the longest side, which no distance in the grid reaches."""
    return max(number * length for number, length in zip(spacing, shape, strict=True))


class Windows(NamedTuple):
    """What a window is for each r: all pixels that are nearer to its centre than r."""

    distances: Floats  # every r that a distance in the grid may have, from 0 on
    radii: npt.NDArray[np.int64]  # for each of them, the `Radii` of the grid without single pixels


def windows_of(shape: Shape, spacing: Steps) -> Windows:
    """All windows of one grid."""
    lengths = [
        np.multiply(np.arange(side), number).astype(np.float32) for side, number in zip(shape, spacing, strict=True)
    ]
    far = np.array([largest_distance(shape, spacing)], np.float32)
    distances = np.unique(np.concatenate([*lengths, far]))
    radii = np.zeros((len(distances), 3), np.int64)
    for axis, steps in enumerate([steps for steps in reversed(lengths) if len(steps) > 1]):
        radii[:, axis] = np.searchsorted(steps[1:], distances)
    return Windows(distances, radii)


# ------------------------------------------------------------------------------------------------ kernels


@helper
def _fill_row(words: Words, start: int, width: int, spacing: float, distances: Floats, at: int) -> None:
    """Distances along a row to background in that row, infinite if there is none."""
    last = -1  # the last background pixel, once there is one
    for x in range(width):
        if x % WORD == 0:
            bits = read_bits(words, start + x, min(WORD, width - x))
        if (bits >> np.uint64(x % WORD)) & np.uint64(1) == 0:
            last = x
        distances[at + x] = np.float32(spacing * (x - last)) if last >= 0 else np.float32(np.inf)
    for x in range(width - 1, -1, -1):
        if distances[at + x] == 0:
            last = x
        if last >= x:
            distances[at + x] = min(distances[at + x], np.float32(spacing * (last - x)))


@helper
def _spread(values: Floats, length: int, spacing: float, queue: npt.NDArray[np.int64], nearest: Floats) -> None:
    """To each pixel of a line, the least of max(spacing times distance, value) over those up to itself.

    In the queue wait those that may still be the least: each nearer than the one before, and of a larger value. Once
    the next one is as good as the first, the first will never be better again.
    """
    first, end = 0, 0
    for i in range(length):
        while end > first and values[queue[end - 1]] >= values[i]:
            end -= 1
        queue[end] = i
        end += 1
        best = max(np.float32(spacing * (i - queue[first])), values[queue[first]])
        while end - first > 1:
            other = max(np.float32(spacing * (i - queue[first + 1])), values[queue[first + 1]])
            if other > best:
                break
            first, best = first + 1, other
        nearest[i] = best


@helper
def _spread_both_ways(
    distances: Floats, at: int, step: int, length: int, spacing: float, queue: npt.NDArray[np.int64], lines: Floats
) -> None:
    """The same over all pixels of the line that begins at ``at`` and goes on every ``step``, in place."""
    there, back, least, from_behind = lines[0], lines[1], lines[2], lines[3]
    for i in range(length):
        there[i] = back[length - 1 - i] = distances[at + i * step]
    _spread(there, length, spacing, queue, least)
    _spread(back, length, spacing, queue, from_behind)
    for i in range(length):
        distances[at + i * step] = min(least[i], from_behind[length - 1 - i])


@kernel
def spaced_distances_of(
    words: Words,
    start: int,
    count: int,
    shape: Shape,
    spacing: Steps,
    far: float,
    queue: npt.NDArray[np.int64],
    lines: Floats,
    distances: Floats,
) -> None:
    """Distances of ``count`` images whose packed bits begin at ``start``, ``far`` where there is no background."""
    depth, height, width = shape.depth, shape.height, shape.width
    for image in range(count):
        first = image * depth * height * width
        for row in range(depth * height):
            _fill_row(words, start + first + row * width, width, spacing[2], distances, first + row * width)
        if height > 1:
            for slab in range(depth):
                for x in range(width):
                    at = first + slab * height * width + x
                    _spread_both_ways(distances, at, width, height, spacing[1], queue, lines)
        if depth > 1:
            for pixel in range(height * width):
                _spread_both_ways(distances, first + pixel, height * width, depth, spacing[0], queue, lines)
    for i in range(count * depth * height * width):
        if distances[i] == np.float32(np.inf):
            distances[i] = np.float32(far)


@helper
def _raise_levels(maxima: Floats, first: int, step: int, spacing: float, levels: Floats) -> None:
    """Raise the levels along an axis to the largest min(maximum, length) over the places before, and the place itself.

    The maximum of all up to some place is as good as its own: it is that of a place farther away. So one side rises
    while the other falls, and the largest is where they cross, which moves on with the place.
    """
    before, crossing = np.float32(0), 0  # the largest of the maxima before the crossing
    for i in range(maxima.size):
        while True:
            length = np.float32(spacing * (i - crossing))
            largest = max(before, maxima[first + crossing * step])
            if largest >= length:
                break
            before, crossing = largest, crossing + 1
        levels[first + i * step] = max(levels[first + i * step], max(before, length))


@kernel
def spaced_levels_of(maxima: Floats, spacing: float, levels: Floats) -> None:
    """Raise the levels along an axis, from the largest distances of the rows, columns or slices across it."""
    _raise_levels(maxima, 0, 1, spacing, levels)
    _raise_levels(maxima, maxima.size - 1, -1, spacing, levels)


# ------------------------------------------------------------------------------------------------ batches


def _measure(packed: PackedMasks, first: int, last: int, spacing: Steps, distances: Numbers) -> None:
    shape = packed.shape
    queue = np.empty(shape.cap, np.int64)
    lines = np.empty((4, shape.cap), np.float32)
    far = largest_distance(shape, spacing)
    spaced_distances_of(packed.words, first * shape.pixels, last - first, shape, spacing, far, queue, lines, distances)


def spaced_distances(packed: PackedMasks, spacing: Steps) -> Floats:
    """Distances of a batch, shape (images, depth, height, width)."""
    distances = np.empty((packed.images, *packed.shape), np.float32)
    flat, pixels = distances.reshape(-1), packed.shape.pixels

    def work(first: int, last: int) -> None:
        _measure(packed, first, last, spacing, flat[first * pixels : last * pixels])

    share(work, packed.images, pixels)
    return distances


def spaced_sizes(packed: PackedMasks, spacing: Steps) -> Floats:
    """Sizes of a batch, shape (images)."""
    sizes = np.empty(packed.images, np.float32)

    def work(first: int, last: int) -> None:
        distances = np.empty(packed.shape.pixels, np.float32)
        for image in range(first, last):
            _measure(packed, image, image + 1, spacing, distances)
            sizes[image] = 2 * distances.max()

    share(work, packed.images, packed.shape.pixels)
    return sizes


def replace_by_sizes_without(distances: Floats, spacing: Steps) -> None:
    """Replace the distances of one image by its sizes after removing each foreground pixel, see docs/exact.md.

    At background, where nothing is to be removed, that is the size as it is.
    """
    size: Any = np.float32(0)
    for axis in range(3):
        others = tuple({0, 1, 2} - {axis})
        maxima = distances.max(others)
        levels = np.zeros_like(maxima)
        spaced_levels_of(maxima, spacing[axis], levels)
        size = np.maximum(size, 2 * np.expand_dims(levels, others))
    distances[...] = size
