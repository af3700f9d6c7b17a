"""At which threshold an object has a size: the weakest pixel of the best window (docs/reference.md, threshold_of_size).

The largest, over all centres, of the least logit in the window around each. Logits are compared as *keys*, unsigned
integers in the same order: for that, the sign bit of a positive float is set and all bits of a negative one are turned.
So float16, bfloat16, float32 and float64 are one thing to the kernel.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from chdt.checks.shape import Shape
from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import (
    BLOCK,
    Number,
    Numbers,
    Vector,
    choose,
    equal_bits,
    fill,
    lane,
    load_pixels,
    lowest_bit,
    maximum,
    rotate,
    store,
)
from chdt.cpu.kernels.packing import Sides, low_bits
from chdt.cpu.kernels.window_minima import WindowMemory, in_row, window_minima

# What a threshold is at no pixel: the index that stands for it.
ABOVE_ALL, BELOW_ALL = -1, -2


@helper
def _load_keys(values: Numbers, first: int, sign: Number, rest: Numbers, memory: WindowMemory) -> Number:
    """The keys of an image whose values begin at ``first``; give the largest of its values without their signs.

    A negative zero counts as zero. ``rest`` is memory for the last values of the batch, fewer than 64.
    """
    shape, keys = memory.shape, memory.keys
    pitch, bits = memory.pitch, keys.itemsize * 8 - 1
    nothing = fill(0, keys[0])
    outside = ~nothing
    largest = nothing
    for row in range(shape.depth * shape.height):
        for x in range(0, shape.width, BLOCK):
            at = first + row * shape.width + x
            if at + BLOCK <= values.size:
                numbers = choose(equal_bits(values, at, sign), nothing, load_pixels(values, at))
            else:
                for j in range(values.size - at):
                    rest[j] = values[at + j]
                numbers = choose(equal_bits(rest, 0, sign), nothing, load_pixels(rest, 0))
            numbers = in_row(x, shape.width, numbers, nothing)
            largest = maximum(largest, (numbers << 1) >> 1)
            key = numbers ^ ((nothing - (numbers >> bits)) | sign)
            store(keys, row * pitch + x, in_row(x, shape.width, key, outside))
    return _largest_lane(largest)


@helper
def _largest_lane(lanes: Vector) -> Number:
    lanes = maximum(lanes, rotate(lanes, 1))
    lanes = maximum(lanes, rotate(lanes, 2))
    lanes = maximum(lanes, rotate(lanes, 4))
    lanes = maximum(lanes, rotate(lanes, 8))
    lanes = maximum(lanes, rotate(lanes, 16))
    lanes = maximum(lanes, rotate(lanes, 32))
    return lane(lanes, 0)


@helper
def _margins(radii: Sides, border: Shape) -> Sides:
    """How far centres stay away from the border, where pixels outside of the grid are background."""
    return radii[0] * border.depth, radii[1] * border.height, radii[2] * border.width


@helper
def _columns_from_to(x: int, first: int, last: int) -> Any:
    """A word with the bits of the columns from ``first`` to before ``last`` in the block that begins at column x."""
    return low_bits(min(BLOCK, max(0, last - x))) & ~low_bits(min(BLOCK, max(0, first - x)))


@helper
def _largest_key(memory: WindowMemory, margins: Sides) -> Number:
    """The largest key at a centre, 0 where there is none: no key of a number is 0."""
    shape, keys, pitch = memory.shape, memory.keys, memory.pitch
    nothing = fill(0, keys[0])
    largest = nothing
    for z in range(margins[0], shape.depth - margins[0]):
        for y in range(margins[1], shape.height - margins[1]):
            for x in range(0, memory.across, BLOCK):
                wanted = _columns_from_to(x, margins[2], shape.width - margins[2])
                here = load_pixels(keys, (z * shape.height + y) * pitch + x)
                largest = maximum(largest, choose(wanted, here, nothing))
    return _largest_lane(largest)


@helper
def _first_centre(key: Number, memory: WindowMemory, margins: Sides) -> tuple[int, int, int]:
    """The first centre, in reading order, with this key; there must be one."""
    shape, pitch = memory.shape, memory.pitch
    for z in range(margins[0], shape.depth - margins[0]):
        for y in range(margins[1], shape.height - margins[1]):
            for x in range(0, memory.across, BLOCK):
                found = equal_bits(memory.keys, (z * shape.height + y) * pitch + x, key)
                found &= _columns_from_to(x, margins[2], shape.width - margins[2])
                if found != 0:
                    return z, y, x + lowest_bit(found)
    return 0, 0, 0


@helper
def _value_of(key: Number, sign: Number) -> Number:
    """The bits of the value with this key."""
    one = np.uint64(1)
    bits = (np.uint64(sign) - one) | np.uint64(sign)
    return (np.uint64(key) ^ np.uint64(sign)) if np.uint64(key) & np.uint64(sign) != 0 else ~np.uint64(key) & bits


@helper
def _firstin_row(values: Numbers, begin: int, end: int, value: Number, other: Number) -> int:
    """The first place from ``begin`` to before ``end`` that holds one of both values, or -1."""
    for at in range(begin, end, BLOCK):
        if at + BLOCK <= values.size:
            found = (equal_bits(values, at, value) | equal_bits(values, at, other)) & low_bits(min(BLOCK, end - at))
            if found != 0:
                return at + int(lowest_bit(found))
        else:
            for j in range(at, end):
                if values[j] == value or values[j] == other:
                    return j
    return -1


@helper
def _first_weakest(
    values: Numbers, first: int, key: Number, sign: Number, radii: Sides, centre: tuple[int, int, int], shape: Shape
) -> int:
    """The first pixel, in reading order, whose value has this key in the window around the centre."""
    z, y, x = centre
    value = _value_of(key, sign)
    other = np.uint64(sign) if value == 0 else value  # a negative zero has the key of zero
    begin, end = max(0, x - radii[2]), min(shape.width, x + radii[2] + 1)
    for k in range(max(0, z - radii[0]), min(shape.depth, z + radii[0] + 1)):
        for j in range(max(0, y - radii[1]), min(shape.height, y + radii[1] + 1)):
            row = first + (k * shape.height + j) * shape.width
            found = _firstin_row(values, row + begin, row + end, values.dtype.type(value), values.dtype.type(other))
            if found >= 0:
                return found - first
    return BELOW_ALL


@helper
def _first_nan(values: Numbers, first: int, pixels: int, infinity: Number) -> int:
    """The first pixel whose bits but the sign are more than those of infinity."""
    mask = (np.uint64(1) << np.uint64(values.itemsize * 8 - 1)) - np.uint64(1)
    for pixel in range(pixels):
        if np.uint64(values[first + pixel]) & mask > np.uint64(infinity):
            return pixel
    return 0


@kernel
def weakest_pixels_of(
    values: Numbers,
    sign: Number,
    infinity: Number,
    ranks: npt.NDArray[np.int64],
    windows: npt.NDArray[np.int64],
    border: Shape,
    rest: Numbers,
    memory: WindowMemory,
    pixels: npt.NDArray[np.int64],
) -> None:
    """For each image and each of its ranks, the pixel whose value is the largest of all least values in windows.

    ``windows``, shape (largest rank + 1, 3), has the radii of each rank; ``ranks``, shape (images, count), must not
    fall along an image. 0 asks for no window at all, and gives ABOVE_ALL. Where no window is in the grid, which has
    background around it along the axes for which ``border`` is 1, and beyond the largest rank, the answer is BELOW_ALL.
    With a NaN in the image, it is the first of these.
    """
    shape = memory.shape
    size = shape.depth * shape.height * shape.width
    for image in range(len(ranks)):
        first, done = image * size, (0, 0, 0)
        is_nan = _load_keys(values, first, sign, rest, memory) > infinity
        for number in range(ranks.shape[1]):
            rank = ranks[image, number]
            if rank <= 0:
                pixels[image, number] = ABOVE_ALL
                continue
            if is_nan:
                pixels[image, number] = _first_nan(values, first, size, infinity)
                continue
            if rank >= len(windows):
                pixels[image, number] = BELOW_ALL
                continue
            radii = (windows[rank, 0], windows[rank, 1], windows[rank, 2])
            window_minima((radii[0] - done[0], radii[1] - done[1], radii[2] - done[2]), memory)
            done = radii
            margins = _margins(radii, border)
            key = _largest_key(memory, margins)
            if key == 0:
                pixels[image, number] = BELOW_ALL
            else:
                centre = _first_centre(key, memory, margins)
                pixels[image, number] = _first_weakest(values, first, key, sign, radii, centre, shape)
