"""The sampled derivative of a batch, of masks that are drawn or given (21)."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from chdt.checks.masks import grid_shape
from chdt.checks.ranks import is_spaced, ranks_of, runs_of
from chdt.checks.shape import AllSteps, Shape, Steps
from chdt.cpu.crossed import crossing_of
from chdt.cpu.draws import chances_of
from chdt.cpu.flips import crossed_scan
from chdt.cpu.kernels.differences import GradientMemory, differentiate_drawn, differentiate_given, gradient_memory
from chdt.cpu.memory import reused
from chdt.cpu.packed import pack_masks
from chdt.cpu.route import counts_in_border, gradient_route, line_or_tiny
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
    shape = grid_shape(logits, spatial_dims)
    pixels = shape.pixels
    # The derivative takes the place of the chances, so that one tensor is all it needs.
    gradient = chances_of(logits).cpu().contiguous()
    drawn = torch.empty(losses.shape[:-1], dtype=gradient.dtype, device="cpu")
    omitted = NONE if left_out is None else left_out.cpu().contiguous().view(-1).numpy()
    flat, drawn_flat, table = gradient.view(-1).numpy(), drawn.view(-1).numpy(), table_of(losses)
    mixed = seeds.cpu().numpy().view(np.uint64)

    for begin, end, steps in runs_of(spacing, len(drawn_flat)):
        images, memory = _memory(shape, spatial_dims, steps, black_border, flat.dtype)

        def work(first: int, last: int, begin: int = begin, memory: Callable[..., Any] = memory) -> None:
            first, last = begin + first, begin + last
            here = flat[first * pixels : last * pixels]
            draws, one = np.array([len(mixed), 1], flat.dtype)
            omit, to = omitted[first:last], drawn_flat[first:last]
            differentiate_drawn(here, mixed, first * pixels, memory(), table[first:last], omit, to, draws, one)

        # More work than that, but a training step calls, whose threads of torch still spin: few more pay off.
        share(work, end - begin, len(mixed) * pixels, images)
    return drawn.to(logits.device), gradient.to(logits.device)


def given_derivative(
    samples: torch.Tensor,
    losses: torch.Tensor,
    spatial_dims: int,
    spacing: AllSteps | None = None,
    black_border: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of each given mask, and its derivative (21) with respect to the chances: see `sampled_derivative`."""
    shape = grid_shape(samples, spatial_dims)
    in_planes = black_border and counts_in_border(shape, spatial_dims, spacing)
    packed = pack_masks(samples, spatial_dims, black_border and not in_planes, shape)
    drawn = torch.zeros(packed.batch, dtype=losses.dtype, device="cpu")
    gradient = torch.zeros(samples.shape, dtype=losses.dtype, device="cpu")
    drawn_flat, flat, table = drawn.view(-1).numpy(), gradient.view(-1).numpy(), table_of(losses)
    pixels, pixels_in = shape.pixels, packed.shape.pixels
    for begin, end, steps in runs_of(spacing, packed.images):
        images, memory = _memory(shape, spatial_dims, steps, black_border, flat.dtype)

        def work(first: int, last: int, begin: int = begin, memory: Callable[..., Any] = memory) -> None:
            first, last = begin + first, begin + last
            here = flat[first * pixels : last * pixels]
            start = first * pixels_in
            differentiate_given(packed.bits, start, memory(), table[first:last], drawn_flat[first:last], here)

        share(work, end - begin, pixels_in, images)
    return drawn.to(samples.device), gradient.to(samples.device)


def _memory(
    inner: Shape, spatial_dims: int, spacing: Steps | None, black_border: bool, dtype: Any
) -> tuple[int, Callable[[], GradientMemory]]:
    """How many images are done side by side, and what gives a thread its memory."""
    in_planes = black_border and counts_in_border(inner, spatial_dims, spacing)
    shape = inner.with_border(spatial_dims) if black_border and not in_planes else inner
    border = Shape(*((side - within) // 2 for side, within in zip(shape, inner, strict=True)))
    apart = spacing if is_spaced(spacing) else None
    ranks = None if apart is None else ranks_of(shape, apart)
    largest = shape.cap if ranks is None else ranks.last
    route = gradient_route(shape, largest)
    if apart is not None and not route.small:
        route = route._replace(lanes=crossing_of(shape, apart)[2])
    scanned, alone = not route.small and ranks is None, None if apart is not None else line_or_tiny(shape)

    def memory() -> GradientMemory:
        made = reused(gradient_memory, shape, border, *route, largest, scanned, alone, in_planes, dtype)
        if apart is None:
            return made
        crossed = None if route.small else crossed_scan(shape, apart)
        return made._replace(flips=made.flips._replace(ranks=ranks), crossed=crossed)

    return route.layout.images, memory


def table_of(losses: torch.Tensor) -> npt.NDArray[Any]:
    """`losses_of_sizes` for kernels: one row an image."""
    return losses.cpu().contiguous().view(-1, losses.shape[-1]).numpy()
