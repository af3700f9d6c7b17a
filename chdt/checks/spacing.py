"""What counts as a spacing: one positive number, or one for each spatial dim, of all images or of each."""

import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from chdt.checks.masks import check_spatial_dims, plain_tensor
from chdt.checks.shape import AllSteps
from chdt.checks.tracing import apart_from_graphs, has_no_values

Spacing = float | Sequence[float] | Sequence[Sequence[float]] | npt.NDArray[Any] | torch.Tensor

LEAST_SPACING, MOST_SPACING = 1e-25, 1e25  # far from where float32 knows no step but zero, and no length but infinity


def spacing_of(spacing: Spacing | None, spatial_dims: int, masks: Any = None) -> AllSteps | None:
    """The spacing of each axis of a grid of three, None where nothing was said.

    With one for each image, of shape (..., spatial_dims), those of all images of the batch that ``masks`` are.
    """
    if spacing is None:
        return None
    check_spatial_dims(spatial_dims)
    batch = tuple(getattr(masks, "shape", ()))[:-spatial_dims]
    if torch.compiler.is_compiling() and (isinstance(spacing, (np.ndarray, torch.Tensor)) or _is_nested(spacing)):
        return _spacing_apart(spacing, spatial_dims, batch)  # its numbers are not known to a graph
    return _spacing_of(spacing, spatial_dims, batch)


def _spacing_of(spacing: Any, spatial_dims: int, batch: tuple[int, ...]) -> AllSteps:
    remedy = f"give one positive number, or one for each of the spatial_dims={spatial_dims} dims"
    if has_no_values(spacing):
        raise TypeError(f"spacing in a tensor cannot be read while torch exports or transforms a function: {remedy}")
    given = spacing
    try:
        if isinstance(spacing, (np.ndarray, torch.Tensor)):
            given = _numbers_of(spacing)
        if _is_nested(spacing):
            return _one_for_each(spacing, given, spatial_dims, batch)
        numbers = [_number(x) for x in (given if isinstance(given, Sequence) else [given] * spatial_dims)]
    except (AttributeError, RuntimeError, TypeError):
        raise TypeError(f"spacing must be made of numbers, not {spacing!r}: {remedy}") from None
    if len(numbers) != spatial_dims:
        raise ValueError(f"spacing has {len(numbers)} numbers: {remedy}")
    _check_numbers(numbers, lambda axis: str(axis), remedy)
    slices, rows, columns = (numbers[0],) * (3 - spatial_dims) + tuple(numbers)
    return slices, rows, columns


def _is_nested(spacing: Any) -> bool:
    """Whether there is a spacing for each image."""
    if isinstance(spacing, (np.ndarray, torch.Tensor)):
        return spacing.ndim > 1
    return isinstance(spacing, Sequence) and any(isinstance(x, (Sequence, np.ndarray, torch.Tensor)) for x in spacing)


def _one_for_each(spacing: Any, given: Sequence[Any], spatial_dims: int, batch: tuple[int, ...]) -> AllSteps:
    """The spacing of each image, from numbers in nested sequences; the same three numbers if all are the same."""
    remedy = f"give one spacing for all, or one for each image, shape {(*batch, spatial_dims)}"
    is_array = isinstance(spacing, np.ndarray) and spacing.dtype.kind in "iuf"
    nested = spacing if is_array else _nested(given)  # what other kinds hold is looked at one by one
    try:
        rows = np.array(nested, np.float64)
    except ValueError:
        raise ValueError(f"spacing has rows of different lengths: {remedy}") from None
    shape = tuple(getattr(spacing, "shape", rows.shape))  # nested lists of no images have lost it
    try:
        each = np.broadcast_to(rows.reshape(shape), (*batch, spatial_dims))
    except ValueError:
        raise ValueError(f"spacing has shape {shape}, but there are images of shape {batch}: {remedy}") from None
    if shape[-1] != spatial_dims:
        raise ValueError(f"spacing has {shape[-1]} numbers an image: {remedy}")
    flat = each.reshape(-1, spatial_dims)
    _check_numbers(
        flat.reshape(-1).tolist(),
        lambda index: ", ".join(map(str, map(int, np.unravel_index(index, each.shape)))),
        remedy,
    )
    whole = np.concatenate([flat[:, :1]] * (3 - spatial_dims) + [flat], axis=1)
    if len(whole) == 0 or (whole == whole[0]).all():
        whole = whole[:1] if len(whole) else np.ones((1, 3))
    return tuple(whole.reshape(-1).tolist())


def _nested(given: Any) -> Any:
    """Nested lists of floats."""
    if isinstance(given, (np.ndarray, torch.Tensor)):
        given = _numbers_of(given)
    if isinstance(given, Sequence) and not isinstance(given, str):
        return [_nested(x) for x in given]
    return _number(given)


def _check_numbers(numbers: list[float], place: Callable[[int], str], remedy: str) -> None:
    for index, number in enumerate(numbers):
        if not 0 < number < math.inf:
            raise ValueError(f"spacing must be positive and finite, but spacing[{place(index)}] is {number}: {remedy}")
        if not LEAST_SPACING <= number <= MOST_SPACING:
            raise ValueError(
                f"spacing must be from {LEAST_SPACING} to {MOST_SPACING}, "
                f"but spacing[{place(index)}] is {number}: change the unit"
            )


_spacing_apart = apart_from_graphs(_spacing_of)


def _numbers_of(array: npt.NDArray[Any] | torch.Tensor) -> Any:
    """What an array or tensor holds, as a list or one number."""
    if isinstance(array, torch.Tensor):
        array = plain_tensor(array, "spacing").detach()
    return array.tolist()


def _number(x: Any) -> float:
    """A real number, also of NumPy or torch; ``float`` alone would read text and drop imaginary parts."""
    if not isinstance(x, Real):
        try:
            x = x.item()
        except ValueError:  # more than one, in a thing that is no sequence
            raise TypeError from None
    if not isinstance(x, Real) or isinstance(x, bool):  # a bool is a number for Python, and an oversight for us
        raise TypeError
    try:
        return float(x)
    except OverflowError:  # an integer beyond all floats
        return math.inf
