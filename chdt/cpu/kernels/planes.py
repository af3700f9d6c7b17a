"""Bit planes: an image laid out so that moving along an axis is one shift of all its words.

A plane holds the background as ones. Pixels outside the grid are never background, so the zeros that every shift brings
in are right by themselves, and eroding the object is dilating the background.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from chdt.cpu.kernels.jit import helper, hot_helper, kernel
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
from chdt.cpu.kernels.packing import SPARE, WORD_BITS, Sides, Words, from_two, low_bits, set_bits

PAGE_WORDS = 512  # words in 4 KiB


class PlaneLayout(NamedTuple):
    """How an image lies in a bit plane.

    Rows of up to 64 pixels follow each other without a gap. Longer rows start at a word, so that the patterns repeat
    after a few rows. Small images may be interleaved: the first word of each, then the second word of each, and so on.
    Their patterns are interleaved as well, and counted in all lengths below.
    """

    depth: int
    height: int
    width: int
    pitch: int  # bits from a row to the next
    plane_words: int  # words of a plane, a multiple of VECTOR_WORDS
    column_period: int  # words after which the patterns of moves along rows repeat, a multiple of VECTOR_WORDS
    row_period: int  # the same of moves from row to row; 0 if a plane is a single slice, which needs none
    exponents: int  # there are patterns for moves by 2^0, 2^1, ... 2^(exponents - 1) pixels
    stride: int  # words from a plane to the next
    interleaved: int  # images in a plane: 1, or VECTOR_WORDS, one in each lane of a vector
    black_border: bool  # whether pixels outside the grid are background: see `add_border`


class Planes(NamedTuple):
    """Bit planes of one layout: what the kernels on them read and write."""

    layout: PlaneLayout
    patterns: Words  # where a move may bring bits: see `move_of`
    words: Words  # the planes, one after the other; with spare words that are always zero around each


# The axes along which pixels have neighbours.
COLUMNS, ROWS, SLICES = 0, 1, 2

AXES = 3


@helper
def plane_at(layout: PlaneLayout, index: int) -> int:
    """Where among the words this plane begins."""
    return SPARE + index * layout.stride


@helper
def pixels_in(layout: PlaneLayout) -> int:
    """Pixels of an image."""
    return layout.depth * layout.height * layout.width


@helper
def cap_of(layout: PlaneLayout) -> int:
    """The longest side, which no distance reaches."""
    return max(layout.depth, layout.height, layout.width)


@helper
def length_of(layout: PlaneLayout, axis: int) -> int:
    """Pixels along this axis."""
    return layout.width if axis == COLUMNS else layout.height if axis == ROWS else layout.depth


# Patterns, one after the other: INSIDE has a bit for every pixel of the grid and is as long as a plane. Then, along
# rows and from row to row, one for each exponent: where a bit may land that moved by 2^exponent pixels towards higher
# ones; behind these, the same towards lower ones. What leaves a plane at its ends is lost, or lands outside of INSIDE.
# Last, with a black border, the outermost pixels of the grid.
INSIDE = 0


class Move(NamedTuple):
    """Of a plane, by 2^exponent pixels along an axis: all that the two directions need."""

    distance_words: int  # by whole words
    shift: np.uint64  # and by so many bits
    carries: bool  # whether bits go from one word to the next
    period: int  # words after which the patterns repeat
    keep_higher: int  # where the pattern begins of pixels that bits may land on, moved towards higher ones
    keep_lower: int  # and towards lower ones


@helper
def move_of(layout: PlaneLayout, axis: int, exponent: int) -> Move:
    """By 2^exponent pixels along an axis."""
    step, period, first, count = layout.pitch * layout.height, layout.plane_words, INSIDE, 0
    if axis == COLUMNS:
        step, period, first, count = 1, layout.column_period, layout.plane_words, layout.exponents
    elif axis == ROWS:
        step = layout.pitch
        if layout.row_period > 0:
            first = layout.plane_words + 2 * layout.exponents * layout.column_period
            period, count = layout.row_period, layout.exponents
    distance = step << exponent
    shift = distance % WORD_BITS
    # Within rows that do not cross words, all that another word could give has no place in the row.
    inside = axis == COLUMNS and WORD_BITS % layout.pitch == 0 and distance < layout.pitch
    keep_higher = first + min(exponent, count) * period
    return Move(
        distance // WORD_BITS * layout.interleaved,
        np.uint64(shift),
        shift != 0 and not inside,
        period,
        keep_higher,
        keep_higher + count * period,
    )


def planes_of(sides: Sides, count: int, interleaved: int = 1, black_border: bool = False) -> Planes:
    """So many planes, all zero, for a grid without single pixels, or for as many interleaved images of it."""
    layout, patterns = _layout_of(*sides, interleaved, black_border)
    return Planes(layout, patterns, aligned(SPARE + count * layout.stride, 0, np.uint64))


@functools.lru_cache(maxsize=16)
def _layout_of(depth: int, height: int, width: int, interleaved: int, black_border: bool) -> tuple[PlaneLayout, Words]:
    """The layout of a grid, and its patterns."""
    pitch = width if width <= WORD_BITS else -(-width // WORD_BITS) * WORD_BITS
    least = VECTOR_WORDS // interleaved  # words of an image in a vector
    image_words = -(-depth * height * pitch // (WORD_BITS * least)) * least
    column_period = _period(pitch, image_words, least)
    row_period = _period(height * pitch, image_words, least) if depth > 1 else 0
    exponents = max(depth, height, width).bit_length() + 1
    patterns = np.zeros(image_words + 2 * exponents * (column_period + row_period), np.uint64)
    _mark(patterns[:image_words], depth * height, pitch, 0, width)
    of_columns, of_rows = np.split(patterns[image_words:], [2 * exponents * column_period])
    for of_axis, length, step, repeat in ((of_columns, width, 1, pitch), (of_rows, height, pitch, height * pitch)):
        for index, pattern in enumerate(of_axis.reshape(2 * exponents, -1) if of_axis.size else ()):
            distance = 1 << index % exponents
            first, last = (distance, length) if index < exponents else (0, length - distance)
            _mark(pattern, pattern.size * WORD_BITS // repeat + 1, repeat, first * step, last * step)
    if black_border:
        patterns = np.concatenate([patterns, _outermost(depth, height, width, pitch, image_words)])
    plane_words = image_words * interleaved
    stride = plane_words + SPARE
    if stride > PAGE_WORDS:  # an offset of a quarter page: a read whole pages behind a write is taken to wait for it
        stride += (PAGE_WORDS // 4 + VECTOR_WORDS - stride) % PAGE_WORDS
    layout = PlaneLayout(
        depth,
        height,
        width,
        pitch,
        plane_words,
        column_period * interleaved,
        row_period * interleaved,
        exponents,
        stride,
        interleaved,
        black_border,
    )
    at_cache_line = aligned(patterns.size * interleaved, 0, np.uint64)
    at_cache_line[:] = np.repeat(patterns, interleaved)
    return layout, at_cache_line


def _outermost(depth: int, height: int, width: int, pitch: int, words: int) -> Words:
    """The pattern of the pixels that have a neighbour outside the grid, along an axis of more than one pixel."""
    outermost = np.zeros((depth, height, pitch), np.uint8)
    outermost[..., :width] = 1
    outermost[tuple(slice(1, side - 1) if side > 1 else slice(0, 1) for side in (depth, height, width))] = 0
    packed = np.zeros(words * 8, np.uint8)
    packed[: -(-outermost.size // 8)] = np.packbits(outermost, bitorder="little")
    return packed.view(np.uint64)


def _period(bits: int, words: int, least: int) -> int:
    """Words after which what repeats every so many bits does, if a plane has as many; a multiple of ``least``."""
    return min(words, math.lcm(bits // math.gcd(bits, WORD_BITS), least))


@kernel
def _mark(pattern: Words, rows: int, pitch: int, first: int, last: int) -> None:
    """Set the bits from ``first`` to before ``last`` in every row, or slice."""
    for row in range(rows):
        set_bits(pattern, row * pitch + first, min(row * pitch + last, pattern.size * WORD_BITS))


@helper
def copy_plane(planes: Planes, source: int, target: int) -> None:
    """Copy a plane; both are given by where they begin."""
    for at in range(0, planes.layout.plane_words, VECTOR_WORDS):
        store(planes.words, target + at, load_words(planes.words, source + at))


@helper
def eight_rows(planes: Planes, plane: int, first: int, last: int) -> Vector:
    """Eight rows of up to 64 pixels of a plane from row ``first`` on, in a word each; ``last`` for all behind it."""
    start = minimum(counting(first), eight(last)) * planes.layout.pitch
    index, shift = (start >> 6) + plane, start & (WORD_BITS - 1)
    words = from_two(gather_words(planes.words, index), gather_words(planes.words, index + 1), shift)
    return words & low_bits(planes.layout.width)


# In the two functions below ``plane`` is where the plane begins and ``at`` the first of the eight words wanted of it.
# A source outside of the plane is all zeros, as the spare words around it are.
@hot_helper
def moved_higher(planes: Planes, plane: int, at: int, move: Move) -> Vector:
    """Eight words of the plane moved towards higher pixels, bits that leave their row or slice included."""
    source = plane + max(at - move.distance_words, -VECTOR_WORDS)
    moved = load_words(planes.words, source) << move.shift
    if move.carries:
        moved |= load_words(planes.words, source - planes.layout.interleaved) >> (np.uint64(WORD_BITS) - move.shift)
    return moved


@hot_helper
def moved_lower(planes: Planes, plane: int, at: int, move: Move) -> Vector:
    """Eight words of the plane moved towards lower pixels, bits that leave their row or slice included."""
    source = plane + min(at + move.distance_words, planes.layout.plane_words)
    moved = load_words(planes.words, source) >> move.shift
    if move.carries:
        moved |= load_words(planes.words, source + planes.layout.interleaved) << (np.uint64(WORD_BITS) - move.shift)
    return moved


@helper
def objects_at(planes: Planes, background_at: int, at: int) -> Vector:
    """What is no background in the eight words from ``at`` on of a plane."""
    return load_words(planes.patterns, INSIDE + at) & ~load_words(planes.words, background_at + at)


@helper
def objects_in(planes: Planes, background_at: int, begin: int, end: int) -> Vector:
    """What is no background in words ``begin`` to before ``end`` of a plane, both multiples of VECTOR_WORDS.

    As `dilate` gives it: lane j is not zero if something is left in words j, j + 8, ...
    """
    left = nothing_in(planes)
    for at in range(begin, end, VECTOR_WORDS):
        left |= objects_at(planes, background_at, at)
    return left


@helper
def add_border(planes: Planes, background_at: int) -> None:
    """Make background of the outermost pixels of a plane that was eroded by one pixel, as a black border does.

    What is eroded further is then right without a border: docs/exact.md says why.
    """
    outermost_at = planes.patterns.size - planes.layout.plane_words
    for at in range(0, planes.layout.plane_words, VECTOR_WORDS):
        grown = load_words(planes.words, background_at + at) | load_words(planes.patterns, outermost_at + at)
        store(planes.words, background_at + at, grown)


@helper
def nothing_in(planes: Planes) -> Vector:
    """Eight zeros: the first words are spare."""
    return load_words(planes.words, 0)
