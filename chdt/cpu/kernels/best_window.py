"""The best window of an image: the one whose least logit is the largest.

It is found without looking into each window. The least logit of any window is a bound; the windows above it are those
that lie in the mask of all logits above it, whose centres an erosion finds (`window_centres`). A few of these are
looked into, which raises the bound, until few are left. Each round reads the image once and leaves a small part of the
windows: as a rule three to five rounds are enough. Large windows in a large image are looked for in the pooled image,
which is read in a 64th of the time (`pooling`).
"""

import numpy as np

from chdt.cpu.kernels.jit import helper, outlined
from chdt.cpu.kernels.keys import keys_of_some, pack_above, weighed
from chdt.cpu.kernels.lanes import (
    BLOCK,
    Word,
    count_bits,
    fill,
    lane,
    largest_everywhere,
    less_bits,
    lowest_bit,
    minimum,
    prefetch,
)
from chdt.cpu.kernels.packing import WORD_BITS
from chdt.cpu.kernels.planes import Planes, pixels_in
from chdt.cpu.kernels.pooled_windows import centre_in_block, centres_above, least_in_pooled_window, middle_of_block
from chdt.cpu.kernels.pooling import blocks_left, most_blocks, pool
from chdt.cpu.kernels.window_centres import (
    Triple,
    centres_in,
    count_centres,
    deepest_centres,
    find_centres,
    first_centre,
    nth_bit,
    place_of,
)
from chdt.cpu.kernels.window_search import Best, Search, nearest_centre

LINE_BYTES, ROWS_AHEAD = 64, 4  # what is asked for before it is read: windows are no runs of memory
NEAR_BYTES = 1 << 18  # images of so many are in the caches anyway

# Windows that are looked into in a round: so many that it takes about as long as reading the image.
FEWEST_SAMPLES, PIXELS_OF_A_SAMPLE, MOST_SAMPLES = 4, 1024, 64
MOST_POOLED_ROUNDS = 16  # that leave too many blocks to look at all their centres
PIXELS = (1, 1, 1)  # the sides of blocks, where places are pixels


