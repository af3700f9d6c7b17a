"""Sizes after every single flip of a batch, one image a thread or one image in bands for all."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.ranks import Floats, RankLists, Ranks, rank_lists_of, ranks_of, steps_at
from chdt.checks.shape import AllSteps, Shape, Steps
from chdt.cpu.added_pixels import AddedMemory, added_memory, raise_added_of_image
from chdt.cpu.crossed import codes_of_image, crossing_of, share_lines
from chdt.cpu.distances import edges_of_image, share_bands
from chdt.cpu.kernels.crossed_maxima import CrossedScan, find_largest_codes, found_memory
from chdt.cpu.kernels.crossing import CrossingMemory, crossing_memory
from chdt.cpu.kernels.flip_ways import flip_sizes_of, levels_of, levels_of_crossed, maxima_of_bands
from chdt.cpu.kernels.flips import FlipMemory, flip_memory, raise_sizes, write_sizes
from chdt.cpu.kernels.lanes import VECTOR_WORDS, Numbers
from chdt.cpu.kernels.maxima import maxima_memory
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.removed_pixel import levels_memory
from chdt.cpu.kernels.rows import ScanMemory, scan_memory
from chdt.cpu.kernels.small_flips import KEPT_FLIPS_PIXELS, small_flip_sizes_of
from chdt.cpu.kernels.writing import WriteBuffer, any_numbers, look_up, tables_for, with_tables, write_buffer
from chdt.cpu.memory import reused, without_names
from chdt.cpu.packed import PackedMasks
from chdt.cpu.route import PixelRoute, has_interleaved_flips, in_slabs, is_small, line_or_tiny, pixel_route, row_layout
from chdt.cpu.threads import CROSSING_EFFORT, SCAN_EFFORT, share


class SmallWays(NamedTuple):
    """How flips of lines and of small grids are found: one is True, the others None; of other grids all are."""

    line_or_tiny: bool | None
    interleaved: bool | None
    counted: bool | None


def small_ways(images: int, shape: Shape, has_ranks: bool) -> SmallWays:
    """The way of so many images; those with ranks, for a spacing, are counted."""
    alone = None if has_ranks else line_or_tiny(shape)
    interleaved = None if has_ranks or alone else has_interleaved_flips(images, shape)
    return SmallWays(alone, interleaved, True if is_small(shape) and not alone and not interleaved else None)


def flip_sizes_into(packed: PackedMasks, spacing: AllSteps | None, answers: Numbers) -> None:
    """Write the sizes after every single flip of a batch, in reading order; with a spacing, the bits of float32.

    Each image of small grids may have a spacing.
    """
    lists = None if spacing is None else rank_lists_of(packed.shape, spacing)
    largest = packed.shape.cap if lists is None else lists.last
    route = pixel_route(packed.images, packed.shape, 2 * largest, answers)
    if route.small:
        _small_flip_sizes(packed, route, largest, lists, answers)
    elif spacing is None:
        _scanned_flip_sizes(packed, route, answers)
    else:
        _crossed_flip_sizes(packed, route, steps_at(spacing, 0), answers)


def _scanned_flip_sizes(packed: PackedMasks, route: PixelRoute, answers: Numbers) -> None:
    shape, pixels = packed.shape, packed.shape.pixels
    sizes, line = np.empty(packed.images, np.int64), line_or_tiny(shape)

    def memory() -> tuple[ScanMemory | None, FlipMemory]:
        scan = None if line else reused(without_names, scan_memory, route.layout, route.lanes)
        return scan, reused(without_names, *_flip_memory_of(shape, route))

    def work(first: int, last: int, scan: ScanMemory | None, flips: FlipMemory) -> None:
        start, images, here = first * pixels, last - first, answers[first * pixels : last * pixels]
        flip_sizes_of(packed.bits, start, 0, images, line, None, None, scan, None, flips, here, sizes[first:last])

    share(work, route.alone, SCAN_EFFORT * pixels, route.layout.images, memory)
    for image in range(route.alone, packed.images):
        here = answers[image * pixels : (image + 1) * pixels]
        _flip_sizes_of_image(packed.bits, image * pixels, shape, route, here)


def _flip_memory_of(shape: Shape, route: PixelRoute) -> tuple[Any, ...]:
    """What `reused` is to make for large images."""
    return flip_memory, shape, route.layout, False, 1, route.lanes, shape.cap, False


def _small_flip_sizes(
    packed: PackedMasks, route: PixelRoute, largest: int, lists: RankLists | None, answers: Numbers
) -> None:
    shape, pixels, images = packed.shape, packed.shape.pixels, packed.images
    sizes = np.empty(images, np.int64)
    kept = max(1, KEPT_FLIPS_PIXELS // pixels) if lists is None or lists.is_one_for_all else 1  # images
    kept -= kept % VECTOR_WORDS if kept > VECTOR_WORDS else 0  # maybe eight at a time
    ways = small_ways(images, shape, lists is not None)
    interleaved = VECTOR_WORDS if ways.interleaved else 1
    tables = None if lists is None else tables_for(tables_of_sizes(lists.distances), route.lanes, answers.size)

    def memory() -> tuple[FlipMemory, WriteBuffer]:
        key = (flip_memory, shape, route.layout, True, interleaved, route.lanes, largest, packed.black_border)
        flips = reused(without_names, *key) if lists is None else reused(*key)
        buffer = reused(without_names, write_buffer, route.lanes, route.past_caches, kept * pixels, lists is not None)
        return flips, with_tables(buffer, tables)

    def work(first: int, last: int, flips: FlipMemory, buffer: WriteBuffer) -> None:
        here = any_numbers(answers[first * pixels : last * pixels])
        if lists is not None:
            flips = flips._replace(ranks=lists.at_hand, lists=lists.of_images(first, last))
        small_flip_sizes_of(packed.bits, first * pixels, last - first, *ways, flips, buffer, here, sizes[first:last])

    share(work, images, SCAN_EFFORT * pixels, memory=memory)


def tables_of_sizes(distances: Floats) -> npt.NDArray[np.uint32]:
    """The bits of float32 sizes, at twice the rank of the largest distance, for each list of ranks."""
    return np.repeat(2 * distances, 2, axis=1).view(np.uint32)


def _flip_sizes_of_image(bits: Words, start: int, shape: Shape, route: PixelRoute, answers: Numbers) -> None:
    """Write the sizes after flips of an image that is cut into bands, from all threads."""
    layout, lanes = route.layout, route.lanes
    maxima = _maxima_of_image(bits, start, route)
    flips, added = _level_memory(route, maxima), _added_memory(bits, start, shape, route)
    largest = levels_of(reused(scan_memory, layout, lanes, False), flips)

    def work(first: int, last: int) -> None:
        write_sizes(first, last, largest, flips, answers[: last * layout.rows * layout.width], 0)

    share(work, layout.slabs, layout.rows * layout.width)
    _raise_added(bits, start, largest, None, added, answers)


def _level_memory(route: PixelRoute, maxima: Numbers) -> FlipMemory:
    """Memory for the levels of an image, from its maxima; planes, which added pixels need, are those of one pixel.

    What one kernel leaves for the next is in memory of its own: in between, a signal's handler may call chdt.
    """
    levels = levels_memory(route.layout, route.lanes)
    return flip_memory(Shape(1, 1, 1), route.layout, False, 1, route.lanes, 1, False)._replace(
        maxima=maxima, levels=levels
    )


def _added_memory(bits: Words, start: int, shape: Shape, route: PixelRoute) -> AddedMemory | FlipMemory:
    """What `_raise_added` needs for an image that is cut into bands: made before anything is written."""
    return added_memory(bits, start, shape) if in_slabs(shape) else reused(*_flip_memory_of(shape, route))


def _raise_added(
    bits: Words, start: int, largest: int, ranks: Ranks | None, memory: AddedMemory | FlipMemory, answers: Numbers
) -> None:
    """Raise the sizes of an image where an added pixel makes it larger."""
    if isinstance(memory, FlipMemory):
        raise_sizes(bits, start, largest, memory._replace(ranks=ranks), answers, 0)
    elif largest == 0:  # a lone pixel, wherever it is
        answers[: memory.shape.pixels] = 2
    else:
        raise_added_of_image(memory, largest, ranks, answers)


def _maxima_of_image(bits: Words, start: int, route: PixelRoute) -> npt.NDArray[Any]:
    """The maxima of an image that is cut into bands: those of each thread, then their maximum."""
    found: list[Numbers] = []

    def work(first: int, last: int, scan: ScanMemory) -> None:
        maxima = maxima_memory(route.layout, route.lanes)
        maxima_of_bands(bits, start, first, last, scan, maxima)
        found.append(maxima)

    share_bands(work, route, edges_of_image(bits, start, route))
    return np.max(found, axis=0, out=found[0])


def _crossed_flip_sizes(packed: PackedMasks, route: PixelRoute, spacing: Steps, answers: Numbers) -> None:
    """`flip_sizes_into` of large grids with a spacing: twice the ranks first, then the sizes in their place."""
    shape, pixels = packed.shape, packed.shape.pixels
    ranks = ranks_of(shape, spacing)
    sizes, tables = np.empty(packed.images, np.int64), tables_of_sizes(ranks.distances[None])
    route = route._replace(lanes=crossing_of(shape, spacing)[2])

    def memory() -> tuple[CrossedScan, FlipMemory]:
        flips = reused(flip_memory, shape, route.layout, False, 1, route.lanes, ranks.last, False)
        return crossed_scan(shape, spacing), flips._replace(ranks=ranks)

    def work(first: int, last: int, scan: CrossedScan, flips: FlipMemory) -> None:
        for image in range(first, last):
            here = answers[image * pixels : (image + 1) * pixels]
            flip_sizes_of(
                packed.bits, image * pixels, 0, 1, None, None, None, None, scan, flips, here, sizes[image : image + 1]
            )
            look_up(here[None], tables)

    share(work, route.alone, CROSSING_EFFORT * pixels, memory=memory)
    for image in range(route.alone, packed.images):
        here = answers[image * pixels : (image + 1) * pixels]
        _crossed_flip_sizes_of_image(packed, image * pixels, route, spacing, ranks, here)
        share(lambda first, last, here=here: look_up(here[None, first:last], tables), pixels, 1)


def crossed_scan(shape: Shape, spacing: Steps) -> CrossedScan:
    """Memory for one thread."""
    crossing, _, lanes = crossing_of(shape, spacing)
    memory = reused(crossing_memory, shape.without_single_pixels, lanes)
    return CrossedScan(crossing, memory, reused(found_memory, row_layout(shape), lanes))


def _crossed_flip_sizes_of_image(
    packed: PackedMasks, start: int, route: PixelRoute, spacing: Steps, ranks: Ranks, answers: Numbers
) -> None:
    """Write twice the ranks after flips of an image from all threads."""
    layout, shape = route.layout, packed.shape
    crossing, _, lanes = crossing_of(shape, spacing)
    plain = shape.without_single_pixels
    codes = codes_of_image(packed.bits, start, plain, crossing, lanes)
    found: list[Numbers] = []

    def look(first: int, last: int, memory: CrossingMemory) -> None:
        of_thread = found_memory(layout, lanes)
        find_largest_codes(first, last, layout, memory._replace(codes=codes), of_thread)
        found.append(of_thread)

    share_lines(look, layout.slabs * layout.rows, layout.width, plain, lanes)
    memory = reused(crossing_memory, plain, lanes, False)
    scan = CrossedScan(crossing, memory, np.max(found, axis=0, out=found[0]))
    flips = _level_memory(route, maxima_memory(layout, route.lanes))._replace(ranks=ranks)
    added = _added_memory(packed.bits, start, shape, route)
    largest = levels_of_crossed(scan, flips)

    def write(first: int, last: int) -> None:
        write_sizes(first, last, largest, flips, answers[: last * layout.rows * layout.width], 0)

    share(write, layout.slabs, layout.rows * layout.width)
    _raise_added(packed.bits, start, largest, ranks, added, answers)
