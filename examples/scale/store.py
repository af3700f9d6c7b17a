"""The masks of this example where there are none: ellipses, each decided by its number alone."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr

HEIGHT, WIDTH = 48, 32


def draw_masks(first: int, count: int, height: int = HEIGHT, width: int = WIDTH) -> npt.NDArray[Any]:
    """Masks ``first`` to ``first + count - 1``, shape (count, height, width), bool."""
    where = np.array([np.random.default_rng(first + i).random(4) for i in range(count)]).reshape(count, 4, 1, 1)
    y, x = np.arange(height)[:, None], np.arange(width)
    centre_y, centre_x = (0.3 + 0.4 * where[:, 0]) * height, (0.3 + 0.4 * where[:, 1]) * width
    radius_y, radius_x = (0.05 + 0.3 * where[:, 2]) * height, (0.05 + 0.3 * where[:, 3]) * width
    masks: npt.NDArray[Any] = ((y - centre_y) / radius_y) ** 2 + ((x - centre_x) / radius_x) ** 2 < 1
    return masks


def draw_store(path: Path, images: int, chunk: int, height: int = HEIGHT, width: int = WIDTH) -> None:
    """Draw a Zarr array of masks, one chunk of so many images at a time."""
    array = zarr.create_array(store=path, shape=(images, height, width), chunks=(chunk, height, width), dtype="bool")
    for first in range(0, images, chunk):
        count = min(chunk, images - first)
        array[first : first + count] = draw_masks(first, count, height, width)
