"""distance_transform: the Chebyshev distance to background in two passes, 64 pixels at a time (equation 3)."""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from chdt.bitplanes import (
    Words,
    low_bits,
    read_bits,
)
from chdt.erosions import count_distances_into, is_small
from chdt.jit import helper, kernel, part
from chdt.lanes import (
    PIXELS,
    Number,
    Numbers,
    Vector,
    Word,
    aligned,
    falling,
    fill,
    leading_zeros,
    load_pixels,
    lowest_bit,
    maximum,
    minimum,
    rising,
    rotate,
    settle,
    spread,
    store,
    widened,
)
from chdt.masks import (
    ArrayOrTensor,
    PackedMasks,
    Shape,
    answer_into,
    check_out,
    deliver,
    grid_shape,
    is_traced,
    new_answer,
    pack_masks,
)
from chdt.parallel import MOST_PIXELS, PIXELS_PER_THREAD, kept, share, thread_count
from chdt.raster import Raster, gather, is_streamed, lanes_before_line, raster_for, write, write_gathered
from chdt.spacing import Spacing, spaced_distances, spacing_of

STEPS = 6  # 2^0, ... 2^5: as far as there are neighbours within a block
EFFORT = 2  # times what packing takes; flips take more, but move as much memory
WHOLE = 1 << 18  # distances of an image that is scanned in one go
BAND = 1 << 16  # distances that are held at once of a larger one: they stay in the second nearest cache


class Layout(NamedTuple):
    """How the rows of images of one shape lie in memory while they are scanned.

    A *slab* is what the scan goes through one by one: a row of an image, a slice of a volume. A *block* is 64
    neighbouring pixels of a row, or the same row of several narrow images side by side. A *band* is as many slabs as
    are held at once. Bands are scanned independently of each other, once it is known how far it is from their first and
    last slab to background outside of them.
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


@functools.lru_cache(maxsize=64)
def layout_of(shape: Shape) -> Layout:
    """The layout for one grid."""
    depth, height, width = shape.without_single_pixels
    slabs, rows = (height, 1) if depth == 1 else (depth, height)
    blocks = -(-width // PIXELS)
    pitch = (blocks + 1) * PIXELS
    slab = rows * pitch
    band = slabs if slabs * slab <= WHOLE else min(slabs, max(BAND // slab, math.isqrt(slabs)))
    return Layout(slabs, rows, width, max(1, PIXELS // width), blocks, pitch, band, -(-slabs // band), shape.cap)


@helper
def pixels_of(layout: Layout) -> int:
    """Pixels of an image."""
    return layout.slabs * layout.rows * layout.width


@functools.lru_cache(maxsize=64)
def walls_of(width: int, cap: int, lanes: Any) -> npt.NDArray[Any]:
    """The cap in the lanes of a block whose neighbour 2^k lanes lower, or higher, is not one of their image, else 0.

    First lower, then higher, for every k one after the other.
    """
    column = np.arange(PIXELS) % width
    steps = 1 << np.arange(STEPS)[:, None]
    walls = aligned(2 * STEPS * PIXELS, 0, lanes)
    walls[:] = (np.stack([column < steps, column >= width - steps]) * cap).reshape(-1)
    return walls  # type: ignore[no-any-return]


@functools.lru_cache(maxsize=64)
def lanes_for(largest: int) -> type[np.unsignedinteger[Any]]:
    """The narrowest lanes that hold numbers up to ``largest`` and a block's width more."""
    return next(t for t in (np.uint8, np.uint16, np.uint32) if largest + PIXELS <= np.iinfo(t).max)


class Scan(NamedTuple):
    """What a thread needs to scan images."""

    layout: Layout
    walls: npt.NDArray[Any]  # of narrow images side by side: see `walls_of`
    block_walls: npt.NDArray[np.uint8]  # of a block of a long row
    cap: np.unsignedinteger[Any]
    rows: npt.NDArray[Any]  # of a band, of the slab above it and of the one below
    left: npt.NDArray[np.int64]  # of each block of a row, the distance to background before it
    edges: npt.NDArray[Any]  # see `edge_at`


