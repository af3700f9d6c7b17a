"""How the sampled derivative of the expected loss comes to its exact value as masks are drawn: figure 3, anew.

    python examples/gradient_samples.py
    python examples/gradient_samples.py --repeats 100 --output FILE

An image of 6 x 6 pixels, the object in it and what a network makes of it are written below. Equation (21) of Baručić and
Kybic (2022) samples the derivative of the expected loss with respect to the chances F(a), from one drawn mask; the
picture shows its mean over 1, 8, 64 and 512 draws beside the exact derivative (13). What reaches the logits a is this
times F'(a) = F(a) (1 - F(a)), which is 0 where the network is certain.

The exact derivative is a sum over all masks, and 36 pixels have 2^36. So the network is certain of most pixels: their
logits are inf or -inf, their chances exactly 1 or 0, and all masks but 2^k, where k pixels are uncertain, have
probability 0. These are enumerated: the mean of (21) over them, each with its probability, is (13). It is checked
without (21) and without flips: the expected loss (10) is a polynomial in the 36 chances, which autograd differentiates.
For the derivative at a certain pixel, masks of probability 0 matter too, those that differ from the 2^k there alone.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from torch import Tensor

from chdt import object_size, sample_masks, sampled_gradient, squared_error

TRUTH = """
......
.####.
.####.
.###..
..##..
......
"""
LOGITS = """
-inf -inf -inf -inf -inf -inf
-inf -1.0  1.5  2.0  0.5 -inf
-inf  1.0  inf  1.0 -0.5 -1.5
-inf  0.5  inf  2.5  0.0 -0.5
-inf -inf  1.5  inf  1.0 -inf
-inf -inf -inf -inf -inf -inf
"""
DRAWS = (1, 8, 64, 512)
MASKS_AT_ONCE = 1 << 16
TOLERANCE = 1e-12  # of the two ways to the exact derivative
INK, OBJECT, BACKGROUND = "#22303c", "#9fc5d1", "#f1f3f4"


class Exact(NamedTuple):
    """What the enumeration gives."""

    loss: Tensor  # (10)
    derivative: Tensor  # (13), float64 (H, W)
    variance: Tensor  # of one draw of (21) about it, float64 (H, W)


# ------------------------------------------------------------------------------------------------ the input


def read_truth() -> Tensor:
    """The object, bool (H, W)."""
    return torch.tensor([[letter == "#" for letter in row] for row in TRUTH.split()])


def read_logits() -> Tensor:
    """The output of the network, float64 (H, W)."""
    rows = LOGITS.strip().splitlines()
    return torch.tensor([[float(number) for number in row.split()] for row in rows], dtype=torch.float64)


# ------------------------------------------------------------------------------------------------ enumeration


def possible_masks(chances: Tensor) -> Iterator[Tensor]:
    """All masks of positive probability, in batches, bool (n, H, W)."""
    uncertain = (chances > 0) & (chances < 1)
    pixels = int(uncertain.sum())
    for numbers in torch.arange(2**pixels).split(MASKS_AT_ONCE):
        masks = (chances == 1).repeat(len(numbers), 1, 1)
        masks[:, uncertain] = (numbers[:, None] >> torch.arange(pixels) & 1).bool()
        yield masks


def probabilities(masks: Tensor, chances: Tensor) -> Tensor:
    """How likely each mask is (9), float64 (n)."""
    return torch.where(masks, chances, 1 - chances).flatten(1).prod(1)


def sampled(masks: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Loss and (21) of each mask, float64 (n) and (n, H, W)."""
    return sampled_gradient(masks, torch.full((len(masks),), size, dtype=torch.float64))


def enumerate_samples(chances: Tensor, size: int) -> Exact:
    """Mean and variance of (21) over all possible masks."""
    total = torch.zeros((), dtype=torch.float64)
    loss, first, second = total.clone(), torch.zeros_like(chances), torch.zeros_like(chances)
    for masks in possible_masks(chances):
        weights = probabilities(masks, chances)
        losses, gradient = sampled(masks, size)
        total += weights.sum()
        loss += weights @ losses
        first += torch.einsum("n,nhw->hw", weights, gradient)
        second += torch.einsum("n,nhw->hw", weights, gradient**2)
    if abs(total - 1) > TOLERANCE:
        raise SystemExit(f"gradient_samples.py: the probabilities of the masks add up to {total}, not to 1")
    return Exact(loss, first, (second - first**2).clamp(min=0))


