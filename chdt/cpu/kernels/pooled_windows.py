"""Windows of a pooled image: blocks that are above a limit need not be read.

Only blocks at the edge of a window have some of their pixels in it; of these, only those are read whose least logit is
low enough to matter.
"""

import numpy as np

from chdt.cpu.kernels.jit import helper, outlined
from chdt.cpu.kernels.keys import keys_of_some
from chdt.cpu.kernels.lanes import (
    BLOCK,
    Word,
    fill,
    lane,
    largest_everywhere,
    less_bits,
    lowest_bit,
    minimum,
)
from chdt.cpu.kernels.packing import low_bits
from chdt.cpu.kernels.planes import PlaneLayout
from chdt.cpu.kernels.pooling import Pooled
from chdt.cpu.kernels.window_centres import Triple
from chdt.cpu.kernels.window_search import Search

Box = tuple[Triple, Triple]  # of pixels or blocks: the first, and behind the last along each axis


@helper
def middle_of_block(block: Triple, sides: Triple) -> Triple:
    """The pixel in the middle of a block, which may lie outside the image where the block does in part."""
    z, y, x = block
    return z * sides[0] + sides[0] // 2, y * sides[1] + sides[1] // 2, x * sides[2] + sides[2] // 2


@helper
def centre_in_block(block: Triple, number: int, sides: Triple) -> Triple:
    """The pixel of a block that has this number in reading order."""
    row, x = number // sides[2], number % sides[2]
    return block[0] * sides[0] + row // sides[1], block[1] * sides[1] + row % sides[1], block[2] * sides[2] + x


@helper
def _clipped(begin: Triple, end: Triple, layout: PlaneLayout) -> Box:
    """What of a box lies in the grid."""
    start = max(0, begin[0]), max(0, begin[1]), max(0, begin[2])
    return start, (min(layout.depth, end[0]), min(layout.height, end[1]), min(layout.width, end[2]))


