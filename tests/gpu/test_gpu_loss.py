"""Draws and the loss in the GPUs' wing: for equal seeds, the bits that the host gives."""

import itertools

import numpy as np
import pytest
import torch
from wing import DEVICE, assert_same, called_there, on_gpu, there

from chdt import ExpectedSizeLoss, expected_size_loss, object_size, sample_masks, sampled_gradient
from chdt.cpu.draws import draw_packed
from chdt.wings import masks_from_seed, sampled_derivative

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def logits_of(*shape, dtype=torch.float32, seed=0):
    return (2 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_same_chances_draw_the_same_masks(dtype):
    from chdt.gpu.draws import draw_masks

    chances = torch.rand(5000, generator=torch.Generator().manual_seed(1), dtype=dtype) ** 3
    corners = [0, 1, 0.5, 2.0**-53, 2.0**-54, 2.0**-52, 2.0**-29, 2.0**-30, 1 - 2.0**-24, 1e-40]
    chances[: len(corners)] = torch.tensor(corners, dtype=dtype)
    seeds = torch.tensor([5, 2**62 + 7, 0])
    for draw, seed in enumerate(seeds.tolist()):
        bits = np.unpackbits(draw_packed(chances, seed).view(np.uint8), bitorder="little")[:5000]
        with on_gpu():
            masks = draw_masks(there(chances), there(seeds), draw, torch.bool)
        assert 0 < masks.sum() < 5000
        assert np.array_equal(masks.cpu().numpy(), bits)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (1025,), (2, 3, 50)])
def test_sample_masks(dtype, shape):
    """With the chances of the host; those of a GPU round otherwise, so that a draw may differ there."""
    logits, seed = logits_of(*shape, dtype=dtype), torch.tensor([3])
    masks = called_there(masks_from_seed, logits, seed)
    assert masks.dtype == dtype
    assert masks.shape == shape
    expected = masks_from_seed(logits, seed)
    assert (masks != expected).sum() <= (0 if DEVICE.type == "cpu" else 1)


def test_a_logit_that_is_nan_is_drawn_as_nan():
    logits = torch.tensor([torch.nan, torch.inf, -torch.inf])
    for dtype in DTYPES:
        masks = called_there(sample_masks, logits.to(dtype))
        assert masks.isnan().tolist() == [True, False, False]
        assert masks[1:].tolist() == [1, -1]


def test_seeds():
    """A generator of the host gives the same draws; torch's own makes them reproducible, each time others."""
    logits = logits_of(40, 40)
    assert_same(lambda x: sample_masks(x, generator=torch.Generator().manual_seed(4)), logits)
    torch.manual_seed(4)
    first, other = called_there(sample_masks, logits), called_there(sample_masks, logits)
    torch.manual_seed(4)
    assert torch.equal(called_there(sample_masks, logits), first)
    assert not torch.equal(first, other)


def test_processes_that_train_together_draw_different_noise(monkeypatch):
    logits, samples = torch.zeros(40, 40), []
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    for rank in range(2):
        monkeypatch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
        torch.manual_seed(0)
        samples.append(called_there(sample_masks, logits))
    assert abs((samples[0] * samples[1]).mean().item()) < 0.1


def derivatives(logits, sizes, **options):
    """The loss and its gradient, of the same draws each time."""
    logits = logits.detach().clone().requires_grad_()
    value = expected_size_loss(logits, sizes, generator=torch.Generator().manual_seed(2), **options)
    value.sum().backward()
    return value.detach(), logits.grad


@pytest.mark.parametrize(("dtype", "n_samples"), [*zip(DTYPES, (1, 3, 1, 3), strict=True), (torch.float32, 3)])
def test_the_loss_and_its_gradient(dtype, n_samples):
    sizes = torch.tensor([2, 6, 0])
    value, gradient = assert_same(derivatives, logits_of(3, 9, 7, dtype=dtype), sizes, n_samples=n_samples)
    assert gradient.dtype == dtype
    assert gradient.any()
    assert value.isfinite()


@pytest.mark.parametrize("grid", [(600,), (1, 1), (2, 5, 4), (34, 33)])
def test_the_loss_of_other_grids(grid):
    logits = 3 + logits_of(2, *grid)
    assert_same(derivatives, logits, torch.tensor([2.0, 0.0]), spatial_dims=len(grid), reduction="none")


@pytest.mark.parametrize("grid", [(9,), (5, 5), (3, 3, 3)])
@pytest.mark.parametrize("options", [{"black_border": True}, {"spacing": (3.0, 0.7, 1.0), "black_border": True}])
def test_the_loss_with_a_border_and_a_spacing(grid, options):
    options = {**options, "spatial_dims": len(grid)}
    if "spacing" in options:
        options["spacing"] = options["spacing"][: len(grid)]
    logits, sizes = 1 + logits_of(2, *grid), torch.tensor([2.0, 0.0])
    assert_same(derivatives, logits, sizes, **options)
    samples = torch.stack([logits[0] > 0, torch.ones(grid, dtype=torch.bool)])
    _, gradient = assert_same(sampled_gradient, samples, sizes, **options)
    assert gradient.any() or "spacing" in options  # without its middle a full image is smaller


