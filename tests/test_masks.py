"""What counts as a mask: dtypes, layouts, shapes and values, and what is refused."""

import io
import warnings

import numpy as np
import oracles
import pytest
import torch
from expect import ORACLES, expect
from forms import (
    ARRAY_DTYPES,
    ARRAY_LAYOUTS,
    FUNCTIONS,
    TENSOR_DTYPES,
    TENSOR_LAYOUTS,
    as_array,
    as_tensor,
    each_function,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from strategies import mask_batches, random_masks

from chdt import distance_transform, flip_sizes, object_size
from chdt.cpu import threads as parallel

each_array_dtype = pytest.mark.parametrize("dtype", ARRAY_DTYPES)
each_tensor_dtype = pytest.mark.parametrize("dtype", TENSOR_DTYPES, ids=str)


# ------------------------------------------------------------------------------------------------ dtypes


@each_function
@each_array_dtype
def test_every_dtype_of_arrays(function, dtype):
    masks = random_masks((3, 2, 9, 17), 0.9)
    expect(function, as_array(masks, dtype), masks)


@each_function
@each_tensor_dtype
def test_every_dtype_of_tensors(function, dtype):
    masks = random_masks((3, 2, 9, 17), 0.9)
    answer = expect(function, as_tensor(masks, dtype), masks)
    assert answer.device == torch.device("cpu")


@given(masks=mask_batches(st.integers(1, 70), most_pixels=3000), dtype=st.sampled_from(ARRAY_DTYPES))
def test_any_array(masks, dtype):
    for function in distance_transform, object_size:
        expect(function, as_array(masks, dtype), masks)


@given(masks=mask_batches(st.integers(1, 70), most_pixels=3000), dtype=st.sampled_from(TENSOR_DTYPES))
def test_any_tensor(masks, dtype):
    for function in distance_transform, object_size:
        expect(function, as_tensor(masks, dtype), masks)


@each_function
@pytest.mark.parametrize("word", ["i1", "i2", "i4", "i8"])
@pytest.mark.parametrize("count", [1, 63, 64, 65, 127, 128, 129, 200])
def test_batches_that_end_anywhere_in_a_word(function, word, count):
    masks = np.ones((count, 1, 1), bool)
    masks[::3] = False
    answer = function(as_array(masks, word))
    expected = {distance_transform: masks, object_size: 2 * masks[:, 0, 0], flip_sizes: 2 * ~masks}
    np.testing.assert_array_equal(answer, expected[function])


# ------------------------------------------------------------------------------------------------ layouts


@each_function
@pytest.mark.parametrize("dtype", ["?", "i8", "f2", ">f4"])
@pytest.mark.parametrize("layout", ARRAY_LAYOUTS)
def test_every_layout_of_arrays(function, dtype, layout):
    masks = random_masks((3, 2, 9, 17), 0.9)
    given_masks = ARRAY_LAYOUTS[layout](as_array(masks, dtype))
    np.testing.assert_array_equal(given_masks, as_array(masks, dtype))
    expect(function, given_masks, masks)


def test_layouts_of_more_pixels_than_are_copied_at_a_time():
    masks = random_masks((5, 200, 300), 0.99)
    for layout in ARRAY_LAYOUTS:
        given_masks = ARRAY_LAYOUTS[layout](as_array(masks, "f4")[None])[0]
        expect(distance_transform, given_masks, masks)


@each_function
@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.bfloat16, torch.float32], ids=str)
@pytest.mark.parametrize("layout", TENSOR_LAYOUTS)
def test_every_layout_of_tensors(function, dtype, layout):
    masks = random_masks((3, 2, 9, 17), 0.9)
    given_masks = TENSOR_LAYOUTS[layout](as_tensor(masks, dtype))
    assert torch.equal(given_masks, as_tensor(masks, dtype))
    answer = expect(function, given_masks, masks)
    assert not answer.requires_grad
    assert answer.is_contiguous()


