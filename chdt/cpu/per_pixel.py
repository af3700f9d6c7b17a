"""Distances, or sizes after flips: one answer for each pixel, written in place where that is possible."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.answers import answer_into, check_out, deliver, new_answer
from chdt.checks.masks import AnyMasks, grid_shape
from chdt.checks.shape import Shape, Steps
from chdt.cpu import threads
from chdt.cpu.distances import distances_into
from chdt.cpu.flips import flip_sizes_into, spaced_flip_sizes
from chdt.cpu.kernels.lanes import BLOCK, Numbers
from chdt.cpu.kernels.packing import WORD_BITS
from chdt.cpu.kernels.writing import write_inside
from chdt.cpu.packed import PackedMasks, pack_masks
from chdt.cpu.route import SCAN_EFFORT, is_spaced
from chdt.cpu.spaced import spaced_distances
from chdt.cpu.strided import copy_values

KEPT_ANSWERS = 1 << 17  # answers, of masks with a border, that are copied while they are in a near cache


class Answers(NamedTuple):
    """A kind of answer that each pixel gets."""

    operator: str  # its name
    caps: int  # answers are at most so many times the cap of distances
    write: Callable[[PackedMasks, Numbers], None]  # in pixels
    spaced: Callable[[PackedMasks, Steps], npt.NDArray[Any]]  # in units of a spacing that differs between the axes


DISTANCES = Answers("distance_transform", 1, distances_into, spaced_distances)

FLIP_SIZES = Answers("flip_sizes", 2, flip_sizes_into, spaced_flip_sizes)


def _write_inside(kind: Answers, packed: PackedMasks, answers: Numbers) -> None:
    """Write the answers of masks with a border, without those of the border: a few images at a time, on all threads."""
    pixels = packed.shape.pixels
    shape = Shape(*(side - 2 * more for side, more in zip(packed.shape, packed.border, strict=True)))

    def work(first: int, last: int) -> None:
        kept = np.empty(min(most, last - first) * pixels + BLOCK, answers.dtype)
        for begin in range(first, last, most):
            images = min(most, last - begin)
            few = packed._replace(bits=packed.bits[begin * pixels // WORD_BITS :], batch=(images,))
            kind.write(few, kept[: images * pixels])
            here = answers[begin * shape.pixels : (begin + images) * shape.pixels]
            write_inside(kept, images, shape, packed.border, here)

    # So many that their bits begin with a word, and that they are left to one thread.
    together = WORD_BITS // math.gcd(WORD_BITS, pixels)
    most = max(1, KEPT_ANSWERS // (pixels * together)) * together
    if most * pixels < 2 * threads.PIXELS_PER_THREAD:
        threads.share(work, packed.images, SCAN_EFFORT * pixels, together)
    else:
        work(0, packed.images)


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
    if spacing is None:
        if out is None:
            answer = new_answer(masks, tuple(masks.shape), largest)
        else:
            answer = answer_into(out, masks, largest, copy_values)
        packed = pack_masks(masks, spatial_dims, black_border, shape)
        if black_border:
            _write_inside(kind, packed, answer.words)
        else:
            kind.write(packed, answer.words)
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
