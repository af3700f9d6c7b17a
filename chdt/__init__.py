"""Segmentation networks trained from a few outlines and many sizes: exact sizes, distances and flips of masks."""

from chdt import operators as _operators  # noqa: F401, registers them with torch
from chdt.distance import distance_transform
from chdt.flips import flip_sizes
from chdt.gradient import sampled_gradient, squared_error
from chdt.loss import ExpectedSizeLoss, expected_size_loss
from chdt.metrics import intersection_over_union, squared_size_error
from chdt.sampling import sample_masks
from chdt.size import object_size
from chdt.threshold import mask_of_size, threshold_of_size

__all__ = [
    "ExpectedSizeLoss",
    "distance_transform",
    "expected_size_loss",
    "flip_sizes",
    "intersection_over_union",
    "mask_of_size",
    "object_size",
    "sample_masks",
    "sampled_gradient",
    "squared_error",
    "squared_size_error",
    "threshold_of_size",
]
__version__ = "0.1.0"
