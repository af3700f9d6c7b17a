"""Thresholds of a batch of logits at which objects have given sizes, and the masks there."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from chdt.checks.dtypes import SAME_SIZE, WORD_OF_SIZE
from chdt.checks.masks import grid_shape
from chdt.checks.ranks import distances_of, is_spaced, ranks_along, ranks_of, runs_of
from chdt.checks.shape import AllSteps, Shape, Steps
from chdt.cpu.kernels.best_window import threshold_memory
from chdt.cpu.kernels.cuts import cut_masks
from chdt.cpu.kernels.keys import Floats
from chdt.cpu.kernels.lanes import BLOCK, Numbers
from chdt.cpu.kernels.tiny_thresholds import cut_masks_side_by_side, weakest_pixels_side_by_side
from chdt.cpu.kernels.weakest_pixels import weakest_pixels_of
from chdt.cpu.kernels.window_centres import Windows
from chdt.cpu.kernels.window_minima import minima_memory
from chdt.cpu.memory import reused
from chdt.cpu.route import are_side_by_side
from chdt.cpu.threads import share

EFFORT = 8  # the cost of a pixel; packing one is 1


def weakest_pixels_of_ranks(
    logits: torch.Tensor, ranks: torch.Tensor, spatial_dims: int, spacing: AllSteps | None, black_border: bool
) -> torch.Tensor:
    """For each image and each of its ranks, int64 of shape (..., count), the pixel that `weakest_pixels_of` gives."""
    pixels = torch.empty(ranks.shape, dtype=torch.int64, device="cpu")
    wanted, found = _flat(ranks, ranks.shape[-1]), pixels.view(-1, ranks.shape[-1]).numpy()
    _share(
        (weakest_pixels_of, weakest_pixels_side_by_side), logits, wanted, found, 1, spatial_dims, spacing, black_border
    )
    return pixels.to(logits.device)


def masks_of_ranks(
    logits: torch.Tensor, ranks: torch.Tensor, spatial_dims: int, spacing: AllSteps | None, black_border: bool
) -> torch.Tensor:
    """Of all masks ``logits > t`` that hold a window of the rank of their image, but none one larger, t nearest 0."""
    masks = torch.empty(logits.shape, dtype=torch.bool, device="cpu")
    cut, pixels = masks.view(-1).numpy().view(np.uint8), grid_shape(logits, spatial_dims).pixels
    _share((cut_masks, cut_masks_side_by_side), logits, _flat(ranks), cut, pixels, spatial_dims, spacing, black_border)
    return masks.to(logits.device)


def _flat(ranks: torch.Tensor, *count: int) -> npt.NDArray[np.int64]:
    """Which of the windows of its grid each image is asked for; those of rank 1, single pixels, are the first."""
    return ranks.detach().cpu().contiguous().view(-1, *count).numpy() - 1


def _share(
    kernels: tuple[Callable[..., None], Callable[..., None]],
    logits: torch.Tensor,
    wanted: npt.NDArray[np.int64],
    answers: npt.NDArray[Any],
    answers_of_image: int,
    spatial_dims: int,
    spacing: AllSteps | None,
    black_border: bool,
) -> None:
    """Call a kernel for all images, on as many threads as pay off: for one run of equal spacing after the other.

    Of two kernels, the second one is for images side by side.
    """
    shape = grid_shape(logits, spatial_dims)
    values, floats = _values_of(logits)
    for begin, end, steps in runs_of(spacing, len(wanted)):
        windows = _windows_of(shape, spatial_dims, steps, black_border)
        side_by_side = not is_spaced(steps) and are_side_by_side(end - begin, shape, values.itemsize)
        kernel, make = (kernels[1], minima_memory) if side_by_side else (kernels[0], threshold_memory)

        def work(
            first: int,
            last: int,
            begin: int = begin,
            windows: Windows = windows,
            kernel: Callable[..., None] = kernel,
            make: Callable[..., Any] = make,
        ) -> None:
            first, last = begin + first, begin + last
            memory = reused(make, shape, values.dtype.type)
            here = values[first * shape.pixels : last * shape.pixels]
            to = answers[first * answers_of_image : last * answers_of_image]
            kernel(here, floats, wanted[first:last], windows, memory, to)

        share(work, end - begin, EFFORT * shape.pixels, BLOCK if side_by_side else 1)


def _values_of(logits: torch.Tensor) -> tuple[Numbers, Floats]:
    """All logits in reading order, as bits."""
    flat = logits.detach().cpu().contiguous().resolve_neg().view(-1)
    values = flat.view(SAME_SIZE[flat.itemsize]).numpy().view(WORD_OF_SIZE[flat.itemsize])
    infinity = torch.tensor([torch.inf], dtype=logits.dtype, device="cpu").view(SAME_SIZE[flat.itemsize]).item()
    return values, Floats(np.uint64(1 << (8 * flat.itemsize - 1)), np.uint64(infinity))


@functools.lru_cache(maxsize=64)
def _windows_of(shape: Shape, spatial_dims: int, spacing: Steps | None, black_border: bool) -> Windows:
    """All windows that the grid has room for: with a border, those that do not reach it."""
    whole = shape.with_border(spatial_dims) if black_border else shape
    sizes = 2 * distances_of(whole, spacing).astype(np.float64)
    count = len(sizes) - 1
    if is_spaced(spacing):
        ranks = ranks_of(whole, spacing)
        along = [ranks_along(ranks, side, step)[1:] for side, step in zip(whole, spacing, strict=True)]
        radii = np.stack([np.searchsorted(steps, np.arange(1, count + 1)) for steps in along], 1)
    else:
        radii = np.arange(count)[:, None].repeat(3, 1)
    has_border = np.array(whole) > np.array(shape)
    fits = (~has_border | (2 * radii < shape)).all(1)
    radii = radii[: fits.sum()]  # larger windows have no smaller radii
    # As in planes: axes of one pixel come first, and any radius will do along them.
    longer = np.array(shape) > 1
    placed = np.repeat(radii[:, longer].min(1, initial=shape.cap)[:, None], 3, axis=1)
    placed[:, 3 - longer.sum() :] = radii[:, longer]
    border = np.zeros(3, np.int64)
    border[3 - longer.sum() :] = has_border[longer]
    return Windows(placed, border, sizes[: len(placed) + 1])
