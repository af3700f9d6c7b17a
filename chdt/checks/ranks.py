"""Ranks: with a spacing, the places of distances in the sorted list of all that a grid has.

Where pixels are s_a apart along axis a, a distance is some s_a·k, or the cap where there is no background. These are
few, no more than the sides of the grid together, and their places in the list, the *ranks*, are integers in the same
order. So kernels work with ranks as they do with distances in pixels, and windows have a radius for each axis.
"""

import functools
from typing import NamedTuple, TypeGuard, TypeVar

import numpy as np
import numpy.typing as npt

from chdt.checks.shape import AllSteps, Shape, Steps

AXES = 3

NO_LISTS = np.empty(0, np.int64)

Floats = npt.NDArray[np.float32]

S = TypeVar("S", bound=AllSteps)

Radii = tuple[int, int, int]  # of a window, in pixels along the columns, the rows and the slices


class Ranks(NamedTuple):
    """All distances of a grid, and for each of them the window of the pixels that are nearer to its centre."""

    distances: Floats  # sorted and distinct: 0 first, the cap last
    radii: npt.NDArray[np.int64]  # for each of them, the `Radii` of the grid without single pixels

    @property
    def last(self) -> int:
        """The rank of the cap."""
        return len(self.distances) - 1


class RankLists(NamedTuple):
    """The ranks of the images of a batch, which have the same shape: one list for each spacing among them.

    Lists with fewer distances go on with the cap: all ranks from its first place on stand for it.
    """

    distances: Floats  # shape (lists, ranks)
    radii: npt.NDArray[np.int64]  # shape (lists, ranks, AXES)
    list_of: npt.NDArray[np.int64]  # which of them each image has; empty where one spacing is that of all

    @property
    def last(self) -> int:
        """The last rank of all lists, which stands for the cap."""
        return int(self.distances.shape[1]) - 1

    @property
    def is_one_for_all(self) -> bool:
        """Whether all images have the same list."""
        return len(self.distances) == 1

    @property
    def at_hand(self) -> Ranks:
        """The ranks of one image: of all, or memory for those of the image that a kernel is at."""
        if self.is_one_for_all:
            return Ranks(self.distances[0], self.radii[0])
        return Ranks(np.empty_like(self.distances[0]), np.empty_like(self.radii[0]))

    @property
    def caps(self) -> npt.NDArray[np.int64]:
        """From which rank on each list stands for the cap, shape (lists)."""
        return (self.distances < self.distances[:, -1:]).sum(1)  # type: ignore[no-any-return]

    def of_images(self, first: int, last: int) -> "RankLists":
        """The lists of images first..last - 1."""
        return self._replace(list_of=self.list_of[first:last])

    def radii_of_axes(self, shape: Shape) -> npt.NDArray[np.int64]:
        """The radii along the slices, the rows and the columns of the grid, 0 along axes of one pixel."""
        radii = np.zeros_like(self.radii)
        longer = [axis for axis in reversed(range(AXES)) if shape[axis] > 1]
        radii[:, :, longer] = self.radii[:, :, : len(longer)]
        return radii


def is_spaced(spacing: S | None) -> TypeGuard[S]:
    """Whether pixels of an image are farther apart along one axis than along another; else all is done in pixels."""
    if spacing is None or len(set(spacing)) == 1:
        return False
    return len(spacing) == AXES or bool(differ(by_image(spacing)).any())


def by_image(spacing: AllSteps) -> npt.NDArray[np.float64]:
    """Spacings, shape (images, AXES); one image, if all have the same."""
    return np.array(spacing).reshape(-1, AXES)


