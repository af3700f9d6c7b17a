"""Masks and answers of any strides, against NumPy's own copies."""

import numpy as np
import pytest

from chdt.cpu import strided
from chdt.cpu.kernels.packing import packed_words
from chdt.cpu.route import overridden

RNG = np.random.default_rng(0)

pytestmark = pytest.mark.kernels

LENGTHS = 1, 2, 3, 5, 8, 9, 63, 64, 65, 70, 129


def any_view(dtype, rng):
    """Ones and zeros of a dtype, with gaps, reversed or repeated along some axes, in any order."""
    while True:
        lengths = [int(n) for n in rng.choice(LENGTHS, rng.integers(1, 6))]
        if np.prod(lengths) < 100_000:
            break
    steps, gaps = rng.choice([1, 1, 1, 2, 3], len(lengths)), rng.choice([0, 0, 0, 1], len(lengths))
    memory = (rng.random([n * step + gap for n, step, gap in zip(lengths, steps, gaps, strict=True)]) < 0.5).view("u1")
    memory = memory.astype(dtype)
    view = memory[tuple(slice(0, n * step, step) for n, step in zip(lengths, steps, strict=True))]
    view = view.transpose(rng.permutation(len(lengths)))
    return view[tuple(slice(None, None, rng.choice([1, 1, -1])) for _ in lengths)]


@pytest.fixture(params=[1, 3])
def threads(request, monkeypatch):
    monkeypatch.setattr("chdt.cpu.threads.thread_count", lambda: request.param)
    # Several pieces, of few pixels each.
    with overridden(PIXELS_PER_THREAD=1 << 10 if request.param > 1 else 1 << 20):
        yield request.param


def bits_of(words, count):
    return np.unpackbits(words.view(np.uint8), bitorder="little")[:count]


def packed(values, foreground=1, background=0):
    """The bits of an array, and whether all its values are valid."""
    words = np.full(packed_words(values.size), ~np.uint64(0))  # whatever was there before
    words[values.size // 64 :] = 0
    kind = values.dtype.type
    valid = strided.pack_values(values, None if foreground is None else kind(foreground), kind(background), words)
    return bits_of(words, values.size), valid


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8"])
def test_pack_whatever_the_strides(dtype, threads):
    orders = set()
    for _ in range(60):
        view = any_view(dtype, RNG)
        for values in (view, np.broadcast_to(view, (3, *view.shape)), np.broadcast_to(view[..., :1], view.shape)):
            found, valid = packed(values)
            assert valid
            np.testing.assert_array_equal(found, values.reshape(-1), str((values.shape, values.strides)))
        orders.add(tuple(np.argsort(view.strides)))
    assert len(orders) > 10


@pytest.mark.parametrize("shape", [(64, 64), (65, 63), (8, 8), (7, 200), (200, 7), (1, 64), (3, 129), (130, 128)])
def test_matrices_with_rows_and_columns_exchanged(shape):
    matrix = (RNG.random(shape) < 0.5).view("u1")
    for values in (matrix.T, matrix[::-1].T, matrix[:, ::-1].T, matrix[::-1, ::-1].T):
        np.testing.assert_array_equal(packed(values)[0], values.reshape(-1))
        np.testing.assert_array_equal(packed(values, None)[0], values.reshape(-1))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_an_invalid_value_anywhere_is_found(order):
    memory = np.zeros((5, 70, 9), "u2")
    for at in (0, 1, 500, 3149):
        memory[...] = RNG.integers(0, 2, memory.shape)
        assert packed(memory.transpose(order))[1]
        memory.flat[at] = 7
        assert not packed(memory.transpose(order))[1]


def test_windows_that_overlap():
    windows = np.lib.stride_tricks.sliding_window_view((RNG.random((9, 80)) < 0.5).view("u1"), (4, 65))
    for order in ((0, 1, 2, 3), (2, 3, 0, 1), (3, 2, 1, 0)):
        values = windows.transpose(order)
        np.testing.assert_array_equal(packed(values)[0], values.reshape(-1))


def test_what_lies_between_the_values_is_not_looked_at():
    memory = np.full((6, 20, 30), 7, "u4")
    for values in (memory[:, ::2, 1::3], memory[:, 3:-3, 4:-4], memory[::2].transpose(1, 2, 0)[3:, ::3]):
        values[...] = RNG.integers(0, 2, values.shape)
        found, valid = packed(values)
        assert valid
        np.testing.assert_array_equal(found, values.reshape(-1))
        memory[...] = 7


@pytest.mark.parametrize("dtype", ["u1", "i2", "f4", "f8"])
def test_copy_to_any_strides(dtype, threads):
    for _ in range(60):
        target = any_view(dtype, RNG)
        memory = target if target.base is None else target.base
        while memory.base is not None:
            memory = memory.base
        source = RNG.integers(0, 100, target.shape).astype(dtype)
        expected = memory.copy()
        before = memory.copy()
        target[...] = source
        expected[...] = memory
        memory[...] = before
        strided.copy_values(source, target)
        np.testing.assert_array_equal(target, source)
        np.testing.assert_array_equal(memory, expected)  # nothing in between was written


def test_memory_that_is_no_multiple_of_a_value():
    records = np.zeros((5, 70), [("other", "u1"), ("value", "u4")])
    records["value"] = RNG.integers(0, 2, records.shape)
    found, valid = packed(records["value"])
    assert valid
    np.testing.assert_array_equal(found, records["value"].reshape(-1))
    source = np.arange(350, dtype="u4").reshape(5, 70)
    strided.copy_values(source, records["value"])
    np.testing.assert_array_equal(records["value"], source)
    assert not records["other"].any()
