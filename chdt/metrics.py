"""How well a segmentation does: the squared error of its size (22) and its overlap (23), image by image."""

import torch

from chdt.checks.masks import check_tensor, type_name
from chdt.cpu.packed import pack_masks
from chdt.size import object_size


def squared_size_error(target: torch.Tensor, prediction: torch.Tensor, *, spatial_dims: int = 2) -> torch.Tensor:
    """Squared difference between the sizes of two masks.

    Parameters
    ----------
    target, prediction : Tensor, shape (..., H, W)
        ±1 of any signed integer or float dtype, or bool.
    spatial_dims : {1, 2, 3}
        How many trailing dims form the grid.

    Returns
    -------
    float32 Tensor, shape (...)
        (g(target) - g(prediction))², in pixels². Its ``.mean()`` is E of a data set.

    Raises
    ------
    TypeError, ValueError
        As `object_size`; or the shapes differ.

    Notes
    -----
    Equation (22) of Baručić and Kybic (2022).

    Examples
    --------
    >>> import torch
    >>> from chdt import squared_size_error
    >>> target = torch.ones(2, 5, 5, dtype=torch.bool)
    >>> prediction = target.clone()
    >>> prediction[1] = False
    >>> squared_size_error(target, prediction).mean()
    tensor(50.)
    """
    _check(target, prediction)
    sizes = (object_size(masks, spatial_dims=spatial_dims).float() for masks in (target, prediction))
    return (next(sizes) - next(sizes)) ** 2


def intersection_over_union(target: torch.Tensor, prediction: torch.Tensor, *, spatial_dims: int = 2) -> torch.Tensor:
    """Pixels that are foreground in both masks, over those that are in either.

    Parameters
    ----------
    target, prediction : Tensor, shape (..., H, W)
        ±1 of any signed integer or float dtype, or bool.
    spatial_dims : {1, 2, 3}
        How many trailing dims form the grid.

    Returns
    -------
    float32 Tensor, shape (...)
        Between 0 and 1; 1 where neither mask has foreground, as they agree. Its ``.mean()`` is that of a data set.

    Raises
    ------
    TypeError, ValueError
        As `object_size`; or the shapes differ.

    Notes
    -----
    Equation (23) of Baručić and Kybic (2022).

    Examples
    --------
    >>> import torch
    >>> from chdt import intersection_over_union
    >>> target = torch.tensor([[[1, 1, -1]], [[-1, -1, -1]]])
    >>> prediction = torch.tensor([[[1, -1, -1]], [[-1, -1, -1]]])
    >>> intersection_over_union(target, prediction)
    tensor([0.5000, 1.0000])
    """
    _check(target, prediction)
    for masks in (target, prediction):
        pack_masks(masks, spatial_dims)  # which finds whatever is no mask
    dims = tuple(range(-spatial_dims, 0))
    a, b = target > 0, prediction > 0
    union = (a | b).sum(dims)
    return torch.where(union == 0, 1.0, (a & b).sum(dims) / union)


def _check(target: torch.Tensor, prediction: torch.Tensor) -> None:
    for name, masks in (("target", target), ("prediction", prediction)):
        if not isinstance(masks, torch.Tensor):
            raise TypeError(f"{name} must be a torch tensor, not {type_name(masks)}: convert with torch.from_numpy")
        check_tensor(masks, name)
    if target.shape != prediction.shape:
        raise ValueError(f"target has shape {tuple(target.shape)}, but prediction {tuple(prediction.shape)}")
