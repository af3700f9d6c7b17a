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
    counting,
    eight,
    equal_bits,
    fill,
    gather_words,
    lanes_before,
    lanes_behind,
    load_pixels,
    load_words,
    minimum,
    prefetch,
    spread,
    store,
)

Words = npt.NDArray[np.uint64]
Sides = tuple[int, int, int]  # slices, rows, columns

WORD = 64  # bits
AHEAD = 6 << 10  # bytes of masks: in another page, into which a processor does not fetch by itself
MOST_TOGETHER = 32  # words of an image that shares planes with others
PAGE = 512  # words
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
    wrong = fill(0, foreground)
    for k in range(whole):
        at = head + k * WORD
        prefetch(values, at + AHEAD // values.itemsize)
        bits = equal_bits(values, at, foreground)
        wrong |= load_pixels(values, at) ^ spread(bits, foreground, background)
        words[first + k] = bits
    if any_set(wrong):
        return _first_invalid(values, head, foreground, background)
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
def from_two(words: Vector, behind: Vector, shift: Vector | Word) -> Vector:
    """64 bits from bit ``shift`` < 64 on of each word and the one behind it."""
    return (words >> shift) | ((behind << np.uint64(1)) << (shift ^ np.uint64(WORD - 1)))  # a shift by 64 is none


@helper
def low_bits(count: int) -> Word:
    """A word with its lowest ``count`` bits set, 0 <= count <= 64."""
    return np.uint64(0) if count == 0 else ~np.uint64(0) >> np.uint64(WORD - count)


@kernel
def surround(words: Words, images: int, shape: Sides, border: Sides, target: Words) -> None:
    """Copy packed images of this shape into larger ones of background, with so many pixels on either side."""
    depth, height, width = shape
    slices, rows, columns = border
    for line in range(images * depth * height):
        image, z, y = line // (depth * height), line // height % depth, line % height
        at = ((image * (depth + 2 * slices) + z + slices) * (height + 2 * rows) + y + rows) * (width + 2 * columns)
        for x in range(0, width, WORD):
            count = min(WORD, width - x)
            bits = read_bits(words, line * width + x, count)
            index, offset = (at + columns + x) // WORD, (at + columns + x) % WORD
            target[index] |= bits << np.uint64(offset)
            if offset + count > WORD:
                target[index + 1] |= bits >> np.uint64(WORD - offset)


# ------------------------------------------------------------------------------------------------ planes


class Grid(NamedTuple):
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
    words: int  # of a plane, a multiple of WORDS
    column_period: int  # words after which the patterns for moves to other columns repeat, a multiple of WORDS
    row_period: int  # the same for moves to other rows; 0 where a plane is a single slice, for then they need none
    levels: int  # shifts by 2^0, 2^1, ... 2^(levels - 1) pixels have a pattern
    stride: int  # words from a plane to the next
    together: int  # images whose words alternate in a plane: 1, or WORDS, one in each lane of a vector


# The axes along which pixels have neighbours.
COLUMNS, ROWS, SLICES = 0, 1, 2
AXES = 3


@helper
def plane_at(grid: Grid, number: int) -> int:
    """Where in an array of planes this one begins."""
    return SPARE + number * grid.stride


@helper
def pixels_in(grid: Grid) -> int:
    """Pixels of an image."""
    return grid.depth * grid.height * grid.width


@helper
def cap_of(grid: Grid) -> int:
    """The longest side, which no distance reaches."""
    return max(grid.depth, grid.height, grid.width)


@helper
def length_of(grid: Grid, axis: int) -> int:
    """Pixels along this axis."""
    return grid.width if axis == COLUMNS else grid.height if axis == ROWS else grid.depth


@helper
def step_of(grid: Grid, axis: int) -> int:
    """Bits from a pixel to the next one along this axis."""
    return 1 if axis == COLUMNS else grid.pitch if axis == ROWS else grid.pitch * grid.height


# The patterns, one after the other: INSIDE has a bit for every pixel of the grid and is as long as a plane; then, for
# the columns and for the rows and each level, the pixels where a bit moved by 2^level pixels towards higher ones may
# land, then towards lower ones. What leaves a plane at its ends is lost by itself, or lands outside of INSIDE.
INSIDE = 0


@helper
def pattern_of(grid: Grid, axis: int, level: int, higher: bool) -> int:
    """Where the pattern of the pixels that have a neighbour 2^level before, or behind, them begins."""
    number = level if higher else grid.levels + level
    if axis == COLUMNS:
        return grid.words + number * grid.column_period
    if axis == ROWS and grid.row_period > 0:
        return grid.words + 2 * grid.levels * grid.column_period + number * grid.row_period
    return INSIDE


@helper
def period_of(grid: Grid, axis: int) -> int:
    """Words after which it repeats."""
    return (
        grid.column_period
        if axis == COLUMNS
        else grid.row_period
        if axis == ROWS and grid.row_period > 0
        else grid.words
    )


@functools.lru_cache(maxsize=16)
def grid_of(depth: int, height: int, width: int, together: int = 1) -> tuple[Grid, Words]:
    """The layout for one grid, and its patterns."""
    pitch = width if width <= WORD else -(-width // WORD) * WORD
    least = WORDS // together  # words of an image in a vector
    words = -(-depth * height * pitch // (WORD * least)) * least
    column_period = _period(pitch, words, least)
    row_period = _period(height * pitch, words, least) if depth > 1 else 0
    levels = max(depth, height, width).bit_length() + 1
    patterns = np.zeros(words + 2 * levels * (column_period + row_period), np.uint64)
    _mark(patterns[:words], depth * height, pitch, 0, width)
    of_columns, of_rows = np.split(patterns[words:], [2 * levels * column_period])
    for pattern, length, step, repeat in ((of_columns, width, 1, pitch), (of_rows, height, pitch, height * pitch)):
        for number, kept in enumerate(pattern.reshape(2 * levels, -1) if pattern.size else ()):
            distance = 1 << number % levels
            first, last = (distance, length) if number < levels else (0, length - distance)
            _mark(kept, kept.size * WORD // repeat + 1, repeat, first * step, last * step)
    words, column_period, row_period = words * together, column_period * together, row_period * together
    stride = words + SPARE
    if stride > PAGE:  # a read that lies whole pages behind a write is taken to wait for it
        stride += (PAGE // 4 + WORDS - stride) % PAGE
    grid = Grid(depth, height, width, pitch, words, column_period, row_period, levels, stride, together)
    return grid, np.repeat(patterns, together)


def images_together(images: int, pixels: int) -> int:
    """How many images to lay out in one plane: several where each has few words."""
    return WORDS if images >= WORDS and pixels <= MOST_TOGETHER * WORD else 1


def _period(bits: int, words: int, least: int) -> int:
    """Words after which what repeats every so many bits does, if a plane has as many; a multiple of ``least``."""
    return min(words, math.lcm(bits // math.gcd(bits, WORD), least))


@kernel
def _mark(words: Words, rows: int, pitch: int, first: int, last: int) -> None:
    """Set the bits from ``first`` to before ``last`` in every row, or slice."""
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
            bits = from_two(load_words(words, first + at), load_words(words, first + at + 1), shift)
            store(planes, background + at, ~bits & load_words(patterns, INSIDE + at))
        return
    at = background
    for row in range(grid.depth * grid.height):
        for column in range(0, grid.width, WORD):
            count = min(WORD, grid.width - column)
            planes[at] = ~read_bits(words, start + row * grid.width + column, count) & low_bits(count)
            at += 1


@helper
def lay_out_together(
    words: Words, start: int, images: int, grid: Grid, patterns: Words, planes: Words, background: int
) -> None:
    """The background of up to ``grid.together`` images, as one plane; where they are fewer, the last is repeated."""
    gapless = grid.pitch == grid.width
    lines = 1 if gapless else grid.depth * grid.height
    words_of_line = grid.words // (grid.together * lines)
    first = minimum(counting(0), eight(images - 1)) * pixels_in(grid) + start
    at = 0
    for _ in range(lines):
        index, shift = first >> 6, first & (WORD - 1)
        here = gather_words(words, index)
        for _ in range(words_of_line):
            index += 1
            behind = gather_words(words, index)
            store(planes, background + at, ~from_two(here, behind, shift) & load_words(patterns, INSIDE + at))
            here = behind
            at += WORDS
        first += grid.width


@helper
def eight_rows(grid: Grid, planes: Words, plane: int, first: int, last: int) -> Vector:
    """Eight rows of up to 64 pixels of a plane from row ``first`` on, in a word each; ``last`` for all behind it."""
    start = minimum(counting(first), eight(last)) * grid.pitch
    index, shift = (start >> 6) + plane, start & (WORD - 1)
    return from_two(gather_words(planes, index), gather_words(planes, index + 1), shift) & low_bits(grid.width)


class Move(NamedTuple):
    """What moves a plane by some bits."""

    words: int
    shift: np.uint64
    carries: bool  # whether bits go from one word to the next


@helper
def move_of(grid: Grid, axis: int, level: int) -> Move:
    """By 2^level pixels along an axis."""
    distance = step_of(grid, axis) << level
    shift = distance % WORD
    # Within rows that do not cross words, all that another word could give has no place in the row.
    inside = axis == COLUMNS and WORD % grid.pitch == 0 and distance < grid.pitch
    return Move(distance // WORD * grid.together, np.uint64(shift), shift != 0 and not inside)


# In the two functions below ``plane`` is where the plane begins and ``at`` the first of the eight words wanted of it.
# A source that lies outside of the plane altogether is all zeros, as the spare words around it are.


@helper
def moved_higher(grid: Grid, planes: Words, plane: int, at: int, move: Move) -> Vector:
    """Eight words of the plane moved towards higher pixels."""
    source = plane + max(at - move.words, -WORDS)
    moved = load_words(planes, source) << move.shift
    if move.carries:
        moved |= load_words(planes, source - grid.together) >> (np.uint64(WORD) - move.shift)
    return moved


@helper
def moved_lower(grid: Grid, planes: Words, plane: int, at: int, move: Move) -> Vector:
    """Eight words of the plane moved towards lower pixels."""
    source = plane + min(at + move.words, grid.words)
    moved = load_words(planes, source) >> move.shift
    if move.carries:
        moved |= load_words(planes, source + grid.together) << (np.uint64(WORD) - move.shift)
    return moved


@helper
def dilate(grid: Grid, patterns: Words, planes: Words, axis: int, level: int, background: int, dilated: int) -> Vector:
    """Background within 2^level pixels along one axis, by two shifts; give a vector that shows what is left of objects.

    Lane j of it is not zero if something is left in one of the words j, j + 8, j + 16, ...

    One after the other, the axes dilate by all shifts of 0 or 2^level pixels an axis. Background that was dilated by
    radius r is then dilated by radius r + 2^level, if 2^level <= r + 1: docs/exact.md says why.
    """
    higher, lower = pattern_of(grid, axis, level, True), pattern_of(grid, axis, level, False)
    period, move = period_of(grid, axis), move_of(grid, axis, level)
    left = load_words(planes, 0)  # nothing: these words are spare
    k = 0
    for at in range(0, grid.words, WORDS):
        grown = load_words(planes, background + at)
        object_before = load_words(patterns, INSIDE + at) & ~grown
        # Mostly, in the end, there is no object to grow into.
        if grid.together > 1 or any_set(object_before):
            grown |= moved_higher(grid, planes, background, at, move) & load_words(patterns, higher + k)
            grown |= moved_lower(grid, planes, background, at, move) & load_words(patterns, lower + k)
            left |= object_before & ~grown
        store(planes, dilated + at, grown)
        k += WORDS
        if k == period:
            k = 0
    return left


@helper
def _dilated_along_rows(
    grid: Grid, patterns: Words, planes: Words, level: int, background: int, at: int, k: int, move: Move
) -> Vector:
    """Eight words of the background within 2^level rows; in a grid of one slice, some of it may be below the grid."""
    higher, lower = moved_higher(grid, planes, background, at, move), moved_lower(grid, planes, background, at, move)
    if grid.row_period > 0:
        higher &= load_words(patterns, pattern_of(grid, ROWS, level, True) + k)
        lower &= load_words(patterns, pattern_of(grid, ROWS, level, False) + k)
    return load_words(planes, background + at) | higher | lower


@helper
def _dilate_rows_and_columns(
    grid: Grid, patterns: Words, planes: Words, level: int, background: int, dilated: int
) -> Vector:
    """The same as `dilate` along the rows, then along the columns, in one pass: by less than a word."""
    along_rows, along_columns = move_of(grid, ROWS, level), move_of(grid, COLUMNS, level)
    higher, lower = pattern_of(grid, COLUMNS, level, True), pattern_of(grid, COLUMNS, level, False)
    shift, back = along_columns.shift, np.uint64(WORD) - along_columns.shift
    left, nothing = load_words(planes, 0), load_words(planes, 0)  # these words are spare
    before = nothing
    here = _dilated_along_rows(grid, patterns, planes, level, background, 0, 0, along_rows)
    keep_higher, keep_lower = load_words(patterns, higher), load_words(patterns, lower)
    column_k, row_k = 0, 0
    for at in range(0, grid.words, WORDS):
        behind = nothing
        if at + WORDS < grid.words:
            row_k = 0 if row_k + WORDS >= grid.row_period else row_k + WORDS
            behind = _dilated_along_rows(grid, patterns, planes, level, background, at + WORDS, row_k, along_rows)
        to_higher, to_lower = here << shift, here >> shift
        if along_columns.carries:
            word_before = before if grid.together > 1 else lanes_before(before, here)
            word_behind = behind if grid.together > 1 else lanes_behind(here, behind)
            to_higher |= word_before >> back
            to_lower |= word_behind << back
        grown = here | (to_higher & keep_higher) | (to_lower & keep_lower)
        inside = load_words(patterns, INSIDE + at)
        store(planes, dilated + at, grown & inside)
        left |= inside & ~grown
        before, here = here, behind
        if grid.column_period > WORDS:
            column_k = 0 if column_k + WORDS == grid.column_period else column_k + WORDS
            keep_higher, keep_lower = load_words(patterns, higher + column_k), load_words(patterns, lower + column_k)
    return left


@helper
def level_towards(radius: int, done: int) -> int:
    """The level of the next step of a dilation by this radius, ``done`` of it done: the highest `dilate` allows."""
    level = 0
    while (2 << level) <= min(done + 1, radius - done):
        level += 1
    return level


@helper
def erode(grid: Grid, patterns: Words, planes: Words, level: int, source: int, other: int, target: int) -> Vector:
    """Erode by 2^level pixels along all axes, the background being in the plane at ``source``, then in ``target``.

    Give what is left, as `dilate` does. The plane at ``other`` is worked in. In a grid of one pixel nothing is left.
    """
    left = load_words(planes, 0)  # nothing: these words are spare
    at_once = grid.height > 1 and grid.width > 1 and (1 << level) < WORD
    passes = (grid.depth > 1) + (grid.height > 1) + (grid.width > 1) - at_once
    to, spare = (target, other) if passes % 2 == 1 else (other, target)
    if grid.depth > 1:
        left = dilate(grid, patterns, planes, SLICES, level, source, to)
        source, to, spare = to, spare, to
    if at_once:
        return _dilate_rows_and_columns(grid, patterns, planes, level, source, to)
    for axis in (COLUMNS, ROWS):
        if length_of(grid, axis) > 1:
            left = dilate(grid, patterns, planes, axis, level, source, to)
            source, to, spare = to, spare, to
    return left


@helper
def objects_in(grid: Grid, patterns: Words, planes: Words, background: int) -> Vector:
    """All that is not background, as a vector as `dilate` gives it."""
    return objects_in_words(grid, patterns, planes, background, 0, grid.words)


@helper
def objects_in_words(grid: Grid, patterns: Words, planes: Words, background: int, begin: int, end: int) -> Vector:
    """The same for words ``begin`` to before ``end`` of the plane, both multiples of WORDS."""
    found = load_words(planes, 0)  # nothing: these words are spare
    for at in range(begin, end, WORDS):
        found |= load_words(patterns, INSIDE + at) & ~load_words(planes, background + at)
    return found


@helper
def largest_distance(
    grid: Grid,
    patterns: Words,
    planes: Words,
    number: int,
    known: int,
    most: int,
    begin: int,
    end: int,
) -> int:
    """The largest distance in words ``begin`` to before ``end`` of a plane, at most ``most``; 0 if not above ``known``.

    Three planes from ``number`` on are worked in; the first holds the background. The object is eroded by ``known``
    pixels, then by 1, 2, 4, ... until nothing is left, then by half as many each time.
    """
    current, first, second = plane_at(grid, number), plane_at(grid, number + 1), plane_at(grid, number + 2)
    if not any_set(objects_in_words(grid, patterns, planes, current, begin, end)):
        return 0
    radius = 0
    while radius < known:
        level = level_towards(known, radius)
        erode(grid, patterns, planes, level, current, first, second)
        if not any_set(objects_in_words(grid, patterns, planes, second, begin, end)):
            return 0
        current, second = second, current
        radius += 1 << level
    level, rising = 0, True
    while (rising or level > 0) and radius + 1 < most:
        if not rising:
            level -= 1
        erode(grid, patterns, planes, level, current, first, second)
        if any_set(objects_in_words(grid, patterns, planes, second, begin, end)):
            current, second = second, current
            radius += 1 << level
            level += rising
        else:
            rising = False
    return min(radius + 1, most)
