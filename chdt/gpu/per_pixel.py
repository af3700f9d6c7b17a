"""Distances, or sizes after flips: one answer for each pixel."""

from typing import Any

import torch

from chdt.checks.answers import check_out
from chdt.checks.masks import grid_shape
from chdt.checks.shape import AllSteps
from chdt.gpu.distances import distances_of
from chdt.gpu.flips import flips_of
from chdt.gpu.ranks import Ranks, answers_of_ranks, ranks_of
from chdt.gpu.reading import grid_of, read_masks
from chdt.gpu.whole_images import fits, of_masks


def answers_of(
    kind: Any,
    masks: torch.Tensor,
    spatial_dims: int,
    spacing: AllSteps | None,
    black_border: bool,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Answers of this kind for a batch, on the device of the masks, or in ``out``."""
    if out is not None:
        check_out(out, masks, None if spacing is not None else kind.caps * grid_shape(masks, spatial_dims).cap)
    found, ranks = _found(kind, masks, spatial_dims, spacing, black_border)
    answers = answers_of_ranks(found, kind.caps, ranks, spacing).reshape(masks.shape)
    return answers if out is None else out.copy_(answers)


def _found(
    kind: Any, masks: torch.Tensor, spatial_dims: int, spacing: AllSteps | None, black_border: bool
) -> tuple[torch.Tensor, Ranks]:
    """The rank of each answer. A function, so that whatever it took to find them is free when they become answers."""
    grid = grid_of(masks, spatial_dims, black_border)
    ranks = ranks_of(grid.shape, spacing, masks.device)
    times = ranks.times(kind.caps)
    wanted = "flips" if kind.operator == "flip_sizes" else "distances"
    if fits(grid):
        answers = torch.empty(grid.inner, dtype=torch.int32, device=masks.device)
        of_masks(wanted, masks.detach(), grid, ranks, answers, times, "masks")
        return answers, ranks
    if wanted == "flips":
        return flips_of(read_masks(masks, grid, torch.int32), grid, ranks, times), ranks
    return distances_of(read_masks(masks, grid), grid, ranks), ranks
