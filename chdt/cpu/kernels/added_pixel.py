"""A background pixel added: the windows that hold no other one (Theorem 2 of docs/exact.md).

It gives size 2r > 2D if it is the only background pixel in some window of radius r - 1. It then is for every smaller
r > D too, so the sets P_r of such pixels shrink as r grows.
"""

import numpy as np

from chdt.checks.ranks import Radii, Ranks
from chdt.cpu.kernels.box_erosions import last_rank, radius_within
from chdt.cpu.kernels.erosions import dilate_along
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
from chdt.cpu.kernels.packing import WORD_BITS, low_bits, read_bits
from chdt.cpu.kernels.planes import (
    AXES,
    COLUMNS,
    INSIDE,
    PlaneLayout,
    Planes,
    copy_plane,
    eight_rows,
    length_of,
    nothing_in,
    plane_at,
)
from chdt.cpu.kernels.rows import RowLayout, slab_axis
from chdt.cpu.kernels.size_search import SearchMemory, find_largest_distances
from chdt.cpu.kernels.window_counts import BACKGROUND, COUNTS, DOUBLED, count_in_windows

# Pixels: up to so many are added one by one, which can take less time than counting for more radii. With 8 instead of
# 0, one thread of a server processor took 2.7 instead of 4.0 ns a pixel for flip_sizes of slices of 48x32 with a single
# background pixel, and as long as before, within 3 %, for ellipses in slices of 48x32 and in images of 1024x1024.
FEW_PIXELS = 8


@helper
def _find_lonely(planes: Planes, radii: Radii) -> int:
    """Leave in plane COUNTS the background pixels that are alone in some window of these radii; count them.

    Every window of these radii must hold a background pixel.
    """
    layout, words = planes.layout, planes.words
    one, two, other = plane_at(layout, COUNTS), plane_at(layout, COUNTS + 1), plane_at(layout, DOUBLED)
    count_in_windows(planes, radii)
    centres = nothing_in(planes)
    for at in range(0, layout.plane_words, VECTOR_WORDS):
        alone = load_words(words, one + at) & ~load_words(words, two + at) & load_words(planes.patterns, INSIDE + at)
        store(words, one + at, alone)
        centres |= alone
    if not any_set(centres):
        return 0
    # A pixel is alone in a window if the window around it holds the centre of one with a single background pixel.
    reached = one
    for axis in range(AXES):
        radius = min(radii[axis], length_of(layout, axis) - 1)
        reached, other = dilate_along(planes, axis, radius, reached, other)
    background_at, lonely = plane_at(layout, BACKGROUND), 0
    for at in range(0, layout.plane_words, VECTOR_WORDS):
        alone = load_words(words, reached + at) & load_words(words, background_at + at)
        store(words, one + at, alone)
        if any_set(alone):
            for k in range(at, at + VECTOR_WORDS):
                lonely += count_bits(words[one + k])
    return lonely


@helper
def _lowest_pixel(layout: PlaneLayout, k: int, word: Word) -> int:
    """The pixel, in reading order, of the lowest bit in word k of a plane."""
    bit: int = k * WORD_BITS + lowest_bit(word)
    return bit // layout.pitch * layout.width + bit % layout.pitch


@helper
def _raise_to(size: int, planes: Planes, answers: Numbers, first: int) -> None:
    """Raise the answers of the pixels in plane COUNTS to ``size``; those of the image begin at ``first``."""
    one = plane_at(planes.layout, COUNTS)
    for k in range(planes.layout.plane_words):
        word = planes.words[one + k]
        while word != 0:
            at = first + _lowest_pixel(planes.layout, k, word)
            word &= word - np.uint64(1)
            answers[at] = max(answers[at], size)


