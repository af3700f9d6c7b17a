"""Errors of sizes and overlaps."""

import numpy as np
import pytest
import torch

from chdt import intersection_over_union, object_size, squared_size_error


def random_masks(*shape, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).sign()


def test_squared_size_error():
    target, prediction = random_masks(6, 9, 9, seed=0), random_masks(6, 9, 9, seed=1)
    prediction[0] = 1
    expected = (object_size(target) - object_size(prediction)).float() ** 2
    assert expected.any()
    assert torch.equal(squared_size_error(target, prediction), expected)


@pytest.mark.parametrize("as_bool", [False, True])
def test_overlap_as_printed(as_bool):
    """Equation (23) in the form it is printed: sums over products of ±1."""
    target, prediction = random_masks(4, 1, 7, 6, seed=0), random_masks(4, 1, 7, 6, seed=1)
    both = ((1 + target) * (1 + prediction)).sum((-2, -1)) / 4
    either = (1 - (1 - target) * (1 - prediction) / 4).sum((-2, -1))
    if as_bool:
        target, prediction = target > 0, prediction > 0
    torch.testing.assert_close(intersection_over_union(target, prediction), both / either)


def test_empty_union():
    empty = torch.zeros(2, 3, 3, dtype=torch.bool)
    other = empty.clone()
    other[1, 0, 0] = True
    assert intersection_over_union(empty, other).tolist() == [1, 0]


@pytest.mark.parametrize("metric", [squared_size_error, intersection_over_union])
def test_bad_input(metric):
    masks = random_masks(2, 4, 4, seed=0)
    with pytest.raises(ValueError, match=r"\(2, 4, 4\).*\(1, 4, 4\)"):
        metric(masks, masks[:1])
    with pytest.raises(ValueError, match=r"masks\[0, 0, 0\] is 0.0"):
        metric(masks, torch.zeros_like(masks))
    with pytest.raises(TypeError, match="torch tensor"):
        metric(masks, np.ones((2, 4, 4)))
