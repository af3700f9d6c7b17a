"""threshold_of_size and mask_of_size: where to cut what a network ranks, so that the object has a given size."""

import math

import torch

from chdt.attainable import attainable_sizes
from chdt.checks.devices import is_on_gpu
from chdt.checks.masks import check_black_border, grid_shape, plain_tensor
from chdt.checks.pixels import ABOVE_ALL, BELOW_ALL
from chdt.checks.shape import AllSteps
from chdt.checks.spacing import Spacing, spacing_of
from chdt.checks.tracing import is_traced, unscriptable
from chdt.checks.values import check_logits, check_sizes, check_values, comparable
from chdt.wings import masks_of_ranks, weakest_pixels_of_ranks

NO_GRID = 1 << 41  # a size beyond those of any grid


@unscriptable
def threshold_of_size(
    logits: torch.Tensor,
    sizes: torch.Tensor,
    *,
    spatial_dims: int = 2,
    spacing: Spacing | None = None,
    black_border: bool = False,
) -> torch.Tensor:
    """Threshold below which the object in an image is at least as large as a given size.

    The mask ``logits > t`` has at least this size for every t below the threshold, and a smaller one from there on.

    Parameters
    ----------
    logits : Tensor, shape (..., H, W), or as many of the last dims as ``spatial_dims``
        What a network says of each pixel: float16, bfloat16, float32 or float64.
    sizes : Tensor, shape (...)
        Sizes in pixels, one an image. `object_size` gives even numbers; of others the nearest even one is taken, of two
        the larger: an object 7 pixels wide has size 8. With a spacing, likewise the nearest of twice its lengths.
    spatial_dims : {1, 2, 3}
        How many trailing dims form the grid.
    spacing : float, or sequence, array or tensor of float, optional
        How far apart pixels are, along each spatial dim or along all of them; shape (..., spatial_dims) for a spacing
        of each image. Sizes are in its units then.
    black_border : bool
        Whether pixels outside the grid are background.

    Returns
    -------
    Tensor, shape (...), dtype of logits
        One of the logits of each image; inf for size 0, -inf for sizes that no mask of the grid has. Of an image with a
        logit that is NaN, NaN for any size but 0. Its gradient is 1 at one pixel, the one whose logit it is, and 0
        elsewhere: of windows and pixels that are equal, at the first one in reading order.

    Raises
    ------
    TypeError
        Logits or sizes of an unfit type or dtype; a spacing that is not made of numbers; a ``black_border``
        that is neither True nor False.
    ValueError
        Sizes of another shape (both are shown), negative or not finite (the first index is named; on a GPU they are not
        looked at, and NaN and negative ones give NaN), or that require grad; an empty grid; a spacing that is not from
        1e-25 to 1e25, or has another number of dims, or of images.

    See Also
    --------
    mask_of_size : the mask at the threshold of that size which is closest to 0.

    Notes
    -----
    With size 2r it is T_r, the largest over all centres of the least logit in the window of radius r - 1 around it: by
    equations (4) and (5) of Baručić and Kybic (2022), ``logits > t`` has size 2r or more if some such window lies in
    it. So the size is exactly 2r for T_(r+1) <= t < T_r, and ``softplus(-T_r) + softplus(T_(r+1))`` is a loss that is
    small where the prediction ``logits > 0`` has that size, without a sample. It makes objects grow, also full squares
    of sure pixels, which the gradient of `expected_size_loss` cannot, and shrink. But only one or two pixels an image
    get a gradient, and it says nothing of shapes: alone it gets sizes right with any pixels. With logistic noise on the
    logits its mean has a gradient at many pixels. The documentation compares them, under Experiments.

    Images that are repeated by ``expand``, to ask for several sizes of each, are looked at once.

    Examples
    --------
    >>> import torch
    >>> from chdt import threshold_of_size
    >>> rows = [1.0, 1, 2, 0, 0], [1, 5, 3, 2, 0], [1, 2, 4, 2, 0], [0, 2, 2, 2, 0], [0] * 5
    >>> logits = torch.tensor(rows)
    >>> threshold_of_size(logits.expand(4, 5, 5), torch.tensor([2, 4, 10, 12]))
    tensor([5., 2., 0., -inf])

    The largest logit is 5. The best square of 3 by 3 pixels has 2 as its least logit.
    """
    logits, sizes, known = _checked(logits, sizes, spatial_dims)
    steps, black_border = spacing_of(spacing, spatial_dims, logits), check_black_border(black_border)
    ranks = _ranks_of(sizes, logits, spatial_dims, steps, black_border)[..., None]
    if is_traced(logits) or is_traced(sizes):
        index = torch.ops.chdt.weakest_pixels(logits.detach(), ranks, spatial_dims, steps, black_border)
    else:
        index = weakest_pixels_of_ranks(logits, ranks, spatial_dims, steps, black_border)
    thresholds: torch.Tensor = _values_at(logits, index, spatial_dims)[..., 0]
    return thresholds if known is None else thresholds.masked_fill(~known.to(logits.device), torch.nan)


