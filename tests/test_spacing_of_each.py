"""A spacing for each image: as one call for each image gives it, whatever images are done at once."""

import numpy as np
import pytest
import torch
from strategies import objects

from chdt import (
    distance_transform,
    expected_size_loss,
    flip_sizes,
    mask_of_size,
    object_size,
    sampled_gradient,
    threshold_of_size,
)
from chdt.checks.ranks import is_spaced, rank_lists_of, ranks_of, sizes_of_ranks
from chdt.checks.shape import Shape
from chdt.cpu import route

RNG = np.random.default_rng(0)

GRIDS = [(9,), (7, 9), (9, 1), (13, 65), (64, 5), (2, 1, 7), (3, 4, 66)]

# Kinds of spacings, grids, and whether there is a border: every kind with every grid, the border in turn.
CASES = [
    (kind, grid, (number + place) % 2 == 0)
    for number, kind in enumerate(["different", "some with equal steps", "equal steps", "two"])
    for place, grid in enumerate(GRIDS)
]


def spacings(kind, images, dims):
    """Different ones for all images, the same along all axes, both in turn, or two that take turns."""
    each = np.round(RNG.uniform(0.3, 4, (images, dims)), 3)
    if kind == "equal steps":
        each[:] = each[:, :1]
    elif kind == "some with equal steps":
        each[::3] = each[::3, :1]
    elif kind == "two":
        each = each[:2][np.arange(images) % 2]
    return each


def masks_of(grid, images):
    """Objects, and masks without background, without foreground, and with one pixel of each."""
    masks = np.stack([objects(grid, len(grid), seed) > 0 for seed in range(images)])
    for image, value in enumerate([True, False, True, False]):
        masks[image] = value
    masks[2].flat[-1], masks[3].flat[0] = False, True
    return masks


def batch_of(kind, grid, black_border):
    """Masks, a spacing for each, and what is said of all."""
    options = {"spatial_dims": len(grid), "black_border": black_border}
    return masks_of(grid, 7), spacings(kind, 7, len(grid)), options


@pytest.fixture(params=[1, 3], ids=["one thread", "three threads"])
def threads(request, monkeypatch):
    monkeypatch.setattr("chdt.cpu.threads.thread_count", lambda: request.param)
    with route.overridden(PIXELS_PER_THREAD=100 if request.param > 1 else 1 << 30):
        yield


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(("kind", "grid", "black_border"), CASES, ids=str)
def test_masks(kind, grid, black_border):
    masks, each, options = batch_of(kind, grid, black_border)
    for function in (object_size, distance_transform, flip_sizes):
        together = function(masks, spacing=each, **options)
        alone = [function(mask, spacing=tuple(steps), **options) for mask, steps in zip(masks, each, strict=True)]
        np.testing.assert_array_equal(together, np.stack(alone))
        if function is not object_size:
            for out in (np.empty(masks.shape), np.empty(masks.shape[::-1], np.float32).T):
                np.testing.assert_array_equal(function(masks, spacing=each, out=out, **options), together)


@pytest.mark.parametrize("black_border", [False, True])
@pytest.mark.parametrize("grid", [(1,), (1, 1), (1, 1, 1), (3,), (1, 3)])
def test_grids_of_few_pixels(grid, black_border):
    """The answers of several such images have room where those of one are kept."""
    each = spacings("different", 40, len(grid))
    masks = RNG.random((40, *grid)) < 0.5
    options = {"spatial_dims": len(grid), "black_border": black_border}
    for function in (object_size, distance_transform, flip_sizes):
        together = function(masks, spacing=each, **options)
        alone = [function(mask, spacing=tuple(steps), **options) for mask, steps in zip(masks, each, strict=True)]
        np.testing.assert_array_equal(together, np.stack(alone))


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(("kind", "grid", "black_border"), CASES, ids=str)
def test_logits(kind, grid, black_border):
    masks, each, options = batch_of(kind, grid, black_border)
    samples, logits = torch.from_numpy(masks), torch.from_numpy(RNG.normal(size=masks.shape).round(1))
    sizes = torch.from_numpy(RNG.uniform(0, 2 * max(grid), len(masks)) * each.min(1))
    losses, gradient = sampled_gradient(samples, sizes, spacing=each, **options)
    for image, steps in enumerate(each):
        alone = sampled_gradient(samples[image], sizes[image], spacing=steps, **options)
        assert torch.equal(losses[image], alone[0])
        assert torch.equal(gradient[image], alone[1])
    logits.requires_grad_()
    values = expected_size_loss(logits, sizes, spacing=each, reduction="none", **options)
    assert values.isfinite().all()
    for wanted in (sizes, 1.1 * sizes, torch.zeros_like(sizes)):
        for function in (threshold_of_size, mask_of_size):
            together = function(logits.detach(), wanted, spacing=each, **options)
            for image, steps in enumerate(each):
                alone = function(logits[image].detach(), wanted[image], spacing=steps, **options)
                assert torch.equal(together[image], alone)


