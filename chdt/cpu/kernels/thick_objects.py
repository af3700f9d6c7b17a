"""Sizes of thick objects in large images: bounded by blocks, then found among the rows.

If M is the size, halved, of the image of all blocks of 8 x 8 pixels that are foreground, the largest distance D is
above 8 (M - 1), as a block at distance M has M - 1 whole blocks of foreground on each side; and it is below 8 (M + 1),
as every pixel has background at most M blocks away. Then, D is above r if, of the union of the background in rows
y - r to y + r for some y, 2 r + 1 pixels in a line are free, or r + 1 at the border.
"""

import numpy as np

from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import (
    VECTOR_WORDS,
    Vector,
    Word,
    counting,
    joined,
    leading_zeros,
    load_words,
    lowest_bit,
    store,
)
from chdt.cpu.kernels.packing import SPARE, WORD_BITS, Words, add_bits, low_bits
from chdt.cpu.kernels.planes import Planes, lay_out_background, nothing_in, plane_at

BLOCK_SIDE = 8  # pixels: a byte of a word

LEAST_KNOWN = 32  # pixels: free pixels between two others of the same word are too few for a window then


@helper
def _row_words(planes: Planes) -> int:
    return planes.layout.pitch // WORD_BITS


@helper
def _bytes_with_background(background: Vector) -> Word:
    """Of eight words, one bit for each byte that is not zero."""
    background |= background >> np.uint64(4)
    background |= background >> np.uint64(2)
    background |= background >> np.uint64(1)
    # The lowest bits of all bytes of a word, gathered in its highest byte.
    gathered = (background & np.uint64(0x0101010101010101)) * np.uint64(0x0102040810204080) >> np.uint64(56)
    return joined(gathered << (counting(np.uint64(0)) << np.uint64(3)))


@kernel
def lay_out_blocks(packed: Words, start: int, planes: Planes, blocks: Words) -> None:
    """Leave the background of an image in plane 0, and pack the image of its blocks that are foreground.

    Its packed bits begin at ``start``, its rows are longer than 64 pixels; ``blocks`` must be zero.
    """
    layout = planes.layout
    lay_out_background(packed, start, planes, plane_at(layout, 0))
    width = (layout.width + BLOCK_SIDE - 1) // BLOCK_SIDE
    words, at = _row_words(planes), 0
    for top in range(0, layout.height, BLOCK_SIDE):
        for column in range(0, width, WORD_BITS):
            found = nothing_in(planes)
            for row in range(top, min(top + BLOCK_SIDE, layout.height)):
                found |= load_words(planes.words, plane_at(layout, 0) + row * words + column // BLOCK_SIDE)
            count = min(WORD_BITS, width - column)
            add_bits(blocks, at, ~_bytes_with_background(found) & low_bits(count), count)
            at += count


@helper
def _add_row(planes: Planes, row: int, target: Words, at: int) -> None:
    """To a line of words from ``at`` on, add the background of a row; one beyond the image has none."""
    if 0 <= row < planes.layout.height:
        words = _row_words(planes)
        begin = plane_at(planes.layout, 0) + row * words
        for x in range(0, words, VECTOR_WORDS):
            store(target, at + x, load_words(target, at + x) | load_words(planes.words, begin + x))


@helper
def _has_room(line: Words, at: int, words: int, padding: int, radius: int) -> bool:
    """Whether a window of this radius, at least LEAST_KNOWN - 1, holds no set bit of a line.

    The last ``padding`` bits of its words are zero, and outside.
    """
    needed = radius + 1  # at the border, half a window is one
    free = 0
    for k in range(at, at + words):
        word = line[k]
        if word == 0:
            free += WORD_BITS
            continue
        if free + lowest_bit(word) >= needed:
            return True
        free, needed = leading_zeros(word), 2 * radius + 1
    return needed == radius + 1 or free - padding >= radius + 1


def lines_memory(words: int, radius: int) -> Words:
    """Memory for `largest_in_rows`: two lines, and one for each row of a window of this radius."""
    return np.empty((2 * radius + 3) * padded(words) + SPARE, np.uint64)


@helper
def padded(words: int) -> int:
    """Words of a line, in whole vectors."""
    return (words + VECTOR_WORDS - 1) // VECTOR_WORDS * VECTOR_WORDS


@kernel
def largest_in_rows(planes: Planes, first: int, last: int, known: int, lines: Words) -> int:
    """The largest distance in rows first..last - 1 if it is above ``known``, which is LEAST_KNOWN or more; else that.

    The background is in plane 0, and not empty. ``lines`` is `lines_memory`.
    """
    layout, words = planes.layout, _row_words(planes)
    pitch, padding = padded(words), layout.pitch - layout.width
    window, union, suffixes = 0, pitch, 2 * pitch  # two lines, then the unions from each row to the end of a segment
    height, best, nothing = 2 * known + 1, known, nothing_in(planes)
    for segment in range(first - known, last - known, height):
        # A window is the end of one segment and the beginning of the next one.
        for x in range(suffixes + height * pitch - pitch, suffixes + height * pitch, VECTOR_WORDS):
            store(lines, x, nothing)
        _add_row(planes, segment + height - 1, lines, suffixes + (height - 1) * pitch)
        for row in range(height - 2, -1, -1):
            at = suffixes + row * pitch
            for x in range(0, pitch, VECTOR_WORDS):
                store(lines, at + x, load_words(lines, at + pitch + x))
            _add_row(planes, segment + row, lines, at)
        for x in range(0, pitch, VECTOR_WORDS):
            store(lines, union + x, nothing)
        for row in range(min(height, last - known - segment)):
            centre = segment + row + known
            for x in range(0, pitch, VECTOR_WORDS):
                store(
                    lines,
                    window + x,
                    load_words(lines, suffixes + row * pitch + x) | load_words(lines, union + x),
                )
            done = known
            while _has_room(lines, window, words, padding, best):
                if done == best:
                    best += 1
                done += 1
                _add_row(planes, centre - done, lines, window)
                _add_row(planes, centre + done, lines, window)
            _add_row(planes, segment + height + row, lines, union)
    return best
