"""Distances counted by erosions: the same as by definition and as by the scans that larger grids take."""

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import all_but, lattice, mask_batches, random_masks

from chdt import distance_transform, flip_sizes
from chdt.cpu import route

pytestmark = pytest.mark.kernels

LARGEST = route.SMALL_MAX_SIDE_PIXELS
SIDES = st.integers(1, 20) | st.sampled_from([31, 32, 33, 48, LARGEST - 1, LARGEST])


@pytest.fixture
def scans():
    """Call a function with no grid being small enough for erosions."""

    def call(function, masks, spatial_dims):
        with route.overridden(SMALL_MAX_SIDE_PIXELS=0):
            return function(masks, spatial_dims=spatial_dims)

    return call


@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
def test_by_definition(spatial_dims):
    @settings(max_examples=30)
    @given(masks=mask_batches(SIDES, 20_000, spatial_dims))
    def check(masks):
        expected = oracles.each(oracles.fast_distances, masks, spatial_dims)
        np.testing.assert_array_equal(distance_transform(masks, spatial_dims=spatial_dims), expected)

    check()


@pytest.mark.parametrize("grid", [(7,), (64,), (5, 9), (16, 16), (48, 32), (64, 64), (3, 4, 5), (20, 30, 25)])
@pytest.mark.parametrize("images", [1, 7, 8, 9, 20])
def test_as_scans(scans, grid, images):
    masks = np.concatenate([random_masks((images, *grid), density, 7, len(grid)) for density in (0.2, 0.9, 0.995)])
    masks[0], masks[-1] = False, True
    for function in distance_transform, flip_sizes:
        expected = scans(function, masks, len(grid))
        np.testing.assert_array_equal(function(masks, spatial_dims=len(grid)), expected)


@pytest.mark.parametrize("grid", [(1,), (LARGEST,), (1, LARGEST), (LARGEST, 1), (LARGEST, LARGEST), (LARGEST, 3, 2)])
def test_the_largest_distances(grid):
    last = tuple(side - 1 for side in grid)
    masks = np.array([np.ones(grid, bool), all_but(grid, last), all_but(grid, (0,) * len(grid)), lattice(grid, 9, 2)])
    expected = oracles.each(oracles.fast_distances, masks, len(grid))
    assert expected.max() == max(grid)
    np.testing.assert_array_equal(distance_transform(masks, spatial_dims=len(grid)), expected)


@pytest.mark.parametrize("grid", [(LARGEST + 1, 9), (200, 20), (100, 32), (90, 5, 7)])
def test_narrow_images_that_are_too_long(grid):
    """They are scanned side by side."""
    masks = random_masks((9, *grid), 0.97, 3, len(grid))
    masks[2], masks[5] = True, False
    expected = oracles.each(oracles.fast_distances, masks, len(grid))
    np.testing.assert_array_equal(distance_transform(masks, spatial_dims=len(grid)), expected)
    sizes = flip_sizes(masks, spatial_dims=len(grid))
    for mask, of_mask in zip(masks[:4], sizes, strict=False):
        pixels = np.random.default_rng(0).permutation(np.argwhere(of_mask >= 0))[:20]
        np.testing.assert_array_equal(of_mask[tuple(pixels.T)], oracles.fast_flip_sizes(mask, pixels))
