"""Background pixels of large images that are alone in some window, slab by slab: `added_pixel` says what they are for.

What windows hold is counted slab by slab, as unions are. Almost no slab has room for a window whose pixels are all
in columns with one background pixel or none within reach, which `has_room` tells; in the others, counting goes on.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.ranks import Ranks
from chdt.checks.shape import Shape
from chdt.cpu.kernels.box_erosions import radius_within
from chdt.cpu.kernels.erosions import dilate_along
from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import (
    VECTOR_WORDS,
    Numbers,
    Vector,
    any_set,
    load_words,
    lowest_bit,
    store,
)
from chdt.cpu.kernels.largest_windows import has_room, reach_of
from chdt.cpu.kernels.packing import WORD_BITS, Words
from chdt.cpu.kernels.planes import COLUMNS, INSIDE, ROWS, SLICES, Planes, nothing_in, plane_at, planes_of
from chdt.cpu.kernels.slabs import Segment, Slabs, begin_segment, first_of_segment, join_window, slabs_of
from chdt.cpu.kernels.window_counts import COUNTS, DOUBLED, LOWER, count_along


class CountedSegment(NamedTuple):
    """What a thread needs to count background in windows: as a `Segment`, with counts in the place of unions."""

    planes: Planes  # of one slab
    ones: Words  # at least one pixel
    twos: Words  # at least two


class Lonely(NamedTuple):
    """What is found, for all threads: the windows with a single background pixel."""

    reached: Slabs  # the pixels of each slab in the windows around its centres, in the place of background
    has_centres: npt.NDArray[np.uint8]  # 1 for each slab that has any


def counted_segment_of(shape: Shape) -> CountedSegment:
    """Memory for one thread."""
    slabs = slabs_of(shape)
    words = (slabs.number + 1) * slabs.pitch
    of_slab = planes_of((1, slabs.rows, slabs.width), LOWER + 2)
    return CountedSegment(of_slab, np.empty(words, np.uint64), np.empty(words, np.uint64))


def lonely_of(slabs: Slabs) -> Lonely:
    """Memory for an image."""
    return Lonely(slabs._replace(words=np.empty_like(slabs.words)), np.zeros(slabs.number, np.uint8))


@helper
def _begin_segment(slabs: Slabs, centre: int, reach: int, segment: CountedSegment) -> None:
    """Count in the slabs of the segment that begins with the window around ``centre``: from each to the last."""
    ones, twos, pitch, nothing = segment.ones, segment.twos, slabs.pitch, nothing_in(segment.planes)
    first, last = first_of_segment(centre, reach), min(slabs.number - 1, centre + reach)
    for x in range(0, pitch, VECTOR_WORDS):
        store(ones, (last - first) * pitch + x, load_words(slabs.words, last * pitch + x))
        store(twos, (last - first) * pitch + x, nothing)
        store(ones, slabs.number * pitch + x, nothing)
        store(twos, slabs.number * pitch + x, nothing)
    for slab in range(last - 1, first - 1, -1):
        at = (slab - first) * pitch
        for x in range(at, at + pitch, VECTOR_WORDS):
            background, one = load_words(slabs.words, first * pitch + x), load_words(ones, x + pitch)
            store(ones, x, one | background)
            store(twos, x, load_words(twos, x + pitch) | (one & background))


@helper
def _join_window(slabs: Slabs, begin: int, centre: int, reach: int, segment: CountedSegment) -> Vector:
    """Write the counts of the window around ``centre`` across the slabs; give where there are less than two.

    Its segment begins with the window around ``begin``, and all centres before have been joined.
    """
    planes, ones, twos, pitch = segment.planes, segment.ones, segment.twos, slabs.pitch
    one_at, two_at, few = plane_at(planes.layout, COUNTS), plane_at(planes.layout, COUNTS + 1), nothing_in(planes)
    at, behind = (max(0, centre - reach) - first_of_segment(begin, reach)) * pitch, slabs.number * pitch
    enters, entering = centre > begin and centre + reach < slabs.number, (centre + reach) * pitch
    for x in range(0, pitch, VECTOR_WORDS):
        one, two = load_words(ones, behind + x), load_words(twos, behind + x)
        if enters:
            background = load_words(slabs.words, entering + x)
            two |= one & background
            one |= background
            store(ones, behind + x, one)
            store(twos, behind + x, two)
        one_before = load_words(ones, at + x)
        two |= load_words(twos, at + x) | (one & one_before)
        store(planes.words, one_at + x, one | one_before)
        store(planes.words, two_at + x, two)
        few |= load_words(planes.patterns, INSIDE + x) & ~two
    return few


@kernel
def find_lonely(
    slabs: Slabs, first: int, last: int, rank: int, ranks: Ranks | None, segment: CountedSegment, lonely: Lonely
) -> None:
    """Find the windows of all pixels nearer than ``rank``, around slabs first..last - 1, with one background pixel.

    None may be without any.
    """
    planes, words, begin = segment.planes, segment.planes.words, first
    layout = planes.layout
    one_at, two_at, other_at = plane_at(layout, COUNTS), plane_at(layout, COUNTS + 1), plane_at(layout, DOUBLED)
    reach = reach_of(rank, ranks, slabs)
    along_rows = min(radius_within(rank, ranks, slabs.axis_of_rows), slabs.rows - 1)
    along_columns = min(radius_within(rank, ranks, COLUMNS), slabs.width - 1)
    while begin < last:
        _begin_segment(slabs, begin, reach, segment)
        end = min(last, begin + 2 * reach + 1)
        for centre in range(begin, end):
            lonely.has_centres[centre] = 0
            for x in range(0, slabs.pitch, VECTOR_WORDS):
                store(lonely.reached.words, centre * slabs.pitch + x, nothing_in(planes))
            few = _join_window(slabs, begin, centre, reach, segment)
            if not any_set(few) or not has_room(slabs, rank, ranks, planes, two_at):
                continue
            count_along(planes, along_rows, ROWS)
            count_along(planes, along_columns, COLUMNS)
            centres = nothing_in(planes)
            for x in range(0, slabs.pitch, VECTOR_WORDS):
                alone = load_words(words, one_at + x) & ~load_words(words, two_at + x)
                alone &= load_words(planes.patterns, INSIDE + x)
                store(words, one_at + x, alone)
                centres |= alone
            if any_set(centres):
                lonely.has_centres[centre] = 1
                reached_at, other_at = dilate_along(planes, ROWS, along_rows, one_at, other_at)
                reached_at, other_at = dilate_along(planes, COLUMNS, along_columns, reached_at, other_at)
                for x in range(0, slabs.pitch, VECTOR_WORDS):
                    store(lonely.reached.words, centre * slabs.pitch + x, load_words(words, reached_at + x))
                one_at, other_at = plane_at(layout, COUNTS), plane_at(layout, DOUBLED)
        begin = end


@kernel
def raise_lonely(
    slabs: Slabs,
    first: int,
    last: int,
    rank: int,
    ranks: Ranks | None,
    segment: Segment,
    lonely: Lonely,
    answers: Numbers,
    found: npt.NDArray[np.int64],
) -> int:
    """Raise the answers of the background pixels that are alone in a window to twice ``rank``; count them.

    Only those in slabs first..last - 1; `find_lonely` must be done for all. ``found`` gets the first ones, each as its
    bit in the slabs and its place in the image, and the answers of the image begin with the first.
    """
    words, at = segment.planes.words, plane_at(segment.planes.layout, 0)
    reach, count, begin = reach_of(rank, ranks, slabs), 0, first
    while begin < last:
        begin_segment(lonely.reached, begin, reach, segment)
        end = min(last, begin + 2 * reach + 1)
        for slab in range(begin, end):
            join_window(lonely.reached, begin, slab, reach, segment, at)
            for k in range(slabs.rows * slabs.row_words):
                word = words[at + k] & slabs.words[slab * slabs.pitch + k]
                row = k // slabs.row_words
                row = slab * slabs.rows + row if slabs.axis == SLICES else row * slabs.number + slab
                while word != 0:
                    bit = lowest_bit(word)
                    word &= word - np.uint64(1)
                    pixel = row * slabs.width + k % slabs.row_words * WORD_BITS + bit
                    answers[pixel] = max(answers[pixel], 2 * rank)
                    if 2 * count + 1 < found.size:
                        found[2 * count] = (slab * slabs.pitch + k) * WORD_BITS + bit
                        found[2 * count + 1] = pixel
                    count += 1
        begin = end
    return count
