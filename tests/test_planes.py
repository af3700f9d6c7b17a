"""Bit planes and moves in them, against NumPy on plain bits."""

import numpy as np
import pytest
from steps import bits_of, packed

from chdt.cpu.kernels.erosions import dilate
from chdt.cpu.kernels.jit import kernel
from chdt.cpu.kernels.lanes import VECTOR_WORDS, any_set, store
from chdt.cpu.kernels.laying_out import lay_out_background, lay_out_images
from chdt.cpu.kernels.planes import (
    AXES,
    add_border,
    length_of,
    plane_at,
    planes_of,
)

pytestmark = pytest.mark.kernels

RNG = np.random.default_rng(0)
GRIDS = [(1, 1), (48, 32), (5, 63), (5, 64), (5, 65), (9, 128), (3, 200), (70, 7), (1, 500)]
VOLUMES = [(2, 1, 1), (3, 5, 1), (7, 5, 3), (36, 35, 50), (3, 4, 64), (5, 3, 65), (9, 33, 128), (70, 2, 2)]


def moved(mask, distance, axis):
    """Both shifts, without what leaves the grid."""
    both = np.zeros_like(mask)
    for sign in (1, -1):
        shifted = np.roll(mask, sign * distance, axis)
        lost = np.arange(mask.shape[axis])[::sign][: min(distance, mask.shape[axis])]
        index = [slice(None)] * mask.ndim
        index[axis] = lost
        shifted[tuple(index)] = False
        both |= shifted
    return both


def plane(planes, index):
    """The words of a plane."""
    return planes.words[16 + index * planes.layout.stride :][: planes.layout.plane_words]


@pytest.mark.parametrize("interleaved", [1, VECTOR_WORDS])
@pytest.mark.parametrize("shape", [(1, *grid) for grid in GRIDS] + VOLUMES)
def test_add_border(shape, interleaved):
    planes = planes_of(shape, 2, interleaved, True)

    @kernel
    def run(planes):
        add_border(planes, plane_at(planes.layout, 1))

    run(planes)
    outermost = np.ones(shape, bool)
    outermost[tuple(slice(1, -1) if side > 1 else slice(None) for side in shape)] = False
    for image in range(interleaved):
        lines = bits_of(plane(planes, 1)[image::interleaved].copy(), shape[0] * shape[1] * planes.layout.pitch)
        lines = lines.reshape(-1, planes.layout.pitch)
        assert (lines[:, : shape[2]] == outermost.reshape(-1, shape[2])).all()
        assert not lines[:, shape[2] :].any()
    assert not plane(planes, 0).any()


@pytest.mark.parametrize("shape", [(1, *grid) for grid in GRIDS] + VOLUMES)
def test_dilate(shape):
    planes = planes_of(shape, 2)
    layout = planes.layout

    @kernel
    def run(planes, packed, start, axis, exponent):
        here, dilated = plane_at(planes.layout, 0), plane_at(planes.layout, 1)
        lay_out_background(packed, start, planes, here)
        return any_set(dilate(planes, axis, exponent, here, dilated))

    for exponent in range(layout.exponents):
        for axis in range(AXES):
            assert length_of(layout, axis) == shape[2 - axis]
            masks = RNG.random((2, *shape)) < 0.97
            planes.words[:] = 0
            any_left = run(planes, packed(masks), masks[0].size, axis, exponent)
            expected = ~masks[1] | moved(~masks[1], 2**exponent, 2 - axis)
            bits = bits_of(plane(planes, 1), layout.plane_words * 64)
            lines = shape[0] * shape[1]
            rows = bits[: lines * layout.pitch].reshape(lines, layout.pitch)
            assert (rows[:, : shape[2]].reshape(shape) == expected).all()
            assert not rows[:, shape[2] :].any()
            assert not bits[lines * layout.pitch :].any()
            assert any_left == (not expected.all())


@pytest.mark.parametrize("shape", [(1, *grid) for grid in GRIDS if np.prod(grid) <= 5000] + VOLUMES)
@pytest.mark.parametrize("images", [1, 5, 8])
def test_interleaved_images_are_as_images_alone(shape, images):
    """Each lane of the plane that eight share holds what the plane of one would; spare ones that of the last one."""
    masks = RNG.random((images, *shape)) < 0.9
    words = packed(masks)
    alone, interleaved = planes_of(shape, 2), planes_of(shape, 2, VECTOR_WORDS)

    @kernel
    def run(packed, start, images, planes, axis, exponent, left):
        here, dilated = plane_at(planes.layout, 0), plane_at(planes.layout, 1)
        lay_out_images(packed, start, images, planes, here)
        store(left, 0, dilate(planes, axis, exponent, here, dilated))

    for exponent in range(alone.layout.exponents):
        for axis in range(AXES):
            left, left_alone = np.zeros((2, VECTOR_WORDS), np.uint64)
            run(words, 0, images, interleaved, axis, exponent, left)
            shared = plane(interleaved, 1).reshape(-1, VECTOR_WORDS)
            count = len(shared)
            assert (shared[:, images:] == shared[:, images - 1 : images]).all()
            for image in range(images):
                run(words, image * masks[0].size, 1, alone, axis, exponent, left_alone)
                own = plane(alone, 1)
                assert (shared[:, image] == own[:count]).all()
                assert not own[count:].any()
                assert (left[image] != 0) == left_alone.any()
