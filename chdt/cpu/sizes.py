"""Sizes of a batch, one image a thread or one image in overlapping bands for all."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chdt.checks.answers import deliver, new_answer
from chdt.checks.masks import AnyMasks, as_words, flat_view, grid_shape, invalid_value
from chdt.checks.ranks import AXES, Floats, groups_of, ranks_of
from chdt.checks.shape import AllSteps, Shape, Steps
from chdt.cpu.kernels.lanes import Numbers
from chdt.cpu.kernels.packing import WORD_BITS, Words, packed_words
from chdt.cpu.kernels.planes import planes_of
from chdt.cpu.kernels.rank_search import spaced_sizes_of
from chdt.cpu.kernels.size_search import (
    BANDS_MAX_DISTANCE,
    OverlappingBands,
    SizeMemory,
    measure_bands,
    size_memory,
    sizes_of,
    sizes_of_packed,
)
from chdt.cpu.kernels.thick_objects import BLOCK_SIDE, LEAST_KNOWN, largest_in_rows, lay_out_blocks, lines_memory
from chdt.cpu.memory import reused
from chdt.cpu.packed import PackedMasks, pack_masks, surrounded
from chdt.cpu.route import OVERLAPPING_EFFORT, has_border_in_planes, interleaved_images, size_route
from chdt.cpu.threads import share, thread_count


def sizes_by_bands(
    bits: Words, shape: Shape, black_border: bool, bands: OverlappingBands, sizes: Numbers
) -> Sequence[int]:
    """Write the sizes of a batch, from overlapping bands; give the images that must be measured whole.

    Their objects are as large as bands can tell, or larger, and what is written for them is only a lower bound.
    A black border is one of each band. Where a band has one and its image has not, it is as far from its core as what
    was not looked at.
    """
    _, height, width = shape.without_single_pixels
    images = len(sizes)
    found: list[npt.NDArray[np.int64]] = []

    def memory() -> tuple[SizeMemory, npt.NDArray[np.int64]]:
        known = np.zeros(images, np.int64)
        found.append(known)
        return reused(size_memory, Shape(1, bands.rows, width), 1, black_border), known

    def work(first: int, last: int, search: SizeMemory, known: npt.NDArray[np.int64]) -> None:
        while first < last:  # the bands of one image after the other
            image, band = divmod(first, bands.number)
            end = min(bands.number, band + last - first)
            known[image] = max(of_thread[image] for of_thread in found)
            here = known[image : image + 1]
            measure_bands(bits, image * shape.pixels, height, band, end, bands, search, here)
            first += end - band

    # A band is done sooner if the size by the bands before is known: so one thread does all bands of an image, where
    # there are images for all threads.
    interleaved = bands.number if images % thread_count() == 0 else 1
    share(work, images * bands.number, OVERLAPPING_EFFORT * bands.rows * width, interleaved, memory)
    half = np.max(found, axis=0, initial=0)  # of an empty batch, none is found
    sizes[:] = 2 * half
    return np.flatnonzero(half >= BANDS_MAX_DISTANCE).tolist()


def spaced_sizes(packed: PackedMasks, spacing: Steps) -> Floats:
    """Sizes of a batch, in units of a spacing that differs between the axes."""
    shape, pixels = packed.shape, packed.shape.pixels
    ranks, interleaved = ranks_of(shape, spacing), interleaved_images(packed.images, pixels)
    sizes = np.empty(packed.images, np.float32)

    def work(first: int, last: int) -> None:
        memory = reused(size_memory, shape, interleaved)
        spaced_sizes_of(packed.bits, first * pixels, memory, ranks, sizes[first:last])

    share(work, packed.images, pixels, interleaved)
    return sizes


def _largest_distance(bits: Words, start: int, shape: Shape) -> int:
    """Half of the size of a large image that holds a thick object, from all threads."""
    depth, height, width = shape.without_single_pixels
    of_blocks = Shape(depth, -(-height // BLOCK_SIDE), -(-width // BLOCK_SIDE))
    planes = planes_of(shape.without_single_pixels, 1)
    blocks, found = np.zeros(packed_words(of_blocks.pixels), np.uint64), np.zeros(1, np.uint32)
    lay_out_blocks(bits, start, planes, blocks)
    sizes_of_packed(blocks, 0, reused(size_memory, of_blocks, 1), found)
    half = int(found[0]) // 2
    if half == of_blocks.cap:  # there is no background
        return shape.cap
    known = max(LEAST_KNOWN, BLOCK_SIDE * (half - 1))  # the size from bands is above that
    largest = [known]

    def memory() -> tuple[Words]:
        return (lines_memory(planes.layout.pitch // WORD_BITS, known),)

    def work(first: int, last: int, lines: Words) -> None:
        largest.append(largest_in_rows(planes, first, last, known, lines))

    # A piece reads the rows around it, too: so one a thread.
    share(work, height, OVERLAPPING_EFFORT * width, -(-height // thread_count()), memory)
    return max(largest)


def sizes_of_masks(masks: AnyMasks, spatial_dims: int, spacing: AllSteps | None, black_border: bool) -> Any:
    """Sizes of a batch, of the kind of the masks and on their device."""
    shape = grid_shape(masks, spatial_dims)
    batch = tuple(masks.shape[: masks.ndim - spatial_dims])
    if spacing is not None and (len(spacing) > AXES or len(set(spacing)) > 1):
        all_packed = pack_masks(masks, spatial_dims, black_border, shape)
        lengths = np.empty(all_packed.images, np.float32)
        for images, steps in groups_of(spacing, all_packed.images):
            lengths[images] = spaced_sizes(all_packed.some(images), steps)
        return deliver(lengths.reshape(batch), masks)
    answer = new_answer(masks, batch, 2 * shape.cap)
    values, foreground, background = as_words(masks)
    in_planes = black_border and has_border_in_planes(shape, spatial_dims)
    packed = pack_masks(masks, spatial_dims, True, shape) if black_border and not in_planes else None
    shape = shape if packed is None else packed.shape
    flat = flat_view(values) if packed is None else None
    route, pixels = size_route(len(answer.words), shape, flat is not None), shape.pixels
    if route.packs_first and packed is None:
        packed = pack_masks(masks, spatial_dims, shape=shape)
    invalid: list[int] = []

    def work(first: int, last: int) -> None:
        memory = reused(size_memory, shape, route.interleaved, in_planes)
        sizes = answer.words[first:last]
        if packed is not None:
            sizes_of_packed(packed.bits, first * pixels, memory, sizes)
        elif flat is not None:
            found = sizes_of(flat[first * pixels : last * pixels], foreground, background, memory, sizes)
            if found >= 0:
                invalid.append(first * pixels + found)

    if packed is not None and route.bands is not None:
        for image in sizes_by_bands(packed.bits, shape, in_planes, route.bands, answer.words):
            bits, start, whole = packed.bits, image * pixels, shape
            if in_planes:
                bits, start, whole = surrounded(bits, start, 1, shape, spatial_dims), 0, shape.with_border(spatial_dims)
            answer.words[image] = 2 * _largest_distance(bits, start, whole)
    else:
        share(work, len(answer.words), pixels, route.interleaved)
    if invalid:
        raise invalid_value(masks, min(invalid))
    if spacing is not None:
        sizes = np.multiply(answer.words, spacing[0], dtype=np.float64).astype(np.float32)
        return deliver(sizes.reshape(batch), masks)
    return answer.finish()
