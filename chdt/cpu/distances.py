"""Distances of a batch, by erosions or by scans, one image a thread or one image in bands for all."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from chdt.cpu.kernels.bands import edges_joined, edges_of_bands
from chdt.cpu.kernels.counted_erosions import counting_planes, is_small, small_distances_of
from chdt.cpu.kernels.distances import distances_of, distances_of_bands
from chdt.cpu.kernels.lanes import Numbers
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.planes import Planes, interleaved_images
from chdt.cpu.kernels.rows import (
    SCAN_EFFORT,
    RowLayout,
    ScanMemory,
    edges_of,
    lanes_for,
    pixels_of,
    row_layout_of,
    scan_memory,
)
from chdt.cpu.kernels.writing import is_streamed, write_buffer
from chdt.cpu.memory import reused
from chdt.cpu.packed import PackedMasks
from chdt.cpu.threads import MOST_PIXELS, PIXELS_PER_THREAD, share, thread_count


def count_distances_into(packed: PackedMasks, answers: Numbers) -> None:
    """Write the distances of a batch of small masks, in reading order."""
    words, shape, pixels = packed.words, packed.shape, packed.shape.pixels
    interleaved, past_caches = interleaved_images(packed.images, pixels), is_streamed(answers)

    def work(first: int, last: int, planes: Planes) -> None:
        here = answers[first * pixels : last * pixels]
        buffer = write_buffer(np.uint8, past_caches)
        small_distances_of(words, first * pixels, last - first, planes, buffer, here)

    share(work, packed.images, pixels, interleaved, lambda: (reused(counting_planes, shape, interleaved),))


def images_alone(images: int, layout: RowLayout) -> int:
    """How many images of a batch are left to one thread each: then no thread waits for another one.

    The others are cut into bands for all threads, unless that takes longer. So is every image that is too large to be
    handed out at once.
    """
    pixels = pixels_of(layout)
    if layout.bands == 1 or pixels < 2 * PIXELS_PER_THREAD:
        return images
    return images - images % thread_count() if pixels <= MOST_PIXELS else 0


def share_bands(work: Callable[[int, int, ScanMemory], None], layout: RowLayout, lanes: Any, edges: Numbers) -> None:
    """Call ``work(first, last, scan)`` for all bands of an image, on several threads, each with a scan of its own."""

    def memory() -> tuple[ScanMemory]:
        return (reused(scan_memory, layout, lanes, False)._replace(edges=edges),)

    pixels = min(layout.band, layout.slabs) * layout.rows * layout.width
    share(work, layout.bands, SCAN_EFFORT * pixels, memory=memory)


def edges_of_image(words: Words, start: int, layout: RowLayout, lanes: Any) -> npt.NDArray[Any]:
    """All edges of an image, from several threads."""
    edges = edges_of(layout, lanes)
    share_bands(lambda first, last, scan: edges_of_bands(words, start, first, last, scan), layout, lanes, edges)
    edges_joined(reused(scan_memory, layout, lanes, False)._replace(edges=edges))
    return edges


def distances_into(packed: PackedMasks, answers: Numbers) -> None:
    """Write the distances of a batch, in reading order."""
    words, pixels = packed.words, packed.shape.pixels
    if is_small(packed.shape):
        count_distances_into(packed, answers)
        return
    layout, lanes = row_layout_of(packed.shape), lanes_for(packed.shape.cap)
    past_caches = is_streamed(answers)

    def memory() -> tuple[ScanMemory]:
        return (reused(scan_memory, layout, lanes),)

    def work(first: int, last: int, scan: ScanMemory) -> None:
        here = answers[first * pixels : last * pixels]
        distances_of(words, first * pixels, last - first, scan, write_buffer(lanes, past_caches), here)

    alone = images_alone(packed.images, layout)
    share(work, alone, SCAN_EFFORT * pixels, layout.images, memory)
    for image in range(alone, packed.images):
        here = answers[image * pixels : (image + 1) * pixels]
        _distances_of_image(words, image * pixels, layout, lanes, here, past_caches)


def _distances_of_image(
    words: Words, start: int, layout: RowLayout, lanes: Any, answers: Numbers, past_caches: bool
) -> None:
    """The same for an image that is large enough for several threads."""

    def work(first: int, last: int, scan: ScanMemory) -> None:
        distances_of_bands(words, start, first, last, scan, write_buffer(lanes, past_caches), answers)

    share_bands(work, layout, lanes, edges_of_image(words, start, layout, lanes))
