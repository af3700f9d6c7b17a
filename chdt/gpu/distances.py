"""Distances of a batch, as ranks, and the largest ones along each axis."""

import torch

from chdt.checks.shape import Shape
from chdt.gpu.box_sums import dims_of, look_up_grid
from chdt.gpu.kernels.distances import distances_kernel
from chdt.gpu.ranks import Ranks, step_of


def distance_ranks(table: torch.Tensor, shape: Shape, ranks: Ranks) -> torch.Tensor:
    """The rank of each pixel's distance, int32 of the shape of the table."""
    distances = torch.empty(table.shape, dtype=torch.int32, device=table.device)
    _look_up(table, shape, ranks, distances, True)
    return distances


def maxima_of(table: torch.Tensor, shape: Shape, ranks: Ranks) -> torch.Tensor:
    """The largest rank in each slab, row and column of each image: int32, shape (images, depth + height + width)."""
    maxima = torch.zeros((len(table), sum(shape)), dtype=torch.int32, device=table.device)
    _look_up(table, shape, ranks, maxima, False)
    return maxima


def sizes_in(maxima: torch.Tensor, shape: Shape) -> torch.Tensor:
    """The rank of half the size of each image, by the maxima of its slabs."""
    return maxima[:, : shape.depth].amax(1)


def _look_up(table: torch.Tensor, shape: Shape, ranks: Ranks, answers: torch.Tensor, write: bool) -> None:
    programs, rows, columns = look_up_grid(len(table), shape)
    if programs > 0:
        distances_kernel[(programs,)](
            table, ranks.steps, ranks.list_of, ranks.each, answers, answers, *shape, ranks.cap, step_of(ranks.cap),
            WRITE=write, SPACED=ranks.steps is not None, DIMS=dims_of(shape), ROWS=rows, COLUMNS=columns,
        )  # fmt: skip
