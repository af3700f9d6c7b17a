"""How much two batches of masks overlap."""

import torch

from chdt.gpu.reading import read_masks


def overlaps_of(target: torch.Tensor, prediction: torch.Tensor, spatial_dims: int) -> torch.Tensor:
    """Intersection over union of each pair of masks (23)."""
    a = read_masks(target, spatial_dims, name="target")
    there = read_masks(prediction.to(target.device), spatial_dims, name="prediction").pixels != 0
    here = a.pixels != 0
    both, either = ((here & there).sum((1, 2, 3)), (here | there).sum((1, 2, 3)))
    overlaps = (both.double() / either.double()).masked_fill(either == 0, 1)
    return overlaps.float().view(a.batch)
