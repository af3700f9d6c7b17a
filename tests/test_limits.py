"""The ends of the scale: thin grids of millions of pixels, more pixels than int32 counts, and no memory left."""

import sys

import numpy as np
import oracles
import pytest
import torch

from chdt import distance_transform, flip_sizes, object_size, sample_masks

LENGTH = 10_000_000


def along_a_line(mask):
    """Distances in a line: to the nearest background on the left or on the right."""
    at = np.arange(mask.size)
    left = np.maximum.accumulate(np.where(mask, -mask.size, at))
    right = np.minimum.accumulate(np.where(mask, 2 * mask.size, at)[::-1])[::-1]
    return np.minimum(np.minimum(at - left, right - at), mask.size)


@pytest.mark.parametrize("shape", [(1, LENGTH), (LENGTH, 1), (LENGTH,)], ids=str)
def test_a_line_of_ten_million_pixels(shape):
    mask = np.ones(LENGTH, bool)
    mask[[70, 5_000_000, 5_000_001, LENGTH - 3]] = False
    expected = along_a_line(mask)
    assert expected.max() > 32_767, "more than int16 holds"
    options = {"spatial_dims": len(shape)}
    np.testing.assert_array_equal(distance_transform(mask.reshape(shape), **options).reshape(-1), expected)
    assert object_size(mask.reshape(shape), **options) == 2 * expected.max()


def test_flips_of_a_line_of_ten_million_pixels():
    """A line with one hole: with another one, the longest run counts; with none, all of it is object."""
    hole = 3_000_000
    mask = np.ones(LENGTH, bool)
    mask[hole] = False
    at = np.arange(LENGTH)
    outside = np.maximum(np.minimum(at, hole), LENGTH - 1 - np.maximum(at, hole))  # runs that end at the border
    between = np.abs(at - hole) // 2  # the run between both holes
    expected = 2 * np.maximum(outside, between)
    expected[hole] = 2 * LENGTH
    np.testing.assert_array_equal(flip_sizes(mask, spatial_dims=1), expected)


@pytest.mark.parametrize("shape", [(40_000, 3), (3, 40_000), (2, 2, 33_000)])
def test_radii_beyond_int16(shape):
    mask = np.ones(shape, bool)
    mask[(0,) * len(shape)] = False
    distances = distance_transform(mask, spatial_dims=len(shape))
    np.testing.assert_array_equal(distances, np.maximum.reduce(np.indices(shape)))
    assert object_size(mask, spatial_dims=len(shape)) == 2 * (max(shape) - 1)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "f2"])
def test_sizes_that_do_not_fit_out(dtype):
    """They are refused before anything is written."""
    side = {"u1": 128, "i1": 64, "u2": 32_768, "i2": 16_384, "f2": 1025}[dtype]
    for height, fits in ((side - 1, True), (side, False)):
        masks = np.ones((height, 2), bool)
        masks[0] = False
        out = np.full(masks.shape, 3, dtype)
        if fits:
            assert flip_sizes(masks, out=out).max() == 2 * (height - 1)
        else:
            with pytest.raises(ValueError, match="holds integers up to"):
                flip_sizes(masks, out=out)
            assert (out == 3).all()


# ------------------------------------------------------------------------------------------------ beyond int32

MANY = 2**31 + 300


