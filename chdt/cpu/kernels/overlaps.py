"""Intersection over union, by counting bits."""

import numpy as np

from chdt.cpu.kernels.jit import kernel
from chdt.cpu.kernels.lanes import Numbers, count_bits
from chdt.cpu.kernels.packing import WORD_BITS, Words, read_bits


@kernel
def overlaps_of_packed(a: Words, b: Words, start: int, pixels: int, overlaps: Numbers) -> None:
    """Write the pixels in both over those in either, 1 where there are none, for images that begin at bit ``start``."""
    for image in range(len(overlaps)):
        begin = start + image * pixels
        both, either = 0, 0
        for done in range(0, pixels, WORD_BITS):
            count = min(WORD_BITS, pixels - done)
            here, there = read_bits(a, begin + done, count), read_bits(b, begin + done, count)
            both += count_bits(here & there)
            either += count_bits(here | there)
        overlaps[image] = np.float32(1) if either == 0 else np.float32(both / either)
