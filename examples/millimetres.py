"""
Volumes in millimetres
======================

What does a spacing change, when slices are farther apart than the pixels within them?

To run it::

    python examples/millimetres.py
    python examples/millimetres.py --output FILE

A scanner gives voxels of 5 x 0.8 x 0.8 mm, slices first. Without a spacing, chdt counts voxels, and a step to the next
slice is as long as one to the next row. With it, distances and sizes are in millimetres. SimpleITK names axes the other
way round: ``spacing=image.GetSpacing()[::-1]``.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt

from chdt import distance_transform, object_size

SPACING = (5.0, 0.8, 0.8)  # mm from slice to slice, from row to row, from column to column
GRID = (14, 72, 72)
DIAMETERS = ((40, 40, 40), (60, 30, 30), (30, 50, 50))  # mm, of ellipsoids, along the same axes


def ellipsoid(diameters: Sequence[float]) -> npt.NDArray[np.bool_]:
    """A mask of an ellipsoid in the middle of the grid."""
    middle = [(side - 1) / 2 for side in GRID]
    from_middle = [(i - m) * step for i, m, step in zip(np.indices(GRID), middle, SPACING, strict=True)]
    return sum((2 * x / d) ** 2 for x, d in zip(from_middle, diameters, strict=True)) <= 1  # type: ignore[return-value]


def save_picture(mask: npt.NDArray[np.bool_], output: Path) -> None:
    """A cut across the slices: distances in voxels, and in millimetres."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    cut: Any = (slice(None), GRID[1] // 2)
    in_voxels = distance_transform(mask, spatial_dims=3)
    in_millimetres = distance_transform(mask, spatial_dims=3, spacing=SPACING)
    for panel, distances, unit in zip(axes, (in_voxels, in_millimetres), ("voxels", "mm"), strict=True):
        shown = panel.imshow(distances[cut], cmap="YlGnBu", aspect=SPACING[0] / SPACING[2], interpolation="nearest")
        panel.set(title=f"distance to background, {unit}", xlabel="column", ylabel="slice")
        figure.colorbar(shown, ax=panel, shrink=0.8)
    figure.savefig(output, dpi=110)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, metavar="FILE", default=Path("millimetres.png"), help="the picture")
    options = parser.parse_args(arguments)

    masks = np.stack([ellipsoid(diameters) for diameters in DIAMETERS])
    sizes = object_size(masks, spatial_dims=3)
    lengths = object_size(masks, spatial_dims=3, spacing=SPACING)
    print("diameters, mm   size, voxels   size, mm")
    for diameters, size, length in zip(DIAMETERS, sizes, lengths, strict=True):
        print(f"{' x '.join(map(str, diameters)):15} {size:12} {length:10.1f}")
    save_picture(masks[0], options.output)
    print(f"\nPicture: {options.output}")


if __name__ == "__main__":
    main()
