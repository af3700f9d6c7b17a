"""Whether this wing can be used for what is on a device, and if not, why: then it goes by way of the host."""

import functools
import importlib.util

import torch

from chdt.checks.devices import GPUS

LEAST_CAPABILITY = (7, 0)  # of NVIDIA's GPUs, for Triton


def reason_against(device: torch.device) -> str | None:
    """Why this wing cannot be used there, None where it can."""
    if device.type not in GPUS:
        return f"there are kernels for GPUs of NVIDIA and AMD, and not for {device.type}"
    return _reason_against_gpu(device)


@functools.cache
def _reason_against_gpu(device: torch.device) -> str | None:
    if importlib.util.find_spec("triton") is None:
        return "Triton is not installed: torch for CUDA and ROCm brings it on Linux"
    if device.type == "cuda" and torch.version.hip is None:
        capability = torch.cuda.get_device_capability(device)
        if capability < LEAST_CAPABILITY:
            return f"Triton needs compute capability 7.0, and {device} has {'.'.join(map(str, capability))}"
    return None
