"""The steps inside of the kernels, each as a function of one mask: to see which of them is wrong.

All that is known here of how kernels are called, and of how what they leave lies in memory, is in this one place.
"""

import numpy as np

from chdt.checks.shape import Shape
from chdt.cpu import route
from chdt.cpu.kernels import (
    added_pixel,
    bands,
    growing_windows,
    laying_out,
    maxima,
    packing,
    planes,
    removed_pixel,
    rows,
    window_counts,
)
from chdt.cpu.kernels.jit import kernel
from chdt.cpu.kernels.lanes import BLOCK


def shape_of(mask):
    """With three dims, of which the first are those of one pixel."""
    return Shape(*(1, 1, *mask.shape)[-3:]).without_single_pixels


def packed(mask):
    """A mask, or several, with a bit for each pixel in reading order."""
    values = mask.reshape(-1).view(np.uint8)
    words = np.zeros(packing.packed_words(values.size), np.uint64)
    assert packing.pack(values, np.uint8(1), np.uint8(0), words, 0) == -1
    return words


def bits_of(words, count):
    return np.unpackbits(words.view(np.uint8), bitorder="little")[:count].astype(bool)


# ------------------------------------------------------------------------------------------------ bit planes


def pixels_of_plane(mask, of, index):
    """What a plane says of each pixel; beside the pixels it must hold nothing."""
    layout = of.layout
    plane = of.words[planes.plane_at(layout, index) :][: layout.plane_words]
    lines = layout.depth * layout.height
    bits = bits_of(plane, layout.plane_words * 64)
    within = bits[: lines * layout.pitch].reshape(lines, layout.pitch)
    assert not within[:, layout.width :].any()
    assert not bits[lines * layout.pitch :].any()
    return within[:, : layout.width].reshape(mask.shape)


def planes_with(mask, count, black_border=False):
    made = planes.planes_of(shape_of(mask), count, 1, black_border)
    planes_with_background(packed(mask), made)
    return made


@kernel
def planes_with_background(words, made):
    laying_out.lay_out_background(words, 0, made, planes.plane_at(made.layout, window_counts.BACKGROUND))


@kernel
def _count(made, radii):
    window_counts.count_in_windows(made, radii)


def counts(mask, radius, black_border=False):
    """How many background pixels the window of this radius around each pixel holds, 2 for more than one."""
    made = planes_with(mask, window_counts.FLIP_PLANES, black_border)
    _count(made, (radius, radius, radius))
    one, two = (pixels_of_plane(mask, made, window_counts.COUNTS + index) for index in range(2))
    assert (one | ~two).all() or black_border
    return np.where(two, 2, one.astype(int))


@kernel
def _lonely(made, radii):
    return added_pixel._find_lonely(made, radii)


def lonely_pixels(mask, radius):
    """The background pixels that are alone in some window of this radius."""
    made = planes_with(mask, window_counts.FLIP_PLANES)
    count = _lonely(made, (radius, radius, radius))
    found = pixels_of_plane(mask, made, window_counts.COUNTS) if count else np.zeros_like(mask)
    assert np.count_nonzero(found) == count
    return found


@kernel
def _start(words, made):
    background_at = planes.plane_at(made.layout, growing_windows.BACKGROUNDS)
    laying_out.lay_out_images(words, 0, 8, made, background_at)
    growing_windows.start_windows(made)


@kernel
def _grow(made, radius):
    return growing_windows.grow_windows(made, radius)


@kernel
def _find_alone(made, radius):
    return growing_windows.find_alone(made, radius)


def lonely_pixels_of_eight(masks, end, black_border):
    """Of eight masks side by side, the background pixels alone in some window of radius 0, 1, ... before ``end``."""
    made = planes.planes_of(shape_of(masks[0]), growing_windows.BACKGROUNDS + 1, 8, black_border)
    _start(packed(masks), made)
    for radius in range(end):
        is_any = radius == 0 or _grow(made, radius)
        assert _find_alone(made, radius) == is_any
        yield np.stack([_pixels_of_lane(mask, made, lane) for lane, mask in enumerate(masks)])


def _pixels_of_lane(mask, of, lane):
    """`pixels_of_plane` of one of eight images."""
    at = planes.plane_at(of.layout, growing_windows.FOUND)
    bits = bits_of(of.words[at : at + of.layout.plane_words][lane::8].copy(), of.layout.plane_words * 8)
    assert not bits[mask.size :].any()
    return bits[: mask.size].reshape(mask.shape)


