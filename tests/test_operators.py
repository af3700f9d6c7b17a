"""The operators: what torch asks of them, and the same answers compiled, exported and mapped."""

import pytest
import torch

import chdt
from chdt import distance_transform, flip_sizes, object_size

FUNCTIONS = [distance_transform, flip_sizes, object_size]


def masks_like(*shape):
    masks = torch.randn(shape, generator=torch.Generator().manual_seed(0)).sign()
    assert (masks == 1).any()
    assert (masks == -1).any()
    return masks


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # opcheck's own, in torch 2.14
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    "masks",
    [
        masks_like(5, 7),
        masks_like(2, 3, 6, 4).to(torch.int8),
        masks_like(3, 8, 9) > 0,
        masks_like(4, 6, 2).permute(2, 0, 1),
        masks_like(4, 5).bfloat16(),
        masks_like(3, 4, 5).requires_grad_(),
    ],
)
def test_opcheck(function, masks):
    torch.library.opcheck(getattr(torch.ops.chdt, function.__name__).default, (masks, 2))


def test_opcheck_of_the_overlap():
    operator = torch.ops.chdt.intersection_over_union.default
    torch.library.opcheck(operator, (masks_like(2, 3, 6, 4), masks_like(2, 3, 6, 4) < 0, 2))
    torch.library.opcheck(operator, (masks_like(3, 4, 5) > 0, masks_like(3, 4, 5).bfloat16(), 3))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_opcheck_of_the_loss(dtype):
    logits, seeds = torch.randn(3, 6, 5).to(dtype), torch.tensor([1, 2])
    losses = torch.rand(3, 7, dtype=torch.float64 if dtype == torch.float64 else torch.float32)
    ops = torch.ops.chdt
    torch.library.opcheck(ops.masks_from_seed.default, (logits, seeds[:1]))
    for left_out in None, torch.tensor([False, True, False]):
        torch.library.opcheck(ops.sampled_derivative.default, (logits, seeds, losses, left_out, 2))
        spaced = (logits, seeds, losses.repeat(1, 9), left_out, 2, [2.0, 2.0, 1.0], True)
        torch.library.opcheck(ops.sampled_derivative.default, spaced)
    torch.library.opcheck(ops.given_derivative.default, (logits > 0, losses, 2))
    torch.library.opcheck(ops.check_values.default, (torch.ones(3), None, 12))
    torch.library.opcheck(ops.draw_seeds.default, (torch.empty(3, dtype=torch.int64),))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dim", [0, 1, 2, 3])
def test_mapped(function, dim):
    masks = masks_like(3, 4, 5, 6)
    mapped = torch.func.vmap(function, in_dims=dim)(masks)
    assert torch.equal(mapped, function(masks.movedim(dim, 0)))


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("function", FUNCTIONS)
def test_compiled(function):
    masks = masks_like(2, 9, 8)
    compiled = torch.compile(lambda masks: function(masks) + 1, fullgraph=True)
    assert torch.equal(compiled(masks), function(masks) + 1)


def test_not_needed_by_plain_tensors():
    """An operator costs more than a small mask: plain tensors go without."""
    with torch.profiler.profile() as profile:
        chdt.object_size(masks_like(4, 4))
    assert not any("chdt" in event.key for event in profile.key_averages())
