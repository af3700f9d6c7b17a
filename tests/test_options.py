"""``spacing`` and ``black_border``: against their definitions."""

import numpy as np
import oracles
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import all_but, every_mask, half, lattice, mask_batches, objects, random_masks, single_masks

from chdt import distance_transform, flip_sizes, object_size
from chdt.cpu import route

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
        flips = flip_sizes(mask, spacing=spacing)
        assert flips.dtype == np.float32
        np.testing.assert_array_equal(flips, (1.7 * flip_sizes(mask).astype(np.float64)).astype(np.float32))


@pytest.mark.parametrize("function", [distance_transform, flip_sizes, object_size])
@pytest.mark.parametrize(
    "as_spacing",
    [
        np.array,
        lambda numbers: np.array(numbers, np.float16),
        lambda numbers: np.array(numbers, ">f8"),
        torch.tensor,
        lambda numbers: torch.tensor(numbers).bfloat16(),
        lambda numbers: torch.tensor(numbers, requires_grad=True),
        lambda numbers: torch.nn.Parameter(torch.tensor(numbers)),
        lambda numbers: torch.tensor(numbers).as_subclass(type("Subclass", (torch.Tensor,), {})),
    ],
)
def test_spacing_in_an_array_or_a_tensor(function, as_spacing):
    mask = objects((20, 15), 2)
    for numbers in ([2.5, 1.0], 2.5):
        expected = function(mask, spacing=numbers)
        np.testing.assert_array_equal(function(mask, spacing=as_spacing(numbers)), expected)
        np.testing.assert_array_equal(function(torch.from_numpy(mask), spacing=as_spacing(numbers)).numpy(), expected)
    np.testing.assert_array_equal(
        function(mask, spacing=list(as_spacing([2.5, 1.0]))), function(mask, spacing=(2.5, 1))
    )


def test_spacing_of_integers_in_a_tensor():
    mask = objects((20, 15), 2)
    np.testing.assert_array_equal(object_size(mask, spacing=torch.tensor([3, 1])), object_size(mask, spacing=(3, 1)))


def test_nearly_equal_spacing_agrees_with_equal_spacing():
    """The two ways of computing, on masks that are too large for the definition."""
    for mask in (objects((150, 200), 3), random_masks((129, 65), 0.99), all_but((90, 70), (3, 4))):
        d = distance_transform(mask, spacing=(1, 1 + 1e-9))
        np.testing.assert_array_equal(d, distance_transform(mask))
        np.testing.assert_array_equal(flip_sizes(mask, spacing=(1, 1 + 1e-9)), flip_sizes(mask))


def test_without_background_the_longest_side_counts():
    full = np.ones((4, 10), bool)
    assert (distance_transform(full, spacing=(5, 1)) == 20).all()
    assert object_size(full, spacing=(1, 1.5)) == 30


class SeveralNumbers:
    """A thing that is neither sequence nor array, such as a column of a table."""

    def item(self):
        raise ValueError("can only convert an array of size 1 to a Python scalar")

    def __repr__(self):
        return "SeveralNumbers"


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
        ((1, "2"), TypeError, "numbers"),
        (np.array(["1", "2"]), TypeError, "numbers"),
        (1 + 1j, TypeError, "numbers"),
        (True, TypeError, "spacing must be made of numbers, not True"),
        ([1, np.True_], TypeError, "numbers"),
        ([[1.0, 1.0], [True, 1.0]], TypeError, "numbers"),
        (np.array([True, True]), TypeError, "numbers"),
        (torch.tensor([True, False]), TypeError, "numbers"),
        (np.array([1, 2j]), TypeError, "numbers"),
        (torch.tensor([1.0, 2.0, 3.0]), ValueError, "3 numbers.*spatial_dims=2"),
        (torch.tensor([[1.0, 2.0]]), ValueError, r"shape \(1, 2\), but there are images of shape \(\)"),
        (np.array([[1.0], [2.0]]), ValueError, r"shape \(2, 1\), but there are images of shape \(\)"),
        (np.array([], float), ValueError, "0 numbers"),
        (torch.tensor([1, 2j]), TypeError, "numbers"),
        (torch.tensor([1.0, torch.nan]), ValueError, r"spacing\[1\] is nan"),
        (torch.tensor([1.0, 2.0], device="meta"), TypeError, "numbers"),
        (10**400, ValueError, r"spacing\[0\] is inf"),
        ([[1, 2], [1], [2, 2]], ValueError, "rows of different lengths: give one spacing for all, or one for each"),
        (SeveralNumbers(), TypeError, "spacing must be made of numbers, not SeveralNumbers"),
        ((1, 1e-46), ValueError, r"from 1e-25 to 1e\+25, but spacing\[1\] is 1e-46"),
        ((1e38, 1), ValueError, r"from 1e-25 to 1e\+25, but spacing\[0\] is 1e\+38"),
    ],
)
@pytest.mark.parametrize("function", [distance_transform, flip_sizes, object_size])
def test_bad_spacing(function, spacing, error, message):
    with pytest.raises(error, match=message):
        function(np.ones((3, 4), bool), spacing=spacing)


