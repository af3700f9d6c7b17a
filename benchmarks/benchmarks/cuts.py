"""How long it takes to find where to cut logits for a size, exactly or by trying a list of thresholds."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy import ndimage

import chdt
from benchmarks.workloads import SEED

# Logits of so many images, and the sizes that are asked for.
CUTS = {
    "slices 1024x48x32": ((1024, 48, 32), (4, 10, 20, 40)),
    "16 x 512x512": ((16, 512, 512), (4, 20, 100, 400)),
    "1 x 4096x4096": ((1, 4096, 4096), (20, 960)),
    "64 x 35x50x36": ((64, 35, 50, 36), (4, 20)),
    "2 x 128x128x128": ((2, 128, 128, 128), (4, 20, 100)),
}

# Tried in self-training before there was anything exact: steps of 0.15 to 1 around 0, up to 6 on either side.
THRESHOLDS = (
    0.0,
    *(sign * t for t in (0.15, 0.3, 0.5, 0.75, 1, 1.3, 1.6, 2, 2.5, 3, 3.5, 4, 5, 6) for sign in (1, -1)),
)


def logits_of(shape: tuple[int, ...]) -> torch.Tensor:
    """Noise, smoothed over some five pixels, mostly between -6 and 6."""
    noise = np.random.default_rng(SEED).standard_normal(shape, dtype=np.float32)
    smooth = ndimage.gaussian_filter(noise, (0, *[2] * (len(shape) - 1)))
    return torch.from_numpy(2 * smooth / smooth.std())


def both_thresholds(logits: torch.Tensor, size: int) -> Callable[[], Any]:
    """Between these thresholds a mask has the size."""
    sizes = torch.full((len(logits), 1), size) + torch.tensor([0, 2])
    spread = logits[:, None].expand(-1, 2, *logits.shape[1:])
    return lambda: chdt.threshold_of_size(spread, sizes, spatial_dims=logits.ndim - 1)


def mask(logits: torch.Tensor, size: int) -> Callable[[], Any]:
    """The mask at the threshold closest to 0."""
    sizes = torch.full((len(logits),), size)
    return lambda: chdt.mask_of_size(logits, sizes, spatial_dims=logits.ndim - 1)


def listed_mask(logits: torch.Tensor, size: int) -> Callable[[], Any]:
    """The mask at the one of 29 thresholds that comes closest to the size."""
    thresholds = torch.tensor(THRESHOLDS)[(..., *[None] * logits.ndim)]

    def cut() -> torch.Tensor:
        masks = logits > thresholds
        errors = (chdt.object_size(masks, spatial_dims=logits.ndim - 1) - size).abs()
        return masks[errors.argmin(dim=0), torch.arange(len(logits))]

    return cut


WAYS = {"threshold_of_size, twice": both_thresholds, "mask_of_size": mask, "29 thresholds": listed_mask}


class Cut:
    """Seconds a batch, on one thread."""

    params = ([(name, size) for name, (_, sizes) in CUTS.items() for size in sizes], list(WAYS))
    param_names = ("logits, size", "way")

    def setup(self, workload: tuple[str, int], way: str) -> None:
        name, size = workload
        if way == "29 thresholds" and name == "1 x 4096x4096":
            raise NotImplementedError("its masks alone are half a gigabyte")
        torch.set_num_threads(1)
        self.call = WAYS[way](logits_of(CUTS[name][0]), size)
        self.call()

    def time_cut(self, workload: tuple[str, int], way: str) -> None:
        self.call()