@unscriptable
def mask_of_size(
    logits: torch.Tensor,
    sizes: torch.Tensor,
    *,
    spatial_dims: int = 2,
    spacing: Spacing | None = None,
    black_border: bool = False,
) -> torch.Tensor:
    """Mask of the object with a given size: the logits above the threshold that is closest to 0 and gives this size.

    Parameters
    ----------
    logits : Tensor, shape (..., H, W), or as many of the last dims as ``spatial_dims``
        What a network says of each pixel: float16, bfloat16, float32 or float64.
    sizes : Tensor, shape (...)
        Sizes in pixels, one an image. `object_size` gives even numbers; of others the nearest even one is taken, of two
        the larger: an object 7 pixels wide has size 8. With a spacing, likewise the nearest of twice its lengths.
    spatial_dims : {1, 2, 3}
        How many trailing dims form the grid.
    spacing : float, or sequence, array or tensor of float, optional
        How far apart pixels are, along each spatial dim or along all of them; shape (..., spatial_dims) for a spacing
        of each image. Sizes are in its units then.
    black_border : bool
        Whether pixels outside the grid are background.

    Returns
    -------
    bool Tensor, shape of logits
        Its `object_size` is the given size wherever some threshold gives it. No threshold does where equal logits
        join or leave the mask together: then it is the size next to it, of two that are as near the smaller one. The
        largest mask there is for sizes that are larger than any. A logit of -inf is above no threshold: such a pixel is
        background in every mask. All background where a logit is NaN. No gradient.

    Raises
    ------
    TypeError
        Logits or sizes of an unfit type or dtype; a spacing that is not made of numbers; a ``black_border``
        that is neither True nor False.
    ValueError
        Sizes of another shape (both are shown), negative or not finite (the first index is named; on a GPU they are not
        looked at, and NaN and negative ones give all background), or that require grad; an empty grid; a spacing that
        is not from 1e-25 to 1e25, or has another number of dims, or of images.

    See Also
    --------
    threshold_of_size : the thresholds, with a gradient.
    object_size : the size of a mask.

    Notes
    -----
    A size is one number, and decides one: where to cut what the network ranks. ``logits > t`` has size 2r exactly for
    T_(r+1) <= t < T_r, see `threshold_of_size`. So pixels keep their order, and the mask is as good as that order: it
    mends how large an object is, not where it is. From a network that has found nothing yet it is a mask of nothing.
    Training towards it is one line, ``binary_cross_entropy_with_logits(logits, mask_of_size(logits, sizes).float())``,
    beside outlined images, once these have taught the network to find the object. The documentation says what it
    gains, under Experiments.

    Examples
    --------
    A network that is not sure of anything: no pixel is above 0, and those of the object are the least unlikely.

    >>> import torch
    >>> from chdt import mask_of_size, object_size
    >>> logits = torch.full((5, 6), -4.0)
    >>> logits[1:4, 1:4] = -2.0
    >>> logits[2, 2:5] = -1.0
    >>> mask_of_size(logits, torch.tensor(4)).int()
    tensor([[0, 0, 0, 0, 0, 0],
            [0, 1, 1, 1, 0, 0],
            [0, 1, 1, 1, 1, 0],
            [0, 1, 1, 1, 0, 0],
            [0, 0, 0, 0, 0, 0]], dtype=torch.int32)
    >>> object_size(mask_of_size(logits, torch.tensor(2)))
    tensor(2, dtype=torch.int32)
    """
    logits, sizes, known = _checked(logits, sizes, spatial_dims)
    steps, black_border = spacing_of(spacing, spatial_dims, logits), check_black_border(black_border)
    ranks = _ranks_of(sizes, logits, spatial_dims, steps, black_border)
    if is_traced(logits) or is_traced(sizes):
        masks: torch.Tensor = torch.ops.chdt.mask_of_size(logits.detach(), ranks, spatial_dims, steps, black_border)
    else:
        masks = masks_of_ranks(logits.detach(), ranks, spatial_dims, steps, black_border)
    return masks if known is None else masks & known.to(logits.device).view(known.shape + (1,) * spatial_dims)


