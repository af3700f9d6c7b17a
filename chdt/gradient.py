"""sampled_gradient: the derivative of the expected loss by flipping pixels of a drawn mask, one by one (21)."""

from collections.abc import Callable

import torch

from chdt.checks.masks import grid_shape, type_name
from chdt.checks.tracing import is_traced
from chdt.checks.values import check_sizes, check_values
from chdt.cpu.derivative import given_derivative

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def squared_error(target: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
    """(target - prediction)², element by element (7)."""
    return (target - prediction) ** 2


def losses_of_sizes(loss: Loss, sizes: torch.Tensor, largest: int) -> torch.Tensor:
    """The loss of every size there is, 0, 2, ... ``largest``, for each target: shape (..., 1 + largest / 2).

    Sizes are few and pixels are many: looking the losses up costs less than computing them.
    """
    attainable = torch.arange(0, largest + 1, 2, dtype=sizes.dtype, device=sizes.device)
    shape = (*sizes.shape, 1 + largest // 2)
    targets, predictions = sizes[..., None].expand(shape), attainable.expand(shape)
    losses = loss(targets, predictions)
    if isinstance(losses, torch.Tensor) and losses.shape == ():
        # torch's losses average over all elements unless told otherwise. The average over one element is that one.
        one_by_one = torch.func.vmap(loss)(targets.reshape(-1), predictions.reshape(-1))
        losses = one_by_one.reshape(shape)
    if not isinstance(losses, torch.Tensor) or losses.shape != shape:
        shown = tuple(losses.shape) if isinstance(losses, torch.Tensor) else type_name(losses)
        raise ValueError(f"loss must work element by element, but gave {shown} for elements of shape {shape}")
    return losses.detach().to(sizes.dtype)


def sampled_gradient(
    samples: torch.Tensor, sizes: torch.Tensor, *, loss: Loss = squared_error, spatial_dims: int = 2
) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss of each drawn mask, and for each of its pixels the sampled derivative of the expected loss.

    Parameters
    ----------
    samples : Tensor, shape (..., H, W)
        Drawn masks y: ±1 of any signed integer or float dtype, or bool, as `sample_masks` gives them.
    sizes : Tensor, shape (...)
        True sizes s in pixels, one an image.
    loss : callable
        l(target, prediction), any function of two tensors of one shape that works element by element. torch's losses
        may be passed as they are, whatever their ``reduction``.
    spatial_dims : {1, 2, 3}
        How many trailing dims form the grid.

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
        Samples or sizes of an unfit type or dtype.
    ValueError
        Sizes of another shape (both are shown), negative or not finite (the first index is named); samples other than
        ±1; a loss that does not work element by element.

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
    shape = grid_shape(samples, spatial_dims)
    check_sizes(sizes, tuple(samples.shape[: samples.ndim - spatial_dims]), samples, "samples")
    sizes = check_values(sizes, None)
    double = torch.float64 in (samples.dtype, sizes.dtype)
    targets = sizes.detach().to(samples.device, torch.float64 if double else torch.float32)
    losses = losses_of_sizes(loss, targets, 2 * shape.cap)
    if is_traced(samples) or is_traced(losses):
        return torch.ops.chdt.given_derivative(samples, losses, spatial_dims)  # type: ignore[no-any-return]
    return given_derivative(samples, losses, spatial_dims)
