"""Masks to test with: random ones that hold both values, special ones, and Hypothesis strategies for both."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

BORDERS = (1, 31, 32, 33, 63, 64, 65, 127, 128, 129)  # sides around the borders of words


def random_masks(shape, density, seed=0, spatial_dims=2):
    """Masks of this share of foreground, where each has both values."""
    rng = np.random.default_rng(seed)
    masks = rng.random(shape) < density
    for index in np.ndindex(shape[: len(shape) - spatial_dims]):
        values = masks[index].reshape(-1)  # a view
        values[rng.choice(values.size, 2, replace=False)] = True, False
        assert masks[index].any()
        assert not masks[index].all()
    return masks


def objects(shape, count, seed=0):
    """A grid with this many rectangles, some cut by the border, and as many holes in them."""
    rng = np.random.default_rng(seed)
    mask = np.zeros(shape, bool)
    for value in (True, False):
        for _ in range(count):
            sides = [rng.integers(1, max(2, side if value else side // 4 + 1)) for side in shape]
            corner = [rng.integers(1 - length, side) for length, side in zip(sides, shape, strict=True)]
            mask[tuple(slice(max(0, c), c + length) for c, length in zip(corner, sides, strict=True))] = value
    mask[(0,) * len(shape)], mask[(-1,) * len(shape)] = True, False
    assert mask.any()
    assert not mask.all()
    return mask


def lattice(shape, step, first=0):
    """All foreground but for single background pixels, ``step`` apart along each axis."""
    mask = np.ones(shape, bool)
    mask[tuple(slice(first, None, step) for _ in shape)] = False
    return mask


def all_but(shape, *background):
    """All foreground but for the given pixels."""
    mask = np.ones(shape, bool)
    for pixel in background:
        mask[pixel] = False
    return mask


def half(shape, axis, edge):
    """Foreground before ``edge`` along an axis, background from there on."""
    mask = np.ones(shape, bool)
    mask[(slice(None),) * axis + (slice(edge, None),)] = False
    return mask


def every_mask(grid):
    """All masks of a grid: number k is made of the bits of k."""
    count = int(np.prod(grid))
    return (np.arange(1 << count)[:, None] >> np.arange(count) & 1).astype(bool).reshape(-1, *grid)


def special_masks(height, width):
    """Masks of one grid that random ones are unlikely to hit."""
    shape, centre = (height, width), (height // 2, width // 2)
    corners = [(0, 0), (0, width - 1), (height - 1, 0), (height - 1, width - 1)]
    ring = all_but(shape)
    ring[1:-1, 1:-1] = False
    masks = [
        np.zeros(shape, bool),
        np.ones(shape, bool),
        *(all_but(shape, pixel) for pixel in [centre, *corners]),
        *(~all_but(shape, pixel) for pixel in [centre, *corners]),
        all_but(shape, corners[0], corners[3]),
        all_but(shape, corners[1], corners[2]),
        all_but(shape, *corners),
        ring,
        ~ring,
        *(half(shape, axis, shape[axis] // 2) for axis in (0, 1)),
        *(~half(shape, axis, shape[axis] // 2) for axis in (0, 1)),
        *(lattice(shape, step, first) for step, first in [(2, 0), (3, 1), (5, 2), (max(height, width) // 2 + 1, 0)]),
        np.indices(shape).sum(0) % 2 == 0,
        np.tri(height, width, dtype=bool),
        *(objects(shape, count, count) for count in (1, 2, 5) if height * width > 1),
    ]
    return np.stack(masks)


# ------------------------------------------------------------------------------------------------ hypothesis


def single_masks(most, least_dims=1, most_dims=2):
    """One mask, all of whose pixels are searched: small grids, every density."""
    grids = hnp.array_shapes(min_dims=least_dims, max_dims=most_dims, min_side=1, max_side=most)
    return grids.flatmap(lambda grid: hnp.arrays(bool, grid))


@st.composite
def mask_batches(draw, sides, most_pixels, spatial_dims=2):
    """A batch of any number of dims, all its masks of one grid, of random pixels or of random objects."""
    grid = draw(st.tuples(*[sides] * spatial_dims).filter(lambda g: 1 < np.prod(g) <= most_pixels))
    batch = draw(st.sampled_from([(), (1,), (3,), (2, 1, 2), (0,), (2, 0)]))
    seed = draw(st.integers(0, 2**32 - 1))
    if draw(st.booleans()):
        return random_masks((*batch, *grid), draw(st.sampled_from([0.05, 0.5, 0.9, 0.99, 1])), seed, spatial_dims)
    masks = np.empty((*batch, *grid), bool)
    for number, index in enumerate(np.ndindex(*batch)):
        masks[index] = objects(grid, draw(st.integers(1, 6)), seed + number)
    return masks
