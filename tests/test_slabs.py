"""Sizes of large images, slab by slab, against distances by brute force."""

import sys
import threading

import numpy as np
import oracles
import pytest
from strategies import objects, random_masks

from chdt import object_size
from chdt.checks.ranks import ranks_of
from chdt.checks.shape import Shape
from chdt.cpu.kernels.jit import kernel
from chdt.cpu.kernels.large_images import NOT_YET, largest_rank_of_image, progress_of_image
from chdt.cpu.kernels.largest_windows import LONG_RADIUS, WINDOW_PLANES, largest_rank_in_slabs, largest_rank_of_looks
from chdt.cpu.kernels.meeting import STAGE
from chdt.cpu.kernels.slabs import lay_out_slabs, segment_of, slabs_of
from chdt.cpu.packed import pack_masks
from chdt.cpu.route import overridden, size_route

pytestmark = pytest.mark.kernels

GRIDS = [(120, 65), (64, 127), (90, 128), (5, 300), (1, 300), (40, 11, 129), (11, 40, 70), (9, 9, 192), (3, 70, 65)]
SPACINGS = [None, (3.0, 1.0, 1.0), (1.0, 2.5, 0.3), (0.7, 1.0, 1.9)]


@pytest.fixture(params=[1, 2, 3, 5])
def threads(request, monkeypatch):
    """Measure images of any size slab by slab, on so many threads, each by one of them or by all."""
    monkeypatch.setattr("chdt.cpu.threads.thread_count", lambda: request.param)
    with overridden(SLABS_MIN_PIXELS=0, ALWAYS_CUT_MIN_PIXELS=0, PIXELS_PER_THREAD=1 << 8):
        yield request.param


def shape_of(grid):
    return Shape(*(1,) * (3 - len(grid)), *grid)


def pierced(grid, rng):
    """All foreground, without a few pixels, and perhaps without a row, a column, or all that is outside of a ball."""
    mask = np.ones(grid, bool)
    for _ in range(rng.integers(0, 9)):
        mask[tuple(rng.integers(side) for side in grid)] = False
    for axis, side in enumerate(grid):
        if rng.random() < 0.2:
            mask.swapaxes(0, axis)[rng.integers(side)] = False
    if rng.random() < 0.3:
        squares = [(i - rng.integers(side)) ** 2 for i, side in zip(np.indices(grid), grid, strict=True)]
        mask &= sum(squares) < rng.integers(4, 90) ** 2
    return mask


def masks_of(grid, seed):
    rng = np.random.default_rng(seed)
    masks = [np.zeros(grid, bool), np.ones(grid, bool), objects(grid, 9, seed)]
    masks += [random_masks(grid, density, seed, spatial_dims=len(grid)) for density in (0.5, 0.9, 0.99)]
    return np.stack(masks + [pierced(grid, rng) for _ in range(12)])


def spaced_size(mask, spacing):
    return oracles.fast_size(mask) if spacing is None else oracles.fast_spaced_size(mask, spacing)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("spacing", SPACINGS)
def test_by_definition(grid, spacing, threads):
    spacing = spacing and spacing[3 - len(grid) :]
    masks = masks_of(grid, threads)
    assert size_route(len(masks), shape_of(grid), True).in_slabs
    assert size_route(len(masks), shape_of(grid), True).alone == 0
    expected = np.array([spaced_size(mask, spacing) for mask in masks])
    assert len(np.unique(expected)) > 4
    np.testing.assert_array_equal(object_size(masks, spatial_dims=len(grid), spacing=spacing), expected)


@pytest.mark.parametrize("grid", [(64, 127), (40, 11, 129)])
def test_with_a_border(grid, threads):
    masks = masks_of(grid, 7)
    around = np.pad(masks, [(0, 0)] + [(1, 1)] * len(grid))
    expected = [oracles.fast_size(mask) for mask in around]
    np.testing.assert_array_equal(object_size(masks, spatial_dims=len(grid), black_border=True), expected)


def test_images_alone(threads):
    with overridden(ALWAYS_CUT_MIN_PIXELS=1 << 30):
        masks = masks_of((40, 11, 129), 0)
        assert size_route(len(masks), Shape(40, 11, 129), True).alone == len(masks) - len(masks) % threads
        expected = [oracles.fast_size(mask) for mask in masks]
        np.testing.assert_array_equal(object_size(masks, spatial_dims=3), expected)


@pytest.mark.parametrize("side", [3, 2 * LONG_RADIUS - 1, 2 * LONG_RADIUS, 2 * LONG_RADIUS + 1, 97, 127, 128, 129])
@pytest.mark.usefixtures("threads")
def test_a_square_anywhere(side):
    """Wherever it begins in a word, and at each border."""
    masks = []
    for row in (0, 1, 75, 200 - side):
        for column in (0, 1, 6, 63, 64, 65, 198 - side, 199 - side):
            masks.append(np.zeros((200, 199), bool))
            masks[-1][row : row + side, column : column + side] = True
    np.testing.assert_array_equal(object_size(np.stack(masks)), [oracles.fast_size(mask) for mask in masks])


@pytest.mark.usefixtures("threads")
def test_a_single_pixel_of_background_anywhere():
    for grid in ((130, 140), (257, 129), (20, 30, 70), (30, 20, 70)):
        for pixel in np.random.default_rng(0).integers(grid, size=(20, len(grid))):
            mask = np.ones(grid, bool)
            mask[tuple(pixel)] = False
            expected = 2 * max(max(i, side - 1 - i) for i, side in zip(pixel, grid, strict=True))
            assert object_size(mask, spatial_dims=len(grid)) == expected


@kernel
def in_slabs(slabs, first, last, known, largest, ranks, segment):
    return largest_rank_in_slabs(slabs, first, last, known, largest, ranks, segment)


