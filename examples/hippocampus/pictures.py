"""The figures, drawn from the rows of their tables."""

import statistics
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

Rows = list[dict[str, Any]]

INK, GRID = "#22303c", "#e3e7ea"
COLOURS = {
    "start": "#8b98a5",
    "size": "#1c7ed6",
    "sharp": "#1c7ed6",
    "calibrated": "#e8590c",
    "teacher+margin": "#2b8a3e",
}
SHADES = {1: "#a5d8ff", 2: "#4dabf7", 4: "#1c7ed6", 8: "#0b4884"}  # of the draws
LABELS = {"start": "outlined images only"}


def new_figure(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """Empty axes side by side."""
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    panels = figure.subplots(1, columns, squeeze=False)[0]
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(colors=INK)
    return figure, list(panels)


def draw_figure5(rows: Rows, path: Path) -> None:
    """Bars of epoch times relative to the standard epoch."""
    figure, (axes,) = new_figure(5.5, 3.6)
    names = ["pixel-wise\nloss" if row["draws"] == 0 else f"n = {row['draws']}" for row in rows]
    bars = axes.bar(names, [row["ratio"] for row in rows], color=["#8b98a5", *SHADES.values()], width=0.65)
    axes.bar_label(
        bars, [f"{row['ratio']:.2f}\n{row['seconds']:.2f} s" for row in rows], fontsize=9, color=INK, padding=3
    )
    axes.set_ylim(0, 1.35 * max(row["ratio"] for row in rows))
    axes.set_ylabel("epoch time / standard epoch", color=INK)
    axes.grid(visible=False, axis="x")
    axes.set_title(f"Epoch over {rows[0]['images']} images, expected size loss with n draws", fontsize=10.5, color=INK)
    figure.savefig(path, dpi=160)


def draw_figure6(rows: Rows, path: Path) -> None:
    """E and IoU over the epochs, a line for each number of draws."""
    figure, panels = new_figure(10, 3.9, 2)
    for draws in dict.fromkeys(row["draws"] for row in rows):
        chosen = [row for row in rows if row["draws"] == draws]
        for axes, value in zip(panels, ("E", "IoU"), strict=True):
            epochs, values = ([row[name] for row in chosen] for name in ("epoch", value))
            axes.plot(epochs, values, color=SHADES[draws], label=f"n = {draws}", linewidth=1.8)
    for axes, title in zip(panels, ("Squared size error E", "Intersection over union"), strict=True):
        axes.set_title(f"{title}, validation, {rows[0]['objective']!r}", fontsize=10.5, color=INK)
        axes.set_xlabel("epoch of the second phase", color=INK)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    panels[0].set_ylim(bottom=0)
    panels[1].legend(frameon=False, fontsize=9)
    figure.savefig(path, dpi=160)


def draw_figure7(rows: Rows, path: Path) -> None:
    """IoU and E on the test images against m, with the standard deviation over the seeds."""
    figure, panels = new_figure(11, 4.1, 2)
    many, objectives = sorted({row["m"] for row in rows}), dict.fromkeys(row["objective"] for row in rows)
    for number, objective in enumerate(objectives):
        for axes, value in zip(panels, ("test_IoU", "test_E"), strict=True):
            of = [[row[value] for row in rows if (row["m"], row["objective"]) == (m, objective)] for m in many]
            axes.errorbar(
                [m * 1.04 ** (number - 1) for m in many],  # side by side, or the bars hide each other
                [statistics.mean(values) for values in of],
                [statistics.stdev(values) if len(values) > 1 else 0 for values in of],
                color=COLOURS.get(objective),
                label=LABELS.get(objective, f"then sizes: {objective}"),
                marker="o",
                markersize=4.5,
                capsize=3,
                linewidth=1.8,
            )
    for axes, title in zip(panels, ("Intersection over union", "Squared size error E"), strict=True):
        axes.set_xscale("log", base=2)
        axes.set_xlim(many[0] / 1.4, many[-1] * 1.4)
        axes.xaxis.set_major_locator(FixedLocator(many))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticklabels([str(m) for m in many])
        axes.set_xlabel("m, outlined images", color=INK)
        seeds = len({row["seed"] for row in rows})
        axes.set_title(f"{title}, test, mean and deviation of {seeds} seeds", fontsize=10.5, color=INK)
    panels[1].set_ylim(bottom=0)
    panels[0].legend(frameon=False, fontsize=9, loc="lower right")
    figure.savefig(path, dpi=160)


def draw_objectives(rows: Rows, path: Path) -> None:
    """Bars of what each objective gains in IoU over the start, with the IoU and E that it ends at."""
    many, names = sorted({row["m"] for row in rows}), list(dict.fromkeys(row["objective"] for row in rows))[::-1]
    figure, panels = new_figure(4.6 * len(many) + 1.6, 0.3 * len(names) + 1.3, len(many))
    for axes, m in zip(panels, many, strict=True):

        def mean(name: str, value: str, m: int = m) -> float:
            return statistics.mean(row[value] for row in rows if (row["m"], row["objective"]) == (m, name))

        gains = [100 * (mean(name, "test_IoU") - mean("start", "test_IoU")) for name in names]
        axes.barh(names, gains, color=[COLOURS.get(name, "#c5d3de") for name in names], height=0.7)
        most = max(0.0, *gains)
        for name, gain in zip(names, gains, strict=True):
            label = f"{mean(name, 'test_IoU'):.3f}, E {mean(name, 'test_E'):.2f}"
            axes.annotate(label, (max(0.0, gain), name), (4, 0), textcoords="offset points", va="center", fontsize=8.5)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_xlim(right=most + 0.45 * (most - min(0.0, *gains)))
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("gain of test IoU over the start, points", color=INK)
        axes.set_title(f"m = {m}; beside the bars IoU and E", fontsize=10.5, color=INK)
    figure.savefig(path, dpi=160)