@each_function
def test_one_mask_many_times(function):
    mask = random_masks((9, 17), 0.9)
    repeated = np.broadcast_to(mask, (4, 9, 17))
    expect(function, repeated, repeated)
    expect(function, as_tensor(mask, torch.float32).expand(4, 9, 17), repeated)


@each_function
def test_one_row_many_times(function):
    row = random_masks((17,), 0.8, spatial_dims=1)
    grid = np.broadcast_to(row, (9, 17))
    expect(function, grid, grid)
    expect(function, as_tensor(row, torch.int32).expand(9, 17), grid)


@each_function
def test_windows_that_overlap(function):
    row = random_masks((40,), 0.8, spatial_dims=1)
    windows = np.lib.stride_tricks.sliding_window_view(row, (9,))
    expect(function, windows, windows.copy())


@each_function
def test_a_matrix(function):
    # A subclass that stays 2D whatever is done to it.
    mask = random_masks((9, 17), 0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        expect(function, np.matrix(as_array(mask, "f4")), mask)


@each_function
def test_tensors_whose_sign_is_still_to_be_changed(function):
    masks = random_masks((3, 9, 17), 0.9)
    lazy = torch.complex(torch.zeros(masks.shape), as_tensor(~masks, torch.float32)).conj().imag
    assert lazy.is_neg()
    expect(function, lazy, masks)


@each_function
def test_no_gradient_and_any_grad_mode(function):
    masks = random_masks((3, 9, 17), 0.9)
    with torch.no_grad():
        expect(function, as_tensor(masks, torch.float32), masks)
    with torch.inference_mode():
        inference = as_tensor(masks, torch.float32)
        expect(function, inference, masks)
    expect(function, inference, masks)


def of_any_bytes(masks):
    """The same bool masks, with True as any byte but 0."""
    random = np.random.default_rng(0).integers(1, 256, masks.shape, np.uint8)
    assert len(np.unique(random)) > 20
    return np.where(masks, random, np.uint8(0)).view(bool)


@each_function
@pytest.mark.parametrize("grid", [(9, 17), (1, 63), (1, 64), (70, 130)], ids=str)
def test_true_is_any_byte_but_0(function, grid):
    masks = random_masks((3, 2, *grid), 0.9)
    expected = oracles.each(ORACLES[function], masks)  # once for all layouts: flips of a large grid take seconds
    for layout in ("plain", "transposed", "channels last", "batch last", "stepped", "reversed"):
        given_masks = of_any_bytes(masks)
        given_masks = given_masks if layout == "plain" else ARRAY_LAYOUTS[layout](given_masks)
        bytes_before = given_masks.view(np.uint8).copy()
        np.testing.assert_array_equal(function(given_masks), expected, err_msg=layout)
        np.testing.assert_array_equal(given_masks.view(np.uint8), bytes_before, err_msg=layout)
        if layout != "reversed":  # of which there are no tensors
            np.testing.assert_array_equal(function(torch.from_numpy(given_masks)), expected, err_msg=layout)


@each_function
@pytest.mark.parametrize("options", [{"black_border": True}, {"spacing": 2.5}, {"spacing": (1, 2.5)}], ids=str)
def test_true_is_any_byte_but_0_with_options(function, options):
    masks = random_masks((3, 9, 17), 0.9)
    np.testing.assert_array_equal(function(of_any_bytes(masks), **options), function(masks, **options))


@each_function
def test_every_byte_but_0_is_true(function):
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(function(every.view(bool)), ORACLES[function](every > 0))


@each_function
def test_bits_of_an_image_that_pillow_reads(function):
    image = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    image.fromarray(np.eye(9, 12) == 0).save(file, "png")
    mask = np.asarray(image.open(file))
    assert mask.dtype == bool
    np.testing.assert_array_equal(function(mask), ORACLES[function](np.eye(9, 12) == 0))


@each_function
def test_a_memory_map(function, tmp_path):
    masks = random_masks((3, 9, 17), 0.9)
    np.save(tmp_path / "masks.npy", as_array(masks, "f4"))
    mapped = np.load(tmp_path / "masks.npy", mmap_mode="r")
    assert type(mapped) is np.memmap
    expect(function, mapped, masks)


# ------------------------------------------------------------------------------------------------ shapes


@each_function
@pytest.mark.parametrize("batch", [(), (1,), (5,), (2, 3), (2, 1, 2, 2)])
@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
def test_every_number_of_batch_dims(function, batch, spatial_dims):
    masks = random_masks((*batch, *(6, 11, 5)[:spatial_dims]), 0.9, spatial_dims=spatial_dims)
    expect(function, masks, masks, spatial_dims=spatial_dims)
    expect(function, as_tensor(masks, torch.float32), masks, spatial_dims=spatial_dims)


@each_function
@pytest.mark.parametrize("batch", [(0,), (0, 3), (2, 0), (2, 0, 4)])
@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
def test_a_batch_of_no_masks(function, batch, spatial_dims):
    masks = np.ones((*batch, *(6, 11, 5)[:spatial_dims]), bool)
    for given_masks in masks, torch.from_numpy(masks):
        answer = expect(function, given_masks, masks, spatial_dims=spatial_dims)
        assert 0 in answer.shape


@each_function
def test_spatial_dims_may_be_any_integer(function):
    masks = random_masks((2, 3, 8), 0.9)
    for spatial_dims in 1, 2, 3:
        expected = function(masks, spatial_dims=spatial_dims)
        np.testing.assert_array_equal(function(masks, spatial_dims=np.int64(spatial_dims)), expected)


# ------------------------------------------------------------------------------------------------ values refused


ZERO = "where 0 is background, pass masks > 0"
THRESHOLD = "threshold them first, as in masks > 0"
BAD_VALUES = [
    (0.0, "0.0", ZERO),
    (-0.0, "-0.0", ZERO),
    (np.nan, "nan", THRESHOLD),
    (np.inf, "inf", THRESHOLD),
    (-np.inf, "-inf", THRESHOLD),
    (2.0, "2.0", THRESHOLD),
    (0.5, "0.5", THRESHOLD),
    (-1.0078125, "-1.0078125", THRESHOLD),
]


def invalid(where, value, remedy):
    """The message for a value, as a pattern."""
    index = ", ".join(map(str, where))
    return rf"masks must hold only -1 and \+1, but masks\[{index}\] is {value}: {remedy}$"


@each_function
@pytest.mark.parametrize(("value", "name", "remedy"), BAD_VALUES)
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4"])
def test_bad_floats_in_arrays(function, value, name, remedy, dtype):
    masks = as_array(random_masks((3, 9, 17), 0.9), dtype)
    masks[1, 2, 3] = value
    with pytest.raises(ValueError, match=invalid((1, 2, 3), masks[1, 2, 3].item(), remedy)) as error:
        function(masks)
    assert dtype == "f2" or name in str(error.value)


@each_function
@pytest.mark.parametrize(("value", "name", "remedy"), BAD_VALUES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_bad_floats_in_tensors(function, value, name, remedy, dtype):
    masks = as_tensor(random_masks((3, 9, 17), 0.9), dtype)
    masks[1, 2, 3] = value
    masks.requires_grad_()
    with pytest.raises(ValueError, match=invalid((1, 2, 3), masks[1, 2, 3].item(), remedy)):
        function(masks)


@each_function
@pytest.mark.parametrize("value", [0, 2, -2, 127, -128])
@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", ">i4"])
def test_bad_integers_in_arrays(function, value, dtype):
    masks = as_array(random_masks((3, 9, 17), 0.9), dtype)
    masks[2, 8, 16] = value
    with pytest.raises(ValueError, match=invalid((2, 8, 16), value, THRESHOLD if value else ZERO)):
        function(masks)


@each_function
@pytest.mark.parametrize("value", [0, 2, -2, 127, -128])
@pytest.mark.parametrize("dtype", [torch.int8, torch.int16, torch.int32, torch.int64], ids=str)
def test_bad_integers_in_tensors(function, value, dtype):
    masks = as_tensor(random_masks((3, 9, 17), 0.9), dtype)
    masks[2, 8, 16] = value
    with pytest.raises(ValueError, match=invalid((2, 8, 16), value, THRESHOLD if value else ZERO)):
        function(masks)


@each_function
def test_masks_of_zeros_and_ones(function):
    masks = random_masks((9, 17), 0.5)
    where = tuple(np.argwhere(~masks)[0])
    for dtype, zero in [(np.int64, "0"), (np.float32, "0.0")]:
        with pytest.raises(ValueError, match=invalid(where, zero, ZERO)):
            function(masks.astype(dtype))
        with pytest.raises(ValueError, match=invalid(where, zero, ZERO)):
            function(torch.from_numpy(masks.astype(dtype)))


@given(data=st.data())
def test_the_first_invalid_value_is_named(data):
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=4, max_side=12))
    masks = as_array(data.draw(hnp.arrays(bool, shape)), data.draw(st.sampled_from(["i1", "i2", "f4", ">f8"])))
    where = data.draw(st.lists(st.integers(0, masks.size - 1), min_size=1, max_size=4))
    masks.ravel()[where] = 3
    axes = data.draw(st.permutations(range(len(shape))))
    turned = masks.transpose(axes)
    first = np.argwhere(turned == 3)[0]
    with pytest.raises(ValueError, match=invalid(first, turned[tuple(first)].item(), THRESHOLD)):
        object_size(turned)


