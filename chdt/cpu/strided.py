"""Masks and answers with strides: read and written on all threads, whatever the order in memory."""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.dtypes import WORD_OF_SIZE
from chdt.cpu.kernels.lanes import BLOCK, Numbers
from chdt.cpu.kernels.packing import WORD_BITS, Words, pack, packed_words
from chdt.cpu.kernels.reordering import STAGED_VALUES, copy_strided, pack_strided, reorder_bits
from chdt.cpu.memory import reused
from chdt.cpu.threads import share

USUAL_BYTES = 4  # of a pixel whose packing costs 1; the cost of others is proportional to their bytes

GATHER_EFFORT = 2  # of a value with strides, how many times what packing takes

REORDER_EFFORT = 0.5  # of a bit


class Axis(NamedTuple):
    """One axis of an array, or several that follow each other in memory."""

    length: int
    step: int  # values of memory, or bits, from one to the next
    target_step: int = 0  # bits, in reading order


def _joined(axes: list[Axis]) -> list[Axis]:
    """The same with as few axes as possible: at least one, and none of a single value beside others."""
    joined: list[Axis] = []
    for axis in axes:
        if joined and joined[-1][1:] == (axis.length * axis.step, axis.length * axis.target_step):
            axis = Axis(joined.pop().length * axis.length, axis.step, axis.target_step)
        if axis.length > 1:
            joined.append(axis)
    return joined or [Axis(1, 1, 1)]


def _is_regular(values: npt.NDArray[Any]) -> bool:
    """Whether memory can be read as values, one after the other."""
    return values.flags.aligned and not any(stride % values.itemsize for stride in values.strides)


