"""The pictures of a comparison: one for each question, both axes logarithmic."""

from pathlib import Path

import numpy as np
from benchmarks.peers import PEERS
from matplotlib.figure import Figure

INK = "#22303c"
COLORS = {
    "chdt": "#0b7a75",
    "torch copy": "#9aa5b1",
    "torch sum": "#9aa5b1",
    "torch max_pool": "#7d5ba6",
    "opencv loop": "#d1495b",
    "scipy loop": "#edae49",
    "distance_transform": "#66a182",
}
LABELS = {
    "torch copy": "torch copy_ (bound)",
    "torch sum": "torch sum (bound)",
    "torch max_pool": "torch max_pool",
    "opencv loop": "OpenCV",
    "scipy loop": "SciPy",
}


SIZE = (11, 3.8)  # inches, of all pictures of a page


def draw_sizes(by_function: dict[str, dict[str, dict[int, float]]], path: Path) -> None:
    """Nanoseconds a pixel, by pixels in an image: for each function and peer seconds by pixels."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots(1, len(by_function), sharey=True)
    for panel, (function, by_peer) in zip(axes, by_function.items(), strict=True):
        for impl in (impl for impl in PEERS[function] if impl in COLORS and by_peer.get(impl)):
            x, y = np.transpose([(pixels, seconds / pixels * 1e9) for pixels, seconds in sorted(by_peer[impl].items())])
            panel.loglog(x, y, "o-", color=COLORS[impl], label=LABELS.get(impl, impl), markersize=4)
        panel.set_title(function, color=INK)
        panel.set_xlabel("pixels in an image")
        panel.grid(alpha=0.3)
        panel.legend(fontsize=8, frameon=False)
    axes[0].set_ylabel("ns a pixel, one thread, bool masks")
    figure.savefig(path, dpi=110)


def _finish(figure: Figure, path: Path) -> None:
    figure.axes[0].grid(alpha=0.3)
    figure.legend(fontsize=8, frameon=False, loc="outside right center")
    figure.savefig(path, dpi=110)


STYLES = {"object_size": ":", "distance_transform": "-", "flip_sizes": "--"}


def draw_growth(by_call: dict[str, tuple[list[float], list[float]]], what: str, path: Path) -> None:
    """Milliseconds for an image of 2048 x 2048, by the radius of its object, or by the density of foreground."""
    figure = Figure(figsize=SIZE, layout="constrained")
    panel = figure.subplots()
    for call, (x, seconds) in by_call.items():
        function, impl = call.split(", ")
        label = f"{function}, {LABELS.get(impl, impl)}"
        style = {"linestyle": STYLES[function], "marker": "o", "color": COLORS[impl], "markersize": 4}
        # Densities are as far apart as what is left for background.
        panel.loglog(x if what == "radius" else np.subtract(1, x), np.multiply(seconds, 1e3), label=label, **style)
    panel.set_xlabel("radius of the object, pixels" if what == "radius" else "share of background")
    panel.set_ylabel("ms, one thread, 2048 x 2048, bool")
    _finish(figure, path)


def draw_threads(by_call: dict[str, dict[int, float]], path: Path) -> None:
    """Milliseconds of a call by the number of threads."""
    figure = Figure(figsize=SIZE, layout="constrained")
    panel = figure.subplots()
    workloads = sorted({call.split(", ")[1] for call in by_call})
    for call, seconds in by_call.items():
        function, workload = call.split(", ")
        color = COLORS[("chdt", "torch max_pool")[workloads.index(workload) % 2]]
        panel.loglog(
            list(seconds), [1e3 * s for s in seconds.values()], STYLES[function], marker="o", color=color, label=call
        )
    counts = sorted({count for seconds in by_call.values() for count in seconds})
    panel.set_xticks(counts, [str(count) for count in counts], minor=False)
    panel.set_xlabel("threads")
    panel.set_ylabel("ms a call, float32")
    _finish(figure, path)
