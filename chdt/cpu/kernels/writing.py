"""Writing answers: gathered in a buffer, then written in whole cache lines, past the caches if they are many.

Kernels find answers in reading order, in vectors of which only the first lanes may be wanted. A *write buffer* takes
one vector after the other; each overwrites the lanes of the one before that are not wanted.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.cpu.kernels.jit import helper, kernel, outlined
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
    store_any,
    stream_any,
    widened,
)
from chdt.cpu.kernels.packing import Sides


@helper
def write_number(answers: Numbers, begin: int, end: int, number: int) -> None:
    """Write a number to answers begin..end - 1."""
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
    """Write 64 answers, or as many as there is room for; the caller overwrites later those that are not wanted."""
    if at + BLOCK <= answers.size:
        store(answers, at, widened(lanes, answers[0]))
    else:
        _store_last(answers, at, lanes)


@outlined
def _store_last(answers: Numbers, at: int, lanes: Vector) -> None:
    for x in range(answers.size - at):
        answers[at + x] = lane(lanes, x)


GATHERED = 1024
"""Answers that are gathered before they are written.

With more, fewer writes are cut at the ends; with fewer, more of the nearest cache is left for what is scanned. Not
measured.
"""


BUFFERED = GATHERED + 3 * BLOCK  # the room that `gather` needs


class Tables(NamedTuple):
    """With a spacing: what is written in place of each integer, the bits of float32 numbers."""

    single: npt.NDArray[np.uint32]  # one table or several, a row each
    pairs: npt.NDArray[np.uint64]  # of one table: what stands for two bytes that are read as one number; or empty


class Lengths(NamedTuple):
    """With a spacing: the tables, and memory for what they have for all gathered answers."""

    tables: Tables
    found: npt.NDArray[np.uint32]


PAIRED_MIN_ANSWERS = 16
"""Answers for each pair of numbers, from which on pairs are looked up, not single numbers: half as many loads.

