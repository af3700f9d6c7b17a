"""What counts as a spacing: one positive number, or one for each spatial dim."""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from chdt.checks.masks import check_spatial_dims

Spacing = float | Sequence[float]

Steps = tuple[float, float, float]  # from slice to slice, row to row, column to column

LEAST_SPACING, MOST_SPACING = 1e-25, 1e25  # far from where float32 knows no step but zero, and no length but infinity


def spacing_of(spacing: Spacing | None, spatial_dims: int) -> Steps | None:
    """The spacing of each axis of a grid of three, None where nothing was said."""
    if spacing is None:
        return None
    check_spatial_dims(spatial_dims)
    remedy = f"give one positive number, or one for each of the spatial_dims={spatial_dims} dims"
    is_one = spacing.ndim == 0 if isinstance(spacing, np.ndarray) else not isinstance(spacing, Sequence)
    values: Any = [spacing] * spatial_dims if is_one else spacing
    try:
        numbers = [_number(x) for x in values]
    except (AttributeError, RuntimeError, TypeError, ValueError):
        raise TypeError(f"spacing must be made of numbers, not {spacing!r}: {remedy}") from None
    if len(numbers) != spatial_dims:
        raise ValueError(f"spacing has {len(numbers)} numbers: {remedy}")
    for axis, number in enumerate(numbers):
        if not 0 < number < math.inf:
            raise ValueError(f"spacing must be positive and finite, but spacing[{axis}] is {number}: {remedy}")
        if not LEAST_SPACING <= number <= MOST_SPACING:
            raise ValueError(
                f"spacing must be from {LEAST_SPACING} to {MOST_SPACING}, "
                f"but spacing[{axis}] is {number}: change the unit"
            )
    slices, rows, columns = (numbers[0],) * (3 - spatial_dims) + tuple(numbers)
    return slices, rows, columns


def _number(x: Any) -> float:
    """A real number, also of NumPy or torch; ``float`` alone would read text and drop imaginary parts."""
    if not isinstance(x, Real):
        x = x.item()
    if not isinstance(x, Real):
        raise TypeError
    try:
        return float(x)
    except OverflowError:  # an integer beyond all floats
        return math.inf
