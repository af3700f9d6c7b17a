"""How much two batches of masks overlap, one pair of images a thread."""

import numpy as np
import torch

from chdt.checks.answers import deliver
from chdt.cpu.kernels.overlaps import overlaps_of_packed
from chdt.cpu.packed import pack_masks
from chdt.cpu.threads import share


def overlaps_of(target: torch.Tensor, prediction: torch.Tensor, spatial_dims: int) -> torch.Tensor:
    """Intersection over union of each pair of masks (23), on the device of the target."""
    a = pack_masks(target, spatial_dims, name="target")
    b = pack_masks(prediction, spatial_dims, name="prediction")
    overlaps, pixels = np.empty(a.images, np.float32), a.shape.pixels

    def work(first: int, last: int) -> None:
        overlaps_of_packed(a.bits, b.bits, first * pixels, pixels, overlaps[first:last])

    share(work, a.images, pixels)
    return deliver(overlaps.reshape(a.batch), target)  # type: ignore[no-any-return]
