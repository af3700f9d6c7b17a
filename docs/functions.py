"""The pictures of the reference, one a function, drawn from what each gives.

python docs/functions.py
python docs/functions.py --output FOLDER
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from figures import ACCENT, INK, QUIET, ensure, figure_of, fill, frame_lines, mask_of, show_mask, show_numbers
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import ndimage

import chdt

MASK = mask_of("""
. . . . . . . . . .
. # # # # # . . . .
. # # # # # # . . .
. # # # # # # # # .
. # # # . # # # # .
. # # # # # # # # .
. . # # # # # . . .
. . . . . . . . . .
""")
TARGET = 6.0


def logits_of() -> torch.Tensor:
    """Of a network that is nearly sure inside the object, and unsure at its edge."""
    smooth = ndimage.gaussian_filter(np.where(MASK, 1.0, -1.0), 1.0)
    ripples = np.random.default_rng(4).normal(0, 0.2, MASK.shape)
    return torch.from_numpy(3 * smooth + ripples).round(decimals=1)


def panels(count: int) -> tuple[Figure, list[Axes]]:
    """A figure with so many grids side by side."""
    figure = figure_of(2.45 * count, 2.35)
    return figure, list(np.atleast_1d(figure.subplots(1, count)))


def show_logits(axes: Axes, logits: torch.Tensor, title: str) -> None:
    """In shades, with numbers."""
    show_mask(axes, np.zeros(MASK.shape, bool), title)
    axes.imshow(logits.numpy(), cmap="PuOr_r", vmin=-4, vmax=4, zorder=0.5)
    show_numbers(axes, np.vectorize(lambda x: f"{x:.1f}")(logits.numpy()), np.ones(MASK.shape, bool), size=5.5)


def show_derivative(axes: Axes, derivative: torch.Tensor, title: str) -> None:
    """Blue where a logit should fall, orange where it should rise."""
    show_mask(axes, np.zeros(MASK.shape, bool), title)
    largest = float(derivative.abs().max())
    axes.imshow(-derivative.numpy(), cmap="PuOr_r", vmin=-largest, vmax=largest, zorder=0.5)


def distance_transform() -> Figure:
    """A number for each pixel."""
    figure, (left, right) = panels(2)
    show_mask(left, MASK, "masks")
    show_mask(right, MASK, "distance_transform(masks)")
    show_numbers(right, chdt.distance_transform(MASK), np.ones(MASK.shape, bool))
    return figure


def object_size() -> Figure:
    """Twice the largest distance."""
    figure, (left, right) = panels(2)
    distances, size = chdt.distance_transform(MASK), int(chdt.object_size(MASK))
    ensure(size == 2 * distances.max(), "the size is twice the largest distance")
    show_mask(left, MASK, "masks")
    show_mask(right, MASK, f"object_size(masks) is {size}")
    fill(right, distances == distances.max(), ACCENT)
    show_numbers(right, distances, distances == distances.max(), "white")
    right.set_xlabel("twice the largest distance", color=QUIET)
    return figure


def flip_sizes() -> Figure:
    """A number for each pixel: those that change the size in another colour."""
    figure, (left, right) = panels(2)
    sizes, size = chdt.flip_sizes(MASK), int(chdt.object_size(MASK))
    show_mask(left, MASK, f"masks, of size {size}")
    show_mask(right, MASK, "flip_sizes(masks)")
    show_numbers(right, sizes, sizes == size, QUIET)
    fill(right, sizes != size, ACCENT)
    show_numbers(right, sizes, sizes != size, "white")
    return figure


def expected_size_loss() -> Figure:
    """The derivative, averaged over many draws, for an object that is too large and for one that is too small."""
    figure, axes = panels(3)
    logits = logits_of()
    show_logits(axes[0], logits, "logits")
    for panel, size, what in zip(axes[1:], (2.0, 8.0), ("fall", "rise"), strict=True):
        moved = logits.clone().requires_grad_()
        generator = torch.Generator().manual_seed(0)
        chdt.expected_size_loss(moved, torch.tensor(size), n_samples=4000, generator=generator).backward()
        show_derivative(panel, moved.grad, f"size {size:.0f}: these {what}")
    return figure


def sample_masks() -> Figure:
    """Three draws."""
    figure, axes = panels(4)
    logits = logits_of()
    show_logits(axes[0], logits, "logits")
    masks = chdt.sample_masks(logits.expand(3, *logits.shape), generator=torch.Generator().manual_seed(1))
    for number, (panel, mask) in enumerate(zip(axes[1:], masks.numpy() > 0, strict=True)):
        show_mask(panel, mask, f"sample_masks(logits), {number + 1}")
    return figure


def sampled_gradient() -> Figure:
    """Of one mask."""
    figure, (left, right) = panels(2)
    samples, size = torch.where(torch.from_numpy(MASK), 1.0, -1.0), torch.tensor(TARGET)
    _, derivative = chdt.sampled_gradient(samples, size)
    show_mask(left, MASK, f"samples, of size {int(chdt.object_size(MASK))}")
    show_mask(right, MASK, f"derivative, true size {TARGET:.0f}")
    fill(right, derivative.numpy() != 0, ACCENT)
    show_numbers(right, derivative.numpy().astype(int), derivative.numpy() != 0, "white", 7.5)
    return figure


def squared_error() -> Figure:
    """A parabola."""
    figure = figure_of(4.9, 2.35)
    axes = figure.subplots()
    sizes = torch.arange(0.0, 13.0, 2.0)
    axes.plot(sizes.numpy(), chdt.squared_error(sizes, torch.full_like(sizes, TARGET)).numpy(), "o-", color=ACCENT)
    axes.set_title(f"squared_error(size, {TARGET:.0f})", color=INK)
    frame_lines(axes, "size of the mask", "loss")
    return figure


def threshold_of_size() -> Figure:
    """The pixel whose logit it is."""
    figure, (left, right) = panels(2)
    logits = logits_of()
    moved = logits.clone().requires_grad_()
    threshold = chdt.threshold_of_size(moved, torch.tensor(TARGET))
    threshold.backward()
    threshold = threshold.detach()
    show_logits(left, logits, "logits")
    cut = (logits > threshold - 1e-9).numpy()
    ensure(chdt.object_size(cut) >= TARGET, "the mask at the threshold has the size")
    ensure(chdt.object_size((logits > threshold).numpy()) < TARGET, "it has not above it")
    show_mask(right, cut, f"threshold_of_size is {threshold:.1f}")
    fill(right, moved.grad.numpy() != 0, ACCENT)
    right.set_xlabel(f"of size {TARGET:.0f}; its derivative is 1 at one pixel", color=QUIET)
    return figure


def mask_of_size() -> Figure:
    """Masks of several sizes of the same logits."""
    figure, axes = panels(4)
    logits = logits_of()
    show_logits(axes[0], logits, "logits")
    for panel, size in zip(axes[1:], (2.0, 4.0, 6.0), strict=True):
        mask = chdt.mask_of_size(logits, torch.tensor(size)).numpy()
        ensure(chdt.object_size(mask) == size, "own masks have the true size")
        show_mask(panel, mask, f"mask_of_size(logits, {size:.0f})")
    return figure


def squared_size_error() -> Figure:
    """Two sizes."""
    figure, (left, right) = panels(2)
    filled = ndimage.binary_fill_holes(MASK)
    error = float(chdt.squared_size_error(torch.from_numpy(MASK), torch.from_numpy(filled)))
    show_mask(left, MASK, f"predicted, of size {int(chdt.object_size(MASK))}")
    show_mask(right, filled, f"true, of size {int(chdt.object_size(filled))}")
    right.set_xlabel(f"squared_size_error is {error:.0f}", color=QUIET)
    return figure


def intersection_over_union() -> Figure:
    """Two masks, and what they share."""
    figure, axes = panels(3)
    other = np.roll(MASK, (1, 1), (0, 1))
    overlap = float(chdt.intersection_over_union(torch.from_numpy(MASK), torch.from_numpy(other)))
    show_mask(axes[0], MASK, "one mask")
    show_mask(axes[1], other, "another")
    show_mask(axes[2], MASK | other, f"intersection over union {overlap:.2f}")
    fill(axes[2], MASK & other, ACCENT)
    return figure


DRAWN: tuple[Callable[[], Figure], ...] = (
    distance_transform,
    object_size,
    flip_sizes,
    expected_size_loss,
    sample_masks,
    sampled_gradient,
    squared_error,
    threshold_of_size,
    mask_of_size,
    squared_size_error,
    intersection_over_union,
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    folder = Path(__file__).parent / "images" / "functions"
    parser.add_argument("--output", type=Path, metavar="FOLDER", default=folder, help="where the pictures go")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    mpl.rcParams["svg.hashsalt"] = "chdt"  # the same file every time
    for draw in DRAWN:
        path = options.output / f"{draw.__name__}.svg"
        draw().savefig(path, metadata={"Date": None})
        print(path)


if __name__ == "__main__":
    main()
