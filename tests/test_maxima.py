"""The largest distance of every slab, row and column, against the distances themselves."""

import numpy as np
import oracles
import pytest
from steps import largest_distances
from strategies import all_but, objects, random_masks

pytestmark = pytest.mark.kernels


@pytest.mark.parametrize(
    "grid", [(30, 20), (30, 70), (65, 130), (200, 9), (300,), (20, 9, 11), (12, 5, 70), (8, 70, 3)]
)
@pytest.mark.parametrize("slabs", [5, 1000])
def test_largest_distances(grid, slabs):
    masks = [
        random_masks(grid, 0.7, spatial_dims=len(grid)),
        random_masks(grid, 0.98, spatial_dims=len(grid)),
        objects(grid, 2),
        all_but(grid, (0,) * len(grid)),
        np.ones(grid, bool),
        np.zeros(grid, bool),
    ]
    for mask in masks:
        distances = oracles.fast_distances(mask).reshape((1, *grid)[-3:])
        of_slabs, of_rows, of_columns = largest_distances(mask, slabs)
        if mask.ndim == 3:
            np.testing.assert_array_equal(of_slabs, distances.max((1, 2)))
            np.testing.assert_array_equal(of_rows, distances.max((0, 2)))
            np.testing.assert_array_equal(of_columns, distances.max((0, 1)))
        else:
            flat = distances.reshape(-1, grid[-1])
            assert of_rows is None
            np.testing.assert_array_equal(of_slabs, flat.max(1))
            np.testing.assert_array_equal(of_columns, flat.max(0))
