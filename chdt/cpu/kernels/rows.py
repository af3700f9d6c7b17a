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
    neighbouring pixels of a row, or the same row of several narrow images side by side. One by one, those that are too
    long to be counted by erosions took 1.4 to 1.7 times as long with 20 or 32 columns, 2.3 to 3.5 times with 7. A
    *band* is as many slabs as are held at once. Bands are scanned independently of each other, once it is known how far
    it is from their first and last slab to background outside of them.
    """

    slabs: int
    rows: int  # in a slab
    width: int
    images: int  # side by side in a block
    blocks: int  # in a row
    pitch: int  # distances from a row to the next: its blocks, and one more that always holds the cap, as a wall
    band: int  # slabs
    bands: int  # in an image
    cap: int  # the distance where there is no background: the largest side of the grid


@helper
def pixels_of(layout: RowLayout) -> int:
    """Pixels of an image."""
    return layout.slabs * layout.rows * layout.width


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
    walls: npt.NDArray[Any]  # of narrow images side by side: see `walls_of`
    block_walls: npt.NDArray[np.uint8]  # of a block of a long row
    cap: np.unsignedinteger[Any]
    rows: npt.NDArray[Any]  # of a band, of the slab above it and of the one below
    left: npt.NDArray[np.int64]  # of each block of a row, the distance to background before it
    edges: npt.NDArray[Any]  # see `edge_at`


FAR = np.uint8(BLOCK)  # farther than any two pixels of a block


def scan_memory(layout: RowLayout, lanes: Any, with_edges: bool = True) -> ScanMemory:
    """Memory for one thread; the edges may be left out where threads share them."""
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
    """Memory for what `edge_at` finds there."""
    slabs = 2 * layout.bands if layout.bands > 1 else 0
    return aligned(slabs * layout.rows * layout.pitch, layout.cap, lanes)  # type: ignore[no-any-return]


@helper
def row_at(layout: RowLayout, slab: int, row: int) -> int:
    """Where a row of a slab of the band begins; slab -1 is the one above the band."""
    return BLOCK + ((slab + 1) * layout.rows + row) * layout.pitch


@helper
def foreground_of(packed: Words, start: int, layout: RowLayout, images: int, row: int, block: int) -> Word:
    """The foreground bits of a block; lanes behind the end of a long row count as foreground.

    ``row`` counts the rows of all slabs.
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
