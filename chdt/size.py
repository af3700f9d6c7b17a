"""object_size: twice the largest distance to background, from erosions alone (equations 4 and 5)."""

import numpy as np
import numpy.typing as npt
import torch

from chdt.bitplanes import (
    Grid,
    Words,
    any_object,
    dilate_across_rows,
    dilate_along_rows,
    grid_of,
    lay_out_background,
    plane_at,
    planes_of,
)
from chdt.jit import helper, kernel
from chdt.lanes import Numbers
from chdt.masks import ArrayOrTensor, is_traced, new_answer, pack_masks
from chdt.parallel import share

WORDS_SIDE_BY_SIDE = 256  # of all images that are eroded side by side


@helper
def _erode(
    grid: Grid,
    patterns: Words,
    planes: Words,
    level: int,
    current: npt.NDArray[np.int64],
    eroded: npt.NDArray[np.int64],
    radius: npt.NDArray[np.int64],
    ended: npt.NDArray[np.int64],
) -> bool:
    """Erode by another 2^level pixels each object that this does not end; tell whether one was left."""
    images, any_left = len(current), False
    for image in range(images):
        if level < ended[image]:
            dilate_along_rows(grid, patterns, planes, current[image], level, plane_at(grid, 2 * images + image))
    for image in range(images):
        if level < ended[image]:
            along_rows = plane_at(grid, 2 * images + image)
            if dilate_across_rows(grid, patterns, planes, along_rows, level, eroded[image]):
                current[image], eroded[image] = eroded[image], current[image]
                radius[image] += 1 << level
                any_left = True
            else:
                ended[image] = level
    return any_left


@kernel
def sizes_of(
    words: Words,
    start: int,
    count: int,
    grid: Grid,
    patterns: Words,
    planes: Words,
    state: npt.NDArray[np.int64],
    sizes: Numbers,
) -> None:
    """Sizes of ``count`` images whose packed bits begin at ``start``.

    Each object is eroded by 1, 2, 4, ... pixels until nothing is left of it, then the radius at which it vanished is
    searched between the last two. Several images go through this side by side: one alone would wait for every step to
    end before it begins the next. ``planes`` has room for three planes of each, ``state`` for four numbers of each.
    """
    current, eroded, radius, ended = state
    most = len(current)
    cap = max(grid.height, grid.width)
    for first in range(0, count, most):
        images = min(most, count - first)
        for image in range(images):
            current[image], eroded[image] = plane_at(grid, 2 * image), plane_at(grid, 2 * image + 1)
            pixel = start + (first + image) * grid.height * grid.width
            lay_out_background(words, pixel, grid, patterns, planes, current[image])
            radius[image], ended[image] = 0, grid.levels
        level = 0
        while (1 << level) < cap and _erode(grid, patterns, planes, level, current[:images], eroded, radius, ended):
            level += 1
        while level > 0:
            level -= 1
            _erode(grid, patterns, planes, level, current[:images], eroded, radius, ended)
        for image in range(images):
            if radius[image] > 0 or any_object(grid, patterns, planes, current[image]):
                sizes[first + image] = 2 * min(radius[image] + 1, cap)
            else:
                sizes[first + image] = 0


def object_size(masks: ArrayOrTensor, *, spatial_dims: int = 2) -> ArrayOrTensor:
    """Size of the object in each mask: twice its largest Chebyshev distance to background.

    Parameters
    ----------
    masks : ndarray or Tensor, shape (..., H, W)
        ±1 of any signed integer or float dtype, or bool; +1 (True) is foreground. Pixels outside the grid are not
        background: an object cut by the border is as large as what can be seen of it allows.
    spatial_dims : {1, 2}
        How many trailing dims form the grid.

    Returns
    -------
    int32 ndarray or Tensor, shape (...)
        Sizes in pixels, on the device of the masks: 0 without foreground, 2·max(H, W) without background. No gradient.

    Raises
    ------
    TypeError
        Neither array nor dense tensor, or of a dtype that cannot hold -1 and +1.
    ValueError
        A value other than ±1 (its first index is named), an empty grid, or fewer dims than the grid has.

    See Also
    --------
    distance_transform : the distances themselves.
    flip_sizes : the size after each pixel's flip.

    Notes
    -----
    Equations (4) and (5) of Baručić and Kybic (2022), g(y) = 2·max_i d_i. Costs about as much as reading the masks.

    Examples
    --------
    A rectangle of 3 by 5 pixels: its middle row is two steps away from background.

    >>> import numpy as np
    >>> from chdt import object_size
    >>> mask = np.zeros((6, 9), dtype=bool)
    >>> mask[1:4, 2:7] = True
    >>> int(object_size(mask))
    4

    A batch gives one size a mask; ``full`` has no background.

    >>> full = np.ones_like(mask)
    >>> object_size(np.stack([mask, ~full, full]))
    array([ 4,  0, 18], dtype=int32)
    """
    if is_traced(masks):
        return torch.ops.chdt.object_size(masks, spatial_dims)  # type: ignore[no-any-return]
    packed = pack_masks(masks, spatial_dims)
    answer = new_answer(masks, packed.batch, 2 * packed.cap)
    grid, patterns = grid_of(packed.height, packed.width)
    side_by_side = max(1, WORDS_SIDE_BY_SIDE // grid.words)

    def work(first: int, last: int) -> None:
        images = min(side_by_side, last - first)
        state = np.empty((4, images), np.int64)
        planes, sizes = planes_of(grid, 3 * images), answer.words[first:last]
        sizes_of(packed.words, first * packed.pixels, last - first, grid, patterns, planes, state, sizes)

    share(work, packed.images, packed.pixels)
    return answer.finish()  # type: ignore[no-any-return]
