"""sampled_gradient: the derivative of the expected loss by flipping pixels of a drawn mask, one by one (21)."""

from collections.abc import Callable

import numpy as np
import torch

from chdt.bitplanes import (
    Words,
    low_bits,
    read_bits,
)
from chdt.flips import flip_sizes_of, workspace_of
from chdt.jit import helper, kernel
from chdt.lanes import (
    PIXELS,
    Numbers,
    aligned,
    equal_bits,
    lowest_bit,
)
from chdt.masks import PackedMasks, grid_shape, is_traced, pack_masks, type_name
from chdt.parallel import share
from chdt.transform import lanes_for, layout_of, lead_of, scan_of

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


@kernel
def add_differences(
    words: Words,
    start: int,
    count: int,
    pixels: int,
    flips: Numbers,
    sizes: Numbers,
    losses: Numbers,
    drawn: Numbers,
    gradient: Numbers,
) -> None:
    """Add, for ``count`` images, l(s, g(y)) to ``drawn`` and y_i (l(s, g(y)) - l(s, g(y↓i))) to ``gradient``."""
    for image in range(count):
        first = image * pixels
        drawn[image] += losses[image, sizes[image] // 2]
        _add_differences(words, start + first, pixels, flips, first, sizes[image], losses[image], gradient, first)


@kernel
def scale(gradient: Numbers, chances: Numbers, draws: int) -> None:
    """From the sum over the draws to their mean, and from dF(a) to da: times F'(a) = F(a) (1 - F(a))."""
    for i in range(gradient.size):
        gradient[i] = gradient[i] / draws * (chances[i] * (1 - chances[i]))


def derivative(
    samples: torch.Tensor, losses: torch.Tensor, chances: torch.Tensor | None, spatial_dims: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean over draws of the loss and of (21), with respect to F(a), or to a where the chances F(a) are given.

    Parameters
    ----------
    samples : Tensor, shape (draws, ..., H, W)
    losses : Tensor, shape (..., 1 + max(H, W))
        `losses_of_sizes`.
    chances : Tensor, shape (..., H, W), optional

    Returns
    -------
    (Tensor, Tensor), shapes (...) and (..., H, W)
    """
    if is_traced(samples) or is_traced(losses):
        return torch.ops.chdt.derivative(samples, losses, chances, spatial_dims)  # type: ignore[no-any-return]
    height, width = grid_shape(samples, spatial_dims)
    layout, lanes = layout_of(height, width), lanes_for(2 * max(height, width))
    draws, *shape = samples.shape
    batch, pixels = shape[: len(shape) - spatial_dims], height * width
    step = max(1, PIXELS_AT_ONCE // (pixels * layout.images)) * layout.images
    table = losses.cpu().contiguous().view(-1, losses.shape[-1]).numpy()
    drawn, gradient = torch.zeros(batch, dtype=losses.dtype), torch.zeros(shape, dtype=losses.dtype)
    drawn_flat, gradient_flat = drawn.view(-1).numpy(), gradient.view(-1).numpy()
    host_chances = None if chances is None else chances.cpu().contiguous().view(-1).numpy()

    for draw, sample in enumerate(samples):
        packed = pack_masks(sample, spatial_dims)

        def work(first: int, last: int, packed: PackedMasks = packed, draw: int = draw) -> None:
            scan, workspace = scan_of(layout, lanes), workspace_of(layout, lanes)
            flips = aligned(min(step, last - first) * pixels + PIXELS, 0, lanes)
            sizes = np.empty(step, np.int64)
            for start in range(first, last, step):
                count = min(step, last - start)
                part = slice(start * pixels, (start + count) * pixels)
                flip_sizes_of(packed.words, part.start, count, scan, workspace, lead_of(flips), flips, sizes)
                add_differences(
                    packed.words, part.start, count, pixels, flips, sizes, table[start:],
                    drawn_flat[start:], gradient_flat[part],
                )  # fmt: skip
                if draw == draws - 1 and host_chances is not None:
                    scale(gradient_flat[part], host_chances[part], draws)

        share(work, packed.images, pixels, layout.images)
    if chances is None:
        gradient /= draws
    device = samples.device
    return (drawn / draws).to(device), gradient.to(device)


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
    if is_traced(sizes):
        torch.ops.chdt.check_values(sizes, weight)
        return
    for name, values, unused in (("weight", weight, None), ("sizes", sizes, None if weight is None else weight == 0)):
        if values is None:
            continue
        wrong = ~(torch.isfinite(values) & (values >= 0))
        if unused is not None:
            wrong &= ~unused
        if wrong.any():
            where = tuple(int(i) for i in wrong.nonzero()[0])
            shown = f"{name}[{', '.join(map(str, where))}]" if where else name
            remedy = "; give an image of unknown size the weight 0" if name == "sizes" else ""
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
    return derivative(samples[None], losses_of_sizes(loss, targets, 2 * max(height, width)), None, spatial_dims)