@pytest.mark.long
@pytest.mark.parametrize("grid", [(255, 255), (25, 51, 51)])
def test_batches_of_more_pixels_than_int32_counts(grid):
    """Of many small masks: all empty but the first and the last, whose indices need more bits."""
    images, dims = -(-MANY // np.prod(grid)), len(grid)
    masks = np.zeros((images, *grid), bool)
    rng = np.random.default_rng(0)
    masks[[0, -1]] = rng.random((2, *grid)) < 0.9
    expected = oracles.each(oracles.fast_distances, masks[[0, -1]], dims)
    sizes = object_size(masks, spatial_dims=dims)
    np.testing.assert_array_equal(sizes[[0, -1]], 2 * expected.reshape(2, -1).max(1))
    assert not sizes[1:-1].any()
    out = np.full(masks.shape, 7, np.uint8)
    distance_transform(masks, spatial_dims=dims, out=out)
    np.testing.assert_array_equal(out[[0, -1]], expected)
    assert not out[1:-1].any()
    bad = masks.view(np.int8)
    bad[bad == 0] = -1
    bad[(-1, *[0] * (dims - 1), 5)] = 0
    with pytest.raises(ValueError, match=rf"masks\[{images - 1}, 0, "):
        distance_transform(bad, spatial_dims=dims, out=out)


@pytest.mark.long
def test_a_grid_of_more_pixels_than_int32_counts():
    """One background pixel far beyond: all distances are known."""
    height, width = 46_342, 46_350
    assert height * width > 2**31
    mask = np.ones((height, width), bool)
    y, x = height - 5, width - 9
    mask[y, x] = False
    assert object_size(mask) == 2 * max(y, x)
    out = np.empty(mask.shape, np.uint16)
    distance_transform(mask, out=out)
    columns = np.abs(np.arange(width) - x)
    for row in range(height):
        assert (out[row] == np.maximum(abs(row - y), columns)).all(), row


@pytest.mark.long
def test_flips_of_a_grid_of_more_pixels_than_int32_counts():
    """A square of 3 x 3 pixels behind all others: each of its pixels matters, and no other."""
    height, width = 46_342, 46_350
    mask = np.zeros((height, width), bool)
    mask[-6:-3, -9:-6] = True
    out = np.empty(mask.shape, np.int32)
    flip_sizes(mask, out=out)
    assert (out[-6:-3, -9:-6] == 2).all()
    out[-6:-3, -9:-6] = 4
    assert (out == 4).all()


@pytest.mark.long
def test_draws_beyond_int32():
    logits = torch.full((1, 1, 1), -torch.inf).expand(1, 46_342, 46_350).to(torch.float16).contiguous()
    logits[0, -1, -3:] = torch.inf
    masks = sample_masks(logits)
    assert (masks[0, -1, -3:] == 1).all()
    assert int(torch.count_nonzero(masks > 0)) == 3  # a sum of bools copies them to int64


# ------------------------------------------------------------------------------------------------ no memory

WITHOUT_MEMORY = """
import resource, sys
import numpy as np, torch
from chdt import distance_transform, expected_size_loss, flip_sizes, object_size

torch.set_num_threads(4)
small = np.arange(1500 * 1500).reshape(1500, 1500) % 11 > 0  # large enough to be cut for all threads
volume = np.ones((5, 40, 70, 30), bool)
thick = np.ones((2100, 2100), bool)
thick[17, 23] = False
logits = torch.zeros(2, 300, 300)


def all_small():
    loss = expected_size_loss(logits, torch.zeros(2), generator=torch.Generator().manual_seed(0))
    answers = [f(m, spatial_dims=d) for f in (distance_transform, object_size, flip_sizes)
               for m, d in ((small, 2), (volume, 3), (small[None, :40, :30].repeat(9, 0), 2))]
    return [*answers, object_size(thick), flip_sizes(thick), loss.numpy()]


before = all_small()  # which loads every kernel: LLVM ends the process if there is no memory for one
masks = np.ones((6000, 6000), bool)
masks[17, 23] = False
out = np.full(masks.shape, 7, np.int32)
now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
refused = written = 0
for spare in range(0, 44, 4):  # MB: twice for each of the threads, whose stacks take 8 each
    resource.setrlimit(resource.RLIMIT_AS, (now + (spare << 20), resource.RLIM_INFINITY))
    for function, options in ((distance_transform, {"out": out}), (flip_sizes, {"out": out}), (object_size, {}),
                              (distance_transform, {}), (flip_sizes, {})):
        out[...] = 7
        try:
            answer = function(masks, **options)
        except (MemoryError, RuntimeError) as error:  # torch has no MemoryError
            assert isinstance(error, MemoryError) or "memory" in str(error), error
            assert out.min() == out.max() == 7, (function, spare)  # with no memory for more
            refused += 1
        else:
            written += 1
            del answer
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert refused > 10 and written > 10, (refused, written)
for a, b in zip(before, all_small(), strict=True):
    np.testing.assert_array_equal(a, b)
print("ok", refused, written)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
def test_without_memory(python):
    """A MemoryError leaves out as it was, and the library usable; memory comes back to the system piece by piece."""
    assert python(WITHOUT_MEMORY, timeout=600, MALLOC_MMAP_THRESHOLD_=1 << 16).startswith("ok")
