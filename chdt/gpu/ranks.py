"""Distances by their place in a list: with a spacing, all that can occur in a grid, and how many steps each allows."""

import functools
from typing import NamedTuple

import numpy as np
import torch

from chdt.checks.devices import is_captured, sent
from chdt.checks.ranks import distances_of, is_spaced, lengths_along
from chdt.checks.shape import Shape, Steps


class Ranks(NamedTuple):
    """Distance k has rank k without a spacing; with one, tensors on the device say what each rank stands for."""

    cap: int  # the rank of the distance where there is no background
    distances: torch.Tensor | None  # float32, shape (1 + cap)
    steps: torch.Tensor | None  # int32, shape (3, 1 + cap): the most steps along each axis of a lower rank
    ranks: torch.Tensor | None  # int32, shape (3, longest side): the rank of so many steps along each axis


_of_graphs: dict[int, Ranks] = {}  # what CUDA graphs read in every replay must stay where it is


def ranks_of(shape: Shape, spacing: Steps | None, device: torch.device) -> Ranks:
    """The ranks of a grid; a spacing that is the same for all axes needs no list."""
    if not is_spaced(spacing):
        return Ranks(shape.cap, None, None, None)
    ranks = _listed(shape, spacing, device)
    if is_captured(device):
        _of_graphs[id(ranks)] = ranks
    elif device.type == "cuda":  # lists that are given up may still be read by what waits on this stream
        for each in (ranks.distances, ranks.steps, ranks.ranks):
            if each is not None:
                each.record_stream(torch.cuda.current_stream(device))
    return ranks


@functools.lru_cache(maxsize=64)
def _listed(shape: Shape, spacing: Steps, device: torch.device) -> Ranks:
    """The lists of a grid, made once for all streams: so they are waited for."""
    along = [lengths_along(side, step) for side, step in zip(shape, spacing, strict=True)]
    distances = distances_of(shape, spacing)
    steps = np.array([np.searchsorted(each, distances) - 1 for each in along], np.int32).clip(0)
    ranks = np.zeros((3, shape.cap), np.int32)
    for axis, each in enumerate(along):
        ranks[axis, : len(each)] = np.searchsorted(distances, each)
    lists = [
        sent(torch.from_numpy(each), device, "a spacing that was not used before") for each in (distances, steps, ranks)
    ]
    if device.type == "cuda":
        torch.cuda.current_stream(device).synchronize()
    return Ranks(len(distances) - 1, *lists)


def step_of(cap: int) -> int:
    """The first step of a bisection up to the cap: the largest power of two in it."""
    return 1 << (cap.bit_length() - 1)


def answers_of_ranks(found: torch.Tensor, times: int, ranks: Ranks, spacing: Steps | None) -> torch.Tensor:
    """So many times the distances of these ranks, which may be changed: int32 pixels, float32 with a spacing."""
    if ranks.distances is not None:
        return ranks.distances.index_select(0, found.reshape(-1)).mul_(times).view(found.shape)
    if spacing is not None:
        return found.mul_(times).double().mul_(spacing[0]).float()
    return found.mul_(times) if times > 1 else found
