"""Every definition once, by brute force, for one boolean mask of any number of dims; knows nothing of the package."""

import numpy as np
from scipy import ndimage


def chebyshev(a, b):
    """delta(i, j) between all pixels i of ``a`` and j of ``b``, given as rows of coordinates."""
    return np.abs(a[:, None] - b[None]).max(axis=-1)


def cap(mask):
    """R: the largest side of the grid, the smallest integer that no distance in it reaches."""
    return max(mask.shape)


def distances(mask):
    """d_i = min over background j of delta(i, j), equation (3); R without background."""
    pixels, background = np.argwhere(np.ones_like(mask)), np.argwhere(~mask)
    if len(background) == 0:
        return np.full(mask.shape, cap(mask))
    return chebyshev(pixels, background).min(axis=1).reshape(mask.shape)


def spaced_distances(mask, spacing):
    """The same with steps of a length of their own along each axis; the longest side without background."""
    pixels, background = np.argwhere(np.ones_like(mask)), np.argwhere(~mask)
    if len(background) == 0:
        return np.full(mask.shape, np.max(np.multiply(spacing, mask.shape)), np.float32)
    lengths = (np.abs(pixels[:, None] - background[None]) * np.array(spacing, float)).max(axis=-1)
    return lengths.min(axis=1).astype(np.float32).reshape(mask.shape)


def spaced_size(mask, spacing):
    """Twice the largest of them."""
    return 2 * spaced_distances(mask, spacing).max()


def size(mask):
    """g(y) = 2 max_i d_i, equation (5)."""
    return 2 * distances(mask).max()


def flipped(mask, pixel):
    """y↓i: the mask with only this pixel flipped."""
    other = mask.copy()
    other[pixel] ^= True
    return other


def flip_sizes(mask):
    """g(y↓i) for every pixel i, as in equation (21)."""
    sizes = np.empty(mask.shape, int)
    for pixel in np.ndindex(mask.shape):
        sizes[pixel] = size(flipped(mask, pixel))
    return sizes


def spaced_flip_sizes(mask, spacing):
    """The same with steps of a length of their own along each axis."""
    sizes = np.empty(mask.shape, np.float32)
    for pixel in np.ndindex(mask.shape):
        sizes[pixel] = spaced_size(flipped(mask, pixel), spacing)
    return sizes


# ------------------------------------------------------------------------------------------------ for larger masks


def fast_distances(mask):
    """The same as `distances`, from SciPy, which says -1 where there is no background."""
    d = ndimage.distance_transform_cdt(mask, metric="chessboard")
    return np.where(d == -1, cap(mask), d)


def fast_size(mask):
    """The same as `size`, from SciPy."""
    if mask.all():  # where SciPy has no answer
        return 2 * cap(mask)
    return 2 * ndimage.distance_transform_cdt(mask, metric="chessboard").max()


def fast_spaced_distances(mask, spacing):
    """The same as `spaced_distances`, axis by axis: the least of the larger of steps and what the axes before say."""
    d = np.where(mask, np.inf, 0)
    for axis, number in enumerate(spacing):
        line = d.swapaxes(0, axis)  # a view
        before = line.copy()
        for step in range(1, len(line)):
            line[step:] = np.minimum(line[step:], np.maximum(step * number, before[:-step]))
            line[:-step] = np.minimum(line[:-step], np.maximum(step * number, before[step:]))
    return np.minimum(d, np.max(np.multiply(spacing, mask.shape))).astype(np.float32)


def fast_spaced_size(mask, spacing):
    """The same as `spaced_size`."""
    return 2 * fast_spaced_distances(mask, spacing).max()


def fast_flip_sizes(mask, pixels=None):
    """The same as `flip_sizes`, from SciPy: a vector for the given pixels, or the whole grid."""
    if pixels is None:
        return np.array([fast_size(flipped(mask, i)) for i in np.ndindex(mask.shape)]).reshape(mask.shape)
    return np.array([fast_size(flipped(mask, tuple(i))) for i in pixels])


def alone_in_windows(mask, radius, black_border=False):
    """Background that is alone in the window of this radius around some pixel; with a border, one within the grid."""
    found = np.zeros_like(mask)
    for pixel in np.ndindex(mask.shape):
        reaches_out = any(i < radius or i + radius >= side for i, side in zip(pixel, mask.shape, strict=True))
        window = tuple(slice(max(0, i - radius), i + radius + 1) for i in pixel)
        if np.count_nonzero(~mask[window]) == 1 and not (black_border and reaches_out):
            found[window] |= ~mask[window]
    return found


# ------------------------------------------------------------------------------------------------ for batches


def each(oracle, masks, spatial_dims=2, dtype=int):
    """What the oracle says of each mask of a batch, in the shape that the batch has."""
    masks = np.asarray(masks)
    batch, grid = masks.shape[:-spatial_dims], masks.shape[-spatial_dims:]
    answers = [oracle(masks[index]) for index in np.ndindex(batch)]
    of_one = np.shape(answers[0] if answers else oracle(np.zeros(grid, bool)))
    return np.array(answers, dtype).reshape(batch + of_one)