@kernel
def _erode(made):
    return removed_pixel.erode_away(made, None)


def eroded(mask):
    """S_1, S_2, ... as far as they are not empty, of a small grid."""
    made = planes_with(mask, window_counts.FLIP_PLANES + max(mask.shape))
    last = _erode(made)
    return [~pixels_of_plane(mask, made, window_counts.BACKGROUND + r) for r in range(last)]


@kernel
def _levels_of_eroded(made, layout, levels):
    largest = removed_pixel.erode_away(made, None)
    removed_pixel.find_levels_of_eroded(largest, None, layout, made, levels)


def levels_of_eroded(mask):
    """The level of each pixel of a small grid: the largest of its column's, its row's and its slab's."""
    layout = route.row_layout(Shape(*(1, 1, *mask.shape)[-3:]))
    made = planes_with(mask, window_counts.FLIP_PLANES + max(mask.shape))
    levels = removed_pixel.levels_memory(layout, np.uint8)
    _levels_of_eroded(made, layout, levels)
    return _joined(mask, layout, levels)


def _joined(mask, layout, levels):
    rows_at, slabs_at = removed_pixel.level_places(layout)
    of_slabs, of_columns = levels[slabs_at:][: layout.slabs, None, None], levels[: layout.width]
    of_rows = levels[rows_at:][: layout.rows, None] if layout.rows > 1 else np.zeros((1, 1), levels.dtype)
    return np.maximum(np.maximum(of_slabs, of_rows), of_columns).reshape(mask.shape).astype(int)


# ------------------------------------------------------------------------------------------------ scans


def in_bands(mask, slabs):
    """The layout of an image that is scanned so many slabs at a time, and memory for that."""
    layout = route.row_layout(Shape(*(1, 1, *mask.shape)[-3:]))
    layout = layout._replace(band=min(slabs, layout.slabs), bands=-(-layout.slabs // min(slabs, layout.slabs)))
    return layout, rows.scan_memory(layout, route.lanes_for(layout.cap))


@kernel
def _find_edges(words, scan):
    bands.find_edges(words, 0, 1, 0, scan.layout.bands, scan)
    bands.join_edges(0, 1, scan)
    bands.join_edges(1, bands.SIDES, scan)


def edges(mask, slabs):
    """Of each band, the distances of its first slab, and those of its last one, as the edges say."""
    layout, scan = in_bands(mask, slabs)
    assert layout.bands > 1, "else there are no edges"
    _find_edges(packed(mask), scan)
    found = np.empty((2, layout.bands, layout.rows, layout.width), int)
    for side in (bands.FIRST, bands.LAST):
        for band in range(layout.bands):
            slab = scan.edges[bands.edge_at(layout, side, band) :][: layout.rows * layout.pitch]
            found[side, band] = slab.reshape(layout.rows, layout.pitch)[:, : layout.width]
    return layout, found


@kernel
def _find_maxima(words, layout, scan, found):
    bands.prepare_bands(words, 0, 1, scan)
    maxima.clear_maxima(layout, found, scan.cap)
    maxima.find_maxima(words, 0, 1, 0, layout.bands, scan, found)
    maxima.finish_maxima(1, scan, found)


def largest_distances(mask, slabs):
    """Of each slab, of each row of all slabs (none if a slab is a row), and of each column."""
    layout, scan = in_bands(mask, slabs)
    found = maxima.maxima_memory(layout, scan.rows.dtype.type)
    _find_maxima(packed(mask), layout, scan, found)
    places = maxima.maxima_offsets(layout)
    of_rows = found[places.rows :][: layout.rows] if layout.rows > 1 else None
    return found[places.slabs :][: layout.slabs], of_rows, found[: layout.width]


@kernel
def _find_levels(largest_of, largest, levels):
    removed_pixel.find_levels(largest_of, 0, largest_of.size, largest, None, 0, levels, 0)


def levels(largest_of):
    """The level of each row, whose largest distances these are."""
    found = np.zeros(len(largest_of) + BLOCK, np.uint16)
    _find_levels(np.array(largest_of, np.uint16), max(largest_of), found)
    return found[: len(largest_of)].tolist()
