"""Packing and bit planes, against NumPy on plain bits."""

import numpy as np
import pytest

from chdt.bitplanes import (
    dilate_across_rows,
    dilate_along_rows,
    grid_of,
    lay_out_background,
    low_bits,
    pack,
    packed_words,
    plane_at,
    planes_of,
    read_bits,
)
from chdt.jit import helper

RNG = np.random.default_rng(0)
GRIDS = [(1, 1), (48, 32), (5, 63), (5, 64), (5, 65), (9, 128), (3, 200), (70, 7), (1, 500)]


def packed(mask):
    values = mask.reshape(-1).view(np.uint8)
    words = np.zeros(packed_words(values.size), np.uint64)
    assert pack(values, np.uint8(1), np.uint8(0), words, 0) == -1
    return words


def bits_of(words, count):
    return np.unpackbits(words.view(np.uint8), bitorder="little")[:count].astype(bool)


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 1000])
def test_pack(count):
    mask = RNG.random(count) < 0.5
    assert (bits_of(packed(mask), count) == mask).all()


def test_pack_in_pieces_of_any_length():
    mask = RNG.random(1000) < 0.5
    values, words = mask.view(np.uint8), np.zeros(packed_words(1000), np.uint64)
    start = 0
    for length in (0, 3, 61, 64, 1, 200, 129, 542):
        assert pack(values[start : start + length], np.uint8(1), np.uint8(0), words, start) == -1
        start += length
    assert start == 1000
    assert (bits_of(words, 1000) == mask).all()


@pytest.mark.parametrize("start", [0, 7])
@pytest.mark.parametrize("invalid", [0, 5, 63, 64, 100, 199])
def test_pack_finds_the_first_invalid_value(invalid, start):
    values = (RNG.random(200) < 0.5).astype(np.uint16)
    values[invalid] = 2
    values[min(199, invalid + 1) :] = 3 if invalid < 199 else 2
    words = np.zeros(packed_words(300), np.uint64)
    assert pack(values, np.uint16(1), np.uint16(0), words, start) == invalid


def test_read_bits():
    @helper
    def run(words, start, count):
        return read_bits(words, start, count)

    mask = RNG.random(300) < 0.5
    words = packed(mask)
    for start in (0, 1, 63, 64, 100):
        for count in (1, 31, 63, 64):
            expected = np.zeros(64, bool)
            expected[:count] = mask[start : start + count]
            assert run(words, start, count) == np.packbits(expected, bitorder="little").view(np.uint64)[0]


def test_low_bits():
    @helper
    def run(count):
        return low_bits(count)

    assert [int(run(count)) for count in range(65)] == [2**count - 1 for count in range(65)]


def moved(mask, distance, axis):
    """Both shifts, without what leaves the grid."""
    both = np.zeros_like(mask)
    for sign in (1, -1):
        shifted = np.roll(mask, sign * distance, axis)
        lost = np.arange(mask.shape[axis])[::sign][: min(distance, mask.shape[axis])]
        index = [slice(None)] * 2
        index[axis] = lost
        shifted[tuple(index)] = False
        both |= shifted
    return both


@pytest.mark.parametrize(("height", "width"), GRIDS)
def test_dilate(height, width):
    grid, patterns = grid_of(height, width)

    @helper
    def run(grid, patterns, planes, words, start, level):
        here, along, across = plane_at(grid, 0), plane_at(grid, 1), plane_at(grid, 2)
        lay_out_background(words, start, grid, patterns, planes, here)
        dilate_along_rows(grid, patterns, planes, here, level, along)
        return dilate_across_rows(grid, patterns, planes, along, level, across)

    for level in range(grid.levels):
        masks = RNG.random((2, height, width)) < 0.97
        planes = planes_of(grid, 3)
        any_left = run(grid, patterns, planes, packed(masks), height * width, level)
        background = ~masks[1]
        expected = background | moved(background, 2**level, 1)
        expected |= moved(expected, 2**level, 0)
        plane = planes[16 + 2 * grid.stride :][: grid.words]
        rows = bits_of(plane, grid.words * 64)[: height * grid.pitch].reshape(height, grid.pitch)
        assert (rows[:, :width] == expected).all()
        assert not rows[:, width:].any()
        assert any_left == (not expected.all())
