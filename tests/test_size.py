"""object_size: exact for every grid, from one pixel to radii that only a few steps of doubling reach."""

import numpy as np
import oracles
import pytest
import torch
from expect import expect
from hypothesis import given
from hypothesis import strategies as st
from strategies import (
    BORDERS,
    all_but,
    every_mask,
    half,
    lattice,
    mask_batches,
    objects,
    random_masks,
    single_masks,
    special_masks,
)

from chdt import distance_transform, object_size


@given(mask=single_masks(most=12, least_dims=2))
def test_small_grids_by_definition(mask):
    assert object_size(mask) == oracles.size(mask)


@given(mask=single_masks(most=150, most_dims=1))
def test_small_rows_by_definition(mask):
    assert object_size(mask, spatial_dims=1) == oracles.size(mask)


@pytest.mark.parametrize("grid", [(1, 12), (12, 1), (2, 5), (5, 2), (3, 4), (4, 3), (3, 3), (1, 1)])
def test_every_mask_of_a_grid(grid):
    masks = every_mask(grid)
    np.testing.assert_array_equal(object_size(masks), oracles.each(oracles.size, masks))


@given(masks=mask_batches(st.sampled_from(BORDERS) | st.integers(1, 200), most_pixels=20_000))
def test_batches(masks):
    expect(object_size, masks)


@given(masks=mask_batches(st.sampled_from([*BORDERS, 191, 192, 5000]) | st.integers(2, 300), 10_000, spatial_dims=1))
def test_batches_of_rows(masks):
    expect(object_size, masks, spatial_dims=1)


@pytest.mark.parametrize("height", BORDERS)
@pytest.mark.parametrize("width", BORDERS)
def test_special_masks(height, width):
    expect(object_size, special_masks(height, width))


@pytest.mark.parametrize("grid", [(1, 5000), (5000, 1), (3, 2000), (2000, 3), (1, 70_000), (70_000, 1)])
@pytest.mark.parametrize("density", [0.5, 0.99, 0.9999])
def test_long_thin_grids(grid, density):
    expect(object_size, random_masks((2, *grid), density))


@pytest.mark.parametrize("grid", [(600, 600), (1200, 40), (40, 1200), (1000, 129)])
def test_large_grids(grid):
    masks = [random_masks(grid, 0.999), objects(grid, 3), lattice(grid, 64, 63), all_but(grid, (0, 0), (5, 7))]
    expect(object_size, np.stack([*masks, np.ones(grid, bool), np.zeros(grid, bool)]))


@pytest.mark.parametrize("grid", [(3, 80), (80, 3), (80, 80), (70, 300)])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("at_end", [False, True])
def test_objects_cut_by_the_border_at_every_depth(grid, axis, at_end):
    # Eroding by steps that are too large leaves a gap at the border: these are the masks that show it.
    masks = np.stack([half(grid, axis, depth) for depth in range(grid[axis] + 1)])
    masks = np.flip(masks, axis + 1) if at_end else masks
    depths = np.arange(grid[axis] + 1)
    depths[-1] = max(grid)
    np.testing.assert_array_equal(object_size(masks), 2 * depths)


@pytest.mark.parametrize("side", [*range(1, 20), 63, 64, 65, 127, 128, 129, 255, 256, 257])
def test_a_square_anywhere(side):
    masks = np.zeros((5, side + 3, side + 70), bool)
    for mask, corner in zip(masks, [1, 2, 30, 66, 68], strict=True):
        mask[1 : side + 1, corner : corner + side] = True
    masks[:, 0], masks[:, -1], masks[:, :, 0], masks[:, :, -1] = False, False, False, False
    assert object_size(masks).tolist() == [2 * ((side + 1) // 2)] * 5


@pytest.mark.parametrize("side", [1, 2, 127, 128, 190, 191, 192, 65_472, 70_000])
def test_the_largest_sizes(side):
    masks = np.ones((3, 1, side), bool)
    masks[1, 0, 0] = masks[2, 0, side // 3] = False
    expected = [2 * side, 2 * (side - 1), 2 * (side - 1 - side // 3)]
    assert object_size(masks).tolist() == expected
    assert object_size(masks.swapaxes(1, 2)).tolist() == expected


@pytest.mark.parametrize("grid", [(7, 9), (48, 32), (65, 130), (300, 20)])
def test_twice_the_largest_distance(grid):
    masks = np.concatenate([random_masks((40, *grid), 0.9), [objects(grid, 3, seed) for seed in range(40)]])
    np.testing.assert_array_equal(object_size(masks), 2 * distance_transform(masks).max(axis=(1, 2)))


@pytest.mark.parametrize("grid", [(1, 40), (6, 7), (40, 70)])
def test_adding_foreground_never_makes_it_smaller(grid):
    rng = np.random.default_rng(0)
    order = rng.permutation(np.prod(grid)).reshape(grid)
    sizes = object_size(order < np.arange(order.size + 1)[:, None, None])
    assert (np.diff(sizes) >= 0).all()
    assert sizes[0] == 0
    assert sizes[-1] == 2 * max(grid)


def test_many_images_side_by_side_that_end_at_different_radii():
    masks = np.stack([objects((40, 45), 1 + seed % 7, seed) for seed in range(300)])
    assert len(np.unique(object_size(masks))) > 10
    expect(object_size, masks)


def test_one_mask_gives_no_dims():
    mask = random_masks((5, 6), 0.9)
    for sizes in object_size(mask), object_size(mask[0], spatial_dims=1):
        assert type(sizes) is np.int32  # a scalar, as of NumPy's own reductions
    assert len({object_size(mask), object_size(mask)}) == 1
    tensor = object_size(torch.from_numpy(mask))
    assert tensor.shape == ()
    assert tensor.dtype == torch.int32
    assert tensor.item() == oracles.size(mask)
