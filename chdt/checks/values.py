"""What counts as a size, a weight and a logit, and as an option of the loss."""

import math
import sys
import warnings
from typing import Any

import numpy as np
import torch

from chdt.checks.advice import type_name
from chdt.checks.devices import is_on_gpu, sent
from chdt.checks.dtypes import FLOAT_DIGITS, NUMBERS, UNSIGNED_TENSORS
from chdt.checks.masks import check_tensor
from chdt.checks.tracing import is_traced

UNKNOWN_SIZE = ": leave out images of unknown size, as expected_size_loss does where their weight is 0"

REDUCTIONS = ("mean", "sum", "none")

# ------------------------------------------------------------------------------------------------ tensors


def check_logits(logits: torch.Tensor) -> torch.dtype:
    """Logits must be a float tensor; give the dtype to compute in, float64 for float64 and float32 otherwise."""
    if not isinstance(logits, torch.Tensor):
        raise TypeError(f"logits must be a torch tensor, not {type_name(logits)}: convert with torch.as_tensor(logits)")
    check_tensor(logits, "logits")
    if logits.dtype not in FLOAT_DIGITS:
        raise TypeError(f"logits must be of dtype float16, bfloat16, float32 or float64, not {logits.dtype}")
    return torch.float64 if logits.dtype == torch.float64 else torch.float32


def nan_logit(logits: torch.Tensor, index: int) -> ValueError:
    """The error for the logit at this place in reading order."""
    where = ", ".join(str(int(i)) for i in np.unravel_index(index, tuple(logits.shape)))
    return ValueError(f"logits must be numbers, but logits[{where}] is nan")


def check_sizes(sizes: torch.Tensor, batch: tuple[int, ...], masks: torch.Tensor, name: str) -> None:
    """Sizes must be a real tensor with one size an image; ``name`` is what the masks are called."""
    if not isinstance(sizes, torch.Tensor):
        raise TypeError(f"sizes must be a torch tensor, not {type_name(sizes)}: convert with torch.as_tensor(sizes)")
    check_tensor(sizes, "sizes")
    if sizes.dtype not in NUMBERS or sizes.dtype == torch.bool:
        raise TypeError(f"sizes must be integers, or floats of 16 bits or more, not {sizes.dtype}")
    given, whole = tuple(sizes.shape), tuple(masks.shape)
    if given != batch:
        raise ValueError(
            f"sizes have shape {given}, but {name} of shape {whole} need one size an image, shape {batch}: "
            + ", or ".join(_ways_to_fit("sizes", given, batch, whole, name))
        )
    if sizes.requires_grad and torch.is_grad_enabled():
        raise ValueError("sizes require grad, but there is no derivative with respect to them: pass sizes.detach()")


def check_weight(weight: torch.Tensor, batch: tuple[int, ...], masks: torch.Tensor) -> None:
    """Weights must be a real tensor with one weight an image."""
    if not isinstance(weight, torch.Tensor):
        raise TypeError(f"weight must be a torch tensor, not {type_name(weight)}")
    check_tensor(weight, "weight")
    if weight.dtype not in NUMBERS:
        raise TypeError(f"weight must be bool, integers, or floats of 16 bits or more, not {weight.dtype}")
    given = tuple(weight.shape)
    if given != batch:
        raise ValueError(
            f"weight has shape {given}, but there is one an image, shape {batch}: "
            + ", or ".join(_ways_to_fit("weight", given, batch, tuple(masks.shape), "logits"))
        )
    if weight.requires_grad and torch.is_grad_enabled():
        raise ValueError("weight requires grad, but there is no derivative with respect to it: pass weight.detach()")


def _ways_to_fit(
    name: str, given: tuple[int, ...], batch: tuple[int, ...], whole: tuple[int, ...], masks: str
) -> list[str]:
    """What could be meant by one number an image of shape ``given`` for ``masks`` of shape ``whole``."""
    spatial_dims = len(whole) - len(batch)
    if given == whole:
        return [f"{name} are one number an image: object_size gives them for masks"]
    if math.prod(given) == math.prod(batch):
        return [f"reshape {name} to {batch}"]
    if whole[-1] == 1 and given == batch[:-1]:
        return [f"remove the channel dim at the end, {masks}.squeeze(-1)"]
    ways, shared = [], batch[: len(given)]
    if given and given[:-1] == batch:
        ways.append(f"choose one of the {given[-1]} numbers an image, as in {name}[..., 0]")
    if _broadcasts(given, batch):
        ways.append(f"{name}.expand{batch} where they are the same for all of the first dims")
    if given and given == shared:
        new_dims = ", None" * (len(batch) - len(given))
        ways.append(f"give one for each class or channel, {name}[...{new_dims}].expand{batch} where they are the same")
        if len(batch) == 1 + len(given):
            ways.append(f"choose one class, {masks}[{':, ' * len(given)}0]")
    for dims in range(1, 4):
        if dims != spatial_dims and len(whole) >= dims and given == whole[:-dims]:
            ways.append(f"pass spatial_dims={dims}")
    volumes = whole[:-3]
    if spatial_dims < 3 <= len(whole) and given != volumes and math.prod(given) == math.prod(volumes):
        ways.append(f"pass spatial_dims=3 and reshape {name} to {volumes}")
    return ways or [f"give {math.prod(batch)} of them"]


