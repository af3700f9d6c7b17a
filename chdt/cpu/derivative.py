"""The sampled derivative of a batch, of masks that are drawn or given (21)."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from chdt.checks.masks import grid_shape
from chdt.cpu.draws import chances_of
from chdt.cpu.kernels.differences import differentiate_drawn, differentiate_given, gradient_memory
from chdt.cpu.memory import reused
from chdt.cpu.packed import pack_masks
from chdt.cpu.route import gradient_route
from chdt.cpu.threads import share

NONE = np.empty(0, np.bool_)


def sampled_derivative(
    logits: torch.Tensor,
    seeds: torch.Tensor,
    losses: torch.Tensor,
    left_out: torch.Tensor | None,
    spatial_dims: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean over a draw for every seed of the loss, and of its derivative (21) with respect to the logits.

    Parameters
    ----------
    logits : Tensor, shape (..., H, W)
    seeds : int64 Tensor, shape (draws)
        As from `seeds_for`.
    losses : Tensor, shape (..., 1 + max(H, W))
        `losses_of_sizes`.
    left_out : bool Tensor, shape (...), or None
        Images whose loss and derivative are 0, whatever else is given of them.
    spatial_dims : {1, 2, 3}

    Returns
    -------
    (Tensor, Tensor), shapes (...) and that of logits, float64 for float64 logits and float32 otherwise
        A logit that is NaN makes NaN of the loss of its image and of its own derivative. It is drawn as background.
    """
    shape = grid_shape(logits, spatial_dims)
    pixels, route = shape.pixels, gradient_route(shape)
    # The derivative takes the place of the chances, so that one tensor is all it needs.
    gradient = chances_of(logits).cpu().contiguous()
    drawn = torch.empty(losses.shape[:-1], dtype=gradient.dtype, device="cpu")
    omitted = NONE if left_out is None else left_out.cpu().contiguous().view(-1).numpy()
    flat, drawn_flat, table = gradient.view(-1).numpy(), drawn.view(-1).numpy(), table_of(losses)
    mixed = seeds.cpu().numpy().view(np.uint64)

    def work(first: int, last: int) -> None:
        memory = reused(gradient_memory, shape, *route, flat.dtype)
        here = flat[first * pixels : last * pixels]
        start, (draws, one) = first * pixels, np.array([len(mixed), 1], flat.dtype)
        differentiate_drawn(
            here, mixed, start, memory, table[first:last], omitted[first:last], drawn_flat[first:last], draws, one
        )

    # More work than that, but a training step calls, whose threads of torch still spin: few more pay off.
    share(work, len(drawn_flat), len(mixed) * pixels, route.layout.images)
    return drawn.to(logits.device), gradient.to(logits.device)


def given_derivative(
    samples: torch.Tensor, losses: torch.Tensor, spatial_dims: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of each given mask, and its derivative (21) with respect to the chances: see `sampled_derivative`."""
    packed = pack_masks(samples, spatial_dims)
    route = gradient_route(packed.shape)
    drawn = torch.zeros(packed.batch, dtype=losses.dtype, device="cpu")
    gradient = torch.zeros(samples.shape, dtype=losses.dtype, device="cpu")
    drawn_flat, flat, table = drawn.view(-1).numpy(), gradient.view(-1).numpy(), table_of(losses)

    def work(first: int, last: int) -> None:
        memory = reused(gradient_memory, packed.shape, *route, flat.dtype)
        start, end = first * packed.shape.pixels, last * packed.shape.pixels
        differentiate_given(packed.bits, start, memory, table[first:last], drawn_flat[first:last], flat[start:end])

    share(work, packed.images, packed.shape.pixels, route.layout.images)
    return drawn.to(samples.device), gradient.to(samples.device)


def table_of(losses: torch.Tensor) -> npt.NDArray[Any]:
    """`losses_of_sizes` for kernels: one row an image."""
    return losses.cpu().contiguous().view(-1, losses.shape[-1]).numpy()
