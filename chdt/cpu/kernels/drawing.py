"""Random masks: each pixel from a seed and its own index, whatever thread draws it (8)."""

from typing import Any

import numpy as np

from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import CHANCE_BITS, VECTOR_WORDS, Numbers, Vector, Word, counting, drawn_bits, nan_bits
from chdt.cpu.kernels.packing import WORD_BITS, Words

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio

EIGHT_PIXELS = np.uint64(VECTOR_WORDS * int(GOLDEN) % 2**64)  # what is added from one pixel to the eighth behind it


@helper
def _mixed(z: Any) -> Any:
    """The finalizer of SplitMix64: each bit of z changes about half of the bits of the result."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@helper
def _of_pixels(first: int, seed: Word) -> Vector:
    """What the numbers of eight pixels are mixed from; those of the next eight are EIGHT_PIXELS more."""
    return counting(np.uint64(first)) * GOLDEN + seed


@helper
def _draw_word(chances: Numbers, at: int, of_pixels: Vector) -> Word:
    """Draw 64 pixels, the first eight of which are mixed from ``of_pixels``."""
    word = np.uint64(0)
    for j in range(0, WORD_BITS, VECTOR_WORDS):
        word |= drawn_bits(_mixed(of_pixels) >> np.uint64(64 - CHANCE_BITS), chances, at + j) << np.uint64(j)
        of_pixels = of_pixels + EIGHT_PIXELS
    return word


@helper
def first_nan(chances: Numbers) -> int:
    """Index of the first chance that is NaN, or -1."""
    for j in range(chances.size):
        if chances[j] != chances[j]:
            return j
    return -1


@kernel
def draw(chances: Numbers, rest: Numbers, seed: Word, first: int, packed: Words) -> int:
    """Draw one pixel for each chance into ``packed``, from its bit 0 on; give the index of the first NaN, or -1.

    The first pixel has the number ``first`` in the batch. A pixel whose chance is NaN is background. ``rest`` is memory
    for 64 chances: the last ones, if fewer than 64 are left, are copied there.
    """
    seed = _mixed(seed)
    whole = chances.size // WORD_BITS
    nan = np.uint64(0)
    for k in range(whole):
        packed[k] = _draw_word(chances, k * WORD_BITS, _of_pixels(first + k * WORD_BITS, seed))
        nan |= nan_bits(chances, k * WORD_BITS)
    if chances.size % WORD_BITS != 0:
        for j in range(WORD_BITS):
            rest[j] = chances[whole * WORD_BITS + j] if whole * WORD_BITS + j < chances.size else 0
        packed[whole] = _draw_word(rest, 0, _of_pixels(first + whole * WORD_BITS, seed))
        nan |= nan_bits(rest, 0)
    return first_nan(chances) if nan != 0 else -1
