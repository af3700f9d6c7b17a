"""Volumes: the same functions with three spatial dims, exact for every shape."""

import numpy as np
import oracles
import pytest
import torch
from expect import expect
from hypothesis import given
from hypothesis import strategies as st
from strategies import all_but, every_mask, half, lattice, mask_batches, objects, random_masks, single_masks

from chdt import distance_transform, expected_size_loss, flip_sizes, object_size, sample_masks, sampled_gradient
from chdt.checks.shape import Shape
from chdt.cpu.route import row_layout

SHAPES = [(1, 1, 1), (2, 1, 1), (1, 5, 1), (3, 4, 5), (5, 4, 3), (2, 3, 63), (3, 2, 64), (2, 2, 65), (4, 3, 129)]
LARGE = [(9, 70, 130), (200, 3, 30), (300, 2, 2), (2, 300, 2), (33, 65, 31)]


def expect_measures(masks):
    for function in distance_transform, object_size:
        expect(function, masks, spatial_dims=3)


def expect_flips(mask, count=30):
    """At random pixels, and at those where something happens."""
    sizes = flip_sizes(mask, spatial_dims=3)
    rng = np.random.default_rng(0)
    changed = np.argwhere(sizes != oracles.fast_size(mask))
    pixels = np.concatenate([np.argwhere(np.ones_like(mask)), changed])
    pixels = np.concatenate([rng.permutation(pixels)[:count], rng.permutation(changed)[:count]])
    np.testing.assert_array_equal(sizes[tuple(pixels.T)], oracles.fast_flip_sizes(mask, pixels))


@given(mask=single_masks(most=6, least_dims=3, most_dims=3))
def test_small_volumes_by_definition(mask):
    np.testing.assert_array_equal(distance_transform(mask, spatial_dims=3), oracles.distances(mask))
    assert object_size(mask, spatial_dims=3) == oracles.size(mask)
    if mask.size <= 60:
        np.testing.assert_array_equal(flip_sizes(mask, spatial_dims=3), oracles.flip_sizes(mask))


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (2, 2, 2), (1, 3, 3), (3, 1, 3), (3, 3, 1), (2, 3, 2), (2, 1, 4), (4, 2, 1)]
)
def test_every_mask_of_a_volume(shape):
    masks = every_mask(shape)
    for function, oracle in (
        (distance_transform, oracles.distances),
        (object_size, oracles.size),
        (flip_sizes, oracles.fast_flip_sizes),
    ):
        np.testing.assert_array_equal(function(masks, spatial_dims=3), oracles.each(oracle, masks, 3))


@given(masks=mask_batches(st.integers(1, 40) | st.sampled_from([63, 64, 65]), most_pixels=8_000, spatial_dims=3))
def test_batches(masks):
    expect_measures(masks)


@given(masks=mask_batches(st.integers(1, 12) | st.sampled_from([63, 64, 65]), most_pixels=600, spatial_dims=3))
def test_flips_of_batches(masks):
    sizes = flip_sizes(masks, spatial_dims=3)
    for index in np.ndindex(masks.shape[:-3]):
        np.testing.assert_array_equal(sizes[index], oracles.fast_flip_sizes(masks[index]))


@pytest.mark.parametrize("shape", SHAPES + LARGE)
def test_special_volumes(shape):
    expect_special(shape)


@pytest.mark.usefixtures("cut")
@pytest.mark.parametrize("shape", [(90, 50, 36), (64, 64, 64)])
def test_special_volumes_of_several_bands(shape):
    assert row_layout(Shape(*shape)).bands > 1
    expect_special(shape)


def expect_special(shape):
    last = tuple(side - 1 for side in shape)
    middle = tuple(side // 2 for side in shape)
    ball = np.maximum.reduce([np.abs(i - m) for i, m in zip(np.indices(shape), middle, strict=True)]) < 8
    masks = [
        np.zeros(shape, bool),
        np.ones(shape, bool),
        all_but(shape, (0, 0, 0)),
        all_but(shape, last),
        all_but(shape, middle, (0, 0, 0)),
        lattice(shape, 5, 2),
        ball,
        ball & all_but(shape, middle),
        *(half(shape, axis, shape[axis] // 2) for axis in range(3)),
        *(~half(shape, axis, shape[axis] // 2) for axis in range(3)),
        *(objects(shape, count, count) for count in (1, 3) if np.prod(shape) > 1),
        *(random_masks(shape, density, spatial_dims=3) for density in (0.7, 0.99) if np.prod(shape) > 1),
    ]
    expect_measures(np.stack(masks))
    for mask in masks:
        expect_flips(mask, 4)


@pytest.mark.parametrize("shape", [(5, 7, 6), (3, 65, 9), (70, 4, 33)])
def test_every_order_of_the_axes(shape):
    mask = objects(shape, 4)
    for function in (distance_transform, flip_sizes):
        answer = function(mask, spatial_dims=3)
        for axes in [(0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]:
            turned = function(mask.transpose(axes), spatial_dims=3)
            np.testing.assert_array_equal(turned, answer.transpose(axes))
        for axis in range(3):
            np.testing.assert_array_equal(function(np.flip(mask, axis), spatial_dims=3), np.flip(answer, axis))


def test_a_slice_is_a_volume_of_one():
    masks = random_masks((6, 20, 33), 0.9)
    for function in (distance_transform, flip_sizes):
        np.testing.assert_array_equal(function(masks[:, None], spatial_dims=3)[:, 0], function(masks))


def test_the_loss_of_volumes_is_its_definition():
    logits = torch.randn(3, 4, 5, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    sizes, options = torch.tensor([2.0, 4, 0], dtype=torch.float64), {"spatial_dims": 3}
    leaf = logits.clone().requires_grad_()
    value = expected_size_loss(leaf, sizes, reduction="none", generator=torch.Generator().manual_seed(1), **options)
    value.sum().backward()
    samples = sample_masks(logits, generator=torch.Generator().manual_seed(1))
    losses, gradient = sampled_gradient(samples, sizes, **options)
    chances = torch.sigmoid(logits)
    assert torch.equal(value, losses)
    assert torch.equal(leaf.grad, gradient * (chances * (1 - chances)))
    flips = torch.from_numpy(np.stack([oracles.flip_sizes(y.numpy() > 0) for y in samples]))
    expected = samples * (losses[:, None, None, None] - (sizes[:, None, None, None] - flips) ** 2)
    assert torch.equal(gradient, expected)
    assert gradient.any()
