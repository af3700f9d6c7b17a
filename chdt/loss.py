"""expected_size_loss: what a training loop calls (10)."""

from typing import Any

import torch

from chdt.attainable import attainable_sizes
from chdt.autograd import NO_SECOND_DERIVATIVE, losses_of_draws
from chdt.checks.devices import is_on_gpu
from chdt.checks.masks import check_black_border, check_spatial_dims, grid_shape, plain_tensor
from chdt.checks.spacing import Spacing, spacing_of
from chdt.checks.tracing import has_tangent, is_traced, unscriptable
from chdt.checks.values import (
    check_generator,
    check_logits,
    check_loss,
    check_n_samples,
    check_reduction,
    check_sizes,
    check_values,
    check_weight,
    numbers_for,
)
from chdt.gradient import Loss, losses_of_sizes, squared_error
from chdt.seeds import seeds_for


@unscriptable
def expected_size_loss(
    logits: torch.Tensor,
    sizes: torch.Tensor,
    *,
    weight: torch.Tensor | None = None,
    n_samples: int = 1,
    loss: Loss = squared_error,
    reduction: str = "mean",
    generator: torch.Generator | None = None,
    spatial_dims: int = 2,
    spacing: Spacing | None = None,
    black_border: bool = False,
) -> torch.Tensor:
    """Expected loss between the true size and the size of a random mask drawn from the logits.

    Parameters
    ----------
    logits : Tensor, shape (..., H, W)
        The output a of a network before any sigmoid: float16, bfloat16, float32 or float64. A channel dim of 1 is a
        batch dim like any other. ±inf is certain, and gets a gradient of zero. NaN makes NaN of the loss of its image
        and of its own gradient, and touches nothing else: other pixels get the gradient that they have where it is
        background.
    sizes : Tensor, shape (...)
        True sizes in pixels, or in units of the spacing, one an image, as `object_size` gives them for masks. They get
        no gradient.
    weight : Tensor, shape (...), optional
        Weight of each image, 1 by default. An image of weight 0 is left out: of the value, the gradient and the mean,
        whatever its size and its logits are, NaN included.
    n_samples : int
        How many masks are drawn for each image; the variance of value and gradient falls with it.
    loss : callable
        l(prediction, target), any function of two tensors of one shape that works element by element, its arguments in
        the order of torch's losses. These may be passed as they are, whatever their ``reduction``. A few elements are
        asked for again in some calls, to find out whether others matter; not while torch compiles or transforms, nor on
        a GPU.
    reduction : {"mean", "sum", "none"}
        Weighted mean over the images, their weighted sum, or the weighted loss of each image. The mean of no images,
        or of weights that are all 0, is 0.
    generator : torch.Generator, optional
        Where the seeds of the draws come from; torch's own by default, of the GPU where logits are on one.
    spatial_dims : {1, 2, 3}
        How many trailing dims form the grid.
    spacing : float, or sequence, array or tensor of float, optional
        How far apart pixels are, along each spatial dim or along all of them; shape (..., spatial_dims) for a spacing
        of each image. Sizes are in its units then.
    black_border : bool
        Whether pixels outside the grid are background.

    Returns
    -------
    Tensor, shape () or (...)
        The mean over the draws of l(s, g(Y)), in float64 for float64 logits and in float32 otherwise. Its gradient with
        respect to the logits has their dtype; it is an unbiased sample of the gradient of the expected loss.

    Raises
    ------
    TypeError
        Logits, sizes or weight of an unfit type or dtype; a loss that cannot be called, a generator that is none; a
        spacing that is not made of numbers; a ``black_border`` that is neither True nor False.
    ValueError
        Sizes or weight of another shape (both are shown), negative or not finite (the first index is named; on a GPU
        they are not looked at, and NaN and negative ones make NaN of their loss), or that require grad; an empty grid;
        n_samples below 1; an unknown reduction; a loss that does not work element by element, gives complex
        numbers, or has parameters that require grad; a spacing that is not from 1e-25 to 1e25, or has another number of
        dims, or of images.
    RuntimeError
        In the backward pass of a backward pass: the loss has no second derivative, and none in forward mode. What
        `torch.compile` compiles by AOTAutograd, torch itself does not differentiate twice.

    Warns
    -----
    UserWarning
        A size is larger than that of any mask of this grid, 2·max(H, W): once a call site. The first index is named.

    See Also
    --------
    ExpectedSizeLoss : the same as a module.
    mask_of_size : a mask of the true size to learn from, which keeps the shape.
    sampled_gradient : the derivative for masks that are given.

    Notes
    -----
    Equation (10) of Baručić and Kybic (2022), L = E_Y[l(s, g(Y))], with the gradient (21) averaged over the draws times
    F'(a) = F(a)·(1 - F(a)). The gradient lives in `chdt.autograd.SampledLoss`.

    It shrinks objects and makes unsure ones sure. It cannot make an object grow that the network is sure of: no single
    flip makes a full square larger, so the gradient is 0 (`threshold_of_size` has one). And any pixels that give the
    size will do: alone it costs the shape. The documentation measures both, under Experiments.

    Examples
    --------
    >>> import torch
    >>> from chdt import expected_size_loss
    >>> _ = torch.manual_seed(0)
    >>> logits = torch.zeros(2, 8, 8, requires_grad=True)
    >>> value = expected_size_loss(logits, torch.tensor([0.0, 6.0]), n_samples=4)
    >>> value.backward()
    >>> value.shape, logits.grad.shape
    (torch.Size([]), torch.Size([2, 8, 8]))

    A loss that is not symmetric, for an object that is certain: prediction 8, target 6.

    >>> certain = torch.full((4, 4), torch.inf)
    >>> poisson = torch.nn.PoissonNLLLoss(log_input=False)  # p - target * log(p)
    >>> expected_size_loss(certain, torch.tensor(6), loss=poisson)
    tensor(-4.4766)
    >>> 8 - 6 * torch.tensor(8.0).log()
    tensor(-4.4766)
    """
    logits, sizes = plain_tensor(logits, "logits"), plain_tensor(sizes, "sizes")
    dtype = check_logits(logits)
    shape = grid_shape(logits, spatial_dims, "logits")
    batch = tuple(logits.shape[: logits.ndim - spatial_dims])
    check_sizes(sizes, batch, logits, "logits")
    if weight is not None:
        weight = plain_tensor(weight, "weight")
        check_weight(weight, batch, logits)
    n_samples = check_n_samples(n_samples)
    check_loss(loss)
    check_reduction(reduction)
    check_generator(generator)
    if is_traced(logits) and not torch.compiler.is_compiling() and has_tangent(logits):
        # Before the draws, which `torch.func.hessian` would refuse for a reason of its own.
        raise RuntimeError(NO_SECOND_DERIVATIVE)
    steps, black_border = spacing_of(spacing, spatial_dims, logits), check_black_border(black_border)
    unseen = is_on_gpu(sizes) or is_on_gpu(weight)
    targets, left_out = numbers_for(sizes, logits.device, dtype, "sizes", unseen), None
    attainable, largest = attainable_sizes(targets, shape, spatial_dims, steps, black_border)
    checked = check_values(sizes, weight, largest)
    if checked is not sizes:
        targets = numbers_for(checked, logits.device, dtype, "sizes", unseen)
    if weight is not None:
        weight = numbers_for(weight, logits.device, dtype, "weight", unseen)
        left_out = weight == 0
        targets = torch.where(left_out, HARMLESS, targets)
    table = losses_of_sizes(loss, targets, attainable)
    seeds = seeds_for(n_samples, generator, logits.device)
    losses = losses_of_draws(logits, seeds, table, left_out, spatial_dims, steps, black_border)
    if weight is not None and left_out is not None:
        losses = torch.where(left_out, 0, losses * weight)
    if reduction == "none":
        return losses
    if reduction == "sum":
        return _sum(losses)
    if weight is None:
        return _mean(losses)
    total = _sum(weight)
    return _sum(losses) / torch.where(total == 0, 1, total)


