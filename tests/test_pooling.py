"""Large windows, looked for in pooled images: the steps by definition, and the same answers as without."""

import numpy as np
import pytest
from scipy import ndimage

from chdt.checks.shape import Shape
from chdt.cpu.kernels.jit import kernel
from chdt.cpu.kernels.keys import Floats, bits_of
from chdt.cpu.kernels.pooled_windows import centres_above, least_in_pooled_window
from chdt.cpu.kernels.pooling import NO_SIDES, forget_image, is_pooled_for, pool, reach_in_blocks
from chdt.cpu.kernels.window_search import Search, threshold_memory

pytestmark = pytest.mark.kernels

FLOATS = Floats(np.uint64(1 << 31), np.uint64(0x7F800000))
GRIDS = [(300,), (513,), (32, 32), (33, 70), (65, 40), (5, 40, 47), (16, 17, 19), (20, 16, 66), (40, 3, 33)]


def shape_of(grid):
    return Shape(*(1, 1, *grid)[-3:]).without_single_pixels


def search_in(values, window, margins):
    """The search for such windows in an image of float32, pooled."""
    memory = threshold_memory(shape_of(values.shape), np.uint32, is_pooled=True)
    search = Search(values.reshape(-1).view(np.uint32), 0, FLOATS, window, margins, True, memory)
    return search, pooled(search)


@kernel
def pooled(search):
    memory = search.memory
    forget_image(memory.pooled)
    return pool(search.values, search.first, memory.planes.layout, search.floats, memory.rest, memory.pooled)


@kernel
def least_keys(search, centres, limit, found):
    for i in range(len(centres)):
        found[i] = bits_of(
            least_in_pooled_window(search, (centres[i, 0], centres[i, 1], centres[i, 2]), limit), search.floats
        )


@kernel
def centres_of_blocks(search, blocks, limit, found):
    for i in range(len(blocks)):
        found[i] = centres_above(search, (blocks[i, 0], blocks[i, 1], blocks[i, 2]), limit)


def key_of(value):
    bits = int(np.float32(value).view(np.uint32))
    return np.uint64(bits ^ 0xFFFFFFFF if bits >> 31 else bits | 1 << 31)


@pytest.mark.parametrize("grid", GRIDS)
def test_the_least_of_each_block(grid):
    values = np.random.default_rng(0).standard_normal(grid).astype(np.float32)
    search, has_nan = search_in(values, (9, 9, 9), (0, 0, 0))
    assert not has_nan
    sides = search.memory.pooled.sides
    assert np.prod(sides) == 64 or min(grid) < 16
    shape = shape_of(grid)
    edges = [np.arange(0, length, side) for length, side in zip(shape, sides, strict=True)]
    expected = values.reshape(shape)
    for axis, starts in enumerate(edges):
        expected = np.minimum.reduceat(expected, starts, axis)
    np.testing.assert_array_equal(search.memory.pooled.values.view(np.float32), expected.reshape(-1))
    values.flat[-1] = np.nan
    assert search_in(values, (9, 9, 9), (0, 0, 0))[1]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("window", [(9, 9, 9), (3, 8, 17), (40, 11, 66), (2, 70, 9)])
def test_windows_of_a_pooled_image(grid, window):
    """Least logits, and which windows are above a limit, of all centres: against a filter of grey values."""
    rng = np.random.default_rng(0)
    shape = shape_of(grid)
    values = ndimage.gaussian_filter(rng.standard_normal(shape), 2.0).astype(np.float32)
    window = tuple(np.array(window)) if len(grid) > 1 else (9, 9, 9 * window[0])
    size = [2 * r + 1 for r in window]
    least = ndimage.minimum_filter(values, size, mode="constant", cval=np.inf)
    centres = np.argwhere(np.ones(shape, bool))
    for margins in ((0, 0, 0), tuple(int(side > 1) * 3 for side in shape)):
        search, _ = search_in(values, window, margins)
        sides = search.memory.pooled.sides
        found = np.empty(len(centres), np.uint32)
        for quantile in (0, 0.5, 0.9):
            limit = np.quantile(least, quantile, method="nearest")
            least_keys(search, centres, key_of(limit), found)
            got, expected = found.view(np.float32), least[tuple(centres.T)]
            np.testing.assert_array_equal(got[expected > limit], expected[expected > limit])
            assert (got[expected <= limit] <= limit).all()
            blocks = np.argwhere(np.ones([-(-n // side) for n, side in zip(shape, sides, strict=True)], bool))
            words = np.empty(len(blocks), np.uint64)
            centres_of_blocks(search, blocks, key_of(limit), words)
            for block, word in zip(blocks, words, strict=True):
                bits = np.unpackbits(np.array([word]).view(np.uint8), bitorder="little")[: np.prod(sides)]
                for place, bit in zip(np.ndindex(sides), bits, strict=True):
                    pixel = tuple(block * sides + place)
                    inside = all(m <= p < n - m for p, m, n in zip(pixel, margins, shape, strict=True))
                    assert bit == (inside and least[pixel] > limit)


def test_which_windows_are_looked_for():
    """The others are not larger than what is at the edge of blocks."""
    memory = threshold_memory(Shape(1, 64, 64), np.uint32, is_pooled=True).pooled
    assert memory.sides == (1, 8, 8)
    assert [is_pooled_for((9, r, r), memory) for r in (14, 15)] == [False, True]
    assert reach_in_blocks((9, 15, 22), memory) == (9, 1, 1)
    for shape, is_pooled in ((Shape(1, 64, 64), False), (Shape(1, 31, 500), True), (Shape(15, 15, 15), True)):
        memory = threshold_memory(shape, np.uint32, is_pooled).pooled
        assert (memory.sides == NO_SIDES) == (shape.width != 500)
        assert is_pooled_for((199, 199, 199), memory) == (shape.width == 500)
