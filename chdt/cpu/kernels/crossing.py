"""Distances of large grids with a spacing, one axis after the other: by the least value near by, and where it crosses.

With f what the axes before left on a line, t(y) = min over w of max(w steps, least f within w of y). The first rises
with w and the second falls, so t is where they cross: docs/exact.md. All are *codes*, integers in the order of the
lengths for which w steps of the axis are w times a number (`chdt.cpu.crossed`), 64 lines side by side.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.shape import Shape
from chdt.cpu.kernels.jit import helper, kernel, outlined
from chdt.cpu.kernels.lanes import (
    BLOCK,
    aligned,
    any_set,
    choose,
    falling,
    fill,
    leading_zeros,
    load_pixels,
    lowest_bit,
    maximum,
    minimum,
    rising,
    settle,
    store,
    where_less,
    widened,
)
from chdt.cpu.kernels.packing import Words, low_bits, read_bits
from chdt.cpu.kernels.rows import FAR, walls_of
from chdt.cpu.kernels.two_passes import distances_in_block
from chdt.cpu.kernels.writing import AnyNumbers, WriteBuffer, gather, write_gathered


class Axis(NamedTuple):
    """Lines along an axis."""

    length: int  # pixels
    step: np.unsignedinteger[Any]  # the code of one step
    recode: npt.NDArray[Any]  # from the codes of the axis before; the last one is of NONE; empty if they stay the same


class Crossing(NamedTuple):
    """How the axes of a grid are crossed, the same for all threads."""

    rows: Axis  # lines from row to row
    slices: Axis  # and from slice to slice
    codes: int  # how many there are in the end; NONE, and whatever is as large, counts as the last one
    rank_of_code: npt.NDArray[np.int64]


class CrossingMemory(NamedTuple):
    """What a thread needs to find the distances of an image."""

    shape: Shape  # without single pixels
    blocks: int  # in a row
    codes: npt.NDArray[Any]  # of the image: rows of whole blocks
    lines: npt.NDArray[Any]  # 64 lines: four arrays of them
    walls: npt.NDArray[np.uint8]  # `walls_of` one block of a long row
    left: npt.NDArray[np.int64]  # for each block, the distance from the lane before it to background on the left
    none: np.unsignedinteger[Any]  # NONE: the code where there is no background


def crossing_memory(shape: Shape, lanes: Any, with_codes: bool = True) -> CrossingMemory:
    """Memory for one thread; without codes where threads share those of one image."""
    blocks = -(-shape.width // BLOCK)
    return CrossingMemory(
        shape,
        blocks,
        codes_of(shape, lanes) if with_codes else aligned(0, 0, lanes),
        aligned(4 * max(shape.depth, shape.height) * BLOCK, 0, lanes),
        walls_of(BLOCK, int(FAR), np.uint8),
        np.empty(blocks, np.int64),
        lanes(np.iinfo(lanes).max),
    )


def codes_of(shape: Shape, lanes: Any) -> npt.NDArray[Any]:
    """Memory for the codes of an image."""
    return aligned(shape.depth * shape.height * -(-shape.width // BLOCK) * BLOCK, 0, lanes)  # type: ignore[no-any-return]


# ------------------------------------------------------------------------------------------------ along rows


@kernel
def steps_of_rows(packed: Words, start: int, first: int, last: int, memory: CrossingMemory) -> None:
    """Write the steps to background in the same row, of rows first..last - 1 of an image; NONE where there is none.

    Rows are numbered through all slices. Lanes behind the end of a row are 0.
    """
    codes, left, none, width = memory.codes, memory.left, memory.none, memory.shape.width
    for row in range(first, last):
        begin, at = start + row * width, row * memory.blocks * BLOCK
        distance, is_free = width, True  # from the last lane before the block to background before the block
        for block in range(memory.blocks):
            left[block] = distance
            count = min(BLOCK, width - block * BLOCK)
            background = ~read_bits(packed, begin + block * BLOCK, count) & low_bits(count)
            is_free &= background == 0
            distance = leading_zeros(background) if background != 0 else min(distance + BLOCK, width)
        distance = width  # the same on the other side
        for block in range(memory.blocks - 1, -1, -1):
            x = block * BLOCK
            count = min(BLOCK, width - x)
            background = ~read_bits(packed, begin + x, count) & low_bits(count)
            if is_free:
                d = fill(none, none)
            elif background == low_bits(count):
                d = fill(0, none)
            else:
                d = minimum(rising(left[block] + 1, none), falling(distance + 1, none))
                if background != 0:
                    d = minimum(d, widened(distances_in_block(~background, memory.walls, FAR), none))
            distance = lowest_bit(background) if background != 0 else min(distance + BLOCK, width)
            if count < BLOCK:
                d = choose(low_bits(count), d, fill(0, none))
            store(codes, at + x, d)


# ------------------------------------------------------------------------------------------------ across rows


@helper
def _recode(axis: Axis, at: int, apart: int, memory: CrossingMemory) -> None:
    """Turn the codes of 64 lines into those of their axis; 0 stays 0."""
    codes, last = memory.codes, axis.recode.size - 1
    for i in range(at, at + axis.length * apart, apart):
        d = load_pixels(codes, i)
        if any_set(d):
            store(codes, i, minimum(d, fill(last, memory.none)))
            for x in range(i, i + BLOCK):
                codes[x] = axis.recode[codes[x]]


@outlined
def _cross(axis: Axis, at: int, apart: int, memory: CrossingMemory) -> None:
    """Replace the codes of 64 neighbouring lines, the first of them at ``at``, whose pixels are ``apart``.

    w steps are reached at a pixel if the least value less than w steps from it is above w - 1 steps. Twice as many
    steps each time find the highest binary digit of how many are reached, then the lower ones are tried: docs/exact.md.
    """
    codes, lines, none, length, step = memory.codes, memory.lines, memory.none, axis.length, axis.step
    if axis.recode.size > 0:
        _recode(axis, at, apart, memory)
    least_at, other_at, reached_at, within_at = 0, length * BLOCK, 2 * length * BLOCK, 3 * length * BLOCK
    nothing, is_rising = fill(0, none), False
    for i in range(length):
        d = load_pixels(codes, at + i * apart)
        store(lines, least_at + i * BLOCK, d)
        store(lines, within_at + i * BLOCK, d)
        store(lines, reached_at + i * BLOCK, where_less(nothing, d, fill(step, none), nothing))
        is_rising |= any_set(d)
    if not is_rising:
        return
    exponent = 0
    while is_rising and (2 << exponent) <= length:
        reach = 1 << exponent
        exponent, is_rising = exponent + 1, False
        limit, reached = fill((2 * reach - 1) * step, none), fill(2 * reach * step, none)
        for i in range(0, length * BLOCK, BLOCK):
            least = load_pixels(lines, least_at + i)
            if i >= reach * BLOCK:
                least = minimum(least, load_pixels(lines, least_at + i - reach * BLOCK))
            if i + reach * BLOCK < length * BLOCK:
                least = minimum(least, load_pixels(lines, least_at + i + reach * BLOCK))
            store(lines, other_at + i, least)
            higher = where_less(limit, least, reached, nothing)
            if any_set(higher):
                is_rising = True
                store(lines, reached_at + i, maximum(load_pixels(lines, reached_at + i), higher))
                store(lines, within_at + i, where_less(limit, least, least, load_pixels(lines, within_at + i)))
        least_at, other_at = other_at, least_at
    while exponent > 0:
        exponent -= 1
        _try_digit(axis, exponent, reached_at, within_at, least_at, other_at, memory)
        reached_at, within_at, least_at, other_at = least_at, other_at, reached_at, within_at
    everything = fill(length * step, none)
    for i in range(length):
        steps, within = load_pixels(lines, reached_at + i * BLOCK), load_pixels(lines, within_at + i * BLOCK)
        store(codes, at + i * apart, where_less(steps, everything, minimum(steps, within), within))


@helper
def _try_digit(
    axis: Axis, exponent: int, reached_at: int, within_at: int, to_reached: int, to_within: int, memory: CrossingMemory
) -> None:
    """Add 2^exponent steps where they are reached, too, and take along the least value within.

    What is so far from a pixel that reached fewer is less than that from its neighbour, 2^exponent away. From one that
    reached as many, the least value within is known, and both windows together are the one that is asked for.
    """
    lines, none, step = memory.lines, memory.none, axis.step
    apart, end, nothing = BLOCK << exponent, axis.length * BLOCK, fill(0, memory.none)
    least_steps, more = fill((2 << exponent) * step, none), fill((1 << exponent) * step, none)
    for i in range(0, end, BLOCK):
        steps, within = load_pixels(lines, reached_at + i), load_pixels(lines, within_at + i)
        if any_set(steps):
            least = where_less(steps, least_steps, nothing, within)  # digits above the highest one are 0
            if i >= apart:
                least = minimum(least, load_pixels(lines, within_at + i - apart))
                least = where_less(load_pixels(lines, reached_at + i - apart), steps, nothing, least)
            if i + apart < end:
                least = minimum(least, load_pixels(lines, within_at + i + apart))
                least = where_less(load_pixels(lines, reached_at + i + apart), steps, nothing, least)
            limit = steps + more - fill(step, none)
            within = where_less(limit, least, least, within)
            steps = where_less(limit, least, steps + more, steps)
        store(lines, to_reached + i, steps)
        store(lines, to_within + i, within)


@kernel
def cross_rows(first: int, last: int, crossing: Crossing, memory: CrossingMemory) -> None:
    """From row to row, for groups first..last - 1 of 64 lines: the blocks of one slice after the other."""
    shape, pitch = memory.shape, memory.blocks * BLOCK
    for group in range(first, last):
        z, block = group // memory.blocks, group % memory.blocks
        _cross(crossing.rows, z * shape.height * pitch + block * BLOCK, pitch, memory)


@kernel
def cross_slices(first: int, last: int, crossing: Crossing, memory: CrossingMemory) -> None:
    """From slice to slice, for groups first..last - 1 of 64 lines: the blocks of a slice."""
    apart = memory.shape.height * memory.blocks * BLOCK
    for group in range(first, last):
        _cross(crossing.slices, group * BLOCK, apart, memory)


@helper
def crossed_codes(packed: Words, start: int, crossing: Crossing, memory: CrossingMemory) -> None:
    """Write the codes of an image whose packed bits begin at ``start``."""
    shape, blocks = memory.shape, memory.blocks
    steps_of_rows(packed, start, 0, shape.depth * shape.height, memory)
    if shape.height > 1:
        cross_rows(0, shape.depth * blocks, crossing, memory)
    if shape.depth > 1:
        cross_slices(0, shape.height * blocks, crossing, memory)


# ------------------------------------------------------------------------------------------------ distances


@kernel
def write_lengths(
    first: int, last: int, crossing: Crossing, memory: CrossingMemory, buffer: WriteBuffer, answers: AnyNumbers, at: int
) -> None:
    """Write what the buffer has for the codes of rows first..last - 1; the answers of the image begin at ``at``."""
    width, greatest = memory.shape.width, fill(crossing.codes - 1, memory.none)
    at, gathered = at + first * width, 0
    for row in range(first, last):
        for x in range(0, width, BLOCK):
            d = minimum(load_pixels(memory.codes, row * memory.blocks * BLOCK + x), greatest)
            at, gathered = gather(buffer, gathered, d, min(BLOCK, width - x), answers, at, 0)
    write_gathered(buffer, gathered, answers, at, 0)
    settle()


@kernel
def crossed_distances_of(
    packed: Words,
    start: int,
    count: int,
    crossing: Crossing,
    memory: CrossingMemory,
    buffer: WriteBuffer,
    answers: AnyNumbers,
) -> None:
    """Write the distances of ``count`` images whose packed bits begin at ``start``, in reading order."""
    shape = memory.shape
    pixels = shape.depth * shape.height * shape.width
    for image in range(count):
        crossed_codes(packed, start + image * pixels, crossing, memory)
        write_lengths(0, shape.depth * shape.height, crossing, memory, buffer, answers, image * pixels)
