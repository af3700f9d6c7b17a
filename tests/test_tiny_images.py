"""Flips of images and volumes of up to 64 pixels, which are done eight at a time, against their definition."""

import numpy as np
import oracles
import pytest
from strategies import random_masks

from chdt import flip_sizes

pytestmark = pytest.mark.kernels


def check(masks, black_border):
    spatial_dims = masks.ndim - 1
    around = np.pad(masks, [(0, 0)] + [(1, 1)] * spatial_dims) if black_border else masks
    expected = oracles.each(oracles.fast_flip_sizes, around, spatial_dims)
    if black_border:
        expected = expected[(..., *(slice(1, -1),) * spatial_dims)]
    for count in (len(masks), 1, 7):
        found = flip_sizes(masks[:count], spatial_dims=spatial_dims, black_border=black_border)
        np.testing.assert_array_equal(found, expected[:count])


@pytest.mark.parametrize("black_border", [False, True])
@pytest.mark.parametrize("grid", [(2, 2), (2, 3), (3, 3), (2, 4), (2, 2, 2), (1, 2, 4)])
def test_every_mask(grid, black_border):
    pixels = np.prod(grid)
    masks = (np.arange(1 << pixels)[:, None] >> np.arange(pixels) & 1).astype(bool)
    check(masks.reshape(-1, *grid), black_border)


@pytest.mark.parametrize("black_border", [False, True])
@pytest.mark.parametrize(
    "grid", [(8, 8), (7, 9), (2, 32), (32, 2), (3, 21), (5, 13), (5, 5), (4, 4, 4), (2, 4, 8), (8, 2, 3)]
)
def test_random_masks(grid, black_border):
    densities = (0.1, 0.5, 0.8, 0.9, 0.97)
    masks = [random_masks((5, *grid), density, seed, len(grid)) for seed, density in enumerate(densities)]
    check(np.concatenate([*masks, np.ones((1, *grid), bool), np.zeros((2, *grid), bool)]), black_border)


@pytest.mark.parametrize("black_border", [False, True])
@pytest.mark.parametrize("empty", [2, 7])
def test_beside_images_without_an_object(empty, black_border):
    """Objects of all sizes, and every second image, or seventh, has none."""
    masks = np.zeros((126, 7, 9), bool)
    for index in range(126):
        if index % empty:
            masks[index, : 1 + index // 2 % 7, : 1 + index // 14] = True
    check(masks, black_border)


def test_images_beside_each_other():
    """Those of more than 64 pixels are done another way, and give the same where the rest is background."""
    masks = random_masks((30, 8, 8), 0.9)
    larger = np.zeros((30, 9, 8), bool)
    larger[:, :8] = masks
    masks[:, 7] = larger[:, 7] = False  # a row of background between them
    np.testing.assert_array_equal(flip_sizes(larger)[:, :7], flip_sizes(masks)[:, :7])