@pytest.mark.parametrize("function", [distance_transform, flip_sizes, object_size])
@pytest.mark.parametrize("black_border", [None, "no", 2, np.array([True, False])], ids=str)
def test_bad_border(function, black_border):
    for options in ({}, {"spacing": (1, 2)}):
        with pytest.raises(TypeError, match="black_border must be True or False, not "):
            function(np.ones((3, 4), bool), black_border=black_border, **options)


@pytest.mark.parametrize("function", [distance_transform, flip_sizes, object_size])
def test_a_border_may_be_said_otherwise(function):
    mask = np.ones((3, 4), bool)
    for yes, no in ((1, 0), (np.True_, np.False_)):
        np.testing.assert_array_equal(function(mask, black_border=yes), function(mask, black_border=True))
        np.testing.assert_array_equal(function(mask, black_border=no), function(mask))


@pytest.mark.parametrize("spacing", [(1e-25, 1e25), (1e25, 3e-25), (1e25, 1e25), 1e-25])
def test_the_extremes_of_spacing(spacing):
    masks = random_masks((4, 5, 6), 0.8)
    masks[0] = True
    check_spaced(masks, np.broadcast_to(spacing, 2), 2)


@pytest.mark.parametrize("spatial_dims", [0, 4, 2**70, "2", None])
def test_spatial_dims_refused_with_a_spacing(spatial_dims):
    with pytest.raises(ValueError, match="spatial_dims must be 1, 2 or 3"):
        object_size(np.ones((3, 4), bool), spacing=1, spatial_dims=spatial_dims)


# ------------------------------------------------------------------------------------------------ flips


def check_flips(masks, spacing, black_border=False):
    """Every pixel, by the size of every flip; one spatial dim for each number of the spacing."""
    spatial_dims = len(spacing)
    options = {"spatial_dims": spatial_dims, "spacing": spacing, "black_border": black_border}
    sizes = flip_sizes(masks, **options)
    assert sizes.dtype == np.float32
    assert sizes.shape == masks.shape
    grid = masks.shape[masks.ndim - spatial_dims :]
    one_pixel = np.eye(np.prod(grid), dtype=bool).reshape(-1, *grid)
    flips = np.expand_dims(masks, -spatial_dims - 1) ^ one_pixel
    np.testing.assert_array_equal(sizes.reshape(-1), object_size(flips, **options).reshape(-1))


lengths = spacings | st.sampled_from([2.5, 0.3, 7.0, np.pi, np.sqrt(2), 1 / 3]) | st.floats(0.01, 100)


@given(data=st.data(), mask=single_masks(most=6, least_dims=1, most_dims=3))
def test_flips_by_definition(data, mask):
    spacing = data.draw(st.tuples(*[lengths] * mask.ndim))
    sizes = flip_sizes(mask, spatial_dims=mask.ndim, spacing=spacing)
    assert sizes.dtype == np.float32
    np.testing.assert_array_equal(sizes, oracles.spaced_flip_sizes(mask, spacing))


@pytest.mark.parametrize(
    ("grid", "spacing"),
    [
        ((3, 4), (1, 2.5)),
        ((3, 4), (2.5, 1)),
        ((2, 5), (0.1, 0.3)),
        ((4, 3), (np.pi, np.sqrt(2))),
        ((1, 10), (3, 0.7)),
        ((10, 1), (0.7, 3)),
        ((2, 2, 3), (5, 1, 1)),
        ((3, 2, 2), (1e-3, 1, 7)),
        ((5, 1, 2), (1, 2, 3)),
        ((1, 1), (1, 2)),
        ((1, 1, 1), (2, 1, 3)),
        ((1, 2, 1), (2, 1, 3)),
    ],
)
def test_flips_of_every_mask_of_a_grid(grid, spacing):
    masks = every_mask(grid)
    sizes = np.array([oracles.spaced_size(mask, spacing) for mask in masks])
    # Mask number k with pixel i flipped is mask number k ^ 2^i.
    flips = np.arange(len(masks))[:, None] ^ (1 << np.arange(np.prod(grid)))
    answers = flip_sizes(masks, spatial_dims=len(grid), spacing=spacing)
    np.testing.assert_array_equal(answers, sizes[flips].reshape(masks.shape))


