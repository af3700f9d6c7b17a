"""Half of the size of an object is its largest distance: how far it can be eroded, and one pixel more.

It is found by doubling, then by bisection: some 2 log2(size) erosions.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.shape import Shape
from chdt.cpu.kernels.erosions import erode, exponent_towards
from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import (
    VECTOR_WORDS,
    Number,
    Numbers,
    Vector,
    aligned,
    any_set,
    load_words,
    store,
)
from chdt.cpu.kernels.laying_out import lay_out_images
from chdt.cpu.kernels.packing import Words, pack, packed_words
from chdt.cpu.kernels.planes import (
    Planes,
    add_border,
    cap_of,
    objects_in,
    pixels_in,
    plane_at,
    planes_of,
)

SEARCH_PLANES = 3

PACKED_PIXELS = 1 << 16  # packed, then measured: their bits stay in the nearest cache, and reading runs on


class SearchMemory(NamedTuple):
    """What is known of the images in a plane while their largest distances are searched."""

    distances: npt.NDArray[np.int64]  # one more than what each is eroded by; 0 if there is no object
    left: Words  # not 0 for those that something is left of, if they are eroded further
    chosen: Words  # all bits set for those that are


class SizeMemory(NamedTuple):
    """What a thread needs to measure images, one by one, or small ones in the lanes of vectors."""

    planes: Planes  # SEARCH_PLANES
    search: SearchMemory
    packed: Words  # PACKED_PIXELS, or one image, where they are not packed yet


def search_memory(interleaved: int) -> SearchMemory:
    """Memory for one thread."""
    return SearchMemory(
        np.empty(interleaved, np.int64), aligned(VECTOR_WORDS, 0, np.uint64), aligned(VECTOR_WORDS, 0, np.uint64)
    )


def size_memory(shape: Shape, interleaved: int, black_border: bool = False) -> SizeMemory:
    """Memory for one thread."""
    return SizeMemory(
        planes_of(shape.without_single_pixels, SEARCH_PLANES, interleaved, black_border),
        search_memory(interleaved),
        np.zeros(packed_words(max(PACKED_PIXELS, interleaved * shape.pixels)), np.uint64),
    )


@helper
def _keep_left(left: Vector, planes: Planes, search: SearchMemory) -> None:
    """Store what is left of each image, in its lane; of a single image, any lane of `dilate` may hold it."""
    store(search.left, 0, left)
    if planes.layout.interleaved == 1 and any_set(left):
        search.left[0] = np.uint64(1)


@helper
def _choose(images: int, exponent: int, search: SearchMemory) -> tuple[bool, bool]:
    """Choose the images that something is left of; tell whether any is chosen, and whether all are."""
    distances, left, chosen = search.distances, search.left, search.chosen
    any_chosen, all_chosen = False, True
    for image in range(images):
        if left[image] != 0 and (1 << exponent) <= distances[image]:  # else the erosion was none: see `dilate`
            chosen[image] = ~np.uint64(0)
            distances[image] += 1 << exponent
            any_chosen = True
        else:
            chosen[image] = np.uint64(0)
            all_chosen = False
    return any_chosen, all_chosen


@helper
def _take_over(planes: Planes, current_at: int, eroded_at: int, search: SearchMemory) -> None:
    """Of the images that are chosen, take the eroded background for the current one."""
    words, chosen = planes.words, load_words(search.chosen, 0)
    for at in range(0, planes.layout.plane_words, VECTOR_WORDS):
        before = load_words(words, current_at + at)
        store(words, current_at + at, before ^ ((before ^ load_words(words, eroded_at + at)) & chosen))


@helper
def find_largest_distances(planes: Planes, first: int, images: int, known: int, search: SearchMemory) -> None:
    """Leave in ``search.distances`` the largest distance of each image; 0 if it is not above ``known``.

    The background is in plane ``first``, which is overwritten, as the next two are. All objects are eroded by ``known``
    pixels, then by 1, 2, 4, ... until nothing is left of any, then by half as many each time; what would vanish stays
    as it is.
    """
    layout, distances, most = planes.layout, search.distances, cap_of(planes.layout)
    current_at, other_at, eroded_at = plane_at(layout, first), plane_at(layout, first + 1), plane_at(layout, first + 2)
    _keep_left(objects_in(planes, current_at, 0, layout.plane_words), planes, search)
    for image in range(images):
        distances[image] = 0 if search.left[image] == 0 else 1
    done, exponent, is_rising, reached = 0, 0, True, False
    # A black border is added to the first erosion. What follows are those of an object that is one pixel thinner.
    thinner, border_missing = int(layout.black_border), layout.black_border
    while (is_rising or exponent > 0) and not reached:
        if done < known:
            exponent = exponent_towards(known - thinner, done - thinner)
        elif not is_rising:
            exponent -= 1
        left = erode(planes, exponent, current_at, other_at, eroded_at)
        if border_missing:
            add_border(planes, eroded_at)
            left = objects_in(planes, eroded_at, 0, layout.plane_words)
        _keep_left(left, planes, search)
        any_chosen, all_chosen = _choose(images, exponent, search)
        if all_chosen or border_missing:  # images that nothing is left of stay without an object
            current_at, eroded_at = eroded_at, current_at
        elif any_chosen:
            _take_over(planes, current_at, eroded_at, search)
        if done < known:
            done += 1 << exponent
            exponent, is_rising = 0, any_chosen
        elif is_rising:
            exponent += any_chosen and not border_missing
            is_rising = any_chosen and known + (1 << exponent) < most
        reached, border_missing = images == 1 and distances[0] >= most, False
    for image in range(images):
        distances[image] = min(distances[image], most) if distances[image] > known else 0


@kernel
def sizes_of_packed(packed: Words, start: int, memory: SizeMemory, sizes: Numbers) -> None:
    """Write the sizes of images, as many as ``sizes`` has room for, whose packed bits begin at ``start``."""
    planes, search = memory.planes, memory.search
    interleaved, pixels = planes.layout.interleaved, pixels_in(planes.layout)
    for first in range(0, len(sizes), interleaved):
        images = min(interleaved, len(sizes) - first)
        lay_out_images(packed, start + first * pixels, images, planes, plane_at(planes.layout, 0))
        find_largest_distances(planes, 0, images, 0, search)
        for image in range(images):
            sizes[first + image] = 2 * search.distances[image]


@kernel
def sizes_of(values: Numbers, foreground: Number, background: Number, memory: SizeMemory, sizes: Numbers) -> int:
    """Write the sizes of all images in ``values``; give the index of the first value that is neither of the two, or -1.

    Packing is part of it, at the price of a compilation for each size of a value. As two kernels, they took 13 instead
    of 10.5 us for a single mask of 48x32, and 4 to 7 % longer for 6103 of them.
    """
    layout = memory.planes.layout
    interleaved, pixels = layout.interleaved, pixels_in(layout)
    most = max(1, PACKED_PIXELS // (interleaved * pixels)) * interleaved
    for first in range(0, len(sizes), most):
        images = min(most, len(sizes) - first)
        begin = first * pixels
        found = pack(values[begin : begin + images * pixels], foreground, background, memory.packed, 0)
        if found >= 0:
            return begin + found
        sizes_of_packed(memory.packed, 0, memory, sizes[first : first + images])
    return -1