@helper
def _blocks_of(box: Box, sides: Triple) -> Box:
    """The blocks that have pixels in a box."""
    (z0, y0, x0), (z1, y1, x1) = box
    stop = (z1 - 1) // sides[0] + 1, (y1 - 1) // sides[1] + 1, (x1 - 1) // sides[2] + 1
    return (z0 // sides[0], y0 // sides[1], x0 // sides[2]), stop


@helper
def _blocks_inside(box: Box, layout: PlaneLayout, pooled: Pooled) -> Box:
    """The blocks all of whose pixels are in a box: none if one end is not behind the beginning."""
    (z0, y0, x0), (z1, y1, x1) = box
    sides, blocks = pooled.sides, pooled.planes.layout
    stop = (
        z1 // sides[0] if z1 < layout.depth else blocks.depth,
        y1 // sides[1] if y1 < layout.height else blocks.height,
        x1 // sides[2] if x1 < layout.width else blocks.width,
    )
    return (-(-z0 // sides[0]), -(-y0 // sides[1]), -(-x0 // sides[2])), stop


@helper
def _pixels_of(block: Triple, box: Box, sides: Triple) -> Box:
    """What of a block lies in a box."""
    (z0, y0, x0), (z1, y1, x1) = box
    z, y, x = block[0] * sides[0], block[1] * sides[1], block[2] * sides[2]
    return (max(z0, z), max(y0, y), max(x0, x)), (min(z1, z + sides[0]), min(y1, y + sides[1]), min(x1, x + sides[2]))


@helper
def _least_of_block(search: Search, pixels: Box) -> Word:
    """The least key of these pixels of a block."""
    (z0, y0, x0), (z1, y1, x1) = pixels
    layout, least = search.memory.planes.layout, ~fill(0, search.values[0])
    for z in range(z0, z1):
        for y in range(y0, y1):
            at = search.first + (z * layout.height + y) * layout.width + x0
            least = minimum(least, keys_of_some(search.values, at, x1 - x0, search.floats, search.memory.rest))
    return np.uint64(lane(~largest_everywhere(~least), 0))


@outlined
def least_in_pooled_window(search: Search, centre: Triple, enough: Word) -> Word:
    """The least key in a window, if it is above ``enough``; else any that is not."""
    floats, window, rest, pooled = search.floats, search.window, search.memory.rest, search.memory.pooled
    layout, blocks, like = search.memory.planes.layout, pooled.planes.layout, search.values[0]
    begin = centre[0] - window[0], centre[1] - window[1], centre[2] - window[2]
    box = _clipped(begin, (centre[0] + window[0] + 1, centre[1] + window[1] + 1, centre[2] + window[2] + 1), layout)
    (z0, y0, x0), (z1, y1, x1) = _blocks_inside(box, layout, pooled)
    limits, keys = fill(enough, like), ~fill(0, like)
    for z in range(z0, z1):
        for y in range(y0, y1):
            row = (z * blocks.height + y) * blocks.width
            for x in range(x0, x1, BLOCK):
                keys = minimum(keys, keys_of_some(pooled.values, row + x, min(BLOCK, x1 - x), floats, rest))
            if ~less_bits(limits, keys) != 0:
                return enough
    least = np.uint64(lane(~largest_everywhere(~keys), 0))
    (z0, y0, x0), (z1, y1, x1) = _blocks_of(box, pooled.sides)  # those that may be lower lie at the edge
    for z in range(z0, z1):
        for y in range(y0, y1):
            row = (z * blocks.height + y) * blocks.width
            for from_x in range(x0, x1, BLOCK):
                keys = keys_of_some(pooled.values, row + from_x, min(BLOCK, x1 - from_x), floats, rest)
                lower = less_bits(keys, fill(least, like))
                while lower != 0:
                    pixels = _pixels_of((z, y, from_x + lowest_bit(lower)), box, pooled.sides)
                    least = min(least, _least_of_block(search, pixels))
                    if least <= enough:
                        return enough
                    lower &= lower - np.uint64(1)
    return least


@helper
def _bits_along(first: int, last: int, side: int) -> Word:
    """The bits ``first`` to ``last`` of a word, as far as they are 0 to ``side`` - 1."""
    first, last = max(first, 0), min(last, side - 1)
    return low_bits(last + 1) & ~low_bits(first) if first <= last else np.uint64(0)


@helper
def _repeated(bits: Word, mask: Word, step: int) -> Word:
    """The bits, ``step`` apart, once for each bit of ``mask``."""
    word = np.uint64(0)
    while mask != 0:
        word |= bits << np.uint64(lowest_bit(mask) * step)
        mask &= mask - np.uint64(1)
    return word


@helper
def _box_of_bits(z: Word, y: Word, x: Word, sides: Triple) -> Word:
    """The pixels of a block whose places along the axes are these."""
    return _repeated(_repeated(x, y, sides[2]), z, sides[1] * sides[2])


@helper
def _centres_reached(search: Search, pixels: Box, block: Triple, limit: Word) -> Word:
    """The centres of a block whose windows hold one of these pixels that is not above the limit."""
    (z0, y0, x0), (z1, y1, x1) = pixels
    window, sides, layout = search.window, search.memory.pooled.sides, search.memory.planes.layout
    start_z, start_y, start_x = block[0] * sides[0], block[1] * sides[1], block[2] * sides[2]
    limits, found = fill(limit, search.values[0]), np.uint64(0)
    for z in range(z0, z1):
        for y in range(y0, y1):
            at = search.first + (z * layout.height + y) * layout.width + x0
            keys = keys_of_some(search.values, at, x1 - x0, search.floats, search.memory.rest)
            bad = ~less_bits(limits, keys) & low_bits(x1 - x0)
            of_x = np.uint64(0)
            while bad != 0:
                x = x0 + lowest_bit(bad) - start_x
                of_x |= _bits_along(x - window[2], x + window[2], sides[2])
                bad &= bad - np.uint64(1)
            of_z = _bits_along(z - window[0] - start_z, z + window[0] - start_z, sides[0])
            of_y = _bits_along(y - window[1] - start_y, y + window[1] - start_y, sides[1])
            found |= _box_of_bits(of_z, of_y, of_x, sides)
    return found


@outlined
def centres_above(search: Search, block: Triple, limit: Word) -> Word:
    """The centres of a block whose windows are above a limit: a bit for each pixel, in reading order."""
    margins, window, rest, pooled = search.margins, search.window, search.memory.rest, search.memory.pooled
    layout, blocks, sides = search.memory.planes.layout, pooled.planes.layout, pooled.sides
    z0, y0, x0 = block[0] * sides[0], block[1] * sides[1], block[2] * sides[2]
    left = _box_of_bits(
        _bits_along(margins[0] - z0, layout.depth - 1 - margins[0] - z0, sides[0]),
        _bits_along(margins[1] - y0, layout.height - 1 - margins[1] - y0, sides[1]),
        _bits_along(margins[2] - x0, layout.width - 1 - margins[2] - x0, sides[2]),
        sides,
    )
    end = z0 + sides[0] + window[0], y0 + sides[1] + window[1], x0 + sides[2] + window[2]
    box = _clipped((z0 - window[0], y0 - window[1], x0 - window[2]), end, layout)
    limits = fill(limit, search.values[0])
    (z0, y0, x0), (z1, y1, x1) = _blocks_of(box, sides)
    for z in range(z0, z1):
        for y in range(y0, y1):
            row = (z * blocks.height + y) * blocks.width
            for from_x in range(x0, x1, BLOCK):
                count = min(BLOCK, x1 - from_x)
                keys = keys_of_some(pooled.values, row + from_x, count, search.floats, rest)
                bad = ~less_bits(limits, keys) & low_bits(count)
                while bad != 0 and left != 0:
                    pixels = _pixels_of((z, y, from_x + lowest_bit(bad)), box, sides)
                    left &= ~_centres_reached(search, pixels, block, limit)
                    bad &= bad - np.uint64(1)
        if left == 0:
            break
    return left
