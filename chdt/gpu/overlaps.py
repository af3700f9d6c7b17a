"""How much two batches of masks overlap."""

import torch

from chdt.gpu.reading import grid_of, read_masks


def overlaps_of(target: torch.Tensor, prediction: torch.Tensor, spatial_dims: int) -> torch.Tensor:
    """Intersection over union of each pair of masks (23)."""
    grid = grid_of(target, spatial_dims, name="target")
    here = read_masks(target, grid, name="target") != 0
    there = read_masks(prediction.to(target.device), grid, name="prediction") != 0
    both, either = ((here & there).sum((1, 2, 3)), (here | there).sum((1, 2, 3)))
    overlaps = (both.double() / either.double()).masked_fill(either == 0, 1)
    return overlaps.float().view(target.shape[: target.ndim - spatial_dims])
