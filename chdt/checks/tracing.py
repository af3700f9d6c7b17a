"""Whether torch only traces a call: then there are no values to look at."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar, TypeVarTuple

import torch
from torch._C._functorch import (
    TransformType,
    get_interpreter_stack,
    get_unwrapped,
    is_functorch_wrapped_tensor,
    maybe_get_level,
)
from torch._compile import _disable_dynamo
from torch._subclasses import FakeTensor
from torch._subclasses.functional_tensor import FunctionalTensor


def is_traced(masks: object) -> bool:
    """Whether this is a tensor without values of its own, while torch compiles, exports or transforms a function.

    The operators of operators.py are for these; for any other tensor they would only cost time.
    """
    return isinstance(masks, torch.Tensor) and (torch.compiler.is_compiling() or has_no_values(masks))


def has_no_values(masks: object) -> bool:
    """Whether this is a tensor that stands for others."""
    if type(masks) is torch.Tensor:  # mostly: one question less
        return is_functorch_wrapped_tensor(masks)
    return isinstance(masks, torch.Tensor) and (is_functorch_wrapped_tensor(masks) or isinstance(masks, WITHOUT_VALUES))


def has_tangent(tensor: torch.Tensor) -> bool:
    """Whether `torch.func` differentiates with respect to this tensor in forward mode, as it does for Hessians."""
    forward = [level.level() for level in get_interpreter_stack() or () if level.key() == TransformType.Jvp]
    while forward and is_functorch_wrapped_tensor(tensor):
        if maybe_get_level(tensor) in forward:
            return True
        tensor = get_unwrapped(tensor)
    return False


WITHOUT_VALUES = (FakeTensor, FunctionalTensor)

Ts = TypeVarTuple("Ts")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def apart_from_graphs(function: Callable[[*Ts], T]) -> Callable[[*Ts], T]:
    """Have torch's compiler break its graph where this function is called, and leave alone what is in it.

    For what is no operator. The compiler must not see Numba at work: its traces of that would stay in Numba for good.
    """
    apart: Callable[[*Ts], T] = _disable_dynamo(function)  # which imports the compiler when it is needed

    @functools.wraps(function)
    def call(*args: *Ts) -> T:
        return apart(*args) if torch.compiler.is_compiling() else function(*args)

    return call


UNSUPPORTED = "chdt works neither with torch.jit.trace nor with torch.jit.script: use torch.compile or torch.export"


def unscriptable(function: F) -> F:
    """Have torch.jit.script refuse a public function in one sentence."""
    function.__dict__["__script_unsupported"] = UNSUPPORTED
    return function
