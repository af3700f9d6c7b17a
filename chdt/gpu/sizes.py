"""Sizes of a batch: twice the largest distance of each image."""

import torch

from chdt.checks.shape import AllSteps
from chdt.gpu.box_sums import box_sums
from chdt.gpu.distances import maxima_of, sizes_in
from chdt.gpu.ranks import Ranks, answers_of_ranks, ranks_of
from chdt.gpu.reading import read_masks


def sizes_of_masks(
    masks: torch.Tensor, spatial_dims: int, spacing: AllSteps | None, black_border: bool, name: str = "masks"
) -> torch.Tensor:
    """Sizes of a batch, on the device of the masks; ``name`` is what users call the masks."""
    found, ranks = size_ranks(masks, spatial_dims, spacing, black_border, name)
    batch = tuple(masks.shape[: masks.ndim - spatial_dims])
    return answers_of_ranks(found, 2, ranks, spacing).view(batch)


def size_ranks(
    masks: torch.Tensor, spatial_dims: int, spacing: AllSteps | None, black_border: bool, name: str = "masks"
) -> tuple[torch.Tensor, Ranks]:
    """The rank of half the size of each image, shape (images)."""
    read = read_masks(masks, spatial_dims, black_border, name=name)
    ranks = ranks_of(read.shape, spacing, masks.device)
    return sizes_in(maxima_of(box_sums(read.pixels, read.shape), read.shape, ranks), read.shape), ranks
