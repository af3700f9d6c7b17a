"""The picture of the README: a mask, its distances, and how each flip changes its size.

    python docs/overview.py

writes docs/images/overview-light.png and overview-dark.png, for pages of either colour.
"""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import chdt

MASK = """
. . . . . . . . . . . . . . . .
. . # # # # # # . . . . . . . .
. # # # # # # # # . . . . . . .
. # # # # # # # # # # . . . . .
. # # # # # # # # # # # # . . .
. # # # # # # # # # # # # # . .
. # # # # # # # # # . # # # # .
. # # # # # # # # # # # # # # .
. # # # # # # # # # # # # # # .
. . . # # # # # # # # # # # # .
. . . . . # # # # # # # # # . .
. . . . . . . # # # # # # . . .
. . . . . . . . . . . . . . . .
"""
THEMES = {  # ink, background of the masks, object, accent
    "light": ("#22303c", "#eef1f3", "#9fc5d1", "#d9480f"),
    "dark": ("#e6edf3", "#21262d", "#3b6f80", "#ff922b"),
}
RAISE, LOWER = "#d1495b", "#2f6fb0"
FOLDER = Path(__file__).parent / "images"


def show(axes: Axes, title: str, colors: np.ndarray, ink: str, page: str) -> None:
    """Pixels of these colours."""
    height, width = colors.shape[:2]
    axes.set_title(title, color=ink, fontsize=12, pad=8)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.imshow(colors, interpolation="nearest")
    axes.hlines(np.arange(height + 1) - 0.5, -0.5, width - 0.5, color=page, linewidth=0.7)
    axes.vlines(np.arange(width + 1) - 0.5, -0.5, height - 0.5, color=page, linewidth=0.7)


def write_numbers(axes: Axes, texts: np.ndarray, color: str) -> None:
    """A text in each pixel that has one."""
    for y, x in np.argwhere(texts != ""):
        axes.text(x, y, texts[y, x], ha="center", va="center", fontsize=7, color=color)


def draw(mask: np.ndarray, theme: str) -> Figure:
    """Three panels."""
    ink, background, foreground, accent = THEMES[theme]
    page = "white" if theme == "light" else "#0d1117"
    distances, size = chdt.distance_transform(mask), int(chdt.object_size(mask))
    changes = chdt.flip_sizes(mask) - size
    colors = np.where(mask[..., None], to_rgba(foreground), to_rgba(background))

    figure = Figure(figsize=(10.5, 3.25), layout="constrained", facecolor="none")
    of_mask, of_distances, of_flips = figure.subplots(1, 3)
    show(of_mask, f"A mask: its size is {size}", colors, ink, page)
    y, x = np.argwhere(distances == distances.max())[0]
    reach = distances.max() - 1
    side = 2 * reach + 1
    of_mask.add_patch(
        Rectangle((x - reach - 0.5, y - reach - 0.5), side, side, fill=False, edgecolor=accent, linewidth=2)
    )

    shades = mpl.colormaps["viridis"](np.linspace(0.25, 0.95, distances.max()))
    show(of_distances, "Distance to background", np.vstack([[to_rgba(background)], shades])[distances], ink, page)
    write_numbers(of_distances, np.where(distances == 1, "1", ""), "white")
    write_numbers(of_distances, np.where(distances > 1, distances.astype(str), ""), "#10202b")

    colors[changes > 0], colors[changes < 0] = to_rgba(RAISE), to_rgba(LOWER)
    show(of_flips, "What a flip of each pixel does to the size", colors, ink, page)
    texts = np.char.replace(np.char.mod("%+d", changes), "-", "\N{MINUS SIGN}")
    write_numbers(of_flips, np.where(changes != 0, texts, ""), "white")
    return figure


def main() -> None:
    """Draw both."""
    mask = np.array([[letter == "#" for letter in row.split()] for row in MASK.strip().splitlines()])
    for theme in THEMES:
        draw(mask, theme).savefig(FOLDER / f"overview-{theme}.png", dpi=150)


if __name__ == "__main__":
    main()
