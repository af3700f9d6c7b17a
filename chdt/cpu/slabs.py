"""Sizes of large images, slab by slab: one image a thread, or one image for all of them."""

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


def largest_ranks(packed: PackedMasks, route: SizeRoute, ranks: Ranks | None) -> npt.NDArray[np.int64]:
    """The largest rank of each image; without a spacing, its largest distance."""
    shape, pixels = packed.shape, packed.shape.pixels
    largest = shape.cap if ranks is None else ranks.last
    found = np.empty(packed.images, np.int64)

    def work(first: int, last: int) -> None:
        segment, slabs = _segment(shape), slabs_of(shape)  # what a kernel leaves for the next is in memory of its own
        for image in range(first, last):
            lay_out_slabs(packed.bits, image * pixels, 0, slabs.number, slabs)
            looks = looks_of(slabs.number)
            known = largest_rank_of_looks(slabs, 0, looks, looks, 0, largest, ranks, segment)
            found[image] = largest_rank_in_slabs(slabs, 0, slabs.number, known, largest, ranks, segment)

    share(work, route.alone, pixels)
    for image in range(route.alone, packed.images):
        found[image] = largest_rank(slabs_of_image(packed.bits, image * pixels, shape), shape, 0, ranks)
    return found


def _segment(shape: Shape) -> Segment:
    return reused(segment_of, shape, WINDOW_PLANES)


def slabs_of_image(bits: Words, start: int, shape: Shape) -> Slabs:
    """The background of an image, from all threads."""
    slabs = slabs_of(shape)

    def work(first: int, last: int) -> None:
        lay_out_slabs(bits, start, first, last, slabs)

    share(work, slabs.number, -(-shape.pixels // (LAYING_OUT_PARTS * slabs.number)))
    return slabs


def largest_rank(slabs: Slabs, shape: Shape, known: int, ranks: Ranks | None) -> int:
    """The largest rank in an image if it is above ``known``, else that; from all threads."""
    largest = shape.cap if ranks is None else ranks.last
    pixels, looks, found = shape.pixels // slabs.number, looks_of(slabs.number), [known]

    def memory() -> tuple[Segment]:
        return (_segment(shape),)

    def look(first: int, last: int, segment: Segment) -> None:
        found.append(largest_rank_of_looks(slabs, first, last, looks, max(found), largest, ranks, segment))

    def work(first: int, last: int, segment: Segment) -> None:
        found.append(largest_rank_in_slabs(slabs, first, last, max(found), largest, ranks, segment))

    if known == 0:
        share(look, looks, -(-shape.pixels // (LOOKING_PARTS * looks)), memory=memory)
    # A piece begins a segment, half of it in vain if the piece is half as long; still, no thread is to be left without.
    reach = radius_within(min(max(found) + 1, largest), ranks, slabs.axis)
    share(work, slabs.number, SLABS_EFFORT * pixels, min(reach + 1, -(-slabs.number // thread_count())), memory)
    return max(found)
