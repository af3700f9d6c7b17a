"""Sizes after every single flip of a line: by its runs of foreground, without any distance (docs/exact.md says how)."""

import numpy as np

from chdt.cpu.kernels.jit import helper, outlined
from chdt.cpu.kernels.lanes import Numbers, Word, leading_zeros, lowest_bit
from chdt.cpu.kernels.packing import WORD_BITS, Words, low_bits, read_bits
from chdt.cpu.kernels.window_counts import with_more
from chdt.cpu.kernels.writing import write_number

MOST_IN_WORDS = 6
"""Half of a size up to which all pixels of a line are looked at, as many of them may matter.

flip_sizes of 1000 x 4096 on one core of Zen 3, ns a pixel up to 4, 6, 9, 11: runs of 5 pixels, 1 apart: 2.6, 1.1, 1.4,
1.1, of 8: 1.8, 1.8, 1.4, 1.4; random, density 0.7: 0.8, 0.8, 0.9, 1.3.
"""

MOST_AT_ONCE = WORD_BITS // 2  # pixels of a run, or window, that is looked for in a word: it still has 33 places there


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
def _behind_last(packed: Words, start: int, at: int, others: Word) -> int:
    """The pixel behind the last one before ``at`` that is foreground, or background; 0 if there is none.

    See `_next_pixel`.
    """
    while at > 0:
        count = min(WORD_BITS, at)
        found = (read_bits(packed, start + at - count, count) ^ others) & low_bits(count)
        if found != 0:
            return at - count + WORD_BITS - leading_zeros(found)  # type: ignore[no-any-return]
        at -= count
    return 0


@helper
def _next_run(packed: Words, start: int, at: int, width: int, length: int) -> int:
    """The first pixel of the line from ``at`` on from which ``length`` pixels in a row are foreground, or ``width``."""
    while at + length <= width:
        count = min(WORD_BITS, width - at)
        found, done = read_bits(packed, start + at, count) & low_bits(count), 1
        while done < length:
            step = min(done, length - done)
            found &= found >> np.uint64(step)
            done += step
        if found != 0:
            return at + lowest_bit(found)  # type: ignore[no-any-return]
        at += count - length + 1
    return width


@helper
def _next_window(packed: Words, start: int, at: int, width: int, length: int) -> int:
    """The first pixel of the line from ``at`` on that begins a window with one background pixel or none, or ``width``.

    A window is ``length`` pixels long.
    """
    while at + length <= width:
        count = min(WORD_BITS, width - at)
        # Which windows hold at least one, and two: of 1, 2, 4, ... pixels, and of those that make up the length so far.
        one, two, side = ~read_bits(packed, start + at, count), np.uint64(0), 1
        any_one, any_two, done = np.uint64(0), np.uint64(0), 0
        while side <= length:
            if length & side:
                one_behind, two_behind = one >> np.uint64(done), two >> np.uint64(done)
                any_two |= two_behind | (any_one & one_behind)
                any_one |= one_behind
                done += side
            two |= (two >> np.uint64(side)) | (one & (one >> np.uint64(side)))
            one |= one >> np.uint64(side)
            side *= 2
        found = ~any_two & low_bits(count - length + 1)
        if found != 0:
            return at + lowest_bit(found)  # type: ignore[no-any-return]
        at += count - length + 1
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
def _raise(answers: Numbers, at: int, largest: int, half: int) -> bool:
    if half <= largest:
        return False
    answers[at] = 2 * half
    return True


@helper
def _raise_in_gap(
    packed: Words, start: int, run: int, gap: int, width: int, border: bool, largest: int, answers: Numbers, at: int
) -> tuple[int, int, bool]:
    """Raise the answers at both ends of a gap, behind the run that begins at ``run``; tell whether any is raised.

    A pixel that is added there makes a run longer, or two of them one. First, give where the next run and gap begin.
    """
    run_behind = _next_pixel(packed, start, gap, width, np.uint64(0))
    end_behind = _next_pixel(packed, start, run_behind, width, ~np.uint64(0))
    raised = False
    if run_behind == gap + 1:
        raised = _raise(answers, at + gap, largest, _half_of_size(run, end_behind, width, border))
    elif run_behind > gap:
        raised = _raise(answers, at + gap, largest, _half_of_size(run, gap + 1, width, border))
        if run_behind < width:
            half = _half_of_size(run_behind - 1, end_behind, width, border)
            raised |= _raise(answers, at + run_behind - 1, largest, half)
    return run_behind, end_behind, raised


