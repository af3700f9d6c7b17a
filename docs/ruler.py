"""The tables of docs/ruler.md: sizes of discs, ellipses and rotated squares, and what crops do to them.

python docs/ruler.py
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chdt import object_size

PAGE = Path(__file__).parent / "ruler.md"
DIAMETERS = (10, 20, 40, 80)  # pixels
ANGLES = (0, 15, 30, 45)  # degrees
SQUARE_SIDE = 40  # pixels
CENTRES = 32  # along each axis: where in a pixel the middle of an object lies
IMAGE_SIDE, CROP_SIDE = 256, 96  # pixels


def points(side: int, offset: tuple[float, float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The places of pixels, seen from near the middle of the grid."""
    y, x = np.indices((side, side)) - (side - 1) / 2
    return y - offset[0], x - offset[1]


def turned(
    y: NDArray[np.float64], x: NDArray[np.float64], degrees: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same places along the axes of an object that is turned."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return cosine * y - sine * x, sine * y + cosine * x


def mean_size(long: float, short: float, degrees: float) -> float:
    """Mean size of an ellipse over where in a pixel its middle lies."""
    side = int(long) + 8
    offsets = (np.arange(CENTRES // 4) + 0.5) / (CENTRES // 4) - 0.5
    masks = []
    for down in offsets:
        for right in offsets:
            v, u = turned(*points(side, (down, right)), degrees)
            masks.append((2 * u / long) ** 2 + (2 * v / short) ** 2 <= 1)
    return float(object_size(np.stack(masks)).mean())


def diameter_rows() -> Iterator[str]:
    """Sizes as parts of the longest diameter."""
    yield "| longest diameter, pixels | disc | ellipse 2:1, along an axis | ellipse 2:1, at 45 degrees |"
    yield "|--:|--:|--:|--:|"
    for diameter in DIAMETERS:
        found = (
            mean_size(diameter, diameter, 0),
            mean_size(diameter, diameter / 2, 0),
            mean_size(diameter, diameter / 2, 45),
        )
        yield f"| {diameter} | " + " | ".join(f"{size:.1f} ({size / diameter:.2f})" for size in found) + " |"


def rotation_rows() -> Iterator[str]:
    """Sizes of a square that is turned."""
    yield "| turned by, degrees | " + " | ".join(map(str, ANGLES)) + " |"
    yield "|--:|" + "--:|" * len(ANGLES)
    y, x = points(2 * SQUARE_SIDE, (0, 0))
    sizes = []
    for angle in ANGLES:
        v, u = turned(y, x, angle)
        sizes.append(str(object_size(np.maximum(abs(v), abs(u)) < SQUARE_SIDE / 2)))
    yield f"| size of a square {SQUARE_SIDE} pixels wide | " + " | ".join(sizes) + " |"


def crop_rows() -> Iterator[str]:
    """How crops of a disc that hold some of it read, over all places of the crop."""
    y, x = points(IMAGE_SIDE, (0, 0))
    disc = y**2 + x**2 < SQUARE_SIDE**2
    starts = range(0, IMAGE_SIDE - CROP_SIDE + 1, 2)
    crops = np.stack([disc[i : i + CROP_SIDE, j : j + CROP_SIDE] for i in starts for j in starts])
    sizes, true = object_size(crops[crops.any((1, 2))]), object_size(disc)
    yield "| crops of it that read | smaller | the same | larger |"
    yield "|---|--:|--:|--:|"
    parts = " | ".join(f"{100 * part.mean():.0f} %" for part in (sizes < true, sizes == true, sizes > true))
    yield f"| a disc of size {true}, in crops of {CROP_SIDE} x {CROP_SIDE} | {parts} |"


TABLES = {"diameters": diameter_rows, "rotations": rotation_rows, "crops": crop_rows}


def with_tables(text: str) -> str:
    """The page, its tables made anew."""
    for name, rows in TABLES.items():
        table = "\n".join(rows())
        text, count = re.subn(
            rf"(<!-- {name} -->\n).*?(?=<!-- /{name} -->)", rf"\g<1>{table}\n\n", text, flags=re.DOTALL
        )
        if count != 1:
            raise SystemExit(f"ruler.py: {PAGE} has no place for the table of {name}")
    return text


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(PAGE)