@given(data=st.data(), masks=mask_batches(st.integers(1, 30) | st.sampled_from([63, 64, 65, 129]), most_pixels=300))
def test_flips_of_batches(data, masks):
    check_flips(masks, data.draw(st.tuples(lengths, lengths)), data.draw(st.booleans()))


@given(data=st.data(), masks=mask_batches(st.integers(1, 10), most_pixels=200, spatial_dims=3))
def test_flips_of_volumes(data, masks):
    check_flips(masks, data.draw(st.tuples(lengths, lengths, lengths)), data.draw(st.booleans()))


def test_flips_with_a_spacing_of_rows():
    """In one dim all spacings are equal, but the steps of the two ways must not be mixed up."""
    for mask in (objects((130,), 3), all_but((70,), 5), lattice((90,), 7)):
        for black_border in (False, True):
            check_flips(mask, (0.3,), black_border)


@pytest.mark.parametrize("spacing", [(1, 2.5), (2.5, 1), (0.1, 0.3), (100, 1)])
@pytest.mark.parametrize(
    "mask",
    [
        np.zeros((9, 20), bool),
        np.ones((9, 20), bool),
        ~all_but((9, 20), (4, 7)),
        all_but((9, 20), (0, 0)),
        all_but((9, 20), (4, 7)),
        all_but((9, 20), (4, 2), (4, 15)),
        all_but((9, 20), (0, 19), (8, 0)),
        lattice((9, 70), 8, 3),
        lattice((33, 13), 11),
        half((30, 9), 0, 29),
        half((9, 66), 1, 65),
        objects((25, 30), 3),
        random_masks((20, 33), 0.98),
    ],
)
def test_flips_of_special_masks(mask, spacing):
    for black_border in (False, True):
        check_flips(mask, spacing, black_border)


def test_an_added_pixel_may_give_a_size_between_those_of_integers():
    mask = np.zeros((3, 5), bool)
    mask[1] = [True, True, False, True, True]
    assert object_size(mask, spacing=(2.75, 1)) == 4
    sizes = flip_sizes(mask, spacing=(2.75, 1))
    np.testing.assert_array_equal(sizes, [[4, 4, 4, 4, 4], [4, 4, 5.5, 4, 4], [4, 4, 4, 4, 4]])


def test_flips_without_background():
    """What is removed is the only background then: the farthest corner counts."""
    sizes = flip_sizes(np.ones((3, 5), bool), spacing=(2, 1))
    np.testing.assert_array_equal(sizes, [[8, 8, 8, 8, 8], [8, 6, 4, 6, 8], [8, 8, 8, 8, 8]])


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


