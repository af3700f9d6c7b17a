"""The oracles, against SciPy, against each other, and against what can be worked out by hand."""

import numpy as np
import oracles
import pytest
from hypothesis import given
from scipy import ndimage
from strategies import single_masks


@given(mask=single_masks(most=12))
def test_distances_are_those_of_scipy(mask):
    if mask.all():
        assert (oracles.distances(mask) == max(mask.shape)).all()
        assert (ndimage.distance_transform_cdt(mask, metric="chessboard") == -1).all()
    else:
        expected = ndimage.distance_transform_cdt(mask, metric="chessboard")
        np.testing.assert_array_equal(oracles.distances(mask), expected)


@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
def test_the_fast_oracles_are_the_slow_ones(spatial_dims):
    rng = np.random.default_rng(spatial_dims)
    for density in (0, 0.3, 0.9, 0.99, 1):
        mask = rng.random(rng.integers(1, 7, spatial_dims)) < density
        np.testing.assert_array_equal(oracles.fast_distances(mask), oracles.distances(mask))
        assert oracles.fast_size(mask) == oracles.size(mask)
        for spacing in ((1, 1, 1), (3, 1, 1), (0.7, 1.9, 1.2)):
            steps = spacing[:spatial_dims]
            np.testing.assert_array_equal(
                oracles.fast_spaced_distances(mask, steps), oracles.spaced_distances(mask, steps)
            )
            assert oracles.fast_spaced_size(mask, steps) == oracles.spaced_size(mask, steps)
        np.testing.assert_array_equal(oracles.fast_flip_sizes(mask), oracles.flip_sizes(mask))
        pixels = np.argwhere(np.ones_like(mask))[::2]
        expected = [oracles.flip_sizes(mask)[tuple(i)] for i in pixels]
        np.testing.assert_array_equal(oracles.fast_flip_sizes(mask, pixels), expected)


@given(mask=single_masks(most=6))
def test_the_fast_flip_sizes_are_the_slow_ones(mask):
    np.testing.assert_array_equal(oracles.fast_flip_sizes(mask), oracles.flip_sizes(mask))


def test_delta_is_the_larger_of_the_two_differences():
    assert oracles.chebyshev(np.array([[0, 0], [5, 1]]), np.array([[3, -7]])).tolist() == [[7], [8]]


def test_a_row_by_hand():
    mask = np.array([1, 1, 1, 0, 1], bool)
    assert oracles.distances(mask).tolist() == [3, 2, 1, 0, 1]
    assert oracles.size(mask) == 6
    assert oracles.flip_sizes(mask).tolist() == [2, 2, 4, 10, 6]


def test_a_grid_by_hand():
    mask = np.ones((3, 4), bool)
    assert oracles.distances(mask).tolist() == [[4] * 4] * 3
    assert oracles.flip_sizes(mask).tolist() == [[6, 4, 4, 6]] * 3
    mask[1, 1] = False
    assert oracles.distances(mask).tolist() == [[1, 1, 1, 2], [1, 0, 1, 2], [1, 1, 1, 2]]
    assert oracles.flip_sizes(mask)[1, 1] == 8
    assert oracles.size(~mask) == 2


def test_each_keeps_the_batch_dims():
    masks = np.zeros((2, 1, 3, 4), bool)
    assert oracles.each(oracles.size, masks).shape == (2, 1)
    assert oracles.each(oracles.size, masks, spatial_dims=1).shape == (2, 1, 3)
    assert oracles.each(oracles.distances, masks).shape == (2, 1, 3, 4)
    assert oracles.each(oracles.distances, masks[0, 0]).shape == (3, 4)
    assert oracles.each(oracles.size, masks[:0]).shape == (0, 1)
