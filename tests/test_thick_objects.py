"""Thick objects in large images, against distances by brute force."""

import numpy as np
import oracles
import pytest

from chdt import object_size
from chdt.checks.shape import Shape
from chdt.cpu import route, sizes
from chdt.cpu.kernels.thick_objects import LEAST_KNOWN
from chdt.cpu.packed import pack_masks
from chdt.cpu.route import overridden

pytestmark = pytest.mark.kernels


def largest_distance(mask):
    """What bands hand on to."""
    return sizes._largest_distance(pack_masks(mask, 2).bits, 0, Shape(1, *mask.shape))


def pierced(grid, rng):
    """All foreground, without a few pixels, and perhaps a row, a column, or all that is outside of a disc."""
    mask = np.ones(grid, bool)
    for _ in range(rng.integers(1, 9)):
        mask[rng.integers(grid[0]), rng.integers(grid[1])] = False
    if rng.random() < 0.3:
        mask[rng.integers(grid[0])] = False
    if rng.random() < 0.3:
        mask[:, rng.integers(grid[1])] = False
    if rng.random() < 0.3:
        y, x = np.indices(grid)
        mask &= (y - rng.integers(grid[0])) ** 2 + (x - rng.integers(grid[1])) ** 2 < rng.integers(70, 300) ** 2
    return mask


@pytest.fixture(params=[1, 3])
def threads(request, monkeypatch):
    for module in ("chdt.cpu.threads", "chdt.cpu.sizes"):
        monkeypatch.setattr(f"{module}.thread_count", lambda: request.param)
    with overridden(PIXELS_PER_THREAD=1 << 10 if request.param > 1 else 1 << 20):
        yield request.param


@pytest.mark.parametrize("width", [65, 127, 128, 129, 192, 300, 512, 520])
def test_by_definition(width, threads):
    rng = np.random.default_rng(width)
    seen = set()
    for height in (120, 128, 129, 333, 400):
        for _ in range(8):
            mask = pierced((height, width), rng)
            expected = oracles.fast_size(mask) // 2
            if expected >= LEAST_KNOWN:
                assert largest_distance(mask) == expected
                seen.add(expected)
    assert len(seen) > 5


@pytest.mark.parametrize("side", [97, 98, 99, 111, 112, 113, 127, 128, 129])
def test_a_square_anywhere(side):
    """Wherever it begins in a block, and at each border."""
    for row in (0, 1, 7, 8, 9, 150, 300 - side):
        for column in (0, 1, 6, 63, 64, 65, 330 - side):
            mask = np.zeros((300, 330), bool)
            mask[row : row + side, column : column + side] = True
            assert largest_distance(mask) == oracles.fast_size(mask) // 2


def test_a_single_pixel_of_background_anywhere():
    for grid in ((130, 140), (257, 129)):
        for y in (0, 1, 64, 127, grid[0] - 1):
            for x in (0, 63, 64, 100, grid[1] - 1):
                mask = np.ones(grid, bool)
                mask[y, x] = False
                assert largest_distance(mask) == max(y, grid[0] - 1 - y, x, grid[1] - 1 - x)


def test_no_background():
    assert largest_distance(np.ones((130, 140), bool)) == 140
    assert largest_distance(np.ones((140, 130), bool)) == 140


def test_the_thickest_of_a_batch(threads):
    grid = (2100, 2050)
    masks = np.zeros((3, *grid), bool)
    masks[0, 3:800, 9:700] = masks[0, 900:1900, 900:2000] = True
    masks[1, 100:112, 5:17] = True
    masks[2] = True
    assert route.overlapping_bands(Shape(1, *grid)) is not None
    assert object_size(masks).tolist() == [1000, 12, 4200]
