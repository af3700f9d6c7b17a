"""The memory that kernels work in, handed on from call to call: getting new memory takes as long as a small image."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

T = TypeVar("T")

MOST_KEPT_BYTES = 1 << 23
"""Bytes of one kind of memory that is kept. Larger memory is for images that take much longer than getting it.

With a spacing, all erosions of a volume of 64³ take 4 MB: made anew each time, the loss of it took 1.6 instead of 1.3
times as long as without a spacing.
"""

MOST_KINDS = 8
"""Kinds of memory that a thread keeps: more would hold memory of shapes that may not come again, fewer make it anew."""


class _Shelf(threading.local):
    """The memory that a thread keeps, by how it was made."""

    def __init__(self) -> None:
        self.memory: dict[Any, Any] = {}


_shelf = _Shelf()

_spare: list[dict[Any, Any]] = []  # the memory of threads that have ended, for those of later calls


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
    """``make(*key)``: arrays in nested tuples for a kernel to work in, made once a thread and kept for its next call.

    Where calls may be short, ``make`` is `without_names`, and what makes the memory is part of ``key``.
    A kernel may rely on what ``make`` writes and kernels never change, as the patterns of planes, and on nothing else
    in it. Memory above MOST_KEPT_BYTES is not kept.
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


def without_names(make: Callable[..., Any], *arguments: Any) -> Any:
    """``make(*arguments)`` in plain tuples, all the way down: the same to a kernel, and handed over sooner.

    At each call, Numba spells out the names of all fields of a named tuple. With names, distances of 32 slices took 1.1
    times as long, on one core with AVX-512. In Python, nothing in it can be called by its name any more.
    """
    made = make(*arguments)
    return made if numba.config.DISABLE_JIT else _plain(made)


def _plain(memory: Any) -> Any:
    return tuple(map(_plain, memory)) if isinstance(memory, tuple) else memory


def _bytes(memory: Any) -> int:
    if isinstance(memory, tuple):
        return sum(map(_bytes, memory))
    return memory.nbytes if isinstance(memory, np.ndarray) else 0
