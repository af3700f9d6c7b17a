"""Every size that a mask of a grid may have: losses are looked up among them, and thresholds asked for by them."""

import torch

from chdt.checks.ranks import AXES
from chdt.checks.shape import AllSteps, Shape
from chdt.checks.tracing import is_traced
from chdt.operators import sizes_there  # and what is called while torch traces

FLOAT32_ROUNDING = 2.0**-23  # of a size, at most


def attainable_sizes(
    like: torch.Tensor, grid: Shape, spatial_dims: int, spacing: AllSteps | None, black_border: bool
) -> tuple[torch.Tensor, float]:
    """Every size that a mask may have, shape (ranks), or (..., ranks) where each image has a spacing; and the largest.

    The border counts as part of the grid, but not for the largest: its background is always there.
    """
    shape = grid.with_border(spatial_dims) if black_border else grid
    if spacing is None:
        return torch.arange(0, 2 * shape.cap + 1, 2, dtype=like.dtype, device=like.device), 2 * grid.cap
    longest = max(number * side for number, side in zip(spacing, [*grid] * (len(spacing) // AXES), strict=True))
    largest = 2 * longest * (1 + FLOAT32_ROUNDING)
    if is_traced(like):
        sizes = torch.ops.chdt.attainable_sizes(like, list(shape), list(spacing))
    else:
        sizes = sizes_there(shape, spacing, like)
    return (sizes if len(spacing) == AXES else sizes.view(*like.shape, -1)), largest
