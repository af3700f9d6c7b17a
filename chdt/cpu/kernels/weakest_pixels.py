"""At which threshold an object has a size: the weakest pixel of the best window (docs/reference.md, threshold_of_size).

Of all windows, the *best* is the one whose least logit is largest. It is found without looking into each: the least
logit of any window is a bound, and the windows above it are those that lie in the mask of all logits above it, whose
centres an erosion finds (`window_centres`). Of these a few are looked into, which raises the bound, until few are left.
Each round reads the image once and leaves some 1 / SAMPLES of the windows.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.pixels import ABOVE_ALL, BELOW_ALL
from chdt.checks.shape import Shape
from chdt.cpu.kernels.jit import helper, kernel, outlined
from chdt.cpu.kernels.keys import Floats, bits_of, first_nan, keys_at, limit_below, pack_above, weighed
from chdt.cpu.kernels.lanes import (
    BLOCK,
    Numbers,
    Vector,
    Word,
    choose,
    count_bits,
    equal_bits,
    fill,
    lane,
    less_bits,
    lowest_bit,
    minimum,
    prefetch,
    rotate,
)
from chdt.cpu.kernels.packing import WORD_BITS, Words, low_bits, packed_words
from chdt.cpu.kernels.planes import PlaneLayout, Planes, planes_of
from chdt.cpu.kernels.window_centres import (
    CENTRE_PLANES,
    Triple,
    Windows,
    centres_in,
    count_centres,
    deepest_centres,
    find_centres,
    margins_at,
    middle_of,
    nth_bit,
    place_of,
    window_at,
)

LINE_BYTES, ROWS_AHEAD = 64, 4
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
def _least_lane(lanes: Vector) -> Word:
    lanes = minimum(lanes, rotate(lanes, 1))
    lanes = minimum(lanes, rotate(lanes, 2))
    lanes = minimum(lanes, rotate(lanes, 4))
    lanes = minimum(lanes, rotate(lanes, 8))
    lanes = minimum(lanes, rotate(lanes, 16))
    lanes = minimum(lanes, rotate(lanes, 32))
    return np.uint64(lane(lanes, 0))


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
    key = weighed(_least_lane(least), floats)
    return Best(key, centre) if key > best.key else best


@helper
def _first_centre(planes: Planes, at: int) -> Triple:
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
    return _look_into(values, first, window, _first_centre(planes, at), floats, memory, best)


@helper
def _best_window(
    values: Numbers,
    first: int,
    pixels: int,
    window: Triple,
    margins: Triple,
    guess: Triple,
    floats: Floats,
    memory: ThresholdMemory,
) -> Best:
    """One of the best windows; a key of 0 if there is a NaN.

    ``guess`` is where it may be, as the best window of another size is.
    """
    planes, layout = memory.planes, memory.planes.layout
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


@helper
def _is_unique(values: Numbers, first: int, pixels: int, key: Word, floats: Floats) -> bool:
    """Whether no more than one of the values from ``first`` on has this key."""
    value = bits_of(key, floats)
    other = floats.sign if value == 0 else value  # a negative zero has the key of zero
    wanted, also = values.dtype.type(value), values.dtype.type(other)
    count, whole = 0, pixels // BLOCK * BLOCK
    for at in range(first, first + whole, BLOCK):
        count += count_bits(equal_bits(values, at, wanted) | equal_bits(values, at, also))
    for at in range(first + whole, first + pixels):
        count += values[at] == wanted or values[at] == also
    return count <= 1


@helper
def _first_best_window(
    values: Numbers,
    first: int,
    pixels: int,
    window: Triple,
    margins: Triple,
    floats: Floats,
    memory: ThresholdMemory,
    best: Best,
) -> Best:
    """Of all windows that are as good as the best one, the first in reading order."""
    limit = limit_below(best.key, floats)
    pack_above(values, first, pixels, limit, floats, memory.rest, memory.packed)
    at = find_centres(memory.packed, window, margins, memory.planes)
    return Best(best.key, _first_centre(memory.planes, at))


@helper
def _first_in_row(values: Numbers, begin: int, end: int, value: Word, other: Word) -> int:
    """The first place from ``begin`` to before ``end`` that holds one of both values, or -1."""
    for at in range(begin, end, BLOCK):
        if at + BLOCK <= values.size:
            found = equal_bits(values, at, values.dtype.type(value)) | equal_bits(values, at, values.dtype.type(other))
            found &= low_bits(min(BLOCK, end - at))
            if found != 0:
                return at + int(lowest_bit(found))
        else:
            for j in range(at, end):
                if values[j] == value or values[j] == other:
                    return j
    return -1


@helper
def _weakest_pixel(values: Numbers, first: int, window: Triple, best: Best, floats: Floats, planes: Planes) -> int:
    """The first pixel, in reading order, of the window whose value has its key."""
    layout = planes.layout
    z, y, x = best.centre
    value = bits_of(best.key, floats)
    other = floats.sign if value == 0 else value  # a negative zero has the key of zero
    begin, end = max(0, x - window[2]), min(layout.width, x + window[2] + 1)
    for k in range(max(0, z - window[0]), min(layout.depth, z + window[0] + 1)):
        for j in range(max(0, y - window[1]), min(layout.height, y + window[1] + 1)):
            row = first + (k * layout.height + j) * layout.width
            found = _first_in_row(values, row + begin, row + end, value, other)
            if found >= 0:
                return found - first
    return BELOW_ALL


@helper
def find_best_window(
    values: Numbers, first: int, rank: int, guess: Triple, windows: Windows, floats: Floats, memory: ThresholdMemory
) -> Best:
    """One of the best windows of this rank; a key of 0 if there is a NaN. The rank must be one of ``windows``."""
    layout = memory.planes.layout
    pixels = layout.depth * layout.height * layout.width
    window, margins = window_at(windows, rank), margins_at(windows, rank)
    return _best_window(values, first, pixels, window, margins, guess, floats, memory)


@kernel
def weakest_pixels_of(
    values: Numbers,
    floats: Floats,
    ranks: npt.NDArray[np.int64],
    windows: Windows,
    memory: ThresholdMemory,
    pixels: npt.NDArray[np.int64],
) -> None:
    """For each image and each of its ranks, the pixel whose value is the largest of all least values in windows.

    ``ranks``, shape (images, count), say which of ``windows``: the answer is ABOVE_ALL where they are negative, and
    BELOW_ALL where there is no such window in the grid. With a NaN in the image, it is the first of these.
    """
    layout = memory.planes.layout
    size = layout.depth * layout.height * layout.width
    for image in range(len(ranks)):
        first, guess = image * size, middle_of(layout)
        for number in range(ranks.shape[1]):
            rank = ranks[image, number]
            if rank < 0:
                pixels[image, number] = ABOVE_ALL
                continue
            if rank < len(windows.radii):
                best = find_best_window(values, first, rank, guess, windows, floats, memory)
                has_nan = best.key == 0
            else:
                best = Best(np.uint64(0), guess)
                has_nan = pack_above(values, first, size, best.key, floats, memory.rest, memory.packed)
            if has_nan:
                pixels[image, number] = first_nan(values, first, size, floats)
                continue
            if best.key == 0:
                pixels[image, number] = BELOW_ALL
                continue
            guess = best.centre
            window = window_at(windows, rank)
            # Nearly always, all best windows are so by the same pixel.
            if not _is_unique(values, first, size, best.key, floats):
                margins = margins_at(windows, rank)
                best = _first_best_window(values, first, size, window, margins, floats, memory, best)
            pixels[image, number] = _weakest_pixel(values, first, window, best, floats, memory.planes)
