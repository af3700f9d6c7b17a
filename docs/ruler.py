"""The tables and the figure of "Sizes from a ruler", made by measuring drawn objects.

python docs/ruler.py           # rewrites the tables of docs/ruler.md and docs/images/ruler.png
python docs/ruler.py --check   # ends with 1 if the tables differ from what is measured
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from chdt import object_size

DOCS = Path(__file__).parent
Array = npt.NDArray[Any]

DIAMETERS = (10, 20, 40, 80, 160)  # pixels
OFFSETS = np.array([0, 0.25, 0.5, 0.75])  # of a pixel: where a centre may be


def ellipse(long: float, short: float, degrees: float, offset: Sequence[float] = (0, 0)) -> Array:
    """The pixels whose centres lie in an ellipse with these axes, turned by so many degrees."""
    side = int(long) + 8
    y, x = np.mgrid[:side, :side] - (side - 1) / 2 - np.reshape(offset, (2, 1, 1))
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return (((x * cos + y * sin) * 2 / long) ** 2 + ((y * cos - x * sin) * 2 / short) ** 2) <= 1


def ball(diameter: float, offset: Sequence[float]) -> Array:
    """The voxels whose centres lie in a ball."""
    side = int(diameter) + 8
    grid = np.mgrid[:side, :side, :side] - (side - 1) / 2 - np.reshape(offset, (3, 1, 1, 1))
    return (grid**2).sum(0) <= (diameter / 2) ** 2


def square(width: float, degrees: float) -> Array:
    """The pixels whose centres lie in a square, turned by so many degrees."""
    side = int(1.5 * width) + 8
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.maximum(abs(x * cos + y * sin), abs(y * cos - x * sin)) <= width / 2


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = [header, ["---", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def of_diameters() -> str:
    """Size as a part of the long axis, the mean over places within a pixel."""
    shapes = {
        "disc": lambda d, at: ellipse(d, d, 0, at),
        "ellipse 2:1, along an axis": lambda d, at: ellipse(d, d / 2, 0, at),
        "ellipse 2:1, at 22.5 degrees": lambda d, at: ellipse(d, d / 2, 22.5, at),
        "ellipse 2:1, at 45 degrees": lambda d, at: ellipse(d, d / 2, 45, at),
    }
    rows = []
    for name, draw in shapes.items():
        means = [np.mean([object_size(draw(d, (y, x))) for y in OFFSETS for x in OFFSETS]) / d for d in DIAMETERS]
        rows.append([name, *(f"{mean:.2f}" for mean in means)])
    balls = [
        np.mean([object_size(ball(d, (z, 0, x)), spatial_dims=3) for z in OFFSETS for x in OFFSETS]) / d
        for d in DIAMETERS[:4]
    ]
    rows.append(["ball, in a volume", *(f"{mean:.2f}" for mean in balls), ""])
    return table(["size / long axis", *(f"{d} px" for d in DIAMETERS)], rows)


def of_rotations() -> str:
    """A square of 40 pixels, turned."""
    angles = (0, 5, 15, 30, 45, 90)
    sizes = [str(object_size(square(40, angle))) for angle in angles]
    return table(["degrees", *map(str, angles)], [["size", *sizes]])


def of_crops() -> str:
    """All crops of 96 x 96 of images with a disc in the middle, that see anything of it."""
    disc = ellipse(78, 78, 0)
    rows = []
    for side in (160, 192, 256):
        image = np.zeros((side, side), bool)
        top = (side - len(disc)) // 2
        image[top : top + len(disc), top : top + len(disc)] = disc
        size = object_size(image)
        crops = np.lib.stride_tricks.sliding_window_view(image, (96, 96)).reshape(-1, 96, 96)
        sizes = np.concatenate([object_size(np.ascontiguousarray(some)) for some in np.array_split(crops, 40)])
        sizes = sizes[sizes > 0]
        parts = [(sizes > size).mean(), (sizes == size).mean(), (sizes < size).mean()]
        rows.append([f"{side} x {side}", *(f"{part:.0%}" for part in parts)])
    return table([f"crops of a disc of size {size}, cut from", "read larger", "the same", "smaller"], rows)


TABLES = {"diameters": of_diameters, "rotations": of_rotations, "crops": of_crops}


def with_tables(text: str) -> str:
    """The page with each table, after its mark, as it is measured now."""
    for name, make in TABLES.items():
        text, found = re.subn(rf"(<!-- {name} -->\n)(\|.*\n)*", rf"\g<1>{make()}\n", text)
        if found != 1:
            raise SystemExit(f"docs/ruler.md must have the mark <!-- {name} --> once, not {found} times")
    return text


def draw() -> Figure:
    """Squares and a disc, with the largest square that each holds."""
    mpl.rcParams["font.size"] = 9
    objects = {
        "7 wide": np.pad(np.ones((7, 7), bool), 6),
        "8 wide": np.pad(np.ones((8, 8), bool), 6),
        "diameter 40": ellipse(40, 40, 0),
        "40 wide, at 30°": square(40, 30),
    }
    figure = Figure(figsize=(8, 2.3), layout="constrained")
    for axes, (name, mask) in zip(figure.subplots(1, len(objects)), objects.items(), strict=True):
        size = int(object_size(mask))
        axes.imshow(mask, cmap="Blues", vmin=0, vmax=2)
        fits = np.lib.stride_tricks.sliding_window_view(mask, (size - 1, size - 1)).all(axis=(2, 3))
        y, x = np.argwhere(fits)[len(np.argwhere(fits)) // 2]
        axes.add_patch(mpl.patches.Rectangle((x - 0.5, y - 0.5), size - 1, size - 1, fill=False, ec="#c2410c", lw=1.5))
        axes.set_title(f"{name}: size {size}")
        axes.set_axis_off()
    return figure


def main(arguments: Sequence[str] | None = None) -> None:
    """Rewrite the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args(arguments).check
    page = DOCS / "ruler.md"
    before = page.read_text(encoding="utf-8")
    after = with_tables(before)
    if check:
        sys.exit(int(before != after))
    page.write_text(after, encoding="utf-8")
    draw().savefig(DOCS / "images" / "ruler.png", dpi=150)


if __name__ == "__main__":
    main()
