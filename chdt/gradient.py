"""sampled_gradient: the derivative of the expected loss by flipping pixels of a drawn mask, one by one (21)."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from chdt.bitplanes import (
    Words,
    low_bits,
    read_bits,
)
from chdt.flips import Workspace, flip_sizes_of_images, workspace_of
from chdt.jit import helper, kernel
from chdt.lanes import (
    PIXELS,
    Number,
    Numbers,
    aligned,
    equal_bits,
    lowest_bit,
)
from chdt.masks import grid_shape, is_traced, pack_masks, type_name
from chdt.parallel import share
from chdt.transform import Scan, lanes_for, layout_of, scan_of

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

PIXELS_AT_ONCE = 1 << 15  # whose flip sizes are kept in the nearest cache until they are looked up


def squared_error(target: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
    """(target - prediction)², element by element (7)."""
    return (target - prediction) ** 2


def losses_of_sizes(loss: Loss, sizes: torch.Tensor, largest: int) -> torch.Tensor:
    """The loss of every size there is, 0, 2, ... ``largest``, for each target: shape (..., 1 + largest / 2).

    Sizes are few and pixels are many: looking the losses up costs less than computing them.
    """
    attainable = torch.arange(0, largest + 1, 2, dtype=sizes.dtype, device=sizes.device)
    shape = (*sizes.shape, len(attainable))
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


# ------------------------------------------------------------------------------------------------ the kernel


@helper
def _add_differences(
    words: Words,
    start: int,
    pixels: int,
    flips: Numbers,
    flips_at: int,
    size: int,
    losses: Numbers,
    gradient: Numbers,
    at: int,
) -> None:
    """Add the differences of one image where a flip changes the size."""
    loss = losses[size // 2]
    for pixel in range(0, pixels, PIXELS):
        count = min(PIXELS, pixels - pixel)
        changed = ~equal_bits(flips, flips_at + pixel, size) & low_bits(count)
        if changed == 0:
            continue
        foreground = read_bits(words, start + pixel, count)
        while changed != 0:
            j = lowest_bit(changed)
            changed &= changed - np.uint64(1)
            difference = loss - losses[flips[flips_at + pixel + j] // 2]
            gradient[at + pixel + j] += difference if (foreground >> np.uint64(j)) & np.uint64(1) != 0 else -difference


@helper
def _scale(gradient: Numbers, chances: Numbers, draws: Number, one: Number) -> None:
    """From the sum over the draws to their mean, and from dF(a) to da: times F'(a) = F(a) (1 - F(a))."""
    for i in range(len(gradient)):
        gradient[i] = gradient[i] / draws * (chances[i] * (one - chances[i]))