@pytest.mark.parametrize(
    "grid", [(48, 32), (64, 64), (63, 65), (2, 64), (64, 2), (130, 9), (66,), (35, 50, 36), (2, 3, 64), (24, 64, 64)]
)
def test_border_of_objects(grid):
    """Thick and thin ones that reach the border or do not, as in a grid that is enlarged by a pixel of background."""
    masks = [objects(grid, thickness, seed) for seed, thickness in enumerate((1, 2, 4, 8, 16))]
    masks += [all_but(grid, tuple(side // 2 for side in grid)), np.ones(grid, bool), np.zeros(grid, bool)]
    masks += [random_masks(grid, 0.95, spatial_dims=len(grid)).reshape(grid)]
    masks = np.stack(masks)
    inside = (slice(None), *[slice(1, -1)] * len(grid))
    around = np.pad(masks, [(0, 0)] + [(1, 1)] * len(grid))
    options = {"spatial_dims": len(grid), "black_border": True}
    np.testing.assert_array_equal(object_size(masks, **options), object_size(around, spatial_dims=len(grid)))
    for function in (distance_transform, flip_sizes):
        np.testing.assert_array_equal(function(masks, **options), function(around, spatial_dims=len(grid))[inside])


@pytest.mark.parametrize("dtype", ["u1", "i2", "f4", "i8"])
@pytest.mark.parametrize("grid", [(3, 5), (7, 63), (5, 64), (5, 65), (9, 62), (4, 127), (3, 4, 66)])
def test_border_of_more_masks_than_are_done_at_once(monkeypatch, grid, dtype):
    """In pieces of several threads, each a few images at a time, into ``out`` of any dtype."""
    monkeypatch.setattr("chdt.cpu.threads.thread_count", lambda: 3)
    monkeypatch.setattr("chdt.cpu.per_pixel.KEPT_ANSWERS", 1)
    masks = np.random.default_rng(0).random((200, *grid)) < 0.9
    around = np.pad(masks, [(0, 0)] + [(1, 1)] * len(grid))
    inside = (slice(None), *[slice(1, -1)] * len(grid))
    with route.overridden(PIXELS_PER_THREAD=1 << 10):
        for function in (distance_transform, flip_sizes):
            out = np.full((201, *grid), 3, dtype)
            function(masks, spatial_dims=len(grid), black_border=True, out=out[:200])
            np.testing.assert_array_equal(out[:200], function(around, spatial_dims=len(grid))[inside])
            assert (out[200] == 3).all()


def test_border_and_spacing():
    masks = np.stack([objects((12, 9), 2, seed) for seed in range(5)])
    padded = np.pad(masks, [(0, 0), (1, 1), (1, 1)])
    expected = distance_transform(padded, spacing=(2, 0.5))[:, 1:-1, 1:-1]
    np.testing.assert_array_equal(distance_transform(masks, spacing=(2, 0.5), black_border=True), expected)
    sizes = object_size(masks, spacing=(2, 0.5), black_border=True)
    np.testing.assert_array_equal(sizes, 2 * expected.max((1, 2)))


# ------------------------------------------------------------------------------------------------ both kinds, and out


@pytest.mark.parametrize("function", [distance_transform, flip_sizes])
@pytest.mark.parametrize("options", [{"spacing": (2, 0.5)}, {"spacing": 3}, {"black_border": True}])
def test_tensors_and_out(options, function):
    masks = np.stack([objects((20, 25), 2, seed) for seed in range(6)])
    expected = function(masks, **options)
    tensor = torch.from_numpy(masks)
    answer = function(tensor, **options)
    assert answer.dtype == (torch.float32 if "spacing" in options else torch.int32)
    np.testing.assert_array_equal(answer.numpy(), expected)
    for out in (np.empty(masks.shape), torch.empty(masks.shape), torch.empty(25, 20, 6).permute(2, 1, 0)):
        given_masks = masks if isinstance(out, np.ndarray) else tensor
        assert function(given_masks, out=out, **options) is out
        np.testing.assert_array_equal(np.asarray(out), expected)


def test_flips_into_out():
    mask = objects((20, 25), 2)
    out = np.empty(mask.shape, np.uint8)
    assert flip_sizes(mask, black_border=True, out=out) is out
    np.testing.assert_array_equal(out, flip_sizes(mask, black_border=True))


@pytest.mark.parametrize("function", [distance_transform, flip_sizes])
@pytest.mark.parametrize("spacing", [2, (2, 1)])
def test_out_must_hold_answers_with_a_spacing(function, spacing):
    mask = np.ones((3, 4), bool)
    for dtype in (np.int32, np.float16):
        out = np.full((3, 4), 7, dtype)
        with pytest.raises(TypeError, match="float32 or float64"):
            function(mask, spacing=spacing, out=out)
        assert (out == 7).all()


@pytest.mark.filterwarnings("default")
def test_compiled_and_mapped():
    masks = torch.from_numpy(np.stack([objects((9, 8), 2, seed) for seed in range(3)]))
    for function, options in (
        (distance_transform, {"spacing": (2.0, 1.0)}),
        (object_size, {"spacing": (2.0, 1.0), "black_border": True}),
        (flip_sizes, {"black_border": True}),
        (flip_sizes, {"spacing": (2.0, 1.0)}),
        (flip_sizes, {"spacing": 0.3, "black_border": True}),
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
        assert type(size) is np.float32
        assert object_size(torch.from_numpy(mask), spacing=spacing, black_border=black_border).shape == ()
    three = [2.0, 2.0, 1.0]
    torch.library.opcheck(torch.ops.chdt.object_size.default, (torch.from_numpy(mask), 2, three, True))
    torch.library.opcheck(torch.ops.chdt.distance_transform.default, (torch.from_numpy(mask), 2, three, True))
    torch.library.opcheck(torch.ops.chdt.flip_sizes.default, (torch.from_numpy(mask), 2, three, True))
