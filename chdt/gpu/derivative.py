"""The sampled derivative of a batch, of masks that are drawn or given (21): nothing in it waits for the device."""

from collections.abc import Callable

import torch

from chdt.checks.masks import grid_shape
from chdt.checks.shape import AllSteps, Shape
from chdt.gpu.box_sums import look_up_grid
from chdt.gpu.draws import chances_of, draw_marks
from chdt.gpu.flips import flip_parts
from chdt.gpu.kernels.differences import differences_kernel
from chdt.gpu.ranks import ranks_of
from chdt.gpu.reading import Foreground, read_masks, surrounded

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
    shape = grid_shape(logits, spatial_dims)
    first = chances_of(logits)
    values = losses.new_zeros(losses.shape[:-1])
    draws = len(seeds)
    # With one draw, the derivative takes the place of the chances.
    gradient = first if draws == 1 else torch.empty_like(first)
    kept = None if draws > 1 and first.itemsize > MOST_KEPT_BYTES else first
    del first

    def chances() -> torch.Tensor:
        return chances_of(logits) if kept is None else kept

    sums = torch.empty_like(values)
    for draw in range(draws):
        marks = draw_marks(chances(), seeds, draw)
        drawn = surrounded(marks.view(-1, *shape), tuple(values.shape), spatial_dims, black_border)
        del marks
        _add_differences(drawn, spacing, losses, values, gradient, sums, draw, draws, chances, left_out)
    return values, gradient


def given_derivative(
    samples: torch.Tensor,
    losses: torch.Tensor,
    spatial_dims: int,
    spacing: AllSteps | None = None,
    black_border: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of each given mask, and its derivative (21) with respect to the chances: see `sampled_derivative`."""
    given = read_masks(samples, spatial_dims, black_border, torch.int32, "samples")
    values = losses.new_zeros(losses.shape[:-1])
    gradient = losses.new_empty(samples.shape)
    _add_differences(given, spacing, losses, values, gradient, values, 0, 1, None, None)
    return values, gradient


def _add_differences(
    masks: Foreground,
    spacing: AllSteps | None,
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
    ranks = ranks_of(masks.shape, spacing, gradient.device)
    sizes, levels, added = flip_parts(masks.pixels, masks.shape, ranks)
    added = masks.inside(added)
    shape = Shape(*added.shape[1:])
    programs, rows, columns = look_up_grid(len(added), shape)
    differences_kernel[(programs,)](
        sizes, masks.lines_inside(levels), added, losses.contiguous(), losses.shape[-1],
        None if chances is None else chances(), gradient, sums, values,
        None if left_out is None else left_out.contiguous().view(torch.int8),
        draw, draws, float(draws), *shape,
        DRAWN=chances is not None, LEAVES_OUT=left_out is not None, ROWS=rows, COLUMNS=columns,
    )  # fmt: skip
