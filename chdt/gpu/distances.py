"""Distances of a batch, as ranks, or the largest ones of images, and along each axis."""

from typing import NamedTuple

import torch

from chdt.gpu.box_sums import box_sums, dims_of, look_up_grid
from chdt.gpu.kernels.distances import distances_kernel
from chdt.gpu.ranks import Ranks, step_of
from chdt.gpu.reading import Grid


class Maxima(NamedTuple):
    """The largest ranks of distances, int32."""

    sizes: torch.Tensor  # of each image, shape (images)
    lines: torch.Tensor  # of its slabs, rows and columns, shape (images, depth + height + width)


def distances_of(marks: torch.Tensor, grid: Grid, ranks: Ranks) -> torch.Tensor:
    """The rank of each pixel's distance, int32 of shape (images, depth, height, width) without the border."""
    distances = torch.empty(grid.inner, dtype=torch.int32, device=marks.device)
    _look_up("distances", box_sums(marks, grid.shape), grid, ranks, distances)
    return distances


def sizes_of(marks: torch.Tensor, grid: Grid, ranks: Ranks, times: int) -> torch.Tensor:
    """So many ``times`` the rank of half the size of each image, shape (images)."""
    sizes = torch.zeros(grid.images, dtype=torch.int32, device=marks.device)
    _look_up("sizes", box_sums(marks, grid.shape), grid, ranks, None, None, sizes, times)
    return sizes


def maxima_of(table: torch.Tensor, grid: Grid, ranks: Ranks) -> Maxima:
    """All maxima of a batch of which this is the table."""
    images, lines = grid.images, sum(grid.shape)
    numbers = torch.zeros(images * (1 + lines), dtype=torch.int32, device=table.device)
    found = Maxima(numbers[:images], numbers[images:].view(images, lines))
    _look_up("maxima", table, grid, ranks, None, found.lines, found.sizes)
    return found


def _look_up(
    wanted: str,
    table: torch.Tensor,
    grid: Grid,
    ranks: Ranks,
    answers: torch.Tensor | None,
    maxima: torch.Tensor | None = None,
    sizes: torch.Tensor | None = None,
    times: int = 1,
) -> None:
    programs, rows, columns = look_up_grid(grid.images, grid.shape)
    if programs > 0:
        distances_kernel[(programs,)](
            None, table, ranks.steps, ranks.list_of, ranks.each, answers, maxima, sizes, times,
            *grid.shape, *grid.border, ranks.cap, step_of(ranks.cap),
            WANTED=wanted, SPACED=ranks.steps is not None, DIMS=dims_of(grid.shape), ROWS=rows, COLUMNS=columns,
        )  # fmt: skip
