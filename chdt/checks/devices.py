"""What is on a GPU, and how the little that is not gets there: nothing here waits for the device."""

import torch

GPUS = {"cuda"}  # AMD's, too, are called that

HOST_IN_GRAPH = (
    "{} on the host cannot be part of a CUDA graph: each replay would use the same. Make a tensor on {} before the "
    "capture, and copy what is new into it before each replay"
)


def is_on_gpu(tensor: object) -> bool:
    """Whether this is a tensor whose values cannot be read without waiting for its device."""
    return isinstance(tensor, torch.Tensor) and tensor.is_cuda


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
