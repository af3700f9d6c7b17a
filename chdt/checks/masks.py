"""What counts as a mask: values, dtype, shape, layout, device.

A mask holds +1 or -1, so each of its values is one of two bit patterns, whatever the dtype. Read as unsigned integers
of the same size, all dtypes are the same to the kernels, and comparing with both patterns finds every invalid value.
Of bool only False is one pattern, a byte of zeros. True may be any other byte, as in 1-bit images that Pillow reads, or
in bytes that are viewed as bool. So nothing is invalid there, and kernels get None in place of the pattern of True.
"""

import functools
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from chdt.checks.advice import to_array, type_name
from chdt.checks.dtypes import TENSOR_DTYPES, UNSIGNED_TENSORS, WORD_OF_SIZE
from chdt.checks.shape import Shape
from chdt.checks.tracing import UNSUPPORTED, WITHOUT_VALUES, apart_from_graphs, is_traced

T = TypeVar("T")

ArrayOrTensor = TypeVar("ArrayOrTensor", npt.NDArray[Any], torch.Tensor)

AnyMasks = npt.NDArray[Any] | torch.Tensor


def check_spatial_dims(spatial_dims: int) -> None:
    """A grid is a line, an image or a volume."""
    # Here and below, types in tuples: the compiler of torch 2.8 does not know unions.
    is_integer = isinstance(spatial_dims, (int, np.integer)) and not isinstance(spatial_dims, bool)
    if not is_integer or spatial_dims not in (1, 2, 3):
        raise ValueError(f"spatial_dims must be 1, 2 or 3, not {spatial_dims!r}")


def check_black_border(black_border: bool) -> bool:
    """Whether there is a border; of NumPy's bools, too, and of 0 and 1."""
    if not isinstance(black_border, (bool, int, np.bool_)) or black_border not in (0, 1):
        raise TypeError(f"black_border must be True or False, not {black_border!r}")
    return bool(black_border)


def grid_shape(masks: AnyMasks, spatial_dims: int, name: str = "masks") -> Shape:
    """The shape of the grid, once it is one; ``name`` is what the masks, or logits, are called."""
    if isinstance(masks, torch.Tensor):
        check_tensor(masks, name)
    elif not isinstance(masks, np.ndarray) or isinstance(masks, np.ma.MaskedArray):
        advice = to_array(masks, name)
        raise TypeError(
            f"{name} must be a NumPy array or a torch tensor, not {type_name(masks)}: convert with {advice}"
        )
    check_spatial_dims(spatial_dims)
    shape = tuple(masks.shape)
    if len(shape) < spatial_dims:
        raise ValueError(
            f"{name} of shape {shape} have {len(shape)} dims, fewer than the {spatial_dims} of the grid: "
            f"the last spatial_dims={spatial_dims} dims are the grid, all before them the batch"
        )
    grid = shape[-spatial_dims:]
    if 0 in grid:
        raise ValueError(f"{name} of shape {shape} have no pixels: the grid, the last {spatial_dims} dims, is {grid}")
    return Shape(*(1, 1, *grid)[-3:])


def as_words(masks: AnyMasks) -> tuple[npt.NDArray[Any], Any, Any]:
    """The masks as unsigned integers in host memory, and the `both_words` of their dtype."""
    foreground, background = both_words(masks.dtype)
    values = host_array(masks) if isinstance(masks, torch.Tensor) else np.asarray(masks)
    return values.view(WORD_OF_SIZE[values.itemsize]), foreground, background


def host_array(tensor: torch.Tensor) -> npt.NDArray[Any]:
    """The values of a tensor in host memory; as integers where NumPy has no such dtype."""
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.detach().resolve_neg().view(torch.int16)
    return tensor.numpy(force=True)


def flat_view(values: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """All values in reading order, where they lie in memory like that."""
    return values.reshape(-1) if values.flags.c_contiguous and values.flags.aligned else None


@functools.cache
def both_words(dtype: Any) -> tuple[Any, Any]:
    """+1 and -1 as bits; of bool None and False, as anything else is True. For dtypes of masks only."""
    if isinstance(dtype, torch.dtype):
        if dtype not in TENSOR_DTYPES:
            raise _wrong_dtype(dtype, dtype in UNSIGNED_TENSORS)
        if dtype == torch.bfloat16:  # the upper half of float32; NumPy has no such dtype
            foreground, background = np.array([1, -1], np.float32).view(np.uint32) >> 16
            return np.uint16(foreground), np.uint16(background)
        dtype = np.dtype(str(dtype).removeprefix("torch."))
    elif dtype.kind not in "bif" or dtype.itemsize not in WORD_OF_SIZE:
        raise _wrong_dtype(dtype, dtype.kind == "u")
    if dtype.kind == "b":
        return None, np.uint8(0)
    foreground, background = np.array([1, -1], dtype).view(WORD_OF_SIZE[dtype.itemsize])
    return foreground, background


def plain_tensor(tensor: T, name: str) -> T:
    """The tensor without its subclass, on the same memory and in the same graph of autograd.

    Whatever a public function is given goes through here once, before anything else is asked of it: subclasses such as
    MONAI's MetaTensor have their own idea of every operation. What is no tensor is given back for others to refuse.
    """
    kind = type(tensor)
    if kind is np.ndarray:
        return tensor
    if kind is torch.Tensor or kind is torch.nn.Parameter:
        if torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
            raise RuntimeError(UNSUPPORTED)
        return tensor
    if not issubclass(kind, torch.Tensor) or issubclass(kind, WITHOUT_VALUES):
        return tensor
    if kind.__torch_dispatch__ is not torch.Tensor.__torch_dispatch__:
        check_tensor(tensor, name)  # type: ignore[arg-type]  # nested ones are refused by name
        raise TypeError(
            f"{name} is a {type_name(tensor)}, whose values are not in the memory of one tensor: "
            "convert it to a plain tensor"
        )
    return _without_subclass(tensor)  # type: ignore[arg-type, return-value]


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


def _wrong_dtype(dtype: object, unsigned: bool) -> TypeError:
    if unsigned:
        return TypeError(f"masks of {dtype} cannot hold -1: where 0 is background, pass masks > 0")
    return TypeError(f"masks must be bool, or -1 and +1 as signed integers or floats of up to 64 bits, not {dtype}")


def invalid_value(masks: AnyMasks, index: int, name: str = "masks") -> ValueError:
    """The error for the value at this place in reading order."""
    where = tuple(int(i) for i in np.unravel_index(index, tuple(masks.shape)))
    value = (masks if isinstance(masks, torch.Tensor) else np.asarray(masks))[where].item()
    remedy = f"where 0 is background, pass {name} > 0" if value == 0 else f"threshold them first, as in {name} > 0"
    return ValueError(f"{name} must hold only -1 and +1, but {name}[{', '.join(map(str, where))}] is {value}: {remedy}")