@pytest.mark.parametrize("place", [0, 1, 62, 63, 64, 65, 126, 127, 128, 198, 199])
@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8"])
def test_invalid_values_around_the_borders_of_words(place, dtype):
    masks = np.ones((1, 200), dtype)
    masks[0, place:] = 0
    with pytest.raises(ValueError, match=invalid((0, place), "0", ZERO)):
        object_size(masks)


@pytest.fixture
def many_threads(monkeypatch):
    """Four threads, however few cores there are, and for batches of a few pixels too."""
    monkeypatch.setattr(parallel, "thread_count", lambda: 4)
    monkeypatch.setattr(parallel, "PIXELS_PER_THREAD", 1)


@pytest.mark.usefixtures("many_threads")
@pytest.mark.parametrize("layout", ["plain", "transposed", "batch last", "stepped", "reversed", "misaligned"])
def test_the_first_invalid_value_of_a_batch_shared_between_threads(layout):
    rng = np.random.default_rng(0)
    for _ in range(20):
        masks = np.ones((2, 5, 60, 70), np.float32)
        masks = masks if layout == "plain" else ARRAY_LAYOUTS[layout](masks)
        for where in zip(*(rng.integers(0, side, 6) for side in masks.shape), strict=True):
            masks[where] = 0
        first = np.argwhere(masks == 0)[0]
        with pytest.raises(ValueError, match=invalid(first, "0.0", ZERO)):
            object_size(masks)


