"""The sizes after every single flip: the levels of the removed pixel, raised by the windows of the added one."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.ranks import RankLists, Ranks
from chdt.checks.shape import Shape
from chdt.cpu.kernels.added_pixel import may_fit, raise_added
from chdt.cpu.kernels.bands import prepare_bands
from chdt.cpu.kernels.box_erosions import last_rank, list_of_image, take_ranks
from chdt.cpu.kernels.crossed_maxima import CrossedScan, find_largest_codes, write_maxima
from chdt.cpu.kernels.crossing import crossed_codes
from chdt.cpu.kernels.growing_windows import BACKGROUNDS
from chdt.cpu.kernels.interleaved_images import flip_sizes_of_interleaved
from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import BLOCK, VECTOR_WORDS, Numbers, fill, load_pixels, maximum, settle
from chdt.cpu.kernels.laying_out import lay_out_background
from chdt.cpu.kernels.lines import flip_sizes_of_line
from chdt.cpu.kernels.maxima import clear_maxima, find_maxima, finish_maxima, maxima_memory, maxima_offsets, size_of
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.planes import COLUMNS, ROWS, Planes, plane_at, planes_of
from chdt.cpu.kernels.removed_pixel import erode_away, find_levels, find_levels_of_eroded, level_places, levels_memory
from chdt.cpu.kernels.rows import RowLayout, ScanMemory, pixels_of, slab_axis
from chdt.cpu.kernels.size_search import SearchMemory, search_memory
from chdt.cpu.kernels.tiny_images import flip_sizes_of_eight
from chdt.cpu.kernels.window_counts import BACKGROUND, FLIP_PLANES
from chdt.cpu.kernels.writing import AnyNumbers, WriteBuffer, store_ahead, write_gathered, write_number

KEPT_FLIPS_PIXELS = 1 << 14  # of small grids, whose answers are kept until all are found


class FlipMemory(NamedTuple):
    """What a thread needs, beside a `ScanMemory` for large grids."""

    layout: RowLayout
    maxima: npt.NDArray[Any]  # of large grids: see `MaximaOffsets`
    levels: npt.NDArray[Any]  # of the columns, the rows and the slabs of an image, each from a full vector on
    planes: Planes  # FLIP_PLANES, or interleaved, BACKGROUNDS + 1; of small grids, one more for each erosion
    search: SearchMemory
    ranks: Ranks | None  # with a spacing; then distances are ranks, and sizes twice as much
    lists: RankLists | None  # of small grids with a spacing: what to take the ranks of an image from


def flip_memory(
    shape: Shape,
    layout: RowLayout,
    small: bool,
    interleaved: int,
    lanes: type[np.unsignedinteger[Any]],
    last: int,
    black_border: bool,
) -> FlipMemory:
    """Memory for one thread; of a small grid, all erosions are kept, up to distance, or rank, ``last``.

    With a spacing, its ranks are missing. A border of large grids, or with a spacing, is part of the shape.
    """
    planes = (FLIP_PLANES if interleaved == 1 else BACKGROUNDS + 1) + (last if small else 0)
    return FlipMemory(
        layout,
        maxima_memory(layout, lanes),
        levels_memory(layout, lanes),
        planes_of(shape.without_single_pixels, planes, interleaved, black_border),
        search_memory(VECTOR_WORDS),
        None,
        None,
    )


@helper
def _lay_out(packed: Words, start: int, memory: FlipMemory) -> None:
    """Leave the background of an image in plane BACKGROUND, where all that follows reads it."""
    lay_out_background(packed, start, memory.planes, plane_at(memory.planes.layout, BACKGROUND))


@helper
def _find_levels_of_image(image: int, memory: FlipMemory, ranks: Ranks | None) -> int:
    """Write the levels of an image in a block from its maxima; give half of its size, the largest distance."""
    layout, maxima, levels = memory.layout, memory.maxima, memory.levels
    places, (rows_at, slabs_at) = maxima_offsets(layout), level_places(layout)
    largest = size_of(image, layout, maxima)
    find_levels(maxima, image * layout.width, layout.width, largest, ranks, COLUMNS, levels, 0)
    if layout.rows > 1:
        at = places.rows + image * layout.rows
        find_levels(maxima, at, layout.rows, largest, ranks, ROWS, levels, rows_at)
    at = places.slabs + image * layout.slabs
    find_levels(maxima, at, layout.slabs, largest, ranks, slab_axis(layout), levels, slabs_at)
    return largest


@kernel
def write_sizes(first: int, last: int, largest: int, memory: FlipMemory, answers: Numbers, at: int) -> None:
    """The sizes that slabs first..last - 1 of an image have by their levels, without those of added pixels.

    ``at`` is where the answers of the image begin. What follows those of the slabs may be overwritten. Mostly it is the
    size of the object as it is: the box is small.
    """
    layout, levels = memory.layout, memory.levels
    rows_at, slabs_at = level_places(layout)
    pixels = layout.rows * layout.width
    as_it_is = fill(2 * largest, levels[0])
    for x in range(at + first * pixels, at + last * pixels, BLOCK):
        store_ahead(answers, x, as_it_is)
    for slab in range(first, last):
        level_of_slab = levels[slabs_at + slab]
        if level_of_slab > largest:  # outside the box
            continue
        begin, is_overwritten = at + slab * pixels, False
        for row in range(layout.rows):
            level_of_row = level_of_slab
            if layout.rows > 1:  # all distances along an axis of one pixel are 0: the other axes decide
                level_of_row = max(level_of_row, levels[rows_at + row])
            if level_of_row <= largest:
                for x in range(0, layout.width, BLOCK):
                    level = maximum(load_pixels(levels, x), fill(level_of_row, levels[0]))
                    store_ahead(answers, begin + x, (level - 1) << 1)
            elif is_overwritten:  # the beginning of the row, by the end of the vector before
                store_ahead(answers, begin, as_it_is)
            is_overwritten = level_of_row <= largest
            begin += layout.width
        if is_overwritten and slab + 1 < last:
            store_ahead(answers, begin, as_it_is)


@helper
def _write_added(largest: int, memory: FlipMemory, ranks: Ranks | None, answers: Numbers, at: int) -> None:
    """The sizes of an image after adding a pixel, where they are larger. Plane BACKGROUND must hold it."""
    layout = memory.layout
    if largest == 0:  # a lone pixel, wherever it is
        write_number(answers, at, at + pixels_of(layout), 2)
    elif largest < last_rank(memory.planes.layout, ranks) and may_fit(largest + 1, ranks, layout, memory.planes):
        raise_added(largest, memory.planes, memory.search, ranks, answers, at)


@kernel
def raise_sizes(packed: Words, start: int, largest: int, memory: FlipMemory, answers: Numbers, at: int) -> None:
    """Raise the sizes of an image where an added pixel makes it larger; its packed bits begin at ``start``."""
    _lay_out(packed, start, memory)
    _write_added(largest, memory, memory.ranks, answers, at)


@helper
def _line_or_tiny_flip_sizes(
    packed: Words, start: int, count: int, memory: FlipMemory, answers: Numbers, sizes: Numbers
) -> None:
    """`flip_sizes_of` of lines, and of images and volumes of a word each."""
    layout, pixels, halves = memory.layout, pixels_of(memory.layout), memory.search.distances
    if layout.slabs == 1 and layout.rows == 1:
        black_border = memory.planes.layout.black_border
        for line in range(count):
            at = line * pixels
            sizes[line] = 2 * flip_sizes_of_line(packed, start + at, layout.width, black_border, answers, at)
        return
    for first in range(0, count, VECTOR_WORDS):
        images, at = min(VECTOR_WORDS, count - first), first * pixels
        flip_sizes_of_eight(packed, start + at, images, memory.planes, halves, answers, at)
        for image in range(images):
            sizes[first + image] = 2 * halves[image]


@helper
def _interleaved_flip_sizes(
    packed: Words, start: int, count: int, memory: FlipMemory, answers: Numbers, sizes: Numbers
) -> None:
    """`flip_sizes_of` of images of a few words each."""
    pixels, halves = pixels_of(memory.layout), memory.search.distances
    for first in range(0, count, VECTOR_WORDS):
        images, at = min(VECTOR_WORDS, count - first), first * pixels
        flip_sizes_of_interleaved(packed, start + at, images, memory.planes, halves, answers, at)
        for image in range(images):
            sizes[first + image] = 2 * halves[image]


@helper
def _small_flip_sizes(
    packed: Words, start: int, number: int, count: int, memory: FlipMemory, answers: Numbers, sizes: Numbers
) -> None:
    """`flip_sizes_of` of small grids."""
    layout, pixels = memory.layout, pixels_of(memory.layout)
    for image in range(count):
        at = image * pixels
        _lay_out(packed, start + at, memory)
        take_ranks(memory.lists, number + image, memory.ranks)
        largest = erode_away(memory.planes, memory.ranks)
        sizes[image] = 2 * largest
        find_levels_of_eroded(largest, memory.ranks, layout, memory.planes, memory.levels)
        write_sizes(0, layout.slabs, largest, memory, answers, at)
        _write_added(largest, memory, memory.ranks, answers, at)


@helper
def _large_flip_sizes(
    packed: Words, start: int, count: int, scan: ScanMemory, memory: FlipMemory, answers: Numbers, sizes: Numbers
) -> None:
    """`flip_sizes_of` of large grids, whose narrow images are scanned side by side."""
    layout, pixels = memory.layout, pixels_of(memory.layout)
    for first in range(0, count, layout.images):
        images = min(layout.images, count - first)
        prepare_bands(packed, start + first * pixels, images, scan)
        clear_maxima(layout, memory.maxima, scan.cap)
        find_maxima(packed, start + first * pixels, images, 0, layout.bands, scan, memory.maxima)
        finish_maxima(images, scan, memory.maxima)
        for image in range(images):
            at = (first + image) * pixels
            largest = _find_levels_of_image(image, memory, memory.ranks)
            sizes[first + image] = 2 * largest
            write_sizes(0, layout.slabs, largest, memory, answers, at)
            raise_sizes(packed, start + at, largest, memory, answers, at)


@helper
def _crossed_flip_sizes(
    packed: Words, start: int, count: int, scan: CrossedScan, memory: FlipMemory, answers: Numbers, sizes: Numbers
) -> None:
    """`flip_sizes_of` of large grids with a spacing."""
    layout, pixels = memory.layout, pixels_of(memory.layout)
    for image in range(count):
        at = image * pixels
        crossed_codes(packed, start + at, scan.crossing, scan.memory)
        for i in range(scan.found.size):
            scan.found[i] = 0
        find_largest_codes(0, layout.slabs * layout.rows, layout, scan.memory, scan.found)
        write_maxima(layout, scan, memory.maxima)
        largest = _find_levels_of_image(0, memory, memory.ranks)
        sizes[image] = 2 * largest
        write_sizes(0, layout.slabs, largest, memory, answers, at)
        raise_sizes(packed, start + at, largest, memory, answers, at)


@kernel
def flip_sizes_of(
    packed: Words,
    start: int,
    number: int,
    count: int,
    line_or_tiny: bool | None,
    interleaved: bool | None,
    counted: bool | None,
    scan: ScanMemory | None,
    crossed: CrossedScan | None,
    memory: FlipMemory,
    answers: Numbers,
    sizes: Numbers,
) -> None:
    """Write the sizes after every single flip of ``count`` images whose packed bits begin at ``start``.

    They are in reading order; ``sizes`` gets the size of each image without any flip. Of the five ways, all but one are
    None: ``counted`` is for small grids but those before, ``scan`` for large ones, or ``crossed`` if these have a
    spacing. With a spacing, sizes are twice the ranks of largest distances; ``number`` is that of the first image among
    the lists.
    """
    # Numba compiles none of what is for a None; but it would compile an `else` of what is not None.
    if line_or_tiny is not None:
        _line_or_tiny_flip_sizes(packed, start, count, memory, answers, sizes)
    if interleaved is not None:
        _interleaved_flip_sizes(packed, start, count, memory, answers, sizes)
    if counted is not None:
        _small_flip_sizes(packed, start, number, count, memory, answers, sizes)
    if crossed is not None:
        _crossed_flip_sizes(packed, start, count, crossed, memory, answers, sizes)
    if scan is not None:
        _large_flip_sizes(packed, start, count, scan, memory, answers, sizes)


@kernel
def small_flip_sizes_of(
    packed: Words, start: int, count: int, memory: FlipMemory, buffer: WriteBuffer, answers: AnyNumbers, sizes: Numbers
) -> None:
    """`flip_sizes_of` of small grids; answers are kept in the nearest cache until those of a few are found."""
    pixels = pixels_of(memory.layout)
    most = buffer.numbers.size // pixels
    for first in range(0, count, most):
        images, at = min(most, count - first), first * pixels
        _small_flip_sizes(packed, start + at, first, images, memory, buffer.numbers, sizes[first:])
        write_gathered(buffer, images * pixels, answers, at, list_of_image(memory.lists, first))
    settle()


@kernel
def line_or_tiny_flip_sizes_of(
    packed: Words, start: int, count: int, memory: FlipMemory, buffer: WriteBuffer, answers: AnyNumbers, sizes: Numbers
) -> None:
    """`small_flip_sizes_of` of lines, and of images and volumes of a word each: apart, as they are compiled longest."""
    pixels = pixels_of(memory.layout)
    most = buffer.numbers.size // pixels
    for first in range(0, count, most):
        images, at = min(most, count - first), first * pixels
        _line_or_tiny_flip_sizes(packed, start + at, images, memory, buffer.numbers, sizes[first:])
        write_gathered(buffer, images * pixels, answers, at, 0)
    settle()


@kernel
def interleaved_flip_sizes_of(
    packed: Words, start: int, count: int, memory: FlipMemory, buffer: WriteBuffer, answers: AnyNumbers, sizes: Numbers
) -> None:
    """`small_flip_sizes_of` of images of a few words each: apart, for the same reason."""
    pixels = pixels_of(memory.layout)
    most = buffer.numbers.size // pixels
    for first in range(0, count, most):
        images, at = min(most, count - first), first * pixels
        _interleaved_flip_sizes(packed, start + at, images, memory, buffer.numbers, sizes[first:])
        write_gathered(buffer, images * pixels, answers, at, 0)
    settle()


# The steps of a large grid, where an image is large enough for several threads.
@kernel
def maxima_of_bands(packed: Words, start: int, first: int, last: int, scan: ScanMemory, maxima: Numbers) -> None:
    """Write the maxima of bands first..last - 1 of an image, whose edges must be there."""
    clear_maxima(scan.layout, maxima, scan.cap)
    find_maxima(packed, start, 1, first, last, scan, maxima)


@kernel
def levels_of(scan: ScanMemory, memory: FlipMemory) -> int:
    """Write the levels of an image from the maxima of all bands; give half of its size."""
    finish_maxima(1, scan, memory.maxima)
    return _find_levels_of_image(0, memory, memory.ranks)


# The same with a spacing.
@kernel
def levels_of_crossed(scan: CrossedScan, memory: FlipMemory) -> int:
    """Write the levels of an image from its largest codes; give the rank of its largest distance."""
    write_maxima(memory.layout, scan, memory.maxima)
    return _find_levels_of_image(0, memory, memory.ranks)
