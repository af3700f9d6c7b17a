"""Thresholds of a batch of logits at which objects have given sizes, and the masks there."""

import numpy as np
import torch

from chdt.checks.dtypes import SAME_SIZE, WORD_OF_SIZE
from chdt.checks.masks import grid_shape
from chdt.cpu.kernels.cuts import cut_masks
from chdt.cpu.kernels.keys import Floats
from chdt.cpu.kernels.lanes import Numbers
from chdt.cpu.kernels.weakest_pixels import threshold_memory, weakest_pixels_of
from chdt.cpu.kernels.window_centres import Windows
from chdt.cpu.memory import reused
from chdt.cpu.threads import share

EFFORT = 8  # the cost of a pixel; packing one is 1


def weakest_pixels_of_radii(
    logits: torch.Tensor, radii: torch.Tensor, spatial_dims: int, black_border: bool
) -> torch.Tensor:
    """For each image and each of its radii, int64 of shape (..., count), the pixel that `weakest_pixels_of` gives."""
    shape, windows = grid_shape(logits, spatial_dims), _windows_of(logits, spatial_dims, black_border)
    values, floats = _values_of(logits)
    wanted = radii.detach().cpu().contiguous().view(-1, radii.shape[-1]).numpy()
    pixels = torch.empty(radii.shape, dtype=torch.int64, device="cpu")
    found = pixels.view(-1, radii.shape[-1]).numpy()

    def work(first: int, last: int) -> None:
        memory = reused(threshold_memory, shape, values.dtype.type)
        here = values[first * shape.pixels : last * shape.pixels]
        weakest_pixels_of(here, floats, wanted[first:last], windows, memory, found[first:last])

    share(work, len(wanted), EFFORT * shape.pixels)
    return pixels.to(logits.device)


def masks_of_radii(logits: torch.Tensor, radii: torch.Tensor, spatial_dims: int, black_border: bool) -> torch.Tensor:
    """Of all masks ``logits > t`` that hold a window of the radius of their image, but none one larger, t nearest 0."""
    shape, windows = grid_shape(logits, spatial_dims), _windows_of(logits, spatial_dims, black_border)
    values, floats = _values_of(logits)
    wanted = radii.detach().cpu().contiguous().view(-1).numpy()
    masks = torch.empty(logits.shape, dtype=torch.bool, device="cpu")
    cut = masks.view(-1).numpy().view(np.uint8)

    def work(first: int, last: int) -> None:
        memory = reused(threshold_memory, shape, values.dtype.type)
        here = slice(first * shape.pixels, last * shape.pixels)
        cut_masks(values[here], floats, wanted[first:last], windows, memory, cut[here])

    share(work, len(wanted), EFFORT * shape.pixels)
    return masks.to(logits.device)


def _values_of(logits: torch.Tensor) -> tuple[Numbers, Floats]:
    """All logits in reading order, as bits."""
    flat = logits.detach().cpu().contiguous().resolve_neg().view(-1)
    values = flat.view(SAME_SIZE[flat.itemsize]).numpy().view(WORD_OF_SIZE[flat.itemsize])
    infinity = torch.tensor([torch.inf], dtype=logits.dtype, device="cpu").view(SAME_SIZE[flat.itemsize]).item()
    return values, Floats(np.uint64(1 << (8 * flat.itemsize - 1)), np.uint64(infinity))


def _windows_of(logits: torch.Tensor, spatial_dims: int, black_border: bool) -> Windows:
    """All windows of this grid."""
    shape, sides = grid_shape(logits, spatial_dims), logits.shape[-spatial_dims:]
    ranks = (min(sides) + 1) // 2 if black_border else shape.cap
    has_border = [int(black_border and side > 1) for side in shape.without_single_pixels]
    radii = np.repeat(np.arange(ranks)[:, None], len(has_border), axis=1)
    return Windows(radii, np.array(has_border), 2 * np.arange(ranks + 1, dtype=np.float64))
