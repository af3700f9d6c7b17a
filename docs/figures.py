"""The figures of "Why it is exact", of the first page and of the page for developers, drawn from what chdt computes.

    python docs/figures.py
    python docs/figures.py --output FOLDER

What a figure claims is checked by definition before it is drawn: a wrong one ends the program.
"""

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle

from chdt import distance_transform, flip_sizes, object_size
from chdt.checks.shape import Shape
from chdt.cpu import threads
from chdt.cpu.route import images_alone, is_small, row_layout, size_route

Array = npt.NDArray[Any]

INK, ACCENT, OBJECT, BACKGROUND, QUIET = "#22303c", "#c2410c", "#9fc5d1", "#f1f3f4", "#5b6770"
SHADES = ("#fdd9b5", "#f4a261", "#dd6b20", "#9c3d0c")

REMOVED = """
. . . . . . . . . . . . . .
. . # # # # # # # # # . . .
. . # # # # # # # # # . . .
. # # # # # # # # # # . . .
. # # # # # # # # # # # # .
. # # # # # # # # # # # # .
. # # # # # # # # # # # # .
. . # # # # # # # # # # # .
. . # # # # # # # # # . . .
. . # # # # # # # # # . . .
. . . . . . . . . . . . . .
"""
ADDED = """
. . . . . . . . . . . .
. # # # # # # # # . . .
. # # # # # # # # . . .
. # # # # # # # # # # .
. # # # # . # # # # # .
. # # # # # # # # # # .
. # # # # # # # # # # .
. # # # # # # # # # . .
. . . # # # # # . . . .
. . . . . . . . . . . .
"""
BITS = """
# # # # # .
# # . # # #
. # # # # #
"""


def mask_of(letters: str) -> Array:
    """A mask from rows of # and dots."""
    return np.array([[letter == "#" for letter in row.split()] for row in letters.strip().splitlines()])


def ensure(right: bool, claim: str) -> None:
    """End the program unless a claim holds."""
    if not right:
        raise SystemExit(f"figures.py: it is not so that {claim}")


def flipped_sizes(mask: Array) -> Array:
    """The size after each flip, by definition."""
    sizes = np.empty(mask.shape, np.int32)
    for pixel in np.ndindex(mask.shape):
        flipped = mask.copy()
        flipped[pixel] ^= True
        sizes[pixel] = object_size(flipped)
    return sizes


# ------------------------------------------------------------------------------------------------ drawing


def figure_of(width: float, height: float) -> Figure:
    """A white figure; its text stays legible at the width of a phone."""
    layout = ConstrainedLayoutEngine(w_pad=0.05, h_pad=0.05, wspace=0.03, hspace=0.03)
    return Figure(figsize=(width, height), layout=layout, facecolor="white")


def show_mask(axes: Axes, mask: Array, title: str, colours: tuple[str, str] = (BACKGROUND, OBJECT)) -> None:
    """Pixels of two colours with white lines between them."""
    height, width = mask.shape
    axes.set_title(title, fontsize=12, color=INK, pad=6)
    axes.set(xticks=[], yticks=[], aspect="equal")
    axes.spines[:].set_visible(False)
    axes.imshow(mask, mpl.colors.ListedColormap(colours), vmin=0, vmax=1, interpolation="nearest")
    axes.hlines(np.arange(height + 1) - 0.5, -0.5, width - 0.5, color="white", linewidth=1)
    axes.vlines(np.arange(width + 1) - 0.5, -0.5, height - 0.5, color="white", linewidth=1)


def show_numbers(axes: Axes, numbers: Array, shown: Array, colour: str = INK, size: float = 9.5) -> None:
    """Numbers in some of the pixels."""
    for y, x in np.argwhere(shown):
        axes.text(x, y, str(numbers[y, x]), ha="center", va="center_baseline", fontsize=size, color=colour)


