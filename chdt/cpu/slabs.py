"""Sizes of large images, slab by slab: one image a thread, or one image for all of them."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from chdt.checks.ranks import Ranks
from chdt.checks.shape import Shape
from chdt.cpu.kernels.box_erosions import radius_within
from chdt.cpu.kernels.largest_windows import WINDOW_PLANES, largest_rank_in_slabs, largest_rank_of_looks
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.slabs import Segment, Slabs, lay_out_slabs, segment_of, slabs_of
from chdt.cpu.memory import reused
from chdt.cpu.packed import PackedMasks
from chdt.cpu.route import LAYING_OUT_PARTS, LOOKING_PARTS, SLABS_EFFORT, SizeRoute, looks_of
from chdt.cpu.threads import share, thread_count

T = TypeVar("T")


def largest_ranks(packed: PackedMasks, route: SizeRoute, ranks: Ranks | None) -> npt.NDArray[np.int64]:
    """The largest rank of each image; without a spacing, its largest distance."""
    shape, pixels = packed.shape, packed.shape.pixels
    largest = shape.cap if ranks is None else ranks.last
    found = np.empty(packed.images, np.int64)

    def work(first: int, last: int) -> None:
        # What a kernel leaves for the next is in memory of its own.
        segment, slabs = segment_for_sizes(shape), slabs_of(shape)
        for image in range(first, last):
            lay_out_slabs(packed.bits, image * pixels, 0, slabs.number, slabs)
            looks = looks_of(slabs.number)
            known = largest_rank_of_looks(slabs, 0, looks, looks, 0, largest, ranks, segment)
            found[image] = largest_rank_in_slabs(slabs, 0, slabs.number, known, largest, ranks, segment)

    share(work, route.alone, pixels)
    for image in range(route.alone, packed.images):
        slabs = slabs_of_image(packed.bits, image * pixels, shape)
        found[image] = largest_rank(slabs, shape, 0, ranks, segment_for_sizes(shape))
    return found


def segment_for_sizes(shape: Shape) -> Segment:
    """Memory for one thread."""
    return reused(segment_of, shape, WINDOW_PLANES)


def callers_first(mine: T, make: Callable[[Shape], T], shape: Shape) -> Callable[[], tuple[T]]:
    """Memory for `share`: what the caller, who asks first, has already, and new memory for other threads."""
    waiting = [mine]
    return lambda: (waiting.pop() if waiting else make(shape),)


def slabs_of_image(bits: Words, start: int, shape: Shape) -> Slabs:
    """The background of an image, from all threads."""
    slabs = slabs_of(shape)

    def work(first: int, last: int) -> None:
        lay_out_slabs(bits, start, first, last, slabs)

    share(work, slabs.number, -(-shape.pixels // (LAYING_OUT_PARTS * slabs.number)))
    return slabs


def largest_rank(slabs: Slabs, shape: Shape, known: int, ranks: Ranks | None, mine: Segment) -> int:
    """The largest rank in an image if it is above ``known``, else that; from all threads, the caller in ``mine``."""
    largest = shape.cap if ranks is None else ranks.last
    pixels, looks, found = shape.pixels // slabs.number, looks_of(slabs.number), [known]

    def look(first: int, last: int, segment: Segment) -> None:
        found.append(largest_rank_of_looks(slabs, first, last, looks, max(found), largest, ranks, segment))

    def work(first: int, last: int, segment: Segment) -> None:
        found.append(largest_rank_in_slabs(slabs, first, last, max(found), largest, ranks, segment))

    if known == 0:
        share(
            look,
            looks,
            -(-shape.pixels // (LOOKING_PARTS * looks)),
            memory=callers_first(mine, segment_for_sizes, shape),
        )
    # A piece begins a segment, half of it in vain if the piece is half as long; still, no thread is to be left without.
    reach = radius_within(min(max(found) + 1, largest), ranks, slabs.axis)
    together = min(reach + 1, -(-slabs.number // thread_count()))
    share(work, slabs.number, SLABS_EFFORT * pixels, together, callers_first(mine, segment_for_sizes, shape))
    return max(found)
