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


@pytest.mark.parametrize("shape", [(3, 1, 1), (4, 5, 63), (2, 8, 8), (5, 9, 130), (0, 4, 4), (7, 6)])
@pytest.mark.parametrize("spatial_dims", [1, 2])
def test_overlap_by_counting(shape, spatial_dims):
    target, prediction = random_masks(*shape, seed=0) > 0, random_masks(*shape, seed=1) > 0
    dims = tuple(range(-spatial_dims, 0))
    both, either = (target & prediction).sum(dims).double(), (target | prediction).sum(dims).double()
    expected = torch.where(either == 0, 1, both / either).float()
    overlap = intersection_over_union(target, prediction, spatial_dims=spatial_dims)
    assert overlap.dtype == torch.float32
    assert torch.equal(overlap, expected)


@pytest.mark.parametrize("metric", [squared_size_error, intersection_over_union])
def test_true_is_any_byte_but_0(metric):
    target, prediction = random_masks(4, 7, 9, seed=0) > 0, random_masks(4, 7, 9, seed=1) > 0
    other_bytes = [masks.to(torch.uint8) * byte for masks, byte in ((target, 7), (prediction, 255))]
    assert torch.equal(metric(*(each.view(torch.bool) for each in other_bytes)), metric(target, prediction))
    strided = [each.mT.contiguous().mT.view(torch.bool) for each in other_bytes]
    assert not strided[0].is_contiguous()
    assert torch.equal(metric(*strided), metric(target, prediction))


@pytest.mark.parametrize("metric", [squared_size_error, intersection_over_union])
@pytest.mark.parametrize(
    ("target", "advice"),
    [
        (np.ones((4, 4)), r"torch.as_tensor\(target\)"),
        ([[1, -1]], r"torch.as_tensor\(target\)"),
        (np.ma.masked_array(np.ones((4, 4))), r"torch.as_tensor\(target.filled\(-1\)\), which says"),
        ([torch.ones(4)], r"torch.stack\(target\)"),
    ],
)
def test_advice(metric, target, advice):
    with pytest.raises(TypeError, match=f"target must be a torch tensor, not .*: convert with {advice}"):
        metric(target, torch.ones(4, 4))


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
    with pytest.raises(ValueError, match=r"prediction\[0, 0, 0\] is 0.0"):
        metric(masks, torch.zeros_like(masks))
    with pytest.raises(TypeError, match="torch tensor"):
        metric(masks, np.ones((2, 4, 4)))


@pytest.mark.parametrize("metric", [squared_size_error, intersection_over_union])
@pytest.mark.parametrize("name", ["target", "prediction"])
@pytest.mark.parametrize("spacing", [None, (1.0, 2.0)])
def test_errors_say_which_masks(metric, name, spacing):
    options = {} if metric is intersection_over_union else {"spacing": spacing}
    both = {"target": torch.ones(2, 5, 5), "prediction": torch.ones(2, 5, 5)}
    both[name][1, 2, 3] = 0
    with pytest.raises(
        ValueError, match=rf"^{name} must hold only -1 and \+1, but {name}\[1, 2, 3\] is 0.0.* {name} > 0$"
    ):
        metric(**both, **options)
