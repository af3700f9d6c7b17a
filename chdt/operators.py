"""The functions as torch operators: for tensors that torch compiles, exports, or maps over (`is_traced`)."""

from collections.abc import Sequence
from typing import Any

import torch

from chdt.checks.values import refuse_bad_values
from chdt.cpu.derivative import given_derivative as _given_derivative
from chdt.cpu.derivative import sampled_derivative as _sampled_derivative
from chdt.cpu.draws import masks_from_seed as _masks_from_seed
from chdt.distance import distance_transform as _distance_transform
from chdt.flips import flip_sizes as _flip_sizes
from chdt.seeds import draw_seeds as _draw_seeds
from chdt.size import object_size as _object_size


def _operator(name: str, **options: Any) -> Any:
    return torch.library.custom_op(f"chdt::{name}", mutates_args=(), **options)


@_operator("distance_transform")
def distance_transform(
    masks: torch.Tensor, spatial_dims: int, spacing: Sequence[float] | None = None, black_border: bool = False
) -> torch.Tensor:
    """See `chdt.distance_transform`."""
    spacing = None if spacing is None else spacing[-spatial_dims:]
    return _distance_transform(masks, spatial_dims=spatial_dims, spacing=spacing, black_border=black_border)


@_operator("object_size")
def object_size(
    masks: torch.Tensor, spatial_dims: int, spacing: Sequence[float] | None = None, black_border: bool = False
) -> torch.Tensor:
    """See `chdt.object_size`."""
    spacing = None if spacing is None else spacing[-spatial_dims:]
    return _object_size(masks, spatial_dims=spatial_dims, spacing=spacing, black_border=black_border)


@_operator("flip_sizes")
def flip_sizes(
    masks: torch.Tensor, spatial_dims: int, spacing: Sequence[float] | None = None, black_border: bool = False
) -> torch.Tensor:
    """See `chdt.flip_sizes`."""
    spacing = None if spacing is None else spacing[-spatial_dims:]
    return _flip_sizes(masks, spatial_dims=spatial_dims, spacing=spacing, black_border=black_border)


@distance_transform.register_fake
@flip_sizes.register_fake
def _(
    masks: torch.Tensor, spatial_dims: int, spacing: Sequence[float] | None = None, black_border: bool = False
) -> torch.Tensor:
    return masks.new_empty(masks.shape, dtype=torch.int32 if spacing is None else torch.float32)


@object_size.register_fake
def _(
    masks: torch.Tensor, spatial_dims: int, spacing: Sequence[float] | None = None, black_border: bool = False
) -> torch.Tensor:
    dtype = torch.int32 if spacing is None else torch.float32
    return masks.new_empty(masks.shape[: masks.ndim - spatial_dims], dtype=dtype)


def _map_masks(operator: Any) -> None:
    """A mapped dim is one more batch dim."""

    @operator.register_vmap
    def rule(info: Any, in_dims: tuple[int | None, ...], masks: torch.Tensor, *options: Any) -> Any:
        assert in_dims[0] is not None
        return operator(masks.movedim(in_dims[0], 0), *options), 0


for _each in (distance_transform, flip_sizes, object_size):
    _map_masks(_each)


# ------------------------------------------------------------------------------------------------ the loss


@_operator("draw_seeds", tags=(torch.Tag.nondeterministic_seeded,))
def draw_seeds(count: int) -> torch.Tensor:
    """Seeds from torch's own generator, the same as without compilation."""
    return _draw_seeds(count, None)


@draw_seeds.register_fake
def _(count: int) -> torch.Tensor:
    return torch.empty(count, dtype=torch.int64, device="cpu")


@_operator("masks_from_seed")
def masks_from_seed(logits: torch.Tensor, seed: torch.Tensor) -> torch.Tensor:
    """See `chdt.sample_masks`."""
    return _masks_from_seed(logits, seed)


@masks_from_seed.register_fake
def _(logits: torch.Tensor, seed: torch.Tensor) -> torch.Tensor:
    return logits.new_empty(logits.shape)


@_operator("sampled_derivative")
def sampled_derivative(
    logits: torch.Tensor, seeds: torch.Tensor, losses: torch.Tensor, spatial_dims: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """See `chdt.gradient.sampled_derivative`."""
    return _sampled_derivative(logits, seeds, losses, spatial_dims)


@_operator("given_derivative")
def given_derivative(
    samples: torch.Tensor, losses: torch.Tensor, spatial_dims: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """See `chdt.gradient.given_derivative`."""
    return _given_derivative(samples, losses, spatial_dims)


@sampled_derivative.register_fake
def _(
    logits: torch.Tensor, seeds: torch.Tensor, losses: torch.Tensor, spatial_dims: int
) -> tuple[torch.Tensor, torch.Tensor]:
    return losses.new_empty(losses.shape[:-1]), losses.new_empty(logits.shape)


@given_derivative.register_fake
def _(samples: torch.Tensor, losses: torch.Tensor, spatial_dims: int) -> tuple[torch.Tensor, torch.Tensor]:
    return losses.new_empty(losses.shape[:-1]), losses.new_empty(samples.shape)


@_operator("check_values")
def check_values(sizes: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
    """See `chdt.checks.values.check_values`."""
    refuse_bad_values(sizes, weight)
    return sizes.clone()


@check_values.register_fake
def _(sizes: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
    return torch.empty_like(sizes)


def _map_by_slices(operator: Any) -> None:
    """One call for each slice, with the seeds that it is given."""

    @operator.register_vmap
    def rule(info: Any, in_dims: tuple[int | None, ...], *args: Any) -> Any:
        def slice_of(i: int) -> list[Any]:
            return [x if dim is None else x.select(dim, i) for x, dim in zip(args, in_dims, strict=True)]

        answers = [operator(*slice_of(i)) for i in range(info.batch_size)]
        if isinstance(answers[0], tuple):
            return tuple(torch.stack(parts) for parts in zip(*answers, strict=True)), (0,) * len(answers[0])
        return torch.stack(answers), 0


for _each in (masks_from_seed, sampled_derivative, given_derivative, check_values):
    _map_by_slices(_each)
