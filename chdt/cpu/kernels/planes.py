"""Bit planes: an image laid out so that moving along an axis is one shift of all its words.

Pixels outside the grid are never background: a plane holds the background as ones, so the zeros that every shift
brings in are right by themselves, and eroding the object is dilating the background.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import (
    VECTOR_WORDS,
    Vector,
    aligned,
    counting,
    eight,
    gather_words,
    load_words,
    minimum,
    store,
)
from chdt.cpu.kernels.packing import SPARE, WORD_BITS, Words, from_two, low_bits, read_bits

INTERLEAVED_MAX_WORDS = 32  # words of an image that shares planes with others

PAGE_WORDS = 512  # words


class PlaneLayout(NamedTuple):
    """How an image lies in a bit plane.

    Rows of up to 64 pixels follow each other without a gap. Longer rows start at a word, so that the patterns that
    tell where a shift may move bits repeat after a few rows. Several small images may lie in a plane together: first
    the first word of each, then the second, and so on; so do the patterns, for all the words that are counted below.
    Kernels get this tuple of numbers, one array with the
    patterns, and one with the planes they work in, each named by its offset: an array that changes hands inside a
    kernel costs Numba an atomic count, which is as long as many of the shifts.
    """

    depth: int
    height: int
    width: int
    pitch: int  # bits from a row to the next
    words: int  # of a plane, a multiple of VECTOR_WORDS
    column_period: int  # words after which the patterns for moves to other columns repeat, a multiple of VECTOR_WORDS
    row_period: int  # the same for moves to other rows; 0 where a plane is a single slice, for then they need none
    exponents: int  # shifts by 2^0, 2^1, ... 2^(exponents - 1) pixels have a pattern
    stride: int  # words from a plane to the next
    interleaved: int  # images whose words alternate in a plane: 1, or VECTOR_WORDS, one in each lane of a vector


# The axes along which pixels have neighbours.
COLUMNS, ROWS, SLICES = 0, 1, 2

AXES = 3


@helper
def plane_at(grid: PlaneLayout, number: int) -> int:
    """Where in an array of planes this one begins."""
    return SPARE + number * grid.stride


@helper
def pixels_in(grid: PlaneLayout) -> int:
    """Pixels of an image."""
    return grid.depth * grid.height * grid.width


@helper
def cap_of(grid: PlaneLayout) -> int:
    """The longest side, which no distance reaches."""
    return max(grid.depth, grid.height, grid.width)


@helper
def length_of(grid: PlaneLayout, axis: int) -> int:
    """Pixels along this axis."""
    return grid.width if axis == COLUMNS else grid.height if axis == ROWS else grid.depth


@helper
def step_of(grid: PlaneLayout, axis: int) -> int:
    """Bits from a pixel to the next one along this axis."""
    return 1 if axis == COLUMNS else grid.pitch if axis == ROWS else grid.pitch * grid.height


# The patterns, one after the other: INSIDE has a bit for every pixel of the grid and is as long as a plane; then, for
# the columns and for the rows and each exponent, the pixels where a bit moved by 2^exponent pixels towards higher ones
# may land, then towards lower ones. What leaves a plane at its ends is lost by itself, or lands outside of INSIDE.
INSIDE = 0


@helper
def pattern_of(grid: PlaneLayout, axis: int, exponent: int, higher: bool) -> int:
    """Where the pattern of the pixels that have a neighbour 2^exponent before, or behind, them begins."""
    number = exponent if higher else grid.exponents + exponent
    if axis == COLUMNS:
        return grid.words + number * grid.column_period
    if axis == ROWS and grid.row_period > 0:
        return grid.words + 2 * grid.exponents * grid.column_period + number * grid.row_period
    return INSIDE


@helper
def period_of(grid: PlaneLayout, axis: int) -> int:
    """Words after which it repeats."""
    return (
        grid.column_period
        if axis == COLUMNS
        else grid.row_period
        if axis == ROWS and grid.row_period > 0
        else grid.words
    )


@functools.lru_cache(maxsize=16)
def plane_layout_of(depth: int, height: int, width: int, interleaved: int = 1) -> tuple[PlaneLayout, Words]:
    """The layout for one grid, and its patterns."""
    pitch = width if width <= WORD_BITS else -(-width // WORD_BITS) * WORD_BITS
    least = VECTOR_WORDS // interleaved  # words of an image in a vector
    words = -(-depth * height * pitch // (WORD_BITS * least)) * least
    column_period = _period(pitch, words, least)
    row_period = _period(height * pitch, words, least) if depth > 1 else 0
    exponents = max(depth, height, width).bit_length() + 1
    patterns = np.zeros(words + 2 * exponents * (column_period + row_period), np.uint64)
    _mark(patterns[:words], depth * height, pitch, 0, width)
    of_columns, of_rows = np.split(patterns[words:], [2 * exponents * column_period])
    for pattern, length, step, repeat in ((of_columns, width, 1, pitch), (of_rows, height, pitch, height * pitch)):
        for number, kept in enumerate(pattern.reshape(2 * exponents, -1) if pattern.size else ()):
            distance = 1 << number % exponents
            first, last = (distance, length) if number < exponents else (0, length - distance)
            _mark(kept, kept.size * WORD_BITS // repeat + 1, repeat, first * step, last * step)
    words, column_period, row_period = words * interleaved, column_period * interleaved, row_period * interleaved
    stride = words + SPARE
    if stride > PAGE_WORDS:  # a read that lies whole pages behind a write is taken to wait for it
        stride += (PAGE_WORDS // 4 + VECTOR_WORDS - stride) % PAGE_WORDS
    grid = PlaneLayout(depth, height, width, pitch, words, column_period, row_period, exponents, stride, interleaved)
    return grid, np.repeat(patterns, interleaved)


def interleaved_images(images: int, pixels: int) -> int:
    """How many images to lay out in one plane: several where each has few words."""
    return VECTOR_WORDS if images >= VECTOR_WORDS and pixels <= INTERLEAVED_MAX_WORDS * WORD_BITS else 1


def _period(bits: int, words: int, least: int) -> int:
    """Words after which what repeats every so many bits does, if a plane has as many; a multiple of ``least``."""
    return min(words, math.lcm(bits // math.gcd(bits, WORD_BITS), least))


@kernel
def _mark(words: Words, rows: int, pitch: int, first: int, last: int) -> None:
    """Set the bits from ``first`` to before ``last`` in every row, or slice."""
    for row in range(rows):
        start = row * pitch + first
        stop = min(row * pitch + last, words.size * WORD_BITS)
        while start < stop:
            count = min(stop - start, WORD_BITS - start % WORD_BITS)
            words[start // WORD_BITS] |= low_bits(count) << np.uint64(start % WORD_BITS)
            start += count


def planes_of(grid: PlaneLayout, count: int) -> Words:
    """Memory for planes, all zero."""
    return aligned(SPARE + count * grid.stride, 0, np.uint64)  # type: ignore[no-any-return]


@helper
def lay_out_background(
    words: Words, start: int, grid: PlaneLayout, patterns: Words, planes: Words, background: int
) -> None:
    """The background of the image whose packed bits begin at ``start``, as a plane."""
    if grid.pitch == grid.width:
        first, shift = start // WORD_BITS, np.uint64(start % WORD_BITS)
        for at in range(0, grid.words, VECTOR_WORDS):
            bits = from_two(load_words(words, first + at), load_words(words, first + at + 1), shift)
            store(planes, background + at, ~bits & load_words(patterns, INSIDE + at))
        return
    at = background
    for row in range(grid.depth * grid.height):
        for column in range(0, grid.width, WORD_BITS):
            count = min(WORD_BITS, grid.width - column)
            planes[at] = ~read_bits(words, start + row * grid.width + column, count) & low_bits(count)
            at += 1


@helper
def lay_out_interleaved(
    words: Words, start: int, images: int, grid: PlaneLayout, patterns: Words, planes: Words, background: int
) -> None:
    """The background of up to ``grid.interleaved`` images, as one plane; where they are fewer, the last is repeated."""
    gapless = grid.pitch == grid.width
    lines = 1 if gapless else grid.depth * grid.height
    words_of_line = grid.words // (grid.interleaved * lines)
    first = minimum(counting(0), eight(images - 1)) * pixels_in(grid) + start
    at = 0
    for _ in range(lines):
        index, shift = first >> 6, first & (WORD_BITS - 1)
        here = gather_words(words, index)
        for _ in range(words_of_line):
            index += 1
            behind = gather_words(words, index)
            store(planes, background + at, ~from_two(here, behind, shift) & load_words(patterns, INSIDE + at))
            here = behind
            at += VECTOR_WORDS
        first += grid.width


@helper
def eight_rows(grid: PlaneLayout, planes: Words, plane: int, first: int, last: int) -> Vector:
    """Eight rows of up to 64 pixels of a plane from row ``first`` on, in a word each; ``last`` for all behind it."""
    start = minimum(counting(first), eight(last)) * grid.pitch
    index, shift = (start >> 6) + plane, start & (WORD_BITS - 1)
    return from_two(gather_words(planes, index), gather_words(planes, index + 1), shift) & low_bits(grid.width)


class Move(NamedTuple):
    """What moves a plane by some bits."""

    words: int
    shift: np.uint64
    carries: bool  # whether bits go from one word to the next


@helper
def move_of(grid: PlaneLayout, axis: int, exponent: int) -> Move:
    """By 2^exponent pixels along an axis."""
    distance = step_of(grid, axis) << exponent
    shift = distance % WORD_BITS
    # Within rows that do not cross words, all that another word could give has no place in the row.
    inside = axis == COLUMNS and WORD_BITS % grid.pitch == 0 and distance < grid.pitch
    return Move(distance // WORD_BITS * grid.interleaved, np.uint64(shift), shift != 0 and not inside)


# In the two functions below ``plane`` is where the plane begins and ``at`` the first of the eight words wanted of it.
# A source that lies outside of the plane altogether is all zeros, as the spare words around it are.
@helper
def moved_higher(grid: PlaneLayout, planes: Words, plane: int, at: int, move: Move) -> Vector:
    """Eight words of the plane moved towards higher pixels."""
    source = plane + max(at - move.words, -VECTOR_WORDS)
    moved = load_words(planes, source) << move.shift
    if move.carries:
        moved |= load_words(planes, source - grid.interleaved) >> (np.uint64(WORD_BITS) - move.shift)
    return moved


@helper
def moved_lower(grid: PlaneLayout, planes: Words, plane: int, at: int, move: Move) -> Vector:
    """Eight words of the plane moved towards lower pixels."""
    source = plane + min(at + move.words, grid.words)
    moved = load_words(planes, source) >> move.shift
    if move.carries:
        moved |= load_words(planes, source + grid.interleaved) << (np.uint64(WORD_BITS) - move.shift)
    return moved


@helper
def objects_in(grid: PlaneLayout, patterns: Words, planes: Words, background: int) -> Vector:
    """All that is not background, as a vector as `dilate` gives it."""
    return objects_in_words(grid, patterns, planes, background, 0, grid.words)


@helper
def objects_in_words(
    grid: PlaneLayout, patterns: Words, planes: Words, background: int, begin: int, end: int
) -> Vector:
    """The same for words ``begin`` to before ``end`` of the plane, both multiples of VECTOR_WORDS."""
    found = load_words(planes, 0)  # nothing: these words are spare
    for at in range(begin, end, VECTOR_WORDS):
        found |= load_words(patterns, INSIDE + at) & ~load_words(planes, background + at)
    return found
