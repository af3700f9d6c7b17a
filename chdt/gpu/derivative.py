"""The sampled derivative of a batch, of masks that are drawn or given (21): nothing in it waits for the device."""

from collections.abc import Callable

import torch

from chdt.checks.shape import AllSteps
from chdt.gpu.box_sums import look_up_grid
from chdt.gpu.draws import chances_of, draw_marks
from chdt.gpu.flips import flip_parts
from chdt.gpu.kernels.differences import differences_kernel
from chdt.gpu.ranks import Ranks, ranks_of
from chdt.gpu.reading import Grid, grid_of, read_masks, surrounded
from chdt.gpu.whole_images import Losses, fits, of_chances, of_masks

MOST_KEPT_BYTES = 4  # of a chance, from draw to draw; a larger one is found again, so that it is not beside the table


def sampled_derivative(
    logits: torch.Tensor,
    seeds: torch.Tensor,
    losses: torch.Tensor,
    left_out: torch.Tensor | None,
    spatial_dims: int,
    spacing: AllSteps | None = None,
    black_border: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the host's wing gives, see there; seeds, losses and what is left out are on the device of the logits."""
    grid = grid_of(logits, spatial_dims, black_border, "logits")
    ranks = ranks_of(grid.shape, spacing, logits.device)
    first = chances_of(logits)
    draws, losses = len(seeds), losses.contiguous()
    # With one draw, the derivative takes the place of the chances.
    gradient = first if draws == 1 else torch.empty_like(first)
    if fits(grid):
        values = losses.new_empty(losses.shape[:-1])
        of_chances(first, grid, ranks, gradient, Losses(losses, values, draws, seeds, left_out))
        return values, gradient
    values = losses.new_zeros(losses.shape[:-1])
    kept = None if draws > 1 and first.itemsize > MOST_KEPT_BYTES else first
    del first

    def chances() -> torch.Tensor:
        return chances_of(logits) if kept is None else kept

    sums = torch.empty_like(values)
    for draw in range(draws):
        marks = surrounded(draw_marks(chances(), seeds, draw), grid)
        _add_differences(marks, grid, ranks, losses, values, gradient, sums, draw, draws, chances, left_out)
    return values, gradient


def given_derivative(
    samples: torch.Tensor,
    losses: torch.Tensor,
    spatial_dims: int,
    spacing: AllSteps | None = None,
    black_border: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of each given mask, and its derivative (21) with respect to the chances: see `sampled_derivative`."""
    grid = grid_of(samples, spatial_dims, black_border, "samples")
    ranks = ranks_of(grid.shape, spacing, samples.device)
    losses, gradient = losses.contiguous(), losses.new_empty(samples.shape)
    if fits(grid):
        values = losses.new_empty(losses.shape[:-1])
        of_masks("differences", samples.detach(), grid, ranks, gradient, 1, "samples", Losses(losses, values))
        return values, gradient
    values = losses.new_zeros(losses.shape[:-1])
    given = read_masks(samples, grid, torch.int32, "samples")
    _add_differences(given, grid, ranks, losses, values, gradient, values, 0, 1, None, None)
    return values, gradient


def _add_differences(
    marks: torch.Tensor,
    grid: Grid,
    ranks: Ranks,
    losses: torch.Tensor,
    values: torch.Tensor,
    gradient: torch.Tensor,
    sums: torch.Tensor,
    draw: int,
    draws: int,
    chances: Callable[[], torch.Tensor] | None,
    left_out: torch.Tensor | None,
) -> None:
    """Add the differences of a batch of masks, int32, to a gradient, as `differences_kernel` says."""
    if gradient.numel() == 0:
        return
    sizes, levels, added = flip_parts(marks, grid, ranks)
    programs, rows, columns = look_up_grid(grid.images, grid.shape)
    differences_kernel[(programs,)](
        None, sizes, levels, added, losses, losses.shape[-1],
        None if chances is None else chances(), gradient, sums, values,
        None if left_out is None else left_out.contiguous().view(torch.int8),
        draw, draws, float(draws), *grid.shape, *grid.border,
        DRAWN=chances is not None, LEAVES_OUT=left_out is not None, ROWS=rows, COLUMNS=columns,
    )  # fmt: skip
