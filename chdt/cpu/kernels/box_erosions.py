"""Erosions by boxes, rank by rank: with a spacing, {rank >= r} is what the box of rank r leaves of an object.

The box has a radius for each axis, the most steps that are nearer than rank r. From one rank to the next it grows along
one axis, or along those whose steps are equally long.
"""

from typing import Any

from chdt.checks.ranks import RankLists, Ranks
from chdt.cpu.kernels.erosions import dilate, dilate_rows_and_columns, exponent_towards
from chdt.cpu.kernels.jit import helper, outlined
from chdt.cpu.kernels.lanes import Vector
from chdt.cpu.kernels.planes import (
    AXES,
    COLUMNS,
    ROWS,
    SLICES,
    PlaneLayout,
    Planes,
    cap_of,
    copy_plane,
    nothing_in,
    objects_in,
)


@helper
def has_several(lists: Any) -> bool:
    """Whether images have lists of their own, of ranks or of windows."""
    return False if lists is None else len(lists.list_of) > 0


@helper
def list_of_image(lists: Any, image: int) -> int:
    """Which list an image has."""
    if lists is None:
        return 0
    return lists.list_of[image] if has_several(lists) else 0


@helper
def take_ranks(lists: RankLists | None, image: int, ranks: Ranks | None) -> None:
    """Copy the list of an image to where the ranks of the image at hand are, if there are several lists."""
    if lists is not None and ranks is not None:  # Numba compiles nothing of this where there are none
        number = list_of_image(lists, image)
        for rank in range(ranks.distances.size if has_several(lists) else 0):
            ranks.distances[rank] = lists.distances[number, rank]
            for axis in range(AXES):
                ranks.radii[rank, axis] = lists.radii[number, rank, axis]


@helper
def last_rank(layout: PlaneLayout, ranks: Ranks | None) -> int:
    """The largest rank; without a spacing, ranks are distances. Numba compiles only the branch that is needed."""
    return cap_of(layout) if ranks is None else ranks.distances.size - 1


@helper
def radius_within(r: int, ranks: Ranks | None, axis: int) -> int:
    """How far a window of all pixels whose rank is below r reaches along an axis, r > 0."""
    return r - 1 if ranks is None else ranks.radii[r, axis]


@helper
def _dilate_along(planes: Planes, axis: int, exponent: int, background_at: int, dilated_at: int) -> Vector:
    """`dilate`, each axis by code of its own: moves along an axis that is known while compiling take less time."""
    if axis == COLUMNS:
        return dilate(planes, COLUMNS, exponent, background_at, dilated_at)
    if axis == ROWS:
        return dilate(planes, ROWS, exponent, background_at, dilated_at)
    return dilate(planes, SLICES, exponent, background_at, dilated_at)


@outlined
def erode_to_rank(
    planes: Planes, ranks: Ranks, done: int, rank: int, source_at: int, other_at: int, target_at: int
) -> tuple[Vector, int, int]:
    """Erode what the box of rank ``done`` left by as much as the box of ``rank`` takes; 1 <= done <= rank.

    The background is read from the plane at ``source_at``, which stays as it is. Give a vector that shows what is left,
    as `dilate` does, and where the eroded background is, at ``target_at`` or at ``other_at``; then the other of both.
    """
    left, from_at, to, spare = nothing_in(planes), source_at, target_at, other_at
    for axis in range(AXES):
        radius, radius_to = ranks.radii[done, axis], ranks.radii[rank, axis]
        while radius < radius_to:
            exponent = exponent_towards(radius_to, radius)
            left = _dilate_along(planes, axis, exponent, from_at, to)
            from_at, to, spare = to, spare, to
            radius += 1 << exponent
    if from_at == source_at:  # rounding has made two lengths equal
        copy_plane(planes, source_at, to)
        return objects_in(planes, to, 0, planes.layout.plane_words), to, spare
    return left, from_at, to


@helper
def erode_to_next_rank(
    planes: Planes, ranks: Ranks, done: int, source_at: int, other_at: int, target_at: int
) -> tuple[Vector, int, int]:
    """`erode_to_rank` by one; nothing is left of the last rank, as no object is larger."""
    if done == ranks.distances.size - 1:
        return nothing_in(planes), target_at, other_at
    columns = ranks.radii[done + 1, COLUMNS] - ranks.radii[done, COLUMNS]
    rows = ranks.radii[done + 1, ROWS] - ranks.radii[done, ROWS]
    slices = ranks.radii[done + 1, SLICES] - ranks.radii[done, SLICES]
    if max(columns, rows, slices) != 1:  # a list goes on with its cap, or rounding has made lengths equal
        return erode_to_rank(planes, ranks, done, done + 1, source_at, other_at, target_at)
    left, from_at, to, spare = nothing_in(planes), source_at, target_at, other_at
    if slices > 0:
        left = dilate(planes, SLICES, 0, from_at, to)
        from_at, to, spare = to, spare, to
    if columns + rows == 0:
        return left, from_at, to
    if columns == 0:
        left = dilate(planes, ROWS, 0, from_at, to)
    else:
        left = dilate_rows_and_columns(planes, 0, rows > 0, from_at, to)
    return left, to, spare
