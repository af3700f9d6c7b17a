"""The extents of a grid, and how far apart its pixels are."""

from typing import NamedTuple

Steps = tuple[float, float, float]  # of a spacing: from slice to slice, row to row, column to column

AllSteps = tuple[float, ...]  # the same three numbers for all images, or three for each, one image after the other


class Shape(NamedTuple):
    """Extents (depth, height, width); missing axes are 1."""

    depth: int
    height: int
    width: int

    @property
    def pixels(self) -> int:
        """Pixels of the grid."""
        return self.depth * self.height * self.width

    @property
    def without_single_pixels(self) -> "Shape":
        """Length-1 axes moved to the front; they carry no distance."""
        return Shape(*(1, 1, 1, *(side for side in self if side > 1))[-3:])

    def with_border(self, spatial_dims: int) -> "Shape":
        """The shape with one pixel more on either side of each spatial dim."""
        return Shape(*(side + 2 * (axis >= 3 - spatial_dims) for axis, side in enumerate(self)))

    @property
    def cap(self) -> int:
        """The distance where there is no background: the largest side, which no distance in the grid reaches."""
        return max(self)
