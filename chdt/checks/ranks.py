"""Ranks: with a spacing, the places of distances in the sorted list of all that a grid has.

Where pixels are s_a apart along axis a, a distance is some s_a·k, or the cap where there is no background. These are
few, no more than the sides of the grid together, and their places in the list, the *ranks*, are integers in the same
order. So kernels work with ranks as they do with distances in pixels, and windows have a radius for each axis.
"""

import functools
from typing import NamedTuple, TypeGuard

import numpy as np
import numpy.typing as npt

from chdt.checks.shape import AllSteps, Shape, Steps

AXES = 3

Floats = npt.NDArray[np.float32]

Radii = tuple[int, int, int]  # of a window, in pixels along the columns, the rows and the slices


class Ranks(NamedTuple):
    """All distances of a grid, and for each of them the window of the pixels that are nearer to its centre."""

    distances: Floats  # sorted and distinct: 0 first, the cap last
    radii: npt.NDArray[np.int64]  # for each of them, the `Radii` of the grid without single pixels

    @property
    def last(self) -> int:
        """The rank of the cap."""
        return len(self.distances) - 1


def is_spaced(spacing: Steps | None) -> TypeGuard[Steps]:
    """Whether pixels are farther apart along one axis than along another; else all is done in pixels."""
    return spacing is not None and len(set(spacing)) > 1


def runs_of(spacing: AllSteps | None, images: int) -> list[tuple[int, int, Steps | None]]:
    """The first and last images of all runs that have the same spacing, as in ``range``, and this spacing."""
    if spacing is None or len(spacing) == AXES:
        return [(0, images, None if spacing is None else _steps_at(spacing, 0))]
    steps = [_steps_at(spacing, image) for image in range(images)]
    starts = [image for image in range(images) if image == 0 or steps[image] != steps[image - 1]]
    return [(first, last, steps[first]) for first, last in zip(starts, [*starts[1:], images], strict=True)]


def groups_of(spacing: AllSteps, images: int) -> list[tuple[slice | npt.NDArray[np.int64], Steps]]:
    """All images of a batch, by their spacing."""
    if len(spacing) == AXES:
        return [(slice(0, images), _steps_at(spacing, 0))]
    different, group = _different(spacing)
    ends = np.cumsum(np.bincount(group))[:-1]
    return list(zip(np.split(np.argsort(group, kind="stable"), ends), different, strict=True))


def _different(spacing: AllSteps) -> tuple[list[Steps], npt.NDArray[np.int64]]:
    """The different spacings of the images of a batch, and which of them each image has."""
    different, group = np.unique(np.array(spacing).reshape(-1, AXES), axis=0, return_inverse=True)
    return [_steps_at(tuple(steps), 0) for steps in different.tolist()], group.reshape(-1)


def sizes_of_ranks(shape: Shape, spacing: AllSteps) -> npt.NDArray[np.float64]:
    """Every size that a mask of a grid may have, by rank; one row an image, where each has a spacing of its own.

    Rows of images with fewer ranks go on with their largest size.
    """
    if len(spacing) == AXES:
        return 2 * distances_of(shape, _steps_at(spacing, 0)).astype(np.float64)
    different, group = _different(spacing)
    rows = [sizes_of_ranks(shape, steps) for steps in different]
    longest = max(map(len, rows))
    return np.stack([np.pad(row, (0, longest - len(row)), mode="edge") for row in rows])[group]


def _steps_at(spacing: AllSteps, image: int) -> Steps:
    slices, rows, columns = spacing[AXES * image : AXES * (image + 1)]
    return slices, rows, columns


def distances_of(shape: Shape, spacing: Steps | None) -> Floats:
    """All distances of a grid, sorted: in pixels, or in the units of a spacing."""
    if is_spaced(spacing):
        return ranks_of(shape, spacing).distances
    return lengths_along(shape.cap + 1, 1 if spacing is None else spacing[0])


def spaced_cap(shape: Shape, spacing: Steps) -> np.float32:
    """The distance where there is no background: as long as the longest side, which no distance in the grid reaches."""
    return np.float32(max(number * length for number, length in zip(spacing, shape, strict=True)))


def lengths_along(side: int, number: float) -> Floats:
    """The length of 0, 1, ... side - 1 steps, each multiplied in float64 and rounded once."""
    return np.multiply(np.arange(side), number).astype(np.float32)


@functools.lru_cache(maxsize=64)
def ranks_of(shape: Shape, spacing: Steps) -> Ranks:
    """The ranks of a grid."""
    lengths = [lengths_along(side, number) for side, number in zip(shape, spacing, strict=True)]
    distances = np.unique(np.concatenate([*lengths, [spaced_cap(shape, spacing)]]))
    radii = np.zeros((len(distances), 3), np.int64)
    for axis, steps in enumerate([steps for steps in reversed(lengths) if len(steps) > 1]):
        radii[:, axis] = np.searchsorted(steps[1:], distances)
    return Ranks(distances, radii)


def ranks_along(ranks: Ranks, side: int, number: float) -> npt.NDArray[np.int64]:
    """The rank of 0, 1, ... side - 1 steps along an axis whose pixels are ``number`` apart."""
    return np.searchsorted(ranks.distances, lengths_along(side, number))
