"""The functions as torch operators: for tensors that torch compiles, exports, or maps over (`is_traced`).

The body of an operator computes, whatever is being compiled: torch calls it while it compiles, too, for what is known.
"""

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt
import torch

from chdt.checks.devices import is_on_gpu, lists_on
from chdt.checks.ranks import AXES, sizes_of_ranks
from chdt.checks.shape import AllSteps, Shape
from chdt.checks.values import refuse_bad_values
from chdt.cpu.per_pixel import DISTANCES, FLIP_SIZES
from chdt.seeds import draw_seeds as _draw_seeds
from chdt.wings import answers_of, masks_of_ranks, overlaps_of, sizes_of_masks, weakest_pixels_of_ranks
from chdt.wings import given_derivative as _given_derivative
from chdt.wings import masks_from_seed as _masks_from_seed
from chdt.wings import sampled_derivative as _sampled_derivative


def _operator(name: str, **options: Any) -> Any:
    return torch.library.custom_op(f"chdt::{name}", mutates_args=(), **options)


def _steps(spacing: Sequence[float] | None) -> AllSteps | None:
    """What `spacing_of` gave, which comes as a list."""
    return None if spacing is None else tuple(spacing)


def _for_each(spacing: Any, images: int) -> Any:
    """The spacing where a dim of so many images is mapped: in front of those that have one each."""
    return spacing if spacing is None or len(spacing) == AXES else list(spacing) * images


@_operator("distance_transform")
def distance_transform(
    masks: torch.Tensor, spatial_dims: int, spacing: Sequence[float] | None = None, black_border: bool = False
) -> torch.Tensor:
    """See `chdt.distance_transform`."""
    return answers_of(DISTANCES, masks, spatial_dims, _steps(spacing), black_border)  # type: ignore[no-any-return]


@_operator("object_size")
def object_size(
    masks: torch.Tensor,
    spatial_dims: int,
    spacing: Sequence[float] | None = None,
    black_border: bool = False,
    name: str = "masks",
) -> torch.Tensor:
    """See `chdt.object_size`; ``name`` is what errors call the masks."""
    return sizes_of_masks(masks, spatial_dims, _steps(spacing), black_border, name)  # type: ignore[no-any-return]


@_operator("flip_sizes")
def flip_sizes(
    masks: torch.Tensor, spatial_dims: int, spacing: Sequence[float] | None = None, black_border: bool = False
) -> torch.Tensor:
    """See `chdt.flip_sizes`."""
    return answers_of(FLIP_SIZES, masks, spatial_dims, _steps(spacing), black_border)  # type: ignore[no-any-return]


@distance_transform.register_fake
@flip_sizes.register_fake
def _(
    masks: torch.Tensor, spatial_dims: int, spacing: Sequence[float] | None = None, black_border: bool = False
) -> torch.Tensor:
    return masks.new_empty(masks.shape, dtype=torch.int32 if spacing is None else torch.float32)


@object_size.register_fake
def _(masks: Any, spatial_dims: int, spacing: Any = None, black_border: bool = False, name: str = "masks") -> Any:
    dtype = torch.int32 if spacing is None else torch.float32
    return masks.new_empty(masks.shape[: masks.ndim - spatial_dims], dtype=dtype)


@_operator("intersection_over_union")
def intersection_over_union(target: torch.Tensor, prediction: torch.Tensor, spatial_dims: int) -> torch.Tensor:
    """See `chdt.intersection_over_union`."""
    return overlaps_of(target, prediction, spatial_dims)


@intersection_over_union.register_fake
def _(target: torch.Tensor, prediction: torch.Tensor, spatial_dims: int) -> torch.Tensor:
    return target.new_empty(target.shape[: target.ndim - spatial_dims], dtype=torch.float32)


