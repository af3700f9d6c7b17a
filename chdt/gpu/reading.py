"""A batch of masks, checked and read: a mark a pixel, with a border of background around it where that is wanted."""

from typing import NamedTuple

import torch

from chdt.checks.devices import is_captured
from chdt.checks.dtypes import SAME_SIZE
from chdt.checks.masks import both_words, grid_shape, invalid_value
from chdt.checks.shape import Shape
from chdt.gpu.kernels.reading import read_kernel
from chdt.gpu.launching import BLOCK, tiles_of


class Foreground(NamedTuple):
    """A checked batch, a mark a pixel."""

    pixels: torch.Tensor  # contiguous, shape (images, depth, height, width): 0 is background; if int32, -1 foreground
    batch: tuple[int, ...]  # shape of the batch dims
    shape: Shape  # of each image, with the border
    border: Shape = Shape(0, 0, 0)  # pixels of background that were added on either side of each axis

    def inside(self, answers: torch.Tensor) -> torch.Tensor:
        """Answers for all pixels without those of the border."""
        if not any(self.border):
            return answers
        inner = (slice(more, side - more) for side, more in zip(self.shape, self.border, strict=True))
        return answers[(slice(None), *inner)].contiguous()

    def lines_inside(self, answers: torch.Tensor) -> torch.Tensor:
        """Answers for all slabs, rows and columns, shape (images, depth + height + width), without the border's."""
        if not any(self.border):
            return answers
        axes = zip(torch.split(answers, list(self.shape), 1), self.border, strict=True)
        return torch.cat([along[:, more : along.shape[1] - more] for along, more in axes], 1)


def read_masks(
    masks: torch.Tensor,
    spatial_dims: int,
    black_border: bool = False,
    dtype: torch.dtype = torch.int8,
    name: str = "masks",
) -> Foreground:
    """Read and check a batch, into new memory if int32: waits for the device once, but not for bool, always valid.

    Nor while a CUDA graph is recorded, where nothing can be known of values: what is not +1 is background then.
    """
    shape = grid_shape(masks, spatial_dims, name)
    batch = tuple(masks.shape[: masks.ndim - spatial_dims])
    return surrounded(_read(masks.detach(), dtype, name).view(-1, *shape), batch, spatial_dims, black_border)


def surrounded(pixels: torch.Tensor, batch: tuple[int, ...], spatial_dims: int, black_border: bool) -> Foreground:
    """A batch of masks, a mark a pixel, and background around each of them where that is wanted."""
    if not black_border:
        return Foreground(pixels, batch, Shape(*pixels.shape[1:]))
    border = Shape(int(spatial_dims > 2), int(spatial_dims > 1), 1)
    around = [more for more in reversed(border) for _ in range(2)]
    pixels = torch.nn.functional.pad(pixels, around)
    return Foreground(pixels, batch, Shape(*pixels.shape[1:]), border)


def _read(masks: torch.Tensor, dtype: torch.dtype, name: str) -> torch.Tensor:
    both = both_words(masks.dtype)
    words = masks.contiguous().resolve_neg().view(SAME_SIZE[masks.itemsize])
    if masks.dtype == torch.bool and dtype == words.dtype:
        return words
    read = torch.empty(masks.shape, dtype=dtype, device=masks.device)
    if masks.dtype == torch.bool:
        return torch.sub((words == 0).view(words.dtype), 1, out=read)
    foreground, background = (int(word.view(f"i{masks.itemsize}")) for word in both)
    count = masks.numel()
    if count > 0:
        invalid = torch.full((1,), count, dtype=torch.int64, device=masks.device)
        read_kernel[(tiles_of(count),)](words, read, invalid, count, foreground, background, BLOCK=BLOCK)
        if not is_captured(masks.device):
            found = int(invalid)
            if found < count:
                raise invalid_value(masks, found, name)
    return read
