"""All of the public API as users write it: mypy and pyright check it against the installed package."""

from typing import Any, assert_type

import numpy as np
import numpy.typing as npt
import torch

import chdt
from chdt import (
    ExpectedSizeLoss,
    distance_transform,
    expected_size_loss,
    flip_sizes,
    intersection_over_union,
    mask_of_size,
    object_size,
    sample_masks,
    sampled_gradient,
    squared_error,
    squared_size_error,
    threshold_of_size,
)

version: str = chdt.__version__


def of_arrays(masks: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Arrays give arrays."""
    out = np.empty(masks.shape, np.int32)
    assert_type(object_size(masks), npt.NDArray[Any] | Any)
    assert_type(object_size(masks, spatial_dims=2, spacing=(2.5, 1.0), black_border=True), npt.NDArray[Any] | Any)
    one: int = int(object_size(masks[0], spacing=np.array([2.5, 1.0])))
    assert one == object_size(masks[0], spacing=torch.tensor([2.5, 1.0]))
    assert_type(distance_transform(masks), npt.NDArray[Any])
    assert_type(distance_transform(masks, spatial_dims=2, spacing=2, black_border=True), npt.NDArray[Any])
    assert_type(distance_transform(masks, out=out), npt.NDArray[Any])
    assert_type(flip_sizes(masks, spatial_dims=2, spacing=(2.0, 1.0), black_border=True), npt.NDArray[Any])
    assert_type(flip_sizes(masks, out=out), npt.NDArray[Any])
    sizes: npt.NDArray[np.int32] = object_size(masks)
    return sizes


def of_tensors(masks: torch.Tensor) -> torch.Tensor:
    """Tensors give tensors."""
    out = torch.empty(masks.shape, dtype=torch.int32)
    assert_type(object_size(masks), torch.Tensor)
    assert_type(object_size(masks, spatial_dims=2, spacing=[2.5, 1.0], black_border=True), torch.Tensor)
    assert_type(distance_transform(masks), torch.Tensor)
    assert_type(distance_transform(masks, spatial_dims=2, spacing=2.0, black_border=True, out=None), torch.Tensor)
    assert_type(distance_transform(masks, out=out), torch.Tensor)
    assert_type(flip_sizes(masks, spatial_dims=2, black_border=True, out=out), torch.Tensor)
    return object_size(masks)


def of_either(masks: npt.NDArray[Any] | torch.Tensor) -> npt.NDArray[Any] | torch.Tensor:
    """Once it is known which it is."""
    if isinstance(masks, torch.Tensor):
        return flip_sizes(masks)
    return flip_sizes(masks)


def forgiving(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """A loss of one's own."""
    return (squared_error(prediction, target) - 4).clamp(min=0)


def of_losses(logits: torch.Tensor, sizes: torch.Tensor, weight: torch.Tensor) -> None:
    """Draws, gradients and losses."""
    generator = torch.Generator()
    samples = sample_masks(logits, generator=generator)
    assert_type(samples, torch.Tensor)
    losses, gradient = sampled_gradient(
        samples, sizes, loss=forgiving, spatial_dims=2, spacing=torch.ones(2, 2), black_border=True
    )
    assert_type(losses, torch.Tensor)
    assert_type(gradient, torch.Tensor)
    value = expected_size_loss(
        logits,
        sizes,
        weight=weight,
        n_samples=2,
        loss=torch.nn.functional.l1_loss,
        reduction="sum",
        generator=generator,
        spatial_dims=2,
        spacing=(2, 1),
        black_border=True,
    )
    assert_type(value, torch.Tensor)
    criterion: torch.nn.Module = ExpectedSizeLoss(
        n_samples=2,
        loss=torch.nn.HuberLoss(),
        reduction="none",
        generator=None,
        spatial_dims=2,
        spacing=(2, 1),
        black_border=True,
    )
    value = criterion(logits, sizes, weight)


def of_thresholds(logits: torch.Tensor, sizes: torch.Tensor) -> None:
    """Where to cut logits, and what is left then."""
    assert_type(threshold_of_size(logits, sizes, spatial_dims=2, spacing=(2, 1), black_border=True), torch.Tensor)
    assert_type(mask_of_size(logits, sizes, spatial_dims=2, spacing=2.5, black_border=True), torch.Tensor)


def of_metrics(target: torch.Tensor, prediction: torch.Tensor) -> None:
    """Both numbers."""
    assert_type(squared_size_error(target, prediction, spatial_dims=2, spacing=2.5, black_border=True), torch.Tensor)
    assert_type(intersection_over_union(target, prediction, spatial_dims=2), torch.Tensor)
