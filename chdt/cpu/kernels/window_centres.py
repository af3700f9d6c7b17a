"""The centres of windows that lie in an object: what is left of it after an erosion by the window."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.cpu.kernels.box_erosions import list_of_image
from chdt.cpu.kernels.erosions import dilate_along, erode, exponent_towards
from chdt.cpu.kernels.jit import helper
from chdt.cpu.kernels.lanes import Word, any_set, count_bits, lowest_bit
from chdt.cpu.kernels.laying_out import lay_out_background
from chdt.cpu.kernels.packing import WORD_BITS, Words, set_bits
from chdt.cpu.kernels.planes import (
    COLUMNS,
    INSIDE,
    ROWS,
    SLICES,
    PlaneLayout,
    Planes,
    cap_of,
    plane_at,
)

CENTRE_PLANES = 5

Triple = tuple[int, int, int]  # along slices, rows, columns

NOWHERE = (-1, -1, -1)


class Windows(NamedTuple):
    """Windows of all ranks, from that of a single pixel up to the largest one that the grid has room for."""

    number: int  # how many there are; what the arrays hold behind these is not asked for
    radii: npt.NDArray[np.int64]  # of each along slices, rows and columns; along axes of one pixel, any
    has_border: npt.NDArray[np.int64]  # 1 along axes at whose ends is background, which no window may reach
    sizes: npt.NDArray[np.float64]  # of objects that hold no window, then of those that hold no larger one than each


class WindowLists(NamedTuple):
    """The windows of images of the same shape, for each spacing among them."""

    counts: npt.NDArray[np.int64]  # shape (lists)
    radii: npt.NDArray[np.int64]  # shape (lists, ranks, 3)
    has_border: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.float64]  # shape (lists, ranks + 1)
    list_of: npt.NDArray[np.int64]  # as in `RankLists`


@helper
def windows_of_image(lists: WindowLists, image: int) -> Windows:
    """The windows of an image."""
    number = list_of_image(lists, image)
    return Windows(lists.counts[number], lists.radii[number], lists.has_border, lists.sizes[number])


@helper
def window_at(windows: Windows, rank: int) -> Triple:
    """The radii of the windows of a rank."""
    return windows.radii[rank, 0], windows.radii[rank, 1], windows.radii[rank, 2]


@helper
def margins_at(windows: Windows, rank: int) -> Triple:
    """How far their centres stay away from the border."""
    window, border = window_at(windows, rank), windows.has_border
    return window[0] * border[0], window[1] * border[1], window[2] * border[2]


@helper
def middle_of(layout: PlaneLayout) -> Triple:
    """The pixel in the middle."""
    return layout.depth // 2, layout.height // 2, layout.width // 2


@helper
def find_centres(packed: Words, window: Triple, margins: Triple, planes: Planes) -> int:
    """Erode the object whose packed bits begin at 0; give the plane whose background says where no centre is.

    ``window`` is the radius along each axis; centres stay ``margins`` away from the border of the grid.
    """
    layout = planes.layout
    at, other, target = plane_at(layout, 0), plane_at(layout, 1), plane_at(layout, 2)
    lay_out_background(packed, 0, planes, at)
    radius, done = min(window), 0
    while done < radius:
        exponent = exponent_towards(radius, done)
        erode(planes, exponent, at, other, target)
        at, target = target, at
        done += 1 << exponent
    at, other = dilate_along(planes, COLUMNS, window[2] - radius, at, other)
    at, other = dilate_along(planes, ROWS, window[1] - radius, at, other)
    at, other = dilate_along(planes, SLICES, window[0] - radius, at, other)
    if max(margins) > 0:
        _exclude_border(planes, at, margins)
    return at


@helper
def _exclude_border(planes: Planes, at: int, margins: Triple) -> None:
    """Make all pixels background that are fewer than ``margins`` away from the border."""
    layout = planes.layout
    row = 0
    for z in range(layout.depth):
        for y in range(layout.height):
            start = at * WORD_BITS + row * layout.pitch
            outside = min(z, layout.depth - 1 - z) < margins[0] or min(y, layout.height - 1 - y) < margins[1]
            margin = layout.width if outside else margins[2]
            set_bits(planes.words, start, start + margin)
            set_bits(planes.words, start + layout.width - margin, start + layout.width)
            row += 1


@helper
def centres_in(planes: Planes, at: int, k: int) -> Word:
    """Where there are centres, in word k of a plane."""
    return planes.patterns[INSIDE + k] & ~planes.words[at + k]


@helper
def count_centres(planes: Planes, at: int) -> int:
    """How many centres there are."""
    count = 0
    for k in range(planes.layout.plane_words):
        count += count_bits(centres_in(planes, at, k))
    return count


@helper
def deepest_centres(planes: Planes, at: int) -> int:
    """Erode what is in a plane for as long as something is left; give the plane of what was left last.

    The plane itself, one of the first three, stays as it is.
    """
    layout = planes.layout
    last, target = plane_at(layout, 3), plane_at(layout, 4)
    other = plane_at(layout, 0) if at != plane_at(layout, 0) else plane_at(layout, 1)
    exponent = 0
    while (1 << exponent) < cap_of(layout) and any_set(
        erode(planes, exponent, at if exponent == 0 else last, other, target)
    ):
        last, target = target, last
        exponent += 1
    return at if exponent == 0 else last


@helper
def place_of(layout: PlaneLayout, bit: int) -> Triple:
    """The pixel that this bit of a plane stands for."""
    row, x = bit // layout.pitch, bit % layout.pitch
    return row // layout.height, row % layout.height, x


@helper
def nth_bit(word: Word, n: int) -> int:
    """The index of the bit that is set and has n such bits below it."""
    for _ in range(n):
        word &= word - np.uint64(1)
    return int(lowest_bit(word))


@helper
def first_centre(planes: Planes, at: int) -> Triple:
    """The first centre, in reading order, or NOWHERE."""
    for k in range(planes.layout.plane_words):
        bits = centres_in(planes, at, k)
        if bits != 0:
            return place_of(planes.layout, k * WORD_BITS + lowest_bit(bits))
    return NOWHERE
