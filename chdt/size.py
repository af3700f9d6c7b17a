"""object_size: twice the largest distance to background, from erosions alone (equations 4 and 5)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from chdt.bitplanes import (
    WORD,
    Grid,
    Words,
    cap_of,
    erode,
    grid_of,
    images_together,
    largest_distance,
    lay_out_background,
    lay_out_together,
    objects_in,
    pack,
    packed_words,
    pixels_in,
    plane_at,
    planes_of,
)
from chdt.jit import helper, kernel
from chdt.lanes import (
    WORDS,
    Number,
    Numbers,
    Vector,
    aligned,
    any_set,
    load_words,
    store,
)
from chdt.masks import (
    ArrayOrTensor,
    Shape,
    as_words,
    deliver,
    flat_view,
    grid_shape,
    invalid_value,
    is_traced,
    new_answer,
    pack_masks,
)
from chdt.parallel import PIXELS_PER_THREAD, kept, share, thread_count
from chdt.spacing import Spacing, spaced_sizes, spacing_of

PACKED = 1 << 16  # pixels that are read in one go: memory is slow to start, and their bits stay in the nearest cache


class Workspace(NamedTuple):
    """What a thread needs to measure images, one by one, or small ones in the lanes of vectors."""

    grid: Grid
    patterns: Words
    planes: Words  # three: the background as it is, and two to dilate it in
    radius: npt.NDArray[np.int64]  # by how much each image is eroded
    ended: npt.NDArray[np.int64]  # the level of the erosion that would leave nothing of it
    left: Words  # what is left of it: see `dilate`
    chosen: Words  # all bits set for those that are eroded further
    words: Words  # the packed images, where they are not packed yet


def workspace_of(shape: Shape, together: int) -> Workspace:
    """Memory for one thread."""
    grid, patterns = grid_of(*shape.without_single_pixels, together)
    radius, ended = np.empty((2, together), np.int64)
    left, chosen = aligned(WORDS, 0, np.uint64), aligned(WORDS, 0, np.uint64)
    words = np.zeros(packed_words(max(PACKED, together * shape.pixels)), np.uint64)
    return Workspace(grid, patterns, planes_of(grid, 3), radius, ended, left, chosen, words)


@helper
def _keep_left(left: Vector, workspace: Workspace) -> None:
    """Store what is left of each image."""
    store(workspace.left, 0, left)
    if workspace.grid.together == 1 and any_set(left):
        workspace.left[0] = np.uint64(1)


@helper
def _erode(level: int, workspace: Workspace, current: int) -> int:
    """Erode all objects by another 2^level pixels; give the plane with the background then, and keep what is left."""
    grid, patterns, planes = workspace.grid, workspace.patterns, workspace.planes
    first, second = plane_at(grid, 0), plane_at(grid, 1)
    if current == first:
        first = plane_at(grid, 2)
    elif current == second:
        second = plane_at(grid, 2)
    _keep_left(erode(grid, patterns, planes, level, current, first, second), workspace)
    return second


@helper
def _take_over(current: int, eroded: int, workspace: Workspace) -> None:
    """Of the images that are chosen, take the eroded background for the current one."""
    grid, planes = workspace.grid, workspace.planes
    chosen = load_words(workspace.chosen, 0)
    for at in range(0, grid.words, WORDS):
        before = load_words(planes, current + at)
        store(planes, current + at, before ^ ((before ^ load_words(planes, eroded + at)) & chosen))


@helper
def _measure(words: Words, start: int, images: int, workspace: Workspace, sizes: Numbers) -> None:
    """Sizes of images whose packed bits begin at ``start``.

    Each object is eroded by 1, 2, 4, ... pixels until nothing is left of it, then the radius at which it vanished is
    searched between the last two.
    """
    grid, patterns, planes, radius, ended, left, chosen, _ = workspace
    cap = cap_of(grid)
    current = plane_at(grid, 0)
    if grid.together == 1:
        lay_out_background(words, start, grid, patterns, planes, current)
    else:
        lay_out_together(words, start, images, grid, patterns, planes, current)
    _keep_left(objects_in(grid, patterns, planes, current), workspace)
    for image in range(images):
        sizes[image] = 0 if left[image] == 0 else 2
        radius[image], ended[image] = 0, 0 if left[image] == 0 else grid.levels
    level, rising = 0, True
    while rising or level > 0:
        if not rising:
            level -= 1
        eroded = _erode(level, workspace, current)
        any_chosen, all_chosen = False, True
        for image in range(images):
            if level < ended[image] and left[image] != 0:
                chosen[image] = ~np.uint64(0)
                radius[image] += 1 << level
                any_chosen = True
            else:
                chosen[image] = np.uint64(0)
                ended[image] = min(ended[image], level)
                all_chosen = False
        if all_chosen:
            current = eroded
        elif any_chosen:
            _take_over(current, eroded, workspace)
        if rising:
            rising = any_chosen and (2 << level) < cap
            if any_chosen:
                level += 1
    for image in range(images):
        sizes[image] = min(sizes[image] + 2 * radius[image], 2 * cap)


@helper
def _measure_all(words: Words, start: int, count: int, workspace: Workspace, sizes: Numbers) -> None:
    most, pixels = workspace.grid.together, pixels_in(workspace.grid)
    for first in range(0, count, most):
        _measure(words, start + first * pixels, min(most, count - first), workspace, sizes[first:])


@kernel
def sizes_of_packed(words: Words, start: int, count: int, workspace: Workspace, sizes: Numbers) -> None:
    """Sizes of ``count`` images whose packed bits begin at ``start``."""
    _measure_all(words, start, count, workspace, sizes)


@kernel
def sizes_of(values: Numbers, foreground: Number, background: Number, workspace: Workspace, sizes: Numbers) -> int:
    """Sizes of all images in ``values``; give the index of the first value that is neither of the two, or -1."""
    together, pixels = workspace.grid.together, pixels_in(workspace.grid)
    most = max(1, PACKED // (together * pixels)) * together
    for first in range(0, len(sizes), most):
        images = min(most, len(sizes) - first)
        begin = first * pixels
        found = pack(values[begin : begin + images * pixels], foreground, background, workspace.words, 0)
        if found >= 0:
            return begin + found
        _measure_all(workspace.words, 0, images, workspace, sizes[first:])
    return -1


# ------------------------------------------------------------------------------------------------ large images

# A large image is measured in overlapping bands of rows, by several threads. In a band, what lies outside of it is not
# background, so an object may seem larger there; but not in its *core*, the rows that are AROUND or more away from
# those outside, as long as less than that is eroded. A band need not know its size if another one has a larger object.
AROUND = 64  # rows
MOST = AROUND - WORDS  # half of the size up to which this holds: cores are rounded to whole vectors
LARGE = 1 << 22  # pixels of an image that is cut into bands
EROSIONS = 8  # times what packing takes, to measure a band
CORE = 1 << 15  # words of a core, or more: so the planes of a band stay in the second nearest cache


class Bands(NamedTuple):
    """How an image is cut."""

    rows: int  # of a band
    core: int  # rows from a core to the next
    number: int


def bands_of(shape: Shape) -> Bands | None:
    """The bands of an image, None if it is not large, or a volume."""
    depth, height, width = shape.without_single_pixels
    core = max(CORE // -(-width // WORD), 4 * AROUND) // WORDS * WORDS
    rows = core + 2 * AROUND
    if depth > 1 or width <= WORD or height * width < LARGE or rows > height:
        return None
    return Bands(rows, core, -(-height // core))


@kernel
def measure_bands(
    words: Words, start: int, height: int, first: int, last: int, bands: Bands, workspace: Workspace, known: Numbers
) -> None:
    """Raise ``known``, half of a size, by bands first..last - 1 of an image whose packed bits begin at ``start``."""
    grid, patterns, planes = workspace.grid, workspace.patterns, workspace.planes
    for band in range(first, last):
        if known[0] >= MOST:
            return
        row = band * bands.core
        top = max(0, min(row - AROUND, height - bands.rows))
        blocks = grid.pitch // WORD
        begin = (row - top) * blocks // WORDS * WORDS
        end = min(grid.words, (min(bands.core, height - row) + row - top) * blocks + WORDS - 1) // WORDS * WORDS
        lay_out_background(words, start + top * grid.width, grid, patterns, planes, plane_at(grid, 0))
        found = largest_distance(grid, patterns, planes, 0, known[0], MOST, begin, end)
        if found > known[0]:
            known[0] = found


def _sizes_by_bands(words: Words, shape: Shape, bands: Bands, sizes: Numbers) -> Sequence[int]:
    """Write the sizes of a batch; give the images that are too large for the bands and have got none."""
    _, height, width = shape.without_single_pixels
    images = len(sizes)
    found: list[npt.NDArray[np.int64]] = []

    def memory() -> tuple[Workspace, npt.NDArray[np.int64]]:
        known = np.zeros(images, np.int64)
        found.append(known)
        return kept(workspace_of, Shape(1, bands.rows, width), 1), known

    def work(first: int, last: int, workspace: Workspace, known: npt.NDArray[np.int64]) -> None:
        while first < last:  # the bands of one image after the other
            image, band = divmod(first, bands.number)
            end = min(bands.number, band + last - first)
            known[image] = max(of_thread[image] for of_thread in found)
            here = known[image : image + 1]
            measure_bands(words, image * shape.pixels, height, band, end, bands, workspace, here)
            first += end - band

    # Of one image, a band tells the next ones how little can be left out: so better all by one thread.
    together = bands.number if images % thread_count() == 0 else 1
    share(work, images * bands.number, EROSIONS * bands.rows * width, together, memory)
    half = np.max(found, axis=0, initial=0)  # of an empty batch, none is found
    sizes[:] = 2 * half
    return np.flatnonzero(half >= MOST).tolist()


def _packs_first(images: int, shape: Shape) -> bool:
    """Whether a batch is packed before it is measured: only then do several threads read one image.

    Packing is most of the work; the erosions that follow are done by one thread an image, or by all in bands.
    """
    several = images * shape.pixels >= 2 * PIXELS_PER_THREAD and images < thread_count()
    return several or bands_of(shape) is not None


def object_size(
    masks: ArrayOrTensor, *, spatial_dims: int = 2, spacing: Spacing | None = None, black_border: bool = False
) -> ArrayOrTensor:
    """Size of the object in each mask: twice its largest Chebyshev distance to background.

    Parameters
    ----------
    masks : ndarray or Tensor, shape (..., H, W), or as many of the last dims as ``spatial_dims``
        ±1 of any signed integer or float dtype, or bool; +1 (True) is foreground. Pixels outside the grid are not
        background: an object cut by the border is as large as what can be seen of it allows.
    spatial_dims : {1, 2, 3}
        How many trailing dims form the grid.
    spacing : float or sequence of float, optional
        How far apart pixels are, along each spatial dim or along all of them. Sizes are then float32, in its units.
    black_border : bool
        Whether pixels outside the grid are background.

    Returns
    -------
    int32 ndarray or Tensor, shape (...)
        Sizes in pixels, on the device of the masks: 0 without foreground, 2·max(H, W), twice the longest side, without
        background; float32 with a spacing. No gradient.

    Raises
    ------
    TypeError
        Neither array nor dense tensor, or of a dtype that cannot hold -1 and +1; a spacing that is not made of numbers.
    ValueError
        A value other than ±1 (its first index is named), an empty grid, or fewer dims than the grid has; a spacing that
        is not from 1e-25 to 1e25, or has another number of dims.

    See Also
    --------
    distance_transform : the distances themselves.
    flip_sizes : the size after each pixel's flip.

    Notes
    -----
    Equations (4) and (5) of Baručić and Kybic (2022), g(y) = 2·max_i d_i. Costs two to three times as much
    as reading the masks.

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
    spaced = spacing_of(spacing, spatial_dims)
    if is_traced(masks):
        return torch.ops.chdt.object_size(masks, spatial_dims, spaced, black_border)  # type: ignore[no-any-return]
    shape = grid_shape(masks, spatial_dims)
    batch = tuple(masks.shape[: masks.ndim - spatial_dims])
    if spaced is not None and len(set(spaced)) > 1:
        sizes = spaced_sizes(pack_masks(masks, spatial_dims, black_border, shape), spaced)
        return deliver(sizes.reshape(batch), masks)  # type: ignore[no-any-return]
    answer = new_answer(masks, batch, 2 * shape.cap)
    values, foreground, background = as_words(masks)
    flat = None if black_border or _packs_first(len(answer.words), shape) else flat_view(values)
    packed = pack_masks(masks, spatial_dims, black_border, shape) if flat is None else None
    if packed is not None:
        shape = packed.shape
    pixels = shape.pixels
    together = images_together(len(answer.words), pixels)
    invalid: list[int] = []

    def work(first: int, last: int) -> None:
        workspace = kept(workspace_of, shape, together)
        sizes = answer.words[first:last]
        if packed is not None:
            sizes_of_packed(packed.words, first * pixels, last - first, workspace, sizes)
        elif flat is not None:
            found = sizes_of(flat[first * pixels : last * pixels], foreground, background, workspace, sizes)
            if found >= 0:
                invalid.append(first * pixels + found)

    bands = None if packed is None else bands_of(shape)
    if packed is not None and bands is not None:
        large = _sizes_by_bands(packed.words, shape, bands, answer.words)

        def measure_large(first: int, last: int) -> None:
            for image in large[first:last]:
                work(image, image + 1)

        share(measure_large, len(large), pixels)
    else:
        share(work, len(answer.words), pixels, together)
    if invalid:
        raise invalid_value(masks, min(invalid))
    if spaced is not None:
        sizes = np.multiply(answer.words, spaced[0], dtype=np.float64).astype(np.float32)
        return deliver(sizes.reshape(batch), masks)  # type: ignore[no-any-return]
    return answer.finish()  # type: ignore[no-any-return]