def outline(axes: Axes, rows: tuple[int, int], columns: tuple[int, int], colour: str, inset: float = 0.0) -> None:
    """The border of a rectangle of pixels, first and last of them included."""
    left, top = columns[0] - 0.5 + inset, rows[0] - 0.5 + inset
    size = columns[1] - columns[0] + 1 - 2 * inset, rows[1] - rows[0] + 1 - 2 * inset
    axes.add_patch(Rectangle((left, top), *size, fill=False, edgecolor=colour, linewidth=2.2))


def fill(axes: Axes, mask: Array, colour: str) -> None:
    """Colour some pixels."""
    for y, x in np.argwhere(mask):
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=1))


def frame_lines(axes: Axes, x: str, y: str) -> None:
    """Label the axes of a plot of lines."""
    axes.set_xlabel(x, fontsize=11, color=INK)
    axes.set_ylabel(y, fontsize=11, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=10, labelcolor=INK)
    axes.grid(color="#e3e6e8")


def add_legend(axes: Axes) -> None:
    """Say below the pixels what the colours are."""
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncols=3, fontsize=11, frameon=False, labelcolor=INK)


def box_of(mask: Array) -> tuple[tuple[int, int], tuple[int, int]]:
    """First and last row, first and last column of what is set."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (int(rows[0]), int(rows[-1])), (int(columns[0]), int(columns[-1]))


# ------------------------------------------------------------------------------------------------ a pixel removed


def rectangles(mask: Array, distances: Array) -> dict[int, Array]:
    """The pixels of each B_r, from the bounding boxes of S_r, those that are not empty."""
    y, x = np.indices(mask.shape)
    found = {}
    for r in range(1, int(distances.max()) + 1):
        (top, bottom), (left, right) = box_of(distances >= r)
        inside = np.maximum.reduce([y - top, bottom - y, x - left, right - x]) < r
        if inside.any():
            found[r] = inside
    return found


def draw_removed() -> Figure:
    """The rectangles B_r, nested, and what the size becomes in each."""
    mask = mask_of(REMOVED)
    distances, sizes = distance_transform(mask), flip_sizes(mask)
    nested = rectangles(mask, distances)
    largest = int(distances.max())
    expected = np.full(mask.shape, 2 * largest)
    for r in sorted(nested, reverse=True):
        expected[nested[r]] = 2 * (r - 1)
    ensure(bool((sizes == flipped_sizes(mask)).all()), "flip_sizes is right")
    ensure(bool((sizes[mask] == expected[mask]).all()), "the rectangles give the sizes")
    ensure(len(nested) >= 3 and not nested[min(nested)].all(), "three rectangles are to be seen")

    figure = figure_of(6.4, 8.8)
    above, below = figure.subplots(2, 1)
    show_mask(above, mask, "Distances $d$, and the bounding boxes of $S_r$")
    colours = dict(zip(sorted(nested), SHADES[::-1], strict=False))
    for r, colour in colours.items():
        outline(above, *box_of(distances >= r), colour, 0.06)
        above.plot([], [], color=colour, linewidth=2.2, label=f"$S_{r}$")
        below.plot([], [], "s", color=colour, markersize=10, label=f"$B_{r}$")
    show_numbers(above, distances, mask)
    show_mask(below, mask, "Rectangles $B_r$, and the size without that pixel")
    for r in sorted(nested, reverse=True):
        fill(below, nested[r], colours[r])
    for r in nested:
        outline(below, *box_of(nested[r]), INK)
    add_legend(above)
    add_legend(below)
    darkest = nested[min(nested)]
    show_numbers(below, sizes, mask & ~darkest)
    show_numbers(below, sizes, mask & darkest, "white")
    return figure


# ------------------------------------------------------------------------------------------------ a pixel added


def windows_with_one(mask: Array, radius: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Centre, and the pixel it holds, of each window with a single background pixel."""
    found = []
    for y, x in np.ndindex(mask.shape):
        top, left = max(0, y - radius), max(0, x - radius)
        lonely = np.argwhere(~mask[top : y + radius + 1, left : x + radius + 1])
        if len(lonely) == 1:
            found.append(((y, x), (top + int(lonely[0, 0]), left + int(lonely[0, 1]))))
    return found


