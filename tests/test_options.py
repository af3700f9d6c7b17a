"""``spacing`` and ``black_border``: against their definitions."""

import numpy as np
import oracles
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import all_but, mask_batches, objects, random_masks, single_masks

from chdt import distance_transform, flip_sizes, object_size

spacings = st.sampled_from([0.1, 0.7, 1.0, 1.5, 2.0, 5.0, 1e-3, 1e4])


def check_spaced(masks, spacing, spatial_dims):
    expected = oracles.each(lambda mask: oracles.spaced_distances(mask, spacing), masks, spatial_dims, np.float32)
    d = distance_transform(masks, spatial_dims=spatial_dims, spacing=spacing)
    assert d.dtype == np.float32
    np.testing.assert_array_equal(d, expected)
    sizes = object_size(masks, spatial_dims=spatial_dims, spacing=spacing)
    assert sizes.dtype == np.float32
    np.testing.assert_array_equal(sizes, 2 * expected.max(tuple(range(-spatial_dims, 0)), initial=0))


@given(data=st.data(), mask=single_masks(most=8, least_dims=1, most_dims=3))
def test_spacing_by_definition(data, mask):
    spacing = data.draw(st.tuples(*[spacings] * mask.ndim))
    check_spaced(mask, spacing, mask.ndim)


@given(data=st.data(), masks=mask_batches(st.integers(1, 40) | st.sampled_from([63, 64, 65]), most_pixels=600))
def test_spacing_of_batches(data, masks):
    check_spaced(masks, data.draw(st.tuples(spacings, spacings)), 2)


@given(data=st.data(), masks=mask_batches(st.integers(1, 12), most_pixels=500, spatial_dims=3))
def test_spacing_of_volumes(data, masks):
    check_spaced(masks, data.draw(st.tuples(spacings, spacings, spacings)), 3)


@pytest.mark.parametrize("grid", [(40, 30), (7, 70), (1, 20), (1, 1)])
def test_equal_spacing_is_scaling(grid):
    mask = objects(grid, 2) if grid != (1, 1) else np.ones(grid, bool)
    scaled = (1.7 * distance_transform(mask).astype(np.float64)).astype(np.float32)
    for spacing in (1.7, np.array(1.7), (1.7, 1.7), np.array([1.7, 1.7])):
        np.testing.assert_array_equal(distance_transform(mask, spacing=spacing), scaled)
        assert object_size(mask, spacing=spacing) == 2 * scaled.max()


def test_nearly_equal_spacing_agrees_with_equal_spacing():
    """The two ways of computing, on masks that are too large for the definition."""
    for mask in (objects((150, 200), 3), random_masks((129, 65), 0.99), all_but((90, 70), (3, 4))):
        d = distance_transform(mask, spacing=(1, 1 + 1e-9))
        np.testing.assert_array_equal(d, distance_transform(mask))


def test_without_background_the_longest_side_counts():
    full = np.ones((4, 10), bool)
    assert (distance_transform(full, spacing=(5, 1)) == 20).all()
    assert object_size(full, spacing=(1, 1.5)) == 30


@pytest.mark.parametrize(
    ("spacing", "error", "message"),
    [
        ((1, 2, 3), ValueError, "3 numbers.*spatial_dims=2"),
        ((1,), ValueError, "1 numbers"),
        ((1, 0), ValueError, r"spacing\[1\] is 0"),
        (-1, ValueError, r"spacing\[0\] is -1"),
        ((1, np.nan), ValueError, r"spacing\[1\] is nan"),
        ((np.inf, 1), ValueError, r"spacing\[0\] is inf"),
        ("12", TypeError, "numbers"),
        ("ab", TypeError, "numbers"),
        ((1, None), TypeError, "numbers"),
    ],
)
@pytest.mark.parametrize("function", [distance_transform, object_size])
def test_bad_spacing(function, spacing, error, message):
    with pytest.raises(error, match=message):
        function(np.ones((3, 4), bool), spacing=spacing)


# ------------------------------------------------------------------------------------------------ the border


def check_border(masks, spatial_dims):
    inner = (..., *(slice(1, -1),) * spatial_dims)
    padded = np.pad(masks, [(0, 0)] * (masks.ndim - spatial_dims) + [(1, 1)] * spatial_dims)
    options = {"spatial_dims": spatial_dims, "black_border": True}
    expected = oracles.each(oracles.fast_distances, padded, spatial_dims)[inner]
    np.testing.assert_array_equal(distance_transform(masks, **options), expected)
    sizes = object_size(masks, **options)
    assert sizes.dtype == np.int32
    np.testing.assert_array_equal(sizes, 2 * expected.max(tuple(range(-spatial_dims, 0)), initial=0))
    if padded.size < 2000:
        flips = oracles.each(oracles.fast_flip_sizes, padded, spatial_dims)[inner]
        np.testing.assert_array_equal(flip_sizes(masks, **options), flips)


