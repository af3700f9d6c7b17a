"""Sizes after every single flip of a batch, as ranks: one table, the levels of its lines, and the added pixels."""

import torch

from chdt.checks.shape import Shape
from chdt.gpu.box_sums import box_sums, dims_of, index_bits_of, look_up_grid
from chdt.gpu.distances import maxima_of, sizes_in
from chdt.gpu.kernels.flips import add_kernel, levels_kernel, raise_kernel
from chdt.gpu.ranks import Ranks, step_of

PLACES, AT_ONCE = 64, 32  # of an axis, in a program: those whose levels it finds, and those it compares them with


def flip_ranks(foreground: torch.Tensor, shape: Shape, ranks: Ranks) -> tuple[torch.Tensor, torch.Tensor]:
    """The ranks of half the sizes: of each image, shape (images), and after each flip, shape (images, ...); int32.

    ``foreground`` has a byte a pixel, shape (images, depth, height, width).
    """
    images, spaced = len(foreground), ranks.steps is not None
    table = box_sums(foreground, shape)
    maxima = maxima_of(table, shape, ranks)
    sizes = sizes_in(maxima, shape)
    flips = torch.zeros(foreground.shape, dtype=torch.int32, device=foreground.device)
    if flips.numel() == 0:
        return sizes, flips
    levels, longest = torch.empty_like(maxima), max(shape)
    tiles = 3 * -(-longest // PLACES)
    levels_kernel[(images * tiles,)](
        maxima, ranks.ranks, levels, *shape, longest, SPACED=spaced, PLACES=PLACES, BLOCK=AT_ONCE
    )
    programs, rows, columns = look_up_grid(images, shape)
    add_kernel[(programs,)](
        table, ranks.steps, sizes, flips, *shape, ranks.cap, step_of(ranks.cap), index_bits_of(shape),
        SPACED=spaced, DIMS=dims_of(shape), ROWS=rows, COLUMNS=columns,
    )  # fmt: skip
    raise_kernel[(programs,)](levels, flips, *shape, ROWS=rows, COLUMNS=columns)
    return sizes, flips