HARMLESS = 2  # the size of a pixel, for images without one: losses may divide by it and take its logarithm

SUMMED = 1 << 14  # at once


def _sum(values: torch.Tensor) -> torch.Tensor:
    """The sum, which from torch itself depends in its last digits on how many threads share it."""
    flat = values.reshape(-1)
    if flat.shape[0] <= SUMMED:
        return flat.sum()
    padded = torch.nn.functional.pad(flat, (0, -flat.shape[0] % SUMMED))
    return padded.view(-1, SUMMED).sum(1).sum()


def _mean(values: torch.Tensor) -> torch.Tensor:
    """The mean, 0 of nothing."""
    count = values.numel()
    return values.reshape(-1).mean() if 0 < count <= SUMMED else _sum(values) / max(1, count)


class ExpectedSizeLoss(torch.nn.Module):
    """`expected_size_loss` as a module: what it is made with is what the function takes by name.

    Parameters
    ----------
    n_samples, loss, reduction, generator, spatial_dims, spacing, black_border
        As in `expected_size_loss`.

    Examples
    --------
    >>> import torch
    >>> from chdt import ExpectedSizeLoss
    >>> criterion = ExpectedSizeLoss(n_samples=2, loss=torch.nn.functional.l1_loss)
    >>> criterion(torch.full((1, 4, 4), torch.inf), torch.tensor([8]))
    tensor(0.)
    """

    def __init__(
        self,
        *,
        n_samples: int = 1,
        loss: Loss = squared_error,
        reduction: str = "mean",
        generator: torch.Generator | None = None,
        spatial_dims: int = 2,
        spacing: Spacing | None = None,
        black_border: bool = False,
    ) -> None:
        super().__init__()
        check_loss(loss)
        check_reduction(reduction)
        check_generator(generator)
        check_spatial_dims(spatial_dims)
        self.n_samples = check_n_samples(n_samples)
        self.loss = loss
        self.reduction = reduction
        self.generator = generator
        self.spatial_dims = spatial_dims
        self.spacing = spacing
        self.black_border = check_black_border(black_border)

    def forward(
        self,
        logits: torch.Tensor,
        sizes: torch.Tensor,
        weight: torch.Tensor | None = None,
        spacing: Any = None,  # a Spacing or None, which torch.jit.script would not get past
    ) -> torch.Tensor:
        """Loss of the logits, shape (..., H, W), for the true sizes and weights, shape (...).

        A ``spacing`` of these images takes the place of the one that the module was made with.
        """
        return expected_size_loss(
            logits,
            sizes,
            weight=weight,
            n_samples=self.n_samples,
            loss=self.loss,
            reduction=self.reduction,
            generator=self.generator,
            spatial_dims=self.spatial_dims,
            spacing=self.spacing if spacing is None else spacing,
            black_border=self.black_border,
        )

    def extra_repr(self) -> str:
        """Say how it was made."""
        name = getattr(self.loss, "__name__", repr(self.loss))
        said = (
            f"n_samples={self.n_samples}, loss={name}, reduction={self.reduction!r}, spatial_dims={self.spatial_dims}"
        )
        if self.spacing is not None:
            said += f", spacing={self.spacing}"
        return said + f", black_border={self.black_border}" * self.black_border
