"""
How the sampled derivative comes to its exact value
===================================================

Figure 3 of Baručić and Kybic (2022), anew: the derivative of the expected loss as more and more masks are drawn.

To run it::

    python examples/gradient_samples.py
    python examples/gradient_samples.py --seed 7 --output FILE

An object in an image of 6 x 6 pixels, and what a network makes of it, are written below. For one drawn mask, equation
(21) of Baručić and Kybic (2022) samples the derivative of the expected loss with respect to the chances F(a). The
picture shows its mean over 1, 8, 64 and 512 draws beside the exact derivative (13).

The exact one is a sum over all masks, and 36 pixels have 2^36, too many. So the network is made certain of 20 pixels:
their logits are inf or -inf, their chances 1 or 0. Only 2^16 masks can be drawn then, and all of them are enumerated.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.layout_engine import ConstrainedLayoutEngine
from torch import Tensor

from chdt import object_size, sample_masks, sampled_gradient, squared_error

OBJECT = """
. . # # # #
. . # # # #
. . # # # #
. . . # # #
. . . . . .
. . . . . .
"""
LOGITS = """
-inf -inf  2.0  inf  inf  2.0
-inf -2.0  3.0  2.0  inf  1.5
-inf -1.0  inf  1.5  2.0  inf
-inf -inf  1.0  inf  2.5  2.0
-inf -inf -1.5 -1.0  0.0 -1.0
-inf -inf -inf -inf -inf -inf
"""
DRAWS = (1, 8, 64, 512)
REPEATS = 512  # of the largest number of draws, for the table
ROUNDING = 1e-10
MOST_SHOWN = 6
INK, FOREGROUND, BACKGROUND = "#22303c", "#7fb3c4", "#f1f3f4"

# %%
# The derivative
# --------------


def possible_masks(chances: Tensor) -> tuple[Tensor, Tensor]:
    """All masks that can be drawn, bool (n, H, W), and how likely each is (9), float64 (n)."""
    uncertain = (chances > 0) & (chances < 1)
    pixels = int(uncertain.sum())
    masks = (chances == 1).repeat(2**pixels, 1, 1)
    masks[:, uncertain] = (torch.arange(2**pixels)[:, None] >> torch.arange(pixels) & 1).bool()
    return masks, torch.where(masks, chances, 1 - chances).flatten(1).prod(1)


def exact_derivative(masks: Tensor, likely: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    """The derivative (13) and the variance of (21), float64 (H, W), by definition, without `sampled_gradient`.

    The expected loss is linear in each chance: its derivative is the expected loss with that pixel foreground for
    certain, less the expected loss with it background for certain.
    """
    derivative = torch.zeros(masks.shape[1:], dtype=torch.float64)
    variance = derivative.clone()
    for y, x in torch.ones_like(derivative).nonzero().tolist():
        with_pixel, without = masks.clone(), masks.clone()
        with_pixel[:, y, x], without[:, y, x] = True, False
        change = squared_error(object_size(with_pixel), size) - squared_error(object_size(without), size)
        derivative[y, x] = likely @ change.double()
        variance[y, x] = likely @ (change - derivative[y, x]) ** 2
    return derivative, variance


def sampled(masks: Tensor, size: Tensor) -> Tensor:
    """Equation (21) for each mask, float64 (n, H, W)."""
    return sampled_gradient(masks, size.expand(len(masks)))[1].double()


def check(masks: Tensor, likely: Tensor, size: Tensor, exact: Tensor) -> None:
    """End the program unless (21) is unbiased: its mean over all masks is the derivative."""
    mean = torch.einsum("n,nhw->hw", likely, sampled(masks, size))
    difference = float((mean - exact).abs().max())
    if difference > ROUNDING:
        raise SystemExit(f"gradient_samples.py: the mean of (21) over all masks is wrong by {difference:.1e}")
    print(f"The mean of (21) over all {len(masks)} masks that can be drawn is the exact derivative (13).\n")


def print_errors(samples: Tensor, exact: Tensor, variance: Tensor) -> None:
    """How far the mean over n draws is from the exact derivative, and how far it should be."""
    print("  draws  error  expected  found / expected")
    for draws in DRAWS:
        means = samples.view(-1, draws, *exact.shape).mean(1)
        found = float(((means - exact) ** 2).mean().sqrt())
        expected = float((variance.mean() / draws).sqrt())
        print(f"{draws:7d}{found:7.3f}{expected:10.3f}{found / expected:18.3f}")
    print("\nError: root mean square over all pixels and many means. Expected: the exact standard deviation of (21),")
    print("over the square root of the draws.")


# %%
# The picture
# -----------


def show(axes: Axes, title: str, values: Tensor, mask: Tensor, **colours: Any) -> Any:
    """Show values as pixels, and on them the outline of the object."""
    height, width = values.shape
    axes.set_title(title, fontsize=11, color=INK, pad=8)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    picture = axes.imshow(values.numpy(), interpolation="nearest", **colours)
    axes.hlines([y - 0.5 for y in range(1, height)], -0.5, width - 0.5, color="white", linewidth=0.8)
    axes.vlines([x - 0.5 for x in range(1, width)], -0.5, height - 0.5, color="white", linewidth=0.8)
    edges = (-0.5, width - 0.5, height - 0.5, -0.5)
    fine = mask.repeat_interleave(20, 0).repeat_interleave(20, 1)  # contours cut corners: only by 1/20 pixel then
    axes.contour(fine, [0.5], colors=INK, linewidths=1.5, origin="upper", extent=edges)
    return picture


def save_picture(chances: Tensor, mask: Tensor, samples: Tensor, exact: Tensor, path: Path) -> None:
    """Save what the network says, the mean of the first draws, and the exact derivative."""
    layout = ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.09, hspace=0)
    figure = plt.figure(figsize=(7, 5.8), layout=layout, facecolor="white")
    grid = figure.add_gridspec(3, 3, height_ratios=(28, 28, 1.2))
    network, *panels = [figure.add_subplot(grid[row, column]) for row in range(2) for column in range(3)]

    blues = LinearSegmentedColormap.from_list("blues", [BACKGROUND, FOREGROUND])
    show(network, "Chance of foreground", chances, mask, cmap=blues, vmin=0, vmax=1)
    for y, x in ((chances > 0) & (chances < 1)).nonzero().tolist():
        network.text(x, y, f"{chances[y, x]:.2f}", ha="center", va="center", fontsize=7, color=INK)
    network.set_xlabel("no number: certain", fontsize=9.5, color=INK)

    titles = ["1 draw", *(f"Mean of {draws} draws" for draws in DRAWS[1:]), "Exact derivative"]
    for axes, title, values in zip(panels, titles, [*(samples[:n].mean(0) for n in DRAWS), exact], strict=True):
        picture = show(axes, title, values, mask, cmap="RdBu_r", vmin=-MOST_SHOWN, vmax=MOST_SHOWN)
    bar = figure.colorbar(picture, cax=figure.add_subplot(grid[2, :]), orientation="horizontal", extend="both")
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=9, labelcolor=INK)
    bar.set_label("blue: the loss falls as the pixel becomes likelier; red: it rises", fontsize=9.5, color=INK)
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        raise SystemExit(f"gradient_samples.py: {path}: {getattr(error, 'strerror', None) or error}") from error


# %%
# All of it
# ---------


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="of the draws")
    parser.add_argument("--output", type=Path, metavar="FILE", default=Path("gradient_samples.png"), help="the picture")
    options = parser.parse_args(arguments)
    try:
        generator = torch.Generator().manual_seed(options.seed)
    except (RuntimeError, ValueError):
        parser.error(f"--seed must fit into 64 bits, but is {options.seed}")

    mask = torch.tensor([[letter == "#" for letter in row.split()] for row in OBJECT.strip().splitlines()])
    logits = torch.tensor([[float(number) for number in row.split()] for row in LOGITS.strip().splitlines()])
    size, chances = object_size(mask), torch.sigmoid(logits).double()

    masks, likely = possible_masks(chances)
    exact, variance = exact_derivative(masks, likely, size)
    check(masks, likely, size, exact)
    samples = sampled(sample_masks(logits.expand(REPEATS * DRAWS[-1], -1, -1), generator=generator), size)
    print_errors(samples, exact, variance)
    save_picture(chances, mask, samples, exact, options.output)
    print(f"\nPicture: {options.output}")


if __name__ == "__main__":
    main()
