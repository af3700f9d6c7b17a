"""Packing and bit planes, against NumPy on plain bits."""

import numpy as np
import pytest

from chdt.cpu.kernels.erosions import dilate
from chdt.cpu.kernels.jit import kernel
from chdt.cpu.kernels.lanes import VECTOR_WORDS, any_set, store
from chdt.cpu.kernels.packing import low_bits, pack, packed_words, read_bits
from chdt.cpu.kernels.planes import (
    AXES,
    lay_out_background,
    lay_out_interleaved,
    length_of,
    plane_at,
    plane_layout_of,
    planes_of,
)

RNG = np.random.default_rng(0)
GRIDS = [(1, 1), (48, 32), (5, 63), (5, 64), (5, 65), (9, 128), (3, 200), (70, 7), (1, 500)]
VOLUMES = [(2, 1, 1), (3, 5, 1), (7, 5, 3), (36, 35, 50), (3, 4, 64), (5, 3, 65), (9, 33, 128), (70, 2, 2)]


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


@pytest.mark.parametrize("start", [0, 7])
@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 1000])
def test_pack_whatever_is_not_background(count, start):
    values = RNG.integers(0, 4, count, np.uint8)
    words = np.zeros(packed_words(count + start), np.uint64)
    assert pack(values, None, np.uint8(0), words, start) == -1
    assert (bits_of(words, count + start)[start:] == (values > 0)).all()


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
    @kernel
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
    @kernel
    def run(count):
        return low_bits(count)

    assert [int(run(count)) for count in range(65)] == [2**count - 1 for count in range(65)]


def moved(mask, distance, axis):
    """Both shifts, without what leaves the grid."""
    both = np.zeros_like(mask)
    for sign in (1, -1):
        shifted = np.roll(mask, sign * distance, axis)
        lost = np.arange(mask.shape[axis])[::sign][: min(distance, mask.shape[axis])]
        index = [slice(None)] * mask.ndim
        index[axis] = lost
        shifted[tuple(index)] = False
        both |= shifted
    return both


@pytest.mark.parametrize("shape", [(1, *grid) for grid in GRIDS] + VOLUMES)
def test_dilate(shape):
    grid, patterns = plane_layout_of(*shape)

    @kernel
    def run(grid, patterns, planes, words, start, axis, level):
        here, dilated = plane_at(grid, 0), plane_at(grid, 1)
        lay_out_background(words, start, grid, patterns, planes, here)
        return any_set(dilate(grid, patterns, planes, axis, level, here, dilated))

    for level in range(grid.exponents):
        for axis in range(AXES):
            assert length_of(grid, axis) == shape[2 - axis]
            masks = RNG.random((2, *shape)) < 0.97
            planes = planes_of(grid, 2)
            any_left = run(grid, patterns, planes, packed(masks), masks[0].size, axis, level)
            expected = ~masks[1] | moved(~masks[1], 2**level, 2 - axis)
            plane = planes[16 + grid.stride :][: grid.words]
            lines = shape[0] * shape[1]
            rows = bits_of(plane, grid.words * 64)[: lines * grid.pitch].reshape(lines, grid.pitch)
            assert (rows[:, : shape[2]].reshape(shape) == expected).all()
            assert not rows[:, shape[2] :].any()
            assert not bits_of(plane, grid.words * 64)[lines * grid.pitch :].any()
            assert any_left == (not expected.all())


@pytest.mark.parametrize("shape", [(1, *grid) for grid in GRIDS if np.prod(grid) <= 5000] + VOLUMES)
@pytest.mark.parametrize("images", [1, 5, 8])
def test_images_together_are_as_images_alone(shape, images):
    """Each lane of the plane that eight share holds what the plane of one would; spare ones that of the last one."""
    masks = RNG.random((images, *shape)) < 0.9
    words = packed(masks)
    alone, patterns_alone = plane_layout_of(*shape)
    together, patterns = plane_layout_of(*shape, VECTOR_WORDS)

    @kernel
    def run_together(grid, patterns, planes, words, images, axis, level, left):
        here, dilated = plane_at(grid, 0), plane_at(grid, 1)
        lay_out_interleaved(words, 0, images, grid, patterns, planes, here)
        store(left, 0, dilate(grid, patterns, planes, axis, level, here, dilated))

    @kernel
    def run_alone(grid, patterns, planes, words, start, axis, level):
        here, dilated = plane_at(grid, 0), plane_at(grid, 1)
        lay_out_background(words, start, grid, patterns, planes, here)
        return any_set(dilate(grid, patterns, planes, axis, level, here, dilated))

    for level in range(alone.exponents):
        for axis in range(AXES):
            planes, left = planes_of(together, 2), np.zeros(VECTOR_WORDS, np.uint64)
            run_together(together, patterns, planes, words, images, axis, level, left)
            shared = planes[16 + together.stride :][: together.words].reshape(-1, VECTOR_WORDS)
            assert (shared[:, images:] == shared[:, images - 1 : images]).all()
            for image in range(images):
                own = planes_of(alone, 2)
                some = run_alone(alone, patterns_alone, own, words, image * masks[0].size, axis, level)
                count = len(shared)
                assert (shared[:, image] == own[16 + alone.stride :][:count]).all()
                assert not own[16 + alone.stride + count : 16 + alone.stride + alone.words].any()
                assert (left[image] != 0) == some
