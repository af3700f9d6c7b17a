"""The GPUs' wing in what torch makes of it: operators, compiled and exported; all without a card."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from wing import DEVICE, on_gpu, there

import chdt
from chdt import (
    expected_size_loss,
    flip_sizes,
    mask_of_size,
    object_size,
    sample_masks,
    squared_error,
    threshold_of_size,
)
from chdt.checks import devices

pytestmark = pytest.mark.filterwarnings("ignore:.*(torch.jit|fork|FP_FUSION|grad attribute).*")


def logits_of(*shape):
    return there(2 * torch.randn(shape, generator=torch.Generator().manual_seed(0)))


SIZES = there(torch.tensor([2.0, 4.0]))


def test_opcheck():
    logits, seeds = logits_of(2, 4, 3), there(torch.tensor([1, 2]))
    losses, ranks = there(torch.rand(2, 5)), there(torch.tensor([[0, 1], [1, 2]]))
    ops = torch.ops.chdt
    with on_gpu():
        torch.library.opcheck(ops.flip_sizes.default, (logits > 0, 2))
        torch.library.opcheck(ops.object_size.default, (logits.sign(), 2, (2.0, 1.0, 1.0), True))
        torch.library.opcheck(ops.masks_from_seed.default, (logits, seeds[:1]))
        torch.library.opcheck(ops.sampled_derivative.default, (logits, seeds, losses, None, 2))
        torch.library.opcheck(ops.given_derivative.default, (logits > 0, losses, 2))
        torch.library.opcheck(ops.weakest_pixels.default, (logits, ranks, 2, None, False))
        torch.library.opcheck(ops.mask_of_size.default, (logits, ranks[:, 0], 2, None, False))
        torch.library.opcheck(ops.draw_seeds.default, (seeds,))
        torch.library.opcheck(ops.distance_transform.default, (logits.sign(), 2, None, True))
        torch.library.opcheck(ops.intersection_over_union.default, (logits > 0, logits.sign(), 2))
        torch.library.opcheck(ops.attainable_sizes.default, (losses, (1, 4, 3), (1.0, 2.0, 1.0)))
        torch.library.opcheck(ops.sampled_derivative.default, (logits, seeds, losses, losses[:, 0] > 0, 2))
        torch.library.opcheck(ops.weakest_pixels.default, (logits, ranks, 2, (2.0, 2.0, 1.0), True))


def step(logits, sizes):
    return expected_size_loss(logits, sizes) + threshold_of_size(logits, sizes).sum() + object_size(logits > 0).sum()


def test_compiled_with_its_gradient():
    """The same draws, so the same bits: seeds come out of the generator in one order."""
    logits, answers = logits_of(2, 4, 3), []
    torch._dynamo.reset()
    with on_gpu():
        for function in (step, torch.compile(step, fullgraph=True, backend="aot_eager")):
            leaf = logits.clone().requires_grad_()
            torch.manual_seed(1)
            value = function(leaf, SIZES)
            value.backward()
            answers.append((value.detach(), leaf.grad))
    torch.testing.assert_close(answers[1], answers[0])
    torch._dynamo.reset()


class Sizes(torch.nn.Module):
    def forward(self, logits):
        return object_size(logits > 0), flip_sizes(logits > 0), sample_masks(logits)


def test_exported():
    logits = logits_of(2, 4, 3)
    with on_gpu():
        program = torch.export.export(Sizes(), (logits,))
        sizes, flips, drawn = program.module()(logits)
        assert torch.equal(sizes, object_size(logits > 0))
        assert torch.equal(flips, flip_sizes(logits > 0))
    assert drawn.abs().eq(1).all()


def test_mapped():
    logits = logits_of(3, 2, 4, 3)
    with on_gpu():
        mapped = torch.func.vmap(mask_of_size)(logits, SIZES.expand(3, 2))
        assert torch.equal(mapped, mask_of_size(logits, SIZES.expand(3, 2)))


def test_a_graph_does_not_keep_what_is_on_the_host(monkeypatch):
    """Its seeds and sizes would be the same in each replay: refused, not frozen."""
    monkeypatch.setattr(devices, "is_captured", lambda device: True)
    other = torch.device("meta") if DEVICE.type == "cpu" else DEVICE
    monkeypatch.setattr(devices, "GPUS", {other.type})
    with pytest.raises(RuntimeError, match="sizes on the host cannot be part of a CUDA graph"):
        devices.sent(torch.ones(2), other, "sizes")
    assert devices.sent(torch.ones(2), torch.device("cpu"), "sizes").tolist() == [1, 1]


READ_A_VALUE = ("_local_scalar_dense", "equal", "is_nonzero", "nonzero", "masked_select", "unique")


class Called(TorchDispatchMode):
    """The operators of torch that are called."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names.append(function.overloadpacket.__name__)
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("loss", [squared_error, torch.nn.functional.smooth_l1_loss])
def test_no_value_is_read(loss):
    """Operators whose outcome is known to the host make it wait for the device."""
    logits, weight = logits_of(2, 4, 3).requires_grad_(), there(torch.ones(2))
    with on_gpu(), Called() as called:
        expected_size_loss(logits, SIZES, weight=weight, n_samples=2, loss=loss).backward()
        threshold_of_size(logits, SIZES).sum().backward()
        masks = mask_of_size(logits, SIZES)
        flip_sizes(masks)
        sample_masks(logits)
        chdt.squared_size_error(masks, masks)
        chdt.intersection_over_union(masks, masks)
    assert "randint" in called.names
    assert not set(READ_A_VALUE) & set(called.names)
    with on_gpu(), Called() as called:
        object_size(logits.detach().sign())
    assert called.names.count("_local_scalar_dense") == 1  # whether the masks are valid