FAR = np.uint8(PIXELS)  # farther than any two pixels of a block


def scan_of(layout: Layout, lanes: Any, with_edges: bool = True) -> Scan:
    """Memory for one thread; the edges may be left out where threads share them."""
    return Scan(
        layout,
        walls_of(min(PIXELS, layout.width), layout.cap, lanes),
        walls_of(PIXELS, int(FAR), np.uint8),
        lanes(layout.cap),
        aligned(PIXELS + (layout.band + 2) * layout.rows * layout.pitch, layout.cap, lanes),
        np.empty(layout.blocks, np.int64),
        edges_of(layout, lanes) if with_edges else aligned(0, 0, lanes),
    )


def edges_of(layout: Layout, lanes: type[np.unsignedinteger[Any]]) -> npt.NDArray[Any]:
    """Memory for what `edge_at` finds there."""
    slabs = 2 * layout.bands if layout.bands > 1 else 0
    return aligned(slabs * layout.rows * layout.pitch, layout.cap, lanes)  # type: ignore[no-any-return]


@helper
def row_at(layout: Layout, slab: int, row: int) -> int:
    """Where a row of a slab of the band begins; slab -1 is the one above the band."""
    return PIXELS + ((slab + 1) * layout.rows + row) * layout.pitch


# ------------------------------------------------------------------------------------------------ one row


@helper
def _distances_in_block(word: Word, walls: Numbers, cap: Number) -> Vector:
    """Distance of each lane to the nearest clear bit of the word within the same walls, at most the cap."""
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
    # eight in a row somewhere: distances may be eight and more
    d = _nearer(d, rotate(d, 8), rotate(d, -8), walls, 3)
    runs &= runs >> np.uint64(8)
    if runs == 0:
        return d
    d = _nearer(d, rotate(d, 16), rotate(d, -16), walls, 4)
    return _nearer(d, rotate(d, 32), rotate(d, -32), walls, 5)


@helper
def _nearer(d: Vector, before: Vector, behind: Vector, walls: Numbers, k: int) -> Vector:
    before = maximum(before, load_pixels(walls, k * PIXELS))
    behind = maximum(behind, load_pixels(walls, (STEPS + k) * PIXELS))
    return minimum(d, minimum(before, behind) + (1 << k))


@helper
def _from_row(layout: Layout, rows: Numbers, at: int, walls: Numbers) -> Vector:
    """One more than the least of three neighbours in a row next to the lanes' own, whose block is at ``at``."""
    before, behind = load_pixels(rows, at - 1), load_pixels(rows, at + 1)
    if layout.blocks == 1:
        before = maximum(before, load_pixels(walls, 0))
        behind = maximum(behind, load_pixels(walls, STEPS * PIXELS))
    return minimum(load_pixels(rows, at), minimum(before, behind)) + 1


@helper
def _from_slab(layout: Layout, rows: Numbers, slab: int, row: int, x: int, walls: Numbers) -> Vector:
    """The same for all of a slab next to the lanes' own: up to three of its rows."""
    at = row_at(layout, slab, row) + x
    d = _from_row(layout, rows, at, walls)
    if row > 0:
        d = minimum(d, _from_row(layout, rows, at - layout.pitch, walls))
    if row + 1 < layout.rows:
        d = minimum(d, _from_row(layout, rows, at + layout.pitch, walls))
    return d


@helper
def foreground_of(words: Words, start: int, layout: Layout, images: int, row: int, block: int) -> Word:
    """The foreground bits of a block; lanes behind the end of a long row count as foreground.

    ``row`` counts the rows of all slabs.
    """
    if layout.blocks > 1:
        column = block * PIXELS
        count = min(PIXELS, layout.width - column)
        return read_bits(words, start + row * layout.width + column, count) | ~low_bits(count)
    word = np.uint64(0)
    for image in range(images):
        bits = read_bits(words, start + image * pixels_of(layout) + row * layout.width, layout.width)
        word |= bits << np.uint64(image * layout.width)
    return word