distance_transform with a spacing, ms by pairs / one by one: 10 x 48x32, 3 answers a pair: 0.054 / 0.051, 50 x 48x32,
16: 0.091 / 0.097, 200 x 48x32, 63: 0.21 / 0.25, 64³, 23: 0.20 / 0.23, 4 x 64³, 92: 0.61 / 0.75; on one core.
"""

# Numbers of 1, 2, 4 or 8 bytes, a row of bytes each: a kernel that writes them is compiled once for all of these.
AnyNumbers = npt.NDArray[np.uint8]


class WriteBuffer(NamedTuple):
    """Where a thread gathers answers."""

    numbers: npt.NDArray[Any]
    past_caches: bool  # how they are written to memory
    lengths: Lengths | None


def write_buffer(
    lanes: type[np.unsignedinteger[Any]], past_caches: bool, count: int = BUFFERED, spaced: bool = False
) -> WriteBuffer:
    """A write buffer for one thread. With a spacing, its tables are missing: see `with_tables`."""
    none = Tables(np.empty((1, 0), np.uint32), np.empty(0, np.uint64))
    lengths = Lengths(none, aligned(count, 0, np.uint32)) if spaced else None
    return WriteBuffer(aligned(count, 0, lanes), past_caches, lengths)


def tables_for(single: npt.NDArray[np.uint32], lanes: type[np.unsignedinteger[Any]], answers: int) -> Tables:
    """The tables for so many answers that are gathered in these lanes; of pairs, if they are bytes and many."""
    length = single.shape[1]
    if len(single) > 1 or lanes != np.uint8 or answers < PAIRED_MIN_ANSWERS * length**2:
        return Tables(single, np.empty(0, np.uint64))
    pairs = np.empty((length, 256, 2), np.uint32)  # by the second, then the first byte: the lower one of a number
    pairs[:, :length, 0], pairs[:, :length, 1] = single, single.T
    return Tables(single, pairs.view(np.uint64).reshape(-1))


def with_tables(buffer: WriteBuffer, tables: Tables | None) -> WriteBuffer:
    """A write buffer, maybe `without_names`, with the tables of this call, if it was made for such."""
    numbers, past_caches, lengths = buffer
    if lengths is None or tables is None:
        return buffer
    _, found = lengths
    return WriteBuffer(numbers, past_caches, Lengths(tables, found))


def any_numbers(numbers: Numbers) -> AnyNumbers:
    """The numbers of a contiguous array."""
    return numbers.view(np.uint8).reshape(-1, numbers.itemsize)


@helper
def lanes_before_line(answers: AnyNumbers, at: int) -> int:
    """How many answers, from ``at`` on, come before the next one where an aligned vector may be written."""
    return -(address_of(answers) // answers.shape[1] + at) % BLOCK  # type: ignore[no-any-return]


@helper
def write_any(answers: AnyNumbers, at: int, lanes: Vector, past_caches: bool) -> None:
    """Write 64 answers, or one, from ``at`` on. Past the caches, they must be 64 and begin with a cache line."""
    if past_caches:
        stream_any(answers, at, lanes)
    else:
        store_any(answers, at, lanes)


@helper
def gather(
    buffer: WriteBuffer, gathered: int, lanes: Vector, count: int, answers: AnyNumbers, at: int, table: int
) -> tuple[int, int]:
    """Append ``count`` lanes to the gathered answers, which belong at ``at`` and behind; write most if there are many.

    All that is gathered must have the same ``table``, if there are several. Give the new ``at`` and ``gathered``: where
    the first of the answers still in the buffer belongs, and how many.
    """
    store(buffer.numbers, gathered, lanes)
    gathered += count
    if gathered < GATHERED:
        return at, gathered
    written = GATHERED - BLOCK + lanes_before_line(answers, at)  # so that the next one is aligned
    write_gathered(buffer, written, answers, at, table)
    store(buffer.numbers, 0, load_pixels(buffer.numbers, written))
    store(buffer.numbers, BLOCK, load_pixels(buffer.numbers, written + BLOCK))
    return at + written, gathered - written


@helper
def write_gathered(buffer: WriteBuffer, count: int, answers: AnyNumbers, at: int, table: int) -> None:
    """Write the first ``count`` gathered answers from ``at`` on; whole vectors go past the caches, if wanted."""
    _write_gathered(buffer.numbers, buffer.lengths, buffer.past_caches, count, answers, at, table)


@helper
def _write_gathered(
    numbers: Numbers, lengths: Lengths | None, past_caches: bool, count: int, answers: AnyNumbers, at: int, table: int
) -> None:
    if lengths is None:  # then Numba compiles nothing of the other branch
        _write_all(numbers, past_caches, count, answers, at)
    else:
        _find_lengths(numbers, lengths.tables, table, count, lengths.found)
        _write_all(lengths.found, past_caches, count, answers, at)


@helper
def _find_lengths(numbers: Numbers, tables: Tables, table: int, count: int, found: npt.NDArray[np.uint32]) -> None:
    """Find what a table has for the first ``count`` numbers."""
    single = tables.single[table]
    if tables.pairs.size == 0:
        for x in range(count):
            found[x] = single[numbers[x]]
        return
    even = count // 2 * 2
    pairs, both = numbers[:even].view(np.uint16), found[:even].view(np.uint64)
    for x in range(even // 2):
        both[x] = tables.pairs[pairs[x]]
    if even < count:
        found[even] = single[numbers[even]]


@helper
def _write_all(numbers: Numbers, past_caches: bool, count: int, answers: AnyNumbers, at: int) -> None:
    if count < BLOCK:
        for x in range(count):
            write_any(answers, at + x, numbers[x], False)
        return
    begin = lanes_before_line(answers, at)
    end = begin + (count - begin) // BLOCK * BLOCK
    # Beside whole lines, a vector each that overlaps with them. Seldom: after lines went past the caches it takes long.
    if begin > 0:
        write_any(answers, at, load_pixels(numbers, 0), False)
    for x in range(begin, end, BLOCK):
        write_any(answers, at + x, load_pixels(numbers, x), past_caches)
    if end < count:
        write_any(answers, at + count - BLOCK, load_pixels(numbers, count - BLOCK), False)


@kernel
def look_up(answers: npt.NDArray[np.uint32], tables: npt.NDArray[np.uint32]) -> None:
    """Replace integers, a row an image, by what the table of all images, or of each, has for them."""
    for image in range(len(answers)):
        of_image, table = answers[image], tables[image if len(tables) > 1 else 0]
        for at in range(of_image.size):
            of_image[at] = table[of_image[at]]


@kernel
def write_inside(surrounded: Numbers, images: int, shape: Sides, border: Sides, answers: Numbers) -> None:
    """Copy the answers of images of this shape, without those of a border of so many pixels on either side.

    Behind ``surrounded`` there must be room for a vector.
    """
    depth, height, width = shape
    slices, rows, columns = border
    pitch = width + 2 * columns
    source, target = columns + pitch * (rows + slices * (height + 2 * rows)), 0
    for _ in range(images):
        for _ in range(depth):
            for _ in range(height):
                for x in range(0, width, BLOCK):  # what is behind the end of a row is overwritten by the next one
                    store_ahead(answers, target + x, load_pixels(surrounded, source + x))
                source += pitch
                target += width
            source += 2 * rows * pitch
        source += 2 * slices * (height + 2 * rows) * pitch
