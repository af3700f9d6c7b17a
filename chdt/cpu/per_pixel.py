"""Distances, or sizes after flips: one answer for each pixel, written in place where that is possible."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.answers import answer_into, check_out, deliver, has_strided_integers, lengths_into, new_answer, written
from chdt.checks.dtypes import WORD_OF_SIZE
from chdt.checks.groups import groups_of
from chdt.checks.masks import AnyMasks, grid_shape
from chdt.checks.ranks import AXES, is_spaced, lengths_along, steps_of
from chdt.checks.shape import AllSteps, Shape
from chdt.cpu import threads
from chdt.cpu.distances import distances_into
from chdt.cpu.flips import flip_sizes_into
from chdt.cpu.kernels.lanes import BLOCK, Numbers
from chdt.cpu.kernels.packing import WORD_BITS
from chdt.cpu.kernels.writing import look_up, write_inside
from chdt.cpu.packed import PackedMasks, pack_masks
from chdt.cpu.route import counts_in_border, is_small, lanes_for
from chdt.cpu.strided import copy_values
from chdt.cpu.threads import SCAN_EFFORT, share

MOST_LENGTHS = 1 << 16  # in a table: it stays in a near cache, and looking up takes half as long as products

KEPT_ANSWERS = 1 << 17  # answers, of masks with a border, that are copied while they are in a near cache

KEPT_STRIDED_ANSWERS = 1 << 20
"""Answers that are kept until they are copied to an ``out`` with strides.

