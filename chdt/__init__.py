"""Segmentation networks trained from nothing but the sizes of objects: exact sizes, distances and flips of masks."""

from chdt.flips import flip_sizes
from chdt.size import object_size
from chdt.transform import distance_transform

__all__ = ["distance_transform", "flip_sizes", "object_size"]
__version__ = "0.1.0"
