"""Thresholds of a batch of logits at which objects have given sizes, and the masks there."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from chdt.checks.dtypes import SAME_SIZE, WORD_OF_SIZE
from chdt.checks.masks import grid_shape
from chdt.checks.ranks import AXES, NO_LISTS, is_spaced, rank_lists_of, sizes_to_compare
from chdt.checks.shape import AllSteps, Shape
from chdt.cpu.kernels.cuts import cut_masks
from chdt.cpu.kernels.keys import Floats
from chdt.cpu.kernels.lanes import BLOCK, Numbers
from chdt.cpu.kernels.tiny_thresholds import cut_masks_side_by_side, weakest_pixels_side_by_side
from chdt.cpu.kernels.weakest_pixels import weakest_pixels_of
from chdt.cpu.kernels.window_centres import WindowLists
from chdt.cpu.kernels.window_minima import minima_memory
from chdt.cpu.kernels.window_search import threshold_memory
from chdt.cpu.memory import reused, without_names
from chdt.cpu.route import are_side_by_side, is_pooled
from chdt.cpu.threads import share

EFFORT = 8  # the cost of a pixel; packing one is 1


def weakest_pixels_of_ranks(
    logits: torch.Tensor, ranks: torch.Tensor, spatial_dims: int, spacing: AllSteps | None, black_border: bool
) -> torch.Tensor:
    """For each image and each of its ranks, int64 of shape (..., count), the pixel that `weakest_pixels_of` gives."""
    repeated = [dim for dim in range(ranks.ndim - 1) if logits.stride(dim) == 0 and logits.shape[dim] > 1]
    if repeated and (spacing is None or len(spacing) == AXES):  # the same images: look at each once, for all ranks
        ends = range(ranks.ndim - 1 - len(repeated), ranks.ndim - 1)
        for dim in reversed(repeated):
            logits = logits.select(dim, 0)
        of_image = ranks.movedim(repeated, list(ends))
        pixels = weakest_pixels_of_ranks(logits, of_image.flatten(ends[0]), spatial_dims, spacing, black_border)
        return pixels.view(of_image.shape).movedim(list(ends), repeated).contiguous()
    pixels = torch.empty(ranks.shape, dtype=torch.int64, device="cpu")
    wanted, found = _flat(ranks, ranks.shape[-1]), pixels.view(-1, ranks.shape[-1]).numpy()
    kernels = weakest_pixels_of, weakest_pixels_side_by_side
    _share(kernels, logits, wanted, found, 1, spatial_dims, spacing, black_border)
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
    """Call a kernel for all images, on as many threads as pay off: the second one if they are done side by side."""
    shape = grid_shape(logits, spatial_dims)
    values, floats = _values_of(logits)
    spacing = spacing if is_spaced(spacing) else None
    windows = _windows_of(shape, spatial_dims, spacing, black_border)
    side_by_side = spacing is None and are_side_by_side(len(wanted), shape, values.itemsize)
    kernel, make = (kernels[1], minima_memory) if side_by_side else (kernels[0], threshold_memory)
    options = () if side_by_side else (is_pooled(shape),)

    def work(first: int, last: int) -> None:
        memory = reused(without_names, make, shape, values.dtype.type, *options)
        here = values[first * shape.pixels : last * shape.pixels]
        mine = windows._replace(list_of=windows.list_of[first:last])
        to = answers[first * answers_of_image : last * answers_of_image]
        kernel(here, floats, wanted[first:last], mine, memory, to)

    share(work, len(wanted), EFFORT * shape.pixels, BLOCK if side_by_side else 1)


def _values_of(logits: torch.Tensor) -> tuple[Numbers, Floats]:
    """All logits in reading order, as bits."""
    flat = logits.detach().cpu().contiguous().resolve_neg().view(-1)
    values = flat.view(SAME_SIZE[flat.itemsize]).numpy().view(WORD_OF_SIZE[flat.itemsize])
    return values, _floats_of(logits.dtype)


@functools.cache
def _floats_of(dtype: torch.dtype) -> Floats:
    infinity = torch.tensor([torch.inf], dtype=dtype, device="cpu").view(SAME_SIZE[dtype.itemsize]).item()
    return Floats(np.uint64(1 << (8 * dtype.itemsize - 1)), np.uint64(infinity))


def _windows_of(shape: Shape, spatial_dims: int, spacing: AllSteps | None, black_border: bool) -> WindowLists:
    if spacing is None or len(spacing) == AXES:
        return _windows_of_all(shape, spatial_dims, spacing, black_border)
    return _window_lists(shape, spatial_dims, spacing, black_border)


def _window_lists(shape: Shape, spatial_dims: int, spacing: AllSteps | None, black_border: bool) -> WindowLists:
    """All windows that the grid has room for: with a border, those that do not reach it."""
    whole = shape.with_border(spatial_dims) if black_border else shape
    if spacing is None:
        radii, last = np.arange(whole.cap)[None, :, None].repeat(AXES, 2), np.array([[whole.cap]])
        sizes, list_of = np.arange(0, 2 * whole.cap + 1, 2, dtype=np.float64)[None], NO_LISTS
    else:
        lists = rank_lists_of(whole, spacing)
        radii, last = lists.radii_of_axes(whole)[:, 1:], lists.caps[:, None]
        sizes, list_of = sizes_to_compare(lists, spacing), lists.list_of
    has_border = np.array(whole) > np.array(shape)
    fits = (~has_border | (2 * radii < shape)).all(2) & (np.arange(radii.shape[1]) < last)
    # As in planes: axes of one pixel come first, and any radius will do along them.
    is_longer = np.array(shape) > 1
    placed = np.repeat(radii[:, :, is_longer].min(2, initial=shape.cap)[:, :, None], AXES, axis=2)
    placed[:, :, AXES - is_longer.sum() :] = radii[:, :, is_longer]
    border = np.zeros(AXES, np.int64)
    border[AXES - is_longer.sum() :] = has_border[is_longer]
    # Larger windows have no smaller radii, so those that fit come first.
    return WindowLists(fits.sum(1), placed, border, sizes, list_of)


_windows_of_all = functools.lru_cache(maxsize=64)(_window_lists)  # where each image has a spacing, hardly ever the same
