"""Distances, sizes and flips in the GPUs' wing: equal to the host's, which have tests of their own."""

import numpy as np
import oracles
import pytest
import torch
from strategies import every_mask
from wing import DEVICE, assert_same, called_there, on_gpu, there

import chdt
from chdt import distance_transform, flip_sizes, intersection_over_union, object_size, squared_size_error
from chdt.checks.dtypes import TENSOR_DTYPES
from chdt.gpu import available, box_sums

FUNCTIONS = [distance_transform, object_size, flip_sizes]


def masks_of(*grid, seed=0):
    """A few of all kinds: noise, hardly any background, none, no foreground, one pixel of either, a disc."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand((2, *grid), generator=generator) < torch.tensor([0.5, 0.98]).view(-1, *[1] * len(grid))
    full = torch.ones((1, *grid), dtype=torch.bool)
    hole, dot = full.clone(), ~full
    hole.view(-1)[full.numel() // 3] = False
    dot.view(-1)[full.numel() // 2] = True
    return torch.cat([noise, full, ~full, hole, dot])


@pytest.mark.parametrize("grid", [(4,), (2, 3), (5, 1), (1, 1)])
def test_every_small_mask_by_definition(grid):
    masks, dims = torch.from_numpy(every_mask(grid)), len(grid)
    for function, oracle in zip(FUNCTIONS, (oracles.distances, oracles.size, oracles.flip_sizes), strict=True):
        got = called_there(function, masks, spatial_dims=dims)
        np.testing.assert_array_equal(got.numpy(), oracles.each(oracle, masks.numpy(), dims))
        assert got.dtype == torch.int32


GRIDS = [(1,), (1, 1), (513,), (17, 33), (16, 32), (1, 40), (40, 1), (3, 4, 5), (2, 17, 3), (1, 5, 6)]  # around tiles


OPTIONS = [{}, {"black_border": True}, {"spacing": (0.7, 3.1, 1.0)}, {"spacing": 2.5}]

# Two options for each grid, in turn: the interpreter takes seconds for each.
GRIDS_AND_OPTIONS = [(grid, OPTIONS[(place + more) % 4]) for place, grid in enumerate(GRIDS) for more in (0, 2)]


@pytest.mark.parametrize(("grid", "options"), GRIDS_AND_OPTIONS, ids=str)
def test_grids_and_options(grid, options):
    dims = len(grid)
    if isinstance(options.get("spacing"), tuple):
        options = {"spacing": options["spacing"][:dims]}
    masks = masks_of(*grid)
    assert masks.any()
    assert not masks.all()
    for function in FUNCTIONS:
        assert_same(function, masks[1:3] if masks[0].numel() < 60 else masks[1:2], spatial_dims=dims, **options)


@pytest.mark.parametrize("grid", [(30,), (6, 7), (3, 4, 2)])
def test_images_whose_sums_take_64_bits(grid, monkeypatch):
    monkeypatch.setattr(box_sums, "MOST_INDEX_BITS", 3)
    assert_same(flip_sizes, masks_of(*grid)[1:5], spatial_dims=len(grid))


@pytest.mark.skipif(DEVICE.type == "cpu", reason="takes the interpreter minutes")
def test_large_images():
    masks = torch.ones(2, 700, 900, dtype=torch.bool)
    masks[0, ::60, 7::50] = False
    for function in FUNCTIONS:
        assert_same(function, masks)


@pytest.mark.parametrize("dtype", TENSOR_DTYPES)
def test_dtypes_and_strides(dtype):
    masks = masks_of(6, 5)
    masks = masks if dtype == torch.bool else (2 * masks.to(torch.int8) - 1).to(dtype)
    assert_same(object_size, masks)
    assert_same(distance_transform, masks[:2].permute(2, 0, 1)[::2])
    assert_same(distance_transform, masks[1, None].expand(2, 6, 5))


def test_any_byte_but_zero_is_true():
    masks = torch.tensor([[[0, 1, 2], [255, 0, 7]]], dtype=torch.uint8).view(torch.bool)
    assert_same(flip_sizes, masks)
    assert_same(intersection_over_union, masks, masks)


@pytest.mark.parametrize("dtype", [torch.int8, torch.bfloat16, torch.float64])
def test_an_invalid_mask_raises_with_its_index(dtype):
    masks = torch.ones(3, 4, 5, dtype=dtype)
    masks[1, 2, 3] = masks[2, 0, 0] = 0
    for function in FUNCTIONS:
        with pytest.raises(ValueError, match=r"masks\[1, 2, 3\] is 0"):
            called_there(function, masks)


@pytest.mark.parametrize("function", [distance_transform, flip_sizes])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.float16, torch.float64])
def test_out(function, dtype):
    masks = masks_of(6, 7)[:2]
    for out in (torch.empty(2, 6, 7, dtype=dtype), torch.empty(2, 7, 6, dtype=dtype).transpose(1, 2)):
        with on_gpu():
            given = there(out)
            answer = function(there(masks), out=given)
        assert answer is given
        torch.testing.assert_close(answer.cpu(), function(masks).to(dtype), rtol=0, atol=0)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_empty_batch(function):
    assert_same(function, torch.ones(0, 4, 5))
    assert_same(function, torch.ones(2, 0, 4, 5), black_border=True)
    assert_same(function, torch.ones(0, 4, 5), spacing=(2, 1))


def test_metrics():
    masks = masks_of(7, 9)
    others = masks.roll(1, 0)
    for function in (intersection_over_union, squared_size_error):
        assert_same(function, masks, others)
        assert_same(function, 1.0 - 2 * masks, others, spatial_dims=1)


def test_a_device_without_this_wing_goes_by_way_of_the_host(monkeypatch):
    masks, called = masks_of(5, 6), []
    monkeypatch.setattr(available.importlib.util, "find_spec", lambda name: called.append(name))
    available._reason_against_gpu.cache_clear()
    with on_gpu():
        reason = available.reason_against(DEVICE)
        sizes = object_size(there(masks))
    monkeypatch.undo()
    available._reason_against_gpu.cache_clear()
    assert "not installed" in reason
    assert called == ["triton"]
    assert torch.equal(sizes.cpu(), object_size(masks))
    assert "not for mps" in available.reason_against(torch.device("mps"))


@pytest.mark.parametrize("options", [{}, {"black_border": True}, {"spacing": (2, 1)}, {"spacing": 2}])
def test_answers_are_contiguous(options):
    """As the operators promise, whatever the masks are."""
    for function in (distance_transform, flip_sizes):
        answer = called_there(function, masks_of(4, 5)[1:3].mT, **options)
        assert answer.is_contiguous()
        assert answer.untyped_storage().nbytes() == answer.nbytes


def test_the_same_twice():
    masks = masks_of(20, 35)[1:2]
    assert torch.equal(called_there(flip_sizes, masks), called_there(flip_sizes, masks))


def test_the_answer_has_no_gradient():
    assert not called_there(chdt.distance_transform, torch.ones(2, 3, requires_grad=True)).requires_grad
