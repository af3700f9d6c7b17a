"""Sizes of a batch: small images one by one, each by one thread, large ones slab by slab."""

from typing import Any

import numpy as np

from chdt.checks.answers import deliver, new_answer
from chdt.checks.masks import AnyMasks, as_words, flat_view, grid_shape, invalid_value
from chdt.checks.ranks import AXES, Floats, is_spaced, rank_lists_of, ranks_of, steps_at, steps_of
from chdt.checks.shape import AllSteps
from chdt.cpu.kernels.rank_search import spaced_sizes_of
from chdt.cpu.kernels.size_search import size_memory, sizes_of, sizes_of_packed
from chdt.cpu.memory import reused, without_names
from chdt.cpu.packed import Packing, begin_packing
from chdt.cpu.route import has_border_in_planes, interleaved_images, size_route
from chdt.cpu.slabs import largest_ranks
from chdt.cpu.threads import share


def spaced_sizes(packing: Packing, spacing: AllSteps) -> Floats:
    """Sizes of a batch, in units of a spacing that differs between the axes, of all images or of each."""
    packed, shape, pixels = packing.packed, packing.packed.shape, packing.packed.shape.pixels
    route = size_route(packed.images, shape, True)
    if route.in_slabs and len(spacing) == AXES:
        ranks = ranks_of(shape, steps_at(spacing, 0))
        return 2 * ranks.distances[largest_ranks(packing, route, ranks)]
    packing.finish()
    if route.in_slabs:
        each = (Packing(packed.some(np.array([image]))) for image in range(packed.images))
        return np.concatenate([spaced_sizes(one, steps_at(spacing, image)) for image, one in enumerate(each)])
    lists = rank_lists_of(shape, spacing)
    interleaved = interleaved_images(packed.images, pixels, lists.is_one_for_all)
    sizes = np.empty(packed.images, np.float32)

    def work(first: int, last: int) -> None:
        memory = reused(without_names, size_memory, shape, interleaved)
        mine = lists.of_images(first, last)
        spaced_sizes_of(packed.bits, first * pixels, memory, lists.at_hand, mine, sizes[first:last])

    share(work, packed.images, pixels, interleaved)
    return sizes


def sizes_of_masks(
    masks: AnyMasks, spatial_dims: int, spacing: AllSteps | None, black_border: bool, name: str = "masks"
) -> Any:
    """Sizes of a batch, of the kind of the masks and on their device; ``name`` is what users call the masks."""
    shape = grid_shape(masks, spatial_dims, name)
    batch = tuple(masks.shape[: masks.ndim - spatial_dims])
    if is_spaced(spacing):
        lengths = spaced_sizes(begin_packing(masks, spatial_dims, black_border, shape, name), spacing)
        return deliver(lengths.reshape(batch), masks)
    answer = new_answer(masks, batch, 2 * shape.cap)
    values, foreground, background = as_words(masks)
    in_planes = black_border and has_border_in_planes(shape, spatial_dims)
    packing = begin_packing(masks, spatial_dims, True, shape, name) if black_border and not in_planes else None
    shape = shape if packing is None else packing.packed.shape
    flat = flat_view(values) if packing is None else None
    route, pixels = size_route(len(answer.words), shape, flat is not None), shape.pixels
    if route.packs_first and packing is None:
        packing = begin_packing(masks, spatial_dims, shape=shape, name=name)
    packed = None if packing is None or route.in_slabs else packing.finish()
    invalid: list[int] = []

    def work(first: int, last: int) -> None:
        memory = reused(without_names, size_memory, shape, route.interleaved, in_planes)
        sizes = answer.words[first:last]
        if packed is not None:
            sizes_of_packed(packed.bits, first * pixels, memory, sizes)
        elif flat is not None:
            found = sizes_of(flat[first * pixels : last * pixels], foreground, background, memory, sizes)
            if found >= 0:
                invalid.append(first * pixels + found)

    if packing is not None and route.in_slabs:
        answer.words[:] = 2 * largest_ranks(packing, route, None)
    else:
        share(work, len(answer.words), pixels, route.interleaved)
    if invalid:
        raise invalid_value(masks, min(invalid), name)
    if spacing is not None:
        sizes = np.multiply(answer.words, steps_of(spacing, len(answer.words)), dtype=np.float64).astype(np.float32)
        return deliver(sizes.reshape(batch), masks)
    return answer.finish()