def draw_added() -> Figure:
    """Windows that hold one background pixel, their centres, and the pixel."""
    mask = mask_of(ADDED)
    distances, sizes = distance_transform(mask), flip_sizes(mask)
    largest = int(distances.max())
    ensure(bool((sizes == flipped_sizes(mask)).all()), "flip_sizes is right")
    radius = largest
    found = windows_with_one(mask, radius)
    pixels = {pixel for _, pixel in found}
    most = int(sizes[~mask].max()) // 2
    ensure(bool(found) and {tuple(p) for p in np.argwhere(~mask & (sizes > 2 * largest))} == pixels, "these are P_r")
    ensure(not windows_with_one(mask, most), "the search may end there")

    figure = figure_of(6.4, 8.8)
    above, below = figure.subplots(2, 1)
    show_mask(above, mask, f"Windows of radius {radius} with one background pixel")
    one_of_each = {pixel: centre for centre, pixel in found}
    ensure(len(one_of_each) == 2, "there are two such pixels")
    for (y, x), colour in zip(one_of_each.values(), (INK, ACCENT), strict=True):
        outline(above, (y - radius, y + radius), (x - radius, x + radius), colour, 0.06)
    for y, x in (c for c, _ in found):
        above.plot(x, y, "o", color=INK, markersize=7)
    fill(
        above, np.isin(np.arange(mask.size).reshape(mask.shape), [y * mask.shape[1] + x for y, x in pixels]), SHADES[1]
    )
    above.plot([], [], "o", color=INK, label=f"centres, $E_{radius + 1}$")
    above.plot([], [], "s", color=SHADES[1], markersize=10, label=f"what they hold, $P_{radius + 1}$")
    add_legend(above)
    show_mask(below, mask, f"Size with that pixel added (it is {2 * largest})")
    fill(below, ~mask & (sizes > 2 * largest), SHADES[1])
    show_numbers(below, sizes, ~mask)
    return figure


# ------------------------------------------------------------------------------------------------ bit planes


def draw_bits() -> Figure:
    """An image as a word, moved by one bit either way, and what that dilates."""
    background = ~mask_of(BITS)
    height, width = background.shape
    column = np.arange(width).repeat(height).reshape(width, height).T
    flat = background.ravel()
    higher, lower = np.roll(flat, 1), np.roll(flat, -1)
    higher[0] = lower[-1] = False
    may_higher, may_lower = column.ravel() > 0, column.ravel() < width - 1
    grown = flat | (higher & may_higher) | (lower & may_lower)
    byhand = background.copy()
    byhand[:, 1:] |= background[:, :-1]
    byhand[:, :-1] |= background[:, 1:]
    ensure(bool((grown.reshape(height, width) == byhand).all()), "the word is dilated along rows")
    ensure(bool((higher & ~may_higher).any() and (lower & ~may_lower).any()), "a bit crosses the end of a row")

    figure = figure_of(6.4, 5.2)
    image, strips = figure.subplots(2, 1, height_ratios=(3, 5))
    show_mask(image, background, "An image: its pixels are numbered in reading order", (OBJECT, BACKGROUND))
    show_numbers(image, np.arange(flat.size).reshape(height, width), np.ones_like(background), size=10)

    strips.set_title("Its background as the bits of a word, dilated along the rows", fontsize=12, color=INK, pad=6)
    rows = (
        ("background", flat, flat & False),
        ("moved to higher pixels", higher, ~may_higher & higher),
        ("moved to lower pixels", lower, ~may_lower & lower),
        ("all three, or", grown, flat & False),
    )
    strips.set(xlim=(-0.6, flat.size - 0.4), ylim=(4 * 1.75 - 0.2, -0.9), xticks=[], yticks=[])
    strips.spines[:].set_visible(False)
    for number, (name, bits, lost) in enumerate(rows):
        y = 1.75 * number
        strips.text(-0.5, y - 0.63, name, fontsize=10.5, color=INK, va="center")
        for x, bit in enumerate(bits):
            colour = "white" if not bit else SHADES[0] if lost[x] else OBJECT
            strips.add_patch(
                Rectangle((x - 0.5, y - 0.3), 1, 0.9, facecolor=colour, edgecolor="#c9ced2", linewidth=0.8)
            )
            strips.text(x, y + 0.15, int(bit), ha="center", va="center", fontsize=10, color=INK)
            if lost[x]:
                strips.plot([x - 0.4, x + 0.4], [y + 0.55, y - 0.25], color=ACCENT, linewidth=2)
        for x in range(0, flat.size + 1, width):
            strips.plot([x - 0.5, x - 0.5], [y - 0.3, y + 0.6], color=INK, linewidth=1.6)
    return figure


