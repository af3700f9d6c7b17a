"""Sixty-four pixels a word: masks to bits, and bits to masks.

A batch is packed once, in reading order, without gaps: pixel p of the batch is bit p % 64 of word p // 64.
"""

import numpy as np
import numpy.typing as npt

from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import (
    VECTOR_WORDS,
    Number,
    Numbers,
    Vector,
    Word,
    any_set,
    eight,
    equal_bits,
    fill,
    load_pixels,
    load_words,
    prefetch_pixels,
    spread,
    store,
)

Words = npt.NDArray[np.uint64]

Sides = tuple[int, int, int]  # slices, rows, columns

WORD_BITS = 64  # bits

AHEAD_BYTES = 6 << 10
"""Bytes of masks between what is packed and what is prefetched.

More than a page of 4 KiB, as processors do not prefetch across its end by themselves; much more would push data out of
the nearest cache before it is read. On one core of Zen 3, a sixth to two thirds of it takes about as long.
"""

SPARE = 2 * VECTOR_WORDS  # zero words before and behind a plane: a shift reads up to 9 of them


def packed_words(pixels: int) -> int:
    """Words to allocate for a packed batch, whose end kernels read, and write, a few words beyond."""
    return -(-pixels // WORD_BITS) + SPARE


@kernel
def pack(values: Numbers, foreground: Number | None, background: Number, words: Words, start: int) -> int:
    """Write the bits of ``values == foreground`` from bit ``start`` on; give the index of an invalid value, or -1.

    Invalid is a value that is neither of the two; the first one is found. Where ``foreground`` is None, every value but
    the background is foreground, none is invalid, and the kernel is compiled separately. If ``start`` is no multiple of
    64, the bits before it in its word are kept, and those behind must be zero. Later words need not be.
    """
    head = min(values.size, -start % WORD_BITS)
    found = _pack_few(values, 0, head, foreground, background, words, start)
    if found >= 0:
        return found
    first = (start + head) // WORD_BITS
    whole = (values.size - head) // WORD_BITS
    wrong = fill(0, background)
    for k in range(whole):
        at = head + k * WORD_BITS
        prefetch_pixels(values, at + AHEAD_BYTES // values.itemsize)
        if foreground is None:
            words[first + k] = ~equal_bits(values, at, background)
        else:
            bits = equal_bits(values, at, foreground)
            wrong |= load_pixels(values, at) ^ spread(bits, foreground, background)
            words[first + k] = bits
    if any_set(wrong):
        return _first_invalid(values, head, foreground, background)
    tail = head + whole * WORD_BITS
    if tail < values.size:
        words[first + whole] = np.uint64(0)
    return _pack_few(values, tail, values.size, foreground, background, words, start)


@helper
def _pack_few(
    values: Numbers, begin: int, end: int, foreground: Number | None, background: Number, words: Words, start: int
) -> int:
    """`pack` values begin..end - 1, one by one; their bits must be zero."""
    for j in range(begin, end):
        is_foreground = values[j] != background
        if foreground is not None:  # noqa: SIM102, a condition that Numba decides when it compiles
            if is_foreground and values[j] != foreground:
                return j
        if is_foreground:
            words[(start + j) // WORD_BITS] |= np.uint64(1) << np.uint64((start + j) % WORD_BITS)
    return -1


@helper
def _first_invalid(values: Numbers, start: int, foreground: Number | None, background: Number) -> int:
    """Index of the first value from ``start`` on that is neither of the two, or -1."""
    if foreground is not None:
        for j in range(start, values.size):
            if values[j] != foreground and values[j] != background:
                return j
    return -1


@helper
def read_bits(words: Words, start: int, count: int) -> Word:
    """Read ``count`` bits of a packed batch from bit ``start`` on, 0 <= count <= 64; the bits above them are zero."""
    index, offset = start // WORD_BITS, start % WORD_BITS
    bits = words[index] >> np.uint64(offset)
    if offset + count > WORD_BITS:
        bits |= words[index + 1] << np.uint64(WORD_BITS - offset)
    return bits & low_bits(count)


@helper
def add_bits(words: Words, at: int, bits: Word, count: int) -> None:
    """Set ``count`` bits from bit ``at`` on, which must be zero."""
    index, offset = at // WORD_BITS, at % WORD_BITS
    words[index] |= bits << np.uint64(offset)
    if offset + count > WORD_BITS:
        words[index + 1] |= bits >> np.uint64(WORD_BITS - offset)


@helper
def set_bits(words: Words, start: int, stop: int) -> None:
    """Set the bits from ``start`` to before ``stop``."""
    while start < stop:
        count = min(stop - start, WORD_BITS - start % WORD_BITS)
        words[start // WORD_BITS] |= low_bits(count) << np.uint64(start % WORD_BITS)
        start += count


@helper
def from_two(words: Vector, behind: Vector, shift: Vector | Word) -> Vector:
    """Per lane, bits shift..shift + 63 of a word followed by the one behind it; 0 <= shift < 64."""
    return (words >> shift) | ((behind << np.uint64(1)) << (shift ^ np.uint64(WORD_BITS - 1)))  # never a shift by 64


@helper
def low_bits(count: int) -> Word:
    """A word with its lowest ``count`` bits set, 0 <= count <= 64."""
    return np.uint64(0) if count == 0 else ~np.uint64(0) >> np.uint64(WORD_BITS - count)


@kernel
def copy_images(words: Words, pixels: int, images: npt.NDArray[np.int64], target: Words) -> None:
    """Copy some of the packed images, one after the other. ``target`` must be zero."""
    at = 0
    for image in images:
        for first in range(0, pixels, WORD_BITS):
            count = min(WORD_BITS, pixels - first)
            add_bits(target, at + first, read_bits(words, image * pixels + first, count), count)
        at += pixels


@helper
def _copy_row(words: Words, start: int, count: int, target: Words, at: int) -> None:
    """Copy ``count`` bits, 64 or more, to bit ``at``; those behind, in the last word and eight more, become zero."""
    head = WORD_BITS - at % WORD_BITS
    add_bits(target, at, read_bits(words, start, head), head)
    index, shift = (start + head) // WORD_BITS, np.uint64((start + head) % WORD_BITS)
    to, left = (at + head) // WORD_BITS, count - head
    end = to + left // WORD_BITS
    while left > 0:
        store(target, to, from_two(load_words(words, index), load_words(words, index + 1), shift))
        index, to, left = index + VECTOR_WORDS, to + VECTOR_WORDS, left - VECTOR_WORDS * WORD_BITS
    target[end] &= low_bits((count - head) % WORD_BITS)
    store(target, end + 1, eight(0))


@kernel
def surround(words: Words, images: int, shape: Sides, border: Sides, target: Words) -> None:
    """Copy packed images of this shape into larger ones, with a border of so many pixels on either side.

    ``target`` must be zero; what is not written stays background.
    """
    depth, height, width = shape
    slices, rows, columns = border
    pitch = width + 2 * columns
    read_at, write_at = 0, columns + pitch * (rows + slices * (height + 2 * rows))
    for _ in range(images):
        for _ in range(depth):
            for _ in range(height):
                if width <= WORD_BITS:
                    add_bits(target, write_at, read_bits(words, read_at, width), width)
                else:
                    _copy_row(words, read_at, width, target, write_at)
                read_at += width
                write_at += pitch
            write_at += 2 * rows * pitch
        write_at += 2 * slices * (height + 2 * rows) * pitch


@kernel
def unpack(words: Words, foreground: Number, background: Number, values: Numbers) -> None:
    """Write a value for each bit, the first at bit 0: the inverse of `pack`."""
    whole = values.size // WORD_BITS
    for k in range(whole):
        store(values, k * WORD_BITS, spread(words[k], foreground, background))
    for j in range(whole * WORD_BITS, values.size):
        values[j] = foreground if (words[whole] >> np.uint64(j % WORD_BITS)) & np.uint64(1) != 0 else background