@pytest.mark.usefixtures("many_threads")
@given(masks=mask_batches(st.integers(1, 40), most_pixels=600))
@settings(max_examples=30)
def test_answers_of_batches_shared_between_threads(masks):
    for function in FUNCTIONS:
        expect(function, masks, masks)
        expect(function, np.asfortranarray(as_array(masks, "f4")), masks)


def test_the_first_invalid_value_of_a_large_batch():
    masks = np.ones((3, 1024, 1024), np.int8)
    masks[2, 1023, 1023] = masks[1, 700, 5] = masks[1, 700, 4] = 0
    with pytest.raises(ValueError, match=invalid((1, 700, 4), "0", ZERO)):
        object_size(masks)


# ------------------------------------------------------------------------------------------------ kinds refused


BAD_ARRAY_DTYPES = ["c8", "c16", "O", "U2", "S2", "M8[s]", "m8[s]", "V3", "i4,i4"]
if np.dtype(np.longdouble).itemsize > 8:
    BAD_ARRAY_DTYPES.append("g")


@each_function
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", ">u4"])
def test_unsigned_arrays_are_refused(function, dtype):
    with pytest.raises(TypeError, match=f"masks of {np.dtype(dtype)} cannot hold -1: {ZERO}"):
        function(np.ones((4, 5), dtype))