def _memory_of(values: npt.NDArray[Any], writeable: bool = False) -> tuple[Numbers, int, list[Axis]]:
    """All memory between the first and the last value of an array, where the array begins in it, and its axes."""
    axes = [Axis(n, stride // values.itemsize) for n, stride in zip(values.shape, values.strides, strict=True)]
    before = sum((axis.length - 1) * axis.step for axis in axes if axis.step < 0)
    size = sum((axis.length - 1) * abs(axis.step) for axis in axes) + 1
    lowest = values[tuple(slice(-1, None) if axis.step < 0 else slice(1) for axis in axes)]
    # Read-only even where the array is not, so that kernels are not compiled twice.
    memory = np.lib.stride_tricks.as_strided(lowest, (size,), (values.itemsize,), writeable=writeable)
    return memory, -before, axes


def pack_values(values: npt.NDArray[Any], foreground: Any, background: Any, bits: Words) -> bool:
    """`pack` an array of any strides in reading order; tell whether all values are valid."""
    memory, start, axes = _memory_of(values if _is_regular(values) else values.copy("K"))
    in_order = _joined(axes)
    nearest = min((axis for axis in in_order if axis.step != 0), key=lambda axis: abs(axis.step), default=in_order[-1])
    if abs(in_order[-1].step) <= abs(nearest.step):
        return _pack_in_order(memory, start, in_order, foreground, background, bits)
    # As it lies in memory, from low to high addresses.
    target_steps = [math.prod(axis.length for axis in in_order[index + 1 :]) for index in range(len(in_order))]
    lying = sorted(range(len(in_order)), key=lambda index: (in_order[index].step != 0, -abs(in_order[index].step)))
    as_it_lies = _joined([in_order[index]._replace(step=abs(in_order[index].step)) for index in lying])
    between = np.empty(packed_words(values.size), np.uint64)
    between[values.size // WORD_BITS :] = 0
    if not _pack_in_order(memory, 0, as_it_lies, foreground, background, between):
        return False
    steps = {index: math.prod(in_order[other].length for other in lying[at + 1 :]) for at, index in enumerate(lying)}
    bits[:] = 0
    _reorder(
        between,
        [
            Axis(axis.length, steps[index] * (1 if axis.step >= 0 else -1), target_steps[index])
            for index, axis in enumerate(in_order)
        ],
        bits,
    )
    return True


def _pack_in_order(
    memory: Numbers, start: int, axes: list[Axis], foreground: Any, background: Any, bits: Words
) -> bool:
    """`pack` values in the order of the axes; tell whether all are valid."""
    size = math.prod(axis.length for axis in axes)
    invalid: list[int] = []
    if len(axes) == 1 and axes[0].step == 1:

        def work(first: int, last: int) -> None:
            here = memory[start + first * WORD_BITS : start + min(size, last * WORD_BITS)]
            if pack(here, foreground, background, bits, first * WORD_BITS) >= 0:
                invalid.append(first)

        effort = 1
    else:
        lengths, steps = (np.array(numbers, np.int64) for numbers in list(zip(*axes, strict=True))[:2])

        def work(first: int, last: int) -> None:
            staged, place = reused(np.empty, STAGED_VALUES + BLOCK, memory.dtype), np.empty(len(axes), np.int64)
            count = min(size, last * WORD_BITS) - first * WORD_BITS
            if not pack_strided(
                memory, start, lengths, steps, first * WORD_BITS, foreground, background, staged, place, bits, count
            ):
                invalid.append(first)

        effort = GATHER_EFFORT
    share(work, -(-size // WORD_BITS), max(1, effort * WORD_BITS * memory.itemsize // USUAL_BYTES))
    return not invalid


def _reorder(source: Words, axes: list[Axis], target: Words) -> None:
    """Write bits from one order to another; ``axes`` are in that of the target."""
    start = -sum((axis.length - 1) * axis.step for axis in axes if axis.step < 0)
    outer = axes[0]
    # No two threads write to the same word.
    together = WORD_BITS // math.gcd(WORD_BITS, outer.target_step)

    def work(first: int, last: int) -> None:
        here = [outer._replace(length=last - first), *axes[1:]]
        source_at, target_at = start + first * outer.step, first * outer.target_step
        nearest = next(index for index, axis in enumerate(here) if abs(axis.step) == 1)
        fast = here.pop(nearest)
        if fast.step < 0:  # from the last one on
            source_at += (fast.length - 1) * fast.step
            target_at += (fast.length - 1) * fast.target_step
            fast = fast._replace(step=1, target_step=-fast.target_step)
        lengths, source_steps, target_steps = (np.array(numbers, np.int64) for numbers in zip(*here, fast, strict=True))
        tile: Words = reused(np.empty, 72, np.uint64)
        reorder_bits(source, source_at, target, target_at, lengths, source_steps, target_steps, tile)

    share(work, outer.length, max(1, int(REORDER_EFFORT * outer.target_step)), together)


def copy_values(source: npt.NDArray[Any], target: npt.NDArray[Any]) -> None:
    """Copy a contiguous array into one of the same shape and dtype, and of any strides."""
    if not _is_regular(target) or source.size == 0:
        target[...] = source
        return
    words = source.reshape(-1).view(WORD_OF_SIZE[source.itemsize])
    memory, start, axes = _memory_of(target.view(words.dtype), writeable=True)
    # Here, steps are those in the target's memory, target steps those in reading order: the source's.
    whole = [math.prod(source.shape[index + 1 :]) for index in range(source.ndim)]
    axes = _joined([axis._replace(target_step=step) for axis, step in zip(axes, whole, strict=True)])
    outer = axes[0]

    def work(first: int, last: int) -> None:
        here = [outer._replace(length=last - first), *axes[1:]]
        source_at, target_at = first * outer.target_step, start + first * outer.step
        nearest = here.pop(min(range(len(here)), key=lambda index: abs(here[index].step)))
        lengths, steps, source_steps = zip(*here, nearest, strict=True)
        if nearest.target_step == 1:  # both in the same order, with gaps: NumPy copies such rows as fast as any
            _view(memory, target_at, lengths, steps)[...] = _view(words, source_at, lengths, source_steps)
        else:
            axes_of_both = (np.array(numbers, np.int64) for numbers in (lengths, source_steps, steps))
            copy_strided(words, source_at, memory, target_at, *axes_of_both)

    share(work, outer.length, outer.target_step)


def _view(memory: Numbers, start: int, lengths: tuple[int, ...], steps: tuple[int, ...]) -> npt.NDArray[Any]:
    """Values of memory, from ``start`` on, as an array with these axes."""
    strides = tuple(step * memory.itemsize for step in steps)
    return np.lib.stride_tricks.as_strided(memory[start:], lengths, strides, writeable=memory.flags.writeable)
