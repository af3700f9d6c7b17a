"""The sampled derivative of a batch, of masks that are drawn or given (21)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from chdt.checks.groups import runs_of
from chdt.checks.masks import grid_shape
from chdt.checks.ranks import is_spaced, rank_lists_of, ranks_of, steps_at
from chdt.checks.shape import AllSteps, Shape
from chdt.cpu.crossed import crossing_of
from chdt.cpu.draws import chances_of
from chdt.cpu.flips import crossed_scan, small_ways
from chdt.cpu.kernels.differences import GradientMemory, differentiate_drawn, differentiate_given, gradient_memory
from chdt.cpu.memory import reused, without_names
from chdt.cpu.packed import pack_masks
from chdt.cpu.route import counts_in_border, is_small, lanes_for, row_layout
from chdt.cpu.threads import share

NONE = np.empty(0, np.bool_)


def sampled_derivative(
    logits: torch.Tensor,
    seeds: torch.Tensor,
    losses: torch.Tensor,
    left_out: torch.Tensor | None,
    spatial_dims: int,
    spacing: AllSteps | None = None,
    black_border: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean over a draw for every seed of the loss, and of its derivative (21) with respect to the logits.

    Parameters
    ----------
    logits : Tensor, shape (..., H, W)
    seeds : int64 Tensor, shape (draws)
        As from `seeds_for`.
    losses : Tensor, shape (..., ranks)
        `losses_of_sizes`: of each rank, as many as the image with the most ranks has.
    left_out : bool Tensor, shape (...), or None
        Images whose loss and derivative are 0, whatever else is given of them.
    spatial_dims : {1, 2, 3}
    spacing : tuple of float, or None
        As `spacing_of` gives it.
    black_border : bool

    Returns
    -------
    (Tensor, Tensor), shapes (...) and that of logits, float64 for float64 logits and float32 otherwise
        A logit that is NaN makes NaN of the loss of its image and of its own derivative. It is drawn as background.
    """
    spacing = spacing if is_spaced(spacing) else None
    grid = _grid_of(grid_shape(logits, spatial_dims), spatial_dims, spacing, black_border)
    pixels = grid.inner.pixels
    # The derivative takes the place of the chances, so that one tensor is all it needs.
    gradient = chances_of(logits).cpu().contiguous()
    drawn = torch.empty(losses.shape[:-1], dtype=gradient.dtype, device="cpu")
    omitted = NONE if left_out is None else left_out.cpu().contiguous().view(-1).numpy()
    flat, drawn_flat, table = gradient.view(-1).numpy(), drawn.view(-1).numpy(), table_of(losses)
    mixed = seeds.cpu().numpy().view(np.uint64)

    for run in _runs_of(grid, spacing, len(drawn_flat)):

        def work(first: int, last: int, run: _Run = run) -> None:
            memory = run.memory(first, last, flat.dtype)
            first, last = run.first + first, run.first + last
            here = flat[first * pixels : last * pixels]
            draws, one = np.array([len(mixed), 1], flat.dtype)
            omit, to = omitted[first:last], drawn_flat[first:last]
            differentiate_drawn(here, mixed, first * pixels, memory, table[first:last], omit, to, draws, one)

        # More work than that, but a training step calls, whose threads of torch still spin: few more pay off.
        share(work, run.last - run.first, len(mixed) * pixels, run.side_by_side)
    return drawn.to(logits.device), gradient.to(logits.device)


def given_derivative(
    samples: torch.Tensor,
    losses: torch.Tensor,
    spatial_dims: int,
    spacing: AllSteps | None = None,
    black_border: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of each given mask, and its derivative (21) with respect to the chances: see `sampled_derivative`."""
    spacing = spacing if is_spaced(spacing) else None
    grid = _grid_of(grid_shape(samples, spatial_dims, "samples"), spatial_dims, spacing, black_border)
    packed = pack_masks(samples, spatial_dims, grid.whole != grid.inner, grid.inner, "samples")
    drawn = torch.zeros(packed.batch, dtype=losses.dtype, device="cpu")
    gradient = torch.zeros(samples.shape, dtype=losses.dtype, device="cpu")
    drawn_flat, flat, table = drawn.view(-1).numpy(), gradient.view(-1).numpy(), table_of(losses)
    pixels, pixels_in = grid.inner.pixels, grid.whole.pixels
    for run in _runs_of(grid, spacing, packed.images):

        def work(first: int, last: int, run: _Run = run) -> None:
            memory = run.memory(first, last, flat.dtype)
            first, last = run.first + first, run.first + last
            here, to = flat[first * pixels : last * pixels], drawn_flat[first:last]
            differentiate_given(packed.bits, first * pixels_in, memory, table[first:last], to, here)

        share(work, run.last - run.first, pixels_in, run.side_by_side)
    return drawn.to(samples.device), gradient.to(samples.device)


class _Grid(NamedTuple):
    """What the images of a batch have in common."""

    inner: Shape
    whole: Shape  # with the border, unless it is in planes
    in_planes: bool


def _grid_of(inner: Shape, spatial_dims: int, spacing: AllSteps | None, black_border: bool) -> _Grid:
    in_planes = black_border and counts_in_border(inner, spatial_dims, spacing)
    return _Grid(inner, inner.with_border(spatial_dims) if black_border and not in_planes else inner, in_planes)


class _Run(NamedTuple):
    """Images that are done by one call of a kernel a thread."""

    first: int
    last: int  # the one behind them
    side_by_side: int  # images that are scanned together
    memory: Callable[[int, int, Any], GradientMemory]  # for some, counted from the first, and a dtype of the gradient


def _runs_of(grid: _Grid, spacing: AllSteps | None, images: int) -> list[_Run]:
    """All images: at once where one kernel can do them, else those that follow each other and have the same spacing."""
    if is_small(grid.whole):
        return [_run_of(0, images, grid, spacing)]
    return [_run_of(first, last, grid, steps) for first, last, steps in runs_of(spacing, images)]


def _run_of(first: int, last: int, grid: _Grid, spacing: AllSteps | None) -> _Run:
    inner, shape, in_planes = grid
    border = Shape(*((side - within) // 2 for side, within in zip(shape, inner, strict=True)))
    lists = None if spacing is None else rank_lists_of(shape, spacing)
    largest = shape.cap if lists is None else lists.last
    small, layout, lanes = is_small(shape), row_layout(shape), lanes_for(2 * largest)
    if spacing is not None and not small:
        lanes = crossing_of(shape, steps_at(spacing, 0))[2]
    ways = small_ways(last - first, shape, lists is not None)
    scanned = lists is None and not any(ways)

    def memory(begin: int, end: int, dtype: Any) -> GradientMemory:
        key = (gradient_memory, shape, border, layout, small, lanes, largest, scanned, *ways, in_planes, dtype)
        if spacing is None or lists is None:
            return reused(without_names, *key)  # type: ignore[no-any-return]
        made = reused(*key)
        if small:
            mine = lists.of_images(begin, end)
            return made._replace(flips=made.flips._replace(ranks=lists.at_hand, lists=mine))
        steps = steps_at(spacing, 0)
        flips = made.flips._replace(ranks=ranks_of(shape, steps))
        return made._replace(flips=flips, crossed=crossed_scan(shape, steps))

    return _Run(first, last, layout.images, memory)


def table_of(losses: torch.Tensor) -> npt.NDArray[Any]:
    """`losses_of_sizes` for kernels: one row an image."""
    return losses.cpu().contiguous().view(-1, losses.shape[-1]).numpy()
