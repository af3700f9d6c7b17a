"""The same call in both wings."""

import contextlib

import pytest
import torch

pytest.importorskip("triton", reason="Triton runs the kernels of GPUs, or interprets them")

from chdt.checks import devices

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")

needs_gpu = pytest.mark.skipif(DEVICE.type == "cpu", reason="no GPU here")


@contextlib.contextmanager
def on_gpu():
    """Have tensors of the host taken for those of a GPU, where there is none."""
    before = set(devices.GPUS)
    devices.GPUS.add(DEVICE.type)
    try:
        yield
    finally:
        devices.GPUS.clear()
        devices.GPUS.update(before)


def there(value):
    """On the device, if it is a tensor."""
    return value.detach().to(DEVICE).requires_grad_(value.requires_grad) if isinstance(value, torch.Tensor) else value


def called_there(function, *args, **options):
    """The answer of the GPUs' wing, on the host."""
    with on_gpu():
        answer = function(*map(there, args), **{name: there(value) for name, value in options.items()})
    return tuple(part.cpu() for part in answer) if isinstance(answer, tuple) else answer.cpu()


def assert_same(function, *args, **options):
    """Both wings give the same bits; return the answer."""
    host = function(*args, **options)
    got = called_there(function, *args, **options)
    for expected, part in zip(*((x if isinstance(x, tuple) else (x,)) for x in (host, got)), strict=True):
        torch.testing.assert_close(part, expected, rtol=0, atol=0, equal_nan=True)
    return got
