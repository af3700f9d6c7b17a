"""How many background pixels each window holds: none, one or more, in two bit planes.

The planes are "at least one" and "at least two". Disjoint parts A, B of a window add up to
two = two_A | two_B | one_A & one_B, one = one_A | one_B.
"""

import numpy as np

from chdt.cpu.kernels.jit import helper, outlined
from chdt.cpu.kernels.lanes import VECTOR_WORDS, load_words, store
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.planes import (
    AXES,
    PlaneLayout,
    length_of,
    move_of,
    moved_higher,
    moved_lower,
    pattern_of,
    period_of,
    plane_at,
)
from chdt.cpu.kernels.spaced_lines import Radii

#
# How many background pixels are in a window is counted as none, one or more: two planes, "at least one" and "at least
# two". Disjoint parts A, B of a window add up to two = two_A | two_B | one_A & one_B, one = one_A | one_B.
#
# The planes come in pairs, one and two. Where they have done their first service, they do another.
COUNTS, DOUBLED, LOWER = 0, 2, 4

FLIP_PLANES = ERODED = 6


@helper
def _add_moved(
    grid: PlaneLayout, patterns: Words, planes: Words, exponent: int, axis: int, higher: bool, source: int, target: int
) -> None:
    """To the counts in ``target`` add those in ``source``; first move one of the two by 2^exponent pixels.

    ``target`` moves, and ``source`` is disjoint from it then. Where both are the same planes, windows double.
    """
    one_s, two_s = plane_at(grid, source), plane_at(grid, source + 1)
    one_t, two_t = plane_at(grid, target), plane_at(grid, target + 1)
    pattern, period, move = (
        pattern_of(grid, axis, exponent, higher),
        period_of(grid, axis),
        move_of(grid, axis, exponent),
    )
    # In place, so begin where nothing comes from.
    at, step = (grid.words - VECTOR_WORDS, -VECTOR_WORDS) if higher else (0, VECTOR_WORDS)
    k = at % period
    for _ in range(0, grid.words, VECTOR_WORDS):
        if higher:
            one = moved_higher(grid, planes, one_t, at, move)
            two = moved_higher(grid, planes, two_t, at, move)
        else:
            one = moved_lower(grid, planes, one_t, at, move)
            two = moved_lower(grid, planes, two_t, at, move)
        keep = load_words(patterns, pattern + k)
        one, two = one & keep, two & keep
        others = load_words(planes, one_s + at)
        store(planes, two_t + at, two | load_words(planes, two_s + at) | (one & others))
        store(planes, one_t + at, one | others)
        at, k = at + step, k + step
        k = period - VECTOR_WORDS if k < 0 else 0 if k == period else k


@helper
def _copy_counts(grid: PlaneLayout, planes: Words, source: int, target: int) -> None:
    for plane in range(2):
        for at in range(0, grid.words, VECTOR_WORDS):
            counts = load_words(planes, plane_at(grid, source + plane) + at)
            store(planes, plane_at(grid, target + plane) + at, counts)


@helper
def _count_on_one_side(
    grid: PlaneLayout, patterns: Words, planes: Words, width: int, axis: int, higher: bool, doubled: int, target: int
) -> None:
    """Counts in windows of ``width`` pixels that end at each pixel, from those in windows of one in ``doubled``."""
    empty, exponent = True, 0
    while True:
        if (width >> exponent) & 1:
            if empty:
                _copy_counts(grid, planes, doubled, target)
                empty = False
            else:
                _add_moved(grid, patterns, planes, exponent, axis, higher, doubled, target)
        if width >> (exponent + 1) == 0:
            return
        _add_moved(grid, patterns, planes, exponent, axis, higher, doubled, doubled)
        exponent += 1


@outlined
def _count_along(grid: PlaneLayout, patterns: Words, planes: Words, radius: int, axis: int) -> None:
    """Counts in windows of this radius along one axis, cut at the border, in place of the counts."""
    if radius == 0:
        return
    _copy_counts(grid, planes, COUNTS, DOUBLED)
    _count_on_one_side(grid, patterns, planes, radius + 1, axis, True, DOUBLED, LOWER)  # to the pixel itself
    _count_on_one_side(grid, patterns, planes, radius, axis, False, COUNTS, DOUBLED)  # from the pixel on
    # Those behind the pixel, without it, are the second window one pixel later.
    _add_moved(grid, patterns, planes, 0, axis, False, LOWER, DOUBLED)
    _copy_counts(grid, planes, DOUBLED, COUNTS)


@helper
def count_in_windows(grid: PlaneLayout, patterns: Words, planes: Words, radii: Radii) -> None:
    """How many bits of plane COUNTS each window of these radii holds, in place."""
    two = plane_at(grid, COUNTS + 1)
    for at in range(grid.words):
        planes[two + at] = np.uint64(0)
    for axis in range(AXES):
        _count_along(grid, patterns, planes, min(radii[axis], length_of(grid, axis) - 1), axis)
