"""Distances and flips of large grids with a spacing, axis by axis: against the definition, to the last bit."""

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import all_but, half, lattice, mask_batches, objects, random_masks

from chdt import distance_transform, flip_sizes, object_size
from chdt.checks.ranks import ranks_of
from chdt.checks.shape import Shape
from chdt.cpu import route
from chdt.cpu.crossed import crossing_of

numbers = st.sampled_from([0.1, 0.3, 0.7, 0.8, 1.0, 1.5, 3.0, 5.0, np.pi, 1 / 3, 1e-3, 1e4]) | st.floats(0.01, 100)
SIDES = st.integers(1, 12) | st.sampled_from([63, 64, 65, 127, 128, 129])


@pytest.fixture(scope="module", autouse=True)
def everything_is_large():
    with route.overridden(SMALL_MAX_SIDE_PIXELS=0):
        yield


def check(masks, spacing, flips=True):
    spatial_dims = len(spacing)
    options = {"spatial_dims": spatial_dims, "spacing": spacing}
    expected = oracles.each(lambda mask: oracles.spaced_distances(mask, spacing), masks, spatial_dims, np.float32)
    np.testing.assert_array_equal(distance_transform(masks, **options), expected)
    if flips:
        expected = oracles.each(lambda mask: oracles.spaced_flip_sizes(mask, spacing), masks, spatial_dims, np.float32)
        np.testing.assert_array_equal(flip_sizes(masks, **options), expected)


@settings(max_examples=60)
@given(data=st.data(), masks=mask_batches(SIDES, most_pixels=700))
def test_images(data, masks):
    check(masks, data.draw(st.tuples(numbers, numbers)), flips=masks[..., 0, 0].size * masks.size < 300)


@settings(max_examples=40)
@given(data=st.data(), masks=mask_batches(SIDES, most_pixels=700, spatial_dims=3))
def test_volumes(data, masks):
    check(masks, data.draw(st.tuples(numbers, numbers, numbers)), flips=masks.size < 200)


@pytest.mark.parametrize("spacing", [(3, 1), (1, 3), (0.7, 0.3), (1, 2.5)])
@pytest.mark.parametrize(
    "mask",
    [
        np.zeros((9, 20), bool),
        np.ones((9, 20), bool),
        all_but((9, 20), (0, 0)),
        all_but((20, 9), (19, 8)),
        lattice((33, 13), 11),
        half((30, 9), 0, 29),
        half((9, 30), 1, 29),
        objects((25, 30), 3),
    ],
)
def test_special_masks(mask, spacing):
    check(mask, spacing)


@pytest.mark.parametrize(
    ("grid", "spacing"), [((200, 150), (3, 1)), ((40, 70, 66), (5, 0.8, 0.8)), ((150, 200), (1, 1.7))]
)
def test_one_image_for_all_threads_is_as_one_thread_has_it(grid, spacing):
    masks = np.stack([objects(grid, 4), random_masks(grid, 0.999, spatial_dims=len(grid)), np.ones(grid, bool)])
    options = {"spatial_dims": len(grid), "spacing": spacing}
    expected = [function(masks, **options) for function in (distance_transform, flip_sizes, object_size)]
    layout = {"WHOLE_MAX_DISTANCES": 1, "BAND_DISTANCES": 1, "CUT_MIN_PIXELS": 0, "ALWAYS_CUT_MIN_PIXELS": 0}
    with route.overridden(**layout, PIXELS_PER_THREAD=1 << 10):
        found = [function(masks, **options) for function in (distance_transform, flip_sizes, object_size)]
    for answer, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(answer, wanted)


@given(shape=st.tuples(*[st.integers(1, 40)] * 3), spacing=st.tuples(*[numbers] * 3))
def test_codes_are_in_the_order_of_lengths(shape, spacing):
    """Each code stands for one length, larger ones for larger lengths, and the last one for no background."""
    crossing, lengths, _ = crossing_of(Shape(*shape), spacing)
    ranks = ranks_of(Shape(*shape), spacing)
    known = crossing.rank_of_code[crossing.rank_of_code < ranks.last]
    assert set(known.tolist()) >= set(range(ranks.last)) - {0} or len(set(shape)) == 1 == shape[0]
    assert crossing.rank_of_code[0] == 0
    assert crossing.rank_of_code[-1] == ranks.last
    assert lengths.view(np.float32)[-1] == ranks.distances[-1]
