"""The sampled derivative of a batch, of masks that are drawn or given (21): nothing in it waits for the device."""

import torch

from chdt.checks.masks import grid_shape
from chdt.checks.shape import Shape, Steps
from chdt.gpu.box_sums import look_up_grid
from chdt.gpu.draws import chances_of, draw_masks
from chdt.gpu.flips import flip_parts
from chdt.gpu.kernels.differences import differences_kernel
from chdt.gpu.ranks import ranks_of
from chdt.gpu.reading import Foreground, read_masks, surrounded


def sampled_derivative(
    logits: torch.Tensor,
    seeds: torch.Tensor,
    losses: torch.Tensor,
    left_out: torch.Tensor | None,
    spatial_dims: int,
    spacing: Steps | None = None,
    black_border: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the host's wing gives, see there; seeds, losses and what is left out are on the device of the logits."""
    shape = grid_shape(logits, spatial_dims)
    chances, values = chances_of(logits), losses.new_zeros(losses.shape[:-1])
    draws = len(seeds)
    # With one draw, the derivative takes the place of the chances.
    gradient = chances if draws == 1 else torch.empty_like(chances)
    sums = torch.empty_like(values)
    for draw in range(draws):
        masks = draw_masks(chances, seeds, draw, torch.bool).view(torch.int8).view(-1, *shape)
        drawn = surrounded(masks, tuple(values.shape), spatial_dims, black_border)
        _add_differences(drawn, spacing, losses, values, gradient, sums, draw, draws, chances, left_out)
    return values, gradient


def given_derivative(
    samples: torch.Tensor,
    losses: torch.Tensor,
    spatial_dims: int,
    spacing: Steps | None = None,
    black_border: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of each given mask, and its derivative (21) with respect to the chances: see `sampled_derivative`."""
    given = read_masks(samples, spatial_dims, black_border)
    values = losses.new_zeros(losses.shape[:-1])
    gradient = losses.new_empty(samples.shape)
    _add_differences(given, spacing, losses, values, gradient, values, 0, 1, None, None)
    return values, gradient


def _add_differences(
    masks: Foreground,
    spacing: Steps | None,
    losses: torch.Tensor,
    values: torch.Tensor,
    gradient: torch.Tensor,
    sums: torch.Tensor,
    draw: int,
    draws: int,
    chances: torch.Tensor | None,
    left_out: torch.Tensor | None,
) -> None:
    """Add the differences of a batch of masks to a gradient, as `differences_kernel` says."""
    if gradient.numel() == 0:
        return
    ranks = ranks_of(masks.shape, spacing, gradient.device)
    sizes, levels, added = flip_parts(masks.pixels, masks.shape, ranks)
    foreground = masks.inside(masks.pixels)
    shape = Shape(*foreground.shape[1:])
    programs, rows, columns = look_up_grid(len(foreground), shape)
    differences_kernel[(programs,)](
        foreground, sizes, masks.lines_inside(levels), masks.inside(added), losses.contiguous(), losses.shape[-1],
        chances, gradient, sums, values, None if left_out is None else left_out.contiguous().view(torch.int8),
        draw, draws, float(draws), *shape,
        DRAWN=chances is not None, LEAVES_OUT=left_out is not None, ROWS=rows, COLUMNS=columns,
    )  # fmt: skip
