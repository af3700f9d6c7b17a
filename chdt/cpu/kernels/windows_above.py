"""Whether a mask that is cut by a limit holds a window, and where the first one is."""

import numpy as np

from chdt.cpu.kernels.jit import outlined
from chdt.cpu.kernels.keys import pack_above
from chdt.cpu.kernels.lanes import Word, lowest_bit
from chdt.cpu.kernels.packing import WORD_BITS
from chdt.cpu.kernels.planes import pixels_in
from chdt.cpu.kernels.pooled_windows import centre_in_block, centres_above
from chdt.cpu.kernels.pooling import blocks_left, most_blocks, pool
from chdt.cpu.kernels.window_centres import (
    NOWHERE,
    Triple,
    centres_in,
    count_centres,
    find_centres,
    first_centre,
    place_of,
)
from chdt.cpu.kernels.window_search import Search


@outlined
def _first_in_blocks(search: Search, limit: Word, any_will_do: bool) -> tuple[Triple, bool]:
    """`first_above` in a pooled image, and whether it is sure: not if too many blocks are left."""
    pooled, planes = search.memory.pooled, search.memory.pooled.planes
    at = blocks_left(search.window, limit, search.floats, search.memory.rest, pooled)
    if count_centres(planes, at) > most_blocks(pooled) and not any_will_do:
        return NOWHERE, False
    found, tried = NOWHERE, 0
    for k in range(planes.layout.plane_words):
        bits = centres_in(planes, at, k)
        while bits != 0:
            if tried == most_blocks(pooled):
                return NOWHERE, False
            tried += 1
            block = place_of(planes.layout, k * WORD_BITS + lowest_bit(bits))
            bits &= bits - np.uint64(1)
            left = centres_above(search, block, limit)
            if left != 0:
                centre = centre_in_block(block, lowest_bit(left), pooled.sides)
                if any_will_do:
                    return centre, True
                if found[0] < 0 or centre < found:
                    found = centre
    return found, True


@outlined
def first_packed(search: Search) -> Triple:
    """The centre of the first window in what is packed, in reading order, or NOWHERE."""
    planes = search.memory.planes
    return first_centre(planes, find_centres(search.memory.packed, search.window, search.margins, planes))


@outlined
def first_above(search: Search, limit: Word, any_will_do: bool) -> Triple:
    """The centre of the first window above a limit, in reading order, or NOWHERE; or that of any of them."""
    planes, floats, rest, packed = search.memory.planes, search.floats, search.memory.rest, search.memory.packed
    if search.is_pooled:
        pool(search.values, search.first, planes.layout, floats, rest, search.memory.pooled)
        centre, is_sure = _first_in_blocks(search, limit, any_will_do)
        if is_sure:
            return centre
    pack_above(search.values, search.first, pixels_in(planes.layout), limit, floats, rest, packed)
    return first_packed(search)
