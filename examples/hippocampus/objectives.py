"""What the second phase minimises: the paper's expected size loss, the one that works, and what was tried besides."""

from dataclasses import dataclass

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss, softplus

from chdt import expected_size_loss, mask_of_size, squared_error, threshold_of_size


@dataclass(frozen=True)
class Objective:
    """Weights of the terms, each a mean over the images of a batch; a term of weight 0 is not computed."""

    about: str
    size: float = 0.0  # expected size loss, on all images (10)
    pixels: float = 0.0  # pixel-wise loss, on the outlined images (6)
    masks: float = 0.0  # pixel-wise loss against the network's own masks, on all images
    calibrated: bool = True  # those masks have the true sizes
    cut_from: str = "memory"  # those masks: of earlier logits, of the "current" ones, or of the "average" network's
    augmented: bool = False  # the network that learns sees images with noise and another contrast
    margin: float = 0.0  # of the thresholds of the true size around 0, on all images
    noise: bool = False  # that margin as a mean over logits with noise
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
        return bool((self.masks and self.cut_from == "memory") or self.anchor)

    @property
    def needs_others(self) -> bool:
        """Whether it looks at images that are not outlined."""
        return any((self.size, self.masks, self.margin, self.spread, self.entropy, self.anchor, self.edges))


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
    "current": Objective(
        "outlined images, own masks of true size from current logits", pixels=1, masks=1, cut_from="current"
    ),
    "average": Objective(
        "outlined images, own masks of true size by the average", pixels=1, masks=1, cut_from="average"
    ),
    "teacher": Objective(
        "the same, noise and contrast for the network that learns",
        pixels=1,
        masks=1,
        cut_from="average",
        augmented=True,
    ),
    "teacher+margin": Objective(
        "teacher, and the margin with noise",
        pixels=1,
        masks=1,
        cut_from="average",
        augmented=True,
        margin=0.1,
        noise=True,
    ),
    "teacher+size": Objective(
        "teacher, and the expected size loss", pixels=1, masks=1, cut_from="average", augmented=True, size=0.05
    ),
    "teacher-without-sizes": Objective(
        "teacher, own masks at threshold 0", pixels=1, masks=1, cut_from="average", augmented=True, calibrated=False
    ),
    "margin": Objective("margin, outlined images", pixels=1, margin=0.1),
    "masks+margin": Objective("masks+pixels, and the margin with noise", pixels=1, masks=1, margin=0.1, noise=True),
    "pixels": Objective("outlined images alone, as in the first phase", pixels=1),
    "size+pixels": Objective("expected size loss, outlined images", size=0.05, pixels=1),
    "absolute": Objective("expected absolute error alone", size=1, absolute=True, learning_rate=2e-5),
    "spread": Objective("size+pixels, and the variance of the size over the draws", size=0.05, pixels=1, spread=0.05),
    "entropy": Objective("size+pixels, and the entropy of every pixel", size=0.05, pixels=1, entropy=0.1),
    "anchor": Objective("size+pixels, and closeness to where the phase began", size=0.05, pixels=1, anchor=1),
    "edges": Objective("size+pixels, and outlines along edges of the image", size=0.05, pixels=1, edges=1),
}


def margin_term(logits: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
    """Small where the mask at threshold 0 has the true size, and those at thresholds around 0 have it too."""
    return (softplus(-threshold_of_size(logits, sizes)) + softplus(threshold_of_size(logits, sizes + 2))).mean()


def with_noise(logits: torch.Tensor, n_samples: int) -> torch.Tensor:
    """Logits with logistic noise, several times, (n, B, H, W): their signs are masks that are drawn (8)."""
    return logits + torch.rand(n_samples, *logits.shape, device=logits.device).logit(eps=1e-7)


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
    earlier: torch.Tensor | None = None,
) -> torch.Tensor:
    """The terms that need no outlines, for logits and images of shape (B, H, W) and sizes of shape (B,).

    ``earlier`` are other logits for these images: what the network said of them before, or its average says.
    """
    loss = logits.new_zeros(())
    if objective.size:
        error = l1_loss if objective.absolute else squared_error
        sharp = logits * objective.sharpness
        loss = loss + objective.size * expected_size_loss(sharp, sizes, n_samples=n_samples, loss=error)
    if objective.masks:
        source = logits.detach() if objective.cut_from == "current" else earlier
        masks = mask_of_size(source, sizes) if objective.calibrated else source > 0
        loss = loss + objective.masks * binary_cross_entropy_with_logits(logits, masks.float())
    if objective.margin:
        noisy = with_noise(logits, n_samples) if objective.noise else logits
        loss = loss + objective.margin * margin_term(noisy, sizes.expand(noisy.shape[:-2]))
    if objective.spread:
        loss = loss + objective.spread * spread_term(logits, sizes, n_samples)
    if objective.entropy:
        loss = loss + objective.entropy * binary_cross_entropy_with_logits(logits, logits.sigmoid())
    if objective.anchor:
        loss = loss + objective.anchor * binary_cross_entropy_with_logits(logits, earlier.sigmoid())
    if objective.edges:
        loss = loss + objective.edges * edge_term(logits, images)
    return loss
