"""The sizes after every single flip: the levels of the removed pixel, raised by the windows of the added one."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.shape import Shape
from chdt.cpu.kernels.added_pixel import may_fit, raise_added
from chdt.cpu.kernels.bands import prepare_bands
from chdt.cpu.kernels.counted_erosions import is_small
from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import BLOCK, Numbers, fill, load_pixels, maximum, settle
from chdt.cpu.kernels.maxima import clear_maxima, find_maxima, finish_maxima, maxima_memory, maxima_offsets, size_of
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.planes import PlaneLayout, plane_layout_of, planes_of
from chdt.cpu.kernels.removed_pixel import erode_away, find_levels, find_levels_of_eroded, level_places, levels_memory
from chdt.cpu.kernels.rows import RowLayout, ScanMemory, pixels_of, row_layout_of
from chdt.cpu.kernels.spaced_lines import Floats, Windows
from chdt.cpu.kernels.window_counts import ERODED, FLIP_PLANES
from chdt.cpu.kernels.writing import WriteBuffer, store_ahead, write_gathered, write_number

KEPT_FLIPS_PIXELS = 1 << 14  # of small grids, whose answers are kept until all are found


class FlipMemory(NamedTuple):
    """What a thread needs, beside a `ScanMemory` for large grids."""

    layout: RowLayout
    maxima: npt.NDArray[Any]  # of large grids: see `MaximaOffsets`
    levels: npt.NDArray[Any]  # of the columns, the rows and the slabs of an image, each from a full vector on
    grid: PlaneLayout
    patterns: Words
    planes: Words


def flip_memory(shape: Shape, lanes: type[np.unsignedinteger[Any]]) -> FlipMemory:
    """Memory for one thread."""
    layout = row_layout_of(shape)
    grid, patterns = plane_layout_of(*shape.without_single_pixels)
    return FlipMemory(
        layout,
        maxima_memory(layout, lanes),
        levels_memory(layout, lanes),
        grid,
        patterns,
        planes_of(grid, ERODED + shape.cap + 1 if is_small(shape) else FLIP_PLANES),
    )


@helper
def _find_all_maxima(words: Words, start: int, images: int, scan: ScanMemory | None, workspace: FlipMemory) -> None:
    """The maxima of images in a block, which small grids can do without."""
    if scan is not None:
        prepare_bands(words, start, images, scan)
        clear_maxima(scan.layout, workspace.maxima, scan.cap)
        find_maxima(words, start, images, 0, scan.layout.bands, scan, workspace.maxima)
        finish_maxima(images, scan, workspace.maxima)


@helper
def _find_all_levels(words: Words, start: int, image: int, scan: ScanMemory | None, workspace: FlipMemory) -> int:
    """The levels of an image; give half of its size, the largest distance."""
    layout, maxima, levels, grid, patterns, planes = workspace
    places, (of_rows, of_slabs) = maxima_offsets(layout), level_places(layout)
    if scan is None:
        largest = erode_away(words, start, grid, patterns, planes)
        find_levels_of_eroded(largest, layout, grid, planes, levels)
    else:
        largest = size_of(image, layout, maxima)
        first_row, first_slab = places.rows + image * layout.rows, places.slabs + image * layout.slabs
        find_levels(maxima, image * layout.width, layout.width, largest, levels, 0)
        if layout.rows > 1:
            find_levels(maxima, first_row, layout.rows, largest, levels, of_rows)
        find_levels(maxima, first_slab, layout.slabs, largest, levels, of_slabs)
    if layout.rows == 1:  # all distances along an axis of one pixel are 0: the other axes decide
        levels[of_rows] = 0
    return largest


@helper
def _write_sizes(first: int, last: int, largest: int, workspace: FlipMemory, answers: Numbers, at: int) -> None:
    """The sizes that slabs first..last - 1 of an image have by their levels, without those of added pixels.

    ``at`` is where the answers of the image begin. What follows those of the slabs may be overwritten. Mostly it is the
    size of the object as it is: the box is small.
    """
    layout, levels = workspace.layout, workspace.levels
    of_rows, of_slabs = level_places(layout)
    pixels = layout.rows * layout.width
    as_it_is = fill(2 * largest, levels[0])
    for x in range(at + first * pixels, at + last * pixels, BLOCK):
        store_ahead(answers, x, as_it_is)
    begin, is_overwritten = at + first * pixels, False
    for slab in range(first, last):
        for row in range(layout.rows):
            level_of_row = max(levels[of_slabs + slab], levels[of_rows + row])
            if level_of_row <= largest:
                for x in range(0, layout.width, BLOCK):
                    level = maximum(load_pixels(levels, x), fill(level_of_row, levels[0]))
                    store_ahead(answers, begin + x, (level - 1) << 1)
            elif is_overwritten:  # the beginning of the row, by the end of the vector before
                store_ahead(answers, begin, as_it_is)
            is_overwritten = level_of_row <= largest
            begin += layout.width


@helper
def _write_added(
    words: Words, start: int, largest: int, layout: RowLayout, workspace: FlipMemory, answers: Numbers, first: int
) -> None:
    """The sizes of an image after adding a pixel, where they are larger."""
    grid, patterns, planes = workspace.grid, workspace.patterns, workspace.planes
    if largest == 0:  # a lone pixel, wherever it is
        write_number(answers, first, first + pixels_of(layout), 2)
        return
    if largest < layout.cap and may_fit(words, start, largest, layout, grid, patterns, planes):
        raise_added(words, start, largest, grid, patterns, planes, None, answers, first)


@helper
def flip_sizes_of_images(
    words: Words,
    start: int,
    count: int,
    scan: ScanMemory | None,
    workspace: FlipMemory,
    answers: Numbers,
    sizes: Numbers,
) -> None:
    """Sizes after every single flip of ``count`` images whose packed bits begin at ``start``, in reading order.

    ``sizes`` gets the size of each image without any flip. Small grids need no scan.
    """
    layout = workspace.layout
    pixels = pixels_of(layout)
    for first in range(0, count, layout.images):
        images = min(layout.images, count - first)
        _find_all_maxima(words, start + first * pixels, images, scan, workspace)
        for image in range(images):
            at = (first + image) * pixels
            largest = _find_all_levels(words, start + at, image, scan, workspace)
            sizes[first + image] = 2 * largest
            _write_sizes(0, layout.slabs, largest, workspace, answers, at)
            _write_added(words, start + at, largest, layout, workspace, answers, at)


@kernel
def flip_sizes_of(
    words: Words, start: int, count: int, scan: ScanMemory, workspace: FlipMemory, answers: Numbers, sizes: Numbers
) -> None:
    """`flip_sizes_of_images` of large grids, to be called from Python."""
    flip_sizes_of_images(words, start, count, scan, workspace, answers, sizes)


@kernel
def small_flip_sizes_of(
    words: Words, start: int, count: int, workspace: FlipMemory, buffer: WriteBuffer, answers: Numbers, sizes: Numbers
) -> None:
    """The same of small grids; the answers of a few images are kept in the nearest cache until all are found."""
    pixels = pixels_of(workspace.layout)
    most = buffer.numbers.size // pixels
    for first in range(0, count, most):
        images, at = min(most, count - first), first * pixels
        flip_sizes_of_images(words, start + at, images, None, workspace, buffer.numbers, sizes[first:])
        write_gathered(buffer, images * pixels, answers, at)
    settle()


# The steps of the same, where an image is large enough for several threads.
@kernel
def maxima_of_bands(words: Words, start: int, first: int, last: int, scan: ScanMemory, maxima: Numbers) -> None:
    """The maxima of bands first..last - 1 of an image, whose edges must be there."""
    clear_maxima(scan.layout, maxima, scan.cap)
    find_maxima(words, start, 1, first, last, scan, maxima)


@kernel
def levels_of(scan: ScanMemory, workspace: FlipMemory) -> int:
    """Find the levels from the maxima of all bands; give half of the size of the image."""
    finish_maxima(1, scan, workspace.maxima)
    return _find_all_levels(workspace.patterns, 0, 0, scan, workspace)


@kernel
def sizes_of_slabs(first: int, last: int, largest: int, workspace: FlipMemory, answers: Numbers) -> None:
    """`_write_sizes` into the answers of the image."""
    _write_sizes(first, last, largest, workspace, answers, 0)


@kernel
def sizes_of_added(
    words: Words, start: int, largest: int, layout: RowLayout, workspace: FlipMemory, answers: Numbers
) -> None:
    """`_write_added` into the answers of the image."""
    _write_added(words, start, largest, layout, workspace, answers, 0)


# With a spacing.
@kernel
def raise_spaced(
    words: Words,
    start: int,
    largest: int,
    grid: PlaneLayout,
    patterns: Words,
    planes: Words,
    windows: Windows,
    answers: Floats,
    first: int,
) -> None:
    """`raise_added`, to be called from Python."""
    raise_added(words, start, largest, grid, patterns, planes, windows, answers, first)
