"""How well a segmentation does: the squared error of its size (22) and its overlap (23), image by image."""

import torch

from chdt.checks.advice import to_tensor, type_name
from chdt.checks.masks import check_tensor, plain_tensor
from chdt.checks.spacing import Spacing
from chdt.checks.tracing import is_traced, unscriptable
from chdt.size import sizes_of
from chdt.wings import overlaps_of


@unscriptable
def squared_size_error(
    target: torch.Tensor,
    prediction: torch.Tensor,
    *,
    spatial_dims: int = 2,
    spacing: Spacing | None = None,
    black_border: bool = False,
) -> torch.Tensor:
    """Squared difference between the sizes of two masks.

    Parameters
    ----------
    target, prediction : Tensor, shape (..., H, W)
        ±1 of any signed integer or float dtype, or bool.
    spatial_dims : {1, 2, 3}
        How many trailing dims form the grid.
    spacing : float, or sequence, array or tensor of float, optional
        How far apart pixels are, along each spatial dim or along all of them; shape (..., spatial_dims) for a spacing
        of each image. Sizes are in its units then.
    black_border : bool
        Whether pixels outside the grid are background.

    Returns
    -------
    float32 Tensor, shape (...)
        (g(target) - g(prediction))², in pixels², or in units of the spacing². Its ``.mean()`` is E of a data set.

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
    target, prediction = _checked(target, prediction)
    true_sizes: torch.Tensor = sizes_of(target, spatial_dims, spacing, black_border, "target")
    sizes: torch.Tensor = sizes_of(prediction, spatial_dims, spacing, black_border, "prediction")
    return (true_sizes - sizes).float() ** 2


@unscriptable
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
        On the device of the target. Between 0 and 1; 1 where neither mask has foreground, as they agree. Its
        ``.mean()`` is that of a data set.

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
    target, prediction = _checked(target, prediction)
    if is_traced(target) or is_traced(prediction):
        return torch.ops.chdt.intersection_over_union(target, prediction, spatial_dims)  # type: ignore[no-any-return]
    return overlaps_of(target, prediction, spatial_dims)


def _checked(target: torch.Tensor, prediction: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both as plain tensors, of one shape."""
    target, prediction = plain_tensor(target, "target"), plain_tensor(prediction, "prediction")
    for name, masks in (("target", target), ("prediction", prediction)):
        if not isinstance(masks, torch.Tensor):
            advice = to_tensor(masks, name)
            raise TypeError(f"{name} must be a torch tensor, not {type_name(masks)}: convert with {advice}")
        check_tensor(masks, name)
    if target.shape != prediction.shape:
        raise ValueError(f"target has shape {tuple(target.shape)}, but prediction {tuple(prediction.shape)}")
    return target, prediction
