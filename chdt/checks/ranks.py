"""Ranks: with a spacing, the places of distances in the sorted list of all that a grid has.

Where pixels are s_a apart along axis a, a distance is some s_a·k, or the cap where there is no background. These are
few, no more than the sides of the grid together, and their places in the list, the *ranks*, are integers in the same
order. So kernels work with ranks as they do with distances in pixels, and windows have a radius for each axis.
"""

import functools
from typing import NamedTuple, TypeGuard

import numpy as np
import numpy.typing as npt

from chdt.checks.shape import Shape, Steps

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