@pytest.mark.parametrize("black_border", [False, True])
@pytest.mark.parametrize("grid", [(7, 9), (4, 6, 5), (3, 70)], ids=str)
def test_thresholds_of_every_size(grid, black_border):
    """Up to the largest: its rank is the last of an image, where others have more."""
    images = 3
    each, logits = (
        spacings("some with equal steps", images, len(grid)),
        torch.from_numpy(RNG.normal(size=(images, *grid))),
    )
    options = {"spatial_dims": len(grid), "black_border": black_border}
    shape = Shape(*(1, 1, 1, *grid)[-3:])
    for image, steps in enumerate(each):
        lengths = sizes_of_ranks(shape, (*steps[:1].repeat(3 - len(grid)), *steps))
        for size in (*lengths, lengths[-1] * 1.01):
            wanted = torch.full((images,), size, dtype=torch.float64)
            for function in (threshold_of_size, mask_of_size):
                together = function(logits, wanted, spacing=each, **options)
                assert torch.equal(together[image], function(logits[image], wanted[image], spacing=steps, **options))


@pytest.mark.parametrize("shape", [(1, 9, 7), (1, 1, 30), (4, 5, 6), (1, 64, 65)])
def test_lists_are_those_of_each_image_and_go_on_with_the_cap(shape):
    shape = Shape(*shape)
    each = np.concatenate([spacings("some with equal steps", 5, 3), [[1e-25, 1, 1e25], [1, 1, 1]]])
    each = np.concatenate([each, each])
    lists = rank_lists_of(shape, tuple(each.reshape(-1).tolist()))
    assert len(lists.distances) == 7
    assert lists.list_of.tolist() == [*range(7)] * 2
    for number, steps in zip(lists.list_of, each, strict=True):
        ranks = ranks_of(shape, tuple(steps.tolist()))
        known = len(ranks.distances)
        np.testing.assert_array_equal(lists.distances[number, :known], ranks.distances)
        np.testing.assert_array_equal(lists.radii[number, :known], ranks.radii)
        assert (lists.distances[number, known:] == ranks.distances[-1]).all()


def test_many_images_with_equal_steps(monkeypatch):
    """Tables of lengths are made for a few images at a time, or for none if they would be too large."""
    masks, each = masks_of((7, 9), 20), spacings("equal steps", 20, 2)
    assert not is_spaced(tuple(each.repeat(2, 1)[:, :3].reshape(-1).tolist()))
    expected = flip_sizes(masks, spacing=each)
    for most in (5, 100):
        monkeypatch.setattr("chdt.cpu.per_pixel.MOST_LENGTHS", most)
        np.testing.assert_array_equal(flip_sizes(masks, spacing=each), expected)


def test_large_images_are_measured_one_after_the_other():
    masks = np.ones((3, 5, 70), bool)
    masks[0, 2, 30] = masks[1, 0, 0] = False
    each = np.array([[2, 1], [1, 1], [0.5, 3]])
    with route.overridden(SLABS_MIN_PIXELS=1):
        sizes = object_size(masks, spacing=each)
    assert sizes.tolist() == [object_size(mask, spacing=steps) for mask, steps in zip(masks, each, strict=True)]


@pytest.mark.parametrize("batch", [(0,), (0, 3), (2, 0)], ids=str)
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy], ids=["array", "tensor"])
def test_a_batch_of_no_images(kind, batch):
    """As in the last step of an epoch, or where no image has a size."""
    masks, each = kind(np.ones((*batch, 5, 6))), kind(np.ones((*batch, 2)))
    assert object_size(masks, spacing=each).shape == batch
    for function in (distance_transform, flip_sizes):
        assert function(masks, spacing=each).shape == (*batch, 5, 6)
    logits, sizes = torch.zeros(*batch, 5, 6), torch.zeros(batch)
    assert threshold_of_size(logits, sizes, spacing=each).shape == batch
    assert mask_of_size(logits, sizes, spacing=each).shape == logits.shape
    assert expected_size_loss(logits, sizes, spacing=each) == 0
