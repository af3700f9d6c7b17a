"""The least key in the window around each pixel: an erosion of grey values, along one axis after the other.

Keys are unsigned integers in the order of the logits that they stand for, see `weakest_pixels`.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.shape import Shape
from chdt.cpu.kernels.jit import helper, outlined
from chdt.cpu.kernels.lanes import BLOCK, Vector, aligned, choose, fill, load_pixels, minimum, store
from chdt.cpu.kernels.packing import Sides, low_bits

PAGE_BYTES = 4096


class WindowMemory(NamedTuple):
    """What a thread needs to look for the thresholds of one image after the other."""

    shape: Shape
    across: int  # keys of a row: its pixels, and as many of the largest keys as fill the last block
    pitch: int  # keys from a row to the next
    keys: npt.NDArray[Any]  # of the image
    row: npt.NDArray[Any]  # a row and its next state, each with as many of the largest keys before and behind it
    lines: npt.NDArray[Any]  # 64 lines along another axis, and their next state


def window_memory(shape: Shape, dtype: Any) -> WindowMemory:
    """Memory for one thread."""
    across = pitch = -(-shape.width // BLOCK) * BLOCK
    if pitch * np.dtype(dtype).itemsize % PAGE_BYTES == 0:
        pitch += BLOCK  # places that are whole pages apart share the same few lines of the nearest cache
    outside = np.iinfo(dtype).max  # no pixel: never the least
    return WindowMemory(
        shape,
        across,
        pitch,
        aligned(shape.depth * shape.height * pitch, outside, dtype),
        aligned(6 * across, outside, dtype),
        aligned(2 * max(shape.depth, shape.height) * BLOCK, 0, dtype),
    )


@helper
def _step_towards(radius: int, done: int) -> int:
    """How far the next step goes: minima within ``done`` allow one more than that, as in docs/exact.md."""
    return min(done + 1, radius - done)


@helper
def in_row(x: int, width: int, lanes: Vector, outside: Vector) -> Vector:
    """The lanes of a block that begins at column x, without those behind the end of the row."""
    return choose(low_bits(width - x), lanes, outside) if width - x < BLOCK else lanes


@outlined
def _row_minima(radius: int, memory: WindowMemory, at: int) -> None:
    """Least keys within this radius along the row that begins at ``at``, in place."""
    keys, row, width, across = memory.keys, memory.row, memory.shape.width, memory.across
    outside = ~fill(0, keys[0])
    source, target = across, 4 * across
    for x in range(0, across, BLOCK):
        store(row, source + x, load_pixels(keys, at + x))
    done = 0
    while done < radius:
        step = _step_towards(radius, done)
        for x in range(0, across, BLOCK):
            least = minimum(load_pixels(row, source + x - step), load_pixels(row, source + x + step))
            store(row, target + x, in_row(x, width, minimum(least, load_pixels(row, source + x)), outside))
        source, target = target, source
        done += step
    for x in range(0, across, BLOCK):
        store(keys, at + x, load_pixels(row, source + x))


@outlined
def _line_minima(radius: int, memory: WindowMemory, at: int, apart: int, length: int) -> None:
    """The same along 64 neighbouring lines whose pixels are ``apart``, the first of them at ``at``."""
    keys, lines = memory.keys, memory.lines
    step = _step_towards(radius, 0)
    for i in range(length):
        least = load_pixels(keys, at + i * apart)
        if i >= step:
            least = minimum(least, load_pixels(keys, at + (i - step) * apart))
        if i + step < length:
            least = minimum(least, load_pixels(keys, at + (i + step) * apart))
        store(lines, i * BLOCK, least)
    source, target, done = 0, length * BLOCK, step
    while done < radius:
        step = _step_towards(radius, done)
        for i in range(length):
            here = source + i * BLOCK
            least = load_pixels(lines, here)
            if i >= step:
                least = minimum(least, load_pixels(lines, here - step * BLOCK))
            if i + step < length:
                least = minimum(least, load_pixels(lines, here + step * BLOCK))
            store(lines, target + i * BLOCK, least)
        source, target = target, source
        done += step
    for i in range(length):
        store(keys, at + i * apart, load_pixels(lines, source + i * BLOCK))


@helper
def window_minima(radii: Sides, memory: WindowMemory) -> None:
    """Least keys in windows of these radii, cut at the border of the grid, in place."""
    shape, pitch, across = memory.shape, memory.pitch, memory.across
    slab = shape.height * pitch
    of_row, of_column = min(radii[2], shape.width - 1), min(radii[1], shape.height - 1)
    of_slabs = min(radii[0], shape.depth - 1)
    if of_row > 0:
        for row in range(shape.depth * shape.height):
            _row_minima(of_row, memory, row * pitch)
    if of_column > 0:
        for z in range(shape.depth):
            for x in range(0, across, BLOCK):
                _line_minima(of_column, memory, z * slab + x, pitch, shape.height)
    if of_slabs > 0:
        for y in range(shape.height):
            for x in range(0, across, BLOCK):
                _line_minima(of_slabs, memory, y * pitch + x, slab, shape.depth)