def differ(each: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """In which images the steps along the axes differ, shape (images)."""
    return (each != each[:, :1]).any(1)  # type: ignore[no-any-return]


def different(spacing: AllSteps) -> tuple[list[Steps], npt.NDArray[np.int64]]:
    """The different spacings of the images of a batch, and which of them each image has."""
    number_of: dict[Steps, int] = {}
    each = zip(spacing[0::AXES], spacing[1::AXES], spacing[2::AXES], strict=True)
    numbers = np.array([number_of.setdefault(steps, len(number_of)) for steps in each])
    return [*number_of], numbers


def steps_of(spacing: AllSteps, images: int) -> npt.NDArray[np.float64]:
    """The steps of images that are equally far apart along all axes, shape (images)."""
    return np.broadcast_to(by_image(spacing)[:, 0], images)


def sizes_of_ranks(shape: Shape, spacing: AllSteps) -> npt.NDArray[np.float64]:
    """Every size that a mask of a grid may have, by rank; one row an image, where each has a spacing of its own.

    Rows of images with fewer ranks go on with their largest size.
    """
    if len(spacing) == AXES:
        return 2 * distances_of(shape, steps_at(spacing, 0)).astype(np.float64)
    if is_spaced(spacing):
        lists = rank_lists_of(shape, spacing)
        return (2 * lists.distances.astype(np.float64))[lists.list_of]
    return 2 * lengths_along(shape.cap + 1, by_image(spacing)[:, :1]).astype(np.float64)


def sizes_to_compare(lists: RankLists, spacing: AllSteps) -> npt.NDArray[np.float64]:
    """Sizes of the ranks of each list, by which is told what is nearer.

    They are in pixels where the steps along the axes do not differ: how lengths are rounded must not decide.
    """
    are_different = differ(np.array(different(spacing)[0]))[:, None]
    return np.where(are_different, 2 * lists.distances.astype(np.float64), 2.0 * np.arange(1 + lists.last))


def steps_at(spacing: AllSteps, image: int) -> Steps:
    """The spacing of an image."""
    slices, rows, columns = spacing[AXES * image : AXES * (image + 1)]
    return slices, rows, columns


def distances_of(shape: Shape, spacing: Steps | None) -> Floats:
    """All distances of a grid, sorted: in pixels, or in the units of a spacing."""
    if is_spaced(spacing):
        return ranks_of(shape, spacing).distances
    return lengths_along(shape.cap + 1, 1 if spacing is None else spacing[0])


def lengths_along(side: int, number: float | npt.NDArray[np.float64]) -> Floats:
    """The length of 0, 1, ... side - 1 steps, each multiplied in float64 and rounded once."""
    return np.multiply(np.arange(side), number).astype(np.float32)


def rank_lists_of(shape: Shape, spacing: AllSteps) -> RankLists:
    """The ranks of a grid with one spacing, or with the spacing of each image of a batch."""
    if len(spacing) > AXES:
        spacings, list_of = different(spacing)
        return _lists_of(shape, np.array(spacings), list_of)
    ranks = ranks_of(shape, steps_at(spacing, 0))
    return RankLists(ranks.distances[None], ranks.radii[None], NO_LISTS)


@functools.lru_cache(maxsize=64)
def ranks_of(shape: Shape, spacing: Steps) -> Ranks:
    """The ranks of a grid."""
    lists = _lists_of(shape, np.array([spacing]), NO_LISTS)
    return Ranks(lists.distances[0], lists.radii[0])


def _lists_of(shape: Shape, spacings: npt.NDArray[np.float64], list_of: npt.NDArray[np.int64]) -> RankLists:
    """The lists of some spacings, shape (lists, AXES)."""
    sides, steps = np.array(shape), [spacings[:, axis : axis + 1] for axis in range(AXES)]
    cap = (spacings * sides).max(1, keepdims=True).astype(np.float32)  # which no distance in the grid reaches
    lengths = [lengths_along(side, step) for side, step in zip(shape, steps, strict=True)]
    # All distances in order, and the number of different ones that are smaller.
    ordered = np.sort(np.concatenate([*lengths, cap], axis=1), axis=1)
    is_first = np.ones(ordered.shape, np.bool_)
    is_first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    rank = is_first.cumsum(1, np.int32) - 1
    distances = np.repeat(cap, 1 + rank.max(), axis=1)
    np.put_along_axis(distances, rank, ordered, 1)
    radii = np.zeros((*distances.shape, AXES), np.int64)
    for column, axis in enumerate(axis for axis in reversed(range(AXES)) if shape[axis] > 1):
        radii[:, :, column] = _steps_below(distances, steps[axis], shape[axis])
    return RankLists(distances, radii, list_of)


def _steps_below(distances: Floats, step: npt.NDArray[np.float64], side: int) -> npt.NDArray[np.int64]:
    """How many of 1, 2, ... side - 1 steps are shorter than each distance, where all lengths are rounded to float32."""
    # Or a few off, by rounding.
    steps: npt.NDArray[np.int64] = np.minimum(np.ceil(distances / step) - 1, side - 1).clip(0).astype(np.int64)
    while (too_many := (steps > 0) & ((steps * step).astype(np.float32) >= distances)).any():
        steps -= too_many
    while (too_few := (steps < side - 1) & (((steps + 1) * step).astype(np.float32) < distances)).any():
        steps += too_few
    return steps
