"""Thresholds of a batch of logits at which objects have given sizes, and the masks there."""

from typing import Any

import numpy as np
import torch

from chdt.checks.dtypes import SAME_SIZE, WORD_OF_SIZE
from chdt.checks.masks import grid_shape
from chdt.checks.pixels import values_at
from chdt.checks.shape import Shape
from chdt.cpu.kernels.lanes import BLOCK
from chdt.cpu.kernels.weakest_pixels import weakest_pixels_of
from chdt.cpu.kernels.window_minima import window_memory
from chdt.cpu.memory import reused
from chdt.cpu.sizes import sizes_of_masks
from chdt.cpu.threads import share

EFFORT = 8  # the cost of a pixel; packing one is 1


def weakest_pixels_of_radii(
    logits: torch.Tensor, radii: torch.Tensor, spatial_dims: int, black_border: bool
) -> torch.Tensor:
    """For each image and each of its radii, int64 of shape (..., count), the pixel that `weakest_pixels_of` gives."""
    shape = grid_shape(logits, spatial_dims)
    flat = logits.detach().cpu().contiguous().resolve_neg().view(-1)
    values = flat.view(SAME_SIZE[flat.itemsize]).numpy().view(WORD_OF_SIZE[flat.itemsize])
    sign = values.dtype.type(1 << (8 * flat.itemsize - 1))
    infinity = _infinity_of(logits.dtype)
    border = Shape(int(black_border and spatial_dims > 2), int(black_border and spatial_dims > 1), int(black_border))
    pixels = torch.empty(radii.shape, dtype=torch.int64, device="cpu")
    wanted = radii.detach().cpu().contiguous().view(-1, radii.shape[-1]).numpy()
    found = pixels.view(-1, radii.shape[-1]).numpy()

    def work(first: int, last: int) -> None:
        memory = reused(window_memory, shape, values.dtype.type)
        rest = np.zeros(BLOCK, values.dtype)
        here = values[first * shape.pixels : last * shape.pixels]
        weakest_pixels_of(here, sign, infinity, wanted[first:last], border, rest, memory, found[first:last])

    share(work, len(wanted), EFFORT * shape.pixels)
    return pixels.to(logits.device)


def _infinity_of(dtype: torch.dtype) -> Any:
    infinity = torch.tensor([torch.inf], dtype=dtype, device="cpu").view(SAME_SIZE[dtype.itemsize]).numpy()
    return infinity.view(WORD_OF_SIZE[dtype.itemsize])[0]


def masks_of_radii(logits: torch.Tensor, radii: torch.Tensor, spatial_dims: int, black_border: bool) -> torch.Tensor:
    """Of all masks ``logits > t`` that hold a window of the radius of their image, but none one larger, t nearest 0."""
    radii = radii.to(logits.device)
    index = weakest_pixels_of_radii(logits, torch.stack([radii, radii + 1], -1), spatial_dims, black_border)
    flat, (upper, lower) = logits.flatten(-spatial_dims), values_at(logits, index, spatial_dims).unbind(-1)
    # From the lower threshold on, up to before the upper one: at 0 if it is between them, at the lower one above it.
    # Where a logit is NaN, the lower one is, too, and no pixel is above it.
    masks: torch.Tensor = flat > lower.clamp(min=0)[..., None]
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
