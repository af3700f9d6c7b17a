"""The largest code in every column, row and slab of an image that was crossed, as `maxima` has it of scanned ones."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.cpu.kernels.crossing import Crossing, CrossingMemory
from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import (
    BLOCK,
    Number,
    Numbers,
    aligned,
    any_set,
    fill,
    lane,
    largest_everywhere,
    load_pixels,
    maximum,
    store,
)
from chdt.cpu.kernels.maxima import maxima_offsets
from chdt.cpu.kernels.rows import RowLayout


class CrossedScan(NamedTuple):
    """What a thread needs to find the maxima of an image."""

    crossing: Crossing
    memory: CrossingMemory
    found: npt.NDArray[Any]  # the largest codes of the columns, then of the rows, then of the slabs


def found_memory(layout: RowLayout, lanes: Any) -> npt.NDArray[Any]:
    """Memory for the largest codes."""
    return aligned(layout.blocks * BLOCK + layout.rows + layout.slabs, 0, lanes)  # type: ignore[no-any-return]


@kernel
def find_largest_codes(first: int, last: int, layout: RowLayout, memory: CrossingMemory, found: Numbers) -> None:
    """Raise the largest codes by those of rows first..last - 1, numbered through all slabs."""
    across, codes = layout.blocks * BLOCK, memory.codes
    for line in range(first, last):
        largest = fill(0, memory.none)
        for x in range(0, across, BLOCK):
            d = load_pixels(codes, line * across + x)
            if any_set(d):
                store(found, x, maximum(load_pixels(found, x), d))
                largest = maximum(largest, d)
        if any_set(largest):
            code = lane(largest_everywhere(largest), 0)
            row, slab = across + line % layout.rows, across + layout.rows + line // layout.rows
            found[row], found[slab] = max(found[row], code), max(found[slab], code)


@helper
def _rank_of(code: Number, scan: CrossedScan) -> int:
    place: Any = min(np.int64(code), scan.crossing.codes - 1)
    return scan.crossing.rank_of_code[place]  # type: ignore[no-any-return]


@helper
def write_maxima(layout: RowLayout, scan: CrossedScan, maxima: Numbers) -> None:
    """Write the ranks of the largest codes where `maxima` has largest distances, as the first image of a block."""
    across, found, places = layout.blocks * BLOCK, scan.found, maxima_offsets(layout)
    for x in range(layout.width):
        maxima[x] = _rank_of(found[x], scan)
    for row in range(layout.rows):
        maxima[places.rows + row] = _rank_of(found[across + row], scan)
    for slab in range(layout.slabs):
        maxima[places.slabs + slab] = _rank_of(found[across + layout.rows + slab], scan)
