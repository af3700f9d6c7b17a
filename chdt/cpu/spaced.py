"""Distances where pixels are farther apart along one axis than along another, as the slices of many volumes are.

The distance is then max over the axes of spacing times steps, and its ball a box: d_i = min over background j of
max_a spacing_a·|i_a - j_a|.
"""

from typing import Any

import numpy as np

from chdt.checks.shape import Shape, Steps
from chdt.cpu.kernels.lanes import Numbers
from chdt.cpu.kernels.spaced_lines import Floats, Windows, spaced_distances_of, spaced_levels_of
from chdt.cpu.packed import PackedMasks
from chdt.cpu.threads import share


def spaced_cap(shape: Shape, spacing: Steps) -> float:
    """The distance where there is no background: as long as the longest side, which no distance in the grid reaches."""
    return max(number * length for number, length in zip(spacing, shape, strict=True))


def windows_of(shape: Shape, spacing: Steps) -> Windows:
    """The radii of the windows for every distance that is possible in a grid."""
    lengths = [
        np.multiply(np.arange(side), number).astype(np.float32) for side, number in zip(shape, spacing, strict=True)
    ]
    far = np.array([spaced_cap(shape, spacing)], np.float32)
    distances = np.unique(np.concatenate([*lengths, far]))
    radii = np.zeros((len(distances), 3), np.int64)
    for axis, steps in enumerate([steps for steps in reversed(lengths) if len(steps) > 1]):
        radii[:, axis] = np.searchsorted(steps[1:], distances)
    return Windows(distances, radii)


def _spaced_distances_of_images(packed: PackedMasks, first: int, last: int, spacing: Steps, distances: Numbers) -> None:
    shape = packed.shape
    queue = np.empty(shape.cap, np.int64)
    lines = np.empty((4, shape.cap), np.float32)
    far = spaced_cap(shape, spacing)
    spaced_distances_of(packed.bits, first * shape.pixels, last - first, shape, spacing, far, queue, lines, distances)


def spaced_distances(packed: PackedMasks, spacing: Steps) -> Floats:
    """Distances of a batch, shape (images, depth, height, width)."""
    distances = np.empty((packed.images, *packed.shape), np.float32)
    flat, pixels = distances.reshape(-1), packed.shape.pixels

    def work(first: int, last: int) -> None:
        _spaced_distances_of_images(packed, first, last, spacing, flat[first * pixels : last * pixels])

    share(work, packed.images, pixels)
    return distances


def replace_by_sizes_without(distances: Floats, spacing: Steps) -> None:
    """Replace the distances of one image by its sizes after removing each foreground pixel, see docs/exact.md.

    At background, it is the size of the image as it is.
    """
    size: Any = np.float32(0)
    for axis in range(3):
        others = tuple({0, 1, 2} - {axis})
        maxima = distances.max(others)
        levels = np.zeros_like(maxima)
        spaced_levels_of(maxima, spacing[axis], levels)
        size = np.maximum(size, 2 * np.expand_dims(levels, others))
    distances[...] = size
