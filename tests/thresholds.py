"""What tests of thresholds share: logits with what makes them hard to find, and answers by several ways."""

import numpy as np

from chdt.cpu.route import overridden
from chdt.cpu.thresholds import masks_of_ranks, weakest_pixels_of_ranks


def values_of(kind, rng, shape):
    """Logits with what makes thresholds hard to find."""
    values = rng.standard_normal(shape)
    if kind == "few values":
        return np.round(values)
    if kind == "sure":
        return np.where(values > 0, 1.0, -1.0) * rng.choice([0.0, 1.0], shape, p=[0.1, 0.9])
    if kind == "infinite":
        values[rng.random(shape) < 0.2], values[rng.random(shape) < 0.2] = np.inf, -np.inf
    if kind == "NaN":
        values[rng.random(shape) < 0.01], values[rng.random(shape) < 0.01] = np.nan, -np.nan
    if kind == "of one sign":
        return np.abs(values) * rng.choice([-1.0, 1.0], (shape[0], *(1,) * (len(shape) - 1)))
    return values


def by_ways(ways, logits, ranks, spatial_dims, spacing, black_border):
    """The pixels of each rank and the masks of the first ones, by one way after the other: thresholds of the route."""
    found = []
    for thresholds in ways:
        with overridden(**thresholds):
            found.append(weakest_pixels_of_ranks(logits, ranks, spatial_dims, spacing, black_border))
            found.append(masks_of_ranks(logits, ranks[:, 0], spatial_dims, spacing, black_border))
    return found
