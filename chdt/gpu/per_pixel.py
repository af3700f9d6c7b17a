"""Distances, or sizes after flips: one answer for each pixel."""

from typing import Any

import torch

from chdt.checks.answers import check_out
from chdt.checks.masks import grid_shape
from chdt.checks.shape import AllSteps
from chdt.gpu.box_sums import box_sums
from chdt.gpu.distances import distance_ranks
from chdt.gpu.flips import flip_ranks
from chdt.gpu.ranks import Ranks, answers_of_ranks, ranks_of
from chdt.gpu.reading import read_masks


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
    flips = kind.operator == "flip_sizes"
    read = read_masks(masks, spatial_dims, black_border, torch.int32 if flips else torch.int8)
    ranks = ranks_of(read.shape, spacing, masks.device)
    if flips:
        return read.inside(flip_ranks(read.pixels, read.shape, ranks)), ranks
    return read.inside(distance_ranks(box_sums(read.pixels, read.shape), read.shape, ranks)), ranks
