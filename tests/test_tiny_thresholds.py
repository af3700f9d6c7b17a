"""Thresholds and masks of small images, 64 of which are done at a time: the same as one by one, and by definition."""

import numpy as np
import oracles
import pytest
import torch
from thresholds import by_ways, values_of

from chdt import mask_of_size, object_size, threshold_of_size
from chdt.checks.pixels import ABOVE_ALL, BELOW_ALL
from chdt.checks.shape import Shape
from chdt.cpu import threads
from chdt.cpu.route import are_side_by_side, overridden
from chdt.cpu.thresholds import weakest_pixels_of_ranks

pytestmark = pytest.mark.kernels

ONE_BY_ONE, SIDE_BY_SIDE = {"SIDE_BY_SIDE_MIN_IMAGES": 1 << 40}, {"SIDE_BY_SIDE_MIN_IMAGES": 1}
BOTH_WAYS = SIDE_BY_SIDE, ONE_BY_ONE


def weakest_pixel(values, size, black_border):
    """The first least pixel of the first window whose least pixel is the largest, straight from the definition."""
    radius, best = size // 2 - 1, (-np.inf, BELOW_ALL)
    if size == 0:
        return ABOVE_ALL
    if radius >= max(values.shape):
        return BELOW_ALL
    for centre in np.ndindex(values.shape):
        inside = all(radius <= c < side - radius for c, side in zip(centre, values.shape, strict=True))
        if inside or not black_border:
            where = tuple(slice(max(0, c - radius), c + radius + 1) for c in centre)
            window = np.full(values.shape, np.nan)
            window[where] = values[where]
            if np.nanmin(window) > best[0] or best[1] == BELOW_ALL:
                best = np.nanmin(window), int(np.flatnonzero(window == np.nanmin(window))[0])
    return best[1]


def mask(values, size, black_border):
    """Of the masks of all thresholds, the one of this size whose threshold is closest to 0.

    If there is none, the one before or behind it that comes closer, of two as close the smaller one.
    """
    masks = [values > np.inf, *(values >= value for value in np.unique(values)[::-1] if value > -np.inf)]
    sizes = [oracles.fast_size(np.pad(each, 1) if black_border else each) for each in masks]
    if size in sizes:
        at_zero = int((values > 0).sum())
        of_size = [each for each, its in zip(masks, sizes, strict=True) if its == size]
        return min(of_size, key=lambda each: abs(int(each.sum()) - at_zero))
    behind = sum(its < size for its in sizes)
    if behind == len(sizes) or size - sizes[behind - 1] <= sizes[behind] - size:
        return masks[behind - 1]
    return masks[behind]


@pytest.mark.parametrize("kind", ["plain", "few values", "sure", "infinite"])
@pytest.mark.parametrize("black_border", [False, True])
@pytest.mark.parametrize("grid", [(1,), (6,), (17,), (60,), (1, 1), (1, 4), (3, 5), (6, 4), (2, 3, 4), (3, 3, 3)])
def test_by_definition(grid, black_border, kind):
    rng = np.random.default_rng(1)
    values = values_of(kind, rng, (70, *grid)).astype(np.float32)
    sizes = 2 * rng.integers(0, max(grid) + 2, 70)
    logits, ranks = torch.from_numpy(values), torch.from_numpy(sizes // 2)
    pixels = np.array([weakest_pixel(*each, black_border) for each in zip(values, sizes, strict=True)])
    masks = np.array([mask(*each, black_border) for each in zip(values, sizes, strict=True)])
    found = by_ways(BOTH_WAYS, logits, ranks[:, None], len(grid), None, black_border)
    for found_pixels, found_masks in (found[:2], found[2:]):
        np.testing.assert_array_equal(found_pixels[:, 0], pixels)
        np.testing.assert_array_equal(found_masks, masks)


def test_every_order_of_pixels():
    """All ways in which six pixels may be ranked, with ties, and all sizes."""
    values = np.array(list(np.ndindex((3,) * 6)), np.float32) - 1
    for grid in ((6,), (2, 3), (3, 2)):
        logits = torch.from_numpy(values).view(-1, *grid)
        for size in range(0, 2 * max(grid) + 4, 2):
            pixels = weakest_pixels_of_ranks(logits, torch.full((len(values), 1), size // 2), len(grid), None, False)
            expected = [weakest_pixel(each, size, False) for each in logits.numpy()]
            assert pixels[:, 0].tolist() == expected
            masks = mask_of_size(logits, torch.full((len(values),), size), spatial_dims=len(grid))
            for each, found in zip(logits.numpy(), masks.numpy(), strict=True):
                np.testing.assert_array_equal(found, mask(each, size, False))


def test_which_go_this_way():
    """Those above are many and small; the thresholds of the route are looked at for each run of equal spacing."""
    assert are_side_by_side(70, Shape(1, 6, 4), 4)
    assert not are_side_by_side(1, Shape(1, 6, 4), 4)
    assert not are_side_by_side(1000, Shape(1, 48, 32), 4)
    assert not are_side_by_side(1000, Shape(1, 1, 700), 2)


@pytest.mark.parametrize("spacing", [(3.0, 1.0), 2.5])
def test_spacings(spacing):
    """Of each image, too: one that differs along the axes goes another way, and gives sizes in its units."""
    logits = torch.randn(100, 9, 7, generator=torch.Generator().manual_seed(0))
    sizes = torch.full((100,), 10.0)
    found = mask_of_size(logits, sizes, spacing=spacing)
    with overridden(**ONE_BY_ONE):
        assert torch.equal(found, mask_of_size(logits, sizes, spacing=spacing))
    each = torch.tensor(spacing).expand(100, 2).clone()
    each[:40] = 1.0
    by_image = mask_of_size(logits, sizes, spacing=each)
    assert torch.equal(by_image[40:], found[40:])
    assert torch.equal(by_image[:40], mask_of_size(logits[:40], sizes[:40]))


def test_gradients_and_sizes():
    logits = torch.randn(130, 8, 8, generator=torch.Generator().manual_seed(0), requires_grad=True)
    sizes = torch.arange(130) % 9 * 2
    threshold_of_size(logits, sizes).masked_fill(sizes == 0, 0).sum().backward()
    gradient = logits.grad.flatten(1)
    assert torch.equal((gradient == 1).sum(1), (sizes > 0).long())
    assert torch.equal((gradient != 0).sum(1), (sizes > 0).long())
    found = object_size(mask_of_size(logits.detach(), sizes))
    assert (found == sizes).float().mean() > 0.8  # no threshold gives the others


def test_the_same_for_any_number_of_threads(monkeypatch):
    logits = torch.randn(500, 7, 5, generator=torch.Generator().manual_seed(0))
    sizes = torch.arange(500) % 17
    expected = mask_of_size(logits, sizes), threshold_of_size(logits, sizes)
    monkeypatch.setattr(threads, "thread_count", lambda: 3)
    monkeypatch.setattr(threads, "PIXELS_PER_THREAD", 1000)
    assert torch.equal(mask_of_size(logits, sizes), expected[0])
    assert torch.equal(threshold_of_size(logits, sizes), expected[1])
