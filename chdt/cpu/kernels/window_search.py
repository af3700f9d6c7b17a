"""Which windows are looked for, in which image, and the memory for it."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.shape import Shape
from chdt.cpu.kernels.jit import helper
from chdt.cpu.kernels.keys import Floats
from chdt.cpu.kernels.lanes import BLOCK, Numbers, Word
from chdt.cpu.kernels.packing import Words, packed_words
from chdt.cpu.kernels.planes import Planes, planes_of
from chdt.cpu.kernels.pooling import Pooled, is_pooled_for, pooled_memory
from chdt.cpu.kernels.window_centres import CENTRE_PLANES, Triple, Windows, margins_at, window_at


class ThresholdMemory(NamedTuple):
    """What a thread needs to look for the thresholds of one image after the other."""

    planes: Planes  # CENTRE_PLANES
    packed: Words  # one image
    rest: npt.NDArray[Any]  # 64 values
    pooled: Pooled


class Search(NamedTuple):
    """The windows of one rank in one image."""

    values: Numbers
    first: int  # where the image begins
    floats: Floats
    window: Triple  # the radii along slices, rows and columns
    margins: Triple  # how far centres stay away from the border of the grid
    is_pooled: bool  # whether they are looked for in the pooled image first
    memory: ThresholdMemory


class Best(NamedTuple):
    """The best window so far."""

    key: Word  # of its least logit; 0 if there is no window yet
    centre: Triple


def threshold_memory(shape: Shape, dtype: Any, is_pooled: bool) -> ThresholdMemory:
    """Memory for one thread, for images that are pooled or not."""
    shape = shape.without_single_pixels
    packed, rest = np.zeros(packed_words(shape.pixels), np.uint64), np.zeros(BLOCK, dtype)
    return ThresholdMemory(planes_of(shape, CENTRE_PLANES), packed, rest, pooled_memory(shape, dtype, is_pooled))


@helper
def search_of(
    values: Numbers, first: int, rank: int, windows: Windows, floats: Floats, memory: ThresholdMemory
) -> Search:
    """The search for the windows of a rank that ``windows`` has."""
    window = window_at(windows, rank)
    return Search(
        values, first, floats, window, margins_at(windows, rank), is_pooled_for(window, memory.pooled), memory
    )


@helper
def nearest_centre(search: Search, place: Triple) -> Triple:
    """The pixel nearest to this one around which there may be a window."""
    layout, margins = search.memory.planes.layout, search.margins
    return (
        min(max(place[0], margins[0]), layout.depth - 1 - margins[0]),
        min(max(place[1], margins[1]), layout.height - 1 - margins[1]),
        min(max(place[2], margins[2]), layout.width - 1 - margins[2]),
    )
