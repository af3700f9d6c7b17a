"""The levels of rows and columns, against Theorem 1 of docs/exact.md by brute force."""

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from steps import eroded, levels, levels_of_eroded
from strategies import objects, random_masks

pytestmark = pytest.mark.kernels

GRIDS = [(1,), (7,), (64,), (5, 9), (9, 5), (13, 64), (64, 3), (20, 21), (3, 4, 5), (9, 8, 11)]


def level_by_definition(largest_of, row):
    """The least r for which no row whose largest distance is r or more is r or more away."""
    for r in range(1, max(largest_of) + 2):
        if all(abs(row - other) < r for other, distance in enumerate(largest_of) if distance >= r):
            return r
    raise AssertionError("r = D + 1 is such an r")


@given(largest_of=st.lists(st.integers(0, 20), min_size=1, max_size=40))
def test_levels(largest_of):
    assert levels(largest_of) == [level_by_definition(largest_of, row) for row in range(len(largest_of))]


def masks_of(grid):
    masks = [np.zeros(grid, bool), np.ones(grid, bool)]
    if np.prod(grid) > 1:
        masks += [*(random_masks(grid, density, spatial_dims=len(grid)) for density in (0.5, 0.9)), objects(grid, 2)]
    return masks


@pytest.mark.parametrize("grid", GRIDS)
def test_what_erosions_leave(grid):
    """S_r are the pixels at a distance of r or more."""
    for mask in masks_of(grid):
        distances = oracles.distances(mask)
        found = eroded(mask)
        assert len(found) == distances.max()
        for r, left in enumerate(found, 1):
            np.testing.assert_array_equal(left, distances >= r)


@pytest.mark.parametrize("grid", GRIDS)
def test_levels_of_small_grids(grid):
    """As the largest distances of rows and columns have them, and so that 2 (level - 1) is the size that is left."""
    for mask in masks_of(grid):
        distances = oracles.distances(mask)
        by_axis = []
        for axis in range(mask.ndim):
            largest_of = distances.max(tuple({*range(mask.ndim)} - {axis})).tolist()
            of_axis = [level_by_definition(largest_of, row) for row in range(len(largest_of))]
            by_axis.append(np.reshape(of_axis, [-1 if other == axis else 1 for other in range(mask.ndim)]))
        expected = np.broadcast_to(np.max(np.broadcast_arrays(*by_axis), axis=0), grid)
        found = levels_of_eroded(mask)
        np.testing.assert_array_equal(found, expected)
        sizes = oracles.fast_flip_sizes(mask)
        np.testing.assert_array_equal(2 * (found - 1)[mask], sizes[mask])