# ------------------------------------------------------------------------------------------------ two passes


@helper
def _scan_row_up(words: Words, start: int, images: int, first: int, slab: int, row: int, scan: Scan) -> None:
    """The distances of a row to background in itself and in what was scanned before it."""
    layout, walls, block_walls, cap, rows, left, _ = scan
    at, number = row_at(layout, slab, row), (first + slab) * layout.rows + row
    if layout.blocks == 1:
        word = foreground_of(words, start, layout, images, number, 0)
        if word == 0:
            store(rows, at, fill(0, cap))
            return
        d = _distances_in_block(word, walls, cap)
        d = minimum(d, _from_slab(layout, rows, slab + 1, row, 0, walls))
        if row + 1 < layout.rows:
            d = minimum(d, _from_row(layout, rows, at + layout.pitch, walls))
        store(rows, at, minimum(d, fill(cap, cap)))
        return
    distance = layout.cap  # from the last lane before the block to background before the block
    for block in range(layout.blocks):
        left[block] = distance
        background = ~foreground_of(words, start, layout, images, number, block)
        distance = leading_zeros(background) if background != 0 else min(distance + PIXELS, layout.cap)
    distance = layout.cap  # the same on the other side
    for block in range(layout.blocks - 1, -1, -1):
        x = block * PIXELS
        word = foreground_of(words, start, layout, images, number, block)
        if word == 0:
            store(rows, at + x, fill(0, cap))
            distance = 0
            continue
        d = minimum(rising(left[block] + 1, cap), falling(distance + 1, cap))
        if ~word != 0:
            d = minimum(d, widened(_distances_in_block(word, block_walls, FAR), cap))
            distance = lowest_bit(~word)
        else:
            distance = min(distance + PIXELS, layout.cap)
        d = minimum(d, _from_slab(layout, rows, slab + 1, row, x, walls))
        if row + 1 < layout.rows:
            d = minimum(d, _from_row(layout, rows, at + layout.pitch + x, walls))
        store(rows, at + x, minimum(d, fill(cap, cap)))


@part
def _scan_up(words: Words, start: int, images: int, first: int, last: int, scan: Scan) -> None:
    """Distances of the slabs first..last - 1 to background in the same slab and below.

    The slab below the band must be there. In a slice, the distances to background in the slice itself take a scan of
    its rows up and one down; those to what is below may come along, as they are right already.
    """
    layout, walls, _, _, rows, _, _ = scan
    for slab in range(last - first - 1, -1, -1):
        for row in range(layout.rows - 1, -1, -1):
            _scan_row_up(words, start, images, first, slab, row, scan)
        for row in range(1, layout.rows):
            for x in range(0, layout.blocks * PIXELS, PIXELS):
                at = row_at(layout, slab, row) + x
                store(rows, at, minimum(load_pixels(rows, at), _from_row(layout, rows, at - layout.pitch, walls)))


@part
def _scan_down(count: int, scan: Scan) -> None:
    """The same with background above, for the first ``count`` slabs of the band; the slab above must be there."""
    layout, walls, _, _, rows, _, _ = scan
    for slab in range(count):
        for row in range(layout.rows):
            for x in range(0, layout.blocks * PIXELS, PIXELS):
                at = row_at(layout, slab, row) + x
                store(rows, at, minimum(load_pixels(rows, at), _from_slab(layout, rows, slab - 1, row, x, walls)))


# ------------------------------------------------------------------------------------------------ bands

# Of the first slab of each band, how far it is to background in the band and below; of the last one, in the band and
# above. They are found for each band by itself, and then joined.
FIRST, LAST = 0, 1


@helper
def edge_at(layout: Layout, side: int, band: int) -> int:
    """Where among the edges that of a band begins."""
    return (side * layout.bands + band) * layout.rows * layout.pitch


@helper
def _copy_slab(source: Numbers, source_at: int, target: Numbers, target_at: int, layout: Layout) -> None:
    for row in range(layout.rows):
        for x in range(0, layout.blocks * PIXELS, PIXELS):
            at = row * layout.pitch + x
            store(target, target_at + at, load_pixels(source, source_at + at))


