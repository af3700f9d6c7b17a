"""Thresholds in the GPUs' wing: equal to the host's, which have tests of their own, by definition."""

import pytest
import torch
from wing import assert_same, called_there

from chdt import mask_of_size, threshold_of_size
from chdt.gpu import whole_images
from chdt.wings import weakest_pixels_of_ranks

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.fixture(params=["whole images", "tiles"])
def way(request, monkeypatch):
    """Of which a program does one; small ones as well as it does large ones."""
    if request.param == "tiles":
        monkeypatch.setattr(whole_images, "MOST_PIXELS", 0)


def logits_of(*grid, dtype=torch.float32):
    """Noise; few values, with zeros of both signs and infinite ones; all equal; one NaN."""
    logits = 2 * torch.randn((4, *grid), generator=torch.Generator().manual_seed(0))
    logits[1] = logits[1].round().clamp(-1, 1).masked_fill(logits[1] < -2, -torch.inf)
    logits[2] = -torch.inf
    logits[3].view(-1)[logits[3].numel() * 2 // 3] = torch.nan
    return logits.to(dtype)


@pytest.mark.parametrize(
    ("grid", "dtype", "black_border"),  # the border in turn, with and without for each dtype and number of dims
    [
        ((1,), 0, True),
        ((700,), 1, False),
        ((1, 1), 2, True),
        ((7, 9), 3, False),
        ((7, 9), 3, True),
        ((35, 34), 2, False),
        ((3, 40), 0, False),
        ((3, 4, 5), 1, True),
        ((2, 1, 6), 2, False),
    ],
)
def test_the_same_pixels(way, grid, dtype, black_border):
    logits = logits_of(*grid, dtype=DTYPES[dtype])
    for first in {max(grid) // 3, max(grid) - 1}:
        ranks = torch.tensor([[first, first + 1], [first // 2, first], [-1, 0], [0, first]]) + 1
        assert_same(weakest_pixels_of_ranks, logits, ranks, len(grid), None, black_border)


@pytest.mark.parametrize("black_border", [False, True])
def test_thresholds_and_masks(black_border):
    logits = logits_of(6, 8)[[0, 1, 1, 3]]
    for size in (3, 40):
        sizes = torch.tensor([6, 2, size, 2])
        assert_same(threshold_of_size, logits, sizes, black_border=black_border)
        assert_same(mask_of_size, logits, sizes, black_border=black_border)


def test_strides_batches_and_dims(way):
    logits = torch.randn(2, 3, 5, 6, generator=torch.Generator().manual_seed(0))
    assert_same(threshold_of_size, logits.mT, torch.full((2, 3), 4))
    assert_same(mask_of_size, logits, torch.full((2,), 4), spatial_dims=3)
    assert_same(threshold_of_size, logits[:0], torch.ones(0, 3))
    assert_same(mask_of_size, logits[:0], torch.ones(0, 3))


def gradient(logits, sizes):
    logits = logits.detach().clone().requires_grad_()
    threshold_of_size(logits, sizes).sum().backward()
    return logits.grad


def test_the_gradient():
    got = assert_same(gradient, logits_of(6, 8), torch.tensor([2, 4, 2, 4]))
    assert got[0].count_nonzero() == 1


def test_sizes_on_the_device_are_not_looked_at():
    logits = logits_of(5, 6)[[0, 0, 0]]
    sizes = torch.tensor([2.0, torch.nan, -1.0])
    assert called_there(threshold_of_size, logits, sizes).isnan().tolist() == [False, True, True]
    assert called_there(mask_of_size, logits, sizes).flatten(1).any(1).tolist() == [True, False, False]


SPACINGS = {
    "one": (2.5, 1.0, 0.7),
    "of each": torch.tensor([[0.7, 0.7, 0.7], [2.5, 1.0, 0.9], [2.5, 1.0, 0.9], [1.0, 1.0, 3.0]]),
    "of each, equal": torch.tensor([0.7, 2.5, 2.5, 1.0])[:, None].expand(4, 3),
}


@pytest.mark.parametrize(
    ("grid", "black_border", "spacing"),
    [
        ((7,), True, "of each"),
        ((5, 6), False, "one"),
        ((5, 6), True, "of each"),
        ((1, 6), True, "one"),
        ((3, 4), False, "of each, equal"),
        ((2, 3, 2), False, "of each"),
        ((2, 1, 3), True, "one"),
    ],
)
def test_spacings(way, grid, black_border, spacing):
    steps = SPACINGS[spacing]
    steps = steps[:, : len(grid)] if isinstance(steps, torch.Tensor) else steps[: len(grid)]
    options = {"spatial_dims": len(grid), "black_border": black_border, "spacing": steps}
    logits = logits_of(*grid)[[0, 1, 1, 3]]
    logits[2, ..., 1] = 0.5
    assert_same(threshold_of_size, logits, torch.tensor([3.0, 1.4, 40.0, 2.0]), **options)
    assert_same(mask_of_size, logits, torch.tensor([0.0, 5.0, 1.4, 40.0]), **options)