# ------------------------------------------------------------------------------------------------ a crossing


def draw_crossing() -> Figure:
    """Where the length of w steps crosses the least value within w, on a line."""
    step, place = 3.0, 6
    values = np.array([14, 14, 12, 13, 14, 14, 13, 14, 14, 11, 9, 5, 1, 4, 8.0])
    reach = np.arange(len(values) - place)
    least = np.array([values[max(0, place - w) : place + w + 1].min() for w in reach])
    lengths = step * reach
    answer = np.maximum(lengths, least).min()
    by_definition = np.maximum(step * np.abs(np.arange(len(values)) - place), values).min()
    ensure(answer == by_definition, "the crossing gives the distance")
    figure = figure_of(6.4, 4)
    axes = figure.subplots()
    axes.step(reach, least, where="post", color=QUIET, linewidth=2)
    axes.plot(reach, lengths, color=ACCENT, linewidth=2, marker="o")
    crossing = int(np.argmax(lengths >= least))
    axes.plot([crossing], [answer], "o", color=INK, markersize=11, fillstyle="none", markeredgewidth=2)
    axes.annotate("least value within w", (1, least[1]), xytext=(0.7, 14.3), fontsize=11, color=INK)
    axes.annotate("w steps", (5, 15), xytext=(5.3, 14.3), fontsize=11, color=INK)
    frame_lines(axes, "w, pixels along the line", "length")
    return figure


# ------------------------------------------------------------------------------------------------ costs


def erosions(size: int) -> int:
    """Erosions that `object_size` makes for an object of this size in a grid that is larger than the object."""
    radius, level, count, rising = 0, 0, 0, True
    while rising or level > 0:
        level -= not rising
        count += 1
        left = radius + (1 << level) < size // 2
        radius += left << level
        level += rising and left
        rising = rising and left
    ensure(2 * (radius + 1) == size, f"an object of size {size} is measured")
    return count