def test_images_left_out_and_weights():
    logits, sizes = logits_of(4, 6, 5), torch.tensor([2, torch.nan, 4, 6])
    logits[1, 2, 2] = torch.nan
    weight = torch.tensor([1.0, 0.0, 0.5, 0.0])
    for reduction in ("none", "mean", "sum"):
        value, gradient = called_there(derivatives, logits, sizes, weight=weight, reduction=reduction)
        expected, gradient_there = derivatives(logits, sizes, weight=weight, reduction=reduction)
        torch.testing.assert_close(value, expected, rtol=0, atol=0)
        torch.testing.assert_close(gradient, gradient_there, rtol=0, atol=0)
    assert not gradient[[1, 3]].any()


@pytest.mark.parametrize("n_samples", [1, 2])
def test_nan_logits_give_nan_there_alone(n_samples):
    logits = logits_of(3, 6, 5)
    logits[1, 2, 2] = torch.nan
    value, gradient = assert_same(derivatives, logits, torch.tensor([2, 2, 2]), n_samples=n_samples, reduction="none")
    assert value.isnan().tolist() == [False, True, False]
    assert gradient.isnan().nonzero().tolist() == [[1, 2, 2]]


def poisson(prediction, target):
    return prediction - target * torch.log(prediction)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # of inf - inf, by the interpreter
def test_losses_that_are_infinite():
    """-log 0 is that of a mask without foreground; certain pixels have no gradient all the same."""
    logits = torch.full((2, 4, 4), -torch.inf)
    logits[1, 1:3, 1:3] = 0.5
    assert_same(derivatives, logits, torch.tensor([2, 2]), loss=poisson, reduction="none")


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # of inf - inf, by the interpreter
def test_sizes_on_the_device_are_not_looked_at():
    logits = logits_of(5, 6, 5)
    sizes = torch.tensor([2.0, torch.nan, -2.0, torch.inf, 4.0])
    value, gradient = called_there(derivatives, logits, sizes, reduction="none")
    assert value.isfinite().tolist() == [True, False, False, False, True]
    assert value.isnan().tolist()[1:3] == [True, True]
    assert gradient[[0, 4]].isfinite().all()
    weighted, _ = called_there(
        derivatives, logits, torch.full((5,), 2), weight=torch.tensor([1, 1, -1, torch.nan, 0]), reduction="none"
    )
    assert weighted.isnan().tolist() == [False, False, True, True, False]
    losses, _ = called_there(sampled_gradient, logits > 0, torch.tensor([-2, 0, 0, 0, 0]))
    assert losses.isnan().tolist() == [True, False, False, False, False]


@pytest.mark.skipif(DEVICE.type == "cpu", reason="the interpreter takes all tensors of the host for those of a GPU")
def test_sizes_on_the_host_are_checked_before_they_are_sent():
    with pytest.raises(ValueError, match=r"sizes\[0\] is -2"):
        expected_size_loss(there(logits_of(1, 6, 5)), torch.tensor([-2.0]))


def test_sampled_gradient():
    masks = torch.cat([logits_of(2, 9, 7) > 0, torch.ones(1, 9, 7, dtype=torch.bool)])
    for samples in (masks, 2.0 * masks - 1, (2 * masks.to(torch.int8) - 1).mT):
        assert_same(sampled_gradient, samples, torch.tensor([2.0, 0.0, 7.0]), loss=torch.nn.functional.l1_loss)
    with pytest.raises(ValueError, match=r"samples\[0, 0, 0\] is 0"):
        called_there(sampled_gradient, torch.zeros(1, 2, 2), torch.tensor([0]))


def test_the_mean_of_the_gradient_over_all_masks_is_the_derivative():
    """By enumeration: all masks of a grid, each with its probability (13)."""
    masks = torch.tensor(list(itertools.product([False, True], repeat=4))).view(-1, 2, 2)
    chances = torch.tensor([0.3, 0.5, 0.9, 0.2], dtype=torch.float64).requires_grad_()
    flat = masks.view(-1, 4)
    probabilities = torch.where(flat, chances, 1 - chances).prod(1)
    losses = (3 - object_size(masks).double()) ** 2
    (exact,) = torch.autograd.grad((probabilities * losses).sum(), chances)
    sizes = torch.full((len(masks),), 3.0, dtype=torch.float64)
    _, gradient = called_there(sampled_gradient, masks, sizes)
    torch.testing.assert_close((probabilities.detach() @ gradient.view(-1, 4)), exact)


def test_an_empty_batch():
    assert_same(derivatives, torch.zeros(0, 4, 5), torch.zeros(0), n_samples=2)
    assert called_there(sampled_derivative, torch.zeros(0, 4, 5), torch.tensor([1]), torch.zeros(0, 6), None, 2)


def test_the_module():
    criterion = ExpectedSizeLoss(loss=torch.nn.SmoothL1Loss(), generator=torch.Generator().manual_seed(0))
    criterion_there = ExpectedSizeLoss(loss=torch.nn.SmoothL1Loss(), generator=torch.Generator().manual_seed(0))
    logits, sizes = logits_of(2, 6, 5), torch.tensor([2, 4])
    assert torch.equal(called_there(criterion_there, logits, sizes), criterion(logits, sizes))
