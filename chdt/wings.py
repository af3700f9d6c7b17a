"""Which wing does a batch: that of the device where its tensor is, and the host's for everything else."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import torch

from chdt.checks.devices import is_on_gpu
from chdt.cpu import derivative, draws, overlaps, per_pixel, sizes, thresholds
from chdt.gpu.available import reason_against

F = TypeVar("F", bound=Callable[..., Any])


@functools.cache
def _gpu_rooms() -> dict[str, Any]:
    """The rooms of the GPUs' wing, which import Triton."""
    from chdt.gpu import derivative, draws, overlaps, per_pixel, sizes, thresholds

    rooms = derivative, draws, overlaps, per_pixel, sizes, thresholds
    return {room.__name__.removeprefix("chdt.gpu."): room for room in rooms}


def by_device(host: F, masks_at: int = 0) -> F:
    """The host's function, or that of the same name in the GPUs' wing where the argument at this place is on one."""
    room = host.__module__.removeprefix("chdt.cpu.")

    @functools.wraps(host)
    def call(*args: Any) -> Any:
        masks = args[masks_at]
        if not is_on_gpu(masks) or reason_against(masks.device) is not None:
            return host(*args)
        function = getattr(_gpu_rooms()[room], host.__name__)
        with torch.cuda.device_of(masks):  # type: ignore[no-untyped-call]
            return function(*args)

    return call  # type: ignore[return-value]


answers_of = by_device(per_pixel.answers_of, 1)
given_derivative = by_device(derivative.given_derivative)
masks_from_seed = by_device(draws.masks_from_seed)
masks_of_ranks = by_device(thresholds.masks_of_ranks)
overlaps_of = by_device(overlaps.overlaps_of)
sampled_derivative = by_device(derivative.sampled_derivative)
sizes_of_masks = by_device(sizes.sizes_of_masks)
weakest_pixels_of_ranks = by_device(thresholds.weakest_pixels_of_ranks)
