"""Distances of large grids with a spacing, by crossings: one image a thread, or one image for all of them.

Each axis has codes of its own, in which w steps are w times a number: so vectors of small integers add and compare
them. Between two steps lie a few lengths of the axes before, which take the numbers in between.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from chdt.checks.ranks import Floats, lengths_along, ranks_of
from chdt.checks.shape import Shape, Steps
from chdt.cpu.kernels.crossing import (
    Axis,
    Crossing,
    CrossingMemory,
    codes_of,
    cross_rows,
    cross_slices,
    crossed_distances_of,
    crossing_memory,
    steps_of_rows,
    write_lengths,
)
from chdt.cpu.kernels.lanes import BLOCK, Numbers
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.writing import BUFFERED, WriteBuffer, any_numbers, tables_for, with_tables, write_buffer
from chdt.cpu.memory import reused
from chdt.cpu.packed import PackedMasks
from chdt.cpu.route import images_alone, is_streamed, lanes_for, row_layout
from chdt.cpu.threads import CROSSING_EFFORT, share

LEAST_LARGEST = 1 << 8
"""What lanes must hold in any case: those of 8 bits are hardly ever wide enough, and would be compiled for the few."""


def _codes(values: Floats, steps: Floats, before: Floats) -> tuple[npt.NDArray[np.int64], int]:
    """The codes of an axis for these values, and the code of one step; ``before`` are the values of the axes before."""
    between = before[~np.isin(before, steps)]
    after = np.searchsorted(steps, between, "right") - 1  # the step that each of them follows
    place = np.arange(len(between)) - np.searchsorted(after, after) + 1
    step = 1 + int(place[after < len(steps) - 1].max(initial=0))
    last = np.searchsorted(steps, values, "right") - 1
    first_behind = np.searchsorted(between, steps[last], "right")
    return last * step + np.searchsorted(between, values, "right") - first_behind, step


@functools.lru_cache(maxsize=64)
def crossing_of(shape: Shape, spacing: Steps) -> tuple[Crossing, npt.NDArray[np.uint32], Any]:
    """How a grid is crossed, the bits of the float32 length of each code, and the dtype of codes."""
    ranks = ranks_of(shape, spacing)
    sides = [(side, number) for side, number in zip(shape, spacing, strict=True) if side > 1]
    sides = [(1, 1.0)] * (3 - len(sides)) + sides
    *others, known = (lengths_along(*side) for side in sides)
    codes, tables = np.arange(len(known)), []
    for steps in reversed(others):
        if len(steps) == 1:  # is not crossed
            tables.append((1, 1, codes, codes))
            continue
        values = np.union1d(known, steps)
        number_of, step = _codes(values, steps, known)
        before = number_of[np.searchsorted(values, known)]
        tables.append((len(steps), step, codes, before))
        codes, known = number_of, values
    largest = max(int(codes[-1]), *(2 * length * step for length, step, *_ in tables), shape.cap)
    lanes = lanes_for(max(largest, 2 * ranks.last, LEAST_LARGEST))
    none = np.iinfo(lanes).max

    def axis(length: int, step: int, codes: Any, before: Any) -> Axis:
        recode = np.empty(0, lanes)
        if not np.array_equal(codes, before):
            recode = np.full(int(codes[-1]) + 2, none, lanes)
            recode[codes] = before
        return Axis(length, lanes(step), recode)

    rank_of_code = np.full(int(codes[-1]) + 2, ranks.last)
    rank_of_code[codes] = np.searchsorted(ranks.distances, known)
    rows, slices = (axis(*table) for table in tables)
    crossing = Crossing(rows, slices, len(rank_of_code), rank_of_code)
    return crossing, ranks.distances[rank_of_code].view(np.uint32), lanes


def crossed_distances_into(packed: PackedMasks, spacing: Steps, answers: Numbers) -> None:
    """Write the distances of a batch, in reading order, as the bits of float32 numbers."""
    shape, pixels = packed.shape.without_single_pixels, packed.shape.pixels
    crossing, table, lanes = crossing_of(packed.shape, spacing)
    tables = tables_for(table[None], lanes, answers.size)
    past_caches, alone = is_streamed(answers), images_alone(packed.images, row_layout(packed.shape))

    def buffer() -> WriteBuffer:
        return with_tables(reused(write_buffer, lanes, past_caches, BUFFERED, True), tables)

    def memory() -> tuple[CrossingMemory, WriteBuffer]:
        return reused(crossing_memory, shape, lanes), buffer()

    def work(first: int, last: int, here: CrossingMemory, buffer: WriteBuffer) -> None:
        of_images = any_numbers(answers[first * pixels : last * pixels])
        crossed_distances_of(packed.bits, first * pixels, last - first, crossing, here, buffer, of_images)

    share(work, alone, CROSSING_EFFORT * pixels, memory=memory)
    for image in range(alone, packed.images):
        codes = codes_of_image(packed.bits, image * pixels, shape, crossing, lanes)
        of_image = any_numbers(answers[image * pixels : (image + 1) * pixels])

        def write(first: int, last: int, here: CrossingMemory, codes: Any = codes, to: Any = of_image) -> None:
            write_lengths(first, last, crossing, here._replace(codes=codes), buffer(), to, 0)

        share_lines(write, shape.depth * shape.height, shape.width, shape, lanes)


def share_lines(
    work: Callable[[int, int, CrossingMemory], None], count: int, pixels: int, shape: Shape, lanes: Any
) -> None:
    """Call ``work(first, last, memory)`` for all of ``count`` items of an image, on several threads."""
    share(work, count, CROSSING_EFFORT * pixels, memory=lambda: (reused(crossing_memory, shape, lanes, False),))


def codes_of_image(bits: Words, start: int, shape: Shape, crossing: Crossing, lanes: Any) -> Numbers:
    """The codes of an image, from all threads: one axis after the other."""
    codes = codes_of(shape, lanes)
    blocks = -(-shape.width // BLOCK)

    def rows(first: int, last: int, memory: CrossingMemory) -> None:
        steps_of_rows(bits, start, first, last, memory._replace(codes=codes))

    def from_row_to_row(first: int, last: int, memory: CrossingMemory) -> None:
        cross_rows(first, last, crossing, memory._replace(codes=codes))

    def from_slice_to_slice(first: int, last: int, memory: CrossingMemory) -> None:
        cross_slices(first, last, crossing, memory._replace(codes=codes))

    share_lines(rows, shape.depth * shape.height, shape.width, shape, lanes)
    if shape.height > 1:
        share_lines(from_row_to_row, shape.depth * blocks, shape.height * BLOCK, shape, lanes)
    if shape.depth > 1:
        share_lines(from_slice_to_slice, shape.height * blocks, shape.depth * BLOCK, shape, lanes)
    return codes
