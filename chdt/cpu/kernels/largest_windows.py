"""Sizes of large images, slab by slab: how far a window around a pixel reaches before it holds background.

Each slab is asked whether one of its pixels is farther from background than any so far. Mostly none is, which a few
dilations of the union of the slabs around it tell; otherwise larger windows are tried there, by doubling and bisection.
"""

from chdt.checks.ranks import Ranks
from chdt.cpu.kernels.box_erosions import radius_within
from chdt.cpu.kernels.erosions import dilate, exponent_towards
from chdt.cpu.kernels.jit import helper, outlined
from chdt.cpu.kernels.lanes import any_set, leading_zeros, lowest_bit
from chdt.cpu.kernels.packing import WORD_BITS
from chdt.cpu.kernels.planes import COLUMNS, ROWS, Planes, copy_plane, objects_in, plane_at
from chdt.cpu.kernels.slabs import Segment, Slabs, add_slab, begin_segment, join_window

WINDOW_PLANES = 4  # two unions, and two to dilate in

LONG_RADIUS = WORD_BITS // 2
"""Pixels: windows of this radius along rows, or more, are looked for word by word, smaller ones by dilations.

A row has room for one only where no background is, or at the ends of words.
"""


@helper
def _has_long_window(slabs: Slabs, planes: Planes, radius: int, at: int) -> bool:
    """Whether a window of this radius, LONG_RADIUS or more, holds no background in a row of the plane at ``at``."""
    words, padding = planes.words, slabs.row_words * WORD_BITS - slabs.width
    for _ in range(slabs.rows):
        free, needed = 0, radius + 1  # at the border, half a window is one
        for k in range(at, at + slabs.row_words):
            word = words[k]
            if word == 0:
                free += WORD_BITS
            elif free + lowest_bit(word) >= needed:
                return True
            else:
                free, needed = leading_zeros(word), 2 * radius + 1
        if needed == radius + 1 or free - padding >= radius + 1:
            return True
        at += slabs.row_words
    return False


@outlined
def has_room(slabs: Slabs, rank: int, ranks: Ranks | None, planes: Planes, union_at: int) -> bool:
    """Whether, within a slab, a window of all pixels nearer than ``rank`` holds nothing of the union in a plane.

    The two last planes are worked in.
    """
    source_at, target_at, other_at = union_at, plane_at(planes.layout, 2), plane_at(planes.layout, 3)
    radius, done = min(radius_within(rank, ranks, slabs.axis_of_rows), slabs.rows - 1), 0
    while done < radius:
        exponent = exponent_towards(radius, done)
        if not any_set(dilate(planes, ROWS, exponent, source_at, target_at)):
            return False
        source_at, target_at, other_at = target_at, other_at, target_at
        done += 1 << exponent
    radius, done = radius_within(rank, ranks, COLUMNS), 0
    if radius >= LONG_RADIUS:
        return _has_long_window(slabs, planes, radius, source_at)
    if radius == 0:
        is_free: bool = any_set(objects_in(planes, source_at, 0, planes.layout.plane_words))
        return is_free
    while done < radius:
        exponent = exponent_towards(radius, done)
        if not any_set(dilate(planes, COLUMNS, exponent, source_at, target_at)):
            return False
        source_at, target_at, other_at = target_at, other_at, target_at
        done += 1 << exponent
    return True


@helper
def reach_of(rank: int, ranks: Ranks | None, slabs: Slabs) -> int:
    """How many slabs a window of all pixels nearer than ``rank`` reaches to either side, none of them beyond all."""
    return min(radius_within(rank, ranks, slabs.axis), slabs.number - 1)


@outlined
def _largest_around(
    slabs: Slabs, centre: int, reach: int, known: int, highest: int, ranks: Ranks | None, planes: Planes
) -> int:
    """The largest rank in a slab if it is above ``known``, else that; none is above ``highest``.

    Plane 0 is the union of what is within ``reach``. All planes are overwritten.
    """
    union_at, wider_at = plane_at(planes.layout, 0), plane_at(planes.layout, 1)
    if not has_room(slabs, known + 1, ranks, planes, union_at):  # even if the window reaches over more slabs
        return known
    tested, beyond, step = known + 1, highest + 1, 1
    while beyond - known > 1:
        rank = min(known + step, highest) if beyond > highest else (known + beyond) // 2
        reach_to = reach_of(rank, ranks, slabs)
        copy_plane(planes, union_at, wider_at)
        for apart in range(reach + 1, reach_to + 1):
            add_slab(slabs, centre - apart, planes.words, wider_at)
            add_slab(slabs, centre + apart, planes.words, wider_at)
        if (rank == tested and reach == reach_to) or has_room(slabs, rank, ranks, planes, wider_at):
            union_at, wider_at = wider_at, union_at
            known, reach, step = rank, reach_to, 2 * step
        else:
            beyond = rank
    return known


@helper
def largest_rank_in_slabs(
    slabs: Slabs, first: int, last: int, known: int, largest: int, ranks: Ranks | None, segment: Segment
) -> int:
    """The largest rank in slabs first..last - 1 if it is above ``known``, else that; none is above ``largest``.

    Without a spacing, ranks are distances.
    """
    planes, begin, highest = segment.planes, first, largest
    while begin < last and known < largest:
        reach = reach_of(known + 1, ranks, slabs)
        begin_segment(slabs, begin, reach, segment)
        end = min(last, begin + 2 * reach + 1)
        for centre in range(begin, end):
            left = join_window(slabs, begin, centre, reach, segment, plane_at(planes.layout, 0))
            if any_set(left):
                known = _largest_around(slabs, centre, reach, known, highest, ranks, planes)
            if known == largest:
                return known
            # A window around the next slab that reached any farther would hold one around this slab, larger than known.
            reach_next = reach_of(known + 1, ranks, slabs)
            highest = known + 1
            radius = radius_within(highest, ranks, slabs.axis)
            while highest < largest and radius_within(highest + 1, ranks, slabs.axis) <= radius:
                highest += 1
            if (reach_next - reach) * (reach_next - reach) > reach:  # adding slabs would take longer than a new segment
                end = centre + 1
                break
        begin = end
    return known


@helper
def largest_rank_of_looks(
    slabs: Slabs, first: int, last: int, looks: int, known: int, largest: int, ranks: Ranks | None, segment: Segment
) -> int:
    """`largest_rank_in_slabs` of only a few: looks first..last - 1 of ``looks``, evenly spread, the middle first."""
    for look in range(first, last):
        apart = (look + 1) // 2  # from the middle, to either side in turn
        place = looks // 2 + (apart if look % 2 == 0 else -apart)
        slab = (2 * place + 1) * slabs.number // (2 * looks)
        begin_segment(slabs, slab, 0, segment)
        if known < largest and any_set(join_window(slabs, slab, slab, 0, segment, plane_at(segment.planes.layout, 0))):
            known = _largest_around(slabs, slab, 0, known, largest, ranks, segment.planes)
    return known
