"""Distances with a spacing, line by line.

Axis by axis, they are a minimum of maxima along lines: of the values v that the axes before have left on a line,
t_i = min over j of max(spacing·|i - j|, v_j).
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
def _propagate_both_ways(
    distances: Floats, at: int, step: int, length: int, spacing: float, queue: npt.NDArray[np.int64], lines: Floats
) -> None:
    """The same over all pixels of the line that begins at ``at`` and goes on every ``step``, in place."""
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
    """Distances of ``count`` images whose packed bits begin at ``start``, ``far`` where there is no background."""
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
