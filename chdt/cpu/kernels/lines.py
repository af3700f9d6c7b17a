"""Sizes after every single flip of a line: by its runs of foreground, without any distance (docs/exact.md says how)."""

import numpy as np

from chdt.cpu.kernels.jit import helper, outlined
from chdt.cpu.kernels.lanes import Numbers, Word, lowest_bit
from chdt.cpu.kernels.packing import WORD_BITS, Words, low_bits, read_bits
from chdt.cpu.kernels.writing import write_number


@helper
def _next_pixel(packed: Words, start: int, at: int, width: int, others: Word) -> int:
    """The first pixel of the line from ``at`` on that is foreground, or background if all bits of ``others`` are set.

    It is ``width`` if there is none.
    """
    while at < width:
        count = min(WORD_BITS, width - at)
        found = (read_bits(packed, start + at, count) ^ others) & low_bits(count)
        if found != 0:
            return at + lowest_bit(found)  # type: ignore[no-any-return]
        at += WORD_BITS
    return width


@helper
def _half_of_size(begin: int, end: int, width: int, black_border: bool) -> int:
    """The largest distance in a run of pixels ``begin`` to before ``end``, with background behind one end, or both."""
    length = end - begin
    if length == 0:
        return 0
    ends = int(begin > 0 or black_border) + int(end < width or black_border)
    return (length + 1) // 2 if ends == 2 else length


@helper
def _raise(answers: Numbers, at: int, largest: int, half: int) -> None:
    if half > largest:
        answers[at] = 2 * half


@outlined
def flip_sizes_of_line(packed: Words, start: int, width: int, black_border: bool, answers: Numbers, at: int) -> int:
    """Write the sizes after every single flip of the line whose packed bits begin at ``start``, from ``at`` on.

    Give half of its size without any.
    """
    background = ~np.uint64(0)
    largest, second, thick_begin, thick_end = 0, 0, 0, 0
    begin = _next_pixel(packed, start, 0, width, np.uint64(0))
    while begin < width:
        end = _next_pixel(packed, start, begin, width, background)
        half = _half_of_size(begin, end, width, black_border)
        if half > largest:
            largest, second, thick_begin, thick_end = half, largest, begin, end
        else:
            second = max(second, half)
        begin = _next_pixel(packed, start, end, width, np.uint64(0))
    write_number(answers, at, at + width, 2 * max(1, largest))  # without foreground, a lone pixel is added
    # A removed pixel cuts its run, which matters if no other one is as thick.
    if second < largest:
        for pixel in range(thick_begin, thick_end):
            before = _half_of_size(thick_begin, pixel, width, black_border)
            behind = _half_of_size(pixel + 1, thick_end, width, black_border)
            answers[at + pixel] = 2 * max(second, max(before, behind))
    # An added one makes the runs on both sides of it one.
    if largest > 0:
        begin, end = 0, 0  # of the run before the gap
        while end < width:
            next_begin = _next_pixel(packed, start, end, width, np.uint64(0))
            next_end = _next_pixel(packed, start, next_begin, width, background)
            if next_begin == end + 1:
                _raise(answers, at + end, largest, _half_of_size(begin, next_end, width, black_border))
            elif next_begin > end:
                _raise(answers, at + end, largest, _half_of_size(begin, end + 1, width, black_border))
                if next_begin < width:
                    half = _half_of_size(next_begin - 1, next_end, width, black_border)
                    _raise(answers, at + next_begin - 1, largest, half)
            begin, end = next_begin, next_end
    return largest
