"""Sizes of a batch: small images one by one, each by one thread, large ones slab by slab."""

from typing import Any

import numpy as np

from chdt.checks.answers import deliver, new_answer
from chdt.checks.masks import AnyMasks, as_words, flat_view, grid_shape, invalid_value
from chdt.checks.ranks import AXES, Floats, groups_of, ranks_of
from chdt.checks.shape import AllSteps, Steps
from chdt.cpu.kernels.rank_search import spaced_sizes_of
from chdt.cpu.kernels.size_search import size_memory, sizes_of, sizes_of_packed
from chdt.cpu.memory import reused
from chdt.cpu.packed import PackedMasks, pack_masks
from chdt.cpu.route import has_border_in_planes, size_route
from chdt.cpu.slabs import largest_ranks
from chdt.cpu.threads import share


def spaced_sizes(packed: PackedMasks, spacing: Steps) -> Floats:
    """Sizes of a batch, in units of a spacing that differs between the axes."""
    shape, pixels, ranks = packed.shape, packed.shape.pixels, ranks_of(packed.shape, spacing)
    route = size_route(packed.images, shape, True)
    if route.in_slabs:
        return 2 * ranks.distances[largest_ranks(packed, route, ranks)]
    sizes = np.empty(packed.images, np.float32)

    def work(first: int, last: int) -> None:
        memory = reused(size_memory, shape, route.interleaved)
        spaced_sizes_of(packed.bits, first * pixels, memory, ranks, sizes[first:last])

    share(work, packed.images, pixels, route.interleaved)
    return sizes


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

    if packed is not None and route.in_slabs:
        answer.words[:] = 2 * largest_ranks(packed, route, None)
    else:
        share(work, len(answer.words), pixels, route.interleaved)
    if invalid:
        raise invalid_value(masks, min(invalid))
    if spacing is not None:
        sizes = np.multiply(answer.words, spacing[0], dtype=np.float64).astype(np.float32)
        return deliver(sizes.reshape(batch), masks)
    return answer.finish()
