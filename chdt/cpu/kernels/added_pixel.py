"""A background pixel added: the windows that hold no other one (Theorem 2 of docs/exact.md).

It gives size 2r > 2D if it is the only background pixel in some window of radius r - 1. It then is for every smaller
r > D too, so the sets of such pixels are nested as well.
"""

import numpy as np

from chdt.cpu.kernels.erosions import dilate_along, largest_distance
from chdt.cpu.kernels.jit import helper
from chdt.cpu.kernels.lanes import (
    VECTOR_WORDS,
    Numbers,
    Word,
    any_set,
    count_bits,
    less_bits,
    load_words,
    lowest_bit,
    store,
)
from chdt.cpu.kernels.packing import WORD_BITS, Words, low_bits, read_bits
from chdt.cpu.kernels.planes import (
    AXES,
    COLUMNS,
    INSIDE,
    PlaneLayout,
    cap_of,
    eight_rows,
    lay_out_background,
    length_of,
    plane_at,
)
from chdt.cpu.kernels.rows import RowLayout
from chdt.cpu.kernels.spaced_lines import Floats, Radii, Windows
from chdt.cpu.kernels.window_counts import COUNTS, DOUBLED, count_in_windows

FEW_PIXELS = 8  # pixels: up to so many are added one by one, which takes less time than counting for more radii


@helper
def _find_lonely(words: Words, start: int, grid: PlaneLayout, patterns: Words, planes: Words, radii: Radii) -> int:
    """Leave in plane COUNTS the background pixels that are alone in some window of these radii; count them.

    Every window of these radii must hold a background pixel.
    """
    one, two, other = plane_at(grid, COUNTS), plane_at(grid, COUNTS + 1), plane_at(grid, DOUBLED)
    lay_out_background(words, start, grid, patterns, planes, one)
    count_in_windows(grid, patterns, planes, radii)
    centres = load_words(planes, 0)  # nothing: these words are spare
    for at in range(0, grid.words, VECTOR_WORDS):
        alone = load_words(planes, one + at) & ~load_words(planes, two + at) & load_words(patterns, INSIDE + at)
        store(planes, one + at, alone)
        centres |= alone
    if not any_set(centres):
        return 0
    # A pixel is alone in a window if the window around it holds the centre of one with a single background pixel.
    reached = one
    for axis in range(AXES):
        radius = min(radii[axis], length_of(grid, axis) - 1)
        reached, other = dilate_along(grid, patterns, planes, axis, radius, reached, other)
    lay_out_background(words, start, grid, patterns, planes, other)
    lonely = 0
    for at in range(grid.words):
        planes[one + at] = planes[reached + at] & planes[other + at]
        lonely += count_bits(planes[one + at])
    return lonely


@helper
def _lowest_pixel(grid: PlaneLayout, k: int, word: Word) -> int:
    """The pixel, in reading order, of the lowest bit in word k of a plane."""
    bit: int = k * WORD_BITS + lowest_bit(word)
    return bit // grid.pitch * grid.width + bit % grid.pitch


@helper
def _raise_to(grid: PlaneLayout, planes: Words, size: float, answers: Numbers | Floats, first: int) -> None:
    """Raise the answers of the pixels in plane COUNTS to ``size``."""
    one = plane_at(grid, COUNTS)
    for k in range(grid.words):
        word = planes[one + k]
        while word != 0:
            at = first + _lowest_pixel(grid, k, word)
            word &= word - np.uint64(1)
            answers[at] = max(answers[at], size)


