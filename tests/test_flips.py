"""flip_sizes: exact for every pixel of every grid."""

import numpy as np
import oracles
import pytest
import torch
from expect import expect
from hypothesis import given, settings
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

from chdt import flip_sizes, object_size
from chdt.checks.shape import Shape
from chdt.cpu import flips as flips_of_batch
from chdt.cpu.kernels.added_pixel import FEW_PIXELS
from chdt.cpu.route import row_layout


def expect_some(mask, count=100):
    """Of one mask, as many foreground and background pixels by SciPy, and of each size that is given another few."""
    sizes = flip_sizes(mask)
    rng = np.random.default_rng(0)
    groups = [np.argwhere(mask), np.argwhere(~mask)]
    some = [rng.permutation(group)[:count] for group in groups]
    some += [rng.permutation(np.argwhere(sizes == value))[:3] for value in np.unique(sizes)[-40:]]
    pixels = np.concatenate(some)
    np.testing.assert_array_equal(sizes[tuple(pixels.T)], oracles.fast_flip_sizes(mask, pixels))


def expect_sizes_of_flips(mask):
    """Every pixel, by object_size of every flip: for many thousand pixels."""
    sizes = flip_sizes(mask)
    pixels = np.arange(mask.size)
    for some in np.array_split(pixels, -(-mask.size // 256)):
        flips = np.repeat(mask.reshape(1, -1), len(some), axis=0)
        flips[np.arange(len(some)), some] ^= True
        np.testing.assert_array_equal(sizes.ravel()[some], object_size(flips.reshape(-1, *mask.shape)))


# ------------------------------------------------------------------------------------------------ small grids


@given(mask=single_masks(most=7, least_dims=2))
def test_small_grids_by_definition(mask):
    np.testing.assert_array_equal(flip_sizes(mask), oracles.flip_sizes(mask))


@given(mask=single_masks(most=40, most_dims=1))
def test_small_rows_by_definition(mask):
    np.testing.assert_array_equal(flip_sizes(mask, spatial_dims=1), oracles.flip_sizes(mask))


@pytest.mark.parametrize("grid", [(1, 12), (12, 1), (2, 6), (6, 2), (3, 4), (4, 3), (3, 3), (2, 2), (1, 2), (1, 1)])
def test_every_mask_of_a_grid(grid):
    masks = every_mask(grid)
    sizes = oracles.each(oracles.size, masks)
    # Mask number k with pixel i flipped is mask number k ^ 2^i.
    flips = np.arange(len(masks))[:, None] ^ (1 << np.arange(np.prod(grid)))
    np.testing.assert_array_equal(flip_sizes(masks), sizes[flips].reshape(masks.shape))


@given(masks=mask_batches(st.sampled_from(BORDERS) | st.integers(1, 40), most_pixels=600))
@settings(max_examples=50)
def test_batches(masks):
    expect(flip_sizes, masks)


@given(masks=mask_batches(st.sampled_from(BORDERS) | st.integers(2, 300), most_pixels=300, spatial_dims=1))
@settings(max_examples=50)
def test_batches_of_rows(masks):
    expect(flip_sizes, masks, spatial_dims=1)


@pytest.mark.parametrize("width", BORDERS)
@pytest.mark.parametrize("height", [1, 2, 3])
def test_special_masks_of_few_rows(height, width):
    expect(flip_sizes, special_masks(height, width))
    expect(flip_sizes, special_masks(width, height))


# ------------------------------------------------------------------------------------------------ large grids


@pytest.mark.parametrize(("height", "width"), [(32, 33), (63, 64), (64, 65), (65, 63), (128, 33), (33, 129)])
def test_special_masks(height, width):
    for mask in special_masks(height, width):
        expect_some(mask, 20)


@pytest.mark.parametrize("grid", [(127, 129), (129, 128), (64, 130), (95, 60), (96, 60), (97, 61)])
@pytest.mark.parametrize("kind", ["noise", "objects", "lattice"])
def test_all_flips_of_grids_around_borders(grid, kind):
    mask = {"noise": random_masks(grid, 0.99), "objects": objects(grid, 4), "lattice": lattice(grid, 17, 3)}[kind]
    expect_sizes_of_flips(mask)
    expect_some(mask)


@pytest.mark.parametrize("grid", [(1, 5000), (5000, 1), (3, 2000), (2000, 3)])
@pytest.mark.parametrize("density", [0.5, 0.99, 0.9995])
def test_long_thin_grids(grid, density):
    expect_some(random_masks(grid, density))


@pytest.mark.usefixtures("cut")
@pytest.mark.parametrize("grid", [(600, 600), (2100, 40), (220, 1200)])
def test_large_grids(grid):
    assert row_layout(Shape(1, *grid)).bands > 1
    masks = [random_masks(grid, 0.999), objects(grid, 3), lattice(grid, 50, 11), half(grid, 0, 20), half(grid, 1, 20)]
    for mask in masks:
        expect_some(mask, 20)


@pytest.mark.parametrize("side", [94, 95, 96, 97, 32_734, 32_735, 32_736, 32_737, 70_000])
@pytest.mark.parametrize("along", ["row", "column"])
def test_the_largest_sizes(side, along):
    masks = np.ones((5, 1, side), bool)
    masks[1, 0, 0] = masks[2, 0, -1] = masks[3, 0, side // 3] = masks[4, 0, :: side // 3] = False
    for mask in masks:
        expect_some(mask if along == "row" else mask.T, 10)


# ------------------------------------------------------------------------------------------------ few background pixels


@pytest.mark.parametrize("grid", [(1, 1), (1, 7), (6, 1), (5, 5), (4, 9), (70, 65), (200, 3), (3, 200)])
def test_without_background_the_farthest_corner_counts(grid):
    rows, columns = np.indices(grid)
    farthest = np.maximum(np.maximum(rows, grid[0] - 1 - rows), np.maximum(columns, grid[1] - 1 - columns))
    np.testing.assert_array_equal(flip_sizes(np.ones(grid, bool)), 2 * farthest)


@pytest.mark.parametrize("grid", [(1, 1), (1, 7), (6, 1), (5, 5), (70, 65)])
def test_without_foreground_each_pixel_makes_a_small_object(grid):
    expected = 2 * max(1, max(grid)) if grid == (1, 1) else 2
    assert (flip_sizes(np.zeros(grid, bool)) == expected).all()


@pytest.mark.parametrize("grid", [(1, 2), (9, 9), (64, 64), (65, 130), (129, 40)])
def test_the_last_background_pixel(grid):
    for pixel in [(0, 0), (grid[0] - 1, grid[1] - 1), (grid[0] // 2, grid[1] // 3)]:
        mask = all_but(grid, pixel)
        assert flip_sizes(mask)[pixel] == 2 * max(grid)
        expect_some(mask, 20)


@given(data=st.data())
def test_a_few_background_pixels_far_apart(data):
    grid = data.draw(st.tuples(st.integers(1, 150), st.integers(1, 150)))
    pixel = st.tuples(*(st.integers(0, side - 1) for side in grid))
    mask = all_but(grid, *data.draw(st.lists(pixel, min_size=1, max_size=5)))
    expect_some(mask, 5)


@pytest.mark.parametrize("grid", [(300, 300), (40, 500), (500, 40)])
@pytest.mark.parametrize(
    "where", [((0, 0), (1, 1)), ((0, 0.5), (1, 0.5)), ((0.1, 0.1), (0.12, 0.1)), ((0, 0), (0.5, 0.7), (1, 0.2))]
)
def test_far_apart_in_a_large_grid(grid, where):
    background = [tuple(round(x * (side - 1)) for x, side in zip(point, grid, strict=True)) for point in where]
    expect_some(all_but(grid, *background), 10)


@pytest.mark.parametrize("step", [2, 3, 7, 20])
def test_lattices_of_single_background_pixels(step):
    mask = lattice((41, 66), step, step // 2)
    expect_some(mask, 300)
    # Without one of their pixels, lattices hold windows of many sizes.
    rng = np.random.default_rng(step)
    missing = rng.permutation(np.argwhere(~mask))[:5]
    mask[tuple(missing.T)] = True
    expect_some(mask, 300)


def test_lonely_pixels_that_are_alone_up_to_different_radii():
    mask = all_but((60, 200), *((30, x) for x in (0, 1, 4, 13, 40, 120, 199)), (0, 60), (59, 60))
    assert len(np.unique(flip_sizes(mask)[~mask])) > 3
    expect_some(mask, 200)


def expect_added(masks):
    """Of all background pixels, by object_size with each of them added; give how many make a larger size, by mask."""
    larger = []
    for mask, sizes in zip(masks, flip_sizes(masks), strict=True):
        added = np.repeat(mask[None], np.count_nonzero(~mask), axis=0)
        added[np.arange(len(added)), *np.nonzero(~mask)] = True
        np.testing.assert_array_equal(sizes[~mask], object_size(added))
        larger.append(np.unique(sizes[~mask][sizes[~mask] > object_size(mask)], return_counts=True)[1])
    return larger


@pytest.mark.parametrize("grid", [(60, 60), (33, 129), (64, 130), (400, 9)])
@pytest.mark.parametrize("count", [2, 5, 8, 9, 12, 40])
def test_few_lonely_pixels(grid, count):
    masks = np.ones((6, *grid), bool)
    for seed, mask in enumerate(masks):
        mask.flat[np.random.default_rng(100 * count + seed).choice(mask.size, count, replace=False)] = False
    assert 0 < max(of_sizes.sum() for of_sizes in expect_added(masks)) <= FEW_PIXELS


@pytest.mark.parametrize("grid", [(60, 60), (33, 129), (64, 130), (400, 9)])
@pytest.mark.parametrize("step", [3, 5, 8])
def test_many_lonely_pixels_that_are_alone_up_to_different_radii(grid, step):
    """A lattice of which some pixels are out of place: more than are added one by one, until few are left."""
    masks = np.ones((4, *grid), bool)
    for seed, mask in enumerate(masks):
        rng = np.random.default_rng(seed)
        places = np.mgrid[step // 2 : grid[0] : step, step // 2 : grid[1] : step].reshape(2, -1)
        places += (rng.random(places.shape[1]) < 0.15) * rng.integers(0, 2, places.shape)
        mask[tuple(np.minimum(places, np.array(grid)[:, None] - 1))] = False
    for of_sizes in expect_added(masks):
        assert of_sizes.sum() > FEW_PIXELS
        assert len(of_sizes) > 1


def test_holes_at_every_place_of_a_square():
    masks = np.zeros((81, 15, 17), bool)
    masks[:, 3:12, 4:13] = True
    for mask, hole in zip(masks, np.ndindex(9, 9), strict=True):
        mask[3 + hole[0], 4 + hole[1]] = False
    expect(flip_sizes, masks)


# ------------------------------------------------------------------------------------------------ what must hold


@pytest.mark.parametrize("grid", [(7, 9), (48, 32), (65, 130), (300, 20)])
def test_removing_never_makes_larger_and_adding_never_smaller(grid):
    masks = np.concatenate([random_masks((20, *grid), 0.9), [objects(grid, 3, seed) for seed in range(20)]])
    sizes, flips = object_size(masks)[:, None, None], flip_sizes(masks)
    assert (flips <= sizes)[masks].all()
    assert (flips >= sizes)[~masks].all()
    assert (flips < sizes).any()
    assert (flips > sizes).any()


@pytest.mark.parametrize("grid", [(7, 9), (65, 130), (300, 20)])
def test_every_symmetry_of_the_grid(grid):
    for mask in random_masks(grid, 0.97), objects(grid, 4):
        sizes = flip_sizes(mask)
        np.testing.assert_array_equal(flip_sizes(mask[::-1]), sizes[::-1])
        np.testing.assert_array_equal(flip_sizes(mask[:, ::-1]), sizes[:, ::-1])
        np.testing.assert_array_equal(flip_sizes(mask.T), sizes.T)


@pytest.mark.usefixtures("cut")
@pytest.mark.parametrize("grid", [(5, 7), (33, 65), (600, 70)])
def test_masks_of_a_batch_do_not_touch(grid):
    masks = np.stack([np.ones(grid, bool), objects(grid, 2), random_masks(grid, 0.98), np.zeros(grid, bool)] * 3)
    together = flip_sizes(masks)
    np.testing.assert_array_equal(together, np.stack([flip_sizes(mask) for mask in masks]))


@pytest.mark.usefixtures("cut")
def test_a_call_between_the_steps_of_another(monkeypatch):
    """As a signal's handler may make it: what the first steps left for the last ones stays as it was."""
    mask, other = objects((600, 600), 3), random_masks((600, 600), 0.999)
    expected, share = flip_sizes(mask), flips_of_batch.share

    def interrupted(*args):
        with monkeypatch.context() as patch:
            patch.setattr(flips_of_batch, "share", share)
            flip_sizes(other)
        share(*args)

    monkeypatch.setattr(flips_of_batch, "share", interrupted)
    np.testing.assert_array_equal(flip_sizes(mask), expected)


@pytest.mark.parametrize("grid", [(1, 3), (5, 7), (9, 64), (3, 65), (70, 1)])
def test_nothing_else_is_written(grid):
    masks = random_masks((3, *grid), 0.9)
    for before in range(4):
        memory = np.full(masks.size + 200, 99, np.int32)
        out = memory[before : before + masks.size].reshape(masks.shape)
        assert flip_sizes(masks, out=out) is out
        assert (memory[:before] == 99).all()
        assert (memory[before + masks.size :] == 99).all()
        np.testing.assert_array_equal(out, oracles.each(oracles.fast_flip_sizes, masks))


def test_a_row_is_a_grid_of_one_row():
    masks = random_masks((4, 3, 100), 0.9, spatial_dims=1)
    rows = flip_sizes(masks, spatial_dims=1)
    np.testing.assert_array_equal(rows, flip_sizes(masks[:, :, None])[:, :, 0])


def test_tensors():
    masks = np.stack([objects((20, 25), 2, seed) for seed in range(6)]).reshape(2, 3, 20, 25)
    sizes = flip_sizes(torch.from_numpy(masks))
    assert sizes.dtype == torch.int32
    np.testing.assert_array_equal(sizes.numpy(), oracles.each(oracles.fast_flip_sizes, masks))
