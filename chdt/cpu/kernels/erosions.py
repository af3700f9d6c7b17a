"""Erosions of objects in bit planes, by two shifts an axis: dilations of their background."""

import numpy as np

from chdt.cpu.kernels.jit import helper, hot_helper
from chdt.cpu.kernels.lanes import VECTOR_WORDS, Vector, any_set, lanes_before, lanes_behind, load_words, store
from chdt.cpu.kernels.packing import WORD_BITS
from chdt.cpu.kernels.planes import (
    COLUMNS,
    INSIDE,
    ROWS,
    SLICES,
    Move,
    Planes,
    add_border,
    move_of,
    moved_higher,
    moved_lower,
    nothing_in,
    objects_in,
)


@hot_helper
def dilate(planes: Planes, axis: int, exponent: int, background_at: int, dilated_at: int) -> Vector:
    """Write the background within 2^exponent pixels along one axis; give a vector that shows what is left.

    Lane j of it is not zero if object remains in one of the words j, j + 8, j + 16, ...

    One after the other, the axes dilate by all shifts of 0 or 2^exponent pixels an axis. Background that was dilated by
    radius r is then dilated by radius r + 2^exponent, if 2^exponent <= r + 1: docs/exact.md says why.
    """
    words, patterns, move = planes.words, planes.patterns, move_of(planes.layout, axis, exponent)
    left = nothing_in(planes)
    # Mostly, in the end, there is no object to grow into; of eight images, mostly some have one. Asked of a vector, as
    # LLVM makes many instructions of two conditions.
    in_any_case = left if planes.layout.interleaved == 1 else ~left
    k = 0
    for at in range(0, planes.layout.plane_words, VECTOR_WORDS):
        grown = load_words(words, background_at + at)
        object_before = load_words(patterns, INSIDE + at) & ~grown
        if any_set(object_before | in_any_case):
            grown |= moved_higher(planes, background_at, at, move) & load_words(patterns, move.keep_higher + k)
            grown |= moved_lower(planes, background_at, at, move) & load_words(patterns, move.keep_lower + k)
            left |= object_before & ~grown
        store(words, dilated_at + at, grown)
        k += VECTOR_WORDS
        if k == move.period:
            k = 0
    return left


@hot_helper
def _dilated_along_rows(planes: Planes, has_rows: bool, background_at: int, at: int, k: int, move: Move) -> Vector:
    """Eight words of the background as moved from row to row; bits of a single slice may land below it."""
    here = load_words(planes.words, background_at + at)
    if not has_rows:
        return here
    higher, lower = moved_higher(planes, background_at, at, move), moved_lower(planes, background_at, at, move)
    if planes.layout.row_period > 0:
        higher &= load_words(planes.patterns, move.keep_higher + k)
        lower &= load_words(planes.patterns, move.keep_lower + k)
    return here | higher | lower


@hot_helper
def dilate_rows_and_columns(
    planes: Planes, exponent: int, has_rows: bool, background_at: int, dilated_at: int
) -> Vector:
    """`dilate` from row to row, if wanted, then along the rows, in one pass. It requires 2^exponent < 64."""
    layout, patterns = planes.layout, planes.patterns
    along_rows, along_columns = move_of(layout, ROWS, exponent), move_of(layout, COLUMNS, exponent)
    shift, back = along_columns.shift, np.uint64(WORD_BITS) - along_columns.shift
    left, nothing = nothing_in(planes), nothing_in(planes)
    before, behind = nothing, _dilated_along_rows(planes, has_rows, background_at, 0, 0, along_rows)
    keep_higher, keep_lower = (
        load_words(patterns, along_columns.keep_higher),
        load_words(patterns, along_columns.keep_lower),
    )
    column_k, row_k = 0, 0
    for at in range(0, layout.plane_words, VECTOR_WORDS):
        here, behind = behind, nothing
        if at + VECTOR_WORDS < layout.plane_words:
            row_k = 0 if row_k + VECTOR_WORDS >= layout.row_period else row_k + VECTOR_WORDS
            behind = _dilated_along_rows(planes, has_rows, background_at, at + VECTOR_WORDS, row_k, along_rows)
        to_higher, to_lower = here << shift, here >> shift
        if along_columns.carries:
            word_before = before if layout.interleaved > 1 else lanes_before(before, here)
            word_behind = behind if layout.interleaved > 1 else lanes_behind(here, behind)
            to_higher |= word_before >> back
            to_lower |= word_behind << back
        grown = here | (to_higher & keep_higher) | (to_lower & keep_lower)
        inside = load_words(patterns, INSIDE + at)
        store(planes.words, dilated_at + at, grown & inside)
        left |= inside & ~grown
        before = here
        if layout.column_period > VECTOR_WORDS:
            column_k = 0 if column_k + VECTOR_WORDS == layout.column_period else column_k + VECTOR_WORDS
            keep_higher = load_words(patterns, along_columns.keep_higher + column_k)
            keep_lower = load_words(patterns, along_columns.keep_lower + column_k)
    return left


@helper
def exponent_towards(radius: int, done: int) -> int:
    """The exponent of the next step of a dilation by this radius, ``done`` of it done: the highest `dilate` allows."""
    exponent = 0
    while (2 << exponent) <= min(done + 1, radius - done):
        exponent += 1
    return exponent


@helper
def erode(planes: Planes, exponent: int, source_at: int, other_at: int, target_at: int) -> Vector:
    """Erode by 2^exponent pixels along all axes; give what is left, as `dilate` does.

    The background is read from the plane at ``source_at`` and written to that at ``target_at``; the one at ``other_at``
    is worked in. In a grid of one pixel nothing is left, and nothing is written.
    """
    layout = planes.layout
    left = nothing_in(planes)
    at_once = layout.width > 1 and (1 << exponent) < WORD_BITS
    passes = (layout.depth > 1) + (1 if at_once else (layout.height > 1) + (layout.width > 1))
    to, spare = (target_at, other_at) if passes % 2 == 1 else (other_at, target_at)
    # One call for each axis, not a loop: moves along an axis that is known while compiling take less time.
    if layout.depth > 1:
        left = dilate(planes, SLICES, exponent, source_at, to)
        source_at, to, spare = to, spare, to
    if at_once:
        return dilate_rows_and_columns(planes, exponent, layout.height > 1, source_at, to)
    if layout.height > 1:
        left = dilate(planes, ROWS, exponent, source_at, to)
        source_at, to, spare = to, spare, to
    if layout.width > 1:
        left = dilate(planes, COLUMNS, exponent, source_at, to)
    return left


@helper
def erode_once_more(planes: Planes, count: int, source_at: int, other_at: int, target_at: int) -> Vector:
    """`erode` by a pixel, for the ``count``-th time; the first time by a black border, too."""
    left = erode(planes, 0, source_at, other_at, target_at)
    if count == 1 and planes.layout.black_border:
        add_border(planes, target_at)
        left = objects_in(planes, target_at, 0, planes.layout.plane_words)
    return left


@helper
def dilate_along(planes: Planes, axis: int, radius: int, source_at: int, target_at: int) -> tuple[int, int]:
    """Dilate the background by any radius along an axis; give where it is, and where the plane to work in is.

    It is read from the plane at ``source_at``, which is overwritten as that at ``target_at`` is.
    """
    done = 0
    while done < radius:
        exponent = exponent_towards(radius, done)
        dilate(planes, axis, exponent, source_at, target_at)
        source_at, target_at = target_at, source_at
        done += 1 << exponent
    return source_at, target_at
