"""Small images, of which a program does a whole one: from what is given to what is wanted in one launch."""

from typing import Any, NamedTuple

import torch

from chdt.gpu import box_sums
from chdt.gpu.box_sums import dims_of, index_bits_of, look_up_grid
from chdt.gpu.kernels.whole_images import whole_images_kernel
from chdt.gpu.launching import AT_ONCE, PLACES
from chdt.gpu.ranks import Ranks, step_of
from chdt.gpu.reading import Grid, none_invalid, raise_for, words_of

MOST_PIXELS = 4096  # more take one program longer than some launches take

LINE_TILE, OTHER_TILE = (1, 512), (16, 32)  # lines along rows, and how many pixels of them at once

WARPS = 8  # of a program: with fewer, some forms of the kernel do not fit into registers


class Losses(NamedTuple):
    """What differences of losses are found with."""

    table: torch.Tensor  # contiguous, shape (..., ranks)
    values: torch.Tensor  # shape (...)
    draws: int = 1
    seeds: torch.Tensor | None = None
    left_out: torch.Tensor | None = None


def fits(grid: Grid) -> bool:
    """Whether a program can do an image of this grid."""
    return grid.shape.pixels <= MOST_PIXELS and index_bits_of(grid.shape) <= box_sums.MOST_INDEX_BITS


def sizes_of_masks(masks: torch.Tensor, grid: Grid, ranks: Ranks, times: int, name: str) -> torch.Tensor:
    """So many ``times`` the rank of half the size of each image, shape (images)."""
    sizes = torch.empty(grid.images, dtype=torch.int32, device=masks.device)
    of_masks("sizes", masks, grid, ranks, sizes, times, name)
    return sizes


def of_masks(
    wanted: str,
    masks: torch.Tensor,
    grid: Grid,
    ranks: Ranks,
    answers: torch.Tensor,
    times: int,
    name: str,
    losses: Losses | None = None,
) -> None:
    """Write into the answers what is wanted of these masks, as `whole_images_kernel` says."""
    words, foreground, background = words_of(masks)
    if masks.dtype == torch.bool:
        _launch("truths", words, wanted, grid, ranks, answers, times, losses)
        return
    invalid = none_invalid(masks)
    _launch("words", words, wanted, grid, ranks, answers, times, losses, foreground, background, invalid)
    raise_for(invalid, masks, name)


def of_chances(chances: torch.Tensor, grid: Grid, ranks: Ranks, gradient: torch.Tensor, losses: Losses) -> None:
    """Write the sampled derivative for these chances, of which the gradient may take the place if it is of one draw."""
    _launch("chances", chances, "differences", grid, ranks, gradient, 1, losses)


def _launch(
    kind: str,
    given: torch.Tensor,
    wanted: str,
    grid: Grid,
    ranks: Ranks,
    answers: torch.Tensor,
    times: int,
    losses: Losses | None,
    foreground: int = 0,
    background: int = 0,
    invalid: torch.Tensor | None = None,
) -> None:
    images, shape = grid.images, grid.shape
    if images == 0:
        return
    _, rows, columns = look_up_grid(images, shape)
    numbers = 2 * (shape.pixels + sum(shape)) + 1
    scratch = torch.empty(images * numbers, dtype=torch.int32, device=given.device)
    sum_lines, sum_block = LINE_TILE if dims_of(shape) == 1 else OTHER_TILE
    draws, about_losses = _about(losses)
    whole_images_kernel[(images,)](
        given, None if losses is None else losses.seeds, foreground, background, invalid, scratch, answers, times,
        *about_losses, draws, float(draws), ranks.steps, ranks.ranks, ranks.list_of, ranks.each,
        *shape, *grid.border, ranks.cap, step_of(ranks.cap), max(shape), index_bits_of(shape),
        GIVEN=kind, WANTED=wanted, LEAVES_OUT=losses is not None and losses.left_out is not None,
        SPACED=ranks.steps is not None, DIMS=dims_of(shape), ROWS=rows, COLUMNS=columns,
        SUM_LINES=sum_lines, SUM_BLOCK=sum_block, PLACES=PLACES, AT_ONCE=AT_ONCE, num_warps=WARPS,
    )  # fmt: skip


def _about(losses: Losses | None) -> tuple[int, list[Any]]:
    """How many draws there are, and what the kernel takes of losses: table, columns, sums, values, who is left out."""
    if losses is None:
        return 1, [None, 1, None, None, None]
    sums = torch.empty_like(losses.values) if losses.draws > 1 else losses.values
    left_out = None if losses.left_out is None else losses.left_out.contiguous().view(torch.int8)
    return losses.draws, [losses.table, losses.table.shape[-1], sums, losses.values, left_out]
