"""Flips of images of a few words, which are done eight at a time, against their definition."""

import numpy as np
import oracles
import pytest
import torch
from steps import lonely_pixels_of_eight
from strategies import all_but, lattice, random_masks

from chdt import expected_size_loss, flip_sizes
from chdt.cpu import route

pytestmark = pytest.mark.kernels

GRIDS = [(9, 8), (12, 12), (16, 16), (20, 20), (2, 33), (33, 2), (5, 13), (10, 40), (40, 10)]
TOO_LONG = [(3, 63), (63, 3), (64, 2), (2, 64), (6, 64), (24, 25)]  # they would take longer


def ellipses(count, grid, seed=0):
    """Ellipses of all sizes, cut by the border."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: grid[0], : grid[1]]
    centre, radius = (rng.random((count, 2)) * grid for _ in range(2))
    away = [(axis - centre[:, i, None, None]) / (radius[:, i, None, None] + 0.5) for i, axis in enumerate((y, x))]
    return away[0] ** 2 + away[1] ** 2 < 1


def masks_of(grid):
    """Of all kinds, so that those which are done together differ."""
    masks = [random_masks((5, *grid), density, seed, 2) for seed, density in enumerate((0.1, 0.5, 0.8, 0.9, 0.97))]
    corner, last = (0, 0), (grid[0] - 1, grid[1] - 1)
    single = [all_but(grid, corner), all_but(grid, corner, last), lattice(grid, 3, 1), np.ones(grid, bool)]
    masks += [ellipses(12, grid), np.stack([*single, ~single[0], np.zeros(grid, bool)])]
    masks = np.concatenate(masks)
    return masks[np.random.default_rng(0).permutation(len(masks))]


@pytest.mark.parametrize("black_border", [False, True])
@pytest.mark.parametrize("grid", GRIDS + TOO_LONG)
def test_flips(grid, black_border):
    masks = masks_of(grid)
    around = np.pad(masks, [(0, 0), (1, 1), (1, 1)]) if black_border else masks
    expected = oracles.each(oracles.fast_flip_sizes, around, 2)
    expected = expected[:, 1:-1, 1:-1] if black_border else expected
    any_length = dict.fromkeys(("INTERLEAVED_FLIPS_MAX_PIXELS", "INTERLEAVED_FLIPS_MAX_SIDE_PIXELS"), 1 << 20)
    for count in (len(masks), 8, 15):
        with route.overridden(**any_length if grid in TOO_LONG else {}):
            assert route.has_interleaved_flips(count, route.Shape(1, *grid))
            np.testing.assert_array_equal(flip_sizes(masks[:count], black_border=black_border), expected[:count])


@pytest.mark.parametrize("black_border", [False, True])
def test_the_loss_and_its_gradient(black_border):
    """They are what images one by one give, to the last bit."""
    logits = 3 * torch.from_numpy(np.random.default_rng(0).standard_normal((45, 13, 9), dtype=np.float32))
    sizes = torch.arange(45) % 10

    def loss_and_gradient(most_pixels):
        given = logits.clone().requires_grad_()
        with route.overridden(INTERLEAVED_FLIPS_MAX_PIXELS=most_pixels):
            generator = torch.Generator().manual_seed(0)
            loss = expected_size_loss(given, sizes, n_samples=3, black_border=black_border, generator=generator)
            loss.backward()
        return loss, given.grad

    for together, one_by_one in zip(loss_and_gradient(400), loss_and_gradient(0), strict=True):
        torch.testing.assert_close(together, one_by_one, rtol=0, atol=0)


def test_every_line_of_a_mask_in_turn():
    """Masks that differ in a single row or column, which must not get into those beside them."""
    for grid in ((11, 6), (6, 11)):
        rows, columns = np.ones((8, *grid), bool), np.ones((8, *grid), bool)
        for image in range(8):
            rows[image, image % grid[0]] = columns[image, :, image % grid[1]] = False
        for masks in (rows, columns):
            np.testing.assert_array_equal(flip_sizes(masks), oracles.each(oracles.fast_flip_sizes, masks, 2))


@pytest.mark.parametrize("pixels", [64, 400])
def test_images_that_are_done_another_way(pixels):
    """Those of fewer, or more, pixels give the same where the rest is background."""
    height = {64: 8, 400: 20}[pixels]
    masks = random_masks((30, height, pixels // height), 0.9)
    larger = np.zeros((30, height + 1, pixels // height), bool)
    larger[:, :height] = masks
    masks[:, -1] = larger[:, height - 1] = False  # a row of background between them
    assert route.has_interleaved_flips(30, route.Shape(1, *masks.shape[1:])) is (True if pixels > 64 else None)
    np.testing.assert_array_equal(flip_sizes(larger)[:, :height], flip_sizes(masks))


@pytest.mark.parametrize("black_border", [False, True])
@pytest.mark.parametrize("grid", [(9, 8), (5, 17), (23, 4), (2, 64), (33, 2)])
def test_windows_of_growing_radius(grid, black_border):
    """Each background pixel that is alone in a window, and no other one."""
    masks = np.concatenate([random_masks((6, *grid), 0.95, 3, 2), random_masks((2, *grid), 0.6, 4, 2)])
    for radius, found in enumerate(lonely_pixels_of_eight(masks, max(grid), black_border)):
        expected = [oracles.alone_in_windows(mask, radius, black_border) for mask in masks]
        np.testing.assert_array_equal(found, expected)
