"""What is on a GPU, and how the little that is not gets there: nothing here waits for the device."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy.typing as npt
import torch

GPUS = {"cuda"}  # AMD's, too, are called that

HOST_IN_GRAPH = (
    "{} on the host cannot be part of a CUDA graph: each replay would use the same. Make a tensor on {} before the "
    "capture, and copy what is new into it before each replay"
)

NEW_IN_GRAPH = (
    "a spacing that was not used before, for this grid, cannot become part of a CUDA graph, as its lists have to be "
    "sent to {}: call the function once before the capture"
)


def is_on_gpu(tensor: object) -> bool:
    """Whether this is a tensor whose values cannot be read without waiting for its device."""
    return isinstance(tensor, torch.Tensor) and tensor.device.type in GPUS


def sent(tensor: torch.Tensor, device: torch.device, name: str) -> torch.Tensor:
    """The tensor on this device, where it may be on its way still, as work on the device waits for it."""
    if tensor.device == device:
        return tensor
    if device.type not in GPUS:
        return tensor.to(device)
    if not torch.compiler.is_compiling():
        if is_captured(device):
            raise RuntimeError(HOST_IN_GRAPH.format(name, device))
        if tensor.is_pinned():  # would be read later, after the caller may have filled it anew
            tensor = tensor.clone()
    return tensor.to(device, non_blocking=True)


def is_captured(device: torch.device) -> bool:
    """Whether work on this device is being recorded, for a CUDA graph, and not done."""
    return device.type == "cuda" and torch.cuda.is_current_stream_capturing()


class _Lists(NamedTuple):
    """What was sent to a device, to stay there."""

    tensors: tuple[torch.Tensor, ...]
    arrived: torch.cuda.Event | None


_of_graphs: dict[int, _Lists] = {}  # what CUDA graphs read in every replay must stay where it is


def lists_on(
    device: torch.device, make: Callable[..., Sequence[npt.NDArray[Any]]], *args: Any
) -> tuple[torch.Tensor, ...]:
    """The arrays that ``make`` gives for these arguments, on a device: sent once, and kept for calls like this one."""
    lists = _sent_lists(device, make, *args)
    if is_captured(device):
        _of_graphs[id(lists)] = lists
    elif lists.arrived is not None:
        stream = torch.cuda.current_stream(device)
        stream.wait_event(lists.arrived)  # the device waits, not the host
        for tensor in lists.tensors:  # what is given up may still be read by what waits on this stream
            tensor.record_stream(stream)
    return lists.tensors


@functools.lru_cache(maxsize=16)
def _sent_lists(device: torch.device, make: Callable[..., Sequence[npt.NDArray[Any]]], *args: Any) -> _Lists:
    if is_captured(device):
        raise RuntimeError(NEW_IN_GRAPH.format(device))
    tensors = tuple(torch.from_numpy(array).to(device, non_blocking=device.type in GPUS) for array in make(*args))
    if device.type != "cuda":
        return _Lists(tensors, None)
    arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
    arrived.record(torch.cuda.current_stream(device))
    return _Lists(tensors, arrived)
