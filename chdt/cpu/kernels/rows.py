"""How the rows of large images lie in memory while they are scanned, and what a thread needs for that."""

import functools
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.cpu.kernels.jit import helper
from chdt.cpu.kernels.lanes import BLOCK, Word, aligned
from chdt.cpu.kernels.packing import Words, low_bits, read_bits

STEPS = 6  # 2^0, ... 2^5: as far as there are neighbours within a block


class RowLayout(NamedTuple):
    """How the rows of images of one shape lie in memory while they are scanned.

    A *slab* is what the scan goes through one by one: a row of an image, a slice of a volume. A *block* is 64
    neighbouring pixels of a row, or the same row of several narrow images side by side. A *band* is as many slabs as
    are held at once. Bands are scanned independently of each other, once the distances from their first and last slab
    to background outside of them are known.

    Scanned one by one instead of side by side, images of 20 or 32 columns took 1.4 to 1.7 times as long, images of 7
    columns 2.3 to 3.5 times.
    """

    slabs: int
    rows: int  # in a slab
    width: int
    images: int  # side by side in a block; 1 if a row has several blocks
    blocks: int  # in a row
    pitch: int  # distances from a row to the next: its blocks, then a block that always holds the cap
    band: int  # slabs
    bands: int  # in an image
    cap: int  # the distance where there is no background: the largest side of the grid


@helper
def pixels_of(layout: RowLayout) -> int:
    """Pixels of an image."""
    return layout.slabs * layout.rows * layout.width


@helper
def slab_axis(layout: RowLayout) -> int:
    """The axis of planes along which slabs follow each other: from row to row, or from slice to slice."""
    return 1 if layout.rows == 1 else 2


@functools.lru_cache(maxsize=64)
def walls_of(width: int, cap: int, lanes: Any) -> npt.NDArray[Any]:
    """Per k and lane: the cap if the neighbour 2^k to the left belongs to another image, else 0; then to the right."""
    column = np.arange(BLOCK) % width
    steps = 1 << np.arange(STEPS)[:, None]
    walls = aligned(2 * STEPS * BLOCK, 0, lanes)
    walls[:] = (np.stack([column < steps, column >= width - steps]) * cap).reshape(-1)
    return walls  # type: ignore[no-any-return]


class ScanMemory(NamedTuple):
    """What a thread needs to scan images."""

    layout: RowLayout
    walls: npt.NDArray[Any]  # `walls_of` narrow images side by side
    block_walls: npt.NDArray[np.uint8]  # `walls_of` one block of a long row
    cap: np.unsignedinteger[Any]  # of the layout, in the dtype of the lanes
    rows: npt.NDArray[Any]  # distances of the slab above a band, of the band, of the slab below: see `row_at`
    left: npt.NDArray[np.int64]  # for each block, the distance from the lane before it to background on the left
    edges: npt.NDArray[Any]  # see `edge_at`


FAR = np.uint8(BLOCK)  # farther than any two pixels of a block


def scan_memory(layout: RowLayout, lanes: Any, with_edges: bool = True) -> ScanMemory:
    """Memory for one thread, without edges where threads share those of one image."""
    return ScanMemory(
        layout,
        walls_of(min(BLOCK, layout.width), layout.cap, lanes),
        walls_of(BLOCK, int(FAR), np.uint8),
        lanes(layout.cap),
        aligned(BLOCK + (layout.band + 2) * layout.rows * layout.pitch, layout.cap, lanes),
        np.empty(layout.blocks, np.int64),
        edges_of(layout, lanes) if with_edges else aligned(0, 0, lanes),
    )


def edges_of(layout: RowLayout, lanes: type[np.unsignedinteger[Any]]) -> npt.NDArray[Any]:
    """Memory for the edges of one image, see `edge_at`; none if it has a single band."""
    slabs = 2 * layout.bands if layout.bands > 1 else 0
    return aligned(slabs * layout.rows * layout.pitch, layout.cap, lanes)  # type: ignore[no-any-return]


@helper
def row_at(layout: RowLayout, slab: int, row: int) -> int:
    """Index in ``ScanMemory.rows`` of a row; slab 0 is the first one of the band, -1 the one above it."""
    return BLOCK + ((slab + 1) * layout.rows + row) * layout.pitch


@helper
def foreground_of(packed: Words, start: int, layout: RowLayout, images: int, row: int, block: int) -> Word:
    """Read the foreground bits of a block of row ``row`` of ``images`` images whose packed bits begin at ``start``.

    Rows are numbered through all slabs. Lanes behind the end of a long row are foreground: no distance ends there.
    """
    if layout.blocks > 1:
        column = block * BLOCK
        count = min(BLOCK, layout.width - column)
        return read_bits(packed, start + row * layout.width + column, count) | ~low_bits(count)
    word = np.uint64(0)
    for image in range(images):
        bits = read_bits(packed, start + image * pixels_of(layout) + row * layout.width, layout.width)
        word |= bits << np.uint64(image * layout.width)
    return word