def _checked(
    logits: torch.Tensor, sizes: torch.Tensor, spatial_dims: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Logits, sizes, and of sizes on a GPU, which are not looked at, which are none: these are 0 from here on."""
    logits, sizes = plain_tensor(logits, "logits"), plain_tensor(sizes, "sizes")
    check_logits(logits)
    grid_shape(logits, spatial_dims, "logits")
    check_sizes(sizes, tuple(logits.shape[: logits.ndim - spatial_dims]), logits, "logits")
    sizes = comparable(sizes)
    if is_on_gpu(sizes):
        known = sizes.detach() >= 0
        return logits, torch.where(known, sizes.detach(), 0), known
    # No size is too large to ask for: of the largest one, the next is asked for, too.
    return logits, check_values(sizes, None, math.inf).detach(), None


def _ranks_of(
    sizes: torch.Tensor, logits: torch.Tensor, spatial_dims: int, spacing: AllSteps | None, black_border: bool
) -> torch.Tensor:
    """The rank of the nearest size there is, of two the larger one; beyond all ranks for sizes beyond all sizes."""
    if spacing is None:
        if sizes.is_floating_point():
            return (sizes.double().clamp(max=NO_GRID) / 2 + 0.5).to(torch.int64)
        return (sizes.to(torch.int64).clamp(max=NO_GRID) + 1) >> 1
    shape = grid_shape(logits, spatial_dims)
    there, _ = attainable_sizes(sizes.double(), shape, spatial_dims, spacing, black_border)
    before, behind, largest = there[..., :-1], there[..., 1:], there[..., -1:]
    # From here on it is beyond all sizes. Lists of few sizes go on with the largest, which makes no further ranks.
    beyond = (3 * largest - before.masked_fill(before == largest, 0).amax(-1, keepdim=True)) / 2
    middles = torch.where(before == largest, beyond, (before + behind) / 2)
    return (sizes.double()[..., None] >= torch.cat([middles, beyond], -1)).sum(-1)


def _values_at(logits: torch.Tensor, index: torch.Tensor, spatial_dims: int) -> torch.Tensor:
    """The logits of these pixels, some an image, with their gradient; ±inf where the index stands for none."""
    values = logits.flatten(-spatial_dims)
    if not is_traced(index) and not is_on_gpu(index) and bool((index >= 0).all()):  # mostly so, and faster
        return values.gather(-1, index)
    values = values.gather(-1, index.clamp(min=0))
    return values.masked_fill(index == ABOVE_ALL, math.inf).masked_fill(index == BELOW_ALL, -math.inf)
