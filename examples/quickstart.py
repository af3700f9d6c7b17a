"""
Sizes, distances and flips of some thousand masks
=================================================

Are they right, how long do they take, and how do they look?

To run it::

    python examples/quickstart.py
    python examples/quickstart.py --data FOLDER --output FILE

FOLDER is Task04_Hippocampus of the Medical Segmentation Decathlon (http://medicaldecathlon.com), as it comes out of the
archive. Its volumes are cut into slices as Baručić and Kybic (2022) do. Without it, images and masks are drawn.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import matplotlib.pyplot as plt
import nibabel
import numpy as np
import numpy.typing as npt
import torch
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap, to_rgba
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle
from scipy.ndimage import distance_transform_cdt, gaussian_filter

import chdt
from chdt.cpu.threads import thread_count

Array = npt.NDArray[Any]

HEIGHT, WIDTH = 48, 32
LEAST_FOREGROUND = 0.01  # of the pixels of a slice
DRAWN = 6000  # masks, where there is no data
FLIPPED = 8  # masks whose flips SciPy computes too: it takes one transform a pixel
REPEATS = 5
INK, ACCENT, OBJECT, BACKGROUND = "#22303c", "#e8590c", "#9fc5d1", "#f1f3f4"


class Slices(NamedTuple):
    """Images, their masks and what to call them."""

    images: Array  # (n, HEIGHT, WIDTH) float32
    masks: Array  # (n, HEIGHT, WIDTH) bool
    names: list[str]
    source: str


# %%
# The input
# ---------


def broken(path: Path, problem: object) -> SystemExit:
    """What ends the program when a file is not what it should be."""
    return SystemExit(f"quickstart.py: {path}: {getattr(problem, 'strerror', None) or problem}")


def listed_volumes(folder: Path) -> list[tuple[Path, Path]]:
    """Image and label of each volume that the folder's dataset.json lists for training."""
    index = folder / "dataset.json"
    try:
        return [(folder / x["image"], folder / x["label"]) for x in json.loads(index.read_bytes())["training"]]
    except OSError as error:
        raise broken(index, error) from error
    except (ValueError, KeyError, TypeError) as error:
        raise broken(index, "not the index of a Decathlon task, which lists images and labels in 'training'") from error


def read_volume(path: Path) -> Array:
    """The voxels of one NIfTI file."""
    try:
        volume = np.asarray(nibabel.load(path).dataobj)  # type: ignore[attr-defined]
    except Exception as error:  # nibabel, gzip and zlib each have their own
        raise broken(path, "no such file" if isinstance(error, FileNotFoundError) else error) from error
    if volume.ndim != 3:
        raise broken(path, f"a volume has 3 dims, but this has shape {volume.shape}")
    return volume


