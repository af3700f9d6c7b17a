"""sampled_gradient: the derivative of the expected loss by flipping pixels of a drawn mask, one by one (21)."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from chdt.bitplanes import WORD, Words, low_bits, packed_words, read_bits
from chdt.erosions import is_small
from chdt.flips import Workspace, flip_sizes_of_images, workspace_of
from chdt.jit import helper, kernel
from chdt.lanes import PIXELS, Number, Numbers, aligned, equal_bits, lowest_bit
from chdt.masks import NUMBERS, UNSIGNED_TENSORS, Shape, check_tensor, grid_shape, is_traced, pack_masks, type_name
from chdt.parallel import kept, share
from chdt.sampling import chances_of, draw_pixels, nan_logit
from chdt.transform import Scan, lanes_for, layout_of, pixels_of, scan_of

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


# ------------------------------------------------------------------------------------------------ the kernels


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


class Piece(NamedTuple):
    """What a thread needs to differentiate the losses of as many images as are done at once."""

    scan: Scan | None
    workspace: Workspace
    flips: npt.NDArray[Any]
    sizes: npt.NDArray[np.int64]
    words: Words  # the packed masks, where they are drawn
    rest: npt.NDArray[Any]  # see `draw`
    gradient: npt.NDArray[Any]


def piece_of(shape: Shape, dtype: Any) -> Piece:
    """Memory for one thread."""
    layout, lanes, pixels = layout_of(shape), lanes_for(2 * shape.cap), shape.pixels
    images = max(1, PIXELS_AT_ONCE // (pixels * layout.images)) * layout.images
    return Piece(
        None if is_small(shape) else scan_of(layout, lanes),
        workspace_of(shape, lanes),
        aligned(images * pixels + PIXELS, 0, lanes),
        np.empty(images, np.int64),
        np.zeros(packed_words(images * pixels), np.uint64),
        np.empty(WORD, dtype),
        np.empty(images * pixels, dtype),
    )


@helper
def _add_draw(
    words: Words, start: int, images: int, piece: Piece, losses: Numbers, drawn: Numbers, gradient: Numbers
) -> None:
    """Add l(s, g(y)) to ``drawn`` and y_i (l(s, g(y)) - l(s, g(y↓i))) to ``gradient``, of a few images."""
    pixels = pixels_of(piece.workspace.layout)
    flip_sizes_of_images(words, start, images, piece.scan, piece.workspace, piece.flips, piece.sizes)
    for image in range(images):
        at, size = image * pixels, piece.sizes[image]
        drawn[image] += losses[image, size // 2]
        _add_differences(words, start + at, pixels, piece.flips, at, size, losses[image], gradient, at)


@kernel
def differentiate_given(
    words: Words, start: int, piece: Piece, losses: Numbers, drawn: Numbers, gradient: Numbers
) -> None:
    """Add l(s, g(y)) to ``drawn`` and (21) to ``gradient``, for masks whose packed bits begin at ``start``."""
    pixels, most = pixels_of(piece.workspace.layout), len(piece.sizes)
    for first in range(0, len(drawn), most):
        images = min(most, len(drawn) - first)
        at = first * pixels
        _add_draw(words, start + at, images, piece, losses[first:], drawn[first:], gradient[at : at + images * pixels])


@kernel
def differentiate_drawn(
    chances: Numbers,
    seeds: Words,
    start: int,
    piece: Piece,
    losses: Numbers,
    drawn: Numbers,
    draws: Number,
    one: Number,
) -> int:
    """Draw a mask with every seed; leave the mean of (21) times F'(a) = F(a) (1 - F(a)) in place of the chances F(a).

    ``start`` is the number of the first pixel in the whole batch, ``drawn`` gets the mean of l(s, g(y)). ``draws``, as
    many as there are seeds, and ``one`` are of the dtype of the chances: integers would make Numba go on in float64.
    Give the index of a chance that is NaN, the first one, or -1.
    """
    pixels, most = pixels_of(piece.workspace.layout), len(piece.sizes)
    for first in range(0, len(drawn), most):
        images = min(most, len(drawn) - first)
        here = chances[first * pixels : (first + images) * pixels]
        gradient = piece.gradient[: images * pixels]
        for i in range(len(gradient)):
            gradient[i] = 0
        for image in range(images):
            drawn[first + image] = 0
        for seed in seeds:
            found = draw_pixels(here, piece.rest, seed, start + first * pixels, piece.words)
            if found >= 0:
                return first * pixels + found
            _add_draw(piece.words, 0, images, piece, losses[first:], drawn[first:], gradient)
        if len(seeds) > 1:
            for i in range(len(gradient)):
                gradient[i] /= draws
            for image in range(images):
                drawn[first + image] /= draws
        for i in range(len(here)):
            here[i] = gradient[i] * (here[i] * (one - here[i]))
    return -1


# ------------------------------------------------------------------------------------------------ batches


def sampled_derivative(
    logits: torch.Tensor, seeds: torch.Tensor, losses: torch.Tensor, spatial_dims: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean over a draw for every seed of the loss, and of its derivative (21) with respect to the logits.

    Parameters
    ----------
    logits : Tensor, shape (..., H, W)
    seeds : int64 Tensor, shape (draws)
        As from `seeds_for`.
    losses : Tensor, shape (..., 1 + max(H, W))
        `losses_of_sizes`.
    spatial_dims : {1, 2, 3}

    Returns
    -------
    (Tensor, Tensor), shapes (...) and that of logits, float64 for float64 logits and float32 otherwise

    Raises
    ------
    ValueError
        A logit is NaN (the first index is named).
    """
    shape = grid_shape(logits, spatial_dims)
    pixels = shape.pixels
    # The derivative takes the place of the chances, so that one tensor is all it needs.
    gradient = chances_of(logits).cpu().contiguous()
    drawn = torch.empty(losses.shape[:-1], dtype=gradient.dtype)
    flat, drawn_flat, table = gradient.view(-1).numpy(), drawn.view(-1).numpy(), table_of(losses)
    mixed = seeds.numpy().view(np.uint64)
    nan: list[int] = []

    def work(first: int, last: int) -> None:
        piece = kept(piece_of, shape, flat.dtype)
        here = flat[first * pixels : last * pixels]
        start, (draws, one) = first * pixels, np.array([len(mixed), 1], flat.dtype)
        found = differentiate_drawn(here, mixed, start, piece, table[first:last], drawn_flat[first:last], draws, one)
        if found >= 0:
            nan.append(start + found)

    # More work than that, but a training step calls, whose threads of torch still spin: few more pay off.
    share(work, len(drawn_flat), len(mixed) * pixels, layout_of(shape).images)
    if nan:
        raise nan_logit(logits, min(nan))
    return drawn.to(logits.device), gradient.to(logits.device)


