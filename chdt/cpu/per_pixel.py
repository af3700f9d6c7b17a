"""Distances, or sizes after flips: one answer for each pixel, written in place where that is possible."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.answers import answer_into, check_out, deliver, new_answer
from chdt.checks.masks import AnyMasks, grid_shape
from chdt.checks.ranks import is_spaced
from chdt.checks.shape import Steps
from chdt.cpu.distances import distances_into
from chdt.cpu.flips import flip_sizes_into, spaced_flip_sizes
from chdt.cpu.kernels.lanes import Numbers
from chdt.cpu.packed import PackedMasks, pack_masks
from chdt.cpu.spaced import spaced_distances


class Answers(NamedTuple):
    """A kind of answer that each pixel gets."""

    operator: str  # its name
    caps: int  # answers are at most so many times the cap of distances
    write: Callable[[PackedMasks, Numbers], None]  # in pixels
    spaced: Callable[[PackedMasks, Steps], npt.NDArray[Any]]  # in units of a spacing that differs between the axes


DISTANCES = Answers("distance_transform", 1, distances_into, spaced_distances)

FLIP_SIZES = Answers("flip_sizes", 2, flip_sizes_into, spaced_flip_sizes)


def answers_of(
    kind: Answers,
    masks: AnyMasks,
    spatial_dims: int,
    spacing: Steps | None,
    black_border: bool,
    out: AnyMasks | None = None,
) -> Any:
    """Answers for a batch, of the kind of the masks and on their device, or in ``out``."""
    shape = grid_shape(masks, spatial_dims)
    largest = kind.caps * shape.cap
    if spacing is None and not black_border:
        answer = new_answer(masks, tuple(masks.shape), largest) if out is None else answer_into(out, masks, largest)
        kind.write(pack_masks(masks, spatial_dims, shape=shape), answer.words)
        return answer.finish()
    if out is not None:
        check_out(out, masks, largest if spacing is None else None)
    packed = pack_masks(masks, spatial_dims, black_border, shape)
    answers: npt.NDArray[Any]
    if not is_spaced(spacing):
        answers = np.empty((packed.images, *packed.shape), np.int32)
        kind.write(packed, answers.reshape(-1).view(np.uint32))
        if spacing is not None:
            answers = np.multiply(answers, spacing[0], dtype=np.float64).astype(np.float32)
    else:
        answers = kind.spaced(packed, spacing)
    return deliver(packed.inside(answers).reshape(tuple(masks.shape)), masks, out)
