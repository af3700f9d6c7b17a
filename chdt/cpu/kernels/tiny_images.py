"""Sizes after every single flip of images of up to 64 pixels: eight at a time, a word each, in the lanes of a vector.

Both theorems of docs/exact.md, and no levels: the pixels that S_r does not reach r away from are bits of a word, as the
lonely ones are.
"""

import numpy as np

from chdt.cpu.kernels.jit import helper, outlined
from chdt.cpu.kernels.lanes import (
    Numbers,
    Vector,
    any_set,
    counting,
    eight,
    fill,
    gather_words,
    less_bits,
    load_words,
    minimum,
    spread,
    store,
    where_less,
)
from chdt.cpu.kernels.packing import WORD_BITS, Words, from_two
from chdt.cpu.kernels.planes import (
    AXES,
    COLUMNS,
    INSIDE,
    ROWS,
    SLICES,
    Planes,
    cap_of,
    length_of,
    move_of,
    nothing_in,
    pixels_in,
    plane_at,
)
from chdt.cpu.kernels.window_counts import BACKGROUND, COUNTS, with_more
from chdt.cpu.kernels.writing import store_ahead


@helper
def _higher(planes: Planes, pixels: Vector, axis: int, exponent: int) -> Vector:
    """Pixels moved by 2^exponent, which is less than the grid is long, without those that leave it."""
    move = move_of(planes.layout, axis, exponent)
    return (pixels << move.shift) & planes.patterns[move.keep_higher]


@helper
def _lower(planes: Planes, pixels: Vector, axis: int, exponent: int) -> Vector:
    move = move_of(planes.layout, axis, exponent)
    return (pixels >> move.shift) & planes.patterns[move.keep_lower]


@helper
def _dilated(planes: Planes, pixels: Vector, radius: int) -> Vector:
    for axis in range(AXES):
        if length_of(planes.layout, axis) > 1:
            for _ in range(radius):
                pixels = pixels | _higher(planes, pixels, axis, 0) | _lower(planes, pixels, axis, 0)
    return pixels


@helper
def _all_along(planes: Planes, pixels: Vector, axis: int) -> Vector:
    """All pixels of the lines along an axis that hold any of these."""
    exponent = 0
    while (1 << exponent) < length_of(planes.layout, axis):
        pixels = pixels | _higher(planes, pixels, axis, exponent) | _lower(planes, pixels, axis, exponent)
        exponent += 1
    return pixels


@helper
def _far_along(planes: Planes, pixels: Vector, axis: int, distance: int) -> Vector:
    """All pixels that are ``distance`` or more away from any of these on the same line along an axis."""
    length = length_of(planes.layout, axis)
    if distance >= length:
        return nothing_in(planes)
    above, below = pixels, pixels
    exponent = 0
    while (1 << exponent) < length:
        if (distance >> exponent) & 1:
            above, below = _higher(planes, above, axis, exponent), _lower(planes, below, axis, exponent)
        exponent += 1
    exponent = 0
    while (1 << exponent) < length:
        above = above | _higher(planes, above, axis, exponent)
        below = below | _lower(planes, below, axis, exponent)
        exponent += 1
    return above | below


@helper
def _reached(planes: Planes, pixels: Vector, distance: int) -> Vector:
    """All pixels that are ``distance`` or more away from any of these, along any axis."""
    # Axes that are known while compiling take less time than a loop.
    in_columns, in_rows = _all_along(planes, pixels, ROWS), _all_along(planes, pixels, COLUMNS)
    found = _far_along(planes, _all_along(planes, in_columns, SLICES), COLUMNS, distance)
    found = found | _far_along(planes, _all_along(planes, in_rows, SLICES), ROWS, distance)
    if length_of(planes.layout, SLICES) > 1:
        found = found | _far_along(planes, _all_along(planes, in_rows, ROWS), SLICES, distance)
    return found


@helper
def _centres(planes: Planes, one: Vector, two: Vector, radius: int) -> Vector:
    """The centres of windows of this radius that hold a single background pixel.

    ``one`` and ``two`` say which windows hold at least so many along the rows.
    """
    for axis in (ROWS, SLICES):
        if length_of(planes.layout, axis) > 1:
            one_above, two_above, one_below, two_below = one, two, one, two
            for _ in range(radius):
                one_above, two_above = _higher(planes, one_above, axis, 0), _higher(planes, two_above, axis, 0)
                one_below, two_below = _lower(planes, one_below, axis, 0), _lower(planes, two_below, axis, 0)
                one, two = with_more(one, two | two_above | two_below, one_above)
                one, two = with_more(one, two, one_below)
    if planes.layout.black_border and radius > 0:  # windows that reach out of the grid hold more
        outermost = nothing_in(planes) | planes.patterns[planes.patterns.size - planes.layout.plane_words]
        two = two | _dilated(planes, outermost, radius - 1)
    return one & ~two


