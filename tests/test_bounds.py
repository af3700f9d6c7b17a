"""The three functions on a few grids of every layout: few enough to be run once more with each index checked."""

import numpy as np
import oracles
import pytest
import torch

from chdt import distance_transform, expected_size_loss, flip_sizes, object_size, sampled_gradient
from chdt.cpu.draws import masks_from_seed

GRIDS = [(1, 1), (3, 4), (9, 31), (9, 33), (4, 64), (3, 65), (2, 130), (67, 2), (1, 129)]


@pytest.mark.parametrize(("height", "width"), GRIDS)
@pytest.mark.parametrize("density", [0.0, 0.5, 0.97, 1.0])
def test_equal_to_the_definitions(height, width, density):
    masks = np.random.default_rng(0).random((3, height, width)) < density
    assert (distance_transform(masks) == oracles.each(oracles.distances, masks)).all()
    assert (object_size(masks) == oracles.each(oracles.size, masks)).all()
    assert (flip_sizes(masks) == oracles.each(oracles.fast_flip_sizes, masks)).all()


@pytest.mark.parametrize("shape", [(2, 2, 65), (3, 2, 33), (65, 2, 1), (64, 2, 1), (1, 66, 2), (4, 5, 6)])
@pytest.mark.parametrize("density", [0.0, 0.5, 0.97, 1.0])
def test_volumes_equal_to_the_definitions(shape, density):
    masks = np.random.default_rng(0).random((3, *shape)) < density
    options = {"spatial_dims": 3}
    assert (distance_transform(masks, **options) == oracles.each(oracles.distances, masks, 3)).all()
    assert (object_size(masks, **options) == oracles.each(oracles.size, masks, 3)).all()
    assert (flip_sizes(masks, **options) == oracles.each(oracles.fast_flip_sizes, masks, 3)).all()
    padded = np.pad(masks, [(0, 0), (1, 1), (1, 1), (1, 1)])
    assert (object_size(masks, black_border=True, **options) == oracles.each(oracles.size, padded, 3)).all()


@pytest.mark.parametrize("shape", [(3, 4), (9, 33), (3, 65)])
def test_the_loss_is_the_mean_of_its_samples(shape):
    logits, sizes = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0)) + 2, torch.tensor([4.0, 6.0])
    generator = torch.Generator().manual_seed(1)
    value = expected_size_loss(logits, sizes, n_samples=2, reduction="none", generator=generator.manual_seed(1))
    generator.manual_seed(1)
    losses = []
    for seed in torch.randint((1 << 63) - 1, (2,), generator=generator):
        losses.append(sampled_gradient(masks_from_seed(logits, seed[None]), sizes)[0])
    assert torch.equal(value, (losses[0] + losses[1]) / 2)
