"""At which threshold an object has a size: that of the weakest pixel of the best window (`threshold_of_size`)."""

import numpy as np
import numpy.typing as npt

from chdt.checks.pixels import ABOVE_ALL, BELOW_ALL
from chdt.cpu.kernels.best_window import find_best_window
from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.keys import Floats, bits_of, first_nan, limit_below, pack_above
from chdt.cpu.kernels.lanes import (
    BLOCK,
    Numbers,
    Word,
    count_bits,
    equal_bits,
    lowest_bit,
)
from chdt.cpu.kernels.packing import low_bits
from chdt.cpu.kernels.planes import pixels_in
from chdt.cpu.kernels.pooling import forget_image
from chdt.cpu.kernels.window_centres import WindowLists, middle_of, windows_of_image
from chdt.cpu.kernels.window_search import Best, Search, ThresholdMemory, search_of
from chdt.cpu.kernels.windows_above import first_above


@helper
def _is_unique(values: Numbers, first: int, pixels: int, key: Word, floats: Floats) -> bool:
    """Whether no more than one of the values from ``first`` on has this key."""
    value = bits_of(key, floats)
    other = floats.sign if value == 0 else value  # a negative zero has the key of zero
    wanted, also = values.dtype.type(value), values.dtype.type(other)
    count, whole = 0, pixels // BLOCK * BLOCK
    for at in range(first, first + whole, BLOCK):
        count += count_bits(equal_bits(values, at, wanted) | equal_bits(values, at, also))
    for at in range(first + whole, first + pixels):
        count += values[at] == wanted or values[at] == also
    return count <= 1


@helper
def _first_in_row(values: Numbers, begin: int, end: int, value: Word, other: Word) -> int:
    """The first place from ``begin`` to before ``end`` that holds one of both values, or -1."""
    for at in range(begin, end, BLOCK):
        if at + BLOCK <= values.size:
            found = equal_bits(values, at, values.dtype.type(value)) | equal_bits(values, at, values.dtype.type(other))
            found &= low_bits(min(BLOCK, end - at))
            if found != 0:
                return at + int(lowest_bit(found))
        else:
            for j in range(at, end):
                if values[j] == value or values[j] == other:
                    return j
    return -1


@helper
def _weakest_pixel(search: Search, best: Best) -> int:
    """The first pixel, in reading order, of the window whose value has its key."""
    layout, first, window = search.memory.planes.layout, search.first, search.window
    z, y, x = best.centre
    value = bits_of(best.key, search.floats)
    other = search.floats.sign if value == 0 else value  # a negative zero has the key of zero
    begin, end = max(0, x - window[2]), min(layout.width, x + window[2] + 1)
    for k in range(max(0, z - window[0]), min(layout.depth, z + window[0] + 1)):
        for j in range(max(0, y - window[1]), min(layout.height, y + window[1] + 1)):
            row = first + (k * layout.height + j) * layout.width
            found = _first_in_row(search.values, row + begin, row + end, value, other)
            if found >= 0:
                return found - first
    return BELOW_ALL


@kernel
def weakest_pixels_of(
    values: Numbers,
    floats: Floats,
    ranks: npt.NDArray[np.int64],
    lists: WindowLists,
    memory: ThresholdMemory,
    pixels: npt.NDArray[np.int64],
) -> None:
    """For each image and each of its ranks, the pixel whose value is the largest of all least values in windows.

    ``ranks``, shape (images, count), say which of the windows: the answer is ABOVE_ALL where they are negative, and
    BELOW_ALL where there is no such window in the grid. With a NaN in the image, it is the first of these.
    """
    layout = memory.planes.layout
    size = pixels_in(layout)
    for image in range(len(ranks)):
        first, guess, windows = image * size, middle_of(layout), windows_of_image(lists, image)
        forget_image(memory.pooled)
        for number in range(ranks.shape[1]):
            rank = ranks[image, number]
            if rank < 0:
                pixels[image, number] = ABOVE_ALL
                continue
            if rank >= windows.number:
                has_nan = pack_above(values, first, size, np.uint64(0), floats, memory.rest, memory.packed)
                pixels[image, number] = first_nan(values, first, size, floats) if has_nan else BELOW_ALL
                continue
            search = search_of(values, first, rank, windows, floats, memory)
            best = find_best_window(search, guess)
            if best.key == 0:
                pixels[image, number] = first_nan(values, first, size, floats)
                continue
            guess = best.centre
            # Nearly always, all best windows are so by the same pixel.
            if not _is_unique(values, first, size, best.key, floats):
                best = Best(best.key, first_above(search, limit_below(best.key, floats), False))
            pixels[image, number] = _weakest_pixel(search, best)
