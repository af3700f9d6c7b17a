"""Answers on their way to memory: each in its place, whatever the alignment, through the caches and past them."""

import numpy as np
import oracles
import pytest
import torch
from strategies import random_masks

from chdt import distance_transform, flip_sizes
from chdt.cpu import route
from chdt.cpu.kernels.jit import kernel
from chdt.cpu.kernels.lanes import load_pixels, settle
from chdt.cpu.kernels.writing import (
    BUFFERED,
    any_numbers,
    gather,
    tables_for,
    with_tables,
    write_buffer,
    write_gathered,
)

pytestmark = pytest.mark.kernels

RNG = np.random.default_rng(0)


@kernel
def write_all(source, counts, buffer, answers, first):
    """The numbers of ``source``, in vectors of which so many lanes count, from ``first`` on."""
    at, gathered, x = first, 0, 0
    for count in counts:
        at, gathered = gather(buffer, gathered, load_pixels(source, x), count, answers, at, 0)
        x += count
    write_gathered(buffer, gathered, answers, at, 0)
    settle()


@pytest.mark.parametrize("past_caches", [False, True])
@pytest.mark.parametrize("target", [np.uint8, np.uint16, np.uint32, np.uint64])
@pytest.mark.parametrize("lanes", [np.uint8, np.uint16])
def test_each_in_its_place(lanes, target, past_caches):
    for count in (0, 1, 63, 64, 65, 960, 1023, 1024, 1025, 5000):
        for offset in (0, 1, 13):
            source = RNG.integers(0, 255, count + 64).astype(lanes)
            counts = RNG.integers(1, 65, count)
            counts = counts[: np.searchsorted(counts.cumsum(), count, side="right")]
            written = counts.sum()
            answers = np.full(offset + count + 100, 255, target)[offset:]
            write_all(source, counts, write_buffer(lanes, past_caches), any_numbers(answers), 7)
            assert (answers[7 : 7 + written] == source[:written]).all()
            assert (answers[:7] == 255).all()
            assert (answers[7 + written :] == 255).all()


@pytest.mark.parametrize("past_caches", [False, True])
@pytest.mark.parametrize(("lanes", "paired"), [(np.uint8, True), (np.uint8, False), (np.uint16, False)])
def test_from_tables(monkeypatch, lanes, paired, past_caches):
    """What a table has for each number, looked up by pairs or one by one."""
    monkeypatch.setattr("chdt.cpu.kernels.writing.PAIRED_MIN_ANSWERS", 0 if paired else 1 << 60)
    for length in (1, 2, 37, 191):
        table = RNG.integers(0, 1 << 32, (1, length)).astype(np.uint32)
        tables = tables_for(table, lanes, 1)
        assert (tables.pairs.size > 0) == paired
        for count in (1, 2, 63, 65, 1023, 1024, 1025, 5001):
            source = RNG.integers(0, length, count + 64).astype(lanes)
            counts = np.append(RNG.integers(1, 65, count // 64), 1)
            written = counts.sum()
            answers = np.zeros(count + 100, np.uint32)
            buffer = with_tables(write_buffer(lanes, past_caches, BUFFERED, True), tables)
            write_all(source, counts, buffer, any_numbers(answers), 7)
            assert (answers[7 : 7 + written] == table[0, source[:written]]).all()
            assert not answers[:7].any()
            assert not answers[7 + written :].any()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("out_dtype", [np.int16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize(
    ("grid", "images"),
    [((48, 32), 700), ((7, 9), 9), ((50, 37), 20), ((13, 11, 12), 9), ((70, 128), 5), ((66, 101), 4)],
)
@pytest.mark.parametrize("offset", [0, 4, 1])
def test_past_the_caches(monkeypatch, grid, images, out_dtype, threads, offset):
    """As within them; ``offset`` bytes behind where a cache line begins, not always a whole number."""
    masks = random_masks((images, *grid), 0.9, 7, len(grid))
    monkeypatch.setattr("chdt.cpu.threads.PIXELS_PER_THREAD", 1 << 12)
    monkeypatch.setattr("chdt.cpu.threads.thread_count", lambda: threads)
    for function in distance_transform, flip_sizes:
        out = np.empty(masks.nbytes * np.dtype(out_dtype).itemsize + 64 + offset, np.uint8)
        first = -out.ctypes.data % 64 + offset
        out = out[first : first + masks.size * np.dtype(out_dtype).itemsize].view(out_dtype).reshape(masks.shape)
        expected = function(masks, spatial_dims=len(grid))
        with route.overridden(STREAMED_MIN_BYTES=1):
            assert route.is_streamed(out) == (offset % out.itemsize == 0)
            function(masks, spatial_dims=len(grid), out=out)
        np.testing.assert_array_equal(out, expected)


def test_large_answers():
    masks = random_masks((5500, 48, 32), 0.95, 3, 2)
    out = torch.empty(masks.shape, dtype=torch.int32)
    assert route.is_streamed(out.numpy())
    distances = distance_transform(torch.from_numpy(masks), out=out)
    for image in (0, 1, 2749, 2750, 5499):
        assert (distances[image].numpy() == oracles.fast_distances(masks[image])).all()
    sizes = flip_sizes(torch.from_numpy(masks))
    assert (sizes.numpy() == flip_sizes(masks, out=np.empty(masks.shape, np.uint8))).all()
