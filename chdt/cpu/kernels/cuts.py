"""The mask at the threshold closest to 0 at which it has a size (docs/reference.md, mask_of_size).

Masks are cut by a *limit*: the pixels whose keys are above it. So "above a logit" and "as large as a logit" are the
same thing, in any dtype.
"""

import numpy as np
import numpy.typing as npt

from chdt.cpu.kernels.best_window import find_best_window
from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.keys import Floats, limit_below, limit_of_all, pack_above
from chdt.cpu.kernels.lanes import Numbers, Word
from chdt.cpu.kernels.packing import unpack
from chdt.cpu.kernels.planes import pixels_in
from chdt.cpu.kernels.pooling import forget_image
from chdt.cpu.kernels.window_centres import NOWHERE, WindowLists, Windows, middle_of, windows_of_image
from chdt.cpu.kernels.window_search import ThresholdMemory, search_of
from chdt.cpu.kernels.windows_above import first_above, first_packed

NO_LIMIT, ALL_LIMIT = np.uint64(0), ~np.uint64(0)  # all pixels, no pixel


@helper
def _comes_closer_with(
    values: Numbers,
    first: int,
    pixels: int,
    key: Word,
    rank: int,
    windows: Windows,
    floats: Floats,
    memory: ThresholdMemory,
) -> bool:
    """Whether the size of a mask comes closer to that of a rank with the logits of this key than without them.

    With them it is larger, and smaller without.
    """
    is_packed = False
    low, high, step = 0, rank, 1  # it holds windows of all ranks below the first number, of none from the second
    while low < high:  # mostly it is one rank that is missing
        middle = max(high - step, (low + high) // 2)
        search = search_of(values, first, middle, windows, floats, memory)
        if search.is_pooled:
            holds = first_above(search, key, True) != NOWHERE
        else:
            if not is_packed:
                pack_above(values, first, pixels, key, floats, memory.rest, memory.packed)
                is_packed = True
            holds = first_packed(search) != NOWHERE
        if holds:
            low = middle + 1
        else:
            high = middle
        step *= 4
    size, smaller = windows.sizes[rank + 1], windows.sizes[low]
    as_far = rank + 2  # of the larger sizes, the first that is not closer
    while as_far < windows.number + 1 and windows.sizes[as_far] - size < size - smaller:
        as_far += 1
    if as_far == rank + 2:  # none is closer
        return False
    if as_far == windows.number + 1:  # none is as far
        return True
    search = search_of(values, first, as_far - 1, windows, floats, memory)
    return first_above(search, limit_below(key, floats), True) == NOWHERE


@helper
def _limit_of(
    values: Numbers, first: int, rank: int, windows: Windows, floats: Floats, memory: ThresholdMemory
) -> Word:
    """Where to cut an image so that the mask holds a window of this rank and none of the next one."""
    layout = memory.planes.layout
    pixels = pixels_in(layout)
    if rank >= windows.number:  # larger than any object
        has_nan = pack_above(values, first, pixels, NO_LIMIT, floats, memory.rest, memory.packed)
        return ALL_LIMIT if has_nan else NO_LIMIT
    guess, upper, lower = middle_of(layout), ALL_LIMIT, NO_LIMIT
    if rank >= 0:
        best = find_best_window(search_of(values, first, rank, windows, floats, memory), guess)
        guess, upper = best.centre, best.key
        if upper == 0:  # a NaN
            return ALL_LIMIT
    if rank + 1 < windows.number:
        lower = find_best_window(search_of(values, first, rank + 1, windows, floats, memory), guess).key
        if lower == 0:
            return ALL_LIMIT
    if upper == lower:  # equal logits join the mask together, or not: whatever comes closer to the size
        closer = _comes_closer_with(values, first, pixels, upper, rank, windows, floats, memory)
        return limit_below(upper, floats) if closer else upper
    # From the lower threshold on, up to before the upper one: 0, or the one that is closer to it.
    if upper <= floats.sign:
        return limit_below(upper, floats)
    return max(lower, floats.sign)


@kernel
def cut_masks(
    values: Numbers,
    floats: Floats,
    ranks: npt.NDArray[np.int64],
    lists: WindowLists,
    memory: ThresholdMemory,
    masks: npt.NDArray[np.uint8],
) -> None:
    """Write the mask of each image, 1 for foreground, that holds a window of its rank, but none of the next one."""
    pixels = pixels_in(memory.planes.layout)
    for image in range(len(ranks)):
        first = image * pixels
        forget_image(memory.pooled)
        limit = _limit_of(values, first, ranks[image], windows_of_image(lists, image), floats, memory)
        limit = max(limit, limit_of_all(floats))
        pack_above(values, first, pixels, limit, floats, memory.rest, memory.packed)
        unpack(memory.packed, np.uint8(1), np.uint8(0), masks[first : first + pixels])
