"""Sizes of a batch: twice the largest distance of each image."""

import torch

from chdt.checks.shape import AllSteps
from chdt.gpu import whole_images
from chdt.gpu.distances import sizes_of
from chdt.gpu.ranks import Ranks, answers_of_ranks, ranks_of
from chdt.gpu.reading import grid_of, read_masks


def sizes_of_masks(
    masks: torch.Tensor, spatial_dims: int, spacing: AllSteps | None, black_border: bool, name: str = "masks"
) -> torch.Tensor:
    """Sizes of a batch, on the device of the masks; ``name`` is what users call the masks."""
    found, ranks = size_ranks(masks, spatial_dims, spacing, black_border, name, 2)
    batch = tuple(masks.shape[: masks.ndim - spatial_dims])
    return answers_of_ranks(found, 2, ranks, spacing).view(batch)


def size_ranks(
    masks: torch.Tensor,
    spatial_dims: int,
    spacing: AllSteps | None,
    black_border: bool,
    name: str = "masks",
    times: int = 1,
) -> tuple[torch.Tensor, Ranks]:
    """The rank of half the size of each image, shape (images), multiplied as `Ranks.times` says."""
    grid = grid_of(masks, spatial_dims, black_border, name)
    ranks = ranks_of(grid.shape, spacing, masks.device)
    times = ranks.times(times)
    if whole_images.fits(grid):
        return whole_images.sizes_of_masks(masks.detach(), grid, ranks, times, name), ranks
    return sizes_of(read_masks(masks, grid, name=name), grid, ranks, times), ranks
