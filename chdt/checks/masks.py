"""What counts as a mask: values, dtype, shape, layout, device.

A mask holds +1 or -1, so each of its values is one of two bit patterns, whatever the dtype. Read as unsigned integers
of the same size, all dtypes are the same to the kernels, and comparing with both patterns finds every invalid value.
"""

import functools
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from chdt.checks.dtypes import SAME_SIZE, TENSOR_DTYPES, UNSIGNED_TENSORS, WORD_OF_SIZE
from chdt.checks.shape import Shape
from chdt.checks.tracing import UNSUPPORTED, WITHOUT_VALUES, apart_from_graphs, is_traced

ArrayOrTensor = TypeVar("ArrayOrTensor", npt.NDArray[Any], torch.Tensor)

AnyMasks = npt.NDArray[Any] | torch.Tensor


def check_spatial_dims(spatial_dims: int) -> None:
    """A grid is a line, an image or a volume."""
    # Here and below, types in tuples: the compiler of torch 2.8 does not know unions.
    is_integer = isinstance(spatial_dims, (int, np.integer)) and not isinstance(spatial_dims, bool)
    if not is_integer or spatial_dims not in (1, 2, 3):
        raise ValueError(f"spatial_dims must be 1, 2 or 3, not {spatial_dims!r}")


def grid_shape(masks: AnyMasks, spatial_dims: int) -> Shape:
    """The shape of the grid, once it is one."""
    if isinstance(masks, torch.Tensor):
        check_tensor(masks, "masks")
    elif not isinstance(masks, np.ndarray) or isinstance(masks, np.ma.MaskedArray):
        raise TypeError(
            f"masks must be a NumPy array or a torch tensor, not {type_name(masks)}: convert with numpy.asarray(masks)"
        )
    check_spatial_dims(spatial_dims)
    shape = tuple(masks.shape)
    if len(shape) < spatial_dims:
        raise ValueError(
            f"masks of shape {shape} have {len(shape)} dims, fewer than the {spatial_dims} of the grid: "
            f"the last spatial_dims={spatial_dims} dims are the grid, all before them the batch"
        )
    grid = shape[-spatial_dims:]
    if 0 in grid:
        raise ValueError(f"masks of shape {shape} have no pixels: the grid, the last {spatial_dims} dims, is {grid}")
    return Shape(*(1, 1, *grid)[-3:])


def as_words(masks: AnyMasks) -> tuple[npt.NDArray[Any], Any, Any]:
    """The masks as unsigned integers in host memory, and what +1 and -1 look like there."""
    foreground, background = both_words(masks.dtype)
    values = host_array(masks) if isinstance(masks, torch.Tensor) else np.asarray(masks)
    return values.view(WORD_OF_SIZE[values.itemsize]), foreground, background


def host_array(tensor: torch.Tensor) -> npt.NDArray[Any]:
    """The values of a tensor in host memory; as integers where NumPy has no such dtype."""
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.detach().view(torch.int16)
    return tensor.numpy(force=True)


def flat_view(values: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """All values in reading order, where they lie in memory like that."""
    return values.reshape(-1) if values.flags.c_contiguous and values.flags.aligned else None


@functools.cache
def both_words(dtype: Any) -> tuple[Any, Any]:
    """+1 and -1, or True and False, as that many bits; for dtypes of masks only."""
    if isinstance(dtype, torch.dtype):
        if dtype not in TENSOR_DTYPES:
            raise _wrong_dtype(dtype, dtype in UNSIGNED_TENSORS)
        tensor = torch.tensor([True, False] if dtype == torch.bool else [1, -1], dtype=dtype)
        both = tensor.view(SAME_SIZE[tensor.itemsize]).numpy()
    else:
        if dtype.kind not in "bif" or dtype.itemsize not in WORD_OF_SIZE:
            raise _wrong_dtype(dtype, dtype.kind == "u")
        both = np.array([True, False] if dtype.kind == "b" else [1, -1], dtype)
    foreground, background = both.view(WORD_OF_SIZE[both.itemsize])
    return foreground, background


def plain_tensor(tensor: torch.Tensor, name: str) -> torch.Tensor:
    """The tensor without its subclass, on the same memory and in the same graph of autograd.

    Whatever a public function is given goes through here once, before anything else is asked of it: subclasses such as
    MONAI's MetaTensor have their own idea of every operation. What is no tensor is given back for others to refuse.
    """
    kind = type(tensor)
    if kind is torch.Tensor or kind is torch.nn.Parameter:
        if torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
            raise RuntimeError(UNSUPPORTED)
        return tensor
    if not issubclass(kind, torch.Tensor) or issubclass(kind, WITHOUT_VALUES):
        return tensor
    if kind.__torch_dispatch__ is not torch.Tensor.__torch_dispatch__:
        raise TypeError(
            f"{name} is a {type_name(tensor)}, whose values are not in the memory of one tensor: "
            "convert it to a plain tensor"
        )
    return _without_subclass(tensor)


@apart_from_graphs
def _without_subclass(tensor: torch.Tensor) -> torch.Tensor:
    with torch._C.DisableTorchFunctionSubclass():
        return tensor.as_subclass(torch.Tensor)


def check_tensor(tensor: torch.Tensor, name: str) -> None:
    """A tensor must have its values in memory, one after the other or with strides; or torch is tracing."""
    if tensor.is_nested:
        raise TypeError(f"{name} must be a dense tensor, not a nested one: convert with torch.nested.to_padded_tensor")
    if tensor.layout != torch.strided:
        raise TypeError(f"{name} must be a dense tensor, not one of layout {tensor.layout}: convert with to_dense()")
    if tensor.is_quantized:
        raise TypeError(f"{name} must not be quantized: convert with dequantize()")
    if tensor.is_meta and not is_traced(tensor):
        raise TypeError(f"{name} is a meta tensor: it has a shape, but no values")


def type_name(value: object) -> str:
    """Name of the type for an error message."""
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")


def _wrong_dtype(dtype: object, unsigned: bool) -> TypeError:
    if unsigned:
        return TypeError(f"masks of {dtype} cannot hold -1: where 0 is background, pass masks > 0")
    return TypeError(f"masks must be bool, or -1 and +1 as signed integers or floats of up to 64 bits, not {dtype}")


def invalid_value(masks: AnyMasks, index: int) -> ValueError:
    """The error for the value at this place in reading order."""
    where = tuple(int(i) for i in np.unravel_index(index, tuple(masks.shape)))
    value = masks[where].item()
    remedy = "where 0 is background, pass masks > 0" if value == 0 else "threshold them first, as in masks > 0"
    return ValueError(f"masks must hold only -1 and +1, but masks[{', '.join(map(str, where))}] is {value}: {remedy}")
