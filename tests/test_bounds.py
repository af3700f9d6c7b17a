"""The three functions on a few grids of every layout: few enough to be run once more with each index checked."""

import numpy as np
import oracles
import pytest

from chdt import distance_transform, flip_sizes, object_size

GRIDS = [(1, 1), (3, 4), (9, 31), (9, 33), (4, 64), (3, 65), (2, 130), (67, 2), (1, 129)]


@pytest.mark.parametrize(("height", "width"), GRIDS)
@pytest.mark.parametrize("density", [0.0, 0.5, 0.97, 1.0])
def test_equal_to_the_definitions(height, width, density):
    masks = np.random.default_rng(0).random((3, height, width)) < density
    assert (distance_transform(masks) == oracles.each(oracles.distances, masks)).all()
    assert (object_size(masks) == oracles.each(oracles.size, masks)).all()
    assert (flip_sizes(masks) == oracles.each(oracles.fast_flip_sizes, masks)).all()
