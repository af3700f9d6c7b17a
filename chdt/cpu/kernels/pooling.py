"""A large image pooled: the least logit of each block of 64 pixels, which tells where large windows may lie.

All windows with their centres in one block hold the same blocks around it, all that lie well within their reach. Where
the least logit of one of these is not above a limit, no such window is above it. In the pooled image, an erosion finds
these places with a 64th of the work. As a rule it leaves few blocks, whose 64 centres are then looked at one by one:
they are the bits of a word (`pooled_windows`). docs/exact.md, Thresholds, has the proof.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.shape import Shape
from chdt.cpu.kernels.jit import helper, hot_helper, outlined
from chdt.cpu.kernels.keys import Floats, bits_of, keys_of_some, nans_at, pack_above
from chdt.cpu.kernels.lanes import (
    BLOCK,
    Numbers,
    Word,
    aligned,
    load_pixels,
    minimum,
    prefetch_pixels,
    store,
)
from chdt.cpu.kernels.packing import AHEAD_BYTES, Words, low_bits, packed_words
from chdt.cpu.kernels.planes import PlaneLayout, Planes, planes_of
from chdt.cpu.kernels.window_centres import CENTRE_PLANES, Triple, find_centres

MIN_BLOCKS = 4  # along each axis that is divided into blocks
MIN_REACH = 1  # blocks that windows reach beyond that of their centre; smaller ones may lie in too many places
MOST_BLOCKS, BLOCKS_OF_ONE = 256, 128  # see `most_blocks`
NONE = -1  # image that is pooled
NO_SIDES = (0, 0, 0)


class Pooled(NamedTuple):
    """A pooled image."""

    image: npt.NDArray[np.int64]  # where it begins, or NONE; and whether there is a NaN in it
    sides: Triple  # of a block, along slices, rows and columns; of 64 pixels in all; NO_SIDES if no image is pooled
    values: Numbers  # the least of each block
    row: Numbers  # of a row of blocks, the least key in each column
    packed: Words
    planes: Planes


def pooled_memory(shape: Shape, dtype: Any, is_pooled: bool) -> Pooled:
    """Memory for a grid without single pixels; next to nothing where images are not pooled."""
    sides = _sides_of(shape) if is_pooled else NO_SIDES
    blocks = Shape(*(-(-length // side) for length, side in zip(shape, sides, strict=True))) if sides[2] else (1, 1, 2)
    planes = planes_of(blocks, CENTRE_PLANES)
    count = blocks[0] * blocks[1] * blocks[2]
    width = -(-shape.width // BLOCK) * BLOCK if sides[2] else BLOCK
    values, row = np.zeros(count, dtype), aligned(width, 0, dtype)
    return Pooled(np.array([NONE, 0]), sides, values, row, np.zeros(packed_words(count), np.uint64), planes)


def _sides_of(shape: Shape) -> Triple:
    """Blocks are as long along all axes that have room for MIN_BLOCKS of them."""
    for axes, side in ((3, 4), (2, 8), (1, BLOCK)):
        long = [length >= MIN_BLOCKS * side for length in shape]
        if sum(long) >= axes:
            sides = [side if is_long else 1 for is_long in long]
            return sides[0], sides[1], sides[2]
    return NO_SIDES


@helper
def reach_in_blocks(window: Triple, pooled: Pooled) -> Triple:
    """How many blocks to either side of its own all windows of a block hold; negative if not even that one."""
    sides = pooled.sides
    return (window[0] + 1) // sides[0] - 1, (window[1] + 1) // sides[1] - 1, (window[2] + 1) // sides[2] - 1


@helper
def is_pooled_for(window: Triple, pooled: Pooled) -> bool:
    """Whether windows are so large that it pays off to pool an image for them."""
    sides = pooled.sides
    if sides[2] == 0:
        return False
    reach = reach_in_blocks(window, pooled)
    return bool(
        (sides[0] == 1 or reach[0] >= MIN_REACH)
        and (sides[1] == 1 or reach[1] >= MIN_REACH)
        and (sides[2] == 1 or reach[2] >= MIN_REACH)
    )


@helper
def most_blocks(pooled: Pooled) -> int:
    """Of how many blocks all centres are looked at: one in so many.

    That takes as long as a few rounds in the whole image. Half or twice as many: up to 1.7 times as long.
    """
    return min(MOST_BLOCKS, pooled.values.size // BLOCKS_OF_ONE)


@helper
def forget_image(pooled: Pooled) -> None:
    """Let the next image be pooled."""
    pooled.image[0] = NONE


@hot_helper
def _least_of_rows(
    values: Numbers, at: int, width: int, is_first: bool, floats: Floats, rest: Numbers, row: Numbers
) -> Word:
    """Lower what is in ``row`` to the keys of a row of the image; give a word that is not 0 if one of them is NaN."""
    nan = np.uint64(0)
    for x in range(0, width, BLOCK):
        prefetch_pixels(values, at + x + AHEAD_BYTES // values.itemsize)
        count = min(BLOCK, width - x)
        keys = keys_of_some(values, at + x, count, floats, rest)
        nan_bits = nans_at(values, at + x, floats) if at + x + BLOCK <= values.size else nans_at(rest, 0, floats)
        nan |= nan_bits & low_bits(count)
        store(row, x, keys if is_first else minimum(keys, load_pixels(row, x)))
    return nan


@outlined
def pool(values: Numbers, first: int, layout: PlaneLayout, floats: Floats, rest: Numbers, pooled: Pooled) -> bool:
    """Find the least of each block of the image that begins at ``first``; tell whether there is a NaN."""
    if pooled.image[0] == first:
        return bool(pooled.image[1])
    sides, row = pooled.sides, pooled.row
    nan, block = np.uint64(0), 0
    for z0 in range(0, layout.depth, sides[0]):
        for y0 in range(0, layout.height, sides[1]):
            for z in range(z0, min(z0 + sides[0], layout.depth)):
                for y in range(y0, min(y0 + sides[1], layout.height)):
                    at = first + (z * layout.height + y) * layout.width
                    nan |= _least_of_rows(values, at, layout.width, z == z0 and y == y0, floats, rest, row)
            for x0 in range(0, layout.width, sides[2]):
                least = row[x0]
                for x in range(x0 + 1, min(x0 + sides[2], layout.width)):
                    least = min(least, row[x])
                pooled.values[block] = bits_of(np.uint64(least), floats)
                block += 1
    pooled.image[0], pooled.image[1] = first, nan != 0
    return bool(nan != 0)


@helper
def blocks_left(window: Triple, limit: Word, floats: Floats, rest: Numbers, pooled: Pooled) -> int:
    """Where a window above a limit may have its centre: give the plane of blocks whose background says where not."""
    pack_above(pooled.values, 0, pooled.values.size, limit, floats, rest, pooled.packed)
    return find_centres(pooled.packed, reach_in_blocks(window, pooled), (0, 0, 0), pooled.planes)
