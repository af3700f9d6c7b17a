"""Sizes after every single flip of a batch, as ranks: one table, the levels of its lines, and the added pixels."""

from typing import NamedTuple

import torch

from chdt.gpu.box_sums import box_sums, dims_of, index_bits_of, look_up_grid
from chdt.gpu.distances import maxima_of
from chdt.gpu.kernels.flips import add_kernel, levels_kernel, raise_kernel
from chdt.gpu.launching import AT_ONCE, PLACES
from chdt.gpu.ranks import Ranks, step_of
from chdt.gpu.reading import Grid


class FlipParts(NamedTuple):
    """What ranks of sizes after flips are made of, int32: the largest of four numbers for each pixel."""

    sizes: torch.Tensor  # of the images as they are, shape (images)
    levels: torch.Tensor  # of each slab, row and column, shape (images, depth + height + width)
    added: torch.Tensor  # of each pixel: -1 for foreground; of background that makes the object grow, else 0


def flips_of(marks: torch.Tensor, grid: Grid, ranks: Ranks, times: int) -> torch.Tensor:
    """So many ``times`` the rank of half the size after each flip: in place of the marks if they have no border."""
    _, levels, flips = flip_parts(marks, grid, ranks)
    answers = flips.new_empty(grid.inner) if any(grid.border) else flips
    programs, rows, columns = look_up_grid(grid.images, grid.shape)
    if programs > 0:
        raise_kernel[(programs,)](
            None, levels, flips, answers, times, *grid.shape, *grid.border, ROWS=rows, COLUMNS=columns
        )
    return answers


def flip_parts(marks: torch.Tensor, grid: Grid, ranks: Ranks) -> FlipParts:
    """The parts of a batch; ``marks`` are int32, of shape (images, depth, height, width), and become what is added."""
    images, shape, spaced, flips = grid.images, grid.shape, ranks.steps is not None, marks
    table = box_sums(marks, shape)
    sizes, maxima = maxima_of(table, grid, ranks)
    levels, longest = torch.empty_like(maxima), max(shape)
    if images == 0:
        return FlipParts(sizes, levels, flips)
    tiles = 3 * -(-longest // PLACES)
    levels_kernel[(images * tiles,)](
        None, maxima, ranks.ranks, ranks.list_of, ranks.each, levels, *shape, longest,
        SPACED=spaced, PLACES=PLACES, BLOCK=AT_ONCE,
    )  # fmt: skip
    programs, rows, columns = look_up_grid(images, shape)
    add_kernel[(programs,)](
        None, table, ranks.steps, ranks.list_of, ranks.each, sizes, flips,
        *shape, ranks.cap, step_of(ranks.cap), index_bits_of(shape),
        SPACED=spaced, DIMS=dims_of(shape), ROWS=rows, COLUMNS=columns,
    )  # fmt: skip
    return FlipParts(sizes, levels, flips)
