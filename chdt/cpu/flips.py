"""Sizes after every single flip of a batch, one image a thread or one image in bands for all."""

from typing import Any

import numpy as np
import numpy.typing as npt

from chdt.checks.shape import Shape, Steps
from chdt.cpu.distances import edges_of_image, share_bands
from chdt.cpu.kernels.flips import (
    KEPT_FLIPS_PIXELS,
    FlipMemory,
    flip_memory,
    flip_sizes_of,
    levels_of,
    maxima_of_bands,
    raise_sizes,
    raise_spaced,
    small_flip_sizes_of,
    write_sizes,
)
from chdt.cpu.kernels.lanes import Numbers
from chdt.cpu.kernels.maxima import maxima_memory
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.planes import planes_of
from chdt.cpu.kernels.removed_pixel import levels_memory
from chdt.cpu.kernels.rows import ScanMemory, scan_memory
from chdt.cpu.kernels.spaced_lines import Floats
from chdt.cpu.kernels.window_counts import FLIP_PLANES
from chdt.cpu.kernels.writing import write_buffer
from chdt.cpu.memory import reused
from chdt.cpu.packed import PackedMasks
from chdt.cpu.route import SCAN_EFFORT, PixelRoute, pixel_route
from chdt.cpu.spaced import replace_by_sizes_without, spaced_distances, windows_of
from chdt.cpu.threads import share


def flip_sizes_into(packed: PackedMasks, answers: Numbers) -> None:
    """Write the sizes after every single flip of a batch, in reading order."""
    shape, pixels = packed.shape, packed.shape.pixels
    route = pixel_route(packed.images, shape, 2 * shape.cap, answers)
    sizes = np.empty(packed.images, np.int64)
    if route.small:
        _small_flip_sizes(packed, route, answers, sizes)
        return

    def memory() -> tuple[ScanMemory, FlipMemory]:
        return reused(scan_memory, route.layout, route.lanes), _flip_memory(shape, route)

    def work(first: int, last: int, scan: ScanMemory, flips: FlipMemory) -> None:
        here = answers[first * pixels : last * pixels]
        flip_sizes_of(packed.bits, first * pixels, last - first, scan, flips, here, sizes[first:last])

    share(work, route.alone, SCAN_EFFORT * pixels, route.layout.images, memory)
    for image in range(route.alone, packed.images):
        here = answers[image * pixels : (image + 1) * pixels]
        _flip_sizes_of_image(packed.bits, image * pixels, shape, route, here)


def _flip_memory(shape: Shape, route: PixelRoute) -> FlipMemory:
    return reused(flip_memory, shape, route.layout, route.small, route.lanes)


def _small_flip_sizes(packed: PackedMasks, route: PixelRoute, answers: Numbers, sizes: Numbers) -> None:
    shape, pixels = packed.shape, packed.shape.pixels
    most = max(1, KEPT_FLIPS_PIXELS // pixels) * pixels

    def work(first: int, last: int, flips: FlipMemory) -> None:
        here = answers[first * pixels : last * pixels]
        buffer = reused(write_buffer, route.lanes, route.past_caches, most)
        small_flip_sizes_of(packed.bits, first * pixels, last - first, flips, buffer, here, sizes[first:last])

    share(work, packed.images, SCAN_EFFORT * pixels, memory=lambda: (_flip_memory(shape, route),))


def _flip_sizes_of_image(bits: Words, start: int, shape: Shape, route: PixelRoute, answers: Numbers) -> None:
    """Write the sizes after flips of an image that is cut into bands, from all threads."""
    layout, lanes = route.layout, route.lanes
    maxima = _maxima_of_image(bits, start, route)
    # What one kernel leaves for the next is in memory of its own: in between, a signal's handler may call chdt.
    flips = _flip_memory(shape, route)._replace(maxima=maxima, levels=levels_memory(layout, lanes))
    largest = levels_of(reused(scan_memory, layout, lanes, False), flips)

    def work(first: int, last: int) -> None:
        write_sizes(first, last, largest, flips, answers[: last * layout.rows * layout.width], 0)

    share(work, layout.slabs, layout.rows * layout.width)
    raise_sizes(bits, start, largest, flips, answers, 0)


def _maxima_of_image(bits: Words, start: int, route: PixelRoute) -> npt.NDArray[Any]:
    """The maxima of an image that is cut into bands: those of each thread, then their maximum."""
    found: list[Numbers] = []

    def work(first: int, last: int, scan: ScanMemory) -> None:
        maxima = maxima_memory(route.layout, route.lanes)
        maxima_of_bands(bits, start, first, last, scan, maxima)
        found.append(maxima)

    share_bands(work, route, edges_of_image(bits, start, route))
    return np.max(found, axis=0, out=found[0])


def spaced_flip_sizes(packed: PackedMasks, spacing: Steps) -> Floats:
    """Sizes after every single flip of a batch, shape (images, depth, height, width)."""
    shape, pixels = packed.shape, packed.shape.pixels
    windows = windows_of(shape, spacing)
    answers = spaced_distances(packed, spacing)
    flat = answers.reshape(-1)

    def work(first: int, last: int) -> None:
        planes = planes_of(shape.without_single_pixels, FLIP_PLANES)
        for image in range(first, last):
            largest, at = int(np.searchsorted(windows.distances, answers[image].max())), image * pixels
            replace_by_sizes_without(answers[image], spacing)
            raise_spaced(packed.bits, at, largest, planes, windows, flat, at)

    share(work, packed.images, SCAN_EFFORT * pixels)
    return answers