@helper
def _raise_each(known: int, planes: Planes, search: SearchMemory, answers: Numbers, first: int) -> None:
    """Raise the answers of the pixels in plane COUNTS to the size with each added, which must be above 2 ``known``.

    A search for each: the planes from DOUBLED on are worked in.
    """
    layout = planes.layout
    one, background_at, added_at = plane_at(layout, COUNTS), plane_at(layout, BACKGROUND), plane_at(layout, DOUBLED)
    for k in range(layout.plane_words):
        word = planes.words[one + k]
        while word != 0:
            pixel = word & ~(word - np.uint64(1))
            word ^= pixel
            at = first + _lowest_pixel(layout, k, pixel)
            if answers[at] <= 2 * (known + 1):  # else it was measured before
                copy_plane(planes, background_at, added_at)
                planes.words[added_at + k] ^= pixel
                find_largest_distances(planes, DOUBLED, 1, known, search)
                answers[at] = 2 * search.distances[0]


@helper
def may_fit(r: int, ranks: Ranks | None, layout: RowLayout, planes: Planes) -> bool:
    """Whether a window of all pixels nearer than r could hold a single background pixel: False is certain, True is not.

    All of its slabs but that of the pixel are free of background, so they have a row with a window of one row that is.
    Costs a dilation along the rows. Planes COUNTS and DOUBLED are worked in.
    """
    radius = radius_within(r, ranks, slab_axis(layout))
    source_at, target_at = plane_at(planes.layout, COUNTS), plane_at(planes.layout, DOUBLED)
    copy_plane(planes, plane_at(planes.layout, BACKGROUND), source_at)
    along_rows = min(radius_within(r, ranks, COLUMNS), layout.width - 1)
    source_at, target_at = dilate_along(planes, COLUMNS, along_rows, source_at, target_at)
    is_short = planes.layout.pitch <= WORD_BITS and layout.rows == 1
    begin, behind = 0, 0  # of the slabs up to this one, all but one fit from here on; all fit from here on
    eight_fit = np.uint64(0)
    for slab in range(layout.slabs):
        fits = False
        if is_short:
            if slab % VECTOR_WORDS == 0:
                free = eight_rows(planes, source_at, slab, layout.slabs - 1) ^ low_bits(layout.width)
                eight_fit = less_bits(nothing_in(planes), free)
            fits = eight_fit & np.uint64(1) != 0
            eight_fit >>= np.uint64(1)
        for row in range(0 if is_short else layout.rows):
            at = source_at * WORD_BITS + (slab * layout.rows + row) * planes.layout.pitch
            for column in range(0, layout.width, WORD_BITS):
                count = min(WORD_BITS, layout.width - column)
                fits |= read_bits(planes.words, at + column, count) != low_bits(count)
        if not fits:
            begin, behind = behind, slab + 1
        # At the border, half a window is one.
        at_border = begin == 0 or slab == layout.slabs - 1
        if slab + 1 - begin >= min(layout.slabs, radius + 1 if at_border else 2 * radius + 1):
            return True
    return False


@helper
def _radii_within(r: int, ranks: Ranks | None) -> Radii:
    """Of a window of all pixels at a distance below r, along the columns, the rows and the slices."""
    return radius_within(r, ranks, 0), radius_within(r, ranks, 1), radius_within(r, ranks, 2)


@helper
def raise_added(
    largest: int,
    planes: Planes,
    search: SearchMemory,
    ranks: Ranks | None,
    answers: Numbers,
    first: int,
) -> None:
    """Raise the answers of the background pixels that make a larger size when added; those of the image from ``first``.

    Plane BACKGROUND must hold the image, whose largest distance is ``largest``; with a spacing, that and all r below
    are ranks. ``search`` is worked in.
    """
    cap = last_rank(planes.layout, ranks)
    # P_r shrinks with r, so equal counts mean equal sets. Find the last r of each count, in growing steps, then by
    # bisection. Any set on the way is right to raise, and the last one is among them. Once they are few, each is added
    # by itself, and nothing is left to search above.
    r, lonely = largest, -1  # the last radius known, and how many pixels it has
    step = 1
    beyond, at_beyond = cap + 1, 0  # the least radius that is known to have fewer
    while beyond - r > 1:
        probe = min(r + step, cap) if beyond > cap else (r + beyond) // 2
        count = _find_lonely(planes, _radii_within(probe, ranks))
        if ranks is None and count <= FEW_PIXELS:  # Numba compiles only the branch that is needed
            _raise_each(probe - 1, planes, search, answers, first)
            count = 0  # they have their final answers
        else:
            _raise_to(2 * probe, planes, answers, first)
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
