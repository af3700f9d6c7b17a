"""The background of a large image, slab by slab: a slab is a row of an image, or of a volume a slice across an axis.

The axis is the longer one of those from slice to slice and from row to row. A window reaches over several slabs, whose
union is joined of two parts, so it takes as long however many they are. Slabs are in *segments*. The first part goes up
to the end of a segment: unions of each slab and all behind it are made once a segment. The second part goes on from
there, and gets one more slab as the window moves on by one.
"""

from typing import NamedTuple

import numpy as np

from chdt.checks.shape import Shape
from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import VECTOR_WORDS, Vector, lane, load_words, store
from chdt.cpu.kernels.packing import WORD_BITS, Words, from_two, low_bits
from chdt.cpu.kernels.planes import INSIDE, ROWS, SLICES, Planes, nothing_in, planes_of


class Slabs(NamedTuple):
    """The background of an image, for all threads."""

    number: int  # of slabs
    rows: int  # of a slab
    width: int  # of a row, in pixels
    row_words: int
    pitch: int  # words from a slab to the next, whole vectors; those behind the rows are zero
    axis: int  # from slab to slab: ROWS or SLICES, whichever is longer
    axis_of_rows: int  # from row to row of a slab: the other one
    words: Words


class Segment(NamedTuple):
    """What a thread needs to join slabs."""

    planes: Planes  # of one slab
    unions: Words  # of each slab and those behind it in the segment; then of those behind the segment


def slabs_of(shape: Shape) -> Slabs:
    """Memory for an image whose rows are longer than 64 pixels."""
    depth, height, width = shape.without_single_pixels
    number, rows, axis, axis_of_rows = height, depth, ROWS, SLICES
    if depth >= height:
        number, rows, axis, axis_of_rows = depth, height, SLICES, ROWS
    row_words = -(-width // WORD_BITS)
    pitch = -(-rows * row_words // VECTOR_WORDS) * VECTOR_WORDS
    return Slabs(number, rows, width, row_words, pitch, axis, axis_of_rows, np.empty(number * pitch, np.uint64))


def segment_of(shape: Shape, planes: int) -> Segment:
    """Memory for one thread."""
    slabs = slabs_of(shape)
    of_slab = planes_of((1, slabs.rows, slabs.width), planes)
    return Segment(of_slab, np.empty((slabs.number + 1) * slabs.pitch, np.uint64))


@kernel
def lay_out_slabs(packed: Words, start: int, first: int, last: int, slabs: Slabs) -> None:
    """Write the background of slabs first..last - 1 of an image whose packed bits begin at ``start``."""
    words, rows, width, row_words = slabs.words, slabs.rows, slabs.width, slabs.row_words
    if width % WORD_BITS == 0 and (slabs.axis == SLICES or rows == 1):  # a slab is one long row
        rows, width, row_words = 1, rows * width, rows * row_words
    inside = low_bits(width - (row_words - 1) * WORD_BITS)  # of the last word of a row
    for slab in range(first, last):
        at, end = slab * slabs.pitch, (slab + 1) * slabs.pitch
        for row in range(rows):
            bit = start + (slab * rows + row if slabs.axis == SLICES else row * slabs.number + slab) * width
            index, shift = bit // WORD_BITS, np.uint64(bit % WORD_BITS)
            for x in range(0, row_words, VECTOR_WORDS):
                background = ~from_two(load_words(packed, index + x), load_words(packed, index + x + 1), shift)
                if at + x + VECTOR_WORDS <= end:  # what is behind the row is written next
                    store(words, at + x, background)
                else:
                    for k in range(end - at - x):
                        words[at + x + k] = lane(background, k)
            at += row_words
            words[at - 1] &= inside
        for x in range(at, end):
            words[x] = np.uint64(0)


@helper
def add_slab(slabs: Slabs, slab: int, target: Words, at: int) -> None:
    """To a union at ``at``, add a slab; one beyond the image has no background."""
    if 0 <= slab < slabs.number:
        begin = slab * slabs.pitch
        for x in range(0, slabs.pitch, VECTOR_WORDS):
            store(target, at + x, load_words(target, at + x) | load_words(slabs.words, begin + x))


@helper
def first_of_segment(centre: int, reach: int) -> int:
    """The first slab of the segment that begins with the window around ``centre``."""
    return max(0, centre - reach)


@helper
def begin_segment(slabs: Slabs, centre: int, reach: int, segment: Segment) -> None:
    """Join the slabs of the segment that begins with the window around ``centre``: from each of them to the last."""
    unions, pitch, nothing = segment.unions, slabs.pitch, nothing_in(segment.planes)
    first, last = first_of_segment(centre, reach), min(slabs.number - 1, centre + reach)
    for x in range(0, pitch, VECTOR_WORDS):
        store(unions, (last - first) * pitch + x, load_words(slabs.words, last * pitch + x))
        store(unions, slabs.number * pitch + x, nothing)
    for slab in range(last - 1, first - 1, -1):
        at = (slab - first) * pitch
        for x in range(0, pitch, VECTOR_WORDS):
            store(unions, at + x, load_words(unions, at + pitch + x) | load_words(slabs.words, slab * pitch + x))


@helper
def join_window(slabs: Slabs, begin: int, centre: int, reach: int, segment: Segment, target_at: int) -> Vector:
    """Write the union of the window around ``centre`` as a plane; give a vector that shows what is left, as `dilate`.

    Its segment begins with the window around ``begin``, and all centres before have been joined.
    """
    planes, unions, pitch, left = segment.planes, segment.unions, slabs.pitch, nothing_in(segment.planes)
    at, behind = (max(0, centre - reach) - first_of_segment(begin, reach)) * pitch, slabs.number * pitch
    is_first = centre == begin or centre + reach >= slabs.number  # nothing comes in
    entering = (centre + reach) * pitch
    for x in range(0, pitch, VECTOR_WORDS):
        union = load_words(unions, behind + x)
        if not is_first:
            union |= load_words(slabs.words, entering + x)
            store(unions, behind + x, union)
        union |= load_words(unions, at + x)
        store(planes.words, target_at + x, union)
        left |= load_words(planes.patterns, INSIDE + x) & ~union
    return left
