"""Masks to bits and back, against NumPy on plain bits."""

import numpy as np
import pytest
from steps import bits_of, packed

from chdt.cpu.kernels.jit import kernel
from chdt.cpu.kernels.packing import low_bits, pack, packed_words, read_bits

pytestmark = pytest.mark.kernels

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 1000])
def test_pack(count):
    mask = RNG.random(count) < 0.5
    assert (bits_of(packed(mask), count) == mask).all()


@pytest.mark.parametrize("start", [0, 7])
@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 1000])
def test_pack_whatever_is_not_background(count, start):
    values = RNG.integers(0, 4, count, np.uint8)
    words = np.zeros(packed_words(count + start), np.uint64)
    assert pack(values, None, np.uint8(0), words, start) == -1
    assert (bits_of(words, count + start)[start:] == (values > 0)).all()


def test_pack_in_pieces_of_any_length():
    mask = RNG.random(1000) < 0.5
    values, words = mask.view(np.uint8), np.zeros(packed_words(1000), np.uint64)
    start = 0
    for length in (0, 3, 61, 64, 1, 200, 129, 542):
        assert pack(values[start : start + length], np.uint8(1), np.uint8(0), words, start) == -1
        start += length
    assert start == 1000
    assert (bits_of(words, 1000) == mask).all()


@pytest.mark.parametrize("start", [0, 7])
@pytest.mark.parametrize("invalid", [0, 5, 63, 64, 100, 199])
def test_pack_finds_the_first_invalid_value(invalid, start):
    values = (RNG.random(200) < 0.5).astype(np.uint16)
    values[invalid] = 2
    values[min(199, invalid + 1) :] = 3 if invalid < 199 else 2
    words = np.zeros(packed_words(300), np.uint64)
    assert pack(values, np.uint16(1), np.uint16(0), words, start) == invalid


def test_read_bits():
    @kernel
    def run(words, start, count):
        return read_bits(words, start, count)

    mask = RNG.random(300) < 0.5
    words = packed(mask)
    for start in (0, 1, 63, 64, 100):
        for count in (1, 31, 63, 64):
            expected = np.zeros(64, bool)
            expected[:count] = mask[start : start + count]
            assert run(words, start, count) == np.packbits(expected, bitorder="little").view(np.uint64)[0]


def test_low_bits():
    @kernel
    def run(count):
        return low_bits(count)

    assert [int(run(count)) for count in range(65)] == [2**count - 1 for count in range(65)]
