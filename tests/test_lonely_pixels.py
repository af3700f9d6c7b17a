"""Added pixels of large images, slab by slab, against definitions and against images that are done whole."""

import numpy as np
import oracles
import pytest
from strategies import all_but, lattice, objects, random_masks

from chdt import flip_sizes, object_size
from chdt.checks.shape import Shape
from chdt.cpu import added_pixels
from chdt.cpu.route import images_alone, in_slabs, overridden, row_layout

pytestmark = pytest.mark.kernels

GRIDS = [(40, 65), (30, 128), (3, 300), (7, 11, 129), (30, 4, 70), (4, 30, 70), (9, 9, 192)]
SPACINGS = [None, (3.0, 1.0, 1.0), (1.0, 2.5, 0.3)]


@pytest.fixture(params=[1, 2, 3, 5])
def threads(request, monkeypatch):
    """Cut images of any size for so many threads, and look for added pixels slab by slab."""
    for module in ("threads", "added_pixels"):
        monkeypatch.setattr(f"chdt.cpu.{module}.thread_count", lambda: request.param)
    with overridden(
        SMALL_MAX_SIDE_PIXELS=0,
        WHOLE_MAX_DISTANCES=0,
        BAND_DISTANCES=1 << 9,
        CUT_MIN_PIXELS=0,
        ALWAYS_CUT_MIN_PIXELS=0,
        SLABS_MIN_PIXELS=0,
        PIXELS_PER_THREAD=1 << 8,
    ):
        yield request.param


def masks_of(grid, seed):
    """Those where one pixel matters, or some, or one each in several windows, or none."""
    rng = np.random.default_rng(seed)
    corner, middle, last = (0,) * len(grid), tuple(side // 2 for side in grid), tuple(side - 1 for side in grid)
    masks = [np.zeros(grid, bool), np.ones(grid, bool), all_but(grid, middle), all_but(grid, corner, last)]
    masks += [lattice(grid, 3), lattice(grid, 7, 2), objects(grid, 4, seed), ~objects(grid, 4, seed)]
    masks += [random_masks(grid, density, seed, spatial_dims=len(grid)) for density in (0.5, 0.95, 0.995)]
    for background in (1, 5, 9, 20):
        masks.append(all_but(grid, *(tuple(rng.integers(side) for side in grid) for _ in range(background))))
    diagonal = sum(np.indices(grid)) % 50 != 49
    return np.stack([*masks, diagonal])


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("spacing", SPACINGS)
def test_as_done_whole(grid, spacing, threads):
    shape = Shape(*(1,) * (3 - len(grid)), *grid)
    assert images_alone(1, row_layout(shape)) == 0
    assert in_slabs(shape)
    spacing = spacing and spacing[3 - len(grid) :]
    masks, options = masks_of(grid, threads), {"spatial_dims": len(grid), "spacing": spacing}
    found = flip_sizes(masks, **options)
    with overridden(CUT_MIN_PIXELS=1 << 30, ALWAYS_CUT_MIN_PIXELS=1 << 30):
        np.testing.assert_array_equal(found, flip_sizes(masks, **options))
    larger = found > object_size(masks, **options).reshape(-1, *(1,) * len(grid))
    assert np.count_nonzero(larger.reshape(len(masks), -1).any(1)) > 5
    rng = np.random.default_rng(0)
    for mask, sizes, raised in zip(masks, found, larger, strict=True):
        pixels = np.concatenate([np.argwhere(raised), np.argwhere(~raised)[:2]])
        for pixel in map(tuple, rng.permutation(pixels)[:3]):
            flipped = oracles.flipped(mask, pixel)
            expected = oracles.fast_size(flipped) if spacing is None else oracles.fast_spaced_size(flipped, spacing)
            assert sizes[pixel] == expected


@pytest.mark.parametrize("few", [0, 2, 1 << 30])
def test_one_by_one_or_by_windows(few, threads, monkeypatch):
    """However many are added one by one: none, few, or all."""
    monkeypatch.setattr(added_pixels, "FEW_PIXELS", min(few, 9 * 11 * 70))
    for grid in ((30, 80), (9, 11, 70)):
        masks = masks_of(grid, threads)[2:]
        if few > 2:
            masks = np.stack([mask for mask in masks if np.count_nonzero(~mask) < 30])
        for spacing in (None, (2.0, 1.0, 0.7)):
            options = {"spatial_dims": len(grid), "spacing": spacing and spacing[3 - len(grid) :]}
            found = flip_sizes(masks, **options)
            with overridden(CUT_MIN_PIXELS=1 << 30, ALWAYS_CUT_MIN_PIXELS=1 << 30):
                np.testing.assert_array_equal(found, flip_sizes(masks, **options))


@pytest.mark.usefixtures("threads")
def test_answers_of_any_width():
    mask = lattice((9, 11, 70), 5, 2)
    expected = flip_sizes(mask, spatial_dims=3)
    assert len(np.unique(expected)) > 2
    for dtype in np.uint8, np.int16, np.int32, np.int64:
        out = np.zeros(mask.shape, dtype)
        np.testing.assert_array_equal(flip_sizes(mask, spatial_dims=3, out=out), expected)
