"""How many background pixels each window holds: none, one or more, in two bit planes.

The planes are "at least one" and "at least two". Disjoint parts A, B of a window add up to
two = two_A | two_B | one_A & one_B, one = one_A | one_B. Windows are built by doubling, axis by axis.
"""

import numpy as np

from chdt.checks.ranks import Radii
from chdt.cpu.kernels.erosions import dilate_along
from chdt.cpu.kernels.jit import helper, outlined
from chdt.cpu.kernels.lanes import VECTOR_WORDS, Vector, Word, load_words, store
from chdt.cpu.kernels.planes import (
    AXES,
    Planes,
    add_border,
    copy_plane,
    length_of,
    move_of,
    moved_higher,
    moved_lower,
    plane_at,
)

# The planes of a thread that finds flips. Counts are pairs of planes, "at least one" and "at least two", that are
# reused as scratch once consumed.
COUNTS, DOUBLED, LOWER = 0, 2, 4

BACKGROUND = 6  # of the image; in small grids, what is left of it by 1, 2, ... erosions follows

FLIP_PLANES = 7


@helper
def with_more(one: Vector | Word, two: Vector | Word, more: Vector | Word) -> tuple[Vector | Word, Vector | Word]:
    """Which windows hold at least one pixel, and at least two, where some of them get one more."""
    return one | more, two | (one & more)


@helper
def _add_moved(planes: Planes, exponent: int, axis: int, higher: bool, source: int, target: int) -> None:
    """To the counts in ``target``, moved by 2^exponent pixels, add those in ``source``: they must be disjoint then.

    Where both are the same planes, windows double.
    """
    layout, patterns, words = planes.layout, planes.patterns, planes.words
    one_s, two_s = plane_at(layout, source), plane_at(layout, source + 1)
    one_t, two_t = plane_at(layout, target), plane_at(layout, target + 1)
    move = move_of(layout, axis, exponent)
    pattern = move.keep_higher if higher else move.keep_lower
    # In place, so begin where nothing comes from.
    at, step = (layout.plane_words - VECTOR_WORDS, -VECTOR_WORDS) if higher else (0, VECTOR_WORDS)
    k = at % move.period
    for _ in range(0, layout.plane_words, VECTOR_WORDS):
        if higher:
            one, two = moved_higher(planes, one_t, at, move), moved_higher(planes, two_t, at, move)
        else:
            one, two = moved_lower(planes, one_t, at, move), moved_lower(planes, two_t, at, move)
        keep = load_words(patterns, pattern + k)
        one, two = one & keep, two & keep
        others = load_words(words, one_s + at)
        store(words, two_t + at, two | load_words(words, two_s + at) | (one & others))
        store(words, one_t + at, one | others)
        at, k = at + step, k + step
        k = move.period - VECTOR_WORDS if k < 0 else 0 if k == move.period else k


@helper
def _copy_counts(planes: Planes, source: int, target: int) -> None:
    for index in range(2):
        copy_plane(planes, plane_at(planes.layout, source + index), plane_at(planes.layout, target + index))


@helper
def _count_on_one_side(planes: Planes, width: int, axis: int, higher: bool, doubled: int, target: int) -> None:
    """Counts in windows of ``width`` pixels that end at each pixel, from those in windows of one in ``doubled``."""
    empty, exponent = True, 0
    while True:
        if (width >> exponent) & 1:
            if empty:
                _copy_counts(planes, doubled, target)
                empty = False
            else:
                _add_moved(planes, exponent, axis, higher, doubled, target)
        if width >> (exponent + 1) == 0:
            return
        _add_moved(planes, exponent, axis, higher, doubled, doubled)
        exponent += 1


@outlined
def count_along(planes: Planes, radius: int, axis: int) -> None:
    """Counts in windows of this radius along one axis, cut at the border, in place of the counts."""
    if radius == 0:
        return
    _copy_counts(planes, COUNTS, DOUBLED)
    _count_on_one_side(planes, radius + 1, axis, True, DOUBLED, LOWER)  # to the pixel itself
    _count_on_one_side(planes, radius, axis, False, COUNTS, DOUBLED)  # from the pixel on
    # Those behind the pixel, without it, are the second window one pixel later.
    _add_moved(planes, 0, axis, False, LOWER, DOUBLED)
    _copy_counts(planes, DOUBLED, COUNTS)


@outlined
def _count_border(planes: Planes, radius: int) -> None:
    """Let windows of this radius that reach out of the grid hold more than one background pixel, as they then do."""
    if radius == 0:
        return
    layout, words = planes.layout, planes.words
    two, reached, other = plane_at(layout, COUNTS + 1), plane_at(layout, DOUBLED), plane_at(layout, LOWER)
    for at in range(layout.plane_words):
        words[reached + at] = np.uint64(0)
    add_border(planes, reached)
    for axis in range(AXES):
        reached, other = dilate_along(planes, axis, min(radius, length_of(layout, axis)) - 1, reached, other)
    for at in range(layout.plane_words):
        words[two + at] |= words[reached + at]


@helper
def count_in_windows(planes: Planes, radii: Radii) -> None:
    """Leave in the planes from COUNTS on how many background pixels each window of these radii holds."""
    layout = planes.layout
    copy_plane(planes, plane_at(layout, BACKGROUND), plane_at(layout, COUNTS))
    two = plane_at(layout, COUNTS + 1)
    for at in range(layout.plane_words):
        planes.words[two + at] = np.uint64(0)
    for axis in range(AXES):
        count_along(planes, min(radii[axis], length_of(layout, axis) - 1), axis)
    if layout.black_border:
        _count_border(planes, radii[0])
