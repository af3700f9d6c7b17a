"""Sizes after every single flip of images of a few words: eight at a time, one in each lane of a vector.

Both theorems of docs/exact.md. As in `tiny_images`, there are no levels: the pixels that S_r does not reach r away from
are a plane of bits, as the lonely ones are.
"""

import numpy as np

from chdt.cpu.kernels.erosions import erode_once_more
from chdt.cpu.kernels.growing_windows import BACKGROUNDS, FOUND, OTHER, find_alone, grow_windows, start_windows
from chdt.cpu.kernels.jit import helper, outlined
from chdt.cpu.kernels.lanes import (
    BLOCK,
    VECTOR_WORDS,
    Numbers,
    Vector,
    any_set,
    eight,
    load_words,
    store,
    where_less,
)
from chdt.cpu.kernels.laying_out import lay_out_images
from chdt.cpu.kernels.packing import WORD_BITS, Words, low_bits
from chdt.cpu.kernels.planes import Planes, cap_of, nothing_in, objects_at, objects_in, pixels_in, plane_at
from chdt.cpu.kernels.tiny_images import sizes_of_word
from chdt.cpu.kernels.writing import store_ahead


@helper
def _erode_away(planes: Planes, halves: Numbers) -> int:
    """Leave what is outside of S_1, S_2, ... in the planes from BACKGROUNDS on; give the last r with one not empty.

    ``halves`` gets that of each image, which is half of its size.
    """
    layout, nothing = planes.layout, nothing_in(planes)
    plane, r, of_each = plane_at(layout, BACKGROUNDS), 0, nothing
    left = objects_in(planes, plane, 0, layout.plane_words)
    while any_set(left) and r < cap_of(layout):
        r += 1
        of_each = of_each + where_less(nothing, left, eight(1), nothing)
        left = erode_once_more(planes, r, plane, plane_at(layout, OTHER), plane + layout.stride)
        plane += layout.stride
    store(halves, 0, of_each)
    return r


@helper
def _sides_of(planes: Planes, background_at: int) -> tuple[Vector, Vector]:
    """Which columns and which rows of each image hold something of its object, one bit each."""
    layout, nothing, one = planes.layout, nothing_in(planes), eight(1)
    columns, rows = nothing_in(planes), nothing_in(planes)
    for row in range(layout.height):
        bit = row * layout.pitch
        at, shift = bit // WORD_BITS * VECTOR_WORDS, bit % WORD_BITS
        objects = objects_at(planes, background_at, at) >> np.uint64(shift)
        if shift + layout.width > WORD_BITS:
            objects |= objects_at(planes, background_at, at + VECTOR_WORDS) << np.uint64(WORD_BITS - shift)
        objects &= low_bits(layout.width)
        columns |= objects
        rows |= where_less(nothing, objects, one << np.uint64(row), nothing)
    return columns, rows


@helper
def _reached(sides: Vector, distance: int, length: int) -> Vector:
    """All of so many columns, one bit each, that are ``distance`` or more away from any of these."""
    if distance >= length:
        return sides ^ sides
    after, before = sides << np.uint64(distance), sides >> np.uint64(distance)
    step = 1
    while step < length:
        after, before = after | (after << np.uint64(step)), before | (before >> np.uint64(step))
        step *= 2
    return after | before


@helper
def _write_rectangles(planes: Planes, columns: Vector, rows: Vector, target_at: int) -> Vector:
    """Write the pixels that lie in these columns and rows of each image as a plane; give zero where there are none."""
    layout, nothing, any_pixel = planes.layout, nothing_in(planes), nothing_in(planes)
    for at in range(0, layout.plane_words, VECTOR_WORDS):
        store(planes.words, target_at + at, nothing)
    for row in range(layout.height):
        bit = row * layout.pitch
        at, shift = target_at + bit // WORD_BITS * VECTOR_WORDS, bit % WORD_BITS
        pixels = columns & (nothing - ((rows >> np.uint64(row)) & eight(1)))
        store(planes.words, at, load_words(planes.words, at) | (pixels << np.uint64(shift)))
        if shift + layout.width > WORD_BITS:
            store(planes.words, at + VECTOR_WORDS, pixels >> np.uint64(WORD_BITS - shift))
        any_pixel |= pixels
    return any_pixel


@outlined
def _find_not_reached(planes: Planes, halves: Numbers) -> int:
    """Leave in plane BACKGROUNDS + r the pixels that S_r does not reach r away from; give the smallest such r.

    From r = half of the size, which is what ``halves`` gets of each image, down to where there are none.
    """
    layout, nothing = planes.layout, nothing_in(planes)
    r, is_open = _erode_away(planes, halves), ~nothing
    while r > 0 and any_set(is_open):
        columns, rows = _sides_of(planes, plane_at(layout, BACKGROUNDS + r - 1))
        is_empty = where_less(nothing, columns, nothing, ~nothing)  # then the image stays open
        columns_left = ~_reached(columns, r, layout.width) & low_bits(layout.width)
        rows_left = ~_reached(rows, r, layout.height)
        left = _write_rectangles(planes, columns_left, rows_left, plane_at(layout, BACKGROUNDS + r))
        is_open &= is_empty | where_less(nothing, left, ~nothing, nothing)
        r -= 1
    return r + 1


@outlined
def _find_lonely(planes: Planes, images: int, halves: Numbers) -> int:
    """Leave the sets P_r of an image in planes BACKGROUNDS + r, r above half of its size; give the largest such r.

    Above it, they are empty.
    """
    layout, words, nothing = planes.layout, planes.words, nothing_in(planes)
    found_at, least = plane_at(layout, FOUND), cap_of(layout)
    for image in range(images):
        least = min(least, halves[image])
    start_windows(planes)
    radius, is_open = 0, True
    while is_open and radius < cap_of(layout):
        is_open = radius == 0 or grow_windows(planes, radius)
        if radius >= least:
            is_open = is_open and find_alone(planes, radius)
            has_found = ~nothing if is_open else nothing
            is_larger = where_less(eight(radius), load_words(halves, 0), ~nothing, nothing)  # the image, anyway
            for at in range(0, layout.plane_words, VECTOR_WORDS):
                to = plane_at(layout, BACKGROUNDS + radius + 1) + at
                alone = load_words(words, found_at + at) & has_found & ~is_larger
                store(words, to, (load_words(words, to) & is_larger) | alone)
            is_open |= any_set(is_larger)
        else:
            is_open = True
        radius += 1
    return radius


@helper
def flip_sizes_of_interleaved(
    packed: Words, start: int, images: int, planes: Planes, halves: Numbers, answers: Numbers, at: int
) -> None:
    """Write the sizes after every single flip of up to eight images, from ``at`` on; leave half of each size.

    Their packed bits begin at ``start``. What follows the answers may be overwritten.
    """
    pixels = pixels_in(planes.layout)
    lay_out_images(packed, start, images, planes, plane_at(planes.layout, BACKGROUNDS))
    smallest = _find_not_reached(planes, halves)
    largest = _find_lonely(planes, images, halves)
    for image in range(images):
        for k in range(planes.layout.plane_words // VECTOR_WORDS):
            word = k * VECTOR_WORDS + image
            sizes = sizes_of_word(planes, BACKGROUNDS, word, halves[image], smallest, largest)
            store_ahead(answers, at + image * pixels + k * BLOCK, sizes)
