"""Answers on their way to memory: gathered nearby, then written in whole cache lines, past the caches if they are many.

Kernels find answers in reading order, but in vectors that begin anywhere and may hold more than is wanted of them. A
*raster* takes one such vector after the other, each over the surplus of the one before.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.jit import helper
from chdt.lanes import PIXELS, Numbers, Vector, address_of, aligned, load_pixels, store, stream
from chdt.parallel import kept

GATHERED = 1024  # answers, before they are written
STREAMED = 1 << 25  # bytes of answers that are written past the caches, which would not hold them anyway


class Raster(NamedTuple):
    """What a thread gathers answers in."""

    numbers: npt.NDArray[Any]
    past_caches: bool


def raster_memory(lanes: type[np.unsignedinteger[Any]], count: int) -> npt.NDArray[Any]:
    """Memory for so many answers."""
    return aligned(count, 0, lanes)  # type: ignore[no-any-return]


def is_streamed(answers: Numbers) -> bool:
    """Whether all of these answers are written past the caches."""
    return answers.nbytes >= STREAMED and answers.ctypes.data % answers.itemsize == 0


def raster_for(lanes: type[np.unsignedinteger[Any]], past_caches: bool, count: int = GATHERED + 3 * PIXELS) -> Raster:
    """A raster for a thread; `gather` needs no more room than by default."""
    return Raster(kept(raster_memory, lanes, count), past_caches)


@helper
def lanes_before_line(answers: Numbers, at: int) -> int:
    """How many answers from ``at`` on come before one whose vector begins with a cache line."""
    return -(address_of(answers) // answers.itemsize + at) % PIXELS  # type: ignore[no-any-return]


@helper
def write(answers: Numbers, at: int, lanes: Vector, past_caches: bool) -> None:
    """Write 64 answers, past the caches only where a cache line begins."""
    if past_caches:
        stream(answers, at, lanes)
    else:
        store(answers, at, lanes)


@helper
def gather(raster: Raster, gathered: int, lanes: Vector, count: int, answers: Numbers, at: int) -> tuple[int, int]:
    """Take the first ``count`` lanes behind the answers that are gathered, of which the first belongs at ``at``.

    Give where the first one of those that are gathered then belongs, and how many they are.
    """
    store(raster.numbers, gathered, lanes)
    gathered += count
    if gathered < GATHERED:
        return at, gathered
    written = GATHERED - PIXELS + lanes_before_line(answers, at)  # so what follows is aligned
    write_gathered(raster, written, answers, at)
    store(raster.numbers, 0, load_pixels(raster.numbers, written))
    store(raster.numbers, PIXELS, load_pixels(raster.numbers, written + PIXELS))
    return at + written, gathered - written


@helper
def write_gathered(raster: Raster, count: int, answers: Numbers, at: int) -> None:
    """Write the first ``count`` of the answers that are gathered."""
    begin = min(count, lanes_before_line(answers, at))
    end = begin + (count - begin) // PIXELS * PIXELS
    for x in range(begin):
        answers[at + x] = raster.numbers[x]
    for x in range(begin, end, PIXELS):
        write(answers, at + x, load_pixels(raster.numbers, x), raster.past_caches)
    for x in range(end, count):
        answers[at + x] = raster.numbers[x]
