"""How much memory a call needs."""

from typing import Any

import numpy as np
import numpy.typing as npt

import chdt
from benchmarks.workloads import DTYPES, WORKLOADS, tensor_of

FUNCTIONS = ("object_size", "distance_transform", "flip_sizes")
WORKLOAD = WORKLOADS["1 x 4096x4096"]


class Peak:
    """Peak memory of a process that makes one call; what goes beyond "masks alone" is the call's, answer included."""

    params = (["masks alone", *FUNCTIONS], list(DTYPES))
    param_names = ("function", "dtype")

    def setup_cache(self) -> None:
        # To draw masks and to compile kernels takes more memory than any call, so that happens in another process.
        for dtype in DTYPES:
            masks = tensor_of(WORKLOAD, dtype).numpy()
            np.save(f"{dtype}.npy", masks)
            self._call_all(masks[:, :8])

    def setup(self, function: str, dtype: str) -> None:
        self.masks = np.load(f"{dtype}.npy")
        self._call_all(self.masks[:, :8])  # a few rows load the kernels that all of them need

    def _call_all(self, masks: npt.NDArray[Any]) -> None:
        for function in FUNCTIONS:
            getattr(chdt, function)(masks)

    def peakmem_call(self, function: str, dtype: str) -> None:
        if function != "masks alone":
            getattr(chdt, function)(self.masks)
