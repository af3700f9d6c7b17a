"""The sizes after every single flip: the levels of the removed pixel, raised by the windows of the added one."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.ranks import RankLists, Ranks
from chdt.checks.shape import Shape
from chdt.cpu.kernels.added_pixel import may_fit, raise_added
from chdt.cpu.kernels.box_erosions import last_rank
from chdt.cpu.kernels.growing_windows import BACKGROUNDS
from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import BLOCK, VECTOR_WORDS, Numbers, fill, load_pixels, maximum
from chdt.cpu.kernels.laying_out import lay_out_background
from chdt.cpu.kernels.maxima import maxima_memory, maxima_offsets, size_of
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.planes import COLUMNS, ROWS, Planes, plane_at, planes_of
from chdt.cpu.kernels.removed_pixel import find_levels, level_places, levels_memory
from chdt.cpu.kernels.rows import RowLayout, pixels_of, slab_axis
from chdt.cpu.kernels.size_search import SearchMemory, search_memory
from chdt.cpu.kernels.window_counts import BACKGROUND, FLIP_PLANES
from chdt.cpu.kernels.writing import store_ahead, write_number


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
def lay_out(packed: Words, start: int, memory: FlipMemory) -> None:
    """Leave the background of an image in plane BACKGROUND, where all that follows reads it."""
    lay_out_background(packed, start, memory.planes, plane_at(memory.planes.layout, BACKGROUND))


@helper
def find_levels_of_image(image: int, memory: FlipMemory, ranks: Ranks | None) -> int:
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
def write_added(largest: int, memory: FlipMemory, ranks: Ranks | None, answers: Numbers, at: int) -> None:
    """The sizes of an image after adding a pixel, where they are larger. Plane BACKGROUND must hold it."""
    layout = memory.layout
    if largest == 0:  # a lone pixel, wherever it is
        write_number(answers, at, at + pixels_of(layout), 2)
    elif largest < last_rank(memory.planes.layout, ranks) and may_fit(largest + 1, ranks, layout, memory.planes):
        raise_added(largest, memory.planes, memory.search, ranks, answers, at)


@kernel
def raise_sizes(packed: Words, start: int, largest: int, memory: FlipMemory, answers: Numbers, at: int) -> None:
    """Raise the sizes of an image where an added pixel makes it larger; its packed bits begin at ``start``."""
    lay_out(packed, start, memory)
    write_added(largest, memory, memory.ranks, answers, at)
