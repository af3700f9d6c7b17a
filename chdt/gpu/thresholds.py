"""Thresholds of a batch of logits at which objects have given sizes: sliding minima, whose radii stay on the device."""

import torch

from chdt.checks.devices import sent
from chdt.checks.masks import grid_shape
from chdt.checks.pixels import ABOVE_ALL, BELOW_ALL, values_at
from chdt.checks.shape import Shape, Steps
from chdt.checks.values import check_logits
from chdt.gpu.kernels.weakest_pixels import best_centres_kernel, weakest_pixels_kernel
from chdt.gpu.kernels.window_minima import window_minima_kernel
from chdt.gpu.sizes import sizes_of_masks

ROW_TILE, COLUMN_TILE = (4, 256), (32, 32)  # lines of a program, and how many pixels of them at once

BLOCK = 512  # pixels of a program that looks for one of them; more of them take more registers

MOST_PARTS = 128  # of an image, of which each looks for its best centre; a power of two


def weakest_pixels_of_ranks(
    logits: torch.Tensor, ranks: torch.Tensor, spatial_dims: int, spacing: Steps | None, black_border: bool
) -> torch.Tensor:
    """For each image and each of its ranks, int64 of shape (..., count), the pixel that the host's wing gives.

    Spacings that differ between axes are left to the host: without, the window of rank r has the radius r - 1.
    """
    radii = ranks - 1
    shape = grid_shape(logits, spatial_dims)
    if radii.numel() == 0:
        return radii.new_empty(radii.shape, device=logits.device)
    logits = logits.detach()
    radii = sent(radii.detach(), logits.device, "sizes")
    border = Shape(int(black_border and spatial_dims > 2), int(black_border and spatial_dims > 1), int(black_border))
    wanted = radii.reshape(-1, radii.shape[-1]).unbind(-1)
    found = [_weakest_pixels(logits, each.contiguous(), shape, border) for each in wanted]
    return torch.stack(found, -1).view_as(radii)


def _weakest_pixels(logits: torch.Tensor, radii: torch.Tensor, shape: Shape, border: Shape) -> torch.Tensor:
    """The same for one radius an image, shape (images)."""
    images, pixels, grid = len(radii), shape.pixels, (shape.height, shape.width, shape.pixels)
    minima = _window_minima(logits, radii, shape)
    tiles = -(-pixels // BLOCK)
    parts = min(MOST_PARTS, tiles)
    part = -(-tiles // parts) * BLOCK
    largest = minima.new_empty(images * parts)
    centres = torch.empty(images * parts, dtype=torch.int64, device=logits.device)
    best_centres_kernel[(images * parts,)](minima, radii, largest, centres, parts, part, *grid, *border, BLOCK=BLOCK)
    del minima  # here, as logits with strides are copied next
    flat = logits.contiguous().resolve_neg()
    found, nans = torch.full_like(radii, pixels), torch.full_like(radii, pixels)
    best = (largest, centres, parts)
    weakest_pixels_kernel[(images * tiles,)](flat, radii, *best, found, nans, *grid, tiles, MOST_PARTS, BLOCK=BLOCK)
    none = (found == pixels) | (radii >= shape.cap)
    pixel = torch.where(nans < pixels, nans, found.masked_fill(none, BELOW_ALL))
    return pixel.masked_fill(radii < 0, ABOVE_ALL)


def _window_minima(logits: torch.Tensor, radii: torch.Tensor, shape: Shape) -> torch.Tensor:
    """The least logit in the window of each pixel, whose radius is that of its image."""
    minima = torch.empty(logits.shape, dtype=check_logits(logits), device=logits.device).copy_(logits)
    spare = torch.empty_like(minima)
    for length, inner in zip(shape, (shape.height * shape.width, shape.width, 1), strict=True):
        if length > 1:
            lines = minima.numel() // length
            across, at_once = ROW_TILE if inner == 1 else COLUMN_TILE
            programs = -(-lines // across)
            window_minima_kernel[(programs,)](
                minima, spare, radii, lines, lines // len(radii), inner, length, int(inner == 1), across, at_once
            )
    return minima


def masks_of_ranks(
    logits: torch.Tensor, ranks: torch.Tensor, spatial_dims: int, spacing: Steps | None, black_border: bool
) -> torch.Tensor:
    """What the host's wing gives, without a look at any value: whatever some image needs is done for all."""
    ranks = sent(ranks.detach(), logits.device, "sizes")
    both = torch.stack([ranks, ranks + 1], -1)
    index = weakest_pixels_of_ranks(logits, both, spatial_dims, spacing, black_border)
    cuts = values_at(logits, index, spatial_dims)
    upper, lower = cuts.view(cuts.shape + (1,) * spatial_dims).unbind(cuts.ndim - 1)
    above, at_least = logits > upper, logits >= upper
    masks = torch.where(upper > 0, logits > lower.clamp(min=0), at_least)
    # Equal logits that make a size be left out join the mask together, or not: whatever comes closer to it.
    smaller, larger = (sizes_of_masks(each, spatial_dims, None, black_border) for each in (above, at_least))
    sizes = 2 * ranks
    is_nearer = (larger - sizes < sizes - smaller).view(upper.shape)
    left_out = (upper == lower) & (ranks > 0).view(upper.shape)
    return torch.where(left_out, torch.where(is_nearer, at_least, above), masks)
