"""Flips of lines, which are found by runs, against their definition."""

import numpy as np
import oracles
import pytest
import torch
from strategies import random_masks

from chdt import flip_sizes, sampled_gradient

pytestmark = pytest.mark.kernels


def check(lines, black_border):
    padded = np.pad(lines, [(0, 0), (1, 1)]) if black_border else lines
    expected = oracles.each(oracles.fast_flip_sizes, padded, 1)
    expected = expected[:, 1:-1] if black_border else expected
    np.testing.assert_array_equal(flip_sizes(lines, spatial_dims=1, black_border=black_border), expected)
    if not black_border:
        np.testing.assert_array_equal(flip_sizes(lines[..., None]), expected[..., None])  # an image of one column
        np.testing.assert_array_equal(flip_sizes(lines[:, None]), expected[:, None])
        np.testing.assert_array_equal(flip_sizes(lines, spatial_dims=1, spacing=2.5), 2.5 * expected)


@pytest.mark.parametrize("black_border", [False, True])
@pytest.mark.parametrize("width", range(1, 10))
def test_every_line(width, black_border):
    check((np.arange(1 << width)[:, None] >> np.arange(width) & 1).astype(bool), black_border)


@pytest.mark.parametrize("black_border", [False, True])
@pytest.mark.parametrize("width", [62, 63, 64, 65, 66, 127, 128, 129, 200])
def test_lines_with_few_runs(width, black_border):
    """One run, or two with a gap of one pixel or more, anywhere: also where words meet."""
    column = np.arange(width)
    places = [0, 1, 5, width // 2, 62, 63, 64, width - 2, width - 1]
    lines = [(column >= first) & (column <= last) for first in places for last in places if first <= last < width]
    lines += [~line for line in lines] + [line ^ (column == gap) for line in lines[::5] for gap in places]
    check(np.unique(lines, axis=0), black_border)


@pytest.mark.parametrize("density", [0.1, 0.5, 0.8, 0.9, 0.97, 0.99])
def test_random_lines(density):
    for black_border in (False, True):
        check(random_masks((20, 150), density), black_border)
        check(random_masks((5, 700), density), black_border)


@pytest.mark.parametrize("black_border", [False, True])
@pytest.mark.parametrize("longest", [1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 34, 63, 64, 65, 66, 130])
def test_lines_of_many_runs(longest, black_border):
    """Runs up to the longest, some with gaps of one pixel between them: shorter ones are passed over in whole words."""
    rng, lines = np.random.default_rng(longest), []
    for _ in range(20):
        line = [rng.random(rng.integers(0, 4)) < 0.5]
        for length in rng.choice([1, longest // 2, longest - 1, longest], 12):
            line += [np.ones(length, bool), np.zeros(rng.choice([1, 1, 2, 5]), bool)]
        lines.append(np.resize(np.concatenate(line), 12 * (longest + 2)))
    check(np.array(lines), black_border)


@pytest.mark.parametrize("black_border", [False, True])
@pytest.mark.parametrize("gap", [1, 2, 3])
def test_lines_of_equal_runs(gap, black_border):
    """Every gap may matter; up to some length, runs are looked at in whole words."""
    for width in (61, 64, 67, 129, 200):
        lines = [
            np.resize([True] * run + [False] * gap, width + run)[start:][:width]
            for run in range(1, 19)
            for start in (0, run)
        ]
        check(np.array(lines), black_border)


def test_long_lines():
    """More pixels than are held at once, and sizes beyond 16 bits."""
    lines = np.ones((3, 70_000), bool)
    lines[0, 40_000] = lines[1, [0, 69_999]] = lines[2, ::7] = False
    sizes = flip_sizes(lines, spatial_dims=1)
    assert sizes[0, [0, 39_999, 40_000, 40_001]].tolist() == [2 * 29_999, 2 * 39_999, 2 * 70_000, 2 * 40_000]
    assert sizes[1, [0, 35_000, 69_999]].tolist() == [2 * 69_999, 2 * 17_500, 2 * 69_999]
    assert (sizes[2, :-7:7] == 14).all()
    assert sizes[2, -7] == 2 * 13


@pytest.mark.parametrize("width", [9, 64, 65, 300])
def test_gradients_of_lines(width):
    """The derivative (21), from what flips give."""
    lines = random_masks((4, width), 0.8)
    samples = torch.from_numpy(np.where(lines, 1.0, -1.0))
    wanted = 4.0
    _, found = sampled_gradient(samples, torch.full((4,), wanted, dtype=torch.float64), spatial_dims=1)
    losses = (oracles.each(oracles.fast_size, lines, 1) - wanted) ** 2
    flipped = (oracles.each(oracles.fast_flip_sizes, lines, 1) - wanted) ** 2
    np.testing.assert_allclose(found.numpy(), samples.numpy() * (losses[:, None] - flipped))
