"""Logits as *keys*: unsigned integers in the same order.

The sign bit of a positive float is set, and all bits of a negative one are turned. So float16, bfloat16, float32 and
float64 are one thing to kernels. A negative zero would be less than zero; `weighed` and `limit_below` see to that.
"""

from typing import NamedTuple

import numpy as np

from chdt.cpu.kernels.jit import helper, hot_helper
from chdt.cpu.kernels.lanes import BLOCK, Numbers, Vector, Word, choose, fill, less_bits, load_pixels, prefetch_pixels
from chdt.cpu.kernels.packing import AHEAD_BYTES, Words, low_bits


class Floats(NamedTuple):
    """What the bits of a dtype of floats mean."""

    sign: Word  # of a negative zero; also the key of zero
    infinity: Word


@helper
def keys_at(values: Numbers, at: int, floats: Floats) -> Vector:
    """The keys of the 64 values from ``at`` on."""
    bits = load_pixels(values, at)
    is_negative = bits >> (values.itemsize * 8 - 1)
    return bits ^ (((bits ^ bits) - is_negative) | fill(floats.sign, values[0]))


@helper
def keys_of_some(values: Numbers, at: int, count: int, floats: Floats, rest: Numbers) -> Vector:
    """The keys of ``count`` values, at most 64, and the largest number in all lanes behind them.

    ``rest`` is memory for 64 values, which holds them where fewer are left from ``at`` on.
    """
    if at + BLOCK <= values.size:
        keys = keys_at(values, at, floats)
    else:
        for j in range(count):
            rest[j] = values[at + j]
        keys = keys_at(rest, 0, floats)
    return choose(low_bits(count), keys, ~fill(0, values[0]))


@helper
def nans_at(values: Numbers, at: int, floats: Floats) -> Word:
    """Which of the 64 values from ``at`` on are NaN."""
    return less_bits(fill(floats.infinity, values[0]), (load_pixels(values, at) << 1) >> 1)


@helper
def weighed(key: Word, floats: Floats) -> Word:
    """The key, that of a negative zero being that of zero."""
    return floats.sign if key == floats.sign - np.uint64(1) else key


@helper
def limit_below(key: Word, floats: Floats) -> Word:
    """The largest number that is below the keys of all values as large as that of ``key``, negative zeros included."""
    return key - (np.uint64(2) if key == floats.sign else np.uint64(1))


@helper
def limit_of_all(floats: Floats) -> Word:
    """The limit of the largest mask: all logits but -inf are above it."""
    return floats.sign - np.uint64(1) - floats.infinity


@helper
def bits_of(key: Word, floats: Floats) -> Word:
    """The bits of the value with this key."""
    if key & floats.sign != 0:
        return key ^ floats.sign
    return ~key & (floats.sign | (floats.sign - np.uint64(1)))


@hot_helper
def pack_above(
    values: Numbers, first: int, pixels: int, limit: Word, floats: Floats, rest: Numbers, packed: Words
) -> bool:
    """Pack which of the values from ``first`` on have keys above ``limit``; tell whether any of them is NaN.

    ``rest`` is memory for the last values, fewer than 64.
    """
    whole = pixels // BLOCK
    limits, nan = fill(limit, values[0]), np.uint64(0)
    for k in range(whole):
        at = first + k * BLOCK
        prefetch_pixels(values, at + AHEAD_BYTES // values.itemsize)
        packed[k] = less_bits(limits, keys_at(values, at, floats))
        nan |= nans_at(values, at, floats)
    left = pixels - whole * BLOCK
    if left > 0:
        for j in range(left):
            rest[j] = values[first + whole * BLOCK + j]
        packed[whole] = less_bits(limits, keys_at(rest, 0, floats)) & low_bits(left)
        nan |= nans_at(rest, 0, floats) & low_bits(left)
    return bool(nan != 0)


@helper
def first_nan(values: Numbers, first: int, pixels: int, floats: Floats) -> int:
    """The first NaN among the values from ``first`` on; there must be one."""
    for pixel in range(pixels):
        if np.uint64(values[first + pixel]) & ~floats.sign > floats.infinity:
            return pixel
    return 0
