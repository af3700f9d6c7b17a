"""Chebyshev distances in two passes over the rows, or slices, of a large grid, 64 pixels at a time (equation 3)."""

import numpy as np

from chdt.cpu.kernels.jit import helper, outlined
from chdt.cpu.kernels.lanes import (
    BLOCK,
    Number,
    Numbers,
    Vector,
    Word,
    falling,
    fill,
    leading_zeros,
    load_pixels,
    lowest_bit,
    maximum,
    minimum,
    rising,
    rotate,
    spread,
    store,
    widened,
)
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.rows import FAR, STEPS, RowLayout, ScanMemory, foreground_of, row_at


@helper
def distances_in_block(word: Word, walls: Numbers, cap: Number) -> Vector:
    """Distance of each lane to the nearest clear bit within the same walls, at most the cap: 2 to 6 steps (equation 3).

    A step by 2^k is left out where no run of set bits is long enough for it to matter.
    """
    d = spread(word, cap, 0)
    d = _nearer(d, rotate(d, 1), rotate(d, -1), walls, 0)
    d = _nearer(d, rotate(d, 2), rotate(d, -2), walls, 1)
    runs = word & (word >> np.uint64(1))
    runs &= runs >> np.uint64(2)
    if runs == 0:
        return d
    d = _nearer(d, rotate(d, 4), rotate(d, -4), walls, 2)
    runs &= runs >> np.uint64(4)
    if runs == 0:
        return d
    # Eight or more set bits in a row somewhere.
    d = _nearer(d, rotate(d, 8), rotate(d, -8), walls, 3)
    runs &= runs >> np.uint64(8)
    if runs == 0:
        return d
    d = _nearer(d, rotate(d, 16), rotate(d, -16), walls, 4)
    return _nearer(d, rotate(d, 32), rotate(d, -32), walls, 5)


@helper
def _nearer(d: Vector, before: Vector, behind: Vector, walls: Numbers, k: int) -> Vector:
    """The minimum of ``d`` and 2^k + its lanes 2^k before and behind, but none from beyond a wall."""
    before = maximum(before, load_pixels(walls, k * BLOCK))
    behind = maximum(behind, load_pixels(walls, (STEPS + k) * BLOCK))
    return minimum(d, minimum(before, behind) + (1 << k))


@helper
def _from_row(layout: RowLayout, rows: Numbers, at: int, walls: Numbers) -> Vector:
    """1 + the minimum of the left, straight and right neighbour in the adjacent row, whose block is at ``at``."""
    before, behind = load_pixels(rows, at - 1), load_pixels(rows, at + 1)
    if layout.blocks == 1:
        before = maximum(before, load_pixels(walls, 0))
        behind = maximum(behind, load_pixels(walls, STEPS * BLOCK))
    return minimum(load_pixels(rows, at), minimum(before, behind)) + 1


@helper
def _from_slab(layout: RowLayout, rows: Numbers, slab: int, row: int, x: int, walls: Numbers) -> Vector:
    """1 + the minimum of all neighbours in the adjacent slab, in up to three of its rows."""
    at = row_at(layout, slab, row) + x
    d = _from_row(layout, rows, at, walls)
    if row > 0:
        d = minimum(d, _from_row(layout, rows, at - layout.pitch, walls))
    if row + 1 < layout.rows:
        d = minimum(d, _from_row(layout, rows, at + layout.pitch, walls))
    return d


@helper
def _scan_row_up(packed: Words, start: int, images: int, first: int, slab: int, row: int, scan: ScanMemory) -> None:
    """Write the distances of a row to background in itself, from the row below on, and from the slab below on.

    The distances of those two must be there.
    """
    layout, walls, block_walls, cap = scan.layout, scan.walls, scan.block_walls, scan.cap
    rows, left = scan.rows, scan.left
    at, index = row_at(layout, slab, row), (first + slab) * layout.rows + row
    if layout.blocks == 1:
        word = foreground_of(packed, start, layout, images, index, 0)
        if word == 0:
            store(rows, at, fill(0, cap))
            return
        d = distances_in_block(word, walls, cap)
        d = minimum(d, _from_slab(layout, rows, slab + 1, row, 0, walls))
        if row + 1 < layout.rows:
            d = minimum(d, _from_row(layout, rows, at + layout.pitch, walls))
        store(rows, at, minimum(d, fill(cap, cap)))
        return
    distance = layout.cap  # from the last lane before the block to background before the block
    for block in range(layout.blocks):
        left[block] = distance
        background = ~foreground_of(packed, start, layout, images, index, block)
        distance = leading_zeros(background) if background != 0 else min(distance + BLOCK, layout.cap)
    distance = layout.cap  # the same on the other side
    for block in range(layout.blocks - 1, -1, -1):
        x = block * BLOCK
        word = foreground_of(packed, start, layout, images, index, block)
        if word == 0:
            store(rows, at + x, fill(0, cap))
            distance = 0
            continue
        d = minimum(rising(left[block] + 1, cap), falling(distance + 1, cap))
        if ~word != 0:
            d = minimum(d, widened(distances_in_block(word, block_walls, FAR), cap))
            distance = lowest_bit(~word)
        else:
            distance = min(distance + BLOCK, layout.cap)
        d = minimum(d, _from_slab(layout, rows, slab + 1, row, x, walls))
        if row + 1 < layout.rows:
            d = minimum(d, _from_row(layout, rows, at + layout.pitch + x, walls))
        store(rows, at + x, minimum(d, fill(cap, cap)))


@outlined
def scan_up(packed: Words, start: int, images: int, first: int, last: int, scan: ScanMemory) -> None:
    """Write distances of the slabs first..last - 1 of the image to background in the same slab and below.

    Slab ``first`` is slab 0 of the band. The slab below the band must hold its own distances to background in it and
    below, or the cap. The rows of a slab are scanned up, then down: after the first of
    these, distances to background in lower slabs are exact, and the second leaves them so.
    """
    layout, walls, rows = scan.layout, scan.walls, scan.rows
    for slab in range(last - first - 1, -1, -1):
        for row in range(layout.rows - 1, -1, -1):
            _scan_row_up(packed, start, images, first, slab, row, scan)
        for row in range(1, layout.rows):
            for x in range(0, layout.blocks * BLOCK, BLOCK):
                at = row_at(layout, slab, row) + x
                store(rows, at, minimum(load_pixels(rows, at), _from_row(layout, rows, at - layout.pitch, walls)))


@outlined
def scan_down(count: int, scan: ScanMemory) -> None:
    """Lower the distances of the first ``count`` slabs of the band to those to background above.

    `scan_up` must be done, and the slab above the band hold its distances to background in it and above, or the cap.
    """
    layout, walls, rows = scan.layout, scan.walls, scan.rows
    for slab in range(count):
        for row in range(layout.rows):
            for x in range(0, layout.blocks * BLOCK, BLOCK):
                at = row_at(layout, slab, row) + x
                store(rows, at, minimum(load_pixels(rows, at), _from_slab(layout, rows, slab - 1, row, x, walls)))