@helper
def _raise_in_words(
    packed: Words, start: int, width: int, border: bool, largest: int, answers: Numbers, at: int
) -> None:
    """`_raise_added` of a line of short runs: those of a word at once.

    A pixel makes a size of 2 half or more if it is the only background in a window of radius half - 1. On either side
    of it, such a window reaches no further than a run does: a run and one pixel more are read there.
    """
    reach = 2 * largest + 1
    for first in range(0, width, WORD_BITS - 2 * reach):
        # Bit j is pixel first - reach + j. Outside of the line there is no background, unless it has a border.
        begin, end = max(0, first - reach), min(width, first - reach + WORD_BITS)
        place = np.uint64(begin - (first - reach))
        inside = low_bits(end - begin) << place
        background = ~(read_bits(packed, start + begin, end - begin) << place) & inside
        left = background & (low_bits(WORD_BITS - 2 * reach) << np.uint64(reach))
        one = background | ~inside if border else background  # windows of one pixel or more, and of two
        two, above, below, half = np.uint64(0), one, one, 1
        while left != 0 and half < width:
            above, below = above << np.uint64(1), below >> np.uint64(1)
            one, two = with_more(one, two, above)
            one, two = with_more(one, two, below)
            half += 1
            if half > largest:
                lonely = one & ~two & inside
                for _ in range(half - 1):
                    lonely |= (lonely << np.uint64(1)) | (lonely >> np.uint64(1))
                left &= lonely
                rest = left
                while rest != 0:
                    answers[at + first - reach + lowest_bit(rest)] = 2 * half
                    rest &= rest - np.uint64(1)


@helper
def _raise_added(packed: Words, start: int, width: int, border: bool, largest: int, answers: Numbers, at: int) -> None:
    """Raise the answers of the pixels that make a larger size when added."""
    foreground, background = np.uint64(0), ~np.uint64(0)
    gap = _next_pixel(packed, start, 0, width, background)
    if gap == width:
        return
    # A run at an end of the line makes a larger size when it is shorter than 2 largest + 1, too.
    last_gap = _behind_last(packed, start, _behind_last(packed, start, width, background), foreground)
    last_run = _behind_last(packed, start, last_gap, background)
    _raise_in_gap(packed, start, last_run, last_gap, width, border, largest, answers, at)
    run, gap, raised = _raise_in_gap(packed, start, 0, gap, width, border, largest, answers, at)
    length = min(2 * largest + 1, MOST_AT_ONCE)
    while gap < width:
        if not raised:  # else the next gap often is one, too
            window = _next_window(packed, start, run, width, length)
            gap = _next_pixel(packed, start, window, width, background)
            if gap == width:
                return
            run = _behind_last(packed, start, window, background) if window > run else run
        run, gap, raised = _raise_in_gap(packed, start, run, gap, width, border, largest, answers, at)


@outlined
def flip_sizes_of_line(packed: Words, start: int, width: int, black_border: bool, answers: Numbers, at: int) -> int:
    """Write the sizes after every single flip of the line whose packed bits begin at ``start``, from ``at`` on.

    Give half of its size without any.
    """
    background = ~np.uint64(0)
    last = _behind_last(packed, start, width, background)  # the run at the end of the line, maybe empty
    largest, second = _half_of_size(last, width, width, black_border), 0
    thick_begin, thick_end = last, width
    begin = _next_run(packed, start, 0, last, 1)
    while begin < last:
        end = _next_pixel(packed, start, begin, width, background)
        half = _half_of_size(begin, end, width, black_border)
        if half > largest:
            largest, second, thick_begin, thick_end = half, largest, begin, end
        else:
            second = max(second, half)
        # A shorter one does not count any more.
        begin = _next_run(packed, start, end, last, min(2 * second + 1, MOST_AT_ONCE))
    write_number(answers, at, at + width, 2 * max(1, largest))  # without foreground, a lone pixel is added
    # A removed pixel cuts its run, which matters if no other one is as thick.
    if second < largest:
        for pixel in range(thick_begin, thick_end):
            before = _half_of_size(thick_begin, pixel, width, black_border)
            behind = _half_of_size(pixel + 1, thick_end, width, black_border)
            answers[at + pixel] = 2 * max(second, max(before, behind))
    if 0 < largest <= MOST_IN_WORDS:
        _raise_in_words(packed, start, width, black_border, largest, answers, at)
    elif largest > 0:
        _raise_added(packed, start, width, black_border, largest, answers, at)
    return largest