@helper
def _clear_slab(rows: Numbers, target: int, layout: Layout, cap: Number) -> None:
    for row in range(layout.rows):
        for x in range(0, layout.blocks * PIXELS, PIXELS):
            store(rows, target + row * layout.pitch + x, fill(cap, cap))


@helper
def find_edges(words: Words, start: int, images: int, first: int, last: int, scan: Scan) -> None:
    """The edges of bands first..last - 1, each by itself."""
    layout, _, _, cap, rows, _, edges = scan
    for band in range(first, last):
        begin, end = band * layout.band, min(layout.slabs, (band + 1) * layout.band)
        count = end - begin
        _clear_slab(rows, row_at(layout, -1, 0), layout, cap)
        _clear_slab(rows, row_at(layout, count, 0), layout, cap)
        _scan_up(words, start, images, begin, end, scan)
        _copy_slab(rows, row_at(layout, 0, 0), edges, edge_at(layout, FIRST, band), layout)
        _scan_down(count, scan)
        _copy_slab(rows, row_at(layout, count - 1, 0), edges, edge_at(layout, LAST, band), layout)


@helper
def _move(slabs: int, scan: Scan) -> int:
    """Distances of slab 0 as they are so many slabs away from it; tell which slab of the band has them.

    The least of all within as many steps, along one axis after the other, found by powers of two of which none is more
    than one above what was done: see `bitplanes.dilate`.
    """
    layout, walls, _, cap, rows, _, _ = scan
    source, target = 0, 1
    for axis in range(2):
        radius = min(slabs, (layout.width if axis == 0 else layout.rows) - 1)
        done, level = 0, 0
        while done < radius:
            while (1 << level) > radius - done:
                level -= 1
            for row in range(layout.rows):
                for x in range(0, layout.blocks * PIXELS, PIXELS):
                    at = row_at(layout, source, row) + x
                    d = load_pixels(rows, at)
                    if axis == 0:
                        before, behind = load_pixels(rows, at - (1 << level)), load_pixels(rows, at + (1 << level))
                        if layout.blocks == 1:
                            before = maximum(before, load_pixels(walls, level * PIXELS))
                            behind = maximum(behind, load_pixels(walls, (STEPS + level) * PIXELS))
                        d = minimum(d, minimum(before, behind))
                    else:
                        if row >= 1 << level:
                            d = minimum(d, load_pixels(rows, at - (layout.pitch << level)))
                        if row + (1 << level) < layout.rows:
                            d = minimum(d, load_pixels(rows, at + (layout.pitch << level)))
                    store(rows, row_at(layout, target, row) + x, d)
            source, target = target, source
            done += 1 << level
            if level + 1 < STEPS and (2 << level) <= done + 1:  # walls are as wide as a block, and no wider
                level += 1
    for row in range(layout.rows):
        for x in range(0, layout.blocks * PIXELS, PIXELS):
            at = row_at(layout, source, row) + x
            store(rows, at, minimum(load_pixels(rows, at), fill(layout.cap - slabs, cap)) + slabs)
    return source


@helper
def join_edges(scan: Scan) -> None:
    """Let every edge know of all the bands before it."""
    layout, _, _, _, rows, _, edges = scan
    for side in range(2):
        for number in range(1, layout.bands):
            band = number if side == LAST else layout.bands - 1 - number
            before = band - 1 if side == LAST else band + 1
            count = min(layout.slabs, (band + 1) * layout.band) - band * layout.band
            _copy_slab(edges, edge_at(layout, side, before), rows, row_at(layout, 0, 0), layout)
            moved = row_at(layout, _move(count, scan), 0)
            for row in range(layout.rows):
                for x in range(0, layout.blocks * PIXELS, PIXELS):
                    at = row * layout.pitch + x
                    edge = edge_at(layout, side, band) + at
                    store(edges, edge, minimum(load_pixels(edges, edge), load_pixels(rows, moved + at)))


