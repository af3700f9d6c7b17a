"""Public functions that send what is on the host to a device and bring answers back: ``pytest --device cuda``.

So every test of a public function is one of the device, too. ``--device interpreted`` leaves tensors where they are,
and has them take the way of GPUs, under Triton's interpreter.
"""

import functools
import importlib
import importlib.util
import os

import numpy as np
import torch

import chdt
from chdt.checks import devices
from chdt.checks.tracing import is_traced

NAMES = sorted(set(chdt.__all__) - {"ExpectedSizeLoss", "squared_error"})  # the class calls its function

OF_ARRAYS = {"distance_transform", "flip_sizes", "object_size"}  # the others refuse them

HOST = torch.device("cpu")


def reason_to_skip(device):
    """Why tests cannot run there, None where they can."""
    if device == "interpreted":
        return None if importlib.util.find_spec("triton") else "Triton is not installed"
    return None if torch.cuda.is_available() else "there is no such device"


def install(device):
    """Replace the public functions, before any test imports them."""
    if device == "interpreted":
        os.environ["TRITON_INTERPRET"] = "1"  # read when a kernel is decorated
        devices.GPUS.add("cpu")
        device = HOST
    for name in NAMES:
        function = getattr(chdt, name)
        wrapped = sent_to(function, torch.device(device))
        setattr(chdt, name, wrapped)
        setattr(importlib.import_module(function.__module__), name, wrapped)


def sent_to(function, device):
    """The function, computed there for arrays and for tensors in host memory."""

    @functools.wraps(function)
    def call(*args, **options):
        given = [*args, *options.values()]
        from_host = any(isinstance(x, np.ndarray) for x in given)
        if any(map(is_traced, given)) or (from_host and function.__name__ not in OF_ARRAYS):
            return function(*args, **options)
        out = options.pop("out", None)
        if out is not None:  # checks of memory are those of the host
            expected = function(*args, **options, out=out)
        there = {name: x if name == "spacing" else moved(x, device) for name, x in options.items()}
        answers = function(*(moved(x, device) for x in args), **there)
        if out is not None:
            np.testing.assert_array_equal(brought(answers, True), brought(torch.as_tensor(expected), True))
            return expected
        many = isinstance(answers, tuple)
        back = tuple(brought(answer, from_host) for answer in (answers if many else (answers,)))
        return back if many else back[0]

    return call


def moved(given, device):
    """What the device gets in place of what was given; what is no array of numbers stays as it is."""
    if isinstance(given, torch.Tensor):
        return given.to(device) if given.device == HOST and given.layout == torch.strided else given
    if type(given) is not np.ndarray or given.dtype.kind not in "bif" or given.itemsize > 8:
        return given
    return torch.from_numpy(np.array(given, given.dtype.newbyteorder("="), order="C")).to(device)


def brought(answer, to_array):
    """An answer in host memory, as an array where arrays were given."""
    if not isinstance(answer, torch.Tensor):
        return answer
    return answer.numpy(force=True)[()] if to_array else answer.to(HOST)
