"""Thresholds of a batch of logits at which objects have given sizes, and the masks there."""

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from chdt.checks.dtypes import SAME_SIZE, WORD_OF_SIZE
from chdt.checks.masks import grid_shape
from chdt.checks.ranks import AXES, distances_of, is_spaced, ranks_along, ranks_of, runs_of, steps_of_images
from chdt.checks.shape import AllSteps, Shape, Steps
from chdt.cpu.kernels.lanes import BLOCK
from chdt.cpu.kernels.weakest_pixels import ABOVE_ALL, BELOW_ALL, weakest_pixels_of
from chdt.cpu.kernels.window_minima import window_memory
from chdt.cpu.memory import reused
from chdt.cpu.sizes import sizes_of_masks
from chdt.cpu.threads import share

EFFORT = 8  # the cost of a pixel; packing one is 1


@functools.lru_cache(maxsize=64)
def _windows_of(shape: Shape, spacing: Steps | None) -> npt.NDArray[np.int64]:
    """The radii of the window of each rank, along the slices, the rows and the columns."""
    if not is_spaced(spacing):
        return np.maximum(np.arange(shape.cap + 1)[:, None].repeat(AXES, 1) - 1, 0)
    ranks = ranks_of(shape, spacing)
    along = [ranks_along(ranks, side, number)[1:] for side, number in zip(shape, spacing, strict=True)]
    return np.stack([np.searchsorted(steps, np.arange(ranks.last + 1)) for steps in along], 1)


def weakest_pixels_of_ranks(
    logits: torch.Tensor, ranks: torch.Tensor, spatial_dims: int, spacing: AllSteps | None, black_border: bool
) -> torch.Tensor:
    """For each image and each of its ranks, int64 of shape (..., count), the pixel that `weakest_pixels_of` gives."""
    shape = grid_shape(logits, spatial_dims)
    flat = logits.detach().cpu().contiguous().view(-1)
    values = flat.view(SAME_SIZE[flat.itemsize]).numpy().view(WORD_OF_SIZE[flat.itemsize])
    sign = values.dtype.type(1 << (8 * flat.itemsize - 1))
    infinity = _infinity_of(logits.dtype)
    whole = shape.with_border(spatial_dims) if black_border else shape
    border = Shape(*((side - within) // 2 for side, within in zip(whole, shape, strict=True)))
    pixels = torch.empty(ranks.shape, dtype=torch.int64, device="cpu")
    wanted = ranks.detach().cpu().contiguous().view(-1, ranks.shape[-1]).numpy()
    found = pixels.view(-1, ranks.shape[-1]).numpy()
    for begin, end, steps in runs_of(spacing, len(wanted)):
        windows = _windows_of(whole, steps)

        def work(first: int, last: int, begin: int = begin, windows: Any = windows) -> None:
            first, last = begin + first, begin + last
            memory = reused(window_memory, shape, values.dtype.type)
            rest = np.zeros(BLOCK, values.dtype)
            here = values[first * shape.pixels : last * shape.pixels]
            asked, to = wanted[first:last], found[first:last]
            weakest_pixels_of(here, sign, infinity, asked, windows, border, rest, memory, to)

        share(work, end - begin, EFFORT * shape.pixels)
    return pixels.to(logits.device)


def _infinity_of(dtype: torch.dtype) -> Any:
    infinity = torch.tensor([torch.inf], dtype=dtype, device="cpu").view(SAME_SIZE[dtype.itemsize]).numpy()
    return infinity.view(WORD_OF_SIZE[dtype.itemsize])[0]


def values_at(logits: torch.Tensor, index: torch.Tensor, spatial_dims: int) -> torch.Tensor:
    """The logits of these pixels, some an image, with their gradient; ±inf where the index stands for none."""
    values = logits.flatten(-spatial_dims).gather(-1, index.clamp(min=0))
    return values.masked_fill(index == ABOVE_ALL, torch.inf).masked_fill(index == BELOW_ALL, -torch.inf)


def masks_of_ranks(
    logits: torch.Tensor, ranks: torch.Tensor, spatial_dims: int, spacing: AllSteps | None, black_border: bool
) -> torch.Tensor:
    """Of all masks ``logits > t`` that hold a window of the rank of their image, but none one larger, t nearest 0."""
    both = torch.stack([ranks, ranks + 1], -1)
    index = weakest_pixels_of_ranks(logits, both, spatial_dims, spacing, black_border)
    flat, (upper, lower) = logits.flatten(-spatial_dims), values_at(logits, index, spatial_dims).unbind(-1)
    # From the lower threshold on, up to before the upper one: at 0 if it is between them, at the lower one above it.
    # Where a logit is NaN, the lower one is, too, and no pixel is above it.
    masks = flat > lower.clamp(min=0)[..., None]
    # Below 0, at the last number before the upper one: there, logits are at least the upper one.
    below = upper <= 0
    if below.any():
        masks[below] = flat[below] >= upper[below][..., None]
    masks = masks.view(logits.shape)
    # Equal logits that make a size be left out join the mask together, or not: whatever comes closer to it.
    left_out = (upper == lower) & (ranks > 0)
    if left_out.any():
        shape = grid_shape(logits, spatial_dims)
        whole = shape.with_border(spatial_dims) if black_border else shape
        wanted = sizes_at(ranks, whole, spacing)[left_out]
        there = None if spacing is None else steps_of_images(spacing, left_out.cpu().numpy())
        cuts = upper[left_out].view(-1, *[1] * spatial_dims)
        without, together = logits[left_out] > cuts, logits[left_out] >= cuts
        smaller, larger = (sizes_of_masks(each, spatial_dims, there, black_border) for each in (without, together))
        is_nearer = larger - wanted < wanted - smaller
        masks[left_out] = torch.where(is_nearer.view(cuts.shape), together, without)
    return masks


def sizes_at(ranks: torch.Tensor, shape: Shape, spacing: AllSteps | None) -> torch.Tensor:
    """The size that has each rank; beyond the largest one, the next in the same steps."""
    if spacing is None:
        return 2 * ranks
    sizes = torch.empty(ranks.shape, dtype=torch.float64, device="cpu")
    flat, places = sizes.view(-1).numpy(), ranks.detach().cpu().reshape(-1).numpy()
    for begin, end, steps in runs_of(spacing, len(flat)):
        known = 2 * distances_of(shape, steps).astype(np.float64)
        flat[begin:end] = known[np.minimum(places[begin:end], len(known) - 1)]
    return sizes.to(ranks.device)
