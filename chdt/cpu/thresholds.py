"""Thresholds of a batch of logits at which objects have given sizes, and the masks there."""

import numpy as np
import torch

from chdt.checks.dtypes import SAME_SIZE, WORD_OF_SIZE
from chdt.checks.masks import grid_shape
from chdt.cpu.kernels.keys import Floats
from chdt.cpu.kernels.weakest_pixels import ABOVE_ALL, BELOW_ALL, threshold_memory, weakest_pixels_of
from chdt.cpu.memory import reused
from chdt.cpu.sizes import sizes_of_masks
from chdt.cpu.threads import share

EFFORT = 8  # the cost of a pixel; packing one is 1


def weakest_pixels_of_radii(
    logits: torch.Tensor, radii: torch.Tensor, spatial_dims: int, black_border: bool
) -> torch.Tensor:
    """For each image and each of its radii, int64 of shape (..., count), the pixel that `weakest_pixels_of` gives."""
    shape = grid_shape(logits, spatial_dims)
    flat = logits.detach().cpu().contiguous().view(-1)
    values = flat.view(SAME_SIZE[flat.itemsize]).numpy().view(WORD_OF_SIZE[flat.itemsize])
    floats = _floats_of(logits.dtype)
    wanted = radii.detach().cpu().contiguous().view(-1, radii.shape[-1]).numpy()
    windows = np.repeat(wanted[..., None], 3, axis=-1)
    windows[wanted < 0] = ABOVE_ALL
    sides = logits.shape[-spatial_dims:]
    windows[wanted > ((min(sides) - 1) // 2 if black_border else shape.cap - 1)] = BELOW_ALL
    margins = np.array([int(black_border and side > 1) for side in shape.without_single_pixels])
    pixels = torch.empty(radii.shape, dtype=torch.int64, device="cpu")
    found = pixels.view(-1, radii.shape[-1]).numpy()

    def work(first: int, last: int) -> None:
        memory = reused(threshold_memory, shape, values.dtype.type)
        here = values[first * shape.pixels : last * shape.pixels]
        weakest_pixels_of(here, floats, windows[first:last], margins, memory, found[first:last])

    share(work, len(wanted), EFFORT * shape.pixels)
    return pixels.to(logits.device)


def _floats_of(dtype: torch.dtype) -> Floats:
    infinity = torch.tensor([torch.inf], dtype=dtype, device="cpu").view(SAME_SIZE[dtype.itemsize]).item()
    return Floats(np.uint64(1 << (8 * dtype.itemsize - 1)), np.uint64(infinity))


def values_at(logits: torch.Tensor, index: torch.Tensor, spatial_dims: int) -> torch.Tensor:
    """The logits of these pixels, some an image, with their gradient; ±inf where the index stands for none."""
    values = logits.flatten(-spatial_dims).gather(-1, index.clamp(min=0))
    return values.masked_fill(index == ABOVE_ALL, torch.inf).masked_fill(index == BELOW_ALL, -torch.inf)


def masks_of_radii(logits: torch.Tensor, radii: torch.Tensor, spatial_dims: int, black_border: bool) -> torch.Tensor:
    """Of all masks ``logits > t`` that hold a window of the radius of their image, but none one larger, t nearest 0."""
    index = weakest_pixels_of_radii(logits, torch.stack([radii, radii + 1], -1), spatial_dims, black_border)
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
    left_out = (upper == lower) & (radii >= 0)
    if left_out.any():
        cuts = upper[left_out].view(-1, *[1] * spatial_dims)
        without, together = logits[left_out] > cuts, logits[left_out] >= cuts
        smaller, larger = (sizes_of_masks(each, spatial_dims, None, black_border) for each in (without, together))
        sizes = 2 * (radii[left_out] + 1)
        is_nearer = larger - sizes < sizes - smaller
        masks[left_out] = torch.where(is_nearer.view(cuts.shape), together, without)
    return masks
