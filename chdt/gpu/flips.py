"""Sizes after every single flip of a batch, as ranks: one table, the levels of its lines, and the added pixels."""

from typing import NamedTuple

import torch

from chdt.checks.shape import Shape
from chdt.gpu.box_sums import box_sums, dims_of, index_bits_of, look_up_grid
from chdt.gpu.distances import maxima_of, sizes_in
from chdt.gpu.kernels.flips import add_kernel, levels_kernel, raise_kernel
from chdt.gpu.ranks import Ranks, step_of

PLACES, AT_ONCE = 64, 32  # of an axis, in a program: those whose levels it finds, and those it compares them with


class FlipParts(NamedTuple):
    """What ranks of sizes after flips are made of, int32: the largest of four numbers for each pixel."""

    sizes: torch.Tensor  # of the images as they are, shape (images)
    levels: torch.Tensor  # of each slab, row and column, shape (images, depth + height + width)
    added: torch.Tensor  # of each pixel: -1 for foreground; of background that makes the object grow, else 0


def flip_ranks(marks: torch.Tensor, shape: Shape, ranks: Ranks) -> torch.Tensor:
    """The rank of half the size after each flip, in place of marks as `flip_parts` takes them."""
    _, levels, flips = flip_parts(marks, shape, ranks)
    programs, rows, columns = look_up_grid(len(flips), shape)
    if programs > 0:
        raise_kernel[(programs,)](levels, flips, *shape, ROWS=rows, COLUMNS=columns)
    return flips


def flip_parts(marks: torch.Tensor, shape: Shape, ranks: Ranks) -> FlipParts:
    """The parts of a batch; ``marks`` are int32, of shape (images, depth, height, width), and become what is added."""
    images, spaced, flips = len(marks), ranks.steps is not None, marks
    table = box_sums(marks, shape)
    maxima = maxima_of(table, shape, ranks)
    sizes = sizes_in(maxima, shape)
    levels, longest = torch.empty_like(maxima), max(shape)
    if images == 0:
        return FlipParts(sizes, levels, flips)
    tiles = 3 * -(-longest // PLACES)
    levels_kernel[(images * tiles,)](
        maxima, ranks.ranks, ranks.list_of, ranks.each, levels, *shape, longest,
        SPACED=spaced, PLACES=PLACES, BLOCK=AT_ONCE,
    )  # fmt: skip
    programs, rows, columns = look_up_grid(images, shape)
    add_kernel[(programs,)](
        table, ranks.steps, ranks.list_of, ranks.each, sizes, flips,
        *shape, ranks.cap, step_of(ranks.cap), index_bits_of(shape),
        SPACED=spaced, DIMS=dims_of(shape), ROWS=rows, COLUMNS=columns,
    )  # fmt: skip
    return FlipParts(sizes, levels, flips)