def given_derivative(
    samples: torch.Tensor, losses: torch.Tensor, spatial_dims: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of each given mask, and its derivative (21) with respect to the chances: see `sampled_derivative`."""
    if is_traced(samples) or is_traced(losses):
        return torch.ops.chdt.given_derivative(samples, losses, spatial_dims)  # type: ignore[no-any-return]
    packed = pack_masks(samples, spatial_dims)
    drawn, gradient = torch.zeros(packed.batch, dtype=losses.dtype), torch.zeros(samples.shape, dtype=losses.dtype)
    drawn_flat, flat, table = drawn.view(-1).numpy(), gradient.view(-1).numpy(), table_of(losses)

    def work(first: int, last: int) -> None:
        piece = kept(piece_of, packed.shape, flat.dtype)
        start, end = first * packed.shape.pixels, last * packed.shape.pixels
        differentiate_given(packed.words, start, piece, table[first:last], drawn_flat[first:last], flat[start:end])

    share(work, packed.images, packed.shape.pixels, layout_of(packed.shape).images)
    return drawn.to(samples.device), gradient.to(samples.device)


def table_of(losses: torch.Tensor) -> npt.NDArray[Any]:
    """`losses_of_sizes` for kernels: one row an image."""
    return losses.cpu().contiguous().view(-1, losses.shape[-1]).numpy()


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
    """Sizes must be finite and not negative, but where their weight is 0; weights must be finite and not negative.

    Go on with the sizes that this gives: torch would leave out a check of which nothing is used.
    """
    if is_traced(sizes) or is_traced(weight):
        return torch.ops.chdt.check_values(sizes, weight)  # type: ignore[no-any-return]
    checked = sizes
    if weight is not None:
        _check_finite(weight, "weight", "")
        checked = torch.where(weight == 0, 0, sizes)
    _check_finite(checked, "sizes", "; give an image of unknown size the weight 0")
    return sizes


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
    return given_derivative(samples, losses_of_sizes(loss, targets, 2 * shape.cap), spatial_dims)
