"""The background pixels that make a larger size, against Theorem 2 of docs/exact.md by brute force."""

import numpy as np
import oracles
import pytest
from steps import lonely_pixels
from strategies import all_but, lattice, objects, random_masks

pytestmark = pytest.mark.kernels


@pytest.mark.parametrize("grid", [(7,), (70,), (5, 9), (9, 66), (66, 9), (17, 17), (3, 4, 5), (9, 3, 8)])
def test_lonely_pixels(grid):
    corner, last = (0,) * len(grid), tuple(side - 1 for side in grid)
    masks = [
        *(random_masks(grid, density, spatial_dims=len(grid)) for density in (0.7, 0.95)),
        all_but(grid, corner),
        all_but(grid, corner, last),
        lattice(grid, 3, 1),
        objects(grid, 2),
    ]
    seen = 0
    for mask in masks:
        largest = int(oracles.distances(mask).max())
        for radius in range(largest, min(largest + 4, max(grid))):  # each window holds a background pixel
            found = lonely_pixels(mask, radius)
            np.testing.assert_array_equal(found, oracles.alone_in_windows(mask, radius))
            for pixel in np.argwhere(found)[:5]:
                assert oracles.fast_size(oracles.flipped(mask, tuple(pixel))) >= 2 * (radius + 1)
            seen += np.count_nonzero(found)
    assert seen > 0
