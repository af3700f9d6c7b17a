"""The loss of drawn masks in torch's graphs of autograd: (21) is its gradient, and has none itself."""

from typing import Any

import torch

from chdt import operators
from chdt.checks.shape import AllSteps
from chdt.checks.tracing import is_traced
from chdt.wings import sampled_derivative

Gradients = tuple[torch.Tensor | None, ...]

NO_SECOND_DERIVATIVE = (
    "expected_size_loss has no second derivative, nor one in forward mode: its gradient is a sample, not a function of "
    "the logits. Leave the loss out of what is differentiated twice, or detach its gradient"
)


class SampledLoss(torch.autograd.Function):
    """Where equation (21) lives: the loss of drawn masks, with the sampled derivative as its gradient.

    The derivative is a second output, so that whoever differentiates it in turn comes back here, and is refused.
    """

    @staticmethod
    def forward(
        ctx: Any,
        logits: torch.Tensor,
        seeds: torch.Tensor,
        losses: torch.Tensor,
        left_out: torch.Tensor | None,
        spatial_dims: int,
        spacing: AllSteps | None,
        black_border: bool,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give the mean loss of each image over its draws, and its derivative, kept for the backward pass."""
        output = sampled_derivative(logits, seeds, losses, left_out, spatial_dims, spacing, black_border)
        _keep(ctx, (logits, seeds, losses, left_out, spatial_dims, spacing, black_border), output)
        return output

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor | None, of_derivative: torch.Tensor | None) -> Gradients:
        """Chain it on."""
        return _chain(ctx, upstream, of_derivative)

    @staticmethod
    def jvp(*_: Any) -> Any:
        """Refuse derivatives in forward mode, of which Hessians are made."""
        raise RuntimeError(NO_SECOND_DERIVATIVE)


class TransformableLoss(SampledLoss):
    """The same for what torch transforms (`torch.func`), which costs more time than a small batch."""

    generate_vmap_rule = True

    @staticmethod
    def forward(  # type: ignore[override]
        logits: torch.Tensor,
        seeds: torch.Tensor,
        losses: torch.Tensor,
        left_out: torch.Tensor | None,
        spatial_dims: int,
        spacing: AllSteps | None,
        black_border: bool,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give the mean loss of each image over its draws, and its derivative."""
        output: tuple[torch.Tensor, torch.Tensor] = torch.ops.chdt.sampled_derivative(
            logits, seeds, losses, left_out, spatial_dims, spacing, black_border
        )
        return output

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[torch.Tensor, torch.Tensor]) -> None:
        """Keep the derivative for the backward pass."""
        _keep(ctx, inputs, output)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[torch.Tensor, torch.Tensor]) -> None:
    ctx.dtype, ctx.spatial_dims = inputs[0].dtype, inputs[4]
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(output[1])


def _chain(ctx: Any, upstream: torch.Tensor | None, of_derivative: torch.Tensor | None) -> Gradients:
    """From the derivative with respect to the loss of each image to that with respect to the logits."""
    if of_derivative is not None:
        raise RuntimeError(NO_SECOND_DERIVATIVE)
    if upstream is None:
        return (None,) * 7
    (derivative,) = ctx.saved_tensors
    upstream = upstream.reshape(upstream.shape + (1,) * ctx.spatial_dims)
    return (upstream * derivative).to(ctx.dtype), *(None,) * 6


# The operator has the same gradient, for graphs: the compiler would see only one output of an autograd.Function.
operators.sampled_derivative.register_autograd(_chain, setup_context=_keep)


def losses_of_draws(
    logits: torch.Tensor,
    seeds: torch.Tensor,
    losses: torch.Tensor,
    left_out: torch.Tensor | None,
    spatial_dims: int,
    spacing: AllSteps | None,
    black_border: bool,
) -> torch.Tensor:
    """Mean loss of each image over a draw for every seed, with the gradient (21)."""
    function: Any = SampledLoss.apply
    if is_traced(logits) or is_traced(losses):
        function = torch.ops.chdt.sampled_derivative if torch.compiler.is_compiling() else TransformableLoss.apply
    values, _ = function(logits, seeds, losses, left_out, spatial_dims, spacing, black_border)
    return values  # type: ignore[no-any-return]