@kernel
def derivatives_of(
    words: Words,
    start: int,
    count: int,
    scan: Scan,
    workspace: Workspace,
    flips: Numbers,
    sizes: npt.NDArray[np.int64],
    losses: Numbers,
    chances: Numbers,
    draws: Number,
    one: Number,
    drawn: Numbers,
    gradient: Numbers,
) -> None:
    """Add l(s, g(y)) to ``drawn`` and y_i (l(s, g(y)) - l(s, g(y↓i))) to ``gradient``, of ``count`` images.

    Their packed bits begin at ``start``. ``flips`` and ``sizes`` are memory for as many images as are done at once.
    Where there are ``chances``, this was the last draw, and ``gradient`` becomes that of the logits; ``draws`` and
    ``one`` are of their dtype, as an integer would make Numba go on in float64.
    """
    pixels = scan.layout.height * scan.layout.width
    for first in range(0, count, len(sizes)):
        images = min(len(sizes), count - first)
        flip_sizes_of_images(words, start + first * pixels, images, scan, workspace, 0, flips, sizes)
        for image in range(images):
            at, size = (first + image) * pixels, sizes[image]
            drawn[first + image] += losses[first + image, size // 2]
            _add_differences(
                words, start + at, pixels, flips, image * pixels, size, losses[first + image], gradient, at
            )
        if len(chances) > 0:
            begin, end = first * pixels, (first + images) * pixels
            _scale(gradient[begin:end], chances[begin:end], draws, one)


def derivative(
    words: torch.Tensor, losses: torch.Tensor, chances: torch.Tensor | None, height: int, width: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean over draws of the loss and of (21), with respect to F(a), or to a where the chances F(a) are given.

    Parameters
    ----------
    words : int64 Tensor, shape (draws, words)
        Packed masks.
    losses : Tensor, shape (..., 1 + max(H, W))
        `losses_of_sizes`.
    chances : Tensor, shape (..., H · W), optional
    height, width : int
        The grid, H and W.

    Returns
    -------
    (Tensor, Tensor), shapes (...) and (..., H · W)
    """
    if is_traced(words) or is_traced(losses):
        return torch.ops.chdt.derivative(words, losses, chances, height, width)  # type: ignore[no-any-return]
    layout, lanes = layout_of(height, width), lanes_for(2 * max(height, width))
    pixels, draws, batch = height * width, len(words), losses.shape[:-1]
    at_once = max(1, PIXELS_AT_ONCE // (pixels * layout.images)) * layout.images
    table = losses.cpu().contiguous().view(-1, losses.shape[-1]).numpy()
    drawn = torch.zeros(batch, dtype=losses.dtype)
    gradient = torch.zeros((*batch, pixels), dtype=losses.dtype)
    drawn_flat, gradient_flat = drawn.view(-1).numpy(), gradient.view(-1).numpy()
    none, number = np.empty(0, table.dtype), table.dtype.type
    scaled = none if chances is None else chances.detach().cpu().contiguous().view(-1).numpy()

    for draw, packed in enumerate(words.numpy().view(np.uint64)):

        def work(first: int, last: int, packed: Words = packed, last_draw: bool = draw == draws - 1) -> None:
            part = slice(first * pixels, last * pixels)
            images = min(at_once, last - first)
            derivatives_of(
                packed, part.start, last - first, scan_of(layout, lanes), workspace_of(layout, lanes),
                aligned(images * pixels + PIXELS, 0, lanes), np.empty(images, np.int64), table[first:],
                scaled[part] if last_draw else none, number(draws), number(1), drawn_flat[first:], gradient_flat[part],
            )  # fmt: skip

        share(work, len(drawn_flat), pixels, layout.images)
    if chances is None and draws > 1:
        gradient /= draws
    if draws > 1:
        drawn /= draws
    return drawn.to(losses.device), gradient.to(losses.device)


def check_sizes(sizes: torch.Tensor, batch: tuple[int, ...], masks: torch.Tensor, name: str) -> None:
    """Sizes must be a real tensor with one size an image."""
    if not isinstance(sizes, torch.Tensor):
        raise TypeError(f"sizes must be a torch tensor, not {type_name(sizes)}: convert with torch.as_tensor(sizes)")
    if sizes.dtype.is_complex or sizes.dtype == torch.bool:
        raise TypeError(f"sizes must be integers or floats, not {sizes.dtype}")
    if tuple(sizes.shape) != batch:
        fix = f"reshape sizes to {batch}"
        if tuple(sizes.shape) == tuple(masks.shape):
            fix = "sizes are one number an image: object_size gives them for masks"
        raise ValueError(
            f"sizes have shape {tuple(sizes.shape)}, but {name} of shape {tuple(masks.shape)} need one size an image, "
            f"shape {batch}: {fix}"
        )


def check_values(sizes: torch.Tensor, weight: torch.Tensor | None) -> None:
    """Sizes must be finite and not negative, but where their weight is 0; weights must be finite and not negative."""
    if is_traced(sizes) or is_traced(weight):
        torch.ops.chdt.check_values(sizes, weight)
        return
    if weight is not None:
        _check_finite(weight, "weight", "")
        sizes = torch.where(weight == 0, 0, sizes)
    _check_finite(sizes, "sizes", "; give an image of unknown size the weight 0")


def _check_finite(values: torch.Tensor, name: str, remedy: str) -> None:
    if values.numel() == 0:
        return
    least, most = (float(x) for x in values.aminmax())
    if least >= 0 and most < math.inf:  # false if any is NaN
        return
    wrong = ~(torch.isfinite(values) & (values >= 0))
    where = tuple(int(i) for i in wrong.nonzero()[0])
    shown = f"{name}[{', '.join(map(str, where))}]" if where else name
    raise ValueError(f"{name} must be finite and not negative, but {shown} is {values[where].item()}{remedy}")


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
    spatial_dims : {1, 2}
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
    height, width = grid_shape(samples, spatial_dims)
    check_sizes(sizes, tuple(samples.shape[: samples.ndim - spatial_dims]), samples, "samples")
    check_values(sizes, None)
    double = torch.float64 in (samples.dtype, sizes.dtype)
    targets = sizes.detach().to(samples.device, torch.float64 if double else torch.float32)
    table = losses_of_sizes(loss, targets, 2 * max(height, width))
    losses, gradient = derivative(pack_tensor(samples, spatial_dims)[None], table, None, height, width)
    return losses, gradient.view(samples.shape)


def pack_tensor(samples: torch.Tensor, spatial_dims: int) -> torch.Tensor:
    """A batch of masks, packed: int64 of shape (words)."""
    if is_traced(samples):
        return torch.ops.chdt.pack_tensor(samples, spatial_dims)  # type: ignore[no-any-return]
    return torch.from_numpy(pack_masks(samples, spatial_dims).words.view(np.int64))
