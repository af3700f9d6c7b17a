"""Erosions of objects in bit planes, by two shifts an axis, and the search for the radius at which one vanishes."""

import numpy as np

from chdt.cpu.kernels.jit import helper
from chdt.cpu.kernels.lanes import VECTOR_WORDS, Vector, any_set, lanes_before, lanes_behind, load_words, store
from chdt.cpu.kernels.packing import WORD_BITS, Words
from chdt.cpu.kernels.planes import (
    COLUMNS,
    INSIDE,
    ROWS,
    SLICES,
    Move,
    PlaneLayout,
    length_of,
    move_of,
    moved_higher,
    moved_lower,
    objects_in_words,
    pattern_of,
    period_of,
    plane_at,
)


@helper
def dilate(
    grid: PlaneLayout, patterns: Words, planes: Words, axis: int, exponent: int, background: int, dilated: int
) -> Vector:
    """Background within 2^exponent pixels along one axis, by two shifts; give a vector that shows what is left.

    Lane j of it is not zero if something is left in one of the words j, j + 8, j + 16, ...

    One after the other, the axes dilate by all shifts of 0 or 2^exponent pixels an axis. Background that was dilated by
    radius r is then dilated by radius r + 2^exponent, if 2^exponent <= r + 1: docs/exact.md says why.
    """
    higher, lower = pattern_of(grid, axis, exponent, True), pattern_of(grid, axis, exponent, False)
    period, move = period_of(grid, axis), move_of(grid, axis, exponent)
    left = load_words(planes, 0)  # nothing: these words are spare
    k = 0
    for at in range(0, grid.words, VECTOR_WORDS):
        grown = load_words(planes, background + at)
        object_before = load_words(patterns, INSIDE + at) & ~grown
        # Mostly, in the end, there is no object to grow into.
        if grid.interleaved > 1 or any_set(object_before):
            grown |= moved_higher(grid, planes, background, at, move) & load_words(patterns, higher + k)
            grown |= moved_lower(grid, planes, background, at, move) & load_words(patterns, lower + k)
            left |= object_before & ~grown
        store(planes, dilated + at, grown)
        k += VECTOR_WORDS
        if k == period:
            k = 0
    return left


@helper
def _dilated_along_rows(
    grid: PlaneLayout, patterns: Words, planes: Words, exponent: int, background: int, at: int, k: int, move: Move
) -> Vector:
    """Eight words of the background within 2^exponent rows; in a grid of one slice, some may be below it."""
    higher, lower = moved_higher(grid, planes, background, at, move), moved_lower(grid, planes, background, at, move)
    if grid.row_period > 0:
        higher &= load_words(patterns, pattern_of(grid, ROWS, exponent, True) + k)
        lower &= load_words(patterns, pattern_of(grid, ROWS, exponent, False) + k)
    return load_words(planes, background + at) | higher | lower


@helper
def _dilate_rows_and_columns(
    grid: PlaneLayout, patterns: Words, planes: Words, exponent: int, background: int, dilated: int
) -> Vector:
    """The same as `dilate` along the rows, then along the columns, in one pass: by less than a word."""
    along_rows, along_columns = move_of(grid, ROWS, exponent), move_of(grid, COLUMNS, exponent)
    higher, lower = pattern_of(grid, COLUMNS, exponent, True), pattern_of(grid, COLUMNS, exponent, False)
    shift, back = along_columns.shift, np.uint64(WORD_BITS) - along_columns.shift
    left, nothing = load_words(planes, 0), load_words(planes, 0)  # these words are spare
    before = nothing
    here = _dilated_along_rows(grid, patterns, planes, exponent, background, 0, 0, along_rows)
    keep_higher, keep_lower = load_words(patterns, higher), load_words(patterns, lower)
    column_k, row_k = 0, 0
    for at in range(0, grid.words, VECTOR_WORDS):
        behind = nothing
        if at + VECTOR_WORDS < grid.words:
            row_k = 0 if row_k + VECTOR_WORDS >= grid.row_period else row_k + VECTOR_WORDS
            behind = _dilated_along_rows(
                grid, patterns, planes, exponent, background, at + VECTOR_WORDS, row_k, along_rows
            )
        to_higher, to_lower = here << shift, here >> shift
        if along_columns.carries:
            word_before = before if grid.interleaved > 1 else lanes_before(before, here)
            word_behind = behind if grid.interleaved > 1 else lanes_behind(here, behind)
            to_higher |= word_before >> back
            to_lower |= word_behind << back
        grown = here | (to_higher & keep_higher) | (to_lower & keep_lower)
        inside = load_words(patterns, INSIDE + at)
        store(planes, dilated + at, grown & inside)
        left |= inside & ~grown
        before, here = here, behind
        if grid.column_period > VECTOR_WORDS:
            column_k = 0 if column_k + VECTOR_WORDS == grid.column_period else column_k + VECTOR_WORDS
            keep_higher, keep_lower = load_words(patterns, higher + column_k), load_words(patterns, lower + column_k)
    return left