def relevant_masks(chances: Tensor) -> Iterator[Tensor]:
    """The possible masks, and those that differ from them in one certain pixel."""
    for masks in possible_masks(chances):
        yield masks
        for y, x in ((chances == 0) | (chances == 1)).nonzero().tolist():
            masks[:, y, x] ^= True
            yield masks
            masks[:, y, x] ^= True


def differentiate(chances: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """The expected loss (10) as a polynomial in the chances, and its derivative by autograd."""
    leaf = chances.clone().requires_grad_()
    loss, derivative = torch.zeros((), dtype=torch.float64), torch.zeros_like(chances)
    for masks in relevant_masks(chances):
        losses = squared_error(torch.tensor(size), object_size(masks)).double()
        part = probabilities(masks, leaf) @ losses
        loss += part.detach()
        derivative += torch.autograd.grad(part, leaf)[0]
    return loss, derivative


def exact_derivative(chances: Tensor, size: int) -> Exact:
    """The derivative (13), found in two ways; end the program where they differ."""
    exact = enumerate_samples(chances, size)
    loss, derivative = differentiate(chances, size)
    difference = float((exact.derivative - derivative).abs().max())
    if difference > TOLERANCE or abs(exact.loss - loss) > TOLERANCE:
        raise SystemExit(f"gradient_samples.py: enumeration and autograd differ by up to {difference:.1e}")
    print(f"Expected loss {exact.loss:.4f}; mean of (21) over all masks and autograd differ by {difference:.0e} at most")
    return exact


# ------------------------------------------------------------------------------------------------ samples


def draw(logits: Tensor, size: int, count: int, generator: torch.Generator) -> Tensor:
    """Equation (21) for this many drawn masks, float64 (count, H, W)."""
    samples = sample_masks(logits.expand(count, -1, -1), generator=generator)
    return sampled(samples, size)[1]


def mean_square_error(
    logits: Tensor, size: int, exact: Exact, draws: int, repeats: int, generator: torch.Generator
) -> float:
    """Squared error of the mean over the draws, averaged over the pixels and over many such means."""
    total, at_once = 0.0, max(1, MASKS_AT_ONCE // draws)
    for first in range(0, repeats, at_once):
        count = min(at_once, repeats - first)
        gradient = draw(logits, size, count * draws, generator)
        means = gradient.view(count, draws, *logits.shape).mean(1)
        total += float(((means - exact.derivative) ** 2).mean((1, 2)).sum())
    return total / repeats


def print_errors(logits: Tensor, size: int, exact: Exact, repeats: int, generator: torch.Generator) -> None:
    """How far the mean is from the exact derivative, and how far it should be."""
    print(f"\nRoot mean square error over all pixels and {repeats} repeats")
    print(f"{'draws':>7}{'found':>10}{'expected':>10}{'ratio':>8}")
    for draws in DRAWS:
        found = mean_square_error(logits, size, exact, draws, repeats, generator) ** 0.5
        expected = float(exact.variance.mean() / draws) ** 0.5
        print(f"{draws:7d}{found:10.4f}{expected:10.4f}{found / expected:8.3f}")
    print("Expected: the standard deviation of (21), from the same enumeration, over the root of the draws.\n")


# ------------------------------------------------------------------------------------------------ the picture


def show(axes: Axes, values: Tensor, title: str, **options: object) -> object:
    """Show values as pixels with white seams."""
    height, width = values.shape
    axes.set_title(title, fontsize=11, color=INK, pad=8)
    axes.set(xticks=[x - 0.5 for x in range(1, width)], yticks=[y - 0.5 for y in range(1, height)])
    axes.set(xticklabels=[], yticklabels=[])
    axes.grid(color="white", linewidth=1)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return axes.imshow(values.numpy(), interpolation="nearest", **options)


def write_numbers(axes: Axes, values: Tensor, digits: int) -> None:
    """Write each value on its pixel, in a colour that can be read."""
    image = axes.get_images()[0]
    for (y, x), value in zip(torch.cartesian_prod(*map(torch.arange, values.shape)).tolist(), values.flatten().tolist()):
        red, green, blue = image.to_rgba(value)[:3]
        dark = 0.3 * red + 0.59 * green + 0.11 * blue < 0.5
        text = f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")
        axes.text(x, y, text, ha="center", va="center", fontsize=7.5, color="white" if dark else INK)


def draw_outline(axes: Axes, mask: Tensor) -> None:
    """Draw the edges between object and background."""
    for y, x in mask.nonzero().tolist():
        if not mask[y - 1, x]:
            axes.plot((x - 0.5, x + 0.5), (y - 0.5, y - 0.5), color=INK)
"""END"""
