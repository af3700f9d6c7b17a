"""Sizes after every single flip of a batch, one image a thread or one image in bands for all."""

from typing import Any

import numpy as np
import numpy.typing as npt

from chdt.checks.shape import Shape, Steps
from chdt.cpu.distances import edges_of_image, images_alone, share_bands
from chdt.cpu.kernels.counted_erosions import is_small
from chdt.cpu.kernels.flips import (
    KEPT_FLIPS_PIXELS,
    FlipMemory,
    flip_memory,
    flip_sizes_of,
    levels_of,
    maxima_of_bands,
    raise_spaced,
    sizes_of_added,
    sizes_of_slabs,
    small_flip_sizes_of,
)
from chdt.cpu.kernels.lanes import Numbers
from chdt.cpu.kernels.maxima import maxima_memory
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.planes import planes_of
from chdt.cpu.kernels.removed_pixel import levels_memory
from chdt.cpu.kernels.rows import SCAN_EFFORT, RowLayout, ScanMemory, lanes_for, row_layout_of, scan_memory
from chdt.cpu.kernels.spaced_lines import Floats
from chdt.cpu.kernels.window_counts import FLIP_PLANES
from chdt.cpu.kernels.writing import is_streamed, write_buffer
from chdt.cpu.memory import reused
from chdt.cpu.packed import PackedMasks
from chdt.cpu.spaced import replace_by_sizes_without, spaced_distances, windows_of
from chdt.cpu.threads import share


def _maxima_of_image(words: Words, start: int, layout: RowLayout, lanes: Any) -> npt.NDArray[Any]:
    found: list[Numbers] = []

    def work(first: int, last: int, scan: ScanMemory) -> None:
        maxima = maxima_memory(layout, lanes)
        maxima_of_bands(words, start, first, last, scan, maxima)
        found.append(maxima)

    share_bands(work, layout, lanes, edges_of_image(words, start, layout, lanes))
    return np.max(found, axis=0, out=found[0])


def _flip_sizes_of_image(words: Words, start: int, shape: Shape, lanes: Any, answers: Numbers) -> None:
    layout = row_layout_of(shape)
    maxima = _maxima_of_image(words, start, layout, lanes)
    # What one kernel leaves for the next is in memory of its own: in between, a signal's handler may call chdt.
    workspace = reused(flip_memory, shape, lanes)._replace(maxima=maxima, levels=levels_memory(layout, lanes))
    largest = levels_of(reused(scan_memory, layout, lanes, False), workspace)

    def write_sizes(first: int, last: int) -> None:
        sizes_of_slabs(first, last, largest, workspace, answers[: last * layout.rows * layout.width])

    share(write_sizes, layout.slabs, layout.rows * layout.width)
    sizes_of_added(words, start, largest, workspace, answers)


def flip_sizes_into(packed: PackedMasks, answers: Numbers) -> None:
    """Write the sizes after every single flip of a batch, in reading order."""
    words, shape, pixels = packed.words, packed.shape, packed.shape.pixels
    layout, lanes = row_layout_of(shape), lanes_for(2 * shape.cap)
    sizes = np.empty(packed.images, np.int64)
    if is_small(shape):
        past_caches, most = is_streamed(answers), max(1, KEPT_FLIPS_PIXELS // pixels) * pixels

        def work_small(first: int, last: int, workspace: FlipMemory) -> None:
            here = answers[first * pixels : last * pixels]
            buffer = write_buffer(lanes, past_caches, most)
            small_flip_sizes_of(words, first * pixels, last - first, workspace, buffer, here, sizes[first:last])

        share(work_small, packed.images, SCAN_EFFORT * pixels, memory=lambda: (reused(flip_memory, shape, lanes),))
        return

    def memory() -> tuple[ScanMemory, FlipMemory]:
        return reused(scan_memory, layout, lanes), reused(flip_memory, shape, lanes)

    def work(first: int, last: int, scan: ScanMemory, workspace: FlipMemory) -> None:
        here = answers[first * pixels : last * pixels]
        flip_sizes_of(words, first * pixels, last - first, scan, workspace, here, sizes[first:last])

    alone = images_alone(packed.images, layout)
    share(work, alone, SCAN_EFFORT * pixels, layout.images, memory)
    for image in range(alone, packed.images):
        _flip_sizes_of_image(words, image * pixels, shape, lanes, answers[image * pixels : (image + 1) * pixels])


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
            raise_spaced(packed.words, at, largest, planes, windows, flat, at)

    share(work, packed.images, SCAN_EFFORT * pixels)
    return answers
