"""Sixty-four pixels a word: packing masks, and the shifts that erosion and window counts are made of.

A batch is packed once, in reading order, without gaps: pixel p of the batch is bit p % 64 of word p // 64. An image is
then laid out as a *bit plane* of its own (`Plane`), in which moving along an axis is one shift of the whole plane.
Pixels outside the grid are never background: a plane holds the background as ones, so the zeros that every shift
brings in are right by themselves, and eroding the object is dilating the background.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.jit import helper, kernel
from chdt.lanes import (
    WORDS,
    Number,
    Numbers,
    Vector,
    Word,
    aligned,
    any_set,
    equal_bits,
    load_words,
    store,
)

Words = npt.NDArray[np.uint64]

WORD = 64  # bits
SPARE = 2 * WORDS  # words before and behind a plane that are always zero: a shift reads up to 9 of them


# ------------------------------------------------------------------------------------------------ packing


def packed_words(pixels: int) -> int:
    """Words to allocate for a packed batch: kernels read a few beyond its end."""
    return -(-pixels // WORD) + SPARE


@kernel
def pack(values: Numbers, foreground: Number, background: Number, words: Words, start: int) -> int:
    """Write the bits of ``values == foreground`` from bit ``start`` on; give the index of an invalid value, or -1.

    It is the first one. Where bits of ``start``'s word are written already, those that follow must be zero.
    """
    head = min(values.size, -start % WORD)
    found = _pack_few(values, 0, head, foreground, background, words, start)
    if found >= 0:
        return found
    first = (start + head) // WORD
    whole = (values.size - head) // WORD
    for k in range(whole):
        at = head + k * WORD
        bits = equal_bits(values, at, foreground)
        if bits | equal_bits(values, at, background) != ~np.uint64(0):
            return _first_invalid(values, at, foreground, background)
        words[first + k] = bits
    tail = head + whole * WORD
    if tail < values.size:
        words[first + whole] = np.uint64(0)
    return _pack_few(values, tail, values.size, foreground, background, words, start)


@helper
def _pack_few(
    values: Numbers, begin: int, end: int, foreground: Number, background: Number, words: Words, start: int
) -> int:
    for j in range(begin, end):
        if values[j] == foreground:
            words[(start + j) // WORD] |= np.uint64(1) << np.uint64((start + j) % WORD)
        elif values[j] != background:
            return j
    return -1


@helper
def _first_invalid(values: Numbers, start: int, foreground: Number, background: Number) -> int:
    for j in range(start, values.size):
        if values[j] != foreground and values[j] != background:
            return j
    return -1


@helper
def read_bits(words: Words, start: int, count: int) -> Word:
    """``count`` <= 64 bits of a packed batch from bit ``start`` on, zeros above them."""
    index, offset = start // WORD, start % WORD
    bits = words[index] >> np.uint64(offset)
    if offset + count > WORD:
        bits |= words[index + 1] << np.uint64(WORD - offset)
    return bits & low_bits(count)


@helper
def low_bits(count: int) -> Word:
    """A word with its lowest ``count`` bits set, 0 <= count <= 64."""
    return np.uint64(0) if count == 0 else ~np.uint64(0) >> np.uint64(WORD - count)


# ------------------------------------------------------------------------------------------------ planes


class Grid(NamedTuple):
    """How an image lies in a bit plane.

    Rows of up to 64 pixels follow each other without a gap. Longer rows start at a word, so that the patterns that
    tell where a shift may move bits repeat after a few rows. Kernels get this tuple of numbers, one array with the
    patterns, and one with the planes they work in, each named by its offset: an array that changes hands inside a
    kernel costs Numba an atomic count, which is as long as many of the shifts.
    """

    height: int
    width: int
    pitch: int  # bits from a row to the next
    words: int  # of a plane, a multiple of WORDS
    period: int  # words after which the patterns repeat, a multiple of WORDS
    levels: int  # shifts by 2^0, 2^1, ... 2^(levels - 1) pixels have a pattern
    stride: int  # words from a plane to the next


@helper
def plane_at(grid: Grid, number: int) -> int:
    """Where in an array of planes this one begins."""
    return SPARE + number * grid.stride


# The patterns, one after the other: INSIDE has a bit for every pixel of the grid and is as long as a plane; then, for
# each level, the pixels where a bit moved by 2^level pixels towards higher columns may land, then towards lower ones.
INSIDE = 0


@helper
def keep_higher(grid: Grid, level: int) -> int:
    """Where the pattern of the pixels with a neighbour 2^level to the left begins."""
    return grid.words + level * grid.period


@helper
def keep_lower(grid: Grid, level: int) -> int:
    """Where the pattern of the pixels with a neighbour 2^level to the right begins."""
    return grid.words + (grid.levels + level) * grid.period


@functools.lru_cache(maxsize=16)
def grid_of(height: int, width: int) -> tuple[Grid, Words]:
    """The layout for one grid, and its patterns."""
    pitch = width if width <= WORD else -(-width // WORD) * WORD
    words = -(-height * pitch // (WORD * WORDS)) * WORDS
    period = min(words, math.lcm(pitch // math.gcd(pitch, WORD), WORDS))
    levels = max(height, width).bit_length() + 1
    grid = Grid(height, width, pitch, words, period, levels, words + SPARE)
    patterns = np.zeros(words + 2 * levels * period, np.uint64)
    _mark(patterns[:words], height, pitch, 0, width)
    rows = period * WORD // pitch + 1
    for level, pattern in enumerate(patterns[words:].reshape(2, levels, period).swapaxes(0, 1)):
        _mark(pattern[0], rows, pitch, 1 << level, width)
        _mark(pattern[1], rows, pitch, 0, width - (1 << level))
    return grid, patterns


@kernel
def _mark(words: Words, rows: int, pitch: int, first: int, last: int) -> None:
    """Set the bits of the columns from ``first`` to before ``last`` in every row."""
    for row in range(rows):
        start = row * pitch + first
        stop = min(row * pitch + last, words.size * WORD)
        while start < stop:
            count = min(stop - start, WORD - start % WORD)
            words[start // WORD] |= low_bits(count) << np.uint64(start % WORD)
            start += count


def planes_of(grid: Grid, count: int) -> Words:
    """Memory for planes, all zero."""
    return aligned(SPARE + count * grid.stride, 0, np.uint64)  # type: ignore[no-any-return]


@helper
def lay_out_background(words: Words, start: int, grid: Grid, patterns: Words, planes: Words, background: int) -> None:
    """The background of the image whose packed bits begin at ``start``, as a plane."""
    if grid.pitch == grid.width:
        first, shift = start // WORD, np.uint64(start % WORD)
        for at in range(0, grid.words, WORDS):
            carried = load_words(words, first + at + 1) << np.uint64(1)
            bits = (load_words(words, first + at) >> shift) | (carried << (np.uint64(WORD - 1) - shift))
            store(planes, background + at, ~bits & load_words(patterns, INSIDE + at))
        return
    at = background
    for row in range(grid.height):
        for column in range(0, grid.width, WORD):
            count = min(WORD, grid.width - column)
            planes[at] = ~read_bits(words, start + row * grid.width + column, count) & low_bits(count)
            at += 1


# In the two functions below ``plane`` is where the plane begins and ``at`` the first of the eight words wanted of it.
# A source that lies outside of the plane altogether is all zeros, as the spare words around it are.


@helper
def moved_higher(grid: Grid, planes: Words, plane: int, at: int, distance: int) -> Vector:
    """Eight words of the plane moved by ``distance`` bits towards higher pixels."""
    source, shift = max(at - distance // WORD, -WORDS), np.uint64(distance % WORD)
    carried = load_words(planes, plane + source - 1) >> np.uint64(1)  # in two steps: a shift by 64 would be none
    return (load_words(planes, plane + source) << shift) | (carried >> (np.uint64(WORD - 1) - shift))


@helper
def moved_lower(grid: Grid, planes: Words, plane: int, at: int, distance: int) -> Vector:
    """Eight words of the plane moved by ``distance`` bits towards lower pixels."""
    source, shift = min(at + distance // WORD, grid.words), np.uint64(distance % WORD)
    carried = load_words(planes, plane + source + 1) << np.uint64(1)
    return (load_words(planes, plane + source) >> shift) | (carried << (np.uint64(WORD - 1) - shift))


@helper
def dilate_along_rows(grid: Grid, patterns: Words, planes: Words, background: int, level: int, dilated: int) -> None:
    """Background within 2^level columns, by two shifts: see `dilate_across_rows`."""
    higher, lower = keep_higher(grid, level), keep_lower(grid, level)
    distance = 1 << level
    for first in range(0, grid.words, grid.period):
        for k in range(0, min(grid.period, grid.words - first), WORDS):
            at = first + k
            grown = load_words(planes, background + at)
            grown |= moved_higher(grid, planes, background, at, distance) & load_words(patterns, higher + k)
            grown |= moved_lower(grid, planes, background, at, distance) & load_words(patterns, lower + k)
            store(planes, dilated + at, grown)


@helper
def dilate_across_rows(grid: Grid, patterns: Words, planes: Words, background: int, level: int, dilated: int) -> bool:
    """The same for 2^level rows; tell whether any object is left.

    One after the other they dilate by the nine shifts of 0 or 2^level pixels an axis. Background that was dilated by
    radius r is then dilated by radius r + 2^level, if 2^level <= r + 1: docs/exact.md says why.
    """
    distance = grid.pitch << level
    object_left = False
    for at in range(0, grid.words, WORDS):
        grown = load_words(planes, background + at)
        grown |= moved_higher(grid, planes, background, at, distance)
        grown |= moved_lower(grid, planes, background, at, distance)
        inside = load_words(patterns, INSIDE + at)
        store(planes, dilated + at, grown & inside)
        object_left |= any_set(inside & ~grown)
    return object_left


@helper
def any_object(grid: Grid, patterns: Words, planes: Words, background: int) -> bool:
    """Whether a pixel of the grid is not background."""
    found = False
    for at in range(0, grid.words, WORDS):
        found |= any_set(load_words(patterns, INSIDE + at) & ~load_words(planes, background + at))
    return found
