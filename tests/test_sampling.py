"""Random masks: exact at the ends, uniform, independent, reproducible."""

import numpy as np
import pytest
import torch
from scipy import stats

from chdt import expected_size_loss, object_size, sample_masks
from chdt.cpu import threads as parallel
from chdt.cpu.draws import draw_packed


def draw_masks(chances, seed):
    """Bool masks with these chances."""
    words = draw_packed(chances, seed)
    bits = np.unpackbits(words.view(np.uint8), bitorder="little")[: chances.numel()]
    return torch.from_numpy(bits.astype(bool)).view(chances.shape)


def uniforms(seed, count):
    """The top 12 bits of each pixel's uniform number, found by bisection with chances."""
    low = torch.zeros(count, dtype=torch.float64)
    for bit in range(1, 13):
        middle = low + 2.0**-bit
        below = draw_masks(middle, seed)
        low = torch.where(below, low, middle)
    return low.numpy()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_dtype_and_values(dtype):
    samples = sample_masks(torch.randn(3, 9, 7).to(dtype))
    assert samples.dtype == dtype
    assert samples.shape == (3, 9, 7)
    assert set(samples.unique().tolist()) == {-1, 1}


@pytest.mark.parametrize("seed", [0, 1, 2**62])
def test_uniform(seed):
    """A fixed seed, so a fixed outcome: the Kolmogorov-Smirnov distance is that of a uniform sample."""
    assert stats.kstest(uniforms(seed, 200_000), "uniform").pvalue > 1e-3


def test_neighbours_and_seeds_are_independent():
    a, b = uniforms(0, 200_000), uniforms(1, 200_000)
    pairs = [(a[:-1], a[1:]), (a[:-32], a[32:]), (a[:-64], a[64:]), (a, b), (a[1:], b[:-1])]
    for x, y in pairs:
        counts, _, _ = np.histogram2d(x, y, bins=16, range=[[0, 1], [0, 1]])
        assert stats.chisquare(counts.ravel()).pvalue > 1e-3


def test_chances_are_met():
    chances = torch.tensor([0.0, 1e-3, 0.25, 0.5, 0.9, 1.0], dtype=torch.float64)
    drawn = draw_masks(chances[:, None].expand(6, 400_000), 5)
    hits = drawn.sum(1).tolist()
    assert hits[0] == 0
    assert hits[-1] == 400_000
    for chance, hit in zip(chances.tolist(), hits, strict=True):
        assert stats.binomtest(hit, 400_000, chance).pvalue > 1e-3


def test_infinite_logits_are_certain():
    logits = torch.tensor([torch.inf, -torch.inf]).repeat(1000)
    assert torch.equal(sample_masks(logits), logits.sign())


def test_reproducible():
    logits = torch.zeros(20, 20)
    torch.manual_seed(4)
    first = sample_masks(logits)
    again = sample_masks(logits)
    assert not torch.equal(first, again)
    torch.manual_seed(4)
    assert torch.equal(sample_masks(logits), first)
    generator = torch.Generator().manual_seed(4)
    assert torch.equal(sample_masks(logits, generator=generator), first)
    assert torch.equal(sample_masks(logits, generator=generator), again)


def test_same_for_any_number_of_threads():
    logits, threads = torch.randn(1500, 999), torch.get_num_threads()
    samples = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            samples.append(sample_masks(logits, generator=torch.Generator().manual_seed(0)))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(samples[0], samples[1])
    assert torch.equal(samples[0], samples[2])


def test_in_inference_mode(monkeypatch):
    """Which is one of the caller's thread alone."""
    monkeypatch.setattr(parallel, "thread_count", lambda: 4)
    logits = torch.linspace(-3, 3, 1 << 21).view(2, 1024, 1024)
    expected = sample_masks(logits, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        for _ in range(5):
            masks = sample_masks(logits * 1, generator=torch.Generator().manual_seed(1))
            assert torch.equal(masks, expected)
            assert expected_size_loss(logits * 1, object_size(masks)).isfinite()


@pytest.mark.parametrize("shape", [(), (0,), (63,), (64,), (65,), (2, 3, 50)])
def test_any_shape(shape):
    assert sample_masks(torch.zeros(shape)).shape == shape


def test_strided_logits():
    logits = 3 * torch.randn(40, 30)
    torch.manual_seed(0)
    contiguous = sample_masks(logits.T.contiguous())
    torch.manual_seed(0)
    assert torch.equal(sample_masks(logits.T), contiguous)


def test_nan():
    logits = torch.zeros(3, 100)
    logits[1, 7] = logits[2, 1] = torch.nan
    with pytest.raises(ValueError, match=r"logits\[1, 7\] is nan"):
        sample_masks(logits)


@pytest.mark.parametrize("logits", [torch.zeros(2, dtype=torch.int64), np.zeros(2), [0.0]])
def test_not_logits(logits):
    with pytest.raises(TypeError):
        sample_masks(logits)


def test_processes_that_train_together_draw_different_noise(monkeypatch):
    """After equal seeds; with a generator each does as it was told."""
    logits, samples, told = torch.zeros(40, 40), [], []
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    for rank in range(3):
        monkeypatch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
        torch.manual_seed(0)
        samples.append(sample_masks(logits))
        told.append(sample_masks(logits, generator=torch.Generator().manual_seed(0)))
    monkeypatch.undo()
    torch.manual_seed(0)
    assert torch.equal(samples[0], sample_masks(logits))
    assert not torch.equal(samples[0], samples[1])
    assert not torch.equal(samples[1], samples[2])
    assert torch.equal(told[0], told[1])
    assert abs((samples[0] * samples[1]).mean().item()) < 0.1