With the batch dim last in memory, distances of 6103 slices took 1.8 to 2.1 ns a pixel with 2^18 to 2^22 of them, 2.4
with all, which are memory that has to be found first, 2.9 with 2^17; on one core without AVX-512.
"""


class Answers(NamedTuple):
    """A kind of answer that each pixel gets."""

    operator: str  # its name
    caps: int  # answers are at most so many times the cap of distances
    write: Callable[[PackedMasks, AllSteps | None, Numbers], None]  # with a spacing, as the bits of float32 numbers


DISTANCES = Answers("distance_transform", 1, distances_into)

FLIP_SIZES = Answers("flip_sizes", 2, flip_sizes_into)


def _write_some(
    kind: Answers, packed: PackedMasks, unit: int, count: int, lanes: Any, put: Callable[[Numbers, int, int], None]
) -> None:
    """Write the answers of a few images at a time, on all threads: some ``count`` answers, of a multiple of ``unit``.

    ``put(answers, first, last)`` takes those of images first..last - 1 to where they belong. They may be overwritten,
    and behind them is room for a vector.
    """
    pixels = packed.shape.pixels

    def work(first: int, last: int) -> None:
        kept = np.empty(min(most, last - first) * pixels + BLOCK, lanes)
        for begin in range(first, last, most):
            images = min(most, last - begin)
            few = packed._replace(bits=packed.bits[begin * pixels // WORD_BITS :], batch=(images,))
            kind.write(few, None, kept[: images * pixels])
            put(kept, begin, begin + images)

    # So many that their bits begin with a word, and that they are left to one thread.
    together = unit * (WORD_BITS // math.gcd(WORD_BITS, unit * pixels))
    most = max(1, count // (pixels * together)) * together
    if most * pixels < 2 * threads.PIXELS_PER_THREAD:
        share(work, packed.images, SCAN_EFFORT * pixels, together)
    else:
        work(0, packed.images)


def _write_inside(kind: Answers, packed: PackedMasks, answers: Numbers) -> None:
    """Write the answers of masks with a border, without those of the border."""
    shape = Shape(*(side - 2 * more for side, more in zip(packed.shape, packed.border, strict=True)))

    def put(kept: Numbers, first: int, last: int) -> None:
        write_inside(kept, last - first, shape, packed.border, answers[first * shape.pixels : last * shape.pixels])

    lanes = min(lanes_for(kind.caps * packed.shape.cap), answers.dtype.type, key=lambda t: np.dtype(t).itemsize)
    _write_some(kind, packed, 1, KEPT_ANSWERS, lanes, put)


def _write_strided(kind: Answers, packed: PackedMasks, answers: npt.NDArray[Any]) -> None:
    """Write answers to memory with strides, of batch dims and a grid."""
    if packed.images == 0:
        return
    answers = answers if packed.batch else answers[None]
    unit = packed.images // len(answers)  # images of one index of the first dim
    pixels = packed.shape.pixels

    def put(kept: Numbers, first: int, last: int) -> None:
        target = answers[first // unit : last // unit]
        copy_values(kept[: (last - first) * pixels].view(answers.dtype).reshape(target.shape), target)

    _write_some(kind, packed, unit, KEPT_STRIDED_ANSWERS, WORD_OF_SIZE[answers.itemsize], put)


def answers_of(
    kind: Answers,
    masks: AnyMasks,
    spatial_dims: int,
    spacing: AllSteps | None,
    black_border: bool,
    out: AnyMasks | None = None,
) -> Any:
    """Answers for a batch, of the kind of the masks and on their device, or in ``out``."""
    shape = grid_shape(masks, spatial_dims)
    largest = kind.caps * shape.cap
    if not is_spaced(spacing):
        array = None if out is None or spacing is not None else check_out(out, masks, largest)
        in_planes = black_border and counts_in_border(shape, spatial_dims, None)
        is_enlarged = black_border and not in_planes
        if out is not None and array is not None and has_strided_integers(out, array) and not is_enlarged:
            packed = pack_masks(masks, spatial_dims, shape=shape)
            _write_strided(kind, packed._replace(black_border=in_planes), array)
            return written(out)
        if spacing is not None:
            answer = lengths_into(masks, out, copy_values)
        elif out is None:
            answer = new_answer(masks, tuple(masks.shape), largest)
        else:
            answer = answer_into(out, array, largest, copy_values)
        packed = pack_masks(masks, spatial_dims, is_enlarged, shape)
        if is_enlarged:
            _write_inside(kind, packed, answer.words)
        else:
            kind.write(packed._replace(black_border=in_planes), None, answer.words)
        if spacing is not None:
            _scale(answer.words.reshape(-1, shape.pixels), spacing, largest)
        return answer.finish()
    if not black_border and len(spacing) == AXES:
        answer = lengths_into(masks, out, copy_values)
        kind.write(pack_masks(masks, spatial_dims, shape=shape), spacing, answer.words)
        return answer.finish()
    if out is not None:
        check_out(out, masks, None)
    packed = pack_masks(masks, spatial_dims, black_border, shape)
    answers = np.empty((packed.images, *packed.shape), np.float32)
    for images, steps in groups_of(spacing, packed.images, is_small(packed.shape)):
        part = packed.some(images)
        whole = answers if part is packed else np.empty((part.images, *packed.shape), np.float32)
        _write_lengths(kind, part, steps, whole)
        if whole is not answers:
            answers[images] = whole
    return deliver(packed.inside(answers).reshape(tuple(masks.shape)), masks, out)


def _write_lengths(kind: Answers, packed: PackedMasks, spacing: AllSteps, answers: npt.NDArray[np.float32]) -> None:
    """Answers in units of a spacing; in pixels first, where these are equally far apart along all axes."""
    words = answers.reshape(-1).view(np.uint32)
    kind.write(packed, spacing if is_spaced(spacing) else None, words)
    if not is_spaced(spacing):
        _scale(words.reshape(-1, packed.shape.pixels), spacing, kind.caps * packed.shape.cap)


def _scale(words: npt.NDArray[np.uint32], spacing: AllSteps, largest: int) -> None:
    """Replace numbers of pixels, up to ``largest``, by the bits of their float32 lengths; a row an image."""
    steps = steps_of(spacing, len(words))[:, None]
    if largest > MOST_LENGTHS:
        words.view(np.float32)[...] = np.multiply(words.view(np.int32), steps, dtype=np.float64)
        return
    if len(spacing) == AXES:  # all images as one
        words, steps = words.reshape(1, -1), steps[:1]
    few = max(1, MOST_LENGTHS // (largest + 1))
    for first in range(0, len(words), few):
        tables = lengths_along(largest + 1, steps[first : first + few])
        _look_up_all(words[first : first + few], tables.view(np.uint32))


def _look_up_all(words: npt.NDArray[np.uint32], tables: npt.NDArray[np.uint32]) -> None:
    if len(words) == 1:
        share(lambda first, last: look_up(words[:, first:last], tables), words.size, 1)
    else:
        share(lambda first, last: look_up(words[first:last], tables[first:last]), *words.shape)