def fit(volume: Array, axis: int, length: int) -> Array:
    """Crop or pad one axis to a length, centrally."""
    start = max(0, (volume.shape[axis] - length) // 2)
    volume = volume.take(range(start, min(start + length, volume.shape[axis])), axis)
    missing = length - volume.shape[axis]
    pad = [(0, 0)] * volume.ndim
    pad[axis] = (missing // 2, missing - missing // 2)
    return np.pad(volume, pad)


def cut(volume: Array) -> Array:
    """All slices along the last axis, (n, HEIGHT, WIDTH)."""
    return np.ascontiguousarray(fit(fit(volume, 0, WIDTH), 1, HEIGHT).transpose(2, 1, 0))


def read_slices(folder: Path) -> Slices:
    """The slices of all volumes that show enough of the object; both halves of the hippocampus are foreground."""
    images, masks, names = [], [], []
    for image_file, label_file in listed_volumes(folder):
        image, label = read_volume(image_file), read_volume(label_file)
        if image.shape != label.shape:
            raise broken(label_file, f"labels of shape {label.shape} for an image of shape {image.shape}")
        mask = cut(label > 0)
        kept = np.flatnonzero(mask.mean(axis=(1, 2)) >= LEAST_FOREGROUND)
        images.append(cut(image)[kept].astype(np.float32))
        masks.append(mask[kept])
        names += [f"{image_file.name.split('.')[0]}, slice {number}" for number in kept]
    if not names:
        raise broken(folder / "dataset.json", "lists no volume with enough foreground")
    return Slices(np.concatenate(images), np.concatenate(masks), names, folder.resolve().name)


def draw_slices(count: int, seed: int = 0) -> Slices:
    """Long smooth blobs with rough edges and a few holes, brighter than what is around them."""
    rng = np.random.default_rng(seed)

    def texture(scale: float) -> Array:
        noise = rng.standard_normal((count, HEIGHT, WIDTH), np.float32)
        smooth = gaussian_filter(noise, (0, scale, scale), truncate=3)
        return np.divide(smooth, smooth.std())

    def each(low: float, high: float) -> Array:
        return rng.uniform(low, high, (count, 1, 1)).astype(np.float32)

    y = np.arange(HEIGHT, dtype=np.float32)[:, None] - HEIGHT / 2 + each(-5, 5)
    x = np.arange(WIDTH, dtype=np.float32) - WIDTH / 2 + each(-3, 3)
    angle = each(-0.6, 0.6)
    along, across = y * np.cos(angle) - x * np.sin(angle), y * np.sin(angle) + x * np.cos(angle)
    bend = each(-0.02, 0.02) * along**2
    distance = np.hypot(along / each(8, 16), (across + bend) / each(3, 8))
    rough = texture(0.8)
    masks = (distance + 0.2 * texture(3.5) + 0.08 * rough < 1) & (rough < 3.2)
    tissue = gaussian_filter(masks.astype(np.float32), (0, 0.7, 0.7))
    images = 0.5 * texture(5) + 0.25 * texture(1.5) + 1.6 * tissue + 0.18 * texture(0.4)
    kept = masks.mean(axis=(1, 2)) >= LEAST_FOREGROUND
    names = [f"drawn mask {number}" for number in np.flatnonzero(kept)]
    return Slices(images[kept], masks[kept], names, "a random generator")


# %%
# SciPy's answers
# ---------------


def scipy_distances(masks: Array) -> Array:
    """Distances, one mask at a time; SciPy says -1 where there is no background."""
    distances = np.stack([distance_transform_cdt(mask, "chessboard") for mask in masks])
    return np.where(distances < 0, max(HEIGHT, WIDTH), distances)


def scipy_size(mask: Array) -> int:
    """The size of one mask, by its definition."""
    largest = int(distance_transform_cdt(mask, "chessboard").max())
    return 2 * (largest if largest >= 0 else max(HEIGHT, WIDTH))


def scipy_sizes(masks: Array) -> Array:
    """Sizes, one mask at a time."""
    return np.array([scipy_size(mask) for mask in masks])


def scipy_flips(masks: Array) -> Array:
    """Sizes after each flip, by their definition: flip a pixel, transform, flip it back."""
    masks, sizes = masks.copy(), np.empty(masks.shape, np.int32)
    for image, y, x in np.ndindex(masks.shape):
        masks[image, y, x] ^= True
        sizes[image, y, x] = scipy_size(masks[image])
        masks[image, y, x] ^= True
    return sizes


# %%
# What is printed
# ---------------


def print_distribution(sizes: Array) -> None:
    """How many masks there are of each size."""
    print("\n size  masks")
    found, frequency = np.unique(sizes, return_counts=True)
    for size, masks in zip(found, frequency, strict=True):
        print(f"{size:5d}  {masks:5d}  {'#' * round(50 * masks / frequency.max())}")


def print_comparison(what: str, ours: Array, theirs: Array) -> None:
    """Say that they are equal, or end the program."""
    if not np.array_equal(ours, theirs):
        first = np.argwhere(ours != theirs)[0, 0]
        raise SystemExit(f"quickstart.py: {what}: chdt and SciPy differ, first in mask {first}")
    print(f"  {what}: equal")


def seconds_per_mask(function: Callable[[Array], Array], masks: Array) -> float:
    """Median over repeated calls, after one that is not timed."""
    function(masks)
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        function(masks)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds) / len(masks)


def in_units(seconds: float) -> str:
    """A duration to two digits or more."""
    factor, unit = (1e6, "µs") if seconds < 1e-3 else (1e3, "ms")
    digits = 2 if seconds * factor < 1 else 1 if seconds * factor < 10 else 0
    return f"{seconds * factor:.{digits}f} {unit}"


def print_row(first: str, cells: list[str]) -> None:
    """A row of a table."""
    print(f"{first:24}" + "".join(f"{cell:>17}" for cell in cells))


def print_times(masks: Array, few: Array) -> None:
    """How long an image takes, by each function, with chdt and with SciPy."""
    torch_threads, choices = torch.get_num_threads(), sorted({1, thread_count()}, reverse=True)
    threads_used = [f"up to {n} threads" if n > 1 else "1 thread" for n in choices]
    print()
    print_row("Time an image,", ["chdt"] * len(choices) + ["SciPy"])
    print_row(f"median of {REPEATS}", [*threads_used, "1 thread"])
    for ours, theirs, theirs_on in (
        (chdt.object_size, scipy_sizes, masks),
        (chdt.distance_transform, scipy_distances, masks),
        (chdt.flip_sizes, scipy_flips, few),
    ):
        times = []
        for threads in choices:
            torch.set_num_threads(threads)
            times.append(seconds_per_mask(ours, masks))
        torch.set_num_threads(torch_threads)
        times.append(seconds_per_mask(theirs, theirs_on))
        print_row(f"  {ours.__name__}", [in_units(x) for x in times])
    print(f"  SciPy's flips were timed on {len(few)} masks, all else on {len(masks)}.\n")


# %%
# The picture
# -----------


def most_interesting(masks: Array, effects: Array) -> int:
    """The mask, away from the border, whose flips raise the size a lot at some pixels and lower it a lot at others."""
    inner = masks.sum(axis=(1, 2)) == masks[:, 1:-1, 1:-1].sum(axis=(1, 2))
    rise, fall = effects.clip(min=0).sum(axis=(1, 2)), -effects.clip(max=0).sum(axis=(1, 2))
    return int(np.lexsort((fall, rise * fall, inner))[-1])


def largest_square(mask: Array, distances: Array) -> tuple[int, int, int]:
    """Top row, left column and width of a largest square in the mask, its centre nearest to the object's."""
    centres = np.argwhere(distances == distances.max())
    middle = np.argwhere(mask).mean(axis=0)
    y, x = centres[((centres - middle) ** 2).sum(axis=1).argmin()]
    reach = int(distances.max()) - 1
    return int(y) - reach, int(x) - reach, 2 * reach + 1


def draw_outline(axes: Axes, mask: Array) -> None:
    """Draw the edges between foreground and background pixels."""
    height, width = mask.shape
    fine = mask.repeat(20, axis=0).repeat(20, axis=1)  # contours cut corners: by a twentieth of a pixel then
    edges = (-0.5, width - 0.5, height - 0.5, -0.5)
    axes.contour(fine, [0.5], colors=INK, linewidths=1.2, origin="upper", extent=edges)


def show_levels(axes: Axes, bar_axes: Axes, values: Array, levels: Array, colors: Array) -> None:
    """Show an array of few integers, one colour each, with a colour bar."""
    half = (levels[1] - levels[0]) / 2
    norm = BoundaryNorm([*(levels - half), levels[-1] + half], len(levels))
    picture = axes.imshow(values, ListedColormap(colors), norm, interpolation="nearest")
    bar = bar_axes.figure.colorbar(picture, cax=bar_axes, orientation="horizontal", ticks=levels)
    bar.outline.set_visible(False)
    bar_axes.minorticks_off()
    bar_axes.tick_params(length=0, labelsize=9, labelcolor=INK)
    bar.set_label("pixels", size=9.5, color=INK)


def save_picture(image: Array, mask: Array, name: str, path: Path) -> None:
    """Save four views of one mask, large enough for a phone."""
    distances, size = chdt.distance_transform(mask), int(chdt.object_size(mask))
    effects = chdt.flip_sizes(mask) - size
    top, left, side = largest_square(mask, distances)
    inside = mask[max(top, 0) : top + side, max(left, 0) : left + side]
    if side != size - 1 or not inside.all():
        raise SystemExit(f"quickstart.py: the square of {name} is not inside the mask")

    layout = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.1, hspace=0)
    figure = plt.figure(figsize=(6, 9.6), layout=layout, facecolor="white")
    rows = figure.subplots(4, 2, height_ratios=(30, 1, 30, 1))
    panels, below = rows[::2].ravel(), rows[1::2].ravel()
    titles = ("Image", "Mask and its largest square", "Distance to background", "Change of size by each flip")
    for axes, title in zip(panels, titles, strict=True):
        axes.set_title(title, fontsize=11, color=INK, pad=8)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    for axes, text in zip(below, (name, f"{side} pixels wide: the size is {size}"), strict=False):
        axes.set_axis_off()
        axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=9.5, color=INK)

    darkest, brightest = np.percentile(image, (0.5, 99.8))
    panels[0].imshow(image, "gray", vmin=darkest, vmax=brightest, interpolation="nearest")
    panels[1].imshow(mask, ListedColormap([BACKGROUND, OBJECT]), interpolation="nearest")
    panels[1].add_patch(Rectangle((left - 0.5, top - 0.5), side, side, fill=False, edgecolor=ACCENT, linewidth=2.2))
    shades = mpl.colormaps["viridis"](np.linspace(0.12, 1, distances.max()))
    levels = np.arange(distances.max() + 1)
    show_levels(panels[2], below[2], distances, levels, np.vstack([to_rgba(BACKGROUND), shades]))
    most = max(2, int(abs(effects).max()))
    shades = mpl.colormaps["RdBu_r"](np.linspace(0.08, 0.92, most + 1))
    shades[most // 2] = to_rgba(BACKGROUND)
    show_levels(panels[3], below[3], effects, np.arange(-most, most + 1, 2), shades)
    draw_outline(panels[3], mask)
    try:
        figure.savefig(path, dpi=200)
    except (OSError, ValueError) as error:
        raise broken(path, error) from error


# %%
# All of it
# ---------


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="Task04_Hippocampus; default: draw masks")
    parser.add_argument("--output", type=Path, metavar="FILE", default=Path("quickstart.png"), help="the picture")
    options = parser.parse_args(arguments)

    slices = draw_slices(DRAWN) if options.data is None else read_slices(options.data)
    masks = slices.masks
    share = 100 * masks.mean()
    print(f"{len(masks)} masks of {HEIGHT} x {WIDTH} pixels from {slices.source}, {share:.1f} % foreground", flush=True)

    sizes, distances, flips = chdt.object_size(masks), chdt.distance_transform(masks), chdt.flip_sizes(masks)
    print_distribution(sizes)

    every = -(-len(masks) // FLIPPED)
    few = masks[::every]
    print("\nChecked against SciPy")
    print_comparison(f"sizes of all {len(masks)} masks", sizes, scipy_sizes(masks))
    print_comparison(f"distances of all {masks.size} pixels", distances, scipy_distances(masks))
    print_comparison(f"flips of all {few.size} pixels of {len(few)} masks", flips[::every], scipy_flips(few))
    print_times(masks, few)

    shown = most_interesting(masks, flips - sizes[:, None, None])
    save_picture(slices.images[shown], masks[shown], slices.names[shown], options.output)
    print(f"Picture of {slices.names[shown]}: {options.output}")


if __name__ == "__main__":
    main()
