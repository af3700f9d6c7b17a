"""flip_sizes: what the size becomes when one pixel is flipped, for every pixel at once (y with pixel i flipped, in 21).

With D the largest distance, two facts give all answers; docs/exact.md proves them.

*A foreground pixel removed* leaves size 2r, for the largest r <= D whose pixels at distance r or more (the set S_r)
reach r or more away from it. How far a set reaches depends on its bounding box alone, so the answers are nested
boxes: each slice, row and column has a level, the least r for which S_r does not reach r away from it along that axis,
and the answer at a pixel is 2 (the largest level of its slice, row and column - 1).

*A background pixel added* gives size 2r > 2D if it is the only background pixel in some window of radius r - 1. It
then is for every smaller r > D too, so the sets of such pixels are nested as well.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from chdt.bitplanes import (
    AXES,
    COLUMNS,
    INSIDE,
    WORD,
    Grid,
    Words,
    cap_of,
    dilate,
    eight_rows,
    erode,
    grid_of,
    largest_distance,
    lay_out_background,
    length_of,
    level_towards,
    low_bits,
    move_of,
    moved_higher,
    moved_lower,
    objects_in,
    pattern_of,
    period_of,
    plane_at,
    planes_of,
    read_bits,
)
from chdt.erosions import is_small
from chdt.jit import helper, kernel, part
from chdt.lanes import (
    PIXELS,
    WORDS,
    Number,
    Numbers,
    Vector,
    Word,
    aligned,
    any_set,
    choose,
    count_bits,
    fill,
    joined,
    lane,
    leading_zeros,
    less_bits,
    load_pixels,
    load_words,
    lowest_bit,
    maximum,
    minimum,
    rotate,
    settle,
    spread,
    store,
    widened,
)
from chdt.masks import (
    ArrayOrTensor,
    PackedMasks,
    Shape,
    answer_into,
    check_out,
    deliver,
    grid_shape,
    is_traced,
    new_answer,
    pack_masks,
)
from chdt.parallel import kept, share
from chdt.raster import Raster, is_streamed, raster_for, write_gathered
from chdt.spacing import (
    Floats,
    Radii,
    Spacing,
    Steps,
    Windows,
    replace_by_sizes_without,
    spaced_distances,
    spacing_of,
    windows_of,
)
from chdt.transform import (
    EFFORT,
    Layout,
    Scan,
    edges_of_image,
    images_alone,
    lanes_for,
    layout_of,
    pixels_of,
    prepare_bands,
    row_at,
    scan_band,
    scan_of,
    share_bands,
)

# ------------------------------------------------------------------------------------------------ a pixel removed


class Maxima(NamedTuple):
    """Where in one array the largest distances of a block of images begin: of all columns, of rows, of slabs."""

    rows: int
    slabs: int
    work: int  # memory for one vector; behind it, one for each row of a slab, where it has several


@helper
def _places(layout: Layout) -> Maxima:
    rows = layout.blocks * PIXELS
    slabs = rows + layout.images * layout.rows
    return Maxima(rows, slabs, slabs + layout.images * layout.slabs)


@helper
def _reduce(largest: Vector, scan: Scan, images: int, maxima: Numbers, first: int, step: int) -> None:
    """Store the largest lane of each image in maxima[first], maxima[first + step], ..."""
    layout, walls, cap = scan.layout, scan.walls, scan.cap
    if not any_set(largest):
        for image in range(images):
            maxima[first + image * step] = 0
        return
    largest = _larger(largest, rotate(largest, 1), layout, walls, 0, cap)
    largest = _larger(largest, rotate(largest, 2), layout, walls, 1, cap)
    largest = _larger(largest, rotate(largest, 4), layout, walls, 2, cap)
    largest = _larger(largest, rotate(largest, 8), layout, walls, 3, cap)
    largest = _larger(largest, rotate(largest, 16), layout, walls, 4, cap)
    largest = _larger(largest, rotate(largest, 32), layout, walls, 5, cap)
    # The last lane within each pair of walls holds the maximum between them.
    work = _places(layout).work
    store(maxima, work, largest)
    for image in range(images):
        maxima[first + image * step] = maxima[work + min(PIXELS, (image + 1) * layout.width) - 1]


@helper
def _larger(largest: Vector, before: Vector, layout: Layout, walls: Numbers, k: int, cap: Number) -> Vector:
    if layout.blocks == 1:
        before = minimum(before, fill(cap, cap) - load_pixels(walls, k * PIXELS))
    return maximum(largest, before)


@helper
def _clear_maxima(layout: Layout, maxima: Numbers, cap: Number) -> None:
    places = _places(layout)
    for x in range(0, layout.blocks * PIXELS, PIXELS):
        store(maxima, x, fill(0, cap))
    for x in range(places.rows, places.work):
        maxima[x] = 0
    for row in range(layout.rows if layout.rows > 1 else 0):
        store(maxima, places.work + (1 + row) * PIXELS, fill(0, cap))


@helper
def _find_maxima(words: Words, start: int, images: int, first: int, last: int, scan: Scan, maxima: Numbers) -> None:
    """Take into the maxima the distances of bands first..last - 1 of the images in a block."""
    layout, cap, rows = scan.layout, scan.cap, scan.rows
    across, places = layout.blocks * PIXELS, _places(layout)
    nothing = fill(0, cap)
    for band in range(first, last):
        count = scan_band(words, start, images, band, scan)
        for slab in range(count):
            of_slab = nothing
            for row in range(layout.rows):
                of_row = nothing
                for x in range(0, across, PIXELS):
                    d = load_pixels(rows, row_at(layout, slab, row) + x)
                    if layout.width > PIXELS and layout.width - x < PIXELS:
                        d = choose((np.uint64(1) << np.uint64(layout.width - x)) - np.uint64(1), d, nothing)
                    store(maxima, x, maximum(load_pixels(maxima, x), d))
                    of_row = maximum(of_row, d)
                of_slab = maximum(of_slab, of_row)
                if layout.rows > 1:
                    at = places.work + (1 + row) * PIXELS
                    store(maxima, at, maximum(load_pixels(maxima, at), of_row))
            number = band * layout.band + slab
            _reduce(of_slab, scan, images, maxima, places.slabs + number, layout.slabs)


@helper
def _finish_maxima(images: int, scan: Scan, maxima: Numbers) -> None:
    """The maxima of rows, from the vectors in which they were gathered."""
    layout, places = scan.layout, _places(scan.layout)
    for row in range(layout.rows if layout.rows > 1 else 0):
        of_row = load_pixels(maxima, places.work + (1 + row) * PIXELS)
        _reduce(of_row, scan, images, maxima, places.rows + row, layout.rows)


@helper
def level_places(layout: Layout) -> tuple[int, int]:
    """Where the levels of rows and of slabs begin, behind those of columns; there is room for whole vectors."""
    of_rows = layout.blocks * PIXELS
    return of_rows, of_rows + _padded(layout.rows)


# The level r goes to the rows, or columns, that S_r does not reach r away from while S_(r - 1) does. The smaller r, the
# fewer are not reached, and they are neighbours: so they are known by where they begin and end.


@helper
def _not_reached(r: int, nearest: int, farthest: int, begin: int, end: int) -> tuple[int, int]:
    """Of the rows from ``begin`` to before ``end`` those that S_r, from the nearest to the farthest, does not reach."""
    return max(begin, farthest - r + 1), min(end, nearest + r)


@helper
def _set_levels(level: int, begin: int, end: int, new: tuple[int, int], levels: Numbers, at: int) -> None:
    """Set the level of the rows from ``begin`` to before ``end`` without the new ones."""
    _fill(levels, at + begin, at + new[0], level)
    _fill(levels, at + new[1], at + end, level)


@part
def _find_levels(maxima: Numbers, first: int, count: int, largest: int, levels: Numbers, at: int) -> None:
    """The level of each of ``count`` rows, or columns, from their largest distances, which are not kept."""
    # S_r begins where the largest distance so far reaches r, and ends where that from the other end does.
    nearest, farthest = first, first + count - 1
    while maxima[nearest] < largest:
        maxima[nearest + 1] = max(maxima[nearest], maxima[nearest + 1])
        nearest += 1
    while maxima[farthest] < largest:
        maxima[farthest - 1] = max(maxima[farthest - 1], maxima[farthest])
        farthest -= 1
    begin, end, r = 0, count, largest
    while r > 0:
        while nearest > first and maxima[nearest - 1] >= r:
            nearest -= 1
        while farthest < first + count - 1 and maxima[farthest + 1] >= r:
            farthest += 1
        new = _not_reached(r, nearest - first, farthest - first, begin, end)
        if new[0] >= new[1]:
            break
        _set_levels(r + 1, begin, end, new, levels, at)
        (begin, end), r = new, r - 1
    _fill(levels, at + begin, at + end, r + 1)


# In small grids S_r is what r - 1 erosions leave: that takes less time than distances do. All of them are kept, as only
# those of the largest r matter.


@helper
def _erode_away(words: Words, start: int, grid: Grid, patterns: Words, planes: Words) -> int:
    """Leave what is outside of S_1, S_2, ... in planes from ERODED on; give the last r whose S_r is not empty."""
    plane = plane_at(grid, ERODED)
    lay_out_background(words, start, grid, patterns, planes, plane)
    left = objects_in(grid, patterns, planes, plane)
    r = 0
    while r < cap_of(grid) and any_set(left):
        left = erode(grid, patterns, planes, 0, plane, plane_at(grid, 0), plane + grid.stride)
        plane += grid.stride
        r += 1
    return r


@helper
def _sides_of(planes: Words, background: int, grid: Grid, layout: Layout) -> tuple[Word, Word, Word]:
    """Which columns, rows and slabs hold something of an object."""
    columns, nothing = load_words(planes, 0), load_words(planes, 0)  # these words are spare
    rows, slabs = np.uint64(0), np.uint64(0)
    sections, lines = (1, layout.slabs) if layout.rows == 1 else (layout.slabs, layout.rows)
    for section in range(sections):
        first, found = section * lines, np.uint64(0)
        for line in range(0, lines, WORDS):
            objects = eight_rows(grid, planes, background, first + line, first + lines - 1) ^ low_bits(layout.width)
            columns |= objects
            found |= less_bits(nothing, objects) << np.uint64(line)
        found &= low_bits(lines)
        if layout.rows == 1:
            slabs = found
        else:
            rows |= found
            slabs |= np.uint64(found != 0) << np.uint64(section)
    return joined(columns), rows, slabs


@helper
def _still_not_reached(r: int, objects: Word, before: Word) -> Word:
    """Of the rows ``before``, one bit each, those that S_r does not reach, which has objects in these rows."""
    nearest, farthest = lowest_bit(objects), WORD - 1 - leading_zeros(objects)
    return before & low_bits(min(WORD, nearest + r)) & ~low_bits(max(0, farthest - r + 1))


@helper
def _find_levels_of_eroded(largest: int, layout: Layout, grid: Grid, planes: Words, levels: Numbers) -> None:
    """The levels of all columns, rows and slabs, as far as they decide: once an axis has none, the others do not.

    Each begins at the largest r + 1, and falls by one with each r for which it is not reached.
    """
    of_columns = fill(largest + 1, np.uint8(0))
    of_rows = fill(largest + 1, np.uint8(0))
    of_slabs = fill(largest + 1, np.uint8(0))
    columns, rows, slabs = low_bits(layout.width), low_bits(layout.rows), low_bits(layout.slabs)
    r = largest
    while r > 0:
        found = _sides_of(planes, plane_at(grid, ERODED + r - 1), grid, layout)
        columns, slabs = _still_not_reached(r, found[0], columns), _still_not_reached(r, found[2], slabs)
        if layout.rows > 1:
            rows = _still_not_reached(r, found[1], rows)
        if columns == 0 or rows == 0 or slabs == 0:
            break
        of_columns -= spread(columns, np.uint8(1), np.uint8(0))
        of_rows -= spread(rows, np.uint8(1), np.uint8(0))
        of_slabs -= spread(slabs, np.uint8(1), np.uint8(0))
        r -= 1
    places = level_places(layout)
    store(levels, 0, of_columns)
    store(levels, places[0], of_rows)
    store(levels, places[1], of_slabs)


# ------------------------------------------------------------------------------------------------ a pixel added
#
# How many background pixels are in a window is counted as none, one or more: two planes, "at least one" and "at least
# two". Disjoint parts A, B of a window add up to two = two_A | two_B | one_A & one_B, one = one_A | one_B.
#
# The planes come in pairs, one and two. Where they have done their first service, they do another.
COUNTS, DOUBLED, LOWER = 0, 2, 4
PLANES = ERODED = 6

PIXELS_AT_ONCE = 1 << 14  # of small grids, whose answers are kept until all are found
FEW = 8  # pixels: up to so many are added one by one, which takes less time than counting for more radii


@helper
def _add_moved(
    grid: Grid, patterns: Words, planes: Words, level: int, axis: int, higher: bool, source: int, target: int
) -> None:
    """To the counts in ``target`` add those in ``source``; first move one of the two by 2^level pixels.

    ``target`` moves, and ``source`` is disjoint from it then. Where both are the same planes, windows double.
    """
    one_s, two_s = plane_at(grid, source), plane_at(grid, source + 1)
    one_t, two_t = plane_at(grid, target), plane_at(grid, target + 1)
    pattern, period, move = pattern_of(grid, axis, level, higher), period_of(grid, axis), move_of(grid, axis, level)
    # In place, so begin where nothing comes from.
    at, step = (grid.words - WORDS, -WORDS) if higher else (0, WORDS)
    k = at % period
    for _ in range(0, grid.words, WORDS):
        if higher:
            one = moved_higher(grid, planes, one_t, at, move)
            two = moved_higher(grid, planes, two_t, at, move)
        else:
            one = moved_lower(grid, planes, one_t, at, move)
            two = moved_lower(grid, planes, two_t, at, move)
        keep = load_words(patterns, pattern + k)
        one, two = one & keep, two & keep
        others = load_words(planes, one_s + at)
        store(planes, two_t + at, two | load_words(planes, two_s + at) | (one & others))
        store(planes, one_t + at, one | others)
        at, k = at + step, k + step
        k = period - WORDS if k < 0 else 0 if k == period else k


@helper
def _copy_counts(grid: Grid, planes: Words, source: int, target: int) -> None:
    for plane in range(2):
        for at in range(0, grid.words, WORDS):
            counts = load_words(planes, plane_at(grid, source + plane) + at)
            store(planes, plane_at(grid, target + plane) + at, counts)


@helper
def _count_on_one_side(
    grid: Grid, patterns: Words, planes: Words, width: int, axis: int, higher: bool, doubled: int, target: int
) -> None:
    """Counts in windows of ``width`` pixels that end at each pixel, from those in windows of one in ``doubled``."""
    empty, level = True, 0
    while True:
        if (width >> level) & 1:
            if empty:
                _copy_counts(grid, planes, doubled, target)
                empty = False
            else:
                _add_moved(grid, patterns, planes, level, axis, higher, doubled, target)
        if width >> (level + 1) == 0:
            return
        _add_moved(grid, patterns, planes, level, axis, higher, doubled, doubled)
        level += 1


@part
def _count_along(grid: Grid, patterns: Words, planes: Words, radius: int, axis: int) -> None:
    """Counts in windows of this radius along one axis, cut at the border, in place of the counts."""
    if radius == 0:
        return
    _copy_counts(grid, planes, COUNTS, DOUBLED)
    _count_on_one_side(grid, patterns, planes, radius + 1, axis, True, DOUBLED, LOWER)  # to the pixel itself
    _count_on_one_side(grid, patterns, planes, radius, axis, False, COUNTS, DOUBLED)  # from the pixel on
    # Those behind the pixel, without it, are the second window one pixel later.
    _add_moved(grid, patterns, planes, 0, axis, False, LOWER, DOUBLED)
    _copy_counts(grid, planes, DOUBLED, COUNTS)


@helper
def _dilate_along(
    grid: Grid, patterns: Words, planes: Words, axis: int, radius: int, source: int, target: int
) -> tuple[int, int]:
    """Background within this radius along an axis; give where it is, and where the other plane is."""
    done = 0
    while done < radius:
        level = level_towards(radius, done)
        dilate(grid, patterns, planes, axis, level, source, target)
        source, target = target, source
        done += 1 << level
    return source, target


@helper
def _count_in_windows(grid: Grid, patterns: Words, planes: Words, radii: Radii) -> None:
    """How many bits of plane COUNTS each window of these radii holds, in place."""
    two = plane_at(grid, COUNTS + 1)
    for at in range(grid.words):
        planes[two + at] = np.uint64(0)
    for axis in range(AXES):
        _count_along(grid, patterns, planes, min(radii[axis], length_of(grid, axis) - 1), axis)


@helper
def _find_lonely(words: Words, start: int, grid: Grid, patterns: Words, planes: Words, radii: Radii) -> int:
    """Leave in plane COUNTS the background pixels that are alone in some window of these radii; count them.

    Every window of these radii must hold a background pixel.
    """
    one, two, other = plane_at(grid, COUNTS), plane_at(grid, COUNTS + 1), plane_at(grid, DOUBLED)
    lay_out_background(words, start, grid, patterns, planes, one)
    _count_in_windows(grid, patterns, planes, radii)
    centres = load_words(planes, 0)  # nothing: these words are spare
    for at in range(0, grid.words, WORDS):
        alone = load_words(planes, one + at) & ~load_words(planes, two + at) & load_words(patterns, INSIDE + at)
        store(planes, one + at, alone)
        centres |= alone
    if not any_set(centres):
        return 0
    # A pixel is alone in a window if the window around it holds the centre of one with a single background pixel.
    reached = one
    for axis in range(AXES):
        radius = min(radii[axis], length_of(grid, axis) - 1)
        reached, other = _dilate_along(grid, patterns, planes, axis, radius, reached, other)
    lay_out_background(words, start, grid, patterns, planes, other)
    lonely = 0
    for at in range(grid.words):
        planes[one + at] = planes[reached + at] & planes[other + at]
        lonely += count_bits(planes[one + at])
    return lonely


@helper
def _lowest_pixel(grid: Grid, k: int, word: Word) -> int:
    """The pixel, in reading order, of the lowest bit in word k of a plane."""
    bit: int = k * WORD + lowest_bit(word)
    return bit // grid.pitch * grid.width + bit % grid.pitch


@helper
def _raise_to(grid: Grid, planes: Words, size: float, answers: Numbers | Floats, first: int) -> None:
    """Raise the answers of the pixels in plane COUNTS to ``size``."""
    one = plane_at(grid, COUNTS)
    for k in range(grid.words):
        word = planes[one + k]
        while word != 0:
            at = first + _lowest_pixel(grid, k, word)
            word &= word - np.uint64(1)
            answers[at] = max(answers[at], size)


@helper
def _may_fit(words: Words, start: int, radius: int, layout: Layout, grid: Grid, patterns: Words, planes: Words) -> bool:
    """Whether a window of this radius could hold a single background pixel.

    All of its slabs but that of the pixel are free of background, so they have a row with a window of one row that is.
    """
    source, target = plane_at(grid, COUNTS), plane_at(grid, DOUBLED)
    lay_out_background(words, start, grid, patterns, planes, source)
    source, target = _dilate_along(grid, patterns, planes, COLUMNS, radius, source, target)
    is_short = grid.pitch <= WORD and layout.rows == 1
    begin, behind = 0, 0  # of the slabs up to this one, all but one fit from here on; all fit from here on
    eight_fit = np.uint64(0)
    for slab in range(layout.slabs):
        fits = False
        if is_short:
            if slab % WORDS == 0:
                free = eight_rows(grid, planes, source, slab, layout.slabs - 1) ^ low_bits(layout.width)
                eight_fit = less_bits(load_words(planes, 0), free)  # spare words: zero
            fits = eight_fit & np.uint64(1) != 0
            eight_fit >>= np.uint64(1)
        for row in range(0 if is_short else layout.rows):
            at = source * WORD + (slab * layout.rows + row) * grid.pitch
            for column in range(0, layout.width, WORD):
                count = min(WORD, layout.width - column)
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
    grid: Grid,
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
def _last_distance(grid: Grid, windows: Windows | None) -> int:
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
def _raise_added(
    words: Words,
    start: int,
    largest: int,
    grid: Grid,
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
        if windows is None and count <= FEW:
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


# ------------------------------------------------------------------------------------------------ the answer


class Workspace(NamedTuple):
    """What a thread needs, beside a `Scan` for large grids."""

    layout: Layout
    maxima: npt.NDArray[Any]  # of large grids: see `Maxima`
    levels: npt.NDArray[Any]  # of the columns, the rows and the slabs of an image, each from a full vector on
    grid: Grid
    patterns: Words
    planes: Words


def workspace_of(shape: Shape, lanes: type[np.unsignedinteger[Any]]) -> Workspace:
    """Memory for one thread."""
    layout = layout_of(shape)
    grid, patterns = grid_of(*shape.without_single_pixels)
    return Workspace(
        layout,
        maxima_memory(layout, lanes),
        levels_memory(layout, lanes),
        grid,
        patterns,
        planes_of(grid, ERODED + shape.cap + 1 if is_small(shape) else PLANES),
    )


def maxima_memory(layout: Layout, lanes: type[np.unsignedinteger[Any]]) -> npt.NDArray[Any]:
    """Memory for what `Maxima` tells the places of."""
    of_rows = layout.rows * PIXELS if layout.rows > 1 else 0
    count = layout.blocks * PIXELS + layout.images * (layout.rows + layout.slabs) + PIXELS + of_rows
    return aligned(count, 0, lanes)  # type: ignore[no-any-return]


def levels_memory(layout: Layout, lanes: type[np.unsignedinteger[Any]]) -> npt.NDArray[Any]:
    """Memory for the levels of an image."""
    count = layout.blocks * PIXELS + _padded(layout.rows) + _padded(layout.slabs)
    return aligned(count, 0, lanes)  # type: ignore[no-any-return]


@helper
def _padded(count: int) -> int:
    return (count + PIXELS - 1) // PIXELS * PIXELS


@helper
def _find_all_maxima(words: Words, start: int, images: int, scan: Scan | None, workspace: Workspace) -> None:
    """The maxima of images in a block, which small grids can do without."""
    if scan is not None:
        prepare_bands(words, start, images, scan)
        _clear_maxima(scan.layout, workspace.maxima, scan.cap)
        _find_maxima(words, start, images, 0, scan.layout.bands, scan, workspace.maxima)
        _finish_maxima(images, scan, workspace.maxima)


@helper
def _find_all_levels(words: Words, start: int, image: int, scan: Scan | None, workspace: Workspace) -> int:
    """The levels of an image; give half of its size, the largest distance."""
    layout, maxima, levels, grid, patterns, planes = workspace
    places, (of_rows, of_slabs) = _places(layout), level_places(layout)
    if scan is None:
        largest = _erode_away(words, start, grid, patterns, planes)
        _find_levels_of_eroded(largest, layout, grid, planes, levels)
    else:
        largest = _size_of(image, layout, maxima)
        first_row, first_slab = places.rows + image * layout.rows, places.slabs + image * layout.slabs
        _find_levels(maxima, image * layout.width, layout.width, largest, levels, 0)
        if layout.rows > 1:
            _find_levels(maxima, first_row, layout.rows, largest, levels, of_rows)
        _find_levels(maxima, first_slab, layout.slabs, largest, levels, of_slabs)
    if layout.rows == 1:  # all distances along an axis of one pixel are 0: the other axes decide
        levels[of_rows] = 0
    return largest


@helper
def _fill(answers: Numbers, begin: int, end: int, number: int) -> None:
    """Write a number from ``begin`` to before ``end``."""
    if end - begin < PIXELS:
        for at in range(begin, end):
            answers[at] = number
        return
    numbers = fill(number, answers[0])
    for at in range(begin, end - PIXELS, PIXELS):
        store(answers, at, numbers)
    store(answers, end - PIXELS, numbers)


@helper
def _store_ahead(answers: Numbers, at: int, lanes: Vector) -> None:
    """Write 64 answers, of which those that are not wanted are written again later; none behind the end."""
    if at + PIXELS <= answers.size:
        store(answers, at, widened(lanes, answers[0]))
    else:
        _store_last(answers, at, lanes)


@part
def _store_last(answers: Numbers, at: int, lanes: Vector) -> None:
    for x in range(answers.size - at):
        answers[at + x] = lane(lanes, x)


@helper
def _write_sizes(first: int, last: int, largest: int, workspace: Workspace, answers: Numbers, at: int) -> None:
    """The sizes that slabs first..last - 1 of an image have by their levels, without those of added pixels.

    ``at`` is where the answers of the image begin. What follows those of the slabs may be overwritten. Mostly it is the
    size of the object as it is: the box is small.
    """
    layout, levels = workspace.layout, workspace.levels
    of_rows, of_slabs = level_places(layout)
    pixels = layout.rows * layout.width
    as_it_is = fill(2 * largest, levels[0])
    for x in range(at + first * pixels, at + last * pixels, PIXELS):
        _store_ahead(answers, x, as_it_is)
    begin, is_overwritten = at + first * pixels, False
    for slab in range(first, last):
        for row in range(layout.rows):
            level_of_row = max(levels[of_slabs + slab], levels[of_rows + row])
            if level_of_row <= largest:
                for x in range(0, layout.width, PIXELS):
                    level = maximum(load_pixels(levels, x), fill(level_of_row, levels[0]))
                    _store_ahead(answers, begin + x, (level - 1) << 1)
            elif is_overwritten:  # the beginning of the row, by the end of the vector before
                _store_ahead(answers, begin, as_it_is)
            is_overwritten = level_of_row <= largest
            begin += layout.width


@helper
def _size_of(image: int, layout: Layout, maxima: Numbers) -> int:
    """Half of the size of an image, its largest distance."""
    largest, first = 0, _places(layout).slabs + image * layout.slabs
    for slab in range(first, first + layout.slabs):
        largest = max(largest, maxima[slab])
    return int(largest)  # as unsigned as the distances, differences from it would not be negative without the JIT


@helper
def _write_added(
    words: Words, start: int, largest: int, layout: Layout, workspace: Workspace, answers: Numbers, first: int
) -> None:
    """The sizes of an image after adding a pixel, where they are larger."""
    grid, patterns, planes = workspace.grid, workspace.patterns, workspace.planes
    if largest == 0:  # a lone pixel, wherever it is
        _fill(answers, first, first + pixels_of(layout), 2)
        return
    if largest < layout.cap and _may_fit(words, start, largest, layout, grid, patterns, planes):
        _raise_added(words, start, largest, grid, patterns, planes, None, answers, first)


@helper
def flip_sizes_of_images(
    words: Words,
    start: int,
    count: int,
    scan: Scan | None,
    workspace: Workspace,
    answers: Numbers,
    sizes: Numbers,
) -> None:
    """Sizes after every single flip of ``count`` images whose packed bits begin at ``start``, in reading order.

    ``sizes`` gets the size of each image without any flip. Small grids need no scan.
    """
    layout = workspace.layout
    pixels = pixels_of(layout)
    for first in range(0, count, layout.images):
        images = min(layout.images, count - first)
        _find_all_maxima(words, start + first * pixels, images, scan, workspace)
        for image in range(images):
            at = (first + image) * pixels
            largest = _find_all_levels(words, start + at, image, scan, workspace)
            sizes[first + image] = 2 * largest
            _write_sizes(0, layout.slabs, largest, workspace, answers, at)
            _write_added(words, start + at, largest, layout, workspace, answers, at)


@kernel
def flip_sizes_of(
    words: Words, start: int, count: int, scan: Scan, workspace: Workspace, answers: Numbers, sizes: Numbers
) -> None:
    """`flip_sizes_of_images` of large grids, to be called from Python."""
    flip_sizes_of_images(words, start, count, scan, workspace, answers, sizes)


@kernel
def small_flip_sizes_of(
    words: Words, start: int, count: int, workspace: Workspace, raster: Raster, answers: Numbers, sizes: Numbers
) -> None:
    """The same of small grids; the answers of a few images are kept in the nearest cache until all are found."""
    pixels = pixels_of(workspace.layout)
    most = raster.numbers.size // pixels
    for first in range(0, count, most):
        images, at = min(most, count - first), first * pixels
        flip_sizes_of_images(words, start + at, images, None, workspace, raster.numbers, sizes[first:])
        write_gathered(raster, images * pixels, answers, at)
    settle()


# The steps of the same, where an image is large enough for several threads.


@kernel
def maxima_of_bands(words: Words, start: int, first: int, last: int, scan: Scan, maxima: Numbers) -> None:
    """The maxima of bands first..last - 1 of an image, whose edges must be there."""
    _clear_maxima(scan.layout, maxima, scan.cap)
    _find_maxima(words, start, 1, first, last, scan, maxima)


@kernel
def levels_of(scan: Scan, workspace: Workspace) -> int:
    """Find the levels from the maxima of all bands; give half of the size of the image."""
    _finish_maxima(1, scan, workspace.maxima)
    return _find_all_levels(workspace.patterns, 0, 0, scan, workspace)


@kernel
def sizes_of_slabs(first: int, last: int, largest: int, workspace: Workspace, answers: Numbers) -> None:
    """`_write_sizes` into the answers of the image."""
    _write_sizes(first, last, largest, workspace, answers, 0)


@kernel
def sizes_of_added(
    words: Words, start: int, largest: int, layout: Layout, workspace: Workspace, answers: Numbers
) -> None:
    """`_write_added` into the answers of the image."""
    _write_added(words, start, largest, layout, workspace, answers, 0)


def _maxima_of_image(words: Words, start: int, layout: Layout, lanes: Any) -> npt.NDArray[Any]:
    found: list[Numbers] = []

    def work(first: int, last: int, scan: Scan) -> None:
        maxima = maxima_memory(layout, lanes)
        maxima_of_bands(words, start, first, last, scan, maxima)
        found.append(maxima)

    share_bands(work, layout, lanes, edges_of_image(words, start, layout, lanes))
    return np.max(found, axis=0, out=found[0])


def _flip_sizes_of_image(words: Words, start: int, shape: Shape, lanes: Any, answers: Numbers) -> None:
    layout = layout_of(shape)
    maxima = _maxima_of_image(words, start, layout, lanes)
    # What one kernel leaves for the next is in memory of its own: in between, a signal's handler may call chdt.
    workspace = kept(workspace_of, shape, lanes)._replace(maxima=maxima, levels=levels_memory(layout, lanes))
    largest = levels_of(kept(scan_of, layout, lanes, False), workspace)

    def write_sizes(first: int, last: int) -> None:
        sizes_of_slabs(first, last, largest, workspace, answers[: last * layout.rows * layout.width])

    share(write_sizes, layout.slabs, layout.rows * layout.width)
    sizes_of_added(words, start, largest, layout, workspace, answers)


def flip_sizes_into(packed: PackedMasks, answers: Numbers) -> None:
    """Write the sizes after every single flip of a batch, in reading order."""
    words, shape, pixels = packed.words, packed.shape, packed.shape.pixels
    layout, lanes = layout_of(shape), lanes_for(2 * shape.cap)
    sizes = np.empty(packed.images, np.int64)
    if is_small(shape):
        past_caches, most = is_streamed(answers), max(1, PIXELS_AT_ONCE // pixels) * pixels

        def work_small(first: int, last: int, workspace: Workspace) -> None:
            here = answers[first * pixels : last * pixels]
            raster = raster_for(lanes, past_caches, most)
            small_flip_sizes_of(words, first * pixels, last - first, workspace, raster, here, sizes[first:last])

        share(work_small, packed.images, EFFORT * pixels, memory=lambda: (kept(workspace_of, shape, lanes),))
        return

    def memory() -> tuple[Scan, Workspace]:
        return kept(scan_of, layout, lanes), kept(workspace_of, shape, lanes)

    def work(first: int, last: int, scan: Scan, workspace: Workspace) -> None:
        here = answers[first * pixels : last * pixels]
        flip_sizes_of(words, first * pixels, last - first, scan, workspace, here, sizes[first:last])

    alone = images_alone(packed.images, layout)
    share(work, alone, EFFORT * pixels, layout.images, memory)
    for image in range(alone, packed.images):
        _flip_sizes_of_image(words, image * pixels, shape, lanes, answers[image * pixels : (image + 1) * pixels])


# With a spacing.


@kernel
def raise_spaced(
    words: Words,
    start: int,
    largest: int,
    grid: Grid,
    patterns: Words,
    planes: Words,
    windows: Windows,
    answers: Floats,
    first: int,
) -> None:
    """`_raise_added`, to be called from Python."""
    _raise_added(words, start, largest, grid, patterns, planes, windows, answers, first)


def spaced_flip_sizes(packed: PackedMasks, spacing: Steps) -> Floats:
    """Sizes after every single flip of a batch, shape (images, depth, height, width)."""
    shape, pixels = packed.shape, packed.shape.pixels
    windows = windows_of(shape, spacing)
    answers = spaced_distances(packed, spacing)
    flat = answers.reshape(-1)

    def work(first: int, last: int) -> None:
        grid, patterns = grid_of(*shape.without_single_pixels)
        planes = planes_of(grid, PLANES)
        for image in range(first, last):
            largest, at = int(np.searchsorted(windows.distances, answers[image].max())), image * pixels
            replace_by_sizes_without(answers[image], spacing)
            raise_spaced(packed.words, at, largest, grid, patterns, planes, windows, flat, at)

    share(work, packed.images, EFFORT * pixels)
    return answers


def flip_sizes(
    masks: ArrayOrTensor,
    *,
    spatial_dims: int = 2,
    spacing: Spacing | None = None,
    black_border: bool = False,
    out: ArrayOrTensor | None = None,
) -> ArrayOrTensor:
    """Size of the object after flipping each single pixel: entry i is the size of the mask with only pixel i flipped.

    Parameters
    ----------
    masks : ndarray or Tensor, shape (..., H, W), or as many of the last dims as ``spatial_dims``
        ±1 of any signed integer or float dtype, or bool; +1 (True) is foreground. Pixels outside the grid are not
        background.
    spatial_dims : {1, 2, 3}
        How many trailing dims form the grid.
    spacing : float or sequence of float, optional
        How far apart pixels are, along each spatial dim or along all of them. Sizes are then float32, in its units.
    black_border : bool
        Whether pixels outside the grid are background.
    out : ndarray or Tensor, shape (..., H, W), optional
        Where to write the answer: of the kind of the masks and on their device, of any integer or float dtype that
        holds 2·max(H, W), float32 or float64 with a spacing. It must not overlap the masks. If it is not contiguous,
        the answer is made first and then copied.

    Returns
    -------
    int32 ndarray or Tensor, or out, shape (..., H, W)
        Sizes in pixels as `object_size` gives them, on the device of the masks: at most 2 where a mask has no
        foreground; where it has no background, twice the distance to the farthest corner. Float32 with a spacing. No
        gradient.

    Raises
    ------
    TypeError
        Masks or ``out`` are neither array nor dense tensor, or of an unfit dtype; a spacing that is not made of
        numbers.
    ValueError
        A mask value other than ±1 (its first index is named), an empty grid, fewer dims than the grid has; a spacing
        that is not from 1e-25 to 1e25, or has another number of dims; ``out`` is of another shape or device, too
        narrow, read-only, or overlaps the masks or itself. Nothing is written then.

    See Also
    --------
    object_size : the size without any flip.

    Notes
    -----
    The g(y with i flipped) of equation (21) of Baručić and Kybic (2022), for all pixels i and exactly, in about the
    time of two or three distance transforms, more where images are tiny or have hardly any background; by definition it
    takes one transform a pixel.

    Examples
    --------
    A square of 3 by 3 pixels has size 4. Without its centre it has size 2; adding a pixel does not change it.

    >>> import numpy as np
    >>> from chdt import flip_sizes
    >>> mask = np.zeros((5, 6), dtype=bool)
    >>> mask[1:4, 1:4] = True
    >>> flip_sizes(mask)
    array([[4, 4, 4, 4, 4, 4],
           [4, 2, 2, 2, 4, 4],
           [4, 2, 2, 2, 4, 4],
           [4, 2, 2, 2, 4, 4],
           [4, 4, 4, 4, 4, 4]], dtype=int32)

    Filling the hole in an object that the border cuts on three sides makes it grow from 4 to 10.

    >>> mask = np.ones((5, 7), dtype=bool)
    >>> mask[:, 5:] = mask[2, 1] = False
    >>> int(flip_sizes(mask)[2, 1])
    10
    """
    spaced = spacing_of(spacing, spatial_dims)
    if out is None and is_traced(masks):
        return torch.ops.chdt.flip_sizes(masks, spatial_dims, spaced, black_border)  # type: ignore[no-any-return]
    shape = grid_shape(masks, spatial_dims)
    largest = 2 * shape.cap
    if spaced is None and not black_border:
        answer = new_answer(masks, tuple(masks.shape), largest) if out is None else answer_into(out, masks, largest)
        flip_sizes_into(pack_masks(masks, spatial_dims, shape=shape), answer.words)
        return answer.finish()  # type: ignore[no-any-return]
    if out is not None:
        check_out(out, masks, largest if spaced is None else None)
    packed: PackedMasks = pack_masks(masks, spatial_dims, black_border, shape)
    sizes: npt.NDArray[Any]
    if spaced is None or len(set(spaced)) == 1:
        sizes = np.empty((packed.images, *packed.shape), np.int32)
        flip_sizes_into(packed, sizes.reshape(-1).view(np.uint32))
        if spaced is not None:
            sizes = np.multiply(sizes, spaced[0], dtype=np.float64).astype(np.float32)
    else:
        sizes = spaced_flip_sizes(packed, spaced)
    return deliver(packed.inside(sizes).reshape(tuple(masks.shape)), masks, out)  # type: ignore[no-any-return]
