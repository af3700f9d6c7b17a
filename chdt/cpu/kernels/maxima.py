"""The largest distance in every column, row and slab of a large image: the removed pixel's levels follow from it."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.cpu.kernels.bands import scan_band
from chdt.cpu.kernels.jit import helper
from chdt.cpu.kernels.lanes import (
    BLOCK,
    Number,
    Numbers,
    Vector,
    aligned,
    any_set,
    choose,
    fill,
    load_pixels,
    maximum,
    minimum,
    rotate,
    store,
)
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.rows import RowLayout, ScanMemory, row_at


class MaximaOffsets(NamedTuple):
    """Where in one array the maxima of a block of images begin; those of the columns begin at 0."""

    rows: int
    slabs: int
    work: int  # memory for one vector; where a slab has several rows, then one vector for each


@helper
def maxima_offsets(layout: RowLayout) -> MaximaOffsets:
    """Offsets of the maxima of a block of images."""
    rows = layout.blocks * BLOCK
    slabs = rows + layout.images * layout.rows
    return MaximaOffsets(rows, slabs, slabs + layout.images * layout.slabs)


@helper
def _reduce(largest: Vector, scan: ScanMemory, images: int, maxima: Numbers, first: int, step: int) -> None:
    """Write the largest lane of each image to maxima[first], maxima[first + step], ... in six steps."""
    layout, walls, cap = scan.layout, scan.walls, scan.cap
    if not any_set(largest):
        for image in range(images):
            maxima[first + image * step] = 0
        return
    largest = _larger(largest, rotate(largest, 1), layout, walls, 0, cap)
    largest = _larger(largest, rotate(largest, 2), layout, walls, 1, cap)
    largest = _larger(largest, rotate(largest, 4), layout, walls, 2, cap)
    largest = _larger(largest, rotate(largest, 8), layout, walls, 3, cap)
    largest = _larger(largest, rotate(largest, 16), layout, walls, 4, cap)
    largest = _larger(largest, rotate(largest, 32), layout, walls, 5, cap)
    # The last lane within each pair of walls holds the maximum between them.
    work = maxima_offsets(layout).work
    store(maxima, work, largest)
    for image in range(images):
        maxima[first + image * step] = maxima[work + min(BLOCK, (image + 1) * layout.width) - 1]


@helper
def _larger(largest: Vector, before: Vector, layout: RowLayout, walls: Numbers, k: int, cap: Number) -> Vector:
    """The maximum of ``largest`` and its lanes 2^k before, where those belong to the same image."""
    if layout.blocks == 1:
        before = minimum(before, fill(cap, cap) - load_pixels(walls, k * BLOCK))
    return maximum(largest, before)


@helper
def clear_maxima(layout: RowLayout, maxima: Numbers, cap: Number) -> None:
    """Set all maxima to 0, before bands are taken into them."""
    places = maxima_offsets(layout)
    for x in range(0, layout.blocks * BLOCK, BLOCK):
        store(maxima, x, fill(0, cap))
    for x in range(places.rows, places.work):
        maxima[x] = 0
    for row in range(layout.rows if layout.rows > 1 else 0):
        store(maxima, places.work + (1 + row) * BLOCK, fill(0, cap))


@helper
def find_maxima(
    packed: Words, start: int, images: int, first: int, last: int, scan: ScanMemory, maxima: Numbers
) -> None:
    """Raise the maxima of a block of images by the distances in bands first..last - 1: a scan of each.

    Those of rows stay in vectors until `finish_maxima`. The joined edges must be there.
    """
    layout, cap, rows = scan.layout, scan.cap, scan.rows
    across, places = layout.blocks * BLOCK, maxima_offsets(layout)
    nothing = fill(0, cap)
    for band in range(first, last):
        count = scan_band(packed, start, images, band, scan)
        for slab in range(count):
            of_slab = nothing
            for row in range(layout.rows):
                of_row = nothing
                for x in range(0, across, BLOCK):
                    d = load_pixels(rows, row_at(layout, slab, row) + x)
                    if layout.width > BLOCK and layout.width - x < BLOCK:
                        d = choose((np.uint64(1) << np.uint64(layout.width - x)) - np.uint64(1), d, nothing)
                    store(maxima, x, maximum(load_pixels(maxima, x), d))
                    of_row = maximum(of_row, d)
                of_slab = maximum(of_slab, of_row)
                if layout.rows > 1:
                    at = places.work + (1 + row) * BLOCK
                    store(maxima, at, maximum(load_pixels(maxima, at), of_row))
            index = band * layout.band + slab
            _reduce(of_slab, scan, images, maxima, places.slabs + index, layout.slabs)


@helper
def finish_maxima(images: int, scan: ScanMemory, maxima: Numbers) -> None:
    """Write the maxima of rows, from the vectors in which `find_maxima` left them."""
    layout, places = scan.layout, maxima_offsets(scan.layout)
    for row in range(layout.rows if layout.rows > 1 else 0):
        of_row = load_pixels(maxima, places.work + (1 + row) * BLOCK)
        _reduce(of_row, scan, images, maxima, places.rows + row, layout.rows)


def maxima_memory(layout: RowLayout, lanes: type[np.unsignedinteger[Any]]) -> npt.NDArray[Any]:
    """Memory for the maxima of a block of images, see `MaximaOffsets`."""
    of_rows = layout.rows * BLOCK if layout.rows > 1 else 0
    count = layout.blocks * BLOCK + layout.images * (layout.rows + layout.slabs) + BLOCK + of_rows
    return aligned(count, 0, lanes)  # type: ignore[no-any-return]


@helper
def size_of(image: int, layout: RowLayout, maxima: Numbers) -> int:
    """Half of the size of an image in a block: its largest distance, from the maxima of its slabs."""
    largest, first = 0, maxima_offsets(layout).slabs + image * layout.slabs
    for slab in range(first, first + layout.slabs):
        largest = max(largest, maxima[slab])
    return int(largest)  # signed: without the JIT, differences of unsigned numbers would not be negative
