"""The largest rank of a large image, by one thread, or by several that call this kernel at the same time."""

import numpy as np

from chdt.checks.ranks import Ranks
from chdt.cpu.kernels.box_erosions import radius_within
from chdt.cpu.kernels.jit import kernel
from chdt.cpu.kernels.largest_windows import largest_rank_in_slabs, largest_rank_of_looks
from chdt.cpu.kernels.meeting import (
    ITEMS_BEGUN,
    ITEMS_DONE,
    STAGE,
    Progress,
    begin,
    finish,
    is_done,
    raise_at_once,
    read_anew,
)
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.slabs import Segment, Slabs, lay_out_slabs

PACKING, LAYING_OUT, LOOKING, SEARCHING, LARGEST = range(5)

LAID_OUT_AT_ONCE = 8  # slabs

NOT_YET = -1


def progress_of_image(laid_out: int = 0, known: int = 0) -> Progress:
    """For an image of which so many slabs are laid out, and whose largest rank is ``known`` or more."""
    progress = np.zeros((LARGEST + 1) * STAGE, np.int64)
    progress[[LAYING_OUT * STAGE + ITEMS_BEGUN, LAYING_OUT * STAGE + ITEMS_DONE]] = laid_out
    progress[LARGEST * STAGE] = known
    return progress


@kernel
def largest_rank_of_image(
    packed: Words,
    start: int,
    slabs: Slabs,
    looks: int,
    largest: int,
    ranks: Ranks | None,
    threads: int,
    progress: Progress,
    pieces: int,
    packed_here: int,
    segment: Segment,
) -> int:
    """The largest rank of an image whose packed bits begin at ``start``; none is above ``largest``.

    It is packed once the threads have done so many pieces, ``packed_here`` of them by this one since it last said so.
    Each thread has a segment of its own and shares all else. Whoever has waited for another one for some tenths of a
    millisecond gets NOT_YET: to call again goes on. Of ``looks`` slabs, evenly spread, comes a first bound.
    Without a spacing, ranks are distances.
    """
    number, found_at = slabs.number, LARGEST * STAGE
    finish(progress, PACKING, packed_here)
    if not is_done(progress, PACKING, pieces):
        return NOT_YET
    first = begin(progress, LAYING_OUT, LAID_OUT_AT_ONCE)
    while first < number:
        last = min(first + LAID_OUT_AT_ONCE, number)
        lay_out_slabs(packed, start, first, last, slabs)
        finish(progress, LAYING_OUT, last - first)
        first = begin(progress, LAYING_OUT, LAID_OUT_AT_ONCE)
    if not is_done(progress, LAYING_OUT, number):
        return NOT_YET
    look = begin(progress, LOOKING, 1)
    while look < looks:
        known = read_anew(progress, found_at)
        known = largest_rank_of_looks(slabs, look, look + 1, looks, known, largest, ranks, segment)
        raise_at_once(progress, found_at, known)
        finish(progress, LOOKING, 1)
        look = begin(progress, LOOKING, 1)
    if not is_done(progress, LOOKING, looks):
        return NOT_YET
    # A piece begins with the union of a window, which many slabs should share; still, each thread is to have one.
    known = read_anew(progress, found_at)
    window = 2 * radius_within(min(known + 1, largest), ranks, slabs.axis) + 1
    together = max(-(-number // (4 * threads)), min(-(-number // threads), 4 * window))
    first = begin(progress, SEARCHING, together)
    while first < number:
        last = min(first + together, number)
        known = largest_rank_in_slabs(slabs, first, last, read_anew(progress, found_at), largest, ranks, segment)
        raise_at_once(progress, found_at, known)
        finish(progress, SEARCHING, last - first)
        first = begin(progress, SEARCHING, together)
    return read_anew(progress, found_at) if is_done(progress, SEARCHING, number) else NOT_YET
