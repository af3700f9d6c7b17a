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
    grid_of,
    lay_out_background,
    length_of,
    low_bits,
    moved_higher,
    moved_lower,
    pattern_of,
    period_of,
    plane_at,
    planes_of,
    read_bits,
    step_of,
)
from chdt.jit import helper, kernel, part
from chdt.lanes import (
    PIXELS,
    WORDS,
    Number,
    Numbers,
    Vector,
    aligned,
    any_set,
    choose,
    count_bits,
    fill,
    leading_zeros,
    load_pixels,
    load_words,
    lowest_bit,
    maximum,
    reaching_bits,
    rotate,
    store,
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
from chdt.transform import (
    EFFORT,
    RASTER,
    Layout,
    Scan,
    expect_to_write,
    lanes_for,
    layout_of,
    lead_of,
    pixels_of,
    prepare_bands,
    raster_of,
    row_at,
    scan_band,
    scan_of,
    write_full_raster,
    write_raster,
)

# ------------------------------------------------------------------------------------------------ a pixel removed


class Maxima(NamedTuple):
    """Where in one array the largest distances of a block of images begin: of all columns, of rows, of slabs."""

    rows: int
    slabs: int
    work: int  # memory for one vector; before it, one for each row of a slab


@helper
def _places(layout: Layout) -> Maxima:
    rows = layout.blocks * PIXELS
    slabs = rows + layout.images * layout.rows
    return Maxima(rows, slabs, slabs + layout.images * layout.slabs)


@helper
def _reduce(largest: Vector, walls: Words, layout: Layout, images: int, maxima: Numbers, first: int, step: int) -> None:
    """Store the largest lane of each image in maxima[first], maxima[first + step], ..."""
    work = _places(layout).work
    if not any_set(largest):
        for image in range(images):
            maxima[first + image * step] = 0
        return
    nothing = largest ^ largest
    largest = maximum(largest, choose(walls[0, 0], nothing, rotate(largest, 1)))
    largest = maximum(largest, choose(walls[0, 1], nothing, rotate(largest, 2)))
    largest = maximum(largest, choose(walls[0, 2], nothing, rotate(largest, 4)))
    largest = maximum(largest, choose(walls[0, 3], nothing, rotate(largest, 8)))
    largest = maximum(largest, choose(walls[0, 4], nothing, rotate(largest, 16)))
    largest = maximum(largest, choose(walls[0, 5], nothing, rotate(largest, 32)))
    # The last lane within each pair of walls holds the maximum between them.
    store(maxima, work, largest)
    for image in range(images):
        maxima[first + image * step] = maxima[work + min(PIXELS, (image + 1) * layout.width) - 1]


@helper
def _find_maxima(words: Words, start: int, images: int, scan: Scan, maxima: Numbers) -> None:
    """The largest distance of each column, row and slab of the images in a block."""
    layout, walls, cap, rows, _ = scan
    across, places = layout.blocks * PIXELS, _places(layout)
    nothing = fill(0, cap)
    for x in range(0, across, PIXELS):
        store(maxima, x, nothing)
    of_rows = places.work + PIXELS  # one vector a row, where a slab has several
    if layout.rows > 1:
        for row in range(layout.rows):
            store(maxima, of_rows + row * PIXELS, nothing)
    prepare_bands(words, start, images, scan)
    for band in range(layout.bands):
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
                    at = of_rows + row * PIXELS
                    store(maxima, at, maximum(load_pixels(maxima, at), of_row))
            number = band * layout.band + slab
            _reduce(of_slab, walls, layout, images, maxima, places.slabs + number, layout.slabs)
    if layout.rows > 1:
        for row in range(layout.rows):
            of_row = load_pixels(maxima, of_rows + row * PIXELS)
            _reduce(of_row, walls, layout, images, maxima, places.rows + row, layout.rows)


@helper
def _find_levels(maxima: Numbers, first: int, count: int, largest: int, cap: Number, levels: Numbers, at: int) -> None:
    """The level of each of ``count`` rows, or columns, from their largest distances."""
    for x in range(0, count, PIXELS):
        store(levels, at + x, fill(largest + 1, cap))
    for r in range(largest, 0, -1):
        nearest, farthest = count, -1  # the first and the last row of S_r
        for x in range(0, count, PIXELS):
            found = reaching_bits(maxima, first + x, r) & low_bits(min(PIXELS, count - x))
            if found != 0:
                nearest = min(nearest, x + lowest_bit(found))
                farthest = x + PIXELS - 1 - leading_zeros(found)
        # The rows that S_r does not reach r away from; the smaller r, the fewer.
        begin, end = max(0, farthest - r + 1), min(count, nearest + r)
        if begin >= end:
            return
        for x in range(begin // PIXELS * PIXELS, end, PIXELS):
            rows = low_bits(min(PIXELS, end - x)) & ~low_bits(max(0, begin - x))
            store(levels, at + x, choose(rows, fill(r, cap), load_pixels(levels, at + x)))


# ------------------------------------------------------------------------------------------------ a pixel added
#
# How many background pixels are in a window is counted as none, one or more: two planes, "at least one" and "at least
# two". Disjoint parts A, B of a window add up to two = two_A | two_B | one_A & one_B, one = one_A | one_B.
#
# The planes come in pairs, one and two. Where they have done their first service, they do another.
COUNTS, DOUBLED, LOWER = 0, 2, 4
PLANES = 6


@helper
def _add_moved(
    grid: Grid, patterns: Words, planes: Words, level: int, axis: int, higher: bool, source: int, target: int
) -> None:
    """To the counts in ``target`` add those in ``source``; first move one of the two by 2^level pixels.

    ``target`` moves, and ``source`` is disjoint from it then. Where both are the same planes, windows double.
    """
    one_s, two_s = plane_at(grid, source), plane_at(grid, source + 1)
    one_t, two_t = plane_at(grid, target), plane_at(grid, target + 1)
    distance = step_of(grid, axis) << level
    pattern, period = pattern_of(grid, axis, level, higher), period_of(grid, axis)
    for x in range(0, grid.words, WORDS):
        # In place, so begin where nothing comes from.
        at = grid.words - WORDS - x if higher else x
        if higher:
            one = moved_higher(grid, planes, one_t, at, distance)
            two = moved_higher(grid, planes, two_t, at, distance)
        else:
            one = moved_lower(grid, planes, one_t, at, distance)
            two = moved_lower(grid, planes, two_t, at, distance)
        keep = load_words(patterns, pattern + at % period)
        one, two = one & keep, two & keep
        others = load_words(planes, one_s + at)
        store(planes, two_t + at, two | load_words(planes, two_s + at) | (one & others))
        store(planes, one_t + at, one | others)


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
def _count_in_windows(grid: Grid, patterns: Words, planes: Words, radius: int) -> None:
    """How many bits of plane COUNTS each window of this radius holds, in place."""
    two = plane_at(grid, COUNTS + 1)
    for at in range(grid.words):
        planes[two + at] = np.uint64(0)
    for axis in range(AXES):
        _count_along(grid, patterns, planes, min(radius, length_of(grid, axis) - 1), axis)


@helper
def _find_lonely(words: Words, start: int, grid: Grid, patterns: Words, planes: Words, radius: int) -> int:
    """Leave in plane COUNTS the background pixels that are alone in some window of this radius; count them.

    Every window of this radius must hold a background pixel.
    """
    one, two, background = plane_at(grid, COUNTS), plane_at(grid, COUNTS + 1), plane_at(grid, DOUBLED)
    lay_out_background(words, start, grid, patterns, planes, one)
    _count_in_windows(grid, patterns, planes, radius)
    centres = np.uint64(0)
    for at in range(grid.words):
        planes[one + at] &= ~planes[two + at] & patterns[INSIDE + at]
        centres |= planes[one + at]
    if centres == 0:
        return 0
    # A pixel is alone in a window if the window around it holds the centre of one with a single background pixel.
    _count_in_windows(grid, patterns, planes, radius)
    lonely = 0
    lay_out_background(words, start, grid, patterns, planes, background)
    for at in range(grid.words):
        planes[one + at] &= planes[background + at]
        lonely += count_bits(planes[one + at])
    return lonely


@helper
def _raise_to(grid: Grid, planes: Words, size: int, answers: Numbers, first: int) -> None:
    """Raise the answers of the pixels in plane COUNTS to ``size``."""
    one = plane_at(grid, COUNTS)
    for k in range(grid.words):
        word = planes[one + k]
        while word != 0:
            pixel = k * WORD + lowest_bit(word)
            word &= word - np.uint64(1)
            at = first + pixel // grid.pitch * grid.width + pixel % grid.pitch
            answers[at] = max(answers[at], size)


@helper
def _may_fit(words: Words, start: int, radius: int, layout: Layout, grid: Grid, patterns: Words, planes: Words) -> bool:
    """Whether a window of this radius could hold a single background pixel.

    All of its slabs but that of the pixel are free of background, so they have a row with a window of one row that is.
    """
    source, target = plane_at(grid, COUNTS), plane_at(grid, DOUBLED)
    lay_out_background(words, start, grid, patterns, planes, source)
    done, level = 0, 0
    while done < radius:  # by powers of two, none more than one above what was done: see `dilate`
        while (1 << level) > radius - done:
            level -= 1
        dilate(grid, patterns, planes, COLUMNS, level, source, target)
        source, target = target, source
        done += 1 << level
        if (2 << level) <= done + 1:
            level += 1
    begin, behind = 0, 0  # of the slabs up to this one, all but one fit from here on; all fit from here on
    for slab in range(layout.slabs):
        fits = False
        for row in range(layout.rows):
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
def _raise_added(
    words: Words,
    start: int,
    largest: int,
    grid: Grid,
    patterns: Words,
    planes: Words,
    answers: Numbers,
    first: int,
) -> None:
    """Raise the answers of the background pixels that make a larger size when added."""
    cap = cap_of(grid)
    # The sets are nested, so as many pixels are the same pixels. Find the last r that has as many, in growing steps and
    # then by bisection: any set on the way is right to raise, and the last one is among them.
    r, lonely = largest, -1  # the last radius known, and how many pixels it has
    step = 1
    beyond, at_beyond = cap + 1, 0  # the least radius that is known to have fewer
    while beyond - r > 1:
        probe = min(r + step, cap) if beyond > cap else (r + beyond) // 2
        count = _find_lonely(words, start, grid, patterns, planes, probe - 1)
        _raise_to(grid, planes, 2 * probe, answers, first)
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

MOST_EXPECTED = 4096  # pixels: what has been fetched must still be there when it is written


class Workspace(NamedTuple):
    """What a thread needs beside a `Scan`."""

    maxima: npt.NDArray[Any]  # see `Maxima`
    levels: npt.NDArray[Any]  # of the columns, the rows and the slabs of an image, each from a full vector on
    raster: npt.NDArray[Any]
    grid: Grid
    patterns: Words
    planes: Words


def workspace_of(shape: Shape, lanes: type[np.unsignedinteger[Any]]) -> Workspace:
    """Memory for one thread."""
    layout = layout_of(shape)
    across = layout.blocks * PIXELS
    grid, patterns = grid_of(*shape)
    of_rows = layout.rows * PIXELS if layout.rows > 1 else 0
    return Workspace(
        aligned(across + layout.images * (layout.rows + layout.slabs) + 2 * PIXELS + of_rows, 0, lanes),
        aligned(across + _padded(layout.rows) + _padded(layout.slabs), 0, lanes),
        raster_of(lanes),
        grid,
        patterns,
        planes_of(grid, PLANES),
    )


@helper
def _padded(count: int) -> int:
    return (count + PIXELS - 1) // PIXELS * PIXELS


@helper
def _find_all_levels(image: int, largest: int, scan: Scan, workspace: Workspace) -> None:
    layout, cap = scan.layout, scan.cap
    maxima, levels, places = workspace.maxima, workspace.levels, _places(scan.layout)
    across = layout.blocks * PIXELS
    first_row, first_slab = places.rows + image * layout.rows, places.slabs + image * layout.slabs
    _find_levels(maxima, image * layout.width, layout.width, largest, cap, levels, 0)
    _find_levels(maxima, first_slab, layout.slabs, largest, cap, levels, across + _padded(layout.rows))
    if layout.rows > 1:
        _find_levels(maxima, first_row, layout.rows, largest, cap, levels, across)
    else:  # all distances along an axis of one pixel are 0: the other axes decide
        levels[across] = 0


@helper
def flip_sizes_of_images(
    words: Words, start: int, count: int, scan: Scan, workspace: Workspace, lead: int, answers: Numbers, sizes: Numbers
) -> None:
    """Sizes after every single flip of ``count`` images whose packed bits begin at ``start``, in reading order.

    ``sizes`` gets the size of each image without any flip.
    """
    layout, cap = scan.layout, scan.cap
    maxima, levels, raster, grid, patterns, planes = workspace
    across, first_slab = layout.blocks * PIXELS, _places(layout).slabs
    pixels = pixels_of(layout)
    for first in range(0, count, layout.images):
        images = min(layout.images, count - first)
        expect_to_write(answers, first * pixels, min(images * pixels, MOST_EXPECTED))
        _find_maxima(words, start + first * pixels, images, scan, maxima)
        for image in range(images):
            largest = 0
            for slab in range(layout.slabs):
                largest = max(largest, maxima[first_slab + image * layout.slabs + slab])
            _find_all_levels(image, largest, scan, workspace)
            sizes[first + image] = 2 * largest
            first_answer = (first + image) * pixels
            at, gathered = first_answer, 0
            for slab in range(layout.slabs):
                for row in range(layout.rows):
                    level_of_row = max(levels[across + _padded(layout.rows) + slab], levels[across + row])
                    for column in range(0, layout.width, PIXELS):
                        level = maximum(load_pixels(levels, column), fill(level_of_row, cap))
                        store(raster, gathered, (level - 1) << 1)
                        gathered += min(PIXELS, layout.width - column)
                        if gathered >= RASTER:
                            at, gathered = write_full_raster(raster, gathered, answers, at, lead)
            write_raster(raster, gathered, answers, at, lead)
            if largest < layout.cap:
                begin = start + first_answer
                if _may_fit(words, begin, largest, layout, grid, patterns, planes):
                    _raise_added(words, begin, largest, grid, patterns, planes, answers, first_answer)


@kernel
def flip_sizes_of(
    words: Words,
    start: int,
    count: int,
    scan: Scan,
    workspace: Workspace,
    lead: int,
    answers: Numbers,
    sizes: npt.NDArray[np.int64],
) -> None:
    """`flip_sizes_of_images`, to be called from Python."""
    flip_sizes_of_images(words, start, count, scan, workspace, lead, answers, sizes)


def flip_sizes_into(packed: PackedMasks, answers: Numbers) -> None:
    """Write the sizes after every single flip of a batch, in reading order."""
    shape, pixels = packed.shape, packed.shape.pixels
    layout, lanes = layout_of(shape), lanes_for(2 * shape.cap)

    sizes = np.empty(packed.images, np.int64)

    def memory() -> tuple[Scan, Workspace]:
        return kept(scan_of, layout, lanes), kept(workspace_of, shape, lanes)

    def work(first: int, last: int, scan: Scan, workspace: Workspace) -> None:
        here = answers[first * pixels : last * pixels]
        lead = lead_of(here)
        flip_sizes_of(packed.words, first * pixels, last - first, scan, workspace, lead, here, sizes[first:last])

    share(work, packed.images, EFFORT * pixels, layout.images, memory)


def flip_sizes(
    masks: ArrayOrTensor, *, spatial_dims: int = 2, black_border: bool = False, out: ArrayOrTensor | None = None
) -> ArrayOrTensor:
    """Size of the object after flipping each single pixel: entry i is the size of the mask with only pixel i flipped.

    Parameters
    ----------
    masks : ndarray or Tensor, shape (..., H, W), or as many of the last dims as ``spatial_dims``
        ±1 of any signed integer or float dtype, or bool; +1 (True) is foreground. Pixels outside the grid are not
        background.
    spatial_dims : {1, 2, 3}
        How many trailing dims form the grid.
    black_border : bool
        Whether pixels outside the grid are background.
    out : ndarray or Tensor, shape (..., H, W), optional
        Where to write the answer: of the kind of the masks and on their device, of any integer or float dtype that
        holds 2·max(H, W). It must not overlap the masks. If it is not contiguous, the answer is made first and then
        copied.

    Returns
    -------
    int32 ndarray or Tensor, or out, shape (..., H, W)
        Sizes in pixels as `object_size` gives them, on the device of the masks: at most 2 where a mask has no
        foreground; where it has no background, twice the distance to the farthest corner. No gradient.

    Raises
    ------
    TypeError
        Masks or ``out`` are neither array nor dense tensor, or of an unfit dtype.
    ValueError
        A mask value other than ±1 (its first index is named), an empty grid, fewer dims than the grid has; ``out`` is
        of another shape or device, too narrow, read-only, or overlaps the masks or itself. Nothing is written then.

    See Also
    --------
    object_size : the size without any flip.

    Notes
    -----
    The g(y with i flipped) of equation (21) of Baručić and Kybic (2022), for all pixels i and exactly, in about the
    time of two or three distance transforms; by definition it takes one transform a pixel.

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

    Filling the hole in a square of 5 by 5 pixels makes it grow from 4 to 6.

    >>> mask = np.ones((5, 7), dtype=bool)
    >>> mask[:, 5:] = mask[2, 1] = False
    >>> flip_sizes(mask)[2, 1]
    np.int32(10)
    """
    if is_traced(masks) and out is None:
        return torch.ops.chdt.flip_sizes(masks, spatial_dims, black_border)  # type: ignore[no-any-return]
    largest = 2 * grid_shape(masks, spatial_dims).cap
    if not black_border:
        answer = new_answer(masks, tuple(masks.shape), largest) if out is None else answer_into(out, masks, largest)
        flip_sizes_into(pack_masks(masks, spatial_dims), answer.words)
        return answer.finish()  # type: ignore[no-any-return]
    if out is not None:
        check_out(out, masks, largest)
    packed: PackedMasks = pack_masks(masks, spatial_dims, black_border)
    sizes = np.empty((packed.images, *packed.shape), np.int32)
    flip_sizes_into(packed, sizes.reshape(-1).view(np.uint32))
    return deliver(packed.inside(sizes).reshape(tuple(masks.shape)), masks, out)  # type: ignore[no-any-return]
