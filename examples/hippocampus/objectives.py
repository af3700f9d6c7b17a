"""What the second phase minimises: the paper's expected size loss, the one that works, and what was tried besides."""

from dataclasses import dataclass

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss

from chdt import expected_size_loss, object_size, squared_error

# By distance from 0, the threshold of a network that is sure: of several that give the true size, the first is taken.
THRESHOLDS = (
    0.0,
    *(sign * t for t in (0.15, 0.3, 0.5, 0.75, 1, 1.3, 1.6, 2, 2.5, 3, 3.5, 4, 5, 6) for sign in (1, -1)),
)


@dataclass(frozen=True)
class Objective:
    """Weights of the terms, each a mean over the images of a batch; a term of weight 0 is not computed."""

    about: str
    size: float = 0.0  # expected size loss, on all images (10)
    pixels: float = 0.0  # pixel-wise loss, on the outlined images (6)
    masks: float = 0.0  # pixel-wise loss against the network's own masks, on all images
    calibrated: bool = True  # those masks have the true sizes
    absolute: bool = False  # |s - g(Y)| in place of its square
    sharpness: float = 1.0  # that the logits are multiplied by before masks are drawn
    spread: float = 0.0  # standard deviation of the size over the draws, on all images
    entropy: float = 0.0  # of every pixel, on all images
    anchor: float = 0.0  # pixel-wise loss against the probabilities of the network that the phase began with
    edges: float = 0.0  # change of probability between neighbours that look alike
    learning_rate: float = 1e-3

    @property
    def remembers(self) -> bool:
        """Whether it needs what the network said about each image before."""
        return bool(self.masks or self.anchor)


OBJECTIVES = {
    "size": Objective("the paper's: expected size loss alone", size=1, learning_rate=2e-5),
    # A network of the first phase draws masks full of holes, far smaller than what it predicts, and would first learn
    # to be sure. With three times its logits the expected error is about as small as any factor makes it.
    "sharp": Objective("the paper's, with noise of a third", size=1, sharpness=3, learning_rate=3e-6),
    "calibrated": Objective(
        "expected size loss, outlined images, own masks of true size", size=0.05, pixels=1, masks=1
    ),
    "uncalibrated": Objective("the same, own masks at threshold 0", size=0.05, pixels=1, masks=1, calibrated=False),
    "masks+pixels": Objective("outlined images, own masks of true size", pixels=1, masks=1),
    "masks": Objective("own masks of true size alone", masks=1),
    "self-training": Objective(
        "outlined images, own masks at threshold 0: no sizes", pixels=1, masks=1, calibrated=False
    ),
    "pixels": Objective("outlined images alone, as in the first phase", pixels=1),
    "size+pixels": Objective("expected size loss, outlined images", size=0.05, pixels=1),
    "absolute": Objective("expected absolute error alone", size=1, absolute=True, learning_rate=2e-5),
    "spread": Objective("size+pixels, and the variance of the size over the draws", size=0.05, pixels=1, spread=0.05),
    "entropy": Objective("size+pixels, and the entropy of every pixel", size=0.05, pixels=1, entropy=0.1),
    "anchor": Objective("size+pixels, and closeness to where the phase began", size=0.05, pixels=1, anchor=1),
    "edges": Objective("size+pixels, and outlines along edges of the image", size=0.05, pixels=1, edges=1),
}


def masks_of_size(logits: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
    """The mask of each image at the threshold that comes closest to its true size.

    A size says nothing about where its pixels are, so a network that is to match it may take or drop any. Where they
    most likely are the network already says, up to a threshold; and a threshold is what one number can decide. Sizes
    of all thresholds are exact and cost less than the network's first layer.
    """
    thresholds = torch.tensor(THRESHOLDS, dtype=logits.dtype, device=logits.device)
    masks = logits > thresholds[:, None, None, None]
    errors = (object_size(masks) - sizes).abs()
    return masks[errors.argmin(dim=0), torch.arange(len(logits), device=logits.device)]


def edge_term(logits: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Change of probability between neighbours, where the image hardly changes."""
    chances = logits.sigmoid()
    along = [(chances.diff(dim=d).abs() * (-10 * images.diff(dim=d) ** 2).exp()).mean() for d in (-2, -1)]
    return along[0] + along[1]


def spread_term(logits: torch.Tensor, sizes: torch.Tensor, n_samples: int) -> torch.Tensor:
    """Variance of the size over the draws: the mean squared distance to the mean size, as a loss of the draws."""
    with torch.no_grad():
        first = expected_size_loss(logits, torch.zeros_like(sizes), n_samples=n_samples, loss=l1_loss, reduction="none")
    return expected_size_loss(logits, first, n_samples=n_samples)


def second_phase_loss(
    objective: Objective,
    logits: torch.Tensor,
    images: torch.Tensor,
    sizes: torch.Tensor,
    *,
    n_samples: int,
    memory: torch.Tensor | None = None,
) -> torch.Tensor:
    """The terms that need no outlines, for logits and images of shape (B, H, W) and sizes of shape (B,).

    ``memory`` are logits that the network gave for these images before.
    """
    loss = logits.new_zeros(())
    if objective.size:
        error = l1_loss if objective.absolute else squared_error
        sharp = logits * objective.sharpness
        loss = loss + objective.size * expected_size_loss(sharp, sizes, n_samples=n_samples, loss=error)
    if objective.masks:
        masks = masks_of_size(memory, sizes) if objective.calibrated else memory > 0
        loss = loss + objective.masks * binary_cross_entropy_with_logits(logits, masks.float())
    if objective.spread:
        loss = loss + objective.spread * spread_term(logits, sizes, n_samples)
    if objective.entropy:
        loss = loss + objective.entropy * binary_cross_entropy_with_logits(logits, logits.sigmoid())
    if objective.anchor:
        loss = loss + objective.anchor * binary_cross_entropy_with_logits(logits, memory.sigmoid())
    if objective.edges:
        loss = loss + objective.edges * edge_term(logits, images)
    return loss