@outlined
def _least_in_window(search: Search, centre: Triple, enough: Word, rows_ahead: int | None) -> Word:
    """The least key in a window, if it is above ``enough``; else any that is not."""
    values, window, layout, rest = search.values, search.window, search.memory.planes.layout, search.memory.rest
    z, y, x = centre
    begin, end = max(0, x - window[2]), min(layout.width, x + window[2] + 1)
    limits, least = fill(enough, values[0]), ~fill(0, values[0])
    for k in range(max(0, z - window[0]), min(layout.depth, z + window[0] + 1)):
        for j in range(max(0, y - window[1]), min(layout.height, y + window[1] + 1)):
            row = search.first + (k * layout.height + j) * layout.width
            for at in range(begin, end, BLOCK):
                if rows_ahead is not None:
                    for line in range(0, min(BLOCK, end - at), LINE_BYTES // values.itemsize):
                        prefetch(values, row + at + line + rows_ahead * layout.width)
                keys = keys_of_some(values, row + at, min(BLOCK, end - at), search.floats, rest)
                if ~less_bits(limits, keys) != 0:  # mostly in the first row
                    return enough
                least = minimum(least, keys)
    return np.uint64(lane(~largest_everywhere(~least), 0))


@helper
def _look(search: Search, centre: Triple, best: Best) -> Best:
    """The window around this centre, if its least logit is larger than that of the best one; else that one."""
    if search.is_pooled:
        least = least_in_pooled_window(search, centre, best.key)
    elif pixels_in(search.memory.planes.layout) * search.values.itemsize <= NEAR_BYTES:
        least = _least_in_window(search, centre, best.key, None)
    else:
        least = _least_in_window(search, centre, best.key, ROWS_AHEAD)
    key = weighed(least, search.floats)
    return Best(key, centre) if key > best.key else best


@helper
def _look_into_some(
    search: Search, planes: Planes, sides: Triple, at: int, count: int, wanted: int, best: Best
) -> Best:
    """The best of ``wanted`` of the ``count`` windows whose centres are in the plane at ``at``, in reading order.

    These are places of blocks with such sides; the window is that around the middle of the block.
    """
    taken, passed = 0, 0
    due, step = 0, (count << 16) // wanted  # the next one; 65536 times how far it is from one to the next
    for k in range(planes.layout.plane_words):
        bits = centres_in(planes, at, k)
        here = count_bits(bits)
        while taken < wanted and due < passed + here:
            place = place_of(planes.layout, k * WORD_BITS + nth_bit(bits, due - passed))
            best = _look(search, nearest_centre(search, middle_of_block(place, sides)), best)
            taken += 1
            due = (taken * step) >> 16
        passed += here
    return best


@helper
def _look_into_left(
    search: Search, planes: Planes, sides: Triple, at: int, count: int, wanted: int, best: Best
) -> Best:
    """`_look_into_some`, after one that lies deep among them, which is mostly better than the others."""
    if count > wanted:
        place = first_centre(planes, deepest_centres(planes, at))
        best = _look(search, nearest_centre(search, middle_of_block(place, sides)), best)
    return _look_into_some(search, planes, sides, at, count, min(count, wanted), best)


@helper
def _scattered(i: int, side: int, step: np.uint64) -> int:
    """A place along an axis: those of successive i are spread evenly, however many there are."""
    part = np.uint64(i) * step & np.uint64(0xFFFFFFFF)  # of 2^32
    return int((part * np.uint64(side)) >> np.uint64(32))


@helper
def _look_all_over(search: Search, wanted: int, best: Best) -> Best:
    """The best of windows all over the image; the multiples of two irrational numbers fill a square evenly."""
    layout, margins = search.memory.planes.layout, search.margins
    for i in range(wanted):
        z = margins[0] + _scattered(i, layout.depth - 2 * margins[0], np.uint64(0x8CB92BA7))
        y = margins[1] + _scattered(i, layout.height - 2 * margins[1], np.uint64(0xC13FA9A9))
        x = margins[2] + _scattered(i, layout.width - 2 * margins[2], np.uint64(0x91E10DA5))
        best = _look(search, (z, y, x), best)
    return best


@helper
def _pixels_of_window(search: Search) -> int:
    """Pixels of a window in the middle of the grid."""
    window, layout = search.window, search.memory.planes.layout
    sides = 2 * window[0] + 1, 2 * window[1] + 1, 2 * window[2] + 1
    return min(sides[0], layout.depth) * min(sides[1], layout.height) * min(sides[2], layout.width)


@helper
def _best_in_block(search: Search, block: Triple, best: Best) -> Best:
    """The best of all windows with their centres in a block, if it is better than the best one; else that one."""
    while True:
        left = centres_above(search, block, best.key)
        if left == 0:
            return best
        centre = centre_in_block(block, nth_bit(left, count_bits(left) // 2), search.memory.pooled.sides)
        best = _look(search, centre, best)


@helper
def _best_in_blocks(search: Search, wanted: int, best: Best) -> tuple[Best, bool]:
    """The best window of a pooled image, and whether it is sure to be: not if too many blocks are left."""
    pooled, planes = search.memory.pooled, search.memory.pooled.planes
    for _ in range(MOST_POOLED_ROUNDS):
        at = blocks_left(search.window, best.key, search.floats, search.memory.rest, pooled)
        count = count_centres(planes, at)
        if count <= most_blocks(pooled):
            for k in range(planes.layout.plane_words):
                bits = centres_in(planes, at, k)
                while bits != 0:
                    best = _best_in_block(search, place_of(planes.layout, k * WORD_BITS + lowest_bit(bits)), best)
                    bits &= bits - np.uint64(1)
            return best, True
        before = best.key
        best = _look_into_left(search, planes, pooled.sides, at, count, wanted, best)
        if best.key == before:
            break
    return best, False


@outlined
def find_best_window(search: Search, guess: Triple) -> Best:
    """One of the best windows; a key of 0 if there is a NaN.

    ``guess`` is where it may be, as the best window of another size is.
    """
    values, first, floats, memory = search.values, search.first, search.floats, search.memory
    planes = memory.planes
    pixels = pixels_in(planes.layout)
    if search.is_pooled and pool(values, first, planes.layout, floats, memory.rest, memory.pooled):
        return Best(np.uint64(0), guess)
    of_image = min(FEWEST_SAMPLES + pixels // PIXELS_OF_A_SAMPLE, MOST_SAMPLES)
    wanted = max(2, min(of_image, pixels // (4 * _pixels_of_window(search))))
    best = _look(search, nearest_centre(search, guess), Best(np.uint64(0), guess))
    best = _look_all_over(search, wanted, best)
    if best.key == 0:  # not even -inf is larger than the keys of all NaN
        return best
    if search.is_pooled:
        best, is_sure = _best_in_blocks(search, wanted, best)
        if is_sure:
            return best
    while True:
        if pack_above(values, first, pixels, best.key, floats, memory.rest, memory.packed):
            return Best(np.uint64(0), guess)
        at = find_centres(memory.packed, search.window, search.margins, planes)
        count = count_centres(planes, at)
        if count == 0:
            return best
        best = _look_into_left(search, planes, PIXELS, at, count, wanted, best)
        if count <= wanted:
            return best