@helper
def prepare_bands(words: Words, start: int, images: int, scan: Scan) -> None:
    """Find and join all edges, where an image has several bands."""
    if scan.layout.bands > 1:
        find_edges(words, start, images, 0, scan.layout.bands, scan)
        join_edges(scan)


@helper
def scan_band(words: Words, start: int, images: int, band: int, scan: Scan) -> int:
    """Leave the distances of a band in ``rows``, and give how many slabs it has; its edges must be there."""
    layout, _, _, cap, rows, _, edges = scan
    first, last = band * layout.band, min(layout.slabs, (band + 1) * layout.band)
    if layout.bands > 1:
        above, below = row_at(layout, -1, 0), row_at(layout, last - first, 0)
        if band > 0:
            _copy_slab(edges, edge_at(layout, LAST, band - 1), rows, above, layout)
        else:
            _clear_slab(rows, above, layout, cap)
        if band + 1 < layout.bands:
            _copy_slab(edges, edge_at(layout, FIRST, band + 1), rows, below, layout)
        else:
            _clear_slab(rows, below, layout, cap)
    _scan_up(words, start, images, first, last, scan)
    _scan_down(last - first, scan)
    return last - first


@kernel
def edges_of_bands(words: Words, start: int, first: int, last: int, scan: Scan) -> None:
    """`find_edges` of one image, to be called from Python."""
    find_edges(words, start, 1, first, last, scan)


@kernel
def edges_joined(scan: Scan) -> None:
    """`join_edges`, to be called from Python."""
    join_edges(scan)


# ------------------------------------------------------------------------------------------------ the answer


@helper
def _write_long_rows(slabs: int, scan: Scan, raster: Raster, answers: Numbers, at: int) -> None:
    """Write the distances of a band, from ``at`` on."""
    layout, rows = scan.layout, scan.rows
    lines = slabs * layout.rows
    past_caches = raster.past_caches and layout.width % PIXELS == 0 and lanes_before_line(answers, at) == 0
    for row in range(lines):
        source = row_at(layout, 0, row)
        # The last vector of a row may go on into the next one, which is written after it.
        width = layout.width if row + 1 < lines else layout.width // PIXELS * PIXELS
        for x in range(0, width, PIXELS):
            write(answers, at + x, load_pixels(rows, source + x), past_caches)
        for x in range(width, layout.width):
            answers[at + x] = rows[source + x]
        at += layout.width


@helper
def _write_band(band: int, slabs: int, images: int, scan: Scan, raster: Raster, answers: Numbers, first: int) -> None:
    """Write the distances of a band of images side by side, the answers of the first one being at ``first``."""
    layout, rows = scan.layout, scan.rows
    first += band * layout.band * layout.rows * layout.width
    if layout.blocks > 1:
        _write_long_rows(slabs, scan, raster, answers, first)
        return
    at, gathered = first, 0
    for image in range(images):
        position = first + image * pixels_of(layout)
        if position != at + gathered:
            write_gathered(raster, gathered, answers, at)
            at, gathered = position, 0
        for row in range(slabs * layout.rows):
            d = load_pixels(rows, row_at(layout, 0, row) + image * layout.width)
            at, gathered = gather(raster, gathered, d, layout.width, answers, at)
    write_gathered(raster, gathered, answers, at)


@kernel
def distances_of(words: Words, start: int, count: int, scan: Scan, raster: Raster, answers: Numbers) -> None:
    """Distances of ``count`` images whose packed bits begin at ``start``, in reading order."""
    layout = scan.layout
    pixels = pixels_of(layout)
    for first in range(0, count, layout.images):
        images = min(layout.images, count - first)
        begin = start + first * pixels
        prepare_bands(words, begin, images, scan)
        for band in range(layout.bands):
            slabs = scan_band(words, begin, images, band, scan)
            _write_band(band, slabs, images, scan, raster, answers, first * pixels)
    settle()


