"""Half of the size of an object, with a spacing, is its largest rank: found by doubling and bisection over ranks."""

import numpy as np
import numpy.typing as npt

from chdt.checks.ranks import Floats, RankLists, Ranks
from chdt.cpu.kernels.box_erosions import erode_to_next_rank, erode_to_rank, take_ranks
from chdt.cpu.kernels.jit import kernel, outlined
from chdt.cpu.kernels.lanes import any_set, eight, lane, minimum
from chdt.cpu.kernels.laying_out import lay_out_images
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.planes import Planes, nothing_in, objects_in, pixels_in, plane_at
from chdt.cpu.kernels.size_search import SizeMemory


@outlined
def find_largest_ranks(planes: Planes, ranks: Ranks, images: int, found: npt.NDArray[np.int64]) -> None:
    """Write the largest rank in each image, whose background is in plane 0; the planes 0, 1 and 2 are overwritten."""
    layout, last = planes.layout, ranks.distances.size - 1
    source_at, other_at, target_at = plane_at(layout, 0), plane_at(layout, 1), plane_at(layout, 2)
    left = objects_in(planes, source_at, 0, layout.plane_words)
    rank = 1
    if layout.interleaved > 1:  # each image has a lane, and all are eroded until nothing is left of any
        counts = nothing_in(planes)
        while any_set(left):
            counts += minimum(left, eight(1))
            if rank == last:
                break
            left, eroded_at, other_at = erode_to_next_rank(planes, ranks, rank, source_at, other_at, target_at)
            source_at, target_at = eroded_at, source_at
            rank += 1
        for image in range(images):
            found[image] = lane(counts, image)
        return
    if not any_set(left):
        found[0] = 0
        return
    step, beyond = 1, last + 1  # the least rank that is known to be too large
    while beyond - rank > 1:
        probe = min(rank + step, last) if beyond > last else (rank + beyond) // 2
        left, eroded_at, other_at = erode_to_rank(planes, ranks, rank, probe, source_at, other_at, target_at)
        if any_set(left):
            source_at, target_at = eroded_at, source_at
            rank, step = probe, 2 * step
        else:
            target_at = eroded_at
            beyond = probe
    found[0] = rank


@kernel
def spaced_sizes_of(
    packed: Words, start: int, memory: SizeMemory, ranks: Ranks, lists: RankLists, sizes: Floats
) -> None:
    """Write the sizes of images, as many as ``sizes`` has room for, whose packed bits begin at ``start``.

    With several lists of ranks, images must not be interleaved; ``ranks`` is then worked in.
    """
    planes, found = memory.planes, memory.search.distances
    interleaved, pixels = planes.layout.interleaved, pixels_in(planes.layout)
    for first in range(0, len(sizes), interleaved):
        images = min(interleaved, len(sizes) - first)
        take_ranks(lists, first, ranks)
        lay_out_images(packed, start + first * pixels, images, planes, plane_at(planes.layout, 0))
        find_largest_ranks(planes, ranks, images, found)
        for image in range(images):
            sizes[first + image] = 2 * ranks.distances[found[image]]
