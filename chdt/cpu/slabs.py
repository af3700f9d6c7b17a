"""Sizes of large images, slab by slab: one image a thread, or one image for all of them."""

import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from chdt.checks.ranks import Ranks
from chdt.checks.shape import Shape
from chdt.cpu.kernels.large_images import NOT_YET, largest_rank_of_image, progress_of_image
from chdt.cpu.kernels.largest_windows import WINDOW_PLANES
from chdt.cpu.kernels.meeting import Progress
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.slabs import Segment, Slabs, lay_out_slabs, segment_of, slabs_of
from chdt.cpu.memory import reused
from chdt.cpu.packed import Packing
from chdt.cpu.route import SizeRoute, looks_of
from chdt.cpu.threads import LAYING_OUT_PARTS, SLABS_EFFORT, share, threads_for, together

T = TypeVar("T")

NAP_SECONDS = 1e-4


class _Search(NamedTuple):
    """The search for the largest rank of an image, the same for all threads: arguments of `largest_rank_of_image`."""

    bits: Words
    start: int
    slabs: Slabs
    looks: int
    largest: int
    ranks: Ranks | None
    threads: int
    progress: Progress
    pieces: int  # in which the batch is packed on the way

    def run(self, errors: list[BaseException], segment: Segment, packed_here: int = 0) -> int:
        """The largest rank, once all threads together have found it; anything if one of them fails.

        This one has packed so many pieces of the batch.
        """
        found = largest_rank_of_image(*self, packed_here, segment)
        while found == NOT_YET and not errors:
            time.sleep(NAP_SECONDS)  # whoever is waited for may need this core
            found = largest_rank_of_image(*self, 0, segment)
        return found


def largest_ranks(packing: Packing, route: SizeRoute, ranks: Ranks | None) -> npt.NDArray[np.int64]:
    """The largest rank of each image; without a spacing, its largest distance."""
    if route.alone > 0:
        packing = Packing(packing.finish())
    packed = packing.packed
    shape, pixels = packed.shape, packed.shape.pixels
    largest = shape.cap if ranks is None else ranks.last
    found = np.empty(packed.images, np.int64)

    def search(image: int, slabs: Slabs, threads: int, pieces: int = 0) -> _Search:
        looks, progress = looks_of(slabs.number), progress_of_image()
        return _Search(packed.bits, image * pixels, slabs, looks, largest, ranks, threads, progress, pieces)

    def alone(first: int, last: int) -> None:
        # What a kernel leaves for the next is in memory of its own.
        segment, slabs = segment_for_sizes(shape), slabs_of(shape)
        for image in range(first, last):
            found[image] = search(image, slabs, 1).run([], segment)

    share(alone, route.alone, pixels)
    if route.alone == packed.images:
        return found
    pieces, shared = packing.pieces, slabs_of(shape)
    threads = max(pieces.threads, threads_for(SLABS_EFFORT * pixels))
    searches = [search(image, shared, threads, pieces.number) for image in range(route.alone, packed.images)]

    def all_together(errors: list[BaseException], segment: Segment) -> None:
        packed_here = pieces.work_off(packing.work, errors)
        for image, search_here in enumerate(searches, route.alone):
            found[image] = search_here.run(errors, segment, packed_here)

    together(all_together, threads, lambda: (segment_for_sizes(shape),))
    packing.check()
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
    threads, progress = threads_for(SLABS_EFFORT * shape.pixels), progress_of_image(slabs.number, known)
    search, found = _Search(slabs.words, 0, slabs, 0, largest, ranks, threads, progress, 0), [known]

    def work(errors: list[BaseException], segment: Segment) -> None:
        found.append(search.run(errors, segment))

    together(work, threads, callers_first(mine, segment_for_sizes, shape))
    return max(found)
