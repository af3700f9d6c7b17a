"""Distances in small grids: how often an object can be eroded before a pixel is gone, counted in bit planes.

A pixel at distance d is left after 0, 1, ... d - 1 erosions by one pixel, and gone after d: its distance is the number
of erosions that find it. Each binary digit of that number is the exclusive or of every second, fourth, ... eroded
object, one operation for 512 pixels; docs/exact.md says why.
"""

import numpy as np

from chdt.checks.ranks import RankLists, Ranks
from chdt.checks.shape import Shape
from chdt.cpu.kernels.box_erosions import erode_to_next_rank, has_several, last_rank, list_of_image, take_ranks
from chdt.cpu.kernels.erosions import erode_once_more
from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import VECTOR_WORDS, Vector, any_set, fill, load_words, settle, spread, store
from chdt.cpu.kernels.laying_out import lay_out_images
from chdt.cpu.kernels.packing import WORD_BITS, Words
from chdt.cpu.kernels.planes import Planes, objects_in, pixels_in, plane_at, planes_of
from chdt.cpu.kernels.writing import AnyNumbers, WriteBuffer, gather, write_gathered

DIGITS = 3  # planes: the digits are in those behind the three that are worked in

MOST_DIGITS = 8  # of a distance, or a rank: three sides of up to 64 pixels have no more than 193 ranks


def counting_planes(shape: Shape, last: int, interleaved: int, black_border: bool) -> Planes:
    """Memory for one thread; ``last`` is the largest distance, or rank.

    With a spacing, a border is part of the shape.
    """
    return planes_of(shape.without_single_pixels, DIGITS + last.bit_length(), interleaved, black_border)


@helper
def _add_to_digits(planes: Planes, background_at: int, count: int) -> None:
    """Count the ``count``-th erosion for the pixels that are no background in the plane at ``background_at``."""
    words, index = planes.words, 0
    while count % (1 << index) == 0:
        digit_at = plane_at(planes.layout, DIGITS + index)
        if count == 1 << index:
            for at in range(0, planes.layout.plane_words, VECTOR_WORDS):
                store(words, digit_at + at, ~load_words(words, background_at + at))
        else:
            for at in range(0, planes.layout.plane_words, VECTOR_WORDS):
                store(words, digit_at + at, load_words(words, digit_at + at) ^ ~load_words(words, background_at + at))
        index += 1


@helper
def _count_erosions(packed: Words, start: int, images: int, planes: Planes, ranks: Ranks | None) -> int:
    """Leave the binary digits of all distances in the planes from DIGITS on; give how many digits there are.

    The images are as many as one plane holds, or fewer; their packed bits begin at ``start``.
    """
    layout = planes.layout
    source_at, other_at, target_at = plane_at(layout, 0), plane_at(layout, 1), plane_at(layout, 2)
    lay_out_images(packed, start, images, planes, source_at)
    left = objects_in(planes, source_at, 0, layout.plane_words)
    count, digits = 0, 0
    while any_set(left) and count < last_rank(layout, ranks):
        count += 1
        if count == 1 << digits:
            digits += 1
        _add_to_digits(planes, source_at, count)
        left, source_at, other_at, target_at = _erode_once(planes, ranks, count, source_at, other_at, target_at)
    return digits


@helper
def _erode_once(
    planes: Planes, ranks: Ranks | None, done: int, source_at: int, other_at: int, target_at: int
) -> tuple[Vector, int, int, int]:
    """Erode to the next distance, or rank; give what is left, where it is, and the two planes that are free then."""
    if ranks is None:  # Numba compiles only the branch that is needed
        left = erode_once_more(planes, done, source_at, other_at, target_at)
        return left, target_at, other_at, source_at
    left, result_at, spare_at = erode_to_next_rank(planes, ranks, done, source_at, other_at, target_at)
    return left, result_at, spare_at, source_at


@helper
def _distances_of_word(planes: Planes, at: int, digits: int) -> Vector:
    """Distances of the pixels in word ``at`` of a plane."""
    d = fill(0, np.uint8(0))
    for index in range(MOST_DIGITS):  # a constant, so each digit's value is known when this is compiled
        if index < digits:
            word = planes.words[plane_at(planes.layout, DIGITS + index) + at]
            d |= spread(word, np.uint8(1 << index), np.uint8(0))
    return d


@kernel
def small_distances_of(
    packed: Words,
    start: int,
    count: int,
    planes: Planes,
    ranks: Ranks | None,
    lists: RankLists | None,
    buffer: WriteBuffer,
    answers: AnyNumbers,
) -> None:
    """Write the distances of ``count`` images whose packed bits begin at ``start``, in reading order.

    With a spacing, these are ranks, and what is written is what the buffer has for each. With several lists of ranks,
    images must not be interleaved; ``ranks`` is then worked in.
    """
    interleaved, pixels = planes.layout.interleaved, pixels_in(planes.layout)
    at, gathered = 0, 0
    for first in range(0, count, interleaved):
        images, table = min(interleaved, count - first), list_of_image(lists, first)
        take_ranks(lists, first, ranks)
        digits = _count_erosions(packed, start + first * pixels, images, planes, ranks)
        for image in range(images):
            for k in range(-(-pixels // WORD_BITS)):
                d = _distances_of_word(planes, k * interleaved + image, digits)
                lanes = min(WORD_BITS, pixels - k * WORD_BITS)
                at, gathered = gather(buffer, gathered, d, lanes, answers, at, table)
        if has_several(lists):  # the next image may have another table
            write_gathered(buffer, gathered, answers, at, table)
            at, gathered = at + gathered, 0
    write_gathered(buffer, gathered, answers, at, 0)
    settle()