@helper
def exponent_towards(radius: int, done: int) -> int:
    """The exponent of the next step of a dilation by this radius, ``done`` of it done: the highest `dilate` allows."""
    exponent = 0
    while (2 << exponent) <= min(done + 1, radius - done):
        exponent += 1
    return exponent


@helper
def erode(
    grid: PlaneLayout, patterns: Words, planes: Words, exponent: int, source: int, other: int, target: int
) -> Vector:
    """Erode by 2^exponent pixels along all axes, the background being in the plane at ``source``, then in ``target``.

    Give what is left, as `dilate` does. The plane at ``other`` is worked in. In a grid of one pixel nothing is left.
    """
    left = load_words(planes, 0)  # nothing: these words are spare
    at_once = grid.height > 1 and grid.width > 1 and (1 << exponent) < WORD_BITS
    passes = (grid.depth > 1) + (grid.height > 1) + (grid.width > 1) - at_once
    to, spare = (target, other) if passes % 2 == 1 else (other, target)
    if grid.depth > 1:
        left = dilate(grid, patterns, planes, SLICES, exponent, source, to)
        source, to, spare = to, spare, to
    if at_once:
        return _dilate_rows_and_columns(grid, patterns, planes, exponent, source, to)
    for axis in (COLUMNS, ROWS):
        if length_of(grid, axis) > 1:
            left = dilate(grid, patterns, planes, axis, exponent, source, to)
            source, to, spare = to, spare, to
    return left


@helper
def largest_distance(
    grid: PlaneLayout,
    patterns: Words,
    planes: Words,
    number: int,
    known: int,
    most: int,
    begin: int,
    end: int,
) -> int:
    """The largest distance in words ``begin`` to before ``end`` of a plane, at most ``most``; 0 if not above ``known``.

    Three planes from ``number`` on are worked in; the first holds the background. The object is eroded by ``known``
    pixels, then by 1, 2, 4, ... until nothing is left, then by half as many each time.
    """
    current, first, second = plane_at(grid, number), plane_at(grid, number + 1), plane_at(grid, number + 2)
    if not any_set(objects_in_words(grid, patterns, planes, current, begin, end)):
        return 0
    radius = 0
    while radius < known:
        exponent = exponent_towards(known, radius)
        erode(grid, patterns, planes, exponent, current, first, second)
        if not any_set(objects_in_words(grid, patterns, planes, second, begin, end)):
            return 0
        current, second = second, current
        radius += 1 << exponent
    exponent, rising = 0, True
    while (rising or exponent > 0) and radius + 1 < most:
        if not rising:
            exponent -= 1
        erode(grid, patterns, planes, exponent, current, first, second)
        if any_set(objects_in_words(grid, patterns, planes, second, begin, end)):
            current, second = second, current
            radius += 1 << exponent
            exponent += rising
        else:
            rising = False
    return min(radius + 1, most)


@helper
def dilate_along(
    grid: PlaneLayout, patterns: Words, planes: Words, axis: int, radius: int, source: int, target: int
) -> tuple[int, int]:
    """Background within this radius along an axis; give where it is, and where the other plane is."""
    done = 0
    while done < radius:
        exponent = exponent_towards(radius, done)
        dilate(grid, patterns, planes, axis, exponent, source, target)
        source, target = target, source
        done += 1 << exponent
    return source, target
