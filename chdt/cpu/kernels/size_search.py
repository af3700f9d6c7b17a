"""Half of the size of an object is how far it can be eroded: found by doubling, then by bisection."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.shape import Shape
from chdt.cpu.kernels.erosions import erode, largest_distance
from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import VECTOR_WORDS, Number, Numbers, Vector, aligned, any_set, load_words, store
from chdt.cpu.kernels.packing import WORD_BITS, Words, pack, packed_words
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

PACKED_PIXELS = (
    1 << 16
)  # pixels that are read in one go: memory is slow to start, and their bits stay in the nearest cache


class SizeMemory(NamedTuple):
    """What a thread needs to measure images, one by one, or small ones in the lanes of vectors."""

    grid: PlaneLayout
    patterns: Words
    planes: Words  # three: the background as it is, and two to dilate it in
    radius: npt.NDArray[np.int64]  # by how much each image is eroded
    ended: npt.NDArray[np.int64]  # the exponent of the erosion that would leave nothing of it
    left: Words  # what is left of it: see `dilate`
    chosen: Words  # all bits set for those that are eroded further
    words: Words  # the packed images, where they are not packed yet


def size_memory(shape: Shape, interleaved: int) -> SizeMemory:
    """Memory for one thread."""
    grid, patterns = plane_layout_of(*shape.without_single_pixels, interleaved)
    radius, ended = np.empty((2, interleaved), np.int64)
    left, chosen = aligned(VECTOR_WORDS, 0, np.uint64), aligned(VECTOR_WORDS, 0, np.uint64)
    words = np.zeros(packed_words(max(PACKED_PIXELS, interleaved * shape.pixels)), np.uint64)
    return SizeMemory(grid, patterns, planes_of(grid, 3), radius, ended, left, chosen, words)


@helper
def _keep_left(left: Vector, workspace: SizeMemory) -> None:
    """Store what is left of each image."""
    store(workspace.left, 0, left)
    if workspace.grid.interleaved == 1 and any_set(left):
        workspace.left[0] = np.uint64(1)


@helper
def _erode(exponent: int, workspace: SizeMemory, current: int) -> int:
    """Erode all objects by 2^exponent pixels more; give the plane with the background then, and keep what is left."""
    grid, patterns, planes = workspace.grid, workspace.patterns, workspace.planes
    first, second = plane_at(grid, 0), plane_at(grid, 1)
    if current == first:
        first = plane_at(grid, 2)
    elif current == second:
        second = plane_at(grid, 2)
    _keep_left(erode(grid, patterns, planes, exponent, current, first, second), workspace)
    return second


@helper
def _take_over(current: int, eroded: int, workspace: SizeMemory) -> None:
    """Of the images that are chosen, take the eroded background for the current one."""
    grid, planes = workspace.grid, workspace.planes
    chosen = load_words(workspace.chosen, 0)
    for at in range(0, grid.words, VECTOR_WORDS):
        before = load_words(planes, current + at)
        store(planes, current + at, before ^ ((before ^ load_words(planes, eroded + at)) & chosen))


@helper
def _measure(words: Words, start: int, images: int, workspace: SizeMemory, sizes: Numbers) -> None:
    """Sizes of images whose packed bits begin at ``start``.

    Each object is eroded by 1, 2, 4, ... pixels until nothing is left of it, then the radius at which it vanished is
    searched between the last two.
    """
    grid, patterns, planes, radius, ended, left, chosen, _ = workspace
    cap = cap_of(grid)
    current = plane_at(grid, 0)
    if grid.interleaved == 1:
        lay_out_background(words, start, grid, patterns, planes, current)
    else:
        lay_out_interleaved(words, start, images, grid, patterns, planes, current)
    _keep_left(objects_in(grid, patterns, planes, current), workspace)
    for image in range(images):
        sizes[image] = 0 if left[image] == 0 else 2
        radius[image], ended[image] = 0, 0 if left[image] == 0 else grid.exponents
    exponent, rising = 0, True
    while rising or exponent > 0:
        if not rising:
            exponent -= 1
        eroded = _erode(exponent, workspace, current)
        any_chosen, all_chosen = False, True
        for image in range(images):
            if exponent < ended[image] and left[image] != 0:
                chosen[image] = ~np.uint64(0)
                radius[image] += 1 << exponent
                any_chosen = True
            else:
                chosen[image] = np.uint64(0)
                ended[image] = min(ended[image], exponent)
                all_chosen = False
        if all_chosen:
            current = eroded
        elif any_chosen:
            _take_over(current, eroded, workspace)
        if rising:
            rising = any_chosen and (2 << exponent) < cap
            if any_chosen:
                exponent += 1
    for image in range(images):
        sizes[image] = min(sizes[image] + 2 * radius[image], 2 * cap)


@helper
def _measure_all(words: Words, start: int, count: int, workspace: SizeMemory, sizes: Numbers) -> None:
    most, pixels = workspace.grid.interleaved, pixels_in(workspace.grid)
    for first in range(0, count, most):
        _measure(words, start + first * pixels, min(most, count - first), workspace, sizes[first:])


@kernel
def sizes_of_packed(words: Words, start: int, count: int, workspace: SizeMemory, sizes: Numbers) -> None:
    """Sizes of ``count`` images whose packed bits begin at ``start``."""
    _measure_all(words, start, count, workspace, sizes)


@kernel
def sizes_of(values: Numbers, foreground: Number, background: Number, workspace: SizeMemory, sizes: Numbers) -> int:
    """Sizes of all images in ``values``; give the index of the first value that is neither of the two, or -1."""
    interleaved, pixels = workspace.grid.interleaved, pixels_in(workspace.grid)
    most = max(1, PACKED_PIXELS // (interleaved * pixels)) * interleaved
    for first in range(0, len(sizes), most):
        images = min(most, len(sizes) - first)
        begin = first * pixels
        found = pack(values[begin : begin + images * pixels], foreground, background, workspace.words, 0)
        if found >= 0:
            return begin + found
        _measure_all(workspace.words, 0, images, workspace, sizes[first:])
    return -1


# A large image is measured in overlapping bands of rows, by several threads. In a band, what lies outside of it is not
# background, so an object may seem larger there; but not in its *core*, the rows that are CORE_MARGIN_ROWS or more away
# from those outside, as long as less than that is eroded. A band need not know its size if another one has a larger
# object.
CORE_MARGIN_ROWS = 64  # rows

BANDS_MAX_DISTANCE = (
    CORE_MARGIN_ROWS - VECTOR_WORDS
)  # half of the size up to which this holds: cores are rounded to whole vectors


class OverlappingBands(NamedTuple):
    """How an image is cut."""

    rows: int  # of a band
    core: int  # rows from a core to the next
    number: int


@kernel
def measure_bands(
    words: Words,
    start: int,
    height: int,
    first: int,
    last: int,
    bands: OverlappingBands,
    workspace: SizeMemory,
    known: Numbers,
) -> None:
    """Raise ``known``, half of a size, by bands first..last - 1 of an image whose packed bits begin at ``start``."""
    grid, patterns, planes = workspace.grid, workspace.patterns, workspace.planes
    for band in range(first, last):
        if known[0] >= BANDS_MAX_DISTANCE:
            return
        row = band * bands.core
        top = max(0, min(row - CORE_MARGIN_ROWS, height - bands.rows))
        blocks = grid.pitch // WORD_BITS
        begin = (row - top) * blocks // VECTOR_WORDS * VECTOR_WORDS
        end = (
            min(grid.words, (min(bands.core, height - row) + row - top) * blocks + VECTOR_WORDS - 1)
            // VECTOR_WORDS
            * VECTOR_WORDS
        )
        lay_out_background(words, start + top * grid.width, grid, patterns, planes, plane_at(grid, 0))
        found = largest_distance(grid, patterns, planes, 0, known[0], BANDS_MAX_DISTANCE, begin, end)
        if found > known[0]:
            known[0] = found
