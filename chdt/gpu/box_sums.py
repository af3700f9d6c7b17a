"""The table that everything is looked up in: sums over boxes, 4 or 8 bytes a pixel, made axis by axis."""

import torch

from chdt.checks.shape import Shape
from chdt.gpu.kernels.box_sums import sum_lines_kernel

MOST_INDEX_BITS = 15  # for sums of 32 bits: twice as many, and one more, must fit

ROW_TILE, COLUMN_TILE = (4, 128), (32, 32)  # lines of a program, and how many pixels of them at once

# Rows and columns of a program that looks up; fewer in volumes, where each pixel takes twice the registers.
VOLUME_TILE, IMAGE_TILE, LINE_TILE = (8, 32), (16, 32), (1, 512)


def index_bits_of(shape: Shape) -> int:
    """Bits of the index of a pixel."""
    return max(1, (shape.pixels - 1).bit_length())


def box_sums(foreground: torch.Tensor, shape: Shape) -> torch.Tensor:
    """The table of a batch, for masks of shape (images, depth, height, width)."""
    bits = index_bits_of(shape)
    table = torch.empty(
        foreground.shape, dtype=torch.int32 if bits <= MOST_INDEX_BITS else torch.int64, device=foreground.device
    )
    axes = list(zip(shape, (shape.height * shape.width, shape.width, 1), strict=True))
    for number, (length, inner) in enumerate(reversed(axes)):
        if number == 0 or length > 1:
            lines = table.numel() // length
            across, at_once = ROW_TILE if inner == 1 else COLUMN_TILE
            programs, first, along = -(-lines // across), int(number == 0), int(inner == 1)
            if programs > 0:
                sum_lines_kernel[(programs,)](
                    None, foreground, table, lines, inner, length, shape.pixels, bits, first, along, across, at_once
                )  # fmt: skip
    return table


def look_up_grid(images: int, shape: Shape) -> tuple[int, int, int]:
    """Programs that look up, and the rows and columns that each of them does."""
    rows, columns = (LINE_TILE, IMAGE_TILE, VOLUME_TILE)[dims_of(shape) - 1]
    return images * shape.depth * -(-shape.height // rows) * -(-shape.width // columns), rows, columns


def dims_of(shape: Shape) -> int:
    """How many axes windows extend along."""
    return 3 if shape.depth > 1 else 2 if shape.height > 1 else 1
