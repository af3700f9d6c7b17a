"""Added pixels of a large image, from all threads: the windows with a single background pixel, slab by slab."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.ranks import Ranks
from chdt.checks.shape import Shape
from chdt.cpu.kernels.added_pixel import FEW_PIXELS
from chdt.cpu.kernels.box_erosions import radius_within
from chdt.cpu.kernels.lanes import Numbers
from chdt.cpu.kernels.lonely_pixels import (
    CountedSegment,
    Lonely,
    counted_segment_of,
    find_lonely,
    lonely_of,
    raise_lonely,
)
from chdt.cpu.kernels.packing import WORD_BITS, Words
from chdt.cpu.kernels.slabs import Segment, Slabs
from chdt.cpu.memory import reused
from chdt.cpu.slabs import callers_first, largest_rank, segment_for_sizes, slabs_of_image
from chdt.cpu.threads import SLABS_EFFORT, share, thread_count


class AddedMemory(NamedTuple):
    """What is needed to find the added pixels of an image, made before any answer is written: none may be missing."""

    shape: Shape
    slabs: Slabs
    lonely: Lonely
    counted: CountedSegment  # of the caller; other threads without leave their share to it
    segment: Segment


def added_memory(bits: Words, start: int, shape: Shape) -> AddedMemory:
    """For the image whose packed bits begin at ``start``, with its background in it."""
    slabs = slabs_of_image(bits, start, shape)
    return AddedMemory(shape, slabs, lonely_of(slabs), _counted_segment(shape), segment_for_sizes(shape))


def _counted_segment(shape: Shape) -> CountedSegment:
    return reused(counted_segment_of, shape)


def raise_added_of_image(added: AddedMemory, largest: int, ranks: Ranks | None, answers: Numbers) -> None:
    """Raise the answers of the background pixels that make a larger size when added; those of the image alone.

    Its largest distance, or rank, is ``largest``, which is above 0; answers are twice as much.
    """
    cap = added.shape.cap if ranks is None else ranks.last
    measured = set[int]()
    # The set of lonely pixels shrinks as r grows, so equal counts mean equal sets. Find the last r of each count, in
    # growing steps, then by bisection. Any set on the way is right to raise, and the last one is among them. Once they
    # are few, each is added by itself, and nothing is left to search above.
    r, count, step = largest, -1, 1  # the last rank known, and how many pixels it has
    beyond, at_beyond = cap + 1, 0  # the least rank that is known to have fewer
    while beyond - r > 1:
        probe = min(r + step, cap) if beyond > cap else (r + beyond) // 2
        here, few = _lonely_pixels(added, probe, ranks, answers)
        if here <= FEW_PIXELS:
            for bit, pixel in few.tolist():
                if bit not in measured:
                    measured.add(bit)
                    answers[pixel] = 2 * _with_added(added, bit, probe, ranks)
            here = 0  # they have their final answers
        if count < 0:
            r, count = probe, here
        elif here == count:
            r, step = probe, 2 * step
        else:
            beyond, at_beyond = probe, here
        if beyond - r == 1 and beyond <= cap:
            r, count, step = beyond, at_beyond, 1
            beyond, at_beyond = cap + 1, 0
        if count == 0:
            return


def _with_added(added: AddedMemory, bit: int, known: int, ranks: Ranks | None) -> int:
    """The largest rank of an image with a pixel added that makes it ``known`` or more."""
    words, pixel = added.slabs.words, np.uint64(1) << np.uint64(bit % WORD_BITS)
    words[bit // WORD_BITS] ^= pixel
    largest = largest_rank(added.slabs, added.shape, known, ranks, added.segment)
    words[bit // WORD_BITS] ^= pixel
    return largest


def _lonely_pixels(
    added: AddedMemory, rank: int, ranks: Ranks | None, answers: Numbers
) -> tuple[int, npt.NDArray[np.int64]]:
    """Raise the answers of the pixels alone in a window; give how many, and of the first ones their bits and places."""
    shape, slabs, lonely, counted, mine = added
    counts, found = [0], [np.empty((0, 2), np.int64)]

    def find(first: int, last: int, segment: CountedSegment) -> None:
        find_lonely(slabs, first, last, rank, ranks, segment, lonely)

    def lift(first: int, last: int, segment: Segment) -> None:
        few = np.empty((FEW_PIXELS, 2), np.int64)
        counts.append(raise_lonely(slabs, first, last, rank, ranks, segment, lonely, answers, few.reshape(-1)))
        found.append(few[: counts[-1]])

    pixels, reach = SLABS_EFFORT * shape.pixels // slabs.number, radius_within(rank, ranks, slabs.axis)
    together = min(reach + 1, -(-slabs.number // thread_count()))
    share(find, slabs.number, pixels, together, callers_first(counted, _counted_segment, shape))
    if lonely.has_centres.any():
        share(lift, slabs.number, pixels, together, callers_first(mine, segment_for_sizes, shape))
    return sum(counts), np.concatenate(found)
