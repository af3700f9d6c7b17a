"""The memory that kernels work in, handed on from call to call: getting new memory takes as long as a small image."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

T = TypeVar("T")

MOST_KEPT_BYTES = 1 << 22  # bytes

MOST_KINDS = 8


class _Shelf(threading.local):
    def __init__(self) -> None:
        self.memory: dict[Any, Any] = {}


_shelf = _Shelf()

_spare: list[dict[Any, Any]] = []  # what threads worked in that have ended, for those of later calls


def take_shelf() -> None:
    """Let this thread work in what an earlier one has handed on."""
    with contextlib.suppress(IndexError, MemoryError):
        _shelf.memory = _spare.pop()


def hand_on_shelf() -> None:
    """Hand on what this thread worked in, as it ends."""
    with contextlib.suppress(MemoryError):  # the work is done: no reason to fail
        _spare.append(_shelf.memory)
        _shelf.memory = {}
        del _spare[numba.config.NUMBA_NUM_THREADS :]  # looking first would let two threads append at once


def reused(make: Callable[..., T], *key: Any) -> T:
    """``make(*key)``, or what it gave before to this thread, or to one of an earlier call.

    For the memory that a kernel works in, arrays in nested tuples: making it takes as long as a small image. Nothing
    that a kernel leaves there may matter to the next one. Only little memory is kept.
    """
    if numba.config.DISABLE_JIT:  # then a kernel may be interrupted halfway, and another one called before it goes on
        return make(*key)
    memory = _shelf.memory.get((make, key))
    if memory is None:
        memory = make(*key)
        if _bytes(memory) <= MOST_KEPT_BYTES:
            if len(_shelf.memory) >= MOST_KINDS:
                _shelf.memory.clear()
            _shelf.memory[make, key] = memory
    return memory


def _bytes(memory: Any) -> int:
    if isinstance(memory, tuple):
        return sum(map(_bytes, memory))
    return memory.nbytes if isinstance(memory, np.ndarray) else 0
