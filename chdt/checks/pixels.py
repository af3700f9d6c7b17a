"""Indices of pixels that are chosen for their logit, what stands for no pixel, and the logits there."""

import math
from typing import Any

# What a threshold is at no pixel: the index that stands for it.
ABOVE_ALL, BELOW_ALL = -1, -2


def values_at(logits: Any, index: Any, spatial_dims: int) -> Any:
    """The logits of these pixels, some an image, with their gradient; ±inf where the index stands for none."""
    values = logits.flatten(-spatial_dims).gather(-1, index.clamp(min=0))
    return values.masked_fill(index == ABOVE_ALL, math.inf).masked_fill(index == BELOW_ALL, -math.inf)