@kernel
def distances_of_bands(
    words: Words, start: int, first: int, last: int, scan: Scan, raster: Raster, answers: Numbers
) -> None:
    """Distances of the bands first..last - 1 of one image, whose edges must be there; ``answers`` are its own."""
    for band in range(first, last):
        slabs = scan_band(words, start, 1, band, scan)
        _write_band(band, slabs, 1, scan, raster, answers, 0)
    settle()


def images_alone(images: int, layout: Layout) -> int:
    """How many images of a batch are left to one thread each: then no thread waits for another one.

    The others are cut into bands for all threads, unless that takes longer. So is every image that is too large to be
    handed out at once.
    """
    pixels = pixels_of(layout)
    if layout.bands == 1 or pixels < 2 * PIXELS_PER_THREAD:
        return images
    return images - images % thread_count() if pixels <= MOST_PIXELS else 0


def share_bands(work: Callable[[int, int, Scan], None], layout: Layout, lanes: Any, edges: Numbers) -> None:
    """Call ``work(first, last, scan)`` for all bands of an image, on several threads, each with a scan of its own."""

    def memory() -> tuple[Scan]:
        return (kept(scan_of, layout, lanes, False)._replace(edges=edges),)

    pixels = min(layout.band, layout.slabs) * layout.rows * layout.width
    share(work, layout.bands, EFFORT * pixels, memory=memory)


def edges_of_image(words: Words, start: int, layout: Layout, lanes: Any) -> npt.NDArray[Any]:
    """All edges of an image, from several threads."""
    edges = edges_of(layout, lanes)
    share_bands(lambda first, last, scan: edges_of_bands(words, start, first, last, scan), layout, lanes, edges)
    edges_joined(kept(scan_of, layout, lanes, False)._replace(edges=edges))
    return edges


def distances_into(packed: PackedMasks, answers: Numbers) -> None:
    """Write the distances of a batch, in reading order."""
    words, pixels = packed.words, packed.shape.pixels
    if is_small(packed.shape):
        count_distances_into(packed, answers)
        return
    layout, lanes = layout_of(packed.shape), lanes_for(packed.shape.cap)
    past_caches = is_streamed(answers)

    def memory() -> tuple[Scan]:
        return (kept(scan_of, layout, lanes),)

    def work(first: int, last: int, scan: Scan) -> None:
        here = answers[first * pixels : last * pixels]
        distances_of(words, first * pixels, last - first, scan, raster_for(lanes, past_caches), here)

    alone = images_alone(packed.images, layout)
    share(work, alone, EFFORT * pixels, layout.images, memory)
    for image in range(alone, packed.images):
        here = answers[image * pixels : (image + 1) * pixels]
        _distances_of_image(words, image * pixels, layout, lanes, here, past_caches)


def _distances_of_image(
    words: Words, start: int, layout: Layout, lanes: Any, answers: Numbers, past_caches: bool
) -> None:
    """The same for an image that is large enough for several threads."""

    def work(first: int, last: int, scan: Scan) -> None:
        distances_of_bands(words, start, first, last, scan, raster_for(lanes, past_caches), answers)

    share_bands(work, layout, lanes, edges_of_image(words, start, layout, lanes))


