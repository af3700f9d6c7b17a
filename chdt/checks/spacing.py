"""What counts as a spacing: one positive number, or one for each spatial dim, in a sequence, an array or a tensor."""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from chdt.checks.masks import check_spatial_dims, plain_tensor
from chdt.checks.shape import Steps
from chdt.checks.tracing import apart_from_graphs

Spacing = float | Sequence[float] | npt.NDArray[Any] | torch.Tensor

LEAST_SPACING, MOST_SPACING = 1e-25, 1e25  # far from where float32 knows no step but zero, and no length but infinity


def spacing_of(spacing: Spacing | None, spatial_dims: int) -> Steps | None:
    """The spacing of each axis of a grid of three, None where nothing was said."""
    if spacing is None:
        return None
    check_spatial_dims(spatial_dims)
    is_array = isinstance(spacing, (np.ndarray, torch.Tensor))
    if is_array and torch.compiler.is_compiling():
        return _spacing_apart(spacing, spatial_dims)  # its numbers are not known to a graph
    return _spacing_of(spacing, spatial_dims)


def _spacing_of(spacing: Any, spatial_dims: int) -> Steps:
    remedy = f"give one positive number, or one for each of the spatial_dims={spatial_dims} dims"
    given = spacing
    try:
        if isinstance(spacing, (np.ndarray, torch.Tensor)):
            given = _numbers_of(spacing)
        numbers = [_number(x) for x in (given if isinstance(given, Sequence) else [given] * spatial_dims)]
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


_spacing_apart = apart_from_graphs(_spacing_of)


def _numbers_of(array: npt.NDArray[Any] | torch.Tensor) -> Any:
    """What an array or tensor holds, as a list or one number."""
    if isinstance(array, torch.Tensor):
        array = plain_tensor(array, "spacing").detach()
    return array.tolist()


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
