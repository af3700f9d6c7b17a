"""Distances of a batch, by erosions or by scans, one image a thread or one image in bands for all."""

from collections.abc import Callable

import numpy as np

from chdt.checks.ranks import rank_lists_of, steps_at
from chdt.checks.shape import AllSteps
from chdt.cpu.crossed import crossed_distances_into
from chdt.cpu.kernels.bands import SIDES, find_edges, join_edges
from chdt.cpu.kernels.counted_erosions import counting_planes, small_distances_of
from chdt.cpu.kernels.distances import distances_of, distances_of_bands
from chdt.cpu.kernels.lanes import Numbers
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.planes import Planes
from chdt.cpu.kernels.rows import ScanMemory, edges_of, scan_memory
from chdt.cpu.kernels.writing import BUFFERED, WriteBuffer, any_numbers, tables_for, with_tables, write_buffer
from chdt.cpu.memory import reused, without_names
from chdt.cpu.packed import PackedMasks
from chdt.cpu.route import PixelRoute, interleaved_images, is_small, is_streamed, pixel_route
from chdt.cpu.threads import COUNTING_EFFORT, JOINING_EFFORT, SCAN_EFFORT, share


def distances_into(packed: PackedMasks, spacing: AllSteps | None, answers: Numbers) -> None:
    """Write the distances of a batch, in reading order; with a spacing, as the bits of float32 numbers.

    Each image of small grids may have a spacing.
    """
    if is_small(packed.shape):
        _count_distances(packed, spacing, answers)
    elif spacing is None:
        _scan_distances(packed, answers)
    else:
        crossed_distances_into(packed, steps_at(spacing, 0), answers)


def _scan_distances(packed: PackedMasks, answers: Numbers) -> None:
    """Write the distances of a batch of large masks, in reading order."""
    route = pixel_route(packed.images, packed.shape, packed.shape.cap, answers)
    pixels = packed.shape.pixels

    def memory() -> tuple[ScanMemory]:
        return (reused(without_names, scan_memory, route.layout, route.lanes),)

    def work(first: int, last: int, scan: ScanMemory) -> None:
        here = answers[first * pixels : last * pixels]
        distances_of(
            packed.bits,
            first * pixels,
            last - first,
            scan,
            reused(without_names, write_buffer, route.lanes, route.past_caches),
            any_numbers(here),
        )

    share(work, route.alone, SCAN_EFFORT * pixels, route.layout.images, memory)
    for image in range(route.alone, packed.images):
        _distances_of_image(packed.bits, image * pixels, route, answers[image * pixels : (image + 1) * pixels])


def _count_distances(packed: PackedMasks, spacing: AllSteps | None, answers: Numbers) -> None:
    """Write the distances of a batch of small masks, in reading order."""
    shape, pixels, images = packed.shape, packed.shape.pixels, packed.images
    lists = None if spacing is None else rank_lists_of(shape, spacing)
    largest = shape.cap if lists is None else lists.last
    interleaved = interleaved_images(images, pixels, lists is None or lists.is_one_for_all)
    past_caches = is_streamed(answers)
    tables = None if lists is None else tables_for(lists.distances.view(np.uint32), np.uint8, answers.size)

    def memory() -> tuple[Planes, WriteBuffer]:
        planes = reused(without_names, counting_planes, shape, largest, interleaved, packed.black_border)
        buffer = reused(without_names, write_buffer, np.uint8, past_caches, BUFFERED, lists is not None)
        return planes, with_tables(buffer, tables)

    def work(first: int, last: int, planes: Planes, buffer: WriteBuffer) -> None:
        here = any_numbers(answers[first * pixels : last * pixels])
        ranks, mine = (None, None) if lists is None else (lists.at_hand, lists.of_images(first, last))
        small_distances_of(packed.bits, first * pixels, last - first, planes, ranks, mine, buffer, here)

    share(work, images, COUNTING_EFFORT * pixels, interleaved, memory)


def _distances_of_image(bits: Words, start: int, route: PixelRoute, answers: Numbers) -> None:
    """Write the distances of an image that is cut into bands, from all threads."""

    def work(first: int, last: int, scan: ScanMemory) -> None:
        distances_of_bands(
            bits, start, first, last, scan, reused(write_buffer, route.lanes, route.past_caches), any_numbers(answers)
        )

    share_bands(work, route, edges_of_image(bits, start, route))


def share_bands(work: Callable[[int, int, ScanMemory], None], route: PixelRoute, edges: Numbers) -> None:
    """Call ``work(first, last, scan)`` for all bands of an image, on several threads, each with a scan of its own."""
    layout = route.layout
    pixels = min(layout.band, layout.slabs) * layout.rows * layout.width
    share(work, layout.bands, SCAN_EFFORT * pixels, memory=lambda: (_scan_of(edges, route),))


def _scan_of(edges: Numbers, route: PixelRoute) -> ScanMemory:
    """Memory for one thread, beside the edges that all share."""
    return reused(scan_memory, route.layout, route.lanes, False)._replace(edges=edges)


def edges_of_image(bits: Words, start: int, route: PixelRoute) -> Numbers:
    """The joined edges of an image: found by several threads, and each side joined by one."""
    layout, edges = route.layout, edges_of(route.layout, route.lanes)
    share_bands(lambda first, last, scan: find_edges(bits, start, 1, first, last, scan), route, edges)
    pixels = layout.bands * layout.rows * layout.width
    share(join_edges, SIDES, JOINING_EFFORT * pixels, memory=lambda: (_scan_of(edges, route),))
    return edges
