"""Answers on their way to memory: gathered nearby, then written in whole cache lines, past the caches if they are many.

Kernels find answers in reading order, but in vectors that begin anywhere and may hold more than is wanted of them. A
*write buffer* takes one such vector after the other, each over the surplus of the one before.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.cpu.kernels.jit import helper, outlined
from chdt.cpu.kernels.lanes import (
    BLOCK,
    Numbers,
    Vector,
    address_of,
    aligned,
    fill,
    lane,
    load_pixels,
    store,
    stream,
    widened,
)


@helper
def write_number(answers: Numbers, begin: int, end: int, number: int) -> None:
    """Write a number from ``begin`` to before ``end``."""
    if end - begin < BLOCK:
        for at in range(begin, end):
            answers[at] = number
        return
    numbers = fill(number, answers[0])
    for at in range(begin, end - BLOCK, BLOCK):
        store(answers, at, numbers)
    store(answers, end - BLOCK, numbers)


@helper
def store_ahead(answers: Numbers, at: int, lanes: Vector) -> None:
    """Write 64 answers, of which those that are not wanted are written again later; none behind the end."""
    if at + BLOCK <= answers.size:
        store(answers, at, widened(lanes, answers[0]))
    else:
        _store_last(answers, at, lanes)


@outlined
def _store_last(answers: Numbers, at: int, lanes: Vector) -> None:
    for x in range(answers.size - at):
        answers[at + x] = lane(lanes, x)


GATHERED = 1024  # answers, before they are written


class WriteBuffer(NamedTuple):
    """What a thread gathers answers in."""

    numbers: npt.NDArray[Any]
    past_caches: bool


def write_buffer(
    lanes: type[np.unsignedinteger[Any]], past_caches: bool, count: int = GATHERED + 3 * BLOCK
) -> WriteBuffer:
    """A write buffer for one thread; `gather` needs no more room than by default."""
    return WriteBuffer(aligned(count, 0, lanes), past_caches)


@helper
def lanes_before_line(answers: Numbers, at: int) -> int:
    """How many answers from ``at`` on come before one whose vector begins with a cache line."""
    return -(address_of(answers) // answers.itemsize + at) % BLOCK  # type: ignore[no-any-return]


@helper
def write(answers: Numbers, at: int, lanes: Vector, past_caches: bool) -> None:
    """Write 64 answers, past the caches only where a cache line begins."""
    if past_caches:
        stream(answers, at, lanes)
    else:
        store(answers, at, lanes)


@helper
def gather(buffer: WriteBuffer, gathered: int, lanes: Vector, count: int, answers: Numbers, at: int) -> tuple[int, int]:
    """Take the first ``count`` lanes behind the answers that are gathered, of which the first belongs at ``at``.

    Give where the first one of those that are gathered then belongs, and how many they are.
    """
    store(buffer.numbers, gathered, lanes)
    gathered += count
    if gathered < GATHERED:
        return at, gathered
    written = GATHERED - BLOCK + lanes_before_line(answers, at)  # so what follows is aligned
    write_gathered(buffer, written, answers, at)
    store(buffer.numbers, 0, load_pixels(buffer.numbers, written))
    store(buffer.numbers, BLOCK, load_pixels(buffer.numbers, written + BLOCK))
    return at + written, gathered - written


@helper
def write_gathered(buffer: WriteBuffer, count: int, answers: Numbers, at: int) -> None:
    """Write the first ``count`` of the answers that are gathered."""
    begin = min(count, lanes_before_line(answers, at))
    end = begin + (count - begin) // BLOCK * BLOCK
    for x in range(begin):
        answers[at + x] = buffer.numbers[x]
    for x in range(begin, end, BLOCK):
        write(answers, at + x, load_pixels(buffer.numbers, x), buffer.past_caches)
    for x in range(end, count):
        answers[at + x] = buffer.numbers[x]