def distance_transform(
    masks: ArrayOrTensor,
    *,
    spatial_dims: int = 2,
    spacing: Spacing | None = None,
    black_border: bool = False,
    out: ArrayOrTensor | None = None,
) -> ArrayOrTensor:
    """Chebyshev distance of each foreground pixel to the nearest background pixel, 0 for background.

    Parameters
    ----------
    masks : ndarray or Tensor, shape (..., H, W), or as many of the last dims as ``spatial_dims``
        ±1 of any signed integer or float dtype, or bool; +1 (True) is foreground. Pixels outside the grid are not
        background.
    spatial_dims : {1, 2, 3}
        How many trailing dims form the grid.
    spacing : float or sequence of float, optional
        How far apart pixels are, along each spatial dim or along all of them. Distances are then max over the dims of
        spacing times steps, float32 in the units of the spacing.
    black_border : bool
        Whether pixels outside the grid are background.
    out : ndarray or Tensor, shape (..., H, W), optional
        Where to write the answer: of the kind of the masks and on their device, of any integer or float dtype that
        holds max(H, W), float32 or float64 with a spacing. It must not overlap the masks. Memory that is there already
        makes a call much faster than memory that is new; a narrow dtype does too. If it is not contiguous, the answer
        is made first and then copied.

    Returns
    -------
    int32 ndarray or Tensor, or out, shape (..., H, W)
        Distances in pixels, on the device of the masks; float32 with a spacing. Without any background, the longest
        side everywhere, max(H, W): the smallest number that no distance in the grid reaches. With a spacing that side
        is spacing times pixels long. No gradient.

    Raises
    ------
    TypeError
        Masks or ``out`` are neither array nor dense tensor, or of an unfit dtype; a spacing that is not made of
        numbers.
    ValueError
        A mask value other than ±1 (its first index is named), an empty grid, fewer dims than the grid has; a spacing
        that is not from 1e-25 to 1e25, or has another number of dims; ``out`` is of another shape or device, too
        narrow, read-only, or overlaps the masks or itself. Nothing is written then.

    See Also
    --------
    scipy.ndimage.distance_transform_cdt : the same of one mask with ``metric="chessboard"``, but for -1 where there is
        no background.

    Notes
    -----
    Equation (3) of Baručić and Kybic (2022), ``d_i = min over background j of max(|i_y - j_y|, |i_x - j_x|)``, in
    volumes ``|i_z - j_z|``, too. In grids of up to 64 pixels a side the object is eroded until nothing is left,
    and each pixel's distance is how many erosions it outlives; larger ones take one scan of the rows, or slices, from
    the last to the first and one back, 64 pixels at a time.

    Examples
    --------
    >>> import numpy as np
    >>> from chdt import distance_transform
    >>> mask = np.ones((4, 7), dtype=bool)
    >>> mask[0, 1] = False
    >>> distance_transform(mask)
    array([[1, 0, 1, 2, 3, 4, 5],
           [1, 1, 1, 2, 3, 4, 5],
           [2, 2, 2, 2, 3, 4, 5],
           [3, 3, 3, 3, 3, 4, 5]], dtype=int32)

    Rows that are 2.5 times as far apart as columns:

    >>> distance_transform(mask, spacing=(2.5, 1))
    array([[1. , 0. , 1. , 2. , 3. , 4. , 5. ],
           [2.5, 2.5, 2.5, 2.5, 3. , 4. , 5. ],
           [5. , 5. , 5. , 5. , 5. , 5. , 5. ],
           [7.5, 7.5, 7.5, 7.5, 7.5, 7.5, 7.5]], dtype=float32)
    """
    spaced = spacing_of(spacing, spatial_dims)
    if out is None and is_traced(masks):
        return torch.ops.chdt.distance_transform(masks, spatial_dims, spaced, black_border)  # type: ignore[no-any-return]
    shape = grid_shape(masks, spatial_dims)
    if spaced is None and not black_border:
        answer = new_answer(masks, tuple(masks.shape), shape.cap) if out is None else answer_into(out, masks, shape.cap)
        distances_into(pack_masks(masks, spatial_dims, shape=shape), answer.words)
        return answer.finish()  # type: ignore[no-any-return]
    if out is not None:
        check_out(out, masks, shape.cap if spaced is None else None)
    packed: PackedMasks = pack_masks(masks, spatial_dims, black_border, shape)
    distances: npt.NDArray[Any]
    if spaced is None or len(set(spaced)) == 1:
        distances = np.empty((packed.images, *packed.shape), np.int32)
        distances_into(packed, distances.reshape(-1).view(np.uint32))
        if spaced is not None:
            distances = np.multiply(distances, spaced[0], dtype=np.float64).astype(np.float32)
    else:
        distances = spaced_distances(packed, spaced)
    return deliver(packed.inside(distances).reshape(tuple(masks.shape)), masks, out)  # type: ignore[no-any-return]
