"""object_size: twice the largest distance to background, from erosions alone (equations 4 and 5)."""

from typing import Any, overload

import numpy.typing as npt
import torch

from chdt.checks.masks import check_black_border, plain_tensor
from chdt.checks.spacing import Spacing, spacing_of
from chdt.checks.tracing import apart_from_graphs, is_traced, unscriptable
from chdt.wings import sizes_of_masks

_sizes_apart = apart_from_graphs(sizes_of_masks)


def sizes_of(masks: Any, spatial_dims: int, spacing: Spacing | None, black_border: bool, name: str) -> Any:
    """`object_size` of masks that users call by this ``name``."""
    spaced, black_border = spacing_of(spacing, spatial_dims, masks), check_black_border(black_border)
    if is_traced(masks):
        return torch.ops.chdt.object_size(masks, spatial_dims, spaced, black_border, name)
    return _sizes_apart(masks, spatial_dims, spaced, black_border, name)


@overload
def object_size(
    masks: torch.Tensor, *, spatial_dims: int = 2, spacing: Spacing | None = None, black_border: bool = False
) -> torch.Tensor: ...
# One mask gives a scalar; as NumPy's own reductions do, the types leave open which of the two it is.
@overload
def object_size(
    masks: npt.NDArray[Any], *, spatial_dims: int = 2, spacing: Spacing | None = None, black_border: bool = False
) -> npt.NDArray[Any] | Any: ...
@unscriptable
def object_size(
    masks: Any, *, spatial_dims: int = 2, spacing: Spacing | None = None, black_border: bool = False
) -> Any:
    """Size of the object in each mask: twice its largest Chebyshev distance to background.

    Parameters
    ----------
    masks : ndarray or Tensor, shape (..., H, W), or as many of the last dims as ``spatial_dims``
        ±1 of any signed integer or float dtype, or bool; +1 (True) is foreground. Pixels outside the grid are not
        background: an object cut by the border is as large as what can be seen of it allows.
    spatial_dims : {1, 2, 3}
        How many trailing dims form the grid.
    spacing : float, or sequence, array or tensor of float, optional
        How far apart pixels are, along each spatial dim or along all of them; shape (..., spatial_dims) for a spacing
        of each image. Sizes are then float32, in its units.
    black_border : bool
        Whether pixels outside the grid are background.

    Returns
    -------
    int32 ndarray or Tensor, shape (...)
        Sizes in pixels, on the device of the masks: 0 without foreground, 2·max(H, W), twice the longest side, without
        background; float32 with a spacing. No gradient. One mask in an array gives a scalar, ``np.int32`` or
        ``np.float32``, as NumPy's own reductions do.

    Raises
    ------
    TypeError
        Neither array nor dense tensor, or of a dtype that cannot hold -1 and +1; a spacing that is not made of numbers;
        a ``black_border`` that is neither True nor False.
    ValueError
        A value other than ±1 (its first index is named), an empty grid, or fewer dims than the grid has; a spacing that
        is not from 1e-25 to 1e25, or has another number of dims.
    RuntimeError
        Under torch.jit.trace.

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
    >>> object_size(mask)
    np.int32(4)

    A batch gives one size a mask; ``full`` has no background.

    >>> full = np.ones_like(mask)
    >>> object_size(np.stack([mask, ~full, full]))
    array([ 4,  0, 18], dtype=int32)
    """
    return sizes_of(plain_tensor(masks, "masks"), spatial_dims, spacing, black_border, "masks")
