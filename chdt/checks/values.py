"""What counts as a size, a weight and a logit."""

import math

import numpy as np
import torch

from chdt.checks.dtypes import FLOAT_DIGITS, NUMBERS, UNSIGNED_TENSORS
from chdt.checks.masks import check_tensor, type_name
from chdt.checks.tracing import is_traced


def check_sizes(sizes: torch.Tensor, batch: tuple[int, ...], masks: torch.Tensor, name: str) -> None:
    """Sizes must be a real tensor with one size an image."""
    if not isinstance(sizes, torch.Tensor):
        raise TypeError(f"sizes must be a torch tensor, not {type_name(sizes)}: convert with torch.as_tensor(sizes)")
    check_tensor(sizes, "sizes")
    if sizes.dtype not in NUMBERS or sizes.dtype == torch.bool:
        raise TypeError(f"sizes must be integers, or floats of 16 bits or more, not {sizes.dtype}")
    if tuple(sizes.shape) != batch:
        fix = f"reshape sizes to {batch}"
        if tuple(sizes.shape) == tuple(masks.shape):
            fix = "sizes are one number an image: object_size gives them for masks"
        raise ValueError(
            f"sizes have shape {tuple(sizes.shape)}, but {name} of shape {tuple(masks.shape)} need one size an image, "
            f"shape {batch}: {fix}"
        )


def check_values(sizes: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
    """See `refuse_bad_values`. Go on with the sizes that this gives: graphs leave out an operator that nothing uses."""
    if is_traced(sizes) or is_traced(weight):
        return torch.ops.chdt.check_values(sizes, weight)  # type: ignore[no-any-return]
    refuse_bad_values(sizes, weight)
    return sizes


def refuse_bad_values(sizes: torch.Tensor, weight: torch.Tensor | None) -> None:
    """Sizes must be finite and not negative, but where their weight is 0; weights must be finite and not negative."""
    checked = sizes
    if weight is not None:
        _check_finite(weight, "weight", "")
        checked = torch.where(weight == 0, 0, sizes)
    _check_finite(checked, "sizes", "; give an image of unknown size the weight 0")


def _check_finite(values: torch.Tensor, name: str, remedy: str) -> None:
    if values.numel() == 0:
        return
    values = values.detach()
    if values.dtype in UNSIGNED_TENSORS:  # for most of these torch knows no least one
        values = values.double()
    least, most = (float(x) for x in values.aminmax())
    if least >= 0 and most < math.inf:  # false if any is NaN
        return
    wrong = ~(torch.isfinite(values) & (values >= 0))
    where = tuple(int(i) for i in wrong.nonzero()[0])
    shown = f"{name}[{', '.join(map(str, where))}]" if where else name
    raise ValueError(f"{name} must be finite and not negative, but {shown} is {values[where].item()}{remedy}")


def nan_logit(logits: torch.Tensor, index: int) -> ValueError:
    """The error for the logit at this place in reading order."""
    where = ", ".join(str(int(i)) for i in np.unravel_index(index, tuple(logits.shape)))
    return ValueError(f"logits must be numbers, but logits[{where}] is nan")


def check_logits(logits: torch.Tensor) -> torch.dtype:
    """Logits must be a float tensor; give the dtype to compute in, float64 for float64 and float32 otherwise."""
    if not isinstance(logits, torch.Tensor):
        raise TypeError(f"logits must be a torch tensor, not {type_name(logits)}: convert with torch.as_tensor(logits)")
    check_tensor(logits, "logits")
    if logits.dtype not in FLOAT_DIGITS:
        raise TypeError(f"logits must be of dtype float16, bfloat16, float32 or float64, not {logits.dtype}")
    return torch.float64 if logits.dtype == torch.float64 else torch.float32


def check_weight(weight: torch.Tensor, batch: tuple[int, ...]) -> None:
    """Weights must be a real tensor with one weight an image."""
    if not isinstance(weight, torch.Tensor):
        raise TypeError(f"weight must be a torch tensor, not {type_name(weight)}")
    check_tensor(weight, "weight")
    if weight.dtype not in NUMBERS:
        raise TypeError(f"weight must be bool, integers, or floats of 16 bits or more, not {weight.dtype}")
    if tuple(weight.shape) != batch:
        raise ValueError(f"weight has shape {tuple(weight.shape)}, but there is one an image, shape {batch}")
