"""Threads that meet in a kernel: they share out the stages of one image and wait for each other, without the GIL.

To wake a sleeping thread up, or to hand it the GIL, takes about 0.1 ms on some machines, as long as such a stage.
"""

import threading
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types

from chdt.cpu.kernels.jit import helper
from chdt.cpu.kernels.lanes import WIDEST, emitted

Progress = npt.NDArray[np.int64]  # what threads tell each other: items begun and items done, of each stage

ITEMS_BEGUN, ITEMS_DONE, STAGE = 0, WIDEST // 8, 2 * WIDEST // 8  # numbers; each in a cache line of its own

LOOKS_WHILE_WAITING = 1 << 18  # some tenths of a millisecond

_without_jit = threading.Lock()


# ------------------------------------------------------------------------------------------------ one step each


def _emit_change(operation: str) -> Any:
    def emitter(typing: Any, numbers: Any, index: Any, number: Any) -> Any:
        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            where = builder.gep(context.make_array(sig.args[0])(context, builder, args[0]).data, [args[1]])
            return builder.atomic_rmw(operation, where, args[2], "acq_rel")

        return types.int64(numbers, types.intp, types.int64), emit

    return emitter


@emitted(_emit_change("add"))
def add_at_once(numbers: Any, index: Any, number: Any) -> Any:
    """Add to a number; give what it was before. No other thread comes between."""
    with _without_jit:
        before = numbers[index]
        numbers[index] += number
        return before


@emitted(_emit_change("max"))
def raise_at_once(numbers: Any, index: Any, number: Any) -> Any:
    """Raise a number to at least another one; give what it was before."""
    with _without_jit:
        before = numbers[index]
        numbers[index] = max(before, number)
        return before


def _emit_read(typing: Any, numbers: Any, index: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        where = builder.gep(context.make_array(sig.args[0])(context, builder, args[0]).data, [args[1]])
        return builder.load_atomic(where, "acquire", 8)

    return types.int64(numbers, types.intp), emit


@emitted(_emit_read)
def read_anew(numbers: Any, index: Any) -> Any:
    """A number that another thread may just have written; what it wrote before that can be seen, too."""
    return numbers[index]


# ------------------------------------------------------------------------------------------------ stages


@helper
def begin(progress: Progress, stage: int, items: int) -> int:
    """The first of so many items of a stage, for this thread alone; there may be fewer or none."""
    first: int = add_at_once(progress, stage * STAGE + ITEMS_BEGUN, items)
    return first


@helper
def finish(progress: Progress, stage: int, items: int) -> None:
    """So many items of a stage are done."""
    add_at_once(progress, stage * STAGE + ITEMS_DONE, items)


@helper
def is_done(progress: Progress, stage: int, items: int) -> bool:
    """Wait until so many items of a stage are done, but not for long; give whether they are."""
    done: int = read_anew(progress, stage * STAGE + ITEMS_DONE)
    looks = 1
    while done < items and looks < LOOKS_WHILE_WAITING:
        done = read_anew(progress, stage * STAGE + ITEMS_DONE)
        looks += 1
    return done >= items