@intersection_over_union.register_vmap
def _(info: Any, in_dims: tuple[int | None, ...], target: torch.Tensor, prediction: torch.Tensor, *options: Any) -> Any:
    pair = (
        masks.expand(info.batch_size, *masks.shape) if dim is None else masks.movedim(dim, 0)
        for masks, dim in zip((target, prediction), in_dims, strict=False)
    )
    return intersection_over_union(*pair, *options), 0


def _map_masks(operator: Any) -> None:
    """A mapped dim is one more batch dim."""

    @operator.register_vmap
    def rule(
        info: Any, in_dims: tuple[int | None, ...], masks: torch.Tensor, dims: int, spacing: Any = None, *options: Any
    ) -> Any:
        assert in_dims[0] is not None
        return operator(masks.movedim(in_dims[0], 0), dims, _for_each(spacing, info.batch_size), *options), 0


for _each in (distance_transform, flip_sizes, object_size):
    _map_masks(_each)


# ------------------------------------------------------------------------------------------------ the loss


@_operator("draw_seeds", tags=(torch.Tag.nondeterministic_seeded,))
def draw_seeds(like: torch.Tensor) -> torch.Tensor:
    """As many seeds from torch's own generator, the same as without compilation."""
    return _draw_seeds(len(like), None, like.device)


