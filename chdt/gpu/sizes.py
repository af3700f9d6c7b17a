"""Sizes of a batch: twice the largest distance of each image."""

import torch

from chdt.checks.shape import Steps
from chdt.gpu.box_sums import box_sums
from chdt.gpu.distances import maxima_of, sizes_in
from chdt.gpu.ranks import answers_of_ranks, ranks_of
from chdt.gpu.reading import read_masks


def sizes_of_masks(masks: torch.Tensor, spatial_dims: int, spacing: Steps | None, black_border: bool) -> torch.Tensor:
    """Sizes of a batch, on the device of the masks."""
    read = read_masks(masks, spatial_dims, black_border)
    ranks = ranks_of(read.shape, spacing, masks.device)
    maxima = maxima_of(box_sums(read.pixels, read.shape), read.shape, ranks)
    return answers_of_ranks(sizes_in(maxima, read.shape), 2, ranks, spacing).view(read.batch)
