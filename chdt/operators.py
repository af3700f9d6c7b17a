"""The functions as torch operators: for tensors that torch compiles, exports, or maps over (`is_traced`)."""

from typing import Any

import torch

from chdt.bitplanes import packed_words
from chdt.flips import flip_sizes as _flip_sizes
from chdt.gradient import check_values as _check_values
from chdt.gradient import derivative as _derivative
from chdt.gradient import pack_tensor as _pack_tensor
from chdt.sampling import draw_packed as _draw_packed
from chdt.sampling import seeds_for as _seeds_for
from chdt.size import object_size as _object_size
from chdt.transform import distance_transform as _distance_transform


def _operator(name: str, **options: Any) -> Any:
    return torch.library.custom_op(f"chdt::{name}", mutates_args=(), **options)


@_operator("distance_transform")
def distance_transform(masks: torch.Tensor, spatial_dims: int) -> torch.Tensor:
    """See `chdt.distance_transform`."""
    return _distance_transform(masks, spatial_dims=spatial_dims)


@_operator("flip_sizes")
def flip_sizes(masks: torch.Tensor, spatial_dims: int) -> torch.Tensor:
    """See `chdt.flip_sizes`."""
    return _flip_sizes(masks, spatial_dims=spatial_dims)


@_operator("object_size")
def object_size(masks: torch.Tensor, spatial_dims: int) -> torch.Tensor:
    """See `chdt.object_size`."""
    return _object_size(masks, spatial_dims=spatial_dims)


@distance_transform.register_fake
@flip_sizes.register_fake
def _pixelwise(masks: torch.Tensor, spatial_dims: int) -> torch.Tensor:
    return masks.new_empty(masks.shape, dtype=torch.int32)


@object_size.register_fake
def _imagewise(masks: torch.Tensor, spatial_dims: int) -> torch.Tensor:
    return masks.new_empty(masks.shape[: masks.ndim - spatial_dims], dtype=torch.int32)


def _map_masks(operator: Any) -> None:
    """A mapped dim is one more batch dim."""

    @operator.register_vmap
    def rule(info: Any, in_dims: tuple[int | None, None], masks: torch.Tensor, spatial_dims: int) -> Any:
        assert in_dims[0] is not None
        return operator(masks.movedim(in_dims[0], 0), spatial_dims), 0


for _each in (distance_transform, flip_sizes, object_size):
    _map_masks(_each)


# ------------------------------------------------------------------------------------------------ the loss


@_operator("draw_seeds", tags=(torch.Tag.nondeterministic_seeded,))
def draw_seeds(count: int) -> torch.Tensor:
    """Seeds from torch's own generator, the same as without compilation."""
    return _seeds_for(count, None)


@draw_seeds.register_fake
def _(count: int) -> torch.Tensor:
    return torch.empty(count, dtype=torch.int64)


@_operator("draw_packed")
def draw_packed(chances: torch.Tensor, seeds: torch.Tensor) -> torch.Tensor:
    """See `chdt.sampling.draw_packed`."""
    return _draw_packed(chances, seeds)


@draw_packed.register_fake
def _(chances: torch.Tensor, seeds: torch.Tensor) -> torch.Tensor:
    return seeds.new_empty((seeds.shape[0], packed_words(chances.numel())))


@_operator("pack_tensor")
def pack_tensor(samples: torch.Tensor, spatial_dims: int) -> torch.Tensor:
    """See `chdt.gradient.pack_tensor`."""
    return _pack_tensor(samples, spatial_dims)


@pack_tensor.register_fake
def _(samples: torch.Tensor, spatial_dims: int) -> torch.Tensor:
    return torch.empty(packed_words(samples.numel()), dtype=torch.int64)


@_operator("derivative")
def derivative(
    words: torch.Tensor, losses: torch.Tensor, chances: torch.Tensor | None, height: int, width: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """See `chdt.gradient.derivative`."""
    return _derivative(words, losses, chances, height, width)


@derivative.register_fake
def _(
    words: torch.Tensor, losses: torch.Tensor, chances: torch.Tensor | None, height: int, width: int
) -> tuple[torch.Tensor, torch.Tensor]:
    batch = losses.shape[:-1]
    return losses.new_empty(batch), losses.new_empty((*batch, height * width))


@_operator("check_values")
def check_values(sizes: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
    """See `chdt.gradient.check_values`."""
    _check_values(sizes, weight)
    return sizes.clone()


@check_values.register_fake
def _(sizes: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
    return torch.empty_like(sizes)


def _map_by_slices(operator: Any) -> None:
    """One call for each slice: each draws its own noise."""

    @operator.register_vmap
    def rule(info: Any, in_dims: tuple[int | None, ...], *args: Any) -> Any:
        def slice_of(i: int) -> list[Any]:
            return [x if dim is None else x.select(dim, i) for x, dim in zip(args, in_dims, strict=True)]

        answers = [operator(*slice_of(i)) for i in range(info.batch_size)]
        if isinstance(answers[0], tuple):
            return tuple(torch.stack(parts) for parts in zip(*answers, strict=True)), (0,) * len(answers[0])
        return torch.stack(answers), 0


for _each in (draw_packed, pack_tensor, derivative, check_values):
    _map_by_slices(_each)