@draw_seeds.register_fake
def _(like: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(like)


@_operator("masks_from_seed")
def masks_from_seed(logits: torch.Tensor, seed: torch.Tensor) -> torch.Tensor:
    """See `chdt.sample_masks`."""
    return _masks_from_seed(logits, seed)


@masks_from_seed.register_fake
def _(logits: torch.Tensor, seed: torch.Tensor) -> torch.Tensor:
    return logits.new_empty(logits.shape)


@_operator("sampled_derivative")
def sampled_derivative(
    logits: torch.Tensor,
    seeds: torch.Tensor,
    losses: torch.Tensor,
    left_out: torch.Tensor | None,
    spatial_dims: int,
    spacing: Sequence[float] | None = None,
    black_border: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """See `chdt.cpu.derivative.sampled_derivative`; its gradient is in `chdt.autograd`."""
    return _sampled_derivative(logits, seeds, losses, left_out, spatial_dims, _steps(spacing), black_border)


@_operator("given_derivative")
def given_derivative(
    samples: torch.Tensor,
    losses: torch.Tensor,
    spatial_dims: int,
    spacing: Sequence[float] | None = None,
    black_border: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """See `chdt.cpu.derivative.given_derivative`."""
    return _given_derivative(samples, losses, spatial_dims, _steps(spacing), black_border)


@sampled_derivative.register_fake
def _(
    logits: torch.Tensor,
    seeds: torch.Tensor,
    losses: torch.Tensor,
    left_out: torch.Tensor | None,
    spatial_dims: int,
    spacing: Sequence[float] | None = None,
    black_border: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    return losses.new_empty(losses.shape[:-1]), losses.new_empty(logits.shape)


@given_derivative.register_fake
def _(
    samples: torch.Tensor,
    losses: torch.Tensor,
    spatial_dims: int,
    spacing: Sequence[float] | None = None,
    black_border: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    return losses.new_empty(losses.shape[:-1]), losses.new_empty(samples.shape)


def sizes_there(shape: Shape, spacing: AllSteps, like: torch.Tensor) -> torch.Tensor:
    """Every size there is with a spacing, as `sizes_of_ranks` has them, in the dtype and on the device of ``like``."""
    if is_on_gpu(like):
        (sizes,) = lists_on(like.device, _sizes_listed, shape, spacing)
        return sizes.to(like.dtype, copy=True)  # as operators give nothing that they keep
    return torch.from_numpy(sizes_of_ranks(shape, spacing)).to(like.device, like.dtype)


def _sizes_listed(shape: Shape, spacing: AllSteps) -> list[npt.NDArray[Any]]:
    return [sizes_of_ranks(shape, spacing)]


@_operator("attainable_sizes")
def attainable_sizes(like: torch.Tensor, shape: Sequence[int], spacing: Sequence[float]) -> torch.Tensor:
    """See `sizes_there`."""
    return sizes_there(Shape(*shape), tuple(spacing), like)


@attainable_sizes.register_fake
def _(like: torch.Tensor, shape: Sequence[int], spacing: Sequence[float]) -> torch.Tensor:
    grid = Shape(*(int(side) for side in shape))
    return like.new_empty(sizes_of_ranks(grid, tuple(float(number) for number in spacing)).shape)


@attainable_sizes.register_vmap
def _(info: Any, in_dims: tuple[int | None, ...], like: torch.Tensor, shape: Any, spacing: Any) -> Any:
    return attainable_sizes(like, shape, spacing), None


@_operator("check_values")
def check_values(sizes: torch.Tensor, weight: torch.Tensor | None, largest: float) -> torch.Tensor:
    """See `chdt.checks.values.check_values`."""
    refuse_bad_values(sizes, weight, largest)
    return sizes.clone()


@check_values.register_fake
def _(sizes: torch.Tensor, weight: torch.Tensor | None, largest: float) -> torch.Tensor:
    return torch.empty_like(sizes)


def _map_by_slices(operator: Any) -> None:
    """One call for each slice, with the seeds that it is given."""

    @operator.register_vmap
    def rule(info: Any, in_dims: tuple[int | None, ...], *args: Any) -> Any:
        def slice_of(i: int) -> list[Any]:
            pairs = zip(args, in_dims, strict=True)
            return [x.select(dim, i) if isinstance(dim, int) else x for x, dim in pairs]  # of a list, dim is a list

        answers = [operator(*slice_of(i)) for i in range(info.batch_size)]
        if isinstance(answers[0], tuple):
            return tuple(torch.stack(parts) for parts in zip(*answers, strict=True)), (0,) * len(answers[0])
        return torch.stack(answers), 0


for _each in (masks_from_seed, sampled_derivative, given_derivative, check_values):
    _map_by_slices(_each)


# ------------------------------------------------------------------------------------------------ thresholds


@_operator("weakest_pixels")
def weakest_pixels(
    logits: torch.Tensor, ranks: torch.Tensor, spatial_dims: int, spacing: Sequence[float] | None, black_border: bool
) -> torch.Tensor:
    """See `chdt.threshold_of_size`."""
    return weakest_pixels_of_ranks(logits, ranks, spatial_dims, _steps(spacing), black_border)


@weakest_pixels.register_fake
def _(
    logits: torch.Tensor, ranks: torch.Tensor, spatial_dims: int, spacing: Sequence[float] | None, black_border: bool
) -> torch.Tensor:
    return logits.new_empty(ranks.shape, dtype=torch.int64)


@_operator("mask_of_size")
def mask_of_size(
    logits: torch.Tensor, ranks: torch.Tensor, spatial_dims: int, spacing: Sequence[float] | None, black_border: bool
) -> torch.Tensor:
    """See `chdt.mask_of_size`."""
    return masks_of_ranks(logits, ranks, spatial_dims, _steps(spacing), black_border)


@mask_of_size.register_fake
def _(
    logits: torch.Tensor, ranks: torch.Tensor, spatial_dims: int, spacing: Sequence[float] | None, black_border: bool
) -> torch.Tensor:
    return logits.new_empty(logits.shape, dtype=torch.bool)


def _map_logits_and_ranks(operator: Any) -> None:
    """A mapped dim is one more batch dim of both."""

    @operator.register_vmap
    def rule(info: Any, in_dims: tuple[int | None, ...], *args: Any) -> Any:
        dims, spacing, black_border = args[2:]
        logits, ranks = (
            x.expand(info.batch_size, *x.shape) if dim is None else x.movedim(dim, 0)
            for x, dim in zip(args[:2], in_dims[:2], strict=True)
        )
        return operator(logits, ranks, dims, _for_each(spacing, info.batch_size), black_border), 0


for _each in (weakest_pixels, mask_of_size):
    _map_logits_and_ranks(_each)
