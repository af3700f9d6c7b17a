"""Distances in small grids: how often an object can be eroded before a pixel is gone, counted in bit planes.

A pixel at distance d is left after 0, 1, ... d - 1 erosions by one pixel, and gone after d: its distance is the number
of erosions that find it. Each binary digit of that number is the exclusive or of every second, fourth, ... eroded
object, one operation for 512 pixels; docs/exact.md says why.
"""

from typing import NamedTuple

import numpy as np

from chdt.checks.shape import Shape
from chdt.cpu.kernels.erosions import erode
from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import VECTOR_WORDS, Numbers, Vector, any_set, fill, load_words, settle, spread, store
from chdt.cpu.kernels.packing import WORD_BITS, Words
from chdt.cpu.kernels.planes import (
    PlaneLayout,
    cap_of,
    lay_out_background,
    lay_out_interleaved,
    objects_in,
    pixels_in,
    plane_at,
    plane_layout_of,
    planes_of,
)
from chdt.cpu.kernels.writing import WriteBuffer, gather, write_gathered

SMALL_MAX_SIDE = 64  # side of a grid: so many erosions take as long as the scans of larger grids

DIGITS = 3  # the planes before are worked in

MOST_DIGITS = SMALL_MAX_SIDE.bit_length()


def is_small(shape: Shape) -> bool:
    """Whether distances in this grid are counted."""
    return shape.cap <= SMALL_MAX_SIDE


class Erosions(NamedTuple):
    """What a thread needs to erode images, one by one, or small ones in the lanes of vectors."""

    grid: PlaneLayout
    patterns: Words
    planes: Words


def erosions_of(shape: Shape, interleaved: int) -> Erosions:
    """Memory for one thread."""
    grid, patterns = plane_layout_of(*shape.without_single_pixels, interleaved)
    return Erosions(grid, patterns, planes_of(grid, DIGITS + shape.cap.bit_length()))


@helper
def _add_to_digits(objects: int, count: int, erosions: Erosions) -> None:
    """Count an erosion, the ``count``-th one, for the pixels that are not in the plane at ``objects``."""
    grid, _, planes = erosions
    number = 0
    while count % (1 << number) == 0:
        digit = plane_at(grid, DIGITS + number)
        if count == 1 << number:
            for at in range(0, grid.words, VECTOR_WORDS):
                store(planes, digit + at, ~load_words(planes, objects + at))
        else:
            for at in range(0, grid.words, VECTOR_WORDS):
                store(planes, digit + at, load_words(planes, digit + at) ^ ~load_words(planes, objects + at))
        number += 1


@helper
def count_erosions(words: Words, start: int, images: int, erosions: Erosions) -> int:
    """Leave the binary digits of all distances in planes from DIGITS on; give how many digits there are."""
    grid, patterns, planes = erosions
    source, other, target = plane_at(grid, 0), plane_at(grid, 1), plane_at(grid, 2)
    if grid.interleaved == 1:
        lay_out_background(words, start, grid, patterns, planes, source)
    else:
        lay_out_interleaved(words, start, images, grid, patterns, planes, source)
    left = objects_in(grid, patterns, planes, source)
    count, digits = 0, 0
    while any_set(left) and count < cap_of(grid):
        count += 1
        if count == 1 << digits:
            digits += 1
        _add_to_digits(source, count, erosions)
        left = erode(grid, patterns, planes, 0, source, other, target)
        source, target = target, source
    return digits


@helper
def _distances_of_word(at: int, digits: int, erosions: Erosions) -> Vector:
    """Of the pixels in one word of a plane."""
    grid, _, planes = erosions
    d = fill(0, np.uint8(0))
    for number in range(MOST_DIGITS):  # a constant, so each digit's value is known when this is compiled
        if number < digits:
            d |= spread(planes[plane_at(grid, DIGITS + number) + at], np.uint8(1 << number), np.uint8(0))
    return d


@kernel
def small_distances_of(
    words: Words, start: int, count: int, erosions: Erosions, buffer: WriteBuffer, answers: Numbers
) -> None:
    """Distances of ``count`` images whose packed bits begin at ``start``, in reading order."""
    grid = erosions.grid
    pixels, at, gathered = pixels_in(grid), 0, 0
    for first in range(0, count, grid.interleaved):
        images = min(grid.interleaved, count - first)
        digits = count_erosions(words, start + first * pixels, images, erosions)
        for image in range(images):
            for k in range(-(-pixels // WORD_BITS)):
                d = _distances_of_word(k * grid.interleaved + image, digits, erosions)
                at, gathered = gather(buffer, gathered, d, min(WORD_BITS, pixels - k * WORD_BITS), answers, at)
    write_gathered(buffer, gathered, answers, at)
    settle()
