"""The masks that are measured: drawn from a fixed seed, foreground and background in every one of them."""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage

Masks = npt.NDArray[np.bool_]

DTYPES = {"float32": torch.float32, "int8": torch.int8, "bool": torch.bool}
THREADS = (1, 2, 4)
SEED = 20220923


def ellipses(rng: np.random.Generator, count: int, height: int, width: int) -> Masks:
    """One ellipse an image, half axes of 3 to 12 pixels, centred anywhere: often cut by the border."""
    drawn = rng.uniform((0, 0, 3, 3), (height, width, 12, 12), (count, 4))  # fewer masks are the first ones of more
    centre_y, centre_x, half_y, half_x = drawn.T[..., None, None]
    y, x = np.arange(height)[:, None] + 0.5, np.arange(width) + 0.5
    return _with_both_values(((y - centre_y) / half_y) ** 2 + ((x - centre_x) / half_x) ** 2 <= 1)


def blobs(rng: np.random.Generator, count: int, *grid: int) -> Masks:
    """Noise, smoothed over some 16 pixels and thresholded: half of it foreground, in shapes of all sizes.

    In tiny images it is smoothed over fewer.
    """
    noise = rng.standard_normal((count, *grid), dtype=np.float32)
    for _ in range(2):
        noise = ndimage.uniform_filter(noise, size=(1, *(min(17, side // 4) for side in grid)))
    return _with_both_values(noise > 0)


def one_square(rng: np.random.Generator, count: int, height: int, width: int, radius: int) -> Masks:
    """One square in the middle, its sides 2 radius + 1."""
    masks = np.zeros((count, height, width), bool)
    middle = (
        slice(height // 2 - radius, height // 2 + radius + 1),
        slice(width // 2 - radius, width // 2 + radius + 1),
    )
    masks[(slice(None), *middle)] = True
    return _with_both_values(masks)


def grains(rng: np.random.Generator, count: int, height: int, width: int, density: float) -> Masks:
    """Each pixel foreground with this probability, whatever its neighbours are."""
    return _with_both_values(rng.random((count, height, width)) < density)


def edge_cases(rng: np.random.Generator, count: int, *grid: int) -> Masks:
    """No background, no foreground, lone pixels, then anything."""
    masks = rng.random((count, *grid)) < 0.8
    masks[0], masks[1], masks[2], masks[3] = True, False, True, False
    masks[2].flat[grid[-1] - 1], masks[3].flat[-grid[-1]] = False, True
    return masks


def _with_both_values(masks: Masks) -> Masks:
    pixels = masks.reshape(len(masks), -1)
    both = pixels.any(axis=1) & ~pixels.all(axis=1)
    if not both.all():
        raise ValueError(f"mask {both.argmin()} has only one value")
    return masks


class Workload(NamedTuple):
    """A batch of masks of one shape."""

    name: str
    draw: Callable[..., Masks]
    count: int
    grid: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the batch."""
        return self.count, *self.grid

    @property
    def pixels(self) -> int:
        """Pixels in a mask."""
        return math.prod(self.grid)


def _by_name(*workloads: Workload) -> dict[str, Workload]:
    return {workload.name: workload for workload in workloads}


WORKLOADS = _by_name(
    # As many and as large as the slices of the paper's MRI scans; then batches of training.
    Workload("slices 6103x48x32", ellipses, 6103, (48, 32)),
    Workload("8 x 1024x1024", blobs, 8, (1024, 1024)),
    Workload("1 x 4096x4096", blobs, 1, (4096, 4096)),
    Workload("slices 32x48x32", ellipses, 32, (48, 32)),
    Workload("slices 1024x48x32", ellipses, 1024, (48, 32)),
    Workload("64 x 35x50x36", blobs, 64, (35, 50, 36)),
    Workload("1 x 256x256x256", blobs, 1, (256, 256, 256)),
    # The ends of the scale: many tiny images, one huge one, and the other numbers of dims.
    Workload("10000 x 16x16", blobs, 10_000, (16, 16)),
    Workload("1 x 8192x8192", blobs, 1, (8192, 8192)),
    Workload("8 x 64x64x64", blobs, 8, (64, 64, 64)),
    Workload("1000 x 4096", blobs, 1000, (4096,)),
)
SMALL_WORKLOADS = _by_name(  # for a look at whether everything runs
    Workload("slices 256x48x32", ellipses, 256, (48, 32)),
    Workload("2 x 256x256", blobs, 2, (256, 256)),
    Workload("1 x 512x512", blobs, 1, (512, 512)),
    Workload("1 x 40x40x40", blobs, 1, (40, 40, 40)),
    Workload("20 x 400", blobs, 20, (400,)),
)
RADII = _by_name(
    *(
        Workload(f"radius {radius}", functools.partial(one_square, radius=radius), 1, (2048, 2048))
        for radius in (1, 4, 16, 64, 256, 1000)
    )
)
DENSITIES = _by_name(
    *(
        Workload(f"density {density}", functools.partial(grains, density=density), 1, (2048, 2048))
        for density in (0.01, 0.5, 0.9, 0.99, 0.9999)
    )
)


EDGE_CASES = {
    1: tuple(Workload("edge cases", edge_cases, 7, grid) for grid in ((9,), (4,), (1,))),
    2: tuple(Workload("edge cases", edge_cases, 7, grid) for grid in ((6, 9), (7, 4), (1, 5), (1, 1))),
    3: tuple(Workload("edge cases", edge_cases, 7, grid) for grid in ((3, 6, 9), (5, 1, 4), (2, 2, 2))),
}

# Those that are compared in one process are given the same memory: where it lies can make a difference.


@functools.lru_cache(maxsize=2)
def masks_of(workload: Workload) -> Masks:
    """The masks of a workload, True where there is foreground; not to be written to."""
    return workload.draw(np.random.default_rng(SEED), *workload.shape)


@functools.lru_cache(maxsize=4)
def tensor_of(workload: Workload, dtype: str) -> torch.Tensor:
    """The same as a tensor: of bool, or of -1 and +1."""
    masks = torch.from_numpy(masks_of(workload))
    return masks if dtype == "bool" else torch.where(masks, 1, -1).to(DTYPES[dtype])
