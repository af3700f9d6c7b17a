"""Masks that do not lie in memory in reading order: packed as they lie, and their bits put in order then.

Bits in another order are a 32nd of what they were packed from, so most of them are in the caches still.
"""

import numpy as np
import numpy.typing as npt

from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import (
    BLOCK,
    SQUARE,
    VECTOR_WORDS,
    Number,
    Numbers,
    Vector,
    Word,
    counting,
    eight,
    gather_words,
    load_pixels,
    load_words,
    minimum,
    rotate,
    store,
    transpose_square,
)
from chdt.cpu.kernels.packing import WORD_BITS, Words, add_bits, from_two, low_bits, pack, read_bits

Integers = npt.NDArray[np.int64]

STAGED_VALUES = 4096  # gathered in the nearest cache before they are packed; a multiple of WORD_BITS

BYTE = 8  # bits

TILE = WORD_BITS  # pixels, along both axes


@helper
def _gather_run(memory: Numbers, at: int, step: int, count: int, staged: Numbers, to: int) -> None:
    """Copy a value from ``at``, one from ``step`` behind it, ... until there are ``count``."""
    if step == 1:
        begin = 0
        while begin < count and at + begin + BLOCK <= memory.size:  # more than are wanted are overwritten later
            store(staged, to + begin, load_pixels(memory, at + begin))
            begin += BLOCK
        for j in range(begin, count):
            staged[to + j] = memory[at + j]
        return
    # Unsigned, or Numba asks of each index whether it counts from the end. So from low addresses to high ones.
    last = np.uint64(count - 1)
    lowest, stride = np.uint64(min(at, at + (count - 1) * step)), np.uint64(abs(step))
    first = np.uint64(to)
    if step < 0:
        for j in range(count):
            staged[first + last - np.uint64(j)] = memory[lowest + np.uint64(j) * stride]
    else:
        for j in range(count):
            staged[first + np.uint64(j)] = memory[lowest + np.uint64(j) * stride]


@kernel
def pack_strided(
    memory: Numbers,
    start: int,
    lengths: Integers,
    steps: Integers,
    first: int,
    foreground: Number | None,
    background: Number,
    staged: Numbers,
    place: Integers,
    words: Words,
    count: int,
) -> bool:
    """`pack` values first..first + count - 1 of an array, whose first one is ``memory[start]``; tell if all are valid.

    The array has these lengths, and steps in ``memory`` along its axes; ``first`` is a multiple of 64. ``staged`` is
    memory for STAGED_VALUES and a vector more, ``place`` for the index of a value.
    """
    inner = len(lengths) - 1
    rest, at = first, start
    for axis in range(inner, -1, -1):
        place[axis] = rest % lengths[axis]
        rest //= lengths[axis]
        at += place[axis] * steps[axis]
    step = steps[inner]
    for begin in range(first, first + count, STAGED_VALUES):
        most, here = min(STAGED_VALUES, first + count - begin), 0
        while here < most:
            run = min(most - here, lengths[inner] - place[inner])
            _gather_run(memory, at, step, run, staged, here)
            here += run
            at += run * step
            place[inner] += run
            axis = inner
            while axis > 0 and place[axis] == lengths[axis]:
                at += steps[axis - 1] - lengths[axis] * steps[axis]
                place[axis] = 0
                axis -= 1
                place[axis] += 1
        if pack(staged[:most], foreground, background, words, begin) >= 0:
            return False
    return True


