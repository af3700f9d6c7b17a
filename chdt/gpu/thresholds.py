"""Thresholds of a batch of logits at which objects have given sizes: sliding minima, whose radii stay on the device."""

import torch

from chdt.checks.devices import sent
from chdt.checks.masks import grid_shape
from chdt.checks.pixels import ABOVE_ALL, BELOW_ALL, values_at
from chdt.checks.ranks import AXES
from chdt.checks.shape import AllSteps, Shape
from chdt.checks.values import check_logits
from chdt.gpu.kernels.weakest_pixels import best_centres_kernel, weakest_pixels_kernel
from chdt.gpu.kernels.window_minima import window_minima_kernel
from chdt.gpu.ranks import Ranks, ranks_of
from chdt.gpu.sizes import size_ranks

ROW_TILE, COLUMN_TILE = (4, 256), (32, 32)  # lines of a program, and how many pixels of them at once

BLOCK = 512  # pixels of a program that looks for one of them; more of them take more registers

MOST_PARTS = 128  # of an image, of which each looks for its best centre; a power of two


def weakest_pixels_of_ranks(
    logits: torch.Tensor, ranks: torch.Tensor, spatial_dims: int, spacing: AllSteps | None, black_border: bool
) -> torch.Tensor:
    """For each image and each of its ranks, int64 of shape (..., count), the pixel that the host's wing gives."""
    shape = grid_shape(logits, spatial_dims)
    if ranks.numel() == 0:
        return ranks.new_empty(ranks.shape, device=logits.device)
    logits, wanted = logits.detach(), sent(ranks.detach(), logits.device, "sizes")
    border = Shape(int(black_border and spatial_dims > 2), int(black_border and spatial_dims > 1), int(black_border))
    lists = ranks_of(shape.with_border(spatial_dims) if black_border else shape, spacing, logits.device)
    columns = wanted.reshape(-1, wanted.shape[-1]).unbind(-1)
    found = [_weakest_pixels(logits, each.contiguous(), lists, shape, border) for each in columns]
    return torch.stack(found, -1).view_as(ranks)


def _radii_of(ranks: torch.Tensor, lists: Ranks) -> tuple[torch.Tensor, torch.Tensor]:
    """How far windows of these ranks, shape (images), reach along each axis, shape (3, images); and the last ranks."""
    if lists.steps is None or lists.last is None or lists.list_of is None:
        return (ranks - 1).expand(AXES, -1).contiguous(), torch.full_like(ranks, lists.cap)
    number = lists.list_of.expand(len(ranks)).long()
    axis = torch.arange(AXES, device=ranks.device)[:, None]
    places = (AXES * number + axis) * (1 + lists.cap) + ranks.clamp(0, lists.cap)
    return lists.steps.view(-1)[places].long(), lists.last[number]


def _weakest_pixels(
    logits: torch.Tensor, ranks: torch.Tensor, lists: Ranks, shape: Shape, border: Shape
) -> torch.Tensor:
    """The same for one rank an image, shape (images)."""
    images, pixels, grid = len(ranks), shape.pixels, (shape.height, shape.width, shape.pixels)
    radii, last = _radii_of(ranks, lists)
    minima = _window_minima(logits, radii, shape)
    tiles = -(-pixels // BLOCK)
    parts = min(MOST_PARTS, tiles)
    part = -(-tiles // parts) * BLOCK
    largest = minima.new_empty(images * parts)
    centres = torch.empty(images * parts, dtype=torch.int64, device=logits.device)
    best_centres_kernel[(images * parts,)](
        minima, radii, images, largest, centres, parts, part, *grid, *border, BLOCK=BLOCK
    )
    del minima  # here, as logits with strides are copied next
    flat = logits.contiguous().resolve_neg()
    found, nans = torch.full_like(ranks, pixels), torch.full_like(ranks, pixels)
    best = (largest, centres, parts)
    weakest_pixels_kernel[(images * tiles,)](
        flat, radii, images, *best, found, nans, *grid, tiles, MOST_PARTS, BLOCK=BLOCK
    )
    none = (found == pixels) | (ranks > last)
    pixel = torch.where(nans < pixels, nans, found.masked_fill(none, BELOW_ALL))
    return pixel.masked_fill(ranks < 1, ABOVE_ALL)


def _window_minima(logits: torch.Tensor, radii: torch.Tensor, shape: Shape) -> torch.Tensor:
    """The least logit in the window of each pixel, whose radii are those of its image."""
    minima = torch.empty(logits.shape, dtype=check_logits(logits), device=logits.device)
    minima.copy_(logits.resolve_neg())  # by itself, copy_ forgets it on the way from float16 to float32
    spare = torch.empty_like(minima)
    for length, inner, each in zip(shape, (shape.height * shape.width, shape.width, 1), radii, strict=True):
        if length > 1:
            lines = minima.numel() // length
            across, at_once = ROW_TILE if inner == 1 else COLUMN_TILE
            programs = -(-lines // across)
            window_minima_kernel[(programs,)](
                minima, spare, each, lines, lines // len(each), inner, length, int(inner == 1), across, at_once
            )
    return minima


def masks_of_ranks(
    logits: torch.Tensor, ranks: torch.Tensor, spatial_dims: int, spacing: AllSteps | None, black_border: bool
) -> torch.Tensor:
    """What the host's wing gives, without a look at any value: whatever some image needs is done for all."""
    ranks = sent(ranks.detach(), logits.device, "sizes")
    both = torch.stack([ranks, ranks + 1], -1)
    index = weakest_pixels_of_ranks(logits, both, spatial_dims, spacing, black_border)
    cuts = values_at(logits, index, spatial_dims)
    upper, lower = cuts.view(cuts.shape + (1,) * spatial_dims).unbind(cuts.ndim - 1)
    above, at_least = logits > upper, (logits >= upper) & (logits > -torch.inf)
    masks = torch.where(upper > 0, logits > lower.clamp(min=0), at_least)
    # Equal logits that make a size be left out join the mask together, or not: whatever comes closer to it.
    (smaller, lists), (larger, _) = (
        size_ranks(each, spatial_dims, spacing, black_border) for each in (above, at_least)
    )
    less, more = (_comparable(found, lists) for found in (smaller, larger))
    size = _comparable(ranks.reshape(-1), lists, beyond=torch.inf)
    is_nearer = (more - size < size - less).view(upper.shape)
    left_out = (upper == lower) & (ranks > 0).view(upper.shape)
    return torch.where(left_out, torch.where(is_nearer, at_least, above), masks)


def _comparable(ranks: torch.Tensor, lists: Ranks, beyond: float | None = None) -> torch.Tensor:
    """Numbers by which is told which rank is nearer to another, for one rank an image; ``beyond`` all, another one."""
    if lists.sizes is None or lists.last is None or lists.list_of is None:
        return ranks
    number = lists.list_of.expand(len(ranks)).long()
    last = lists.last[number]
    sizes = lists.sizes[number, torch.minimum(ranks, last)]
    return sizes if beyond is None else sizes.masked_fill(ranks > last, beyond)
