"""Which wing does a batch: that of the device where its tensor is, and the host's for everything else."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import torch

from chdt.checks.devices import is_on_gpu
from chdt.checks.ranks import AXES, is_spaced
from chdt.checks.shape import AllSteps
from chdt.cpu import derivative, draws, overlaps, per_pixel, sizes, thresholds
from chdt.gpu.available import reason_against

F = TypeVar("F", bound=Callable[..., Any])


@functools.cache
def _gpu_rooms() -> dict[str, Any]:
    """The rooms of the GPUs' wing, which import Triton."""
    from chdt.gpu import derivative, draws, overlaps, per_pixel, sizes, thresholds

    rooms = derivative, draws, overlaps, per_pixel, sizes, thresholds
    return {room.__name__.removeprefix("chdt.gpu."): room for room in rooms}


def by_device(host: F, masks_at: int = 0, unless: Callable[..., bool] = lambda *_: False) -> F:
    """The host's function, or that of the same name in the GPUs' wing where the argument at this place is on one.

    What only the host can do goes there in any case: ``unless`` tells by the arguments.
    """
    room = host.__module__.removeprefix("chdt.cpu.")

    @functools.wraps(host)
    def call(*args: Any) -> Any:
        masks = args[masks_at]
        if not is_on_gpu(masks) or reason_against(masks.device) is not None or unless(*args):
            return host(*args)
        function = getattr(_gpu_rooms()[room], host.__name__)
        with torch.cuda.device_of(masks):  # type: ignore[no-untyped-call]
            return function(*args)

    return call  # type: ignore[return-value]


def _has_many_spacings(*args: Any) -> bool:
    """Whether each image has a spacing of its own."""
    return any(isinstance(argument, tuple) and len(argument) > AXES for argument in args)


def _is_spaced(logits: Any, ranks: Any, spatial_dims: int, spacing: AllSteps | None, *_: Any) -> bool:
    return spacing is not None and (len(spacing) > AXES or is_spaced(spacing))


answers_of = by_device(per_pixel.answers_of, 1, _has_many_spacings)
given_derivative = by_device(derivative.given_derivative, 0, _has_many_spacings)
masks_from_seed = by_device(draws.masks_from_seed)
masks_of_ranks = by_device(thresholds.masks_of_ranks, 0, _is_spaced)
overlaps_of = by_device(overlaps.overlaps_of)
sampled_derivative = by_device(derivative.sampled_derivative, 0, _has_many_spacings)
sizes_of_masks = by_device(sizes.sizes_of_masks, 0, _has_many_spacings)
weakest_pixels_of_ranks = by_device(thresholds.weakest_pixels_of_ranks, 0, _is_spaced)
