"""A batch of masks, checked and read: a mark a pixel, with a border of background around it where that is wanted."""

import math
from typing import NamedTuple

import torch

from chdt.checks.devices import is_captured
from chdt.checks.dtypes import SAME_SIZE
from chdt.checks.masks import both_words, grid_shape, invalid_value
from chdt.checks.shape import Shape
from chdt.gpu.kernels.reading import read_kernel
from chdt.gpu.launching import BLOCK, tiles_of

MOST_PIXELS, LONGEST_SIDE = (1 << 31) - (1 << 10), (1 << 30) - 1  # of an image: places in it have 32 bits


class Grid(NamedTuple):
    """The images of a batch."""

    images: int
    shape: Shape  # of each image, with the border
    border: Shape  # pixels of background that are added on either side of each axis

    @property
    def inner(self) -> tuple[int, ...]:
        """Shape of an answer for each pixel, without those of the border."""
        return (self.images, *(side - 2 * more for side, more in zip(self.shape, self.border, strict=True)))


def grid_of(masks: torch.Tensor, spatial_dims: int, black_border: bool = False, name: str = "masks") -> Grid:
    """The grid of a batch of masks, or of logits, which must not be larger than kernels can count."""
    shape, border = grid_shape(masks, spatial_dims, name), Shape(0, 0, 0)
    if black_border:
        shape, border = shape.with_border(spatial_dims), Shape(int(spatial_dims > 2), int(spatial_dims > 1), 1)
    if shape.pixels > MOST_PIXELS or shape.cap > LONGEST_SIDE:
        raise ValueError(
            f"images on a GPU may have up to {MOST_PIXELS} pixels and sides of up to {LONGEST_SIDE}, but these have "
            f"{shape.pixels} and {shape.cap}: copy them to the host, with .cpu(), and compute there"
        )
    return Grid(math.prod(masks.shape[: masks.ndim - spatial_dims]), shape, border)


def read_masks(masks: torch.Tensor, grid: Grid, dtype: torch.dtype = torch.int8, name: str = "masks") -> torch.Tensor:
    """Read and check a batch, into new memory if int32: waits for the device once, but not for bool, always valid.

    Marks are contiguous, of shape (images, depth, height, width): 0 is background; if int32, -1 is foreground.
    """
    return surrounded(_read(masks.detach(), dtype, name), grid)


def surrounded(marks: torch.Tensor, grid: Grid) -> torch.Tensor:
    """The marks of a batch, and background around each image where that is wanted."""
    around = [more for more in reversed(grid.border) for _ in range(2)]
    marks = marks.view(grid.inner)
    return torch.nn.functional.pad(marks, around) if any(around) else marks


def _read(masks: torch.Tensor, dtype: torch.dtype, name: str) -> torch.Tensor:
    words, foreground, background = words_of(masks)
    if masks.dtype == torch.bool and dtype == words.dtype:
        return words
    read = torch.empty(masks.shape, dtype=dtype, device=masks.device)
    if masks.dtype == torch.bool:
        return torch.sub((words == 0).view(words.dtype), 1, out=read)
    count = masks.numel()
    if count > 0:
        invalid = none_invalid(masks)
        read_kernel[(tiles_of(count),)](words, read, invalid, count, foreground, background, BLOCK=BLOCK)
        raise_for(invalid, masks, name)
    return read


def as_it_is(tensor: torch.Tensor) -> torch.Tensor:
    """Masks, or logits, as kernels read them: a copy if they have strides, which is not kept for the next kernel."""
    return tensor.detach().contiguous().resolve_neg()


def words_of(masks: torch.Tensor) -> tuple[torch.Tensor, int, int]:
    """Masks as signed integers, contiguous, and what foreground and background are among them."""
    words = as_it_is(masks).view(SAME_SIZE[masks.itemsize])
    if masks.dtype == torch.bool:
        return words, 1, 0  # and whatever else is not 0 is foreground, too
    foreground, background = (int(word.view(f"i{masks.itemsize}")) for word in both_words(masks.dtype))
    return words, foreground, background


def none_invalid(masks: torch.Tensor) -> torch.Tensor:
    """Where kernels say which is the first invalid value: none as yet."""
    return torch.full((1,), masks.numel(), dtype=torch.int64, device=masks.device)


def raise_for(invalid: torch.Tensor, masks: torch.Tensor, name: str) -> None:
    """Wait for the device, and raise if it has found an invalid value: the one of this index.

    Not while a CUDA graph is recorded, where nothing can be known of values: what is not +1 is background then.
    """
    if not is_captured(masks.device):
        found = int(invalid)
        if found < masks.numel():
            raise invalid_value(masks, found, name)