@helper
def _eight_lines(source: Words, at: int, line: int, lines: int, step: int, columns: int) -> Vector:
    """Bits of eight lines from ``line`` on, of which the first of all is at ``at``; those behind the last are any."""
    if step > 0 and (VECTOR_WORDS - 1) * step + columns <= WORD_BITS:
        shifts = counting(np.uint64(0)) * np.uint64(step)
        return eight(read_bits(source, at + line * step, WORD_BITS)) >> shifts
    numbers = minimum(counting(np.uint64(line)), eight(np.uint64(lines - 1)))
    if step < 0:  # words are not negative
        numbers, at, step = eight(np.uint64(lines - 1)) - numbers, at + (lines - 1) * step, -step
    start = numbers * np.uint64(step) + np.uint64(at)
    index, shift = start >> np.uint64(6), start & np.uint64(WORD_BITS - 1)
    return from_two(gather_words(source, index), gather_words(source, index + np.uint64(1)), shift)


@helper
def _exchanged(lanes: Vector, exponent: int, below: Vector, above: Vector, low: Word) -> Vector:
    """Of lanes 2^exponent apart, exchange the ``low`` bits of the higher one and the others of the lower one.

    Each lane is given with those ``below`` and ``above`` it.
    """
    shift = np.uint64(1 << exponent)
    is_higher = eight(np.uint64(0)) - ((counting(np.uint64(0)) >> np.uint64(exponent)) & np.uint64(1))
    lower = (lanes & low) | ((above & low) << shift)
    higher = (lanes & ~low) | ((below >> shift) & low)
    return (lower & ~is_higher) | (higher & is_higher)


@helper
def _transposed_bytes(lanes: Vector) -> Vector:
    """Eight by eight bits, one byte of each lane, with rows and columns exchanged; all eight bytes alike."""
    lanes = _exchanged(lanes, 2, rotate(lanes, 4), rotate(lanes, 4), np.uint64(0x0F0F0F0F0F0F0F0F))
    lanes = _exchanged(lanes, 1, rotate(lanes, 2), rotate(lanes, 6), np.uint64(0x3333333333333333))
    return _exchanged(lanes, 0, rotate(lanes, 1), rotate(lanes, 7), np.uint64(0x5555555555555555))


@helper
def _transpose_tile(
    source: Words, at: int, lines: int, step: int, columns: int, tile: Words, target: Words, target_at: int, pitch: int
) -> None:
    """Write up to 64 columns of up to 64 lines as lines; ``pitch`` is from one to the next."""
    for line in range(0, lines, BYTE):
        store(tile, line, _eight_lines(source, at, line, lines, step, columns))
    for column in range(0, columns, BYTE):
        found = eight(np.uint64(0))
        for line in range(0, lines, BYTE):
            found |= ((load_words(tile, line) >> np.uint64(column)) & np.uint64(255)) << np.uint64(line)
        store(tile, TILE, _transposed_bytes(found))
        for j in range(min(BYTE, columns - column)):
            bits = tile[TILE + j] & low_bits(lines)
            add_bits(target, target_at + (column + j) * pitch, bits, lines)


@helper
def _matrices(lengths: Integers) -> int:
    """How many matrices, of the last two axes, there are."""
    matrices = 1
    for axis in range(len(lengths) - 2):
        matrices *= lengths[axis]
    return matrices


@helper
def _place_of(matrix: int, lengths: Integers, source_steps: Integers, target_steps: Integers) -> tuple[int, int]:
    """Where a matrix begins, in the source and in the target."""
    read_at, write_at = 0, 0
    for axis in range(len(lengths) - 3, -1, -1):
        read_at += matrix % lengths[axis] * source_steps[axis]
        write_at += matrix % lengths[axis] * target_steps[axis]
        matrix //= lengths[axis]
    return read_at, write_at