@helper
def may_fit(
    words: Words, start: int, radius: int, layout: RowLayout, grid: PlaneLayout, patterns: Words, planes: Words
) -> bool:
    """Whether a window of this radius could hold a single background pixel.

    All of its slabs but that of the pixel are free of background, so they have a row with a window of one row that is.
    """
    source, target = plane_at(grid, COUNTS), plane_at(grid, DOUBLED)
    lay_out_background(words, start, grid, patterns, planes, source)
    source, target = dilate_along(grid, patterns, planes, COLUMNS, radius, source, target)
    is_short = grid.pitch <= WORD_BITS and layout.rows == 1
    begin, behind = 0, 0  # of the slabs up to this one, all but one fit from here on; all fit from here on
    eight_fit = np.uint64(0)
    for slab in range(layout.slabs):
        fits = False
        if is_short:
            if slab % VECTOR_WORDS == 0:
                free = eight_rows(grid, planes, source, slab, layout.slabs - 1) ^ low_bits(layout.width)
                eight_fit = less_bits(load_words(planes, 0), free)  # spare words: zero
            fits = eight_fit & np.uint64(1) != 0
            eight_fit >>= np.uint64(1)
        for row in range(0 if is_short else layout.rows):
            at = source * WORD_BITS + (slab * layout.rows + row) * grid.pitch
            for column in range(0, layout.width, WORD_BITS):
                count = min(WORD_BITS, layout.width - column)
                fits |= read_bits(planes, at + column, count) != low_bits(count)
        if not fits:
            begin, behind = behind, slab + 1
        # At the border, half a window is one.
        at_border = begin == 0 or slab == layout.slabs - 1
        if slab + 1 - begin >= min(layout.slabs, radius + 1 if at_border else 2 * radius + 1):
            return True
    return False


@helper
def _raise_each(
    words: Words,
    start: int,
    known: int,
    grid: PlaneLayout,
    patterns: Words,
    planes: Words,
    answers: Numbers | Floats,
    first: int,
) -> None:
    """Raise the answers of the pixels in plane COUNTS to the size with each added.

    It must be more than 2 ``known``. Three planes from DOUBLED on are worked in.
    """
    one, background = plane_at(grid, COUNTS), plane_at(grid, DOUBLED)
    for k in range(grid.words):
        word = planes[one + k]
        while word != 0:
            pixel = word & ~(word - np.uint64(1))
            word ^= pixel
            at = first + _lowest_pixel(grid, k, pixel)
            if answers[at] <= 2 * (known + 1):  # else it was measured before
                lay_out_background(words, start, grid, patterns, planes, background)
                planes[background + k] ^= pixel
                answers[at] = 2 * largest_distance(grid, patterns, planes, DOUBLED, known, cap_of(grid), 0, grid.words)


# What differs with a spacing. Numba compiles only the branch that is needed.
@helper
def _last_distance(grid: PlaneLayout, windows: Windows | None) -> int:
    return cap_of(grid) if windows is None else windows.distances.size - 1


@helper
def _radii_within(r: int, windows: Windows | None) -> Radii:
    """Of a window of all pixels at a distance below r, along the columns, the rows and the slices."""
    if windows is None:
        return r - 1, r - 1, r - 1
    return windows.radii[r, 0], windows.radii[r, 1], windows.radii[r, 2]


@helper
def _size_for(r: int, windows: Windows | None) -> float:
    return 2 * r if windows is None else 2 * windows.distances[r]


@helper
def raise_added(
    words: Words,
    start: int,
    largest: int,
    grid: PlaneLayout,
    patterns: Words,
    planes: Words,
    windows: Windows | None,
    answers: Numbers | Floats,
    first: int,
) -> None:
    """Raise the answers of the background pixels that make a larger size when added.

    With a spacing, ``largest`` and all r below are places in the list of distances.
    """
    cap = _last_distance(grid, windows)
    # The sets are nested, so as many pixels are the same pixels. Find the last r that has as many, in growing steps and
    # then by bisection: any set on the way is right to raise, and the last one is among them.
    # Once they are few, each is added by itself, and nothing is left to search above.
    r, lonely = largest, -1  # the last radius known, and how many pixels it has
    step = 1
    beyond, at_beyond = cap + 1, 0  # the least radius that is known to have fewer
    while beyond - r > 1:
        probe = min(r + step, cap) if beyond > cap else (r + beyond) // 2
        count = _find_lonely(words, start, grid, patterns, planes, _radii_within(probe, windows))
        if windows is None and count <= FEW_PIXELS:
            _raise_each(words, start, probe - 1, grid, patterns, planes, answers, first)
            count = 0  # they have their final answers
        else:
            _raise_to(grid, planes, _size_for(probe, windows), answers, first)
        if lonely < 0:
            r, lonely = probe, count
        elif count == lonely:
            r, step = probe, 2 * step
        else:
            beyond, at_beyond = probe, count
        if beyond - r == 1 and beyond <= cap:
            r, lonely, step = beyond, at_beyond, 1
            beyond, at_beyond = cap + 1, 0
        if lonely == 0:
            return
