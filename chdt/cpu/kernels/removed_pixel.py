"""A foreground pixel removed: the levels of columns, rows and slabs (Theorem 1 of docs/exact.md).

With D the largest distance, removing a foreground pixel leaves size 2r, for the largest r <= D whose pixels at distance
r or more (the set S_r) reach r or more away from it. How far a set reaches depends on its bounding box alone, so the
answers are nested boxes: each slice, row and column has a level, the least r for which S_r does not reach r away from
it along that axis, and the answer at a pixel is 2 (the largest level of its slice, row and column - 1).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from chdt.checks.ranks import Ranks
from chdt.cpu.kernels.box_erosions import erode_to_next_rank, last_rank, radius_within
from chdt.cpu.kernels.erosions import erode_once_more
from chdt.cpu.kernels.jit import helper, outlined
from chdt.cpu.kernels.lanes import (
    BLOCK,
    VECTOR_WORDS,
    Numbers,
    Vector,
    Word,
    aligned,
    any_set,
    fill,
    joined,
    leading_zeros,
    less_bits,
    lowest_bit,
    spread,
    store,
)
from chdt.cpu.kernels.packing import WORD_BITS, low_bits
from chdt.cpu.kernels.planes import (
    COLUMNS,
    INSIDE,
    ROWS,
    Planes,
    copy_plane,
    eight_rows,
    nothing_in,
    objects_at,
    objects_in,
    plane_at,
)
from chdt.cpu.kernels.rows import RowLayout, slab_axis
from chdt.cpu.kernels.window_counts import BACKGROUND
from chdt.cpu.kernels.writing import write_number


@helper
def level_places(layout: RowLayout) -> tuple[int, int]:
    """Where the levels of rows and of slabs begin, behind those of columns; there is room for whole vectors."""
    of_rows = layout.blocks * BLOCK
    return of_rows, of_rows + _padded(layout.rows)


# A row's level is the least r with S_r not reaching r away from it. The rows not reached are an interval that shrinks
# as r falls, so it is known by where it begins and ends.
@helper
def _not_reached(radius: int, nearest: int, farthest: int, begin: int, end: int) -> tuple[int, int]:
    """Of the rows from ``begin`` to before ``end`` those that are within a radius of the nearest and the farthest."""
    return max(begin, farthest - radius), min(end, nearest + radius + 1)


@helper
def _set_levels(level: int, begin: int, end: int, new: tuple[int, int], levels: Numbers, at: int) -> None:
    """Set the level of the rows from ``begin`` to before ``end`` without the new ones."""
    write_number(levels, at + begin, at + new[0], level)
    write_number(levels, at + new[1], at + end, level)


@outlined
def find_levels(
    maxima: Numbers, first: int, count: int, largest: int, ranks: Ranks | None, axis: int, levels: Numbers, at: int
) -> None:
    """Write the level of each of ``count`` rows, or columns, from ``at`` on; ``axis`` is the one that they lie along.

    Their largest distances are the maxima from ``first`` on, which are overwritten; ``largest`` is that of the image.
    With a spacing, all are ranks.
    """
    # S_r begins where the largest distance so far reaches r, and ends where that from the other end does.
    nearest, farthest = first, first + count - 1
    while maxima[nearest] < largest:
        maxima[nearest + 1] = max(maxima[nearest], maxima[nearest + 1])
        nearest += 1
    while maxima[farthest] < largest:
        maxima[farthest - 1] = max(maxima[farthest - 1], maxima[farthest])
        farthest -= 1
    begin, end, r = 0, count, largest
    while r > 0:
        while nearest > first and maxima[nearest - 1] >= r:
            nearest -= 1
        while farthest < first + count - 1 and maxima[farthest + 1] >= r:
            farthest += 1
        new = _not_reached(radius_within(r, ranks, axis), nearest - first, farthest - first, begin, end)
        if new[0] >= new[1]:
            break
        _set_levels(r + 1, begin, end, new, levels, at)
        (begin, end), r = new, r - 1
    write_number(levels, at + begin, at + end, r + 1)


# In small grids S_r is what r - 1 erosions leave: that takes less time than distances do. All eroded planes are stored,
# because levels are read from the largest r down and stop early.
@helper
def erode_away(planes: Planes, ranks: Ranks | None) -> int:
    """Leave what is outside of S_1, S_2, ... in the planes from BACKGROUND on; give the last r whose S_r is not empty.

    The first one, all background pixels, must be there.
    """
    plane, work = plane_at(planes.layout, BACKGROUND), plane_at(planes.layout, 0)
    left = objects_in(planes, plane, 0, planes.layout.plane_words)
    r = 0
    while r < last_rank(planes.layout, ranks) and any_set(left):
        r += 1
        left = _erode_once(planes, ranks, r, plane, work, plane + planes.layout.stride)
        plane += planes.layout.stride
    return r


@helper
def _erode_once(planes: Planes, ranks: Ranks | None, done: int, source_at: int, work_at: int, target_at: int) -> Vector:
    """Erode to the next distance, or rank, into the plane at ``target_at``; give what is left."""
    if ranks is None:  # Numba compiles only the branch that is needed
        return erode_once_more(planes, done, source_at, work_at, target_at)
    left, result_at, _ = erode_to_next_rank(planes, ranks, done, source_at, work_at, target_at)
    if result_at != target_at:
        copy_plane(planes, result_at, target_at)
    return left


@helper
def _highest_bit(word: Word) -> int:
    """Index of the highest bit set; there must be one."""
    return WORD_BITS - 1 - leading_zeros(word)  # type: ignore[no-any-return]


@helper
def _pixel_at(planes: Planes, background_at: int, at: int, first: bool) -> int:
    """The first or the last pixel of an object in the eight words from ``at`` on of a plane; there must be one."""
    lanes = less_bits(nothing_in(planes), objects_at(planes, background_at, at))
    k = at + (lowest_bit(lanes) if first else _highest_bit(lanes))
    word = planes.patterns[INSIDE + k] & ~planes.words[background_at + k]
    return k * WORD_BITS + (lowest_bit(word) if first else _highest_bit(word))


@helper
def _rows_of_object(planes: Planes, background_at: int) -> tuple[int, int]:
    """The first and the last row, those of all slices counted on, that hold something of an object; one must.

    Of a plane of one vector, all rows: they are few, too.
    """
    first, last = 0, planes.layout.plane_words - VECTOR_WORDS
    if last == 0:
        return 0, planes.layout.depth * planes.layout.height - 1
    while not any_set(objects_at(planes, background_at, first)):
        first += VECTOR_WORDS
    while not any_set(objects_at(planes, background_at, last)):
        last -= VECTOR_WORDS
    pixels = _pixel_at(planes, background_at, first, True), _pixel_at(planes, background_at, last, False)
    return pixels[0] // planes.layout.pitch, pixels[1] // planes.layout.pitch


@helper
def _sides_of_rows(planes: Planes, background_at: int, first: int, last: int) -> tuple[Vector, Word]:
    """Which columns, in any of eight words, and which of the rows from ``first`` to ``last`` hold something."""
    columns, nothing, rows = nothing_in(planes), nothing_in(planes), np.uint64(0)
    for row in range(first, last + 1, VECTOR_WORDS):
        objects = eight_rows(planes, background_at, row, last) ^ low_bits(planes.layout.width)
        columns |= objects
        rows |= less_bits(nothing, objects) << np.uint64(row - first)
    return columns, rows & low_bits(last + 1 - first)


@helper
def _sides_of(planes: Planes, background_at: int, layout: RowLayout) -> tuple[Word, Word, Word]:
    """Which columns, rows and slabs hold something of an object, one bit each; there must be one."""
    first, last = _rows_of_object(planes, background_at)  # which are few: most erosions that count leave little
    if layout.rows == 1:
        columns, slabs = _sides_of_rows(planes, background_at, first, last)
        return joined(columns), np.uint64(0), slabs << np.uint64(first)
    columns, rows, slabs = nothing_in(planes), np.uint64(0), np.uint64(0)
    for slab in range(first // layout.rows, last // layout.rows + 1):
        of_slab, found = _sides_of_rows(planes, background_at, slab * layout.rows, (slab + 1) * layout.rows - 1)
        columns |= of_slab
        rows |= found
        slabs |= np.uint64(found != 0) << np.uint64(slab)
    return joined(columns), rows, slabs


@helper
def _still_not_reached(radius: int, objects: Word, before: Word) -> Word:
    """Of the rows ``before``, one bit each, those that are within a radius of all these rows with objects."""
    nearest, farthest = lowest_bit(objects), _highest_bit(objects)
    return before & low_bits(min(WORD_BITS, nearest + radius + 1)) & ~low_bits(max(0, farthest - radius))


@helper
def find_levels_of_eroded(
    largest: int, ranks: Ranks | None, layout: RowLayout, planes: Planes, levels: Numbers
) -> None:
    """Write the levels of all columns, rows and slabs, as far as they decide: once an axis has none, the others do not.

    Each begins at the largest r + 1, and falls by one with each r for which it is not reached. The planes are those
    that `erode_away` leaves.
    """
    of_columns = fill(largest + 1, np.uint8(0))
    of_rows = fill(largest + 1, np.uint8(0))
    of_slabs = fill(largest + 1, np.uint8(0))
    columns, rows, slabs = low_bits(layout.width), low_bits(layout.rows), low_bits(layout.slabs)
    r = largest
    while r > 0:
        in_columns, in_rows, in_slabs = _sides_of(planes, plane_at(planes.layout, BACKGROUND + r - 1), layout)
        columns = _still_not_reached(radius_within(r, ranks, COLUMNS), in_columns, columns)
        slabs = _still_not_reached(radius_within(r, ranks, slab_axis(layout)), in_slabs, slabs)
        if layout.rows > 1:
            rows = _still_not_reached(radius_within(r, ranks, ROWS), in_rows, rows)
        if columns == 0 or rows == 0 or slabs == 0:
            break
        of_columns -= spread(columns, np.uint8(1), np.uint8(0))
        of_rows -= spread(rows, np.uint8(1), np.uint8(0))
        of_slabs -= spread(slabs, np.uint8(1), np.uint8(0))
        r -= 1
    rows_at, slabs_at = level_places(layout)
    store(levels, 0, of_columns)
    store(levels, rows_at, of_rows)
    store(levels, slabs_at, of_slabs)


def levels_memory(layout: RowLayout, lanes: type[np.unsignedinteger[Any]]) -> npt.NDArray[Any]:
    """Memory for the levels of an image."""
    count = layout.blocks * BLOCK + _padded(layout.rows) + _padded(layout.slabs)
    return aligned(count, 0, lanes)  # type: ignore[no-any-return]


@helper
def _padded(count: int) -> int:
    return (count + BLOCK - 1) // BLOCK * BLOCK