def _broadcasts(given: tuple[int, ...], batch: tuple[int, ...]) -> bool:
    pairs = zip(reversed(given), reversed(batch), strict=False)
    return len(given) <= len(batch) and all(side in (1, other) for side, other in pairs)


# ------------------------------------------------------------------------------------------------ values


def check_values(sizes: torch.Tensor, weight: torch.Tensor | None, largest: float) -> torch.Tensor:
    """See `refuse_bad_values`. Go on with the sizes that this gives: graphs leave out an operator that nothing uses.

    Nothing is looked at where either is on a GPU: it would have to be waited for.
    """
    if is_on_gpu(sizes) or is_on_gpu(weight):
        return sizes
    if is_traced(sizes) or is_traced(weight):
        return torch.ops.chdt.check_values(sizes, weight, largest)  # type: ignore[no-any-return]
    refuse_bad_values(sizes, weight, largest)
    return sizes


def refuse_bad_values(sizes: torch.Tensor, weight: torch.Tensor | None, largest: float) -> None:
    """Sizes must be finite and not negative, but where their weight is 0; weights must be finite and not negative.

    Warn of sizes beyond the ``largest`` that a mask can have.
    """
    checked = comparable(sizes)
    if weight is not None:
        _largest_of(comparable(weight), "weight", "")
        checked = torch.where(weight == 0, 0, checked)
    if _largest_of(checked, "sizes", UNKNOWN_SIZE) > largest:
        where = tuple(int(i) for i in (checked > largest).nonzero()[0])
        _warn_once(
            f"{_place('sizes', where)} is {checked[where].item()}, but masks of this grid have sizes of at most "
            f"{largest:.6g}, twice the longest side: sizes are as object_size gives them, in pixels or in units of "
            "the spacing, and no areas"
        )


def comparable(values: torch.Tensor) -> torch.Tensor:
    """The values in a dtype of which torch knows the larger one, which it does not of all unsigned integers."""
    return values.double() if values.dtype in UNSIGNED_TENSORS else values


NEGATIVE = -torch.finfo(torch.float32).tiny  # up to this one, numbers are; those above that are not 0 are taken for it


def numbers_for(
    values: torch.Tensor, device: torch.device, dtype: torch.dtype, name: str, unseen: bool
) -> torch.Tensor:
    """Sizes or weights for what is on this device; NaN for those that are negative, where nobody has looked at them."""
    numbers = sent(values.detach(), device, name).to(dtype)
    return torch.nn.functional.threshold(numbers, NEGATIVE, torch.nan) if unseen else numbers


def _largest_of(values: torch.Tensor, name: str, remedy: str) -> float:
    """The largest value, once all are finite and not negative."""
    if values.numel() == 0:
        return 0.0
    values = values.detach()
    least, most = (float(x) for x in values.aminmax())
    if least >= 0 and most < math.inf:  # false if any is NaN
        return most
    wrong = ~(torch.isfinite(values) & (values >= 0))
    where = tuple(int(i) for i in wrong.nonzero()[0])
    raise ValueError(
        f"{name} must be finite and not negative, but {_place(name, where)} is {values[where].item()}{remedy}"
    )


def _place(name: str, where: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, where))}]" if where else name


_warned: dict[tuple[str, int], object] = {}


def _warn_once(text: str) -> None:
    """Warn once a call site, again only under other filters.

    Python's own registry takes texts with other numbers for other warnings, so each step of a training would warn.
    """
    frame = sys._getframe()
    while frame.f_back and (frame.f_globals.get("__name__") or "torch").partition(".")[0] in ("chdt", "torch"):
        frame = frame.f_back  # code that torch has generated has no name
    site = (frame.f_code.co_filename, frame.f_lineno)
    if _warned.get(site) is not warnings.filters:
        _warned[site] = warnings.filters
        warnings.warn_explicit(text, UserWarning, *site, module=frame.f_globals.get("__name__"))


# ------------------------------------------------------------------------------------------------ options


def check_loss(loss: Any) -> None:
    """A loss is called with predictions and targets."""
    if not callable(loss):
        raise TypeError(f"loss must be a function of prediction and target, not {loss!r}")


def check_n_samples(n_samples: int) -> int:
    """At least one mask is drawn; give their number as an int."""
    is_integer = isinstance(n_samples, (int, np.integer)) and not isinstance(n_samples, bool)
    if not is_integer or n_samples < 1:
        raise ValueError(f"n_samples must be an integer of at least 1, not {n_samples!r}")
    return int(n_samples)


def check_reduction(reduction: str) -> None:
    """A reduction is one of three words."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {', '.join(map(repr, REDUCTIONS))}, not {reduction!r}")


def check_generator(generator: torch.Generator | None) -> None:
    """A generator is torch's: a number is the seed of one."""
    if generator is not None and not isinstance(generator, torch.Generator):
        remedy = ""
        if isinstance(generator, (int, np.integer)) and not isinstance(generator, bool):
            remedy = f": torch.Generator().manual_seed({generator}) is one"
        raise TypeError(f"generator must be a torch.Generator or None, not {type_name(generator)}{remedy}")