@kernel
def reorder_bits(
    source: Words,
    source_at: int,
    target: Words,
    target_at: int,
    lengths: Integers,
    source_steps: Integers,
    target_steps: Integers,
    tile: Words,
) -> None:
    """Write the bits of an array in another order; ``target`` must be zero.

    Its first bits are at ``source_at`` and ``target_at``, its lengths, and its steps in both orders, are those along
    each axis. The last axis has step 1 in the source, the one before it step 1 in the target. ``tile`` is memory for 72
    words.
    """
    axes = len(lengths)
    lines, columns = lengths[axes - 2], lengths[axes - 1]
    step, pitch = source_steps[axes - 2], target_steps[axes - 1]
    for matrix in range(_matrices(lengths)):
        read_at, write_at = _place_of(matrix, lengths, source_steps, target_steps)
        read_at, write_at = read_at + source_at, write_at + target_at
        for column in range(0, columns, TILE):
            for line in range(0, lines, TILE):
                _transpose_tile(
                    source,
                    read_at + line * step + column,
                    min(TILE, lines - line),
                    step,
                    min(TILE, columns - column),
                    tile,
                    target,
                    write_at + line + column * pitch,
                    pitch,
                )


COPIED_LINES, COPIED_COLUMNS = 64, 256
"""Values that are copied together.

A cache line of every line stays near until it is whole, and what is read comes from few enough pages for their
addresses to stay near, too. Half or twice as many: as fast.
"""


@helper
def _copy_run(
    source: Numbers, source_at: int, step: int, target: Numbers, target_at: int, pitch: int, count: int
) -> None:
    """Copy so many values, ``step`` apart, to places ``pitch`` apart."""
    for j in range(count):  # unsigned: else Numba asks of each index whether it counts from the end
        target[np.uint64(target_at + j * pitch)] = source[np.uint64(source_at + j * step)]


@helper
def _copy_block(
    source: Numbers,
    source_at: int,
    target: Numbers,
    target_at: int,
    lengths: tuple[int, int],
    source_steps: tuple[int, int],
    target_steps: tuple[int, int],
) -> None:
    """Copy lines and columns: squares where lines are read and columns written without gaps, runs of values else."""
    lines, columns = lengths
    (line_step, step), (line_pitch, pitch) = source_steps, target_steps
    first_line, first_column = 0, 0  # behind the squares
    if line_step == 1 and pitch == 1:
        first_line, first_column = lines - lines % SQUARE, columns - columns % SQUARE
    for column in range(0, first_column, SQUARE):
        for line in range(0, first_line, SQUARE):
            read_at, write_at = source_at + line + column * step, target_at + line * line_pitch + column
            transpose_square(source, read_at, step, target, write_at, line_pitch)
    if columns < SQUARE:  # runs along the lines are the longer ones
        first_line = lines
    for column in range(first_column, columns):
        read_at, write_at = source_at + column * step, target_at + column * pitch
        _copy_run(source, read_at, line_step, target, write_at, line_pitch, first_line)
    for line in range(first_line, lines):
        read_at, write_at = source_at + line * line_step, target_at + line * line_pitch
        _copy_run(source, read_at, step, target, write_at, pitch, columns)


@kernel
def copy_strided(
    source: Numbers,
    source_at: int,
    target: Numbers,
    target_at: int,
    lengths: Integers,
    source_steps: Integers,
    target_steps: Integers,
) -> None:
    """Copy values from one order to another; both begin at these places, axes are as in `reorder_bits`.

    For two orders of which the last axis differs, with any steps.
    """
    axes = len(lengths)
    lines, columns = lengths[axes - 2], lengths[axes - 1]
    step = source_steps[axes - 2], source_steps[axes - 1]
    pitch = target_steps[axes - 2], target_steps[axes - 1]
    for matrix in range(_matrices(lengths)):
        read_at, write_at = _place_of(matrix, lengths, source_steps, target_steps)
        read_at, write_at = read_at + source_at, write_at + target_at
        for column in range(0, columns, COPIED_COLUMNS):
            for line in range(0, lines, COPIED_LINES):
                block = min(COPIED_LINES, lines - line), min(COPIED_COLUMNS, columns - column)
                from_at = read_at + line * step[0] + column * step[1]
                to_at = write_at + line * pitch[0] + column * pitch[1]
                _copy_block(source, from_at, target, to_at, block, step, pitch)