def draw_costs() -> Figure:
    """How many erosions an object takes, one by one and by powers of two."""
    sizes = np.arange(2, 2050, 2)
    figure = figure_of(6.4, 4)
    axes = figure.subplots()
    axes.loglog(sizes, sizes // 2, color=QUIET, linewidth=2)
    axes.loglog(sizes, [erosions(size) for size in sizes], color=ACCENT, linewidth=2)
    axes.annotate("one pixel at a time", (260, 130), xytext=(60, 260), fontsize=11, color=INK)
    axes.annotate("by powers of two", (300, 16), xytext=(180, 8), fontsize=11, color=INK)
    frame_lines(axes, "size of the object, pixels", "erosions")
    return figure


# ------------------------------------------------------------------------------------------------ the first page


def draw_start() -> Figure:
    """A mask, its largest square, and what each flip does to the size."""
    mask = mask_of(REMOVED)
    mask[box_of(mask)[0][0], 2] = False  # the corner of its largest square
    distances, size, effects = distance_transform(mask), int(object_size(mask)), flip_sizes(mask) - object_size(mask)
    ensure(bool((effects == flipped_sizes(mask) - size).all()), "flip_sizes is right")
    figure = figure_of(6.4, 2.75)
    left, right = figure.subplots(1, 2)
    show_mask(left, mask, f"Largest square: size {size}")
    reach = size // 2 - 1
    y, x = np.argwhere(distances == distances.max())[0]
    outline(left, (y - reach, y + reach), (x - reach, x + reach), ACCENT)
    show_mask(right, mask, "Flips that change it")
    fill(right, effects > 0, SHADES[1])
    fill(right, effects < 0, "#7ea6e0")
    for y, x in np.argwhere(effects):
        right.text(x, y, f"{effects[y, x]:+d}", ha="center", va="center_baseline", fontsize=9, color=INK)
    return figure


# ------------------------------------------------------------------------------------------------ how a batch is done

ERODED, IN_SLABS, SHARED_SLABS = "erosions in bit planes", "slab by slab", "slab by slab, by all threads"
SCANNED, SCANNED_IN_BANDS = "two passes", "two passes, by all threads in bands"
WAYS = {ERODED: OBJECT, IN_SLABS: "#8ab6a2", SHARED_SLABS: "#5f9db0", SCANNED: SHADES[0], SCANNED_IN_BANDS: SHADES[1]}
THREADS = 8
MANY = 1000  # images, more than there are threads, so that each has enough of them


def way_of(function: str, side: int, images: int) -> str:
    """How a batch of square masks is done, by the code that decides it."""
    shape = Shape(1, side, side)
    if function == "object_size":
        route = size_route(images, shape, True)
        return ERODED if not route.in_slabs else IN_SLABS if route.alone == images else SHARED_SLABS
    if is_small(shape):
        return ERODED
    return SCANNED if images_alone(images, row_layout(shape)) == images else SCANNED_IN_BANDS


def draw_routes() -> Figure:
    """Each function's ways by the side of the masks, for one mask and for many."""
    count, threads.thread_count = threads.thread_count, lambda: THREADS
    try:
        sides = np.arange(8, 8193)
        rows = [(name, images) for name in ("object_size", "distance_transform", "flip_sizes") for images in (1, MANY)]
        ways = {row: [way_of(row[0], int(side), row[1]) for side in sides] for row in rows}
    finally:
        threads.thread_count = count
    figure = figure_of(7.2, 3.4)
    axes = figure.subplots()
    for y, (name, images) in enumerate(rows):
        found = ways[name, images]
        starts = [0, *(i for i in range(1, len(found)) if found[i] != found[i - 1]), len(found) - 1]
        for first, last in itertools.pairwise(starts):
            left, right = sides[first], sides[last]
            axes.barh(y, right - left, left=left, height=0.8, color=WAYS[found[first]], edgecolor="white")
            if first:
                axes.text(left * 1.04, y, str(left), va="center", fontsize=9.5, color=INK)
    labels = [f"{name}, {'one mask' if images == 1 else 'many'}" for name, images in rows]
    axes.set_yticks(range(len(rows)), labels, fontsize=11, color=INK)
    axes.invert_yaxis()
    axes.set_xscale("log", base=2)
    axes.set_xticks([2**power for power in range(3, 14)], [str(2**power) for power in range(3, 14)])
    axes.set_xlim(8, 8192)
    axes.set_xlabel("side of a square mask, pixels", fontsize=11, color=INK)
    axes.spines[:].set_visible(False)
    axes.tick_params(labelsize=10, labelcolor=INK, length=0)
    handles = [Rectangle((0, 0), 1, 1, facecolor=colour, label=way) for way, colour in WAYS.items()]
    axes.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.4, -0.2),
        ncols=2,
        fontsize=10.5,
        frameon=False,
        labelcolor=INK,
    )
    return figure


FIGURES = {
    "start": draw_start,
    "exact_removed": draw_removed,
    "exact_added": draw_added,
    "exact_bits": draw_bits,
    "exact_costs": draw_costs,
    "exact_crossing": draw_crossing,
    "routes": draw_routes,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    folder = Path(__file__).parent / "images"
    parser.add_argument("--output", type=Path, metavar="FOLDER", default=folder, help="where the pictures go")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    mpl.rcParams["svg.hashsalt"] = "chdt"  # the same file every time
    for name, draw in FIGURES.items():
        path = options.output / f"{name}.svg"
        draw().savefig(path, metadata={"Date": None})
        print(path)


if __name__ == "__main__":
    main()
