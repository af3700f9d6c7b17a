"""distance_transform: exact for every grid, whatever the layout of blocks, bands and lanes."""

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
    lattice,
    mask_batches,
    objects,
    random_masks,
    single_masks,
    special_masks,
)

from chdt import distance_transform, flip_sizes
from chdt.checks.shape import Shape
from chdt.cpu import route

LARGE_GRIDS = [(600, 600), (2100, 40), (2060, 64), (220, 1200), (1030, 129)]


@given(mask=single_masks(most=12, least_dims=2))
def test_small_grids_by_definition(mask):
    np.testing.assert_array_equal(distance_transform(mask), oracles.distances(mask))


@given(mask=single_masks(most=150, most_dims=1))
def test_small_rows_by_definition(mask):
    np.testing.assert_array_equal(distance_transform(mask, spatial_dims=1), oracles.distances(mask))


@pytest.mark.parametrize("grid", [(1, 12), (12, 1), (2, 5), (5, 2), (3, 4), (4, 3), (3, 3), (1, 1)])
def test_every_mask_of_a_grid(grid):
    masks = every_mask(grid)
    np.testing.assert_array_equal(distance_transform(masks), oracles.each(oracles.distances, masks))


@given(masks=mask_batches(st.sampled_from(BORDERS) | st.integers(1, 200), most_pixels=20_000))
def test_batches(masks):
    expect(distance_transform, masks)


@given(masks=mask_batches(st.sampled_from([*BORDERS, 191, 192, 5000]) | st.integers(2, 300), 10_000, spatial_dims=1))
def test_batches_of_rows(masks):
    expect(distance_transform, masks, spatial_dims=1)


@pytest.mark.parametrize("height", BORDERS)
@pytest.mark.parametrize("width", BORDERS)
def test_special_masks(height, width):
    expect(distance_transform, special_masks(height, width))


@pytest.mark.parametrize("grid", [(1, 5000), (5000, 1), (3, 2000), (2000, 3)])
@pytest.mark.parametrize("density", [0.5, 0.99, 0.9997])
def test_long_thin_grids(grid, density):
    expect(distance_transform, random_masks((2, *grid), density))


@pytest.mark.usefixtures("cut")
@pytest.mark.parametrize("grid", LARGE_GRIDS)
def test_large_grids(grid):
    height, width = grid
    assert route.row_layout(Shape(1, height, width)).bands > 1
    far = [(0, 0), (height - 1, width // 2)]
    expect(
        distance_transform,
        np.stack(
            [
                random_masks(grid, 0.5),
                random_masks(grid, 0.999),
                objects(grid, 3),
                lattice(grid, 64, 63),
                all_but(grid, *far),
                all_but(grid, (height // 2, width - 1)),
                np.ones(grid, bool),
                np.zeros(grid, bool),
            ]
        ),
    )


def test_images_of_a_batch_for_threads(monkeypatch):
    """As many as can be are left to one thread each, and the others cut; both give what one thread gives."""
    monkeypatch.setattr("chdt.cpu.threads.thread_count", lambda: 2)
    large, small, huge, line = ((1, 1500, 1500), (1, 1400, 1400), (1, 2100, 2100), (1, 1, 1 << 22))
    alone = [route.images_alone(5, route.row_layout(Shape(*shape))) for shape in (large, small, huge, line)]
    assert alone == [4, 5, 0, 5]
    masks = np.stack([objects((1500, 1500), 40, seed) for seed in range(3)])
    d, sizes = distance_transform(masks), flip_sizes(masks)
    np.testing.assert_array_equal(d, oracles.each(oracles.fast_distances, masks, 2))
    for mask, of_mask in zip(masks, sizes, strict=True):
        np.testing.assert_array_equal(of_mask, flip_sizes(mask))


@pytest.mark.parametrize("side", [190, 191, 192, 193, 65_470, 65_471, 65_472, 70_000])
@pytest.mark.parametrize("along", ["row", "column"])
def test_the_largest_distances(side, along):
    masks = np.ones((5, 1, side), bool)
    masks[1, 0, 0] = masks[2, 0, -1] = masks[3, 0, side // 3] = masks[4, 0, ::2] = False
    expect(distance_transform, masks if along == "row" else masks.swapaxes(1, 2))
    assert distance_transform(masks).reshape(5, -1).max(axis=1).tolist() == [
        side,
        side - 1,
        side - 1,
        side - 1 - side // 3,
        1,
    ]


def test_background_is_zero_and_foreground_is_not():
    masks = random_masks((20, 30, 40), 0.8)
    np.testing.assert_array_equal(distance_transform(masks) > 0, masks)


@pytest.mark.parametrize("grid", [(7, 9), (65, 130), (300, 20)])
def test_every_symmetry_of_the_grid(grid):
    mask = random_masks(grid, 0.97)
    d = distance_transform(mask)
    np.testing.assert_array_equal(distance_transform(mask[::-1]), d[::-1])
    np.testing.assert_array_equal(distance_transform(mask[:, ::-1]), d[:, ::-1])
    np.testing.assert_array_equal(distance_transform(mask.T), d.T)


def test_a_row_is_a_grid_of_one_row():
    masks = random_masks((4, 3, 100), 0.9, spatial_dims=1)
    rows = distance_transform(masks, spatial_dims=1)
    np.testing.assert_array_equal(rows, distance_transform(masks[:, :, None])[:, :, 0])


@pytest.mark.usefixtures("cut")
@pytest.mark.parametrize("grid", [(5, 7), (33, 65), (600, 70)])
def test_masks_of_a_batch_do_not_touch(grid):
    masks = np.stack([np.ones(grid, bool), random_masks(grid, 0.98), np.zeros(grid, bool)] * 3)
    together = distance_transform(masks)
    np.testing.assert_array_equal(together, np.stack([distance_transform(mask) for mask in masks]))


@pytest.mark.parametrize("grid", [(1, 3), (5, 7), (9, 64), (3, 65), (70, 1), (300, 130)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "int64"])
def test_nothing_else_is_written(grid, dtype):
    if np.iinfo(dtype).max < max(grid):
        dtype = "int16"
    masks = random_masks((3, *grid), 0.9)
    for before in range(4):
        memory = np.full(masks.size + 200, 99, dtype)
        out = memory[before : before + masks.size].reshape(masks.shape)
        assert distance_transform(masks, out=out) is out
        assert (memory[:before] == 99).all()
        assert (memory[before + masks.size :] == 99).all()
        np.testing.assert_array_equal(out, oracles.each(oracles.fast_distances, masks))


@pytest.mark.parametrize("out_dtype", [np.uint16, np.uint32, np.uint64])
def test_wide_lanes_in_out_of_any_width(out_dtype):
    masks = random_masks((2, 200, 70), 0.9995)
    d = distance_transform(masks, out=np.empty(masks.shape, out_dtype))
    np.testing.assert_array_equal(d, oracles.each(oracles.fast_distances, masks))
    assert d.dtype == out_dtype


def test_tensors():
    masks = random_masks((2, 3, 40, 50), 0.98)
    d = distance_transform(torch.from_numpy(masks))
    assert d.dtype == torch.int32
    np.testing.assert_array_equal(d.numpy(), oracles.each(oracles.fast_distances, masks))
