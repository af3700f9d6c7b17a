"""The best window of an image: the one whose least logit is the largest.

It is found without looking into each window. The least logit of any window is a bound; the windows above it are those
that lie in the mask of all logits above it, whose centres an erosion finds (`window_centres`). A few of these are
looked into, which raises the bound, until few are left. Each round reads the image once and leaves a small part of the
windows: as a rule three to five rounds are enough.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.shape import Shape
from chdt.cpu.kernels.jit import helper, outlined
from chdt.cpu.kernels.keys import Floats, keys_at, pack_above, weighed
from chdt.cpu.kernels.lanes import (
    BLOCK,
    Numbers,
    Vector,
    Word,
    choose,
    count_bits,
    fill,
    lane,
    largest_everywhere,
    less_bits,
    lowest_bit,
    minimum,
    prefetch,
)
from chdt.cpu.kernels.packing import WORD_BITS, Words, low_bits, packed_words
from chdt.cpu.kernels.planes import PlaneLayout, Planes, pixels_in, planes_of
from chdt.cpu.kernels.window_centres import (
    CENTRE_PLANES,
    Triple,
    Windows,
    centres_in,
    count_centres,
    deepest_centres,
    find_centres,
    margins_at,
    nth_bit,
    place_of,
    window_at,
)

LINE_BYTES, ROWS_AHEAD = 64, 4  # what is asked for before it is read: windows are no runs of memory
MOST_SAMPLES = 64  # windows that are looked into in a round


class ThresholdMemory(NamedTuple):
    """What a thread needs to look for the thresholds of one image after the other."""

    planes: Planes  # CENTRE_PLANES
    packed: Words  # one image
    rest: npt.NDArray[Any]  # 64 values


class Best(NamedTuple):
    """The best window so far."""

    key: Word  # of its least logit; 0 if there is no window yet
    centre: Triple


def threshold_memory(shape: Shape, dtype: Any) -> ThresholdMemory:
    """Memory for one thread."""
    planes = planes_of(shape.without_single_pixels, CENTRE_PLANES)
    return ThresholdMemory(planes, np.zeros(packed_words(shape.pixels), np.uint64), np.zeros(BLOCK, dtype))


@helper
def _block_of(values: Numbers, at: int, count: int, floats: Floats, rest: Numbers) -> Vector:
    """The keys of ``count`` values, at most 64, and the largest number in all lanes behind them."""
    if at + BLOCK <= values.size:
        keys = keys_at(values, at, floats)
    else:
        for j in range(count):
            rest[j] = values[at + j]
        keys = keys_at(rest, 0, floats)
    return choose(low_bits(count), keys, ~fill(0, values[0]))


@outlined
def _look_into(
    values: Numbers, first: int, window: Triple, centre: Triple, floats: Floats, memory: ThresholdMemory, best: Best
) -> Best:
    """The window around this centre, if its least logit is larger than that of the best one; else that one."""
    layout = memory.planes.layout
    z, y, x = centre
    begin, end = max(0, x - window[2]), min(layout.width, x + window[2] + 1)
    limits, least = fill(best.key, values[0]), ~fill(0, values[0])
    for k in range(max(0, z - window[0]), min(layout.depth, z + window[0] + 1)):
        for j in range(max(0, y - window[1]), min(layout.height, y + window[1] + 1)):
            row = first + (k * layout.height + j) * layout.width
            for at in range(begin, end, BLOCK):
                for line in range(0, min(BLOCK, end - at), LINE_BYTES // values.itemsize):
                    prefetch(values, row + at + line + ROWS_AHEAD * layout.width)
                keys = _block_of(values, row + at, min(BLOCK, end - at), floats, memory.rest)
                if ~less_bits(limits, keys) != 0:  # mostly in the first row
                    return best
                least = minimum(least, keys)
    key = weighed(np.uint64(lane(~largest_everywhere(~least), 0)), floats)
    return Best(key, centre) if key > best.key else best


@helper
def first_centre(planes: Planes, at: int) -> Triple:
    """The first centre, in reading order; there must be one."""
    for k in range(planes.layout.plane_words):
        bits = centres_in(planes, at, k)
        if bits != 0:
            return place_of(planes.layout, k * WORD_BITS + lowest_bit(bits))
    return 0, 0, 0


@helper
def _look_into_some(
    values: Numbers,
    first: int,
    window: Triple,
    at: int,
    count: int,
    wanted: int,
    floats: Floats,
    memory: ThresholdMemory,
    best: Best,
) -> Best:
    """The best of ``wanted`` of the ``count`` windows whose centres are in the plane at ``at``, in reading order."""
    planes = memory.planes
    taken, passed = 0, 0
    for k in range(planes.layout.plane_words):
        bits = centres_in(planes, at, k)
        here = count_bits(bits)
        while taken < wanted and taken * count // wanted < passed + here:
            bit = k * WORD_BITS + nth_bit(bits, taken * count // wanted - passed)
            best = _look_into(values, first, window, place_of(planes.layout, bit), floats, memory, best)
            taken += 1
        passed += here
    return best


@helper
def _scattered(i: int, side: int, step: np.uint64) -> int:
    """A place along an axis: those of successive i are spread evenly, however many there are."""
    part = np.uint64(i) * step & np.uint64(0xFFFFFFFF)  # of 2^32
    return int((part * np.uint64(side)) >> np.uint64(32))


@helper
def _first_samples(
    values: Numbers,
    first: int,
    window: Triple,
    margins: Triple,
    wanted: int,
    floats: Floats,
    memory: ThresholdMemory,
    best: Best,
) -> Best:
    """The best of windows all over the image; the multiples of two irrational numbers fill a square evenly."""
    layout = memory.planes.layout
    for i in range(wanted):
        z = margins[0] + _scattered(i, layout.depth - 2 * margins[0], np.uint64(0x8CB92BA7))
        y = margins[1] + _scattered(i, layout.height - 2 * margins[1], np.uint64(0xC13FA9A9))
        x = margins[2] + _scattered(i, layout.width - 2 * margins[2], np.uint64(0x91E10DA5))
        best = _look_into(values, first, window, (z, y, x), floats, memory, best)
    return best


@helper
def _pixels_in(window: Triple, layout: PlaneLayout) -> int:
    """Pixels of a window in the middle of the grid."""
    sides = 2 * window[0] + 1, 2 * window[1] + 1, 2 * window[2] + 1
    return min(sides[0], layout.depth) * min(sides[1], layout.height) * min(sides[2], layout.width)


@helper
def _look_into_middle(
    values: Numbers, first: int, window: Triple, at: int, floats: Floats, memory: ThresholdMemory, best: Best
) -> Best:
    """The best of the windows around a centre that lies deep among the others in the plane at ``at``."""
    planes = memory.planes
    at = deepest_centres(planes, at)
    return _look_into(values, first, window, first_centre(planes, at), floats, memory, best)


@helper
def find_best_window(
    values: Numbers, first: int, rank: int, guess: Triple, windows: Windows, floats: Floats, memory: ThresholdMemory
) -> Best:
    """One of the best windows of a rank that ``windows`` has; a key of 0 if there is a NaN.

    ``guess`` is where it may be, as the best window of another size is.
    """
    planes, layout = memory.planes, memory.planes.layout
    pixels, window, margins = pixels_in(layout), window_at(windows, rank), margins_at(windows, rank)
    wanted = max(2, min(MOST_SAMPLES, pixels // (4 * _pixels_in(window, layout))))
    z = min(max(guess[0], margins[0]), layout.depth - 1 - margins[0])
    y = min(max(guess[1], margins[1]), layout.height - 1 - margins[1])
    x = min(max(guess[2], margins[2]), layout.width - 1 - margins[2])
    best = _look_into(values, first, window, (z, y, x), floats, memory, Best(np.uint64(0), guess))
    best = _first_samples(values, first, window, margins, wanted, floats, memory, best)
    if best.key == 0:  # not even -inf is larger than the keys of all NaN
        return best
    while True:
        if pack_above(values, first, pixels, best.key, floats, memory.rest, memory.packed):
            return Best(np.uint64(0), guess)
        at = find_centres(memory.packed, window, margins, planes)
        count = count_centres(planes, at)
        if count == 0:
            return best
        if count > wanted:  # what lies deep among them is mostly better than the others
            best = _look_into_middle(values, first, window, at, floats, memory, best)
        best = _look_into_some(values, first, window, at, count, min(count, wanted), floats, memory, best)
        if count <= wanted:
            return best
