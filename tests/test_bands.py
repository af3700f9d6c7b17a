"""What a band is told of what lies above and below it, against the distances of the whole."""

import numpy as np
import oracles
import pytest
from steps import edges
from strategies import all_but, objects, random_masks

from chdt.cpu.kernels.bands import FIRST, LAST

pytestmark = pytest.mark.kernels

GRIDS = [(30, 20), (30, 70), (65, 130), (9, 200), (20, 9, 11), (12, 5, 70), (8, 70, 3)]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("slabs", [1, 4, 7])
def test_edges(grid, slabs):
    last = tuple(side - 1 for side in grid)
    masks = [
        random_masks(grid, 0.7, spatial_dims=len(grid)),
        random_masks(grid, 0.98, spatial_dims=len(grid)),
        objects(grid, 2),
        all_but(grid, (0,) * len(grid)),
        all_but(grid, last),
        np.ones(grid, bool),
    ]
    for mask in masks:
        layout, found = edges(mask, slabs)
        whole = mask.reshape(layout.slabs, layout.rows, layout.width)
        for band in range(layout.bands):
            begin, end = band * layout.band, min(layout.slabs, (band + 1) * layout.band)
            below, above = whole[begin:], whole[:end]
            for side, part, slab in ((FIRST, below, 0), (LAST, above, -1)):
                expected = oracles.fast_distances(part)[slab] if not part.all() else np.full(part.shape[1:], layout.cap)
                np.testing.assert_array_equal(found[side, band], expected, err_msg=f"band {band}, side {side}")
