"""sampled_gradient: the derivative of the expected loss by flipping pixels of a drawn mask, one by one (21)."""

import contextlib
import weakref
from collections.abc import Callable, MutableMapping
from typing import Any

import torch

from chdt.attainable import attainable_sizes
from chdt.checks.advice import type_name
from chdt.checks.devices import is_on_gpu
from chdt.checks.masks import check_black_border, grid_shape, plain_tensor
from chdt.checks.spacing import Spacing, spacing_of
from chdt.checks.tracing import is_traced, unscriptable
from chdt.checks.values import check_loss, check_sizes, check_values, numbers_for
from chdt.wings import given_derivative

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # of prediction and target, as torch's losses


def squared_error(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """(target - prediction)², element by element (7)."""
    return (target - prediction) ** 2


def losses_of_sizes(loss: Loss, sizes: torch.Tensor, attainable: torch.Tensor) -> torch.Tensor:
    """The loss of every size there is, as `attainable_sizes` gives them, for each target: shape (..., ranks).

    Sizes are few and pixels are many: looking the losses up costs less than computing them.
    """
    shape = (*sizes.shape, attainable.shape[-1])
    predictions, targets = attainable.expand(shape), sizes[..., None].expand(shape)
    losses = loss(predictions, targets)
    alone = isinstance(losses, torch.Tensor) and losses.shape == ()
    if alone:
        # torch's losses average over all elements unless told otherwise. The average over one element is that one.
        one_by_one = torch.func.vmap(loss)(predictions.reshape(-1), targets.reshape(-1))
        losses = one_by_one.reshape(shape)
    if not isinstance(losses, torch.Tensor) or losses.shape != shape:
        shown = tuple(losses.shape) if isinstance(losses, torch.Tensor) else type_name(losses)
        raise ValueError(f"loss must work element by element, but gave {shown} for elements of shape {shape}")
    if losses.is_complex():
        raise ValueError(f"loss must give real numbers, not {losses.dtype}")
    if losses.requires_grad and torch.is_grad_enabled():
        raise ValueError("loss has parameters that require grad, but there is no derivative with respect to them")
    unexamined = alone or loss is squared_error or is_traced(losses) or is_on_gpu(losses)
    if not (unexamined or _was_examined(loss)):
        _check_element_by_element(loss, predictions, targets, losses)
        _count_examined(loss)
    return losses.detach().to(sizes.dtype)


_calls: MutableMapping[Any, int] = weakref.WeakKeyDictionary()  # of each loss that has passed the first check


def _was_examined(loss: Loss) -> bool:
    """Whether this call may go without: the 1st, 2nd, 4th, 8th ... are examined, which costs next to nothing a call."""
    try:
        calls = _calls.get(loss, 0)
        if calls == 0 or calls + 1 & calls == 0:
            return False
        _calls[loss] = calls + 1
    except TypeError:  # not to be remembered
        return False
    return True


def _count_examined(loss: Loss) -> None:
    with contextlib.suppress(TypeError):
        _calls[loss] = _calls.get(loss, 0) + 1


FEW = 4  # elements of an image are asked for again

TOLERANCE = 1e-5  # vectors of other lengths may round otherwise; whoever looks at other elements is farther off


def _check_element_by_element(
    loss: Loss, predictions: torch.Tensor, targets: torch.Tensor, losses: torch.Tensor
) -> None:
    """Some elements of the last image, and of the first, must have the same losses by themselves as among all others.

    Neither the least nor the largest size is among them: place and company are as different as can be.
    """
    if losses.numel() == 0:
        return
    *batch, columns = losses.shape
    inner = slice(1, -1, max(1, columns // FEW)) if columns > 2 else slice(0, 1)
    for image in (slice(-1, None), slice(0, 1)) if batch else (slice(0),):
        few = (*[image] * len(batch), inner)
        among = losses[few]
        try:
            alone = loss(predictions[few], targets[few])
        except Exception as error:
            raise ValueError(f"loss must work element by element, but fails for some elements: {error}") from error
        if not isinstance(alone, torch.Tensor) or not _are_close(alone, among):
            raise ValueError(
                "loss must work element by element, but some elements have other losses among others than by "
                "themselves: it must not depend on a mean, a maximum or the place of elements"
            )


def _are_close(alone: torch.Tensor, among: torch.Tensor) -> bool:
    if alone.shape != among.shape:
        return False
    if torch.equal(alone, among):
        return True
    alone, among = alone.double(), among.double()
    largest = float(among.nan_to_num(0, 0, 0).abs().max())
    return torch.allclose(alone, among, TOLERANCE, TOLERANCE * largest, equal_nan=True)


@unscriptable
def sampled_gradient(
    samples: torch.Tensor,
    sizes: torch.Tensor,
    *,
    loss: Loss = squared_error,
    spatial_dims: int = 2,
    spacing: Spacing | None = None,
    black_border: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss of each drawn mask, and for each of its pixels the sampled derivative of the expected loss.

    Parameters
    ----------
    samples : Tensor, shape (..., H, W)
        Drawn masks y: ±1 of any signed integer or float dtype, or bool, as `sample_masks` gives them.
    sizes : Tensor, shape (...)
        True sizes s, in pixels or in units of the spacing, one an image.
    loss : callable
        l(prediction, target), as `expected_size_loss` takes it.
    spatial_dims : {1, 2, 3}
        How many trailing dims form the grid.
    spacing : float, or sequence, array or tensor of float, optional
        How far apart pixels are, along each spatial dim or along all of them; shape (..., spatial_dims) for a spacing
        of each image. Sizes are in its units then.
    black_border : bool
        Whether pixels outside the grid are background.

    Returns
    -------
    losses : Tensor, shape (...)
        l(s, g(y)).
    gradient : Tensor, shape (..., H, W)
        y_i·[l(s, g(y)) - l(s, g(y with i flipped))]: how the expected loss changes with the chance F(a_i) that pixel i
        is foreground. Both are float32, or float64 if samples or sizes are, and carry no gradient themselves.

    Raises
    ------
    TypeError
        Samples or sizes of an unfit type or dtype; a loss that cannot be called; a spacing that is not made of numbers;
        a ``black_border`` that is neither True nor False.
    ValueError
        Sizes of another shape (both are shown), negative or not finite (the first index is named; on a GPU they are not
        looked at, and NaN and negative ones make NaN), or that require grad; samples other than ±1; a loss that does
        not work element by element, gives complex numbers, or has parameters that require grad; a spacing that is not
        from 1e-25 to 1e25, or has another number of dims, or of images.

    Warns
    -----
    UserWarning
        A size is larger than that of any mask of this grid, 2·max(H, W): once a call site.

    See Also
    --------
    expected_size_loss : draws the masks itself and goes on to the logits.

    Notes
    -----
    Equation (21) of Baručić and Kybic (2022). Its mean over the distribution of y is the exact derivative (13).

    Examples
    --------
    There should be no object, but one pixel is foreground: its chance should fall, and adding a pixel changes nothing.

    >>> import torch
    >>> from chdt import sampled_gradient
    >>> sample = -torch.ones(3, 4)
    >>> sample[1, 1] = 1
    >>> losses, gradient = sampled_gradient(sample, torch.tensor(0))
    >>> losses
    tensor(4.)
    >>> gradient
    tensor([[0., 0., 0., 0.],
            [0., 4., 0., 0.],
            [0., 0., 0., 0.]])
    """
    if not isinstance(samples, torch.Tensor):
        raise TypeError(f"samples must be a torch tensor, not {type_name(samples)}: convert with torch.from_numpy")
    samples, sizes = plain_tensor(samples, "samples"), plain_tensor(sizes, "sizes")
    shape = grid_shape(samples, spatial_dims, "samples")
    check_loss(loss)
    check_sizes(sizes, tuple(samples.shape[: samples.ndim - spatial_dims]), samples, "samples")
    steps, black_border = spacing_of(spacing, spatial_dims, samples), check_black_border(black_border)
    double = torch.float64 in (samples.dtype, sizes.dtype)
    targets = numbers_for(sizes, samples.device, torch.float64 if double else torch.float32, "sizes", is_on_gpu(sizes))
    attainable, largest = attainable_sizes(targets, shape, spatial_dims, steps, black_border)
    checked = check_values(sizes, None, largest)
    if checked is not sizes:
        targets = numbers_for(checked, targets.device, targets.dtype, "sizes", False)
    losses = losses_of_sizes(loss, targets, attainable)
    if is_traced(samples) or is_traced(losses):
        return torch.ops.chdt.given_derivative(samples, losses, spatial_dims, steps, black_border)  # type: ignore[no-any-return]
    return given_derivative(samples, losses, spatial_dims, steps, black_border)