@given(masks=mask_batches(st.integers(1, 20) | st.sampled_from([62, 63, 64, 65]), most_pixels=300))
def test_border_of_images(masks):
    check_border(masks, 2)


@given(masks=mask_batches(st.integers(1, 8), most_pixels=100, spatial_dims=3))
def test_border_of_volumes(masks):
    check_border(masks, 3)


@given(masks=mask_batches(st.integers(1, 130), most_pixels=130, spatial_dims=1))
def test_border_of_rows(masks):
    check_border(masks, 1)


def test_border_and_spacing():
    masks = np.stack([objects((12, 9), 2, seed) for seed in range(5)])
    padded = np.pad(masks, [(0, 0), (1, 1), (1, 1)])
    expected = distance_transform(padded, spacing=(2, 0.5))[:, 1:-1, 1:-1]
    np.testing.assert_array_equal(distance_transform(masks, spacing=(2, 0.5), black_border=True), expected)
    sizes = object_size(masks, spacing=(2, 0.5), black_border=True)
    np.testing.assert_array_equal(sizes, 2 * expected.max((1, 2)))


# ------------------------------------------------------------------------------------------------ both kinds, and out


@pytest.mark.parametrize("options", [{"spacing": (2, 0.5)}, {"spacing": 3}, {"black_border": True}])
def test_tensors_and_out(options):
    masks = np.stack([objects((20, 25), 2, seed) for seed in range(6)])
    expected = distance_transform(masks, **options)
    tensor = torch.from_numpy(masks)
    answer = distance_transform(tensor, **options)
    assert answer.dtype == (torch.float32 if "spacing" in options else torch.int32)
    np.testing.assert_array_equal(answer.numpy(), expected)
    for out in (np.empty(masks.shape), torch.empty(masks.shape), torch.empty(25, 20, 6).permute(2, 1, 0)):
        given_masks = masks if isinstance(out, np.ndarray) else tensor
        assert distance_transform(given_masks, out=out, **options) is out
        np.testing.assert_array_equal(np.asarray(out), expected)


def test_flips_into_out():
    mask = objects((20, 25), 2)
    out = np.empty(mask.shape, np.uint8)
    assert flip_sizes(mask, black_border=True, out=out) is out
    np.testing.assert_array_equal(out, flip_sizes(mask, black_border=True))


def test_out_must_hold_distances_with_a_spacing():
    mask = np.ones((3, 4), bool)
    with pytest.raises(TypeError, match="float32 or float64"):
        distance_transform(mask, spacing=2, out=np.empty((3, 4), np.int32))


@pytest.mark.filterwarnings("default")
def test_compiled_and_mapped():
    masks = torch.from_numpy(np.stack([objects((9, 8), 2, seed) for seed in range(3)]))
    for function, options in (
        (distance_transform, {"spacing": (2.0, 1.0)}),
        (object_size, {"spacing": (2.0, 1.0), "black_border": True}),
        (flip_sizes, {"black_border": True}),
    ):
        expected = function(masks, **options)
        compiled = torch.compile(lambda m, function=function, options=options: function(m, **options), fullgraph=True)
        assert torch.equal(compiled(masks), expected)
        assert torch.equal(torch.func.vmap(lambda m, f=function, o=options: f(m, **o))(masks), expected)


@pytest.mark.parametrize("spacing", [2.0, (2.0, 1.0)])
def test_one_mask_with_a_spacing_gives_no_dims(spacing):
    mask = objects((9, 8), 2)
    for black_border in (False, True):
        size = object_size(mask, spacing=spacing, black_border=black_border)
        assert size.shape == ()
        assert object_size(torch.from_numpy(mask), spacing=spacing, black_border=black_border).shape == ()
    three = [2.0, 2.0, 1.0]
    torch.library.opcheck(torch.ops.chdt.object_size.default, (torch.from_numpy(mask), 2, three, True))
    torch.library.opcheck(torch.ops.chdt.distance_transform.default, (torch.from_numpy(mask), 2, three, True))
    torch.library.opcheck(torch.ops.chdt.flip_sizes.default, (torch.from_numpy(mask), 2, True))
