"""The masks that are measured: drawn from a fixed seed, foreground and background in every one of them."""

import functools
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


def blobs(rng: np.random.Generator, count: int, height: int, width: int) -> Masks:
    """Noise, smoothed over some 16 pixels and thresholded: half of it foreground, in shapes of all sizes."""
    noise = rng.standard_normal((count, height, width), dtype=np.float32)
    for _ in range(2):
        noise = ndimage.uniform_filter(noise, size=(1, 17, 17))
    return _with_both_values(noise > 0)


def edge_cases(rng: np.random.Generator, count: int, height: int, width: int) -> Masks:
    """No background, no foreground, lone pixels, then anything."""
    masks = rng.random((count, height, width)) < 0.8
    masks[:4] = np.array([True, False, True, False])[:, None, None]
    masks[2, 0, -1], masks[3, -1, 0] = False, True
    return masks


def _with_both_values(masks: Masks) -> Masks:
    both = masks.any(axis=(1, 2)) & ~masks.all(axis=(1, 2))
    if not both.all():
        raise ValueError(f"mask {both.argmin()} has only one value")
    return masks


class Workload(NamedTuple):
    """A batch of masks of one shape."""

    name: str
    draw: Callable[..., Masks]
    count: int
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the batch."""
        return self.count, self.height, self.width

    @property
    def pixels(self) -> int:
        """Pixels in a mask."""
        return self.height * self.width


def _by_name(*workloads: Workload) -> dict[str, Workload]:
    return {workload.name: workload for workload in workloads}


WORKLOADS = _by_name(
    Workload(
        "slices 6103x48x32", ellipses, 6103, 48, 32
    ),  # as many and as large as the slices of the paper's MRI scans
    Workload("8 x 1024x1024", blobs, 8, 1024, 1024),
    Workload("1 x 4096x4096", blobs, 1, 4096, 4096),
)
SMALL_WORKLOADS = _by_name(  # for a look at whether everything runs
    Workload("slices 256x48x32", ellipses, 256, 48, 32),
    Workload("2 x 256x256", blobs, 2, 256, 256),
    Workload("1 x 512x512", blobs, 1, 512, 512),
)


EDGE_CASES = tuple(
    Workload("edge cases", edge_cases, 7, height, width) for height, width in ((6, 9), (7, 4), (1, 5), (1, 1))
)

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