@outlined
def _find_not_reached(planes: Planes, background: Vector, halves: Numbers) -> int:
    """Leave in plane BACKGROUND + r the pixels that S_r does not reach r away from; give the smallest such r.

    From r = half of the size, which is what ``halves`` gets of each of the eight images, down to where there are none.
    """
    inside, nothing = planes.patterns[INSIDE], nothing_in(planes)
    one = eight(1)
    r, eroded, found, left = 0, background, nothing, background ^ inside
    while any_set(left) and r < cap_of(planes.layout):
        r += 1
        found = found + where_less(nothing, left, one, nothing)
        store(planes.words, plane_at(planes.layout, BACKGROUND + r), left)
        eroded = _dilated(planes, eroded, 1)
        if r == 1 and planes.layout.black_border:
            eroded = eroded | planes.patterns[planes.patterns.size - planes.layout.plane_words]
        left = eroded ^ inside
    store(halves, 0, found)
    is_open = where_less(nothing, found, ~nothing, nothing)
    while r > 0 and any_set(is_open):
        at = plane_at(planes.layout, BACKGROUND + r)
        left = load_words(planes.words, at)
        not_reached = _reached(planes, left, r) ^ inside
        store(planes.words, at, not_reached)
        is_done = where_less(nothing, left, ~nothing, nothing) & where_less(nothing, not_reached, nothing, ~nothing)
        is_open = is_open & ~is_done
        r -= 1
    if any_set(where_less(nothing, found, nothing, ~nothing)):  # an image without an object: its P_1 comes, too
        while r > 0:
            store(planes.words, plane_at(planes.layout, BACKGROUND + r), nothing)
            r -= 1
    return r + 1


@outlined
def _find_lonely(planes: Planes, background: Vector, images: int, halves: Numbers) -> int:
    """Leave the sets P_r of an image in planes BACKGROUND + r, r above half of its size; give the largest such r.

    Above it, they are empty.
    """
    words, nothing, found_at = planes.words, nothing_in(planes), plane_at(planes.layout, COUNTS)
    radius, is_open = cap_of(planes.layout), True
    for image in range(images):
        radius = min(radius, halves[image])
    one, two, above, below, reached = background, nothing, background, background, 0
    while is_open and radius < cap_of(planes.layout):
        while reached < radius:
            above, below = _higher(planes, above, COLUMNS, 0), _lower(planes, below, COLUMNS, 0)
            one, two = with_more(one, two, above)
            one, two = with_more(one, two, below)
            reached += 1
        lonely = _dilated(planes, _centres(planes, one, two, radius), radius) & background
        store(words, found_at, lonely)
        of_radius_at = plane_at(planes.layout, BACKGROUND + radius + 1)
        is_open = less_bits(nothing, lonely) != 0
        for image in range(images):
            if halves[image] <= radius:
                words[of_radius_at + image] = words[found_at + image]
            else:
                is_open = True
        radius += 1
    return radius


@helper
def sizes_of_word(planes: Planes, first_plane: int, word: int, half: int, smallest: int, largest: int) -> Vector:
    """The sizes after flips of 64 pixels of an image: less where removing reaches less far, more where adding fits.

    In plane ``first_plane`` + r, this word has the pixels that S_r does not reach, or those of P_r.
    """
    sizes = fill(2 * half, np.uint8(0))
    for r in range(smallest, largest + 1):  # the same for all eight images, so that the end of the loop is predicted
        pixels = planes.words[plane_at(planes.layout, first_plane + r) + word]
        sizes = sizes + spread(pixels, np.uint8(2 if r > half else 254), np.uint8(0))  # 254 is -2
    return sizes


@helper
def flip_sizes_of_eight(
    packed: Words, start: int, images: int, planes: Planes, halves: Numbers, answers: Numbers, at: int
) -> None:
    """Write the sizes after every single flip of up to eight images, from ``at`` on; leave half of each size.

    Their packed bits begin at ``start``. What follows the answers may be overwritten.
    """
    pixels = pixels_in(planes.layout)
    first = minimum(counting(0), eight(images - 1)) * pixels + start
    index, shift = first >> 6, first & (WORD_BITS - 1)
    objects = from_two(gather_words(packed, index), gather_words(packed, index + 1), shift)
    background = ~objects & planes.patterns[INSIDE]
    smallest = _find_not_reached(planes, background, halves)
    largest = _find_lonely(planes, background, images, halves)
    for image in range(images):
        sizes = sizes_of_word(planes, BACKGROUND, image, halves[image], smallest, largest)
        store_ahead(answers, at + image * pixels, sizes)
