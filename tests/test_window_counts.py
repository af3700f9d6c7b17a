"""How many background pixels each window holds, against counting them."""

import numpy as np
import pytest
from steps import counts
from strategies import random_masks

pytestmark = pytest.mark.kernels


def counts_by_definition(mask, radius):
    """0, 1, or 2 for more, of the window around each pixel, as far as it is in the grid."""
    found = np.empty(mask.shape, int)
    for pixel in np.ndindex(mask.shape):
        window = mask[tuple(slice(max(0, i - radius), i + radius + 1) for i in pixel)]
        found[pixel] = min(2, np.count_nonzero(~window))
    return found


@pytest.mark.parametrize(
    "grid", [(1,), (7,), (70,), (5, 9), (9, 66), (64, 5), (130, 3), (17, 17), (3, 4, 5), (4, 3, 65)]
)
@pytest.mark.parametrize("density", [0.5, 0.9, 0.99])
def test_counts(grid, density):
    mask = random_masks(grid, density, spatial_dims=len(grid)) if np.prod(grid) > 1 else np.zeros(grid, bool)
    for radius in (0, 1, 2, 3, 4, 6, 7, 8, 31, 65):
        if radius <= max(grid):
            expected = counts_by_definition(mask, radius)
            np.testing.assert_array_equal(counts(mask, radius), expected)
            if min(grid) > 1:
                np.testing.assert_array_equal(counts(mask, radius, True), np.where(within(grid, radius), expected, 2))


def within(grid, radius):
    """Whether the window around each pixel is in the grid."""
    found = np.zeros(grid, bool)
    if 2 * radius < min(grid):
        found[tuple(slice(radius, side - radius) for side in grid)] = True
    return found
