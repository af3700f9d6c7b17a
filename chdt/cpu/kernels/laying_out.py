"""From packed bits to a bit plane: the background of an image, or of several whose words take turns."""

import numpy as np

from chdt.cpu.kernels.jit import helper
from chdt.cpu.kernels.lanes import VECTOR_WORDS, counting, eight, gather_words, load_words, minimum, store
from chdt.cpu.kernels.packing import WORD_BITS, Words, from_two, low_bits, read_bits
from chdt.cpu.kernels.planes import INSIDE, Planes, pixels_in


@helper
def lay_out_images(packed: Words, start: int, images: int, planes: Planes, background_at: int) -> None:
    """Write the background of one image, or of up to eight that are interleaved, as a plane.

    Their packed bits begin at ``start``. Where a plane holds more images than there are, the last one is repeated.
    """
    if planes.layout.interleaved == 1:
        lay_out_background(packed, start, planes, background_at)
    else:
        _lay_out_interleaved(packed, start, images, planes, background_at)


@helper
def lay_out_background(packed: Words, start: int, planes: Planes, background_at: int) -> None:
    """Write the background of the image whose packed bits begin at ``start`` as a plane."""
    layout = planes.layout
    if layout.pitch == layout.width:
        first, shift = start // WORD_BITS, np.uint64(start % WORD_BITS)
        for at in range(0, layout.plane_words, VECTOR_WORDS):
            bits = from_two(load_words(packed, first + at), load_words(packed, first + at + 1), shift)
            store(planes.words, background_at + at, ~bits & load_words(planes.patterns, INSIDE + at))
        return
    at = background_at
    for row in range(layout.depth * layout.height):
        for column in range(0, layout.width, WORD_BITS):
            count = min(WORD_BITS, layout.width - column)
            bits = read_bits(packed, start + row * layout.width + column, count)
            planes.words[at] = ~bits & low_bits(count)
            at += 1


@helper
def _lay_out_interleaved(packed: Words, start: int, images: int, planes: Planes, background_at: int) -> None:
    layout = planes.layout
    gapless = layout.pitch == layout.width
    lines = 1 if gapless else layout.depth * layout.height
    words_of_line = layout.plane_words // (layout.interleaved * lines)
    first = minimum(counting(0), eight(images - 1)) * pixels_in(layout) + start
    at = 0
    for _ in range(lines):
        index, shift = first >> 6, first & (WORD_BITS - 1)
        here = gather_words(packed, index)
        for _ in range(words_of_line):
            index += 1
            behind = gather_words(packed, index)
            bits = from_two(here, behind, shift)
            store(planes.words, background_at + at, ~bits & load_words(planes.patterns, INSIDE + at))
            here = behind
            at += VECTOR_WORDS
        first += layout.width