@each_function
@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.uint32, torch.uint64], ids=str)
def test_unsigned_tensors_are_refused(function, dtype):
    with pytest.raises(TypeError, match=f"masks of {dtype} cannot hold -1: {ZERO}"):
        function(torch.ones(4, 5).to(dtype))


@each_function
@pytest.mark.parametrize("dtype", BAD_ARRAY_DTYPES)
def test_other_dtypes_of_arrays_are_refused(function, dtype):
    with pytest.raises(TypeError, match="masks must be bool, or -1 and .1 as signed integers or floats") as error:
        function(np.zeros((4, 5), dtype))
    assert str(error.value).endswith(f"not {np.dtype(dtype)}")


@each_function
@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128, torch.float8_e4m3fn], ids=str)
def test_other_dtypes_of_tensors_are_refused(function, dtype):
    with pytest.raises(TypeError, match=f"masks must be bool, or .* signed integers or floats .*not {dtype}"):
        function(torch.ones(4, 5).to(dtype))


@each_function
def test_sparse_and_meta_tensors_are_refused(function):
    with pytest.raises(
        TypeError, match=r"masks must be a dense tensor, not one of layout torch.sparse_coo: .*to_dense"
    ):
        function(torch.ones(4, 5).to_sparse())
    with pytest.raises(TypeError, match="masks is a meta tensor|masks are a meta tensor"):
        function(torch.ones(4, 5, device="meta"))


@each_function
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("layout", [torch.strided, torch.jagged], ids=str)
def test_nested_tensors_are_refused(function, layout):
    masks = torch.nested.nested_tensor([torch.ones(4, 5), torch.ones(4, 5)], layout=layout)
    with pytest.raises(TypeError, match="masks must be a dense tensor"):
        function(masks)


# ------------------------------------------------------------------------------------------------ shapes refused


@each_function
@pytest.mark.parametrize("spatial_dims", [0, 4, -1, "2", None, 2.0, True, [2], (1, 2)], ids=repr)
def test_spatial_dims_refused(function, spatial_dims):
    with pytest.raises(ValueError, match="spatial_dims must be 1, 2 or 3, not ") as error:
        function(np.ones((4, 5), bool), spatial_dims=spatial_dims)
    assert repr(spatial_dims) in str(error.value)


@each_function
@pytest.mark.parametrize(("shape", "spatial_dims"), [((), 1), ((), 2), ((5,), 2), ((4, 5), 3)])
def test_too_few_dims(function, shape, spatial_dims):
    for masks in np.ones(shape, bool), torch.ones(shape):
        with pytest.raises(ValueError, match="fewer than the") as error:
            function(masks, spatial_dims=spatial_dims)
        assert f"masks of shape {shape} have {len(shape)} dims" in str(error.value)
        assert f"spatial_dims={spatial_dims}" in str(error.value)


@each_function
@pytest.mark.parametrize(
    ("shape", "spatial_dims"), [((0, 5), 2), ((5, 0), 2), ((3, 4, 0), 2), ((0, 0), 2), ((4, 0), 1)]
)
def test_grids_without_pixels(function, shape, spatial_dims):
    for masks in np.ones(shape, bool), torch.ones(shape):
        with pytest.raises(ValueError, match="have no pixels") as error:
            function(masks, spatial_dims=spatial_dims)
        assert f"masks of shape {shape}" in str(error.value)


@each_function
def test_only_masks_are_given_by_position(function):
    with pytest.raises(TypeError, match="positional argument"):
        function(np.ones((4, 5), bool), 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int8], ids=str)
def test_masks_that_torch_negates_later(dtype):
    masks = torch.where(torch.rand(3, 6, 7) < 0.8, 1, -1).to(dtype)
    for function in (distance_transform, flip_sizes, object_size):
        assert torch.equal(function(torch._neg_view(-masks)), function(masks))
