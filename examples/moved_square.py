"""
Can a loss make an object grow?
===============================

A square of size 10 that is sure of itself is to have another size. What do the losses of chdt make of it?

There is no network: the logits themselves are what Adam moves, for 300 steps. The expected size loss compares the sizes
of drawn masks with those after single flips, and no single flip makes a full square larger. The thresholds of the
wanted size have a derivative of their own, with which an object grows and shrinks.

To run it::

    python examples/moved_square.py
"""

from collections.abc import Callable

import torch
from torch.nn.functional import softplus

from chdt import expected_size_loss, object_size, threshold_of_size

SIDE, WIDTH, SURE = 24, 10, 4.0  # pixels of the image, of the square; its logits, and minus those around it
STEPS, LEARNING_RATE, REPEATS = 300, 0.1, 10
WANTED = (14, 12, 8, 6)

# %%
# The losses
# ----------


def margin(logits: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
    """Small where the mask ``logits > 0`` has the size, and masks at thresholds around 0 have it too."""
    return softplus(-threshold_of_size(logits, sizes)) + softplus(threshold_of_size(logits, sizes + 2))


def noisy_margin(logits: torch.Tensor, sizes: torch.Tensor, n_samples: int = 4) -> torch.Tensor:
    """Its mean over logits with logistic noise, the signs of which are the masks that `sample_masks` draws."""
    noise = torch.rand(n_samples, *logits.shape).logit(eps=1e-6)
    return margin(logits + noise, sizes.expand(n_samples, -1)).mean(dim=0)


def expected(n_samples: int) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """The expected size loss with some draws."""
    return lambda logits, sizes: expected_size_loss(logits, sizes, n_samples=n_samples, reduction="none")


LOSSES = {
    "expected, n = 1": expected(1),
    "expected, n = 16": expected(16),
    "margin": margin,
    "margin with noise": noisy_margin,
}

# %%
# The square
# ----------


def square(count: int) -> torch.Tensor:
    """The logits of some squares, each of size 10."""
    logits = torch.full((count, SIDE, SIDE), -SURE)
    start = (SIDE - WIDTH) // 2
    logits[:, start : start + WIDTH, start : start + WIDTH] = SURE
    return logits


def size_after(
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], wanted: int, steps: int = STEPS, repeats: int = REPEATS
) -> float:
    """Mean size that squares have in the end. They share no draws, and the loss of one does not touch another."""
    torch.manual_seed(0)
    logits = square(repeats).requires_grad_()
    sizes = torch.full((repeats,), wanted)
    optimizer = torch.optim.Adam([logits], LEARNING_RATE)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(logits, sizes).sum().backward()
        optimizer.step()
    return float(object_size(logits.detach() > 0).float().mean())


def main() -> None:
    """Print the table."""
    print("| wanted | " + " | ".join(LOSSES) + " |")
    print("|---:" * (1 + len(LOSSES)) + "|")
    for wanted in WANTED:
        print(f"| {wanted} | " + " | ".join(f"{size_after(loss, wanted):.1f}" for loss in LOSSES.values()) + " |")


if __name__ == "__main__":
    main()