@kernel
def of_looks(slabs, first, last, looks, known, largest, ranks, segment):
    return largest_rank_of_looks(slabs, first, last, looks, known, largest, ranks, segment)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("spacing", SPACINGS)
def test_pieces(grid, spacing):
    """Any slabs, from any bound: the largest rank in these, if it is above the bound."""
    rng, shape = np.random.default_rng(0), shape_of(grid)
    ranks = None if spacing is None else ranks_of(shape, (1.0,) * (3 - len(grid)) + spacing[3 - len(grid) :])
    largest = shape.cap if ranks is None else ranks.last
    slabs, segment = slabs_of(shape), segment_of(shape, WINDOW_PLANES)
    for mask in masks_of(grid, 1):
        if spacing is None:
            of_pixels = np.minimum(oracles.fast_distances(mask), largest)
        else:
            distances = oracles.fast_spaced_distances(mask, spacing[3 - len(grid) :])
            of_pixels = np.searchsorted(ranks.distances, distances.astype(np.float32))
        volume = of_pixels.reshape(shape)
        depth, height, _ = shape.without_single_pixels
        of_slabs = volume.reshape(depth, height, -1).max(2).max(1 if depth >= height else 0)
        assert len(of_slabs) == slabs.number
        start = int(rng.integers(100))
        packed = pack_masks(np.concatenate([rng.random(start) < 0.5, mask.ravel()]), 1).bits
        lay_out_slabs(packed, start, 0, slabs.number // 2, slabs)
        lay_out_slabs(packed, start, slabs.number // 2, slabs.number, slabs)
        for _ in range(9):
            first, last = np.sort(rng.integers(slabs.number + 1, size=2))
            known = int(rng.integers(of_slabs.max() + 2))
            known = min(known, largest)
            found = in_slabs(slabs, first, last, known, largest, ranks, segment)
            assert found == max(known, of_slabs[first:last].max(initial=0))
        looks = min(7, slabs.number)
        looked = [(2 * look + 1) * slabs.number // (2 * looks) for look in range(looks)]
        each = [of_looks(slabs, look, look + 1, looks, 0, largest, ranks, segment) for look in range(looks)]
        assert sorted(each) == sorted(of_slabs[looked])
        assert each[0] == of_slabs[looked[looks // 2]]
        assert of_looks(slabs, 0, looks, looks, 0, largest, ranks, segment) == max(each)


def test_which_images():
    """Large ones with rows longer than a word, whatever else they are."""
    for shape in (Shape(1, 2048, 2048), Shape(128, 128, 128), Shape(1, 100_000, 65), Shape(1, 1, 1 << 21)):
        assert size_route(1, shape, True).in_slabs
    for shape in (Shape(1, 100_000, 64), Shape(1, 1000, 1000), Shape(300, 300, 64)):
        assert not size_route(1, shape, True).in_slabs


# ------------------------------------------------------------------------------------------------ several threads


def test_whoever_waits_for_packing_may_go_on_later():
    mask = objects((1, 120, 65), 0)[0]
    shape = shape_of(mask.shape)
    slabs, segment, progress = slabs_of(shape), segment_of(shape, WINDOW_PLANES), progress_of_image()
    packed = pack_masks(mask, 2).bits
    now = (packed, 0, slabs, 3, shape.cap, None, 2, progress, 5)  # pieces to be packed
    for pieces_here in 0, 3, 0, 1:
        assert largest_rank_of_image(*now, pieces_here, segment) == NOT_YET
        assert not progress[STAGE:].any()  # nothing is read that may be missing
    expected = oracles.fast_distances(mask).max()
    for pieces_here in 1, 0:  # and who comes late
        assert largest_rank_of_image(*now, pieces_here, segment) == expected


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("by_caller", [True, False])
@pytest.mark.parametrize("step", ["chdt.cpu.packed.pack", "chdt.cpu.slabs.largest_rank_of_image"])
def test_a_thread_that_fails_leaves_nobody_waiting(monkeypatch, error, by_caller, step):
    monkeypatch.setattr("chdt.cpu.threads.thread_count", lambda: 3)
    begun, ended, caller, meeting = [], [], threading.get_ident(), threading.Barrier(3)
    module, name = step.rsplit(".", 1)
    kernel_of_step = getattr(sys.modules[module], name)

    def fail(*arguments):
        begun.append(threading.get_ident())
        try:
            if begun.count(threading.get_ident()) == 1:
                meeting.wait(timeout=60)
            if (threading.get_ident() == caller) == by_caller:
                raise error
            return kernel_of_step(*arguments)
        finally:
            ended.append(threading.get_ident())

    masks = np.ones((1, 130, 140), bool)
    with overridden(SLABS_MIN_PIXELS=0, ALWAYS_CUT_MIN_PIXELS=0, PIXELS_PER_THREAD=1 << 8):
        with monkeypatch.context() as patch:
            patch.setattr(step, fail)
            with pytest.raises(error):
                object_size(masks)
        assert len(begun) == len(ended) > 0
        assert object_size(masks) == 2 * 140


@pytest.mark.usefixtures("threads")
def test_the_first_invalid_value_of_a_large_image():
    masks = np.ones((2, 130, 140), np.float32)
    for places in ([(1, 129, 139)], [(0, 70, 3), (0, 70, 4)], [(0, 129, 0), (0, 0, 77), (1, 0, 0)]):
        wrong = masks.copy()
        wrong[tuple(zip(*places, strict=True))] = 0.5
        first = ", ".join(map(str, min(places)))
        for spacing in None, (3, 1):
            with pytest.raises(ValueError, match=rf"masks\[{first}\] is 0.5"):
                object_size(wrong, spacing=spacing)
