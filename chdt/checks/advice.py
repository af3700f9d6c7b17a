"""How to make an array or a tensor of something else, for errors that say so."""

from typing import Any

import numpy as np
import torch

CONVERSIONS = {  # by package, where numpy.asarray fails or drops something
    "SimpleITK": "SimpleITK.GetArrayFromImage({})",
    "cupy": "torch.as_tensor({})",
    "itk": "itk.array_from_image({})",
    "nibabel": "numpy.asarray({}.dataobj)",
    "pandas": "{}.to_numpy()",
    "torchio": "{}.data",
    "xarray": "{}.to_numpy()",
}


def type_name(value: object) -> str:
    """Name of the type for an error message."""
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")


def to_array(value: Any, name: str) -> str:
    """How to make an array, or a tensor, of a value of this name."""
    if isinstance(value, np.ma.MaskedArray):
        return f"{name}.filled({_background(value)}), which says what masked pixels are"
    if _holds_tensors(value):
        return f"torch.stack({name})"
    packages = (kind.__module__.partition(".")[0] for kind in type(value).__mro__)
    known = (CONVERSIONS[package] for package in packages if package in CONVERSIONS)
    return next(known, "numpy.asarray({})").format(name)


def to_tensor(value: Any, name: str) -> str:
    """How to make a tensor of a value of this name."""
    if isinstance(value, np.ma.MaskedArray):
        return f"torch.as_tensor({name}.filled({_background(value)})), which says what masked pixels are"
    as_it_is = isinstance(value, (np.ndarray, list, tuple)) and not _holds_tensors(value)
    array = name if as_it_is else to_array(value, name)
    return array if array.startswith("torch.") else f"torch.as_tensor({array})"


def _background(masked: Any) -> object:
    return {"b": False, "u": 0}.get(masked.dtype.kind, -1)


def _holds_tensors(value: object) -> bool:
    return isinstance(value, (list, tuple)) and any(isinstance(each, torch.Tensor) for each in value)
