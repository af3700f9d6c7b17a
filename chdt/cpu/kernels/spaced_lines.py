"""Distances with a spacing, line by line.

One axis after the other. Along a line, with v_j the distance of pixel j by the axes before, the distance by one axis
more is t_i = min over j of max(spacing·|i - j|, v_j).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.shape import Shape, Steps
from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.packing import WORD_BITS, Words, read_bits

Floats = npt.NDArray[np.float32]

Radii = tuple[int, int, int]  # of a window, in pixels along the columns, the rows and the slices


class Windows(NamedTuple):
    """What a window is for each r: all pixels that are nearer to its centre than r."""

    distances: Floats  # every r that a distance in the grid may have, from 0 on
    radii: npt.NDArray[np.int64]  # for each of them, the `Radii` of the grid without single pixels


@helper
def _fill_row(packed: Words, start: int, width: int, spacing: float, distances: Floats, at: int) -> None:
    """Distances along a row to background in that row, infinite if there is none."""
    last = -1  # the last background pixel, once there is one
    for x in range(width):
        if x % WORD_BITS == 0:
            bits = read_bits(packed, start + x, min(WORD_BITS, width - x))
        if (bits >> np.uint64(x % WORD_BITS)) & np.uint64(1) == 0:
            last = x
        distances[at + x] = np.float32(spacing * (x - last)) if last >= 0 else np.float32(np.inf)
    for x in range(width - 1, -1, -1):
        if distances[at + x] == 0:
            last = x
        if last >= x:
            distances[at + x] = min(distances[at + x], np.float32(spacing * (last - x)))


@helper
def _propagate(values: Floats, length: int, spacing: float, queue: npt.NDArray[np.int64], nearest: Floats) -> None:
    """Write nearest_i = min over j <= i of max(spacing·(i - j), value_j), in time proportional to the length.

    The queue holds the candidates j that may still give the minimum, in rising order of j and of value. Once the second
    one is as good as the first, the first is dropped: its distance only grows.
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
def _propagate_both_ways(
    distances: Floats, at: int, step: int, length: int, spacing: float, queue: npt.NDArray[np.int64], lines: Floats
) -> None:
    """Replace the values of a line by the minimum over all its pixels; it begins at ``at`` and goes on every ``step``.

    ``lines`` is memory for four lines, ``queue`` for the indices of one.
    """
    there, back, least, from_behind = lines[0], lines[1], lines[2], lines[3]
    for i in range(length):
        there[i] = back[length - 1 - i] = distances[at + i * step]
    _propagate(there, length, spacing, queue, least)
    _propagate(back, length, spacing, queue, from_behind)
    for i in range(length):
        distances[at + i * step] = min(least[i], from_behind[length - 1 - i])


@kernel
def spaced_distances_of(
    packed: Words,
    start: int,
    count: int,
    shape: Shape,
    spacing: Steps,
    far: float,
    queue: npt.NDArray[np.int64],
    lines: Floats,
    distances: Floats,
) -> None:
    """Write distances of ``count`` images whose packed bits begin at ``start``; ``far`` if there is no background."""
    depth, height, width = shape.depth, shape.height, shape.width
    for image in range(count):
        first = image * depth * height * width
        for row in range(depth * height):
            _fill_row(packed, start + first + row * width, width, spacing[2], distances, first + row * width)
        if height > 1:
            for slab in range(depth):
                for x in range(width):
                    at = first + slab * height * width + x
                    _propagate_both_ways(distances, at, width, height, spacing[1], queue, lines)
        if depth > 1:
            for pixel in range(height * width):
                _propagate_both_ways(distances, first + pixel, height * width, depth, spacing[0], queue, lines)
    for i in range(count * depth * height * width):
        if distances[i] == np.float32(np.inf):
            distances[i] = np.float32(far)


@helper
def _raise_levels(maxima: Floats, first: int, step: int, spacing: float, levels: Floats) -> None:
    """Raise level_i to the largest min(maximum_j, spacing·(i - j)) over j <= i, in time proportional to the size.

    maximum_j may be replaced by the largest maximum up to j: that one lies farther away, so its minimum counts anyway.
    It rises with j while the length falls. The largest minimum is where they cross, and the crossing moves on with i.
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
