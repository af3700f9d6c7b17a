"""Thresholds and masks of a size are the same on every way to them, of each dtype and whatever the logits."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from thresholds import by_ways, values_of

from chdt import mask_of_size, object_size, threshold_of_size

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
POOLED_OR_WHOLE = {"POOLED_MIN_PIXELS": 0}, {"POOLED_MIN_PIXELS": 1 << 62}
SIDE_BY_SIDE_OR_NOT = {"SIDE_BY_SIDE_MIN_IMAGES": 1}, {"SIDE_BY_SIDE_MIN_IMAGES": 1 << 40}
SMALL_GRIDS = [
    *((side,) for side in (1, 2, 3, 4, 5, 7, 8, 16, 31, 63, 64, 65, 127, 128, 129, 256, 512)),
    *((side, side) for side in range(1, 21)),
    *((2, 1), (1, 9), (20, 3), (5, 13), (17, 2), (64, 4), (3, 65)),
    *((side, side, side) for side in range(1, 7)),
    *((2, 1, 5), (1, 4, 7), (6, 2, 3), (3, 4, 1), (5, 1, 1)),
]  # fmt: skip
LARGE_GRIDS = [(700,), (5000,), (32, 33), (100, 90), (200, 190), (64, 300), (9, 60, 70), (35, 50, 36), (20, 40, 130)]


@pytest.mark.parametrize("kind", ["plain", "few values", "sure", "infinite", "NaN", "of one sign"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_side_by_side_or_one_by_one(kind, dtype):
    rng = np.random.default_rng(0)
    for number, grid in enumerate(SMALL_GRIDS):
        images, black_border = (1, 63, 64, 65, 150)[number % 5], bool(number // 5 % 2)
        logits = torch.from_numpy(values_of(kind, rng, (images, *grid))).to(dtype)
        ranks = torch.from_numpy(rng.integers(0, max(grid) + 2, (images, 2)))
        spacing = (2.0, 2.0, 2.0) if number % 7 == 0 else None
        pixels, masks, expected_pixels, expected_masks = by_ways(
            SIDE_BY_SIDE_OR_NOT, logits, ranks, len(grid), spacing, black_border
        )
        assert torch.equal(pixels, expected_pixels), (grid, images, black_border)
        assert torch.equal(masks, expected_masks), (grid, images, black_border)


@pytest.mark.parametrize(
    "kind", ["plain", "few values", "sure", "infinite", "NaN", "of one sign", "smooth", "plateaus"]
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_pooled_or_whole(kind, dtype):
    rng = np.random.default_rng(0)
    for number, grid in enumerate(LARGE_GRIDS):
        shape, black_border = (2, *grid), bool(number // 2 % 2)
        if kind in ("smooth", "plateaus"):
            values = ndimage.gaussian_filter(rng.standard_normal(shape), (0, *[3] * len(grid)))
            values = values / values.std() if kind == "smooth" else np.clip(3 * values / values.std(), -2, 2)
        else:
            values = values_of(kind, rng, shape)
        logits = torch.from_numpy(values).to(dtype)
        ranks = torch.from_numpy(rng.integers(min(grid) // 4, max(grid) + 2, (2, 3)))
        spacing = [None, (2.0, 2.0, 2.0), (1.5, 1.0, 1.0), (1.0, 1.0, 1.0, 1.0, 1.3, 0.8)][number % 4]
        pixels, masks, expected_pixels, expected_masks = by_ways(
            POOLED_OR_WHOLE, logits, ranks, len(grid), spacing, black_border
        )
        assert torch.equal(pixels, expected_pixels), (grid, black_border, spacing, ranks)
        assert torch.equal(masks, expected_masks), (grid, black_border, spacing, ranks)


def test_a_square_of_any_size():
    """Wherever it is, it is found, and nothing larger."""
    for side in range(21, 60, 3):
        logits = torch.full((300, 310), -1.0)
        top, left = 7 * side % 200, 5 * side % 200
        logits[top : top + side, left : left + side] = 1.0
        size = int(object_size(logits > 0))
        assert size == 2 * -(-side // 2)
        sizes = torch.tensor([size - 2, size, size + 2])
        assert threshold_of_size(logits.expand(3, -1, -1), sizes).tolist() == [1, 1, -1]
        assert torch.equal(mask_of_size(logits, sizes[1]), logits > 0)
