"""Distances by their place in a list: with a spacing, all that can occur in a grid, and how many steps each allows."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from chdt.checks.devices import lists_on
from chdt.checks.ranks import AXES, different, is_spaced, lengths_along, rank_lists_of, sizes_to_compare, steps_of
from chdt.checks.shape import AllSteps, Shape


class Ranks(NamedTuple):
    """Distance k has rank k without a spacing; with one, lists on the device say what each rank stands for.

    There is one of each for each spacing among the images. Those of few distances go on with the cap.
    """

    cap: int  # the rank of the distance where there is no background
    distances: torch.Tensor | None = None  # float32, shape (lists, 1 + cap)
    steps: torch.Tensor | None = None  # int32, shape (lists, 3, 1 + cap): most steps along each axis of a lower rank
    ranks: torch.Tensor | None = None  # int32, shape (lists, 3, longest side): the rank of so many steps
    last: torch.Tensor | None = None  # int64, shape (lists): from which rank on it is the cap
    sizes: torch.Tensor | None = None  # float64, shape (lists, 1 + cap): by which is told what is nearer
    list_of: torch.Tensor | None = None  # int32, which of them each image has, or of one image what all have

    @property
    def each(self) -> int:
        """How far apart images are in ``list_of``."""
        return int(self.list_of is not None and len(self.list_of) > 1)

    def times(self, number: int) -> int:
        """What a kernel multiplies ranks by, for so many times their distances: those that are listed come later."""
        return number if self.distances is None else 1

    def flat(self, found: torch.Tensor) -> torch.Tensor:
        """Places of ranks, one image after the other, in what is listed for each rank; they may be changed."""
        if self.list_of is None or not self.each:
            return found
        return found.add_((self.list_of * (1 + self.cap)).view(-1, *[1] * (found.ndim - 1)))


def ranks_of(shape: Shape, spacing: AllSteps | None, device: torch.device) -> Ranks:
    """The ranks of a grid; spacings that are the same along all axes need no list."""
    if not is_spaced(spacing):
        return Ranks(shape.cap)
    distances, *others = lists_on(device, _listed, shape, spacing)
    return Ranks(distances.shape[1] - 1, distances, *others)


def _listed(shape: Shape, spacing: AllSteps) -> list[npt.NDArray[Any]]:
    """The lists of `Ranks`."""
    spacings, list_of = different(spacing)
    lists = rank_lists_of(shape, spacing)
    steps = np.ascontiguousarray(lists.radii_of_axes(shape).swapaxes(1, 2), np.int32)
    lengths = lengths_along(shape.cap, np.array(spacings)[:, :, None])
    ordered = torch.from_numpy(lists.distances)[:, None].repeat(1, AXES, 1)
    ranks = torch.searchsorted(ordered, torch.from_numpy(lengths), out_int32=True).numpy()
    return [lists.distances, steps, ranks, lists.caps, sizes_to_compare(lists, spacing), list_of.astype(np.int32)]


def step_of(cap: int) -> int:
    """The first step of a bisection up to the cap: the largest power of two in it."""
    return 1 << (cap.bit_length() - 1)


def answers_of_ranks(found: torch.Tensor, times: int, ranks: Ranks, spacing: AllSteps | None) -> torch.Tensor:
    """So many times the distances of these ranks, which may be changed: int32 pixels, float32 with a spacing.

    Ranks have the shape (images, ...), and have been multiplied as `Ranks.times` says.
    """
    if ranks.distances is not None:
        places = ranks.flat(found).reshape(-1)
        return ranks.distances.view(-1).index_select(0, places).mul_(times).view(found.shape)
    if spacing is None:
        return found
    if len(spacing) == AXES:
        return found.double().mul_(spacing[0]).float()
    (steps,) = lists_on(found.device, _steps_of_images, spacing)
    return found.double().mul_(steps.view(-1, *[1] * (found.ndim - 1))).float()


def _steps_of_images(spacing: AllSteps) -> list[npt.NDArray[Any]]:
    return [steps_of(spacing, len(spacing) // AXES).copy()]
