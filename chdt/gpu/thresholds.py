"""Thresholds of a batch of logits at which objects have given sizes: sliding minima, whose radii stay on the device."""

import torch

from chdt.checks.devices import sent
from chdt.checks.masks import grid_shape
from chdt.checks.pixels import ABOVE_ALL, BELOW_ALL
from chdt.checks.ranks import AXES
from chdt.checks.shape import AllSteps, Shape
from chdt.checks.values import check_logits
from chdt.gpu.kernels.cuts import choose_kernel, cut_kernel
from chdt.gpu.kernels.weakest_pixels import best_centres_kernel, weakest_pixels_kernel
from chdt.gpu.kernels.window_minima import window_minima_kernel
from chdt.gpu.ranks import Ranks, ranks_of
from chdt.gpu.reading import as_it_is, grid_of
from chdt.gpu.sizes import size_ranks
from chdt.gpu.whole_weakest_pixels import one_program_does, weakest_of_whole_images

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
    grid = grid_of(logits, spatial_dims, black_border, "logits")
    border, lists = grid.border, ranks_of(grid.shape, spacing, logits.device)
    if one_program_does(logits, shape):
        return weakest_of_whole_images(logits, wanted, lists, shape, border)
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
        None, minima, radii, images, largest, centres, parts, part, *grid, *border, BLOCK=BLOCK
    )
    del minima  # here, as logits with strides are copied next
    flat = as_it_is(logits)
    found, nans = torch.full_like(ranks, pixels), torch.full_like(ranks, pixels)
    best = (largest, centres, parts)
    weakest_pixels_kernel[(images * tiles,)](
        None, flat, radii, images, *best, found, nans, *grid, tiles, MOST_PARTS, BLOCK=BLOCK
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
                None, minima, spare, each, lines, lines // len(each), inner, length, int(inner == 1), across, at_once
            )
    return minima


def masks_of_ranks(
    logits: torch.Tensor, ranks: torch.Tensor, spatial_dims: int, spacing: AllSteps | None, black_border: bool
) -> torch.Tensor:
    """What the host's wing gives, without a look at any value: whatever some image needs is done for all."""
    ranks = sent(ranks.detach(), logits.device, "sizes")
    both = torch.stack([ranks, ranks + 1], -1)
    found = weakest_pixels_of_ranks(logits, both, spatial_dims, spacing, black_border)
    above, at_least, masks = (torch.empty(logits.shape, dtype=torch.bool, device=logits.device) for _ in range(3))
    images, pixels = ranks.numel(), grid_shape(logits, spatial_dims).pixels
    if images == 0:
        return masks
    tiles = -(-pixels // BLOCK)
    about = (pixels, tiles, ABOVE_ALL, BELOW_ALL)
    words = above.view(torch.int8), at_least.view(torch.int8)
    cut_kernel[(images * tiles,)](as_it_is(logits), found, *words, *about, BLOCK=BLOCK)
    (smaller, lists), (larger, _) = (
        size_ranks(each, spatial_dims, spacing, black_border) for each in (above, at_least)
    )
    del words, above, at_least
    choose_kernel[(images * tiles,)](
        as_it_is(logits), found, ranks.contiguous(), smaller, larger,
        lists.sizes, lists.list_of, lists.each, lists.last, lists.cap, masks.view(torch.int8), *about,
        SPACED=lists.steps is not None, BLOCK=BLOCK,
    )  # fmt: skip
    return masks
