"""The same masks in every form: as arrays and tensors of each dtype, in each layout."""

import numpy as np
import pytest
import torch

from chdt import distance_transform, flip_sizes, object_size

FUNCTIONS = [distance_transform, object_size, flip_sizes]
ARRAY_DTYPES = ["?", "i1", "i2", "i4", "i8", "f2", "f4", "f8", ">i2", ">i4", ">i8", ">f2", ">f4", ">f8", "<i2", "<f4"]
TENSOR_DTYPES = [
    torch.bool, torch.int8, torch.int16, torch.int32, torch.int64,
    torch.float16, torch.bfloat16, torch.float32, torch.float64,
]  # fmt: skip

each_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)


def as_array(masks, dtype):
    """Bool masks as ±1 of a dtype."""
    return masks if np.dtype(dtype) == bool else np.where(masks, 1, -1).astype(dtype)


def as_tensor(masks, dtype):
    tensor = torch.from_numpy(masks.copy())
    return tensor if dtype == torch.bool else (2 * tensor.to(torch.int8) - 1).to(dtype)


# ------------------------------------------------------------------------------------------------ layouts


def _copy_of(masks, axes):
    """The same masks, whose memory has its axes in this order."""
    return np.ascontiguousarray(masks.transpose(axes)).transpose(np.argsort(axes))


def _stepped(masks):
    larger = np.zeros([3 * side for side in masks.shape], masks.dtype)
    larger[tuple(slice(1, None, 3) for _ in masks.shape)] = masks
    return larger[tuple(slice(1, None, 3) for _ in masks.shape)]


def _cropped(masks):
    larger = np.zeros([side + 2 for side in masks.shape], masks.dtype)
    larger[tuple(slice(1, -1) for _ in masks.shape)] = masks
    return larger[tuple(slice(1, -1) for _ in masks.shape)]


def _reversed(masks):
    every = (slice(None, None, -1),) * masks.ndim
    return masks[every].copy()[every]


def _misaligned(masks):
    memory = bytearray(masks.nbytes + 1)
    array = np.frombuffer(memory, np.uint8)[1:].view(masks.dtype).reshape(masks.shape)
    array[...] = masks
    assert masks.itemsize == 1 or not array.flags.aligned
    return array


def _read_only(masks):
    masks = masks.copy()
    masks.flags.writeable = False
    return masks


def _read_only_crop(masks):
    masks = _cropped(masks)
    masks.flags.writeable = False
    return masks


def _field(masks):
    records = np.zeros(masks.shape, [("other", "i1"), ("mask", masks.dtype)])
    records["mask"] = masks
    return records["mask"]


ARRAY_LAYOUTS = {
    "transposed": lambda masks: _copy_of(masks, [0, 1, 3, 2]),
    "channels last": lambda masks: _copy_of(masks, [0, 2, 3, 1]),
    "batch last": lambda masks: _copy_of(masks, [2, 3, 0, 1]),
    "Fortran": np.asfortranarray,
    "stepped": _stepped,
    "cropped": _cropped,
    "reversed": _reversed,
    "misaligned": _misaligned,
    "read-only": _read_only,
    "read-only crop": _read_only_crop,
    "field": _field,
    "subclass": lambda masks: masks.view(type("Subclass", (np.ndarray,), {})),
}

TENSOR_LAYOUTS = {
    "transposed": lambda masks: masks.mT.contiguous().mT,
    "channels last": lambda masks: masks.contiguous(memory_format=torch.channels_last),
    "batch last": lambda masks: masks.permute(2, 3, 0, 1).contiguous().permute(2, 3, 0, 1),
    "stepped": lambda masks: torch.stack([masks, masks], -1).flatten(-2)[..., ::2],
    "cropped": lambda masks: torch.nn.functional.pad(masks, (1, 1, 1, 1))[..., 1:-1, 1:-1],
    "requires grad": lambda masks: masks.clone().requires_grad_(masks.is_floating_point()),
    "parameter": lambda masks: torch.nn.Parameter(masks, requires_grad=masks.is_floating_point()),
    "of a graph": lambda masks: masks.clone().requires_grad_() * 1 if masks.is_floating_point() else masks.clone(),
}
