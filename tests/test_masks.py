"""What counts as a mask and as an answer: dtypes, layouts, shapes, ``out``, and every refusal."""

import io
import tracemalloc
import warnings

import numpy as np
import oracles
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from strategies import all_but, mask_batches, random_masks

from chdt import distance_transform, flip_sizes, object_size
from chdt.cpu import threads as parallel

FUNCTIONS = [distance_transform, object_size, flip_sizes]
PER_PIXEL = [distance_transform, flip_sizes]
ORACLES = {
    distance_transform: oracles.fast_distances,
    object_size: oracles.fast_size,
    flip_sizes: oracles.fast_flip_sizes,
}
ARRAY_DTYPES = ["?", "i1", "i2", "i4", "i8", "f2", "f4", "f8", ">i2", ">i4", ">i8", ">f2", ">f4", ">f8", "<i2", "<f4"]
TENSOR_DTYPES = [
    torch.bool, torch.int8, torch.int16, torch.int32, torch.int64,
    torch.float16, torch.bfloat16, torch.float32, torch.float64,
]  # fmt: skip

each_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
each_per_pixel = pytest.mark.parametrize("function", PER_PIXEL, ids=lambda f: f.__name__)
each_array_dtype = pytest.mark.parametrize("dtype", ARRAY_DTYPES)
each_tensor_dtype = pytest.mark.parametrize("dtype", TENSOR_DTYPES, ids=str)


def as_array(masks, dtype):
    """Bool masks as ±1 of a dtype."""
    return masks if np.dtype(dtype) == bool else np.where(masks, 1, -1).astype(dtype)


def as_tensor(masks, dtype):
    tensor = torch.from_numpy(masks.copy())
    return tensor if dtype == torch.bool else (2 * tensor.to(torch.int8) - 1).to(dtype)


def to_numpy(answer):
    return answer.numpy() if isinstance(answer, torch.Tensor) else answer


def expect(function, given_masks, masks, **options):
    """The function says of ``given_masks`` what its oracle says of the same masks as bool, and leaves them alone."""
    tensor = isinstance(given_masks, torch.Tensor)
    before = given_masks.clone() if tensor else given_masks.copy()
    answer = function(given_masks, **options)
    spatial_dims = options.get("spatial_dims", 2)
    np.testing.assert_array_equal(to_numpy(answer), oracles.each(ORACLES[function], masks, spatial_dims))
    one_size = function is object_size and masks.ndim == spatial_dims
    assert type(answer) is (torch.Tensor if tensor else np.int32 if one_size else np.ndarray)
    assert answer.dtype == (torch.int32 if tensor else np.int32)
    assert answer.shape == (given_masks.shape[:-spatial_dims] if function is object_size else given_masks.shape)
    assert torch.equal(given_masks, before) if tensor else (given_masks == before).all()
    return answer


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


def _copy_of(masks, axes):
    """The same masks, whose memory has its axes in this order."""
    return np.ascontiguousarray(masks.transpose(axes)).transpose(np.argsort(axes))


def _stepped(masks):
    larger = np.zeros([3 * side for side in masks.shape], masks.dtype)
    larger[tuple(slice(1, None, 3) for _ in masks.shape)] = masks
    return larger[tuple(slice(1, None, 3) for _ in masks.shape)]


def _cropped(masks):
    larger = np.zeros([side + 2 for side in masks.shape], masks.dtype)
    larger[tuple(slice(1, -1) for _ in masks.shape)] = masks
    return larger[tuple(slice(1, -1) for _ in masks.shape)]


def _reversed(masks):
    every = (slice(None, None, -1),) * masks.ndim
    return masks[every].copy()[every]


def _misaligned(masks):
    memory = bytearray(masks.nbytes + 1)
    array = np.frombuffer(memory, np.uint8)[1:].view(masks.dtype).reshape(masks.shape)
    array[...] = masks
    assert masks.itemsize == 1 or not array.flags.aligned
    return array


def _read_only(masks):
    masks = masks.copy()
    masks.flags.writeable = False
    return masks


def _read_only_crop(masks):
    masks = _cropped(masks)
    masks.flags.writeable = False
    return masks


def _field(masks):
    records = np.zeros(masks.shape, [("other", "i1"), ("mask", masks.dtype)])
    records["mask"] = masks
    return records["mask"]


ARRAY_LAYOUTS = {
    "transposed": lambda masks: _copy_of(masks, [0, 1, 3, 2]),
    "channels last": lambda masks: _copy_of(masks, [0, 2, 3, 1]),
    "batch last": lambda masks: _copy_of(masks, [2, 3, 0, 1]),
    "Fortran": np.asfortranarray,
    "stepped": _stepped,
    "cropped": _cropped,
    "reversed": _reversed,
    "misaligned": _misaligned,
    "read-only": _read_only,
    "read-only crop": _read_only_crop,
    "field": _field,
    "subclass": lambda masks: masks.view(type("Subclass", (np.ndarray,), {})),
}


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


TENSOR_LAYOUTS = {
    "transposed": lambda masks: masks.mT.contiguous().mT,
    "channels last": lambda masks: masks.contiguous(memory_format=torch.channels_last),
    "batch last": lambda masks: masks.permute(2, 3, 0, 1).contiguous().permute(2, 3, 0, 1),
    "stepped": lambda masks: torch.stack([masks, masks], -1).flatten(-2)[..., ::2],
    "cropped": lambda masks: torch.nn.functional.pad(masks, (1, 1, 1, 1))[..., 1:-1, 1:-1],
    "requires grad": lambda masks: masks.clone().requires_grad_(masks.is_floating_point()),
    "parameter": lambda masks: torch.nn.Parameter(masks, requires_grad=masks.is_floating_point()),
    "of a graph": lambda masks: masks.clone().requires_grad_() * 1 if masks.is_floating_point() else masks.clone(),
}


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
@pytest.mark.parametrize("layout", ["plain", "transposed", "channels last", "batch last", "stepped", "reversed"])
@pytest.mark.parametrize("grid", [(9, 17), (1, 63), (1, 64), (70, 130)], ids=str)
def test_true_is_any_byte_but_0(function, grid, layout):
    masks = random_masks((3, 2, *grid), 0.9)
    given_masks = of_any_bytes(masks)
    given_masks = given_masks if layout == "plain" else ARRAY_LAYOUTS[layout](given_masks)
    bytes_before = given_masks.view(np.uint8).copy()
    expected = oracles.each(ORACLES[function], masks)
    np.testing.assert_array_equal(function(given_masks), expected)
    np.testing.assert_array_equal(given_masks.view(np.uint8), bytes_before)
    if layout != "reversed":  # of which there are no tensors
        np.testing.assert_array_equal(function(torch.from_numpy(given_masks)), expected)


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


@each_per_pixel
def test_a_batch_of_no_masks_into_out(function):
    masks = np.ones((0, 6, 11), bool)
    out = np.empty(masks.shape)
    assert function(masks, out=out) is out
    out = torch.empty(masks.shape)
    assert function(torch.from_numpy(masks), out=out) is out


@each_function
def test_spatial_dims_may_be_any_integer(function):
    masks = random_masks((2, 3, 8), 0.9)
    for spatial_dims in 1, 2, 3:
        expected = function(masks, spatial_dims=spatial_dims)
        np.testing.assert_array_equal(function(masks, spatial_dims=np.int64(spatial_dims)), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@each_function
def test_masks_on_another_device(function):
    masks = random_masks((3, 2, 9, 17), 0.9)
    for layout in TENSOR_LAYOUTS.values():
        given_masks = layout(as_tensor(masks, torch.float32)).cuda()
        answer = function(given_masks)
        assert answer.device == given_masks.device
        assert answer.dtype == torch.int32
        np.testing.assert_array_equal(answer.cpu(), oracles.each(ORACLES[function], masks))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@each_per_pixel
def test_out_on_another_device(function):
    masks = torch.ones(4, 5, device="cuda")
    out = torch.empty(4, 5, device="cuda")
    assert function(masks, out=out) is out
    assert torch.equal(out.int().cpu(), function(masks.cpu()))
    for here, there in [("cpu", "cuda"), ("cuda", "cpu")]:
        with pytest.raises(ValueError, match="out is on .*, but masks are on .*: they must be on the same device"):
            function(masks.to(here), out=out.to(there))


# ------------------------------------------------------------------------------------------------ out


def integers(array):
    """An array or a tensor as int64, bfloat16 too."""
    return array.to(torch.int64).numpy() if isinstance(array, torch.Tensor) else array.astype(np.int64)


OUT_ARRAY_DTYPES = [
    "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", ">i2", ">i4", ">i8", ">u2", ">f2", ">f4", ">f8",
]  # fmt: skip
OUT_TENSOR_DTYPES = [
    torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.uint16, torch.uint32, torch.uint64,
    torch.float16, torch.bfloat16, torch.float32, torch.float64,
]  # fmt: skip


@pytest.mark.parametrize("dtype", OUT_ARRAY_DTYPES)
def test_out_of_every_array_dtype(dtype):
    masks = random_masks((3, 2, 9, 17), 0.9)
    out = np.full(masks.shape, 77, dtype)
    assert distance_transform(masks, out=out) is out
    assert out.dtype == dtype
    np.testing.assert_array_equal(integers(out), oracles.each(oracles.fast_distances, masks))


@pytest.mark.parametrize("dtype", OUT_TENSOR_DTYPES, ids=str)
def test_out_of_every_tensor_dtype(dtype):
    masks = random_masks((3, 2, 9, 17), 0.9)
    out = torch.full(masks.shape, 77).to(dtype)
    assert distance_transform(torch.from_numpy(masks), out=out) is out
    assert out.dtype == dtype
    np.testing.assert_array_equal(integers(out), oracles.each(oracles.fast_distances, masks))


@pytest.mark.parametrize("dtype", ["i4", "f4", ">i4"])
def test_out_of_flip_sizes_for_arrays(dtype):
    masks = random_masks((3, 2, 9, 17), 0.9)
    out = np.full(masks.shape, 77, dtype)
    assert flip_sizes(masks, out=out) is out
    assert out.dtype == dtype
    np.testing.assert_array_equal(integers(out), oracles.each(oracles.fast_flip_sizes, masks))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int32, torch.float32], ids=str)
def test_out_of_flip_sizes_for_tensors(dtype):
    masks = random_masks((3, 2, 9, 17), 0.9)
    out = torch.full(masks.shape, 77).to(dtype)
    assert flip_sizes(torch.from_numpy(masks), out=out) is out
    assert out.dtype == dtype
    np.testing.assert_array_equal(integers(out), oracles.each(oracles.fast_flip_sizes, masks))


OUT_ARRAY_LAYOUTS = ["transposed", "channels last", "batch last", "Fortran", "stepped", "cropped", "reversed"]
OUT_TENSOR_LAYOUTS = {
    "transposed": lambda dtype: torch.zeros(3, 2, 17, 9, dtype=dtype).mT,
    "channels last": lambda dtype: torch.zeros(3, 2, 9, 17, dtype=dtype).to(memory_format=torch.channels_last),
    "batch last": lambda dtype: torch.zeros(9, 17, 3, 2, dtype=dtype).permute(2, 3, 0, 1),
    "stepped": lambda dtype: torch.zeros(6, 2, 9, 51, dtype=dtype)[1::2, ..., ::3],
    "cropped": lambda dtype: torch.zeros(3, 2, 11, 19, dtype=dtype)[..., 1:-1, 1:-1],
}


@each_per_pixel
@pytest.mark.parametrize("dtype", ["i4", "f8", ">f4", "u1"])
@pytest.mark.parametrize("layout", OUT_ARRAY_LAYOUTS)
def test_out_of_every_array_layout(function, dtype, layout):
    masks = random_masks((3, 2, 9, 17), 0.9)
    out = ARRAY_LAYOUTS[layout](np.zeros(masks.shape, dtype))
    assert not out.flags.c_contiguous
    assert function(masks, out=out) is out
    expected = oracles.each(ORACLES[function], masks)
    np.testing.assert_array_equal(out, expected)
    whole = out if out.base is None else out.base
    assert whole.astype(int).sum() == expected.sum()  # what lies between is as it was


@each_per_pixel
@pytest.mark.parametrize("dtype", ["u1", "i4", "f4"])
@pytest.mark.parametrize("layout", ["misaligned", "subclass"])
def test_out_of_other_arrays(function, dtype, layout):
    masks = random_masks((3, 2, 9, 17), 0.9)
    out = ARRAY_LAYOUTS[layout](np.zeros(masks.shape, dtype))
    assert function(masks, out=out) is out
    np.testing.assert_array_equal(out, oracles.each(ORACLES[function], masks))


@each_per_pixel
@pytest.mark.parametrize("dtype", [torch.int32, torch.bfloat16, torch.uint16, torch.float64], ids=str)
@pytest.mark.parametrize("layout", OUT_TENSOR_LAYOUTS)
def test_out_of_every_tensor_layout(function, dtype, layout):
    masks = random_masks((3, 2, 9, 17), 0.9)
    out = OUT_TENSOR_LAYOUTS[layout](dtype)
    assert not out.is_contiguous()
    assert function(torch.from_numpy(masks), out=out) is out
    expected = oracles.each(ORACLES[function], masks)
    np.testing.assert_array_equal(integers(out), expected)
    whole = integers(out if out._base is None else out._base)
    assert whole.sum() == expected.sum()  # what lies between is as it was


def test_out_that_is_a_matrix(python):
    # A subclass that stays 2D whatever is done to it. In a process of its own: what was once written lay elsewhere.
    python(
        """
import warnings
import numpy as np, oracles
from chdt import distance_transform, flip_sizes
from strategies import random_masks

warnings.simplefilter("ignore", PendingDeprecationWarning)
mask = random_masks((9, 17), 0.9)
for function, oracle in (distance_transform, oracles.distances), (flip_sizes, oracles.flip_sizes):
    out = np.matrix(np.zeros(mask.shape, np.int32))
    assert function(mask, out=out) is out
    np.testing.assert_array_equal(np.asarray(out), oracle(mask))
"""
    )


@each_per_pixel
def test_out_may_lie_between_the_masks(function):
    masks = random_masks((3, 9, 17), 0.9)
    records = np.zeros(masks.shape, [("mask", "f4"), ("answer", "f4")])
    records["mask"] = as_array(masks, "f4")
    function(records["mask"], out=records["answer"])
    np.testing.assert_array_equal(records["answer"], oracles.each(ORACLES[function], masks))
    np.testing.assert_array_equal(records["mask"], as_array(masks, "f4"))
    both = torch.zeros(6, 9, 17)
    both[::2] = as_tensor(masks, torch.float32)
    function(both[::2], out=both[1::2])
    np.testing.assert_array_equal(both[1::2].numpy(), records["answer"])
    assert torch.equal(both[::2], as_tensor(masks, torch.float32))


@each_per_pixel
@pytest.mark.parametrize("dtype", [torch.int32, torch.float32], ids=str)
def test_out_knows_that_it_was_written(function, dtype):
    masks = torch.from_numpy(random_masks((3, 9, 17), 0.9))
    for out in torch.empty(3, 9, 17, dtype=dtype), torch.empty(3, 17, 9, dtype=dtype).mT:
        version = out._version
        function(masks, out=out)
        assert out._version > version
    weights = torch.ones(3, 9, 17, requires_grad=True)
    out = torch.empty(3, 9, 17)
    loss = (weights * out).sum()
    function(masks, out=out)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@each_per_pixel
def test_out_in_inference_mode(function):
    masks = random_masks((3, 9, 17), 0.9)
    with torch.inference_mode():
        out = torch.empty(3, 9, 17)
        assert function(torch.from_numpy(masks), out=out) is out
        np.testing.assert_array_equal(integers(out), oracles.each(ORACLES[function], masks))


@given(masks=mask_batches(st.integers(1, 60), most_pixels=2000), dtype=st.sampled_from(OUT_ARRAY_DTYPES))
def test_any_out(masks, dtype):
    out = np.empty(masks.shape, dtype)
    assert distance_transform(masks, out=out) is out
    np.testing.assert_array_equal(integers(out), oracles.each(oracles.fast_distances, masks))


# ------------------------------------------------------------------------------------------------ out refused


def refused(function, masks, out, error, message):
    """The call fails as it should, and ``out`` is what it was."""
    before = out.clone() if isinstance(out, torch.Tensor) else np.array(out)
    with pytest.raises(error, match=message):
        function(masks, out=out)
    if isinstance(out, torch.Tensor):
        assert torch.equal(out, before)
    else:
        np.testing.assert_array_equal(out, before)


ARRAY_LIMITS = {"i1": 127, "u1": 255, "f2": 2048, "i2": 32_767, "u2": 65_535, ">i2": 32_767, ">f2": 2048}
TENSOR_LIMITS = {
    torch.int8: 127, torch.uint8: 255, torch.bfloat16: 256, torch.float16: 2048,
    torch.int16: 32_767, torch.uint16: 65_535,
}  # fmt: skip


@pytest.mark.parametrize("along", ["row", "column"])
@pytest.mark.parametrize(("dtype", "limit"), ARRAY_LIMITS.items())
def test_the_largest_distance_in_a_narrow_array(dtype, limit, along):
    grid = (1, limit) if along == "row" else (limit, 1)
    out = distance_transform(np.ones(grid, bool), out=np.zeros(grid, dtype))
    assert (out == limit).all()
    grid = (1, limit + 1) if along == "row" else (limit + 1, 1)
    message = f"out of {np.dtype(dtype)} holds integers up to {limit}, but answers may be up to {limit + 1}"
    refused(distance_transform, np.ones(grid, bool), np.full(grid, 7, dtype), ValueError, message)


@pytest.mark.parametrize(("dtype", "limit"), TENSOR_LIMITS.items(), ids=str)
def test_the_largest_distance_in_a_narrow_tensor(dtype, limit):
    out = distance_transform(torch.ones(1, limit), out=torch.zeros(1, limit).to(dtype))
    assert (out.to(torch.int64) == limit).all()
    message = f"out of {dtype} holds integers up to {limit}, but answers may be up to {limit + 1}"
    out = torch.full((1, limit + 1), 7).to(dtype)
    refused(distance_transform, torch.ones(1, limit + 1), out, ValueError, message)


@pytest.mark.parametrize(("dtype", "limit"), [("i1", 126), ("u1", 254), ("f2", 2048), ("i2", 32_766), ("u2", 65_534)])
def test_the_largest_size_in_a_narrow_array(dtype, limit):
    side = limit // 2
    mask = all_but((1, side), (0, side // 2))
    out = np.zeros((1, 2 * side), dtype)[:, ::2]  # not contiguous, so that no kernel is compiled for it
    assert flip_sizes(mask, out=out).max() == limit
    message = f"out of {np.dtype(dtype)} holds integers up to .*, but answers may be up to {limit + 2}"
    refused(flip_sizes, np.ones((1, side + 1), bool), np.full((1, side + 1), 7, dtype), ValueError, message)


@pytest.mark.parametrize(("dtype", "limit"), [(torch.int8, 126), (torch.uint8, 254), (torch.bfloat16, 256)], ids=str)
def test_the_largest_size_in_a_narrow_tensor(dtype, limit):
    side = limit // 2
    mask = torch.from_numpy(all_but((1, side), (0, side // 2)))
    out = torch.zeros(1, 2 * side).to(dtype)[:, ::2]
    assert flip_sizes(mask, out=out).max().item() == limit
    message = f"out of {dtype} holds integers up to .*, but answers may be up to {limit + 2}"
    refused(flip_sizes, torch.ones(1, side + 1), torch.full((1, side + 1), 7).to(dtype), ValueError, message)


def _expanded(array):
    return np.lib.stride_tricks.as_strided(array, array.shape, (0, array.itemsize))


BAD_OUT_ARRAYS = [
    (np.zeros((4, 5), bool), TypeError, "out must be of an integer or float dtype, not bool"),
    (np.zeros((4, 5), np.complex64), TypeError, "out must be of an integer or float dtype, not complex64"),
    (np.zeros((4, 5), np.complex128), TypeError, "out must be of an integer or float dtype, not complex128"),
    (np.zeros((4, 5), object), TypeError, "out must be of an integer or float dtype, not object"),
    (np.zeros((4, 5), "M8[s]"), TypeError, "out must be of an integer or float dtype, not datetime64"),
    (np.zeros((4, 5), "S3"), TypeError, "out must be of an integer or float dtype, not |S3"),
    (np.zeros((5, 4)), ValueError, r"out has shape \(5, 4\), but masks have \(4, 5\): they must be equal"),
    (np.zeros((1, 4, 5)), ValueError, r"out has shape \(1, 4, 5\), but masks have \(4, 5\)"),
    (np.zeros(20), ValueError, r"out has shape \(20,\), but masks have \(4, 5\)"),
    (np.zeros((4, 1)), ValueError, r"out has shape \(4, 1\), but masks have \(4, 5\)"),
    (np.float64(3), TypeError, "out must be of the kind of masks, numpy.ndarray, not numpy.float64"),
    (np.ma.zeros((4, 5)), TypeError, "out must be of the kind of masks, numpy.ndarray, not numpy.ma"),
    (torch.zeros(4, 5), TypeError, "out must be of the kind of masks, numpy.ndarray, not torch.Tensor"),
    ([[0] * 5] * 4, TypeError, "out must be of the kind of masks, numpy.ndarray, not list"),
    (_read_only(np.zeros((4, 5))), ValueError, "out is read-only"),
    (_read_only_crop(np.zeros((4, 5))), ValueError, "out is read-only"),
    (_expanded(np.zeros((4, 5))), ValueError, r"out has strides \(0, 8\): some of its elements are the same memory"),
    (
        np.lib.stride_tricks.as_strided(np.zeros(20), (4, 5), (8, 8)),
        ValueError,
        r"out has strides \(8, 8\): some of its elements are the same memory",
    ),
]
if np.dtype(np.longdouble).itemsize > 8:
    BAD_OUT_ARRAYS.append((np.zeros((4, 5), np.longdouble), TypeError, "integer or float dtype, not float|longdouble"))


@each_per_pixel
@pytest.mark.parametrize(("out", "error", "message"), BAD_OUT_ARRAYS, ids=[f"{m[:50]}" for _, _, m in BAD_OUT_ARRAYS])
def test_refused_as_out_for_arrays(function, out, error, message):
    refused(function, np.ones((4, 5)), out, error, message)


BAD_OUT_TENSORS = {
    "bool": (lambda: torch.zeros(4, 5, dtype=torch.bool), TypeError, "integer or float dtype, not torch.bool"),
    "complex": (lambda: torch.zeros(4, 5) * 1j, TypeError, "integer or float dtype, not torch.complex64"),
    "shape": (lambda: torch.zeros(5, 4), ValueError, r"out has shape \(5, 4\), but masks have \(4, 5\)"),
    "dims": (lambda: torch.zeros(1, 4, 5), ValueError, r"out has shape \(1, 4, 5\), but masks have \(4, 5\)"),
    "array": (lambda: np.zeros((4, 5)), TypeError, "of the kind of masks, torch.Tensor, not numpy.ndarray"),
    "grad": (lambda: torch.zeros(4, 5, requires_grad=True), ValueError, "out requires grad.*: pass out.detach()"),
    "graph": (lambda: torch.zeros(4, 5, requires_grad=True) * 1, ValueError, "out requires grad"),
    "expanded": (lambda: torch.zeros(1, 5).expand(4, 5), ValueError, "some of its elements are the same memory"),
    "overlapping": (lambda: torch.zeros(20).as_strided((4, 5), (1, 1)), ValueError, "elements are the same memory"),
}


@each_per_pixel
@pytest.mark.parametrize("kind", BAD_OUT_TENSORS)
def test_refused_as_out_for_tensors(function, kind):
    make, error, message = BAD_OUT_TENSORS[kind]
    refused(function, torch.ones(4, 5), make(), error, message)


@each_per_pixel
def test_tensors_without_values_refused_as_out(function):
    with pytest.raises(TypeError, match="out is a meta tensor"):
        function(torch.ones(4, 5), out=torch.zeros(4, 5, device="meta"))
    with pytest.raises(TypeError, match="out must be a dense tensor, not one of layout torch.sparse_coo"):
        function(torch.ones(4, 5), out=torch.zeros(4, 5).to_sparse())


@each_per_pixel
@pytest.mark.parametrize("kind", ["array", "tensor"])
@pytest.mark.parametrize(
    "where",
    [
        (slice(0, 4), slice(0, 4)),
        (slice(0, 4), slice(3, 7)),
        (slice(3, 7), slice(0, 4)),
        (slice(0, 4), slice(0, 8, 2)),
        (slice(0, 4), slice(3, None, -1)),
    ],
    ids=str,
)
def test_out_that_overlaps_the_masks_is_refused(function, kind, where):
    if kind == "tensor" and where[1].step == -1:
        where = (where[0], slice(1, 5))
    memory = np.ones((8, 5), np.int32)
    memory = memory if kind == "array" else torch.from_numpy(memory)
    refused(function, memory[where[0]], memory[where[1]], ValueError, "out and masks overlap in memory")


@each_per_pixel
def test_out_that_is_other_bits_of_the_masks_is_refused(function):
    masks = np.ones((4, 5), np.float32)
    refused(function, masks, masks.view(np.int32), ValueError, "out and masks overlap in memory")
    refused(function, masks, masks.view(np.uint16)[:, ::2], ValueError, "out and masks overlap in memory")
    tensor = torch.ones(4, 5)
    refused(function, tensor, tensor.view(torch.int32), ValueError, "out and masks overlap in memory")
    refused(function, tensor, torch.from_numpy(tensor.numpy()), ValueError, "out and masks overlap in memory")


@each_per_pixel
@pytest.mark.parametrize("layout", ["plain", "Fortran", "stepped"])
@pytest.mark.parametrize("dtype", ["i4", "f4", "u1"])
def test_nothing_is_written_where_masks_are_invalid(function, layout, dtype):
    masks = np.ones((3, 40, 50))
    masks[2, 39, 49] = 0
    out = np.full((1, *masks.shape), 7, dtype)
    out = out if layout == "plain" else ARRAY_LAYOUTS[layout](out)
    refused(function, masks[None], out, ValueError, r"masks\[0, 2, 39, 49\] is 0.0")


@each_per_pixel
def test_nothing_is_written_into_a_tensor_where_masks_are_invalid(function):
    masks = torch.ones(3, 40, 50)
    masks[2, 39, 49] = torch.nan
    out = torch.full(masks.shape, 7)
    version = out._version
    refused(function, masks, out, ValueError, r"masks\[2, 39, 49\] is nan")
    assert out._version == version


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
@pytest.mark.parametrize(
    ("masks", "kind"),
    [
        ([[1, -1], [1, 1]], "list"),
        (((1, -1), (1, 1)), "tuple"),
        (None, "NoneType"),
        (1.0, "float"),
        (np.float32(1), "numpy.float32"),
        ("mask", "str"),
        (memoryview(bytes(4)), "memoryview"),
    ],
)
def test_other_kinds_are_refused(function, masks, kind):
    with pytest.raises(TypeError, match=f"masks must be a NumPy array or a torch tensor, not {kind}: convert with"):
        function(masks)


@each_function
@pytest.mark.parametrize(("dtype", "background"), [("?", "False"), ("u1", "0"), ("i4", "-1"), ("f4", "-1")])
def test_masked_arrays_are_refused(function, dtype, background):
    masked = np.ma.masked_array(np.ones((4, 5), dtype), np.zeros((4, 5), bool))
    with pytest.raises(TypeError, match="masks must be a NumPy array or a torch tensor, not numpy.ma.*Array") as error:
        function(masked)
    assert str(error.value).endswith(f"convert with masks.filled({background}), which says what masked pixels are")


def _made_by(package):
    """Something of a class that this package has."""
    return type("Image", (), {"__module__": package})()


@each_function
@pytest.mark.parametrize(
    ("masks", "advice"),
    [
        ([[1, -1]], "numpy.asarray(masks)"),
        ([np.ones((3, 4))], "numpy.asarray(masks)"),
        ([torch.ones(3, 4)], "torch.stack(masks)"),
        ((torch.ones(3, 4), torch.ones(3, 4)), "torch.stack(masks)"),
        (_made_by("PIL.Image"), "numpy.asarray(masks)"),
        (_made_by("SimpleITK.SimpleITK"), "SimpleITK.GetArrayFromImage(masks)"),
        (_made_by("itk.itkImagePython"), "itk.array_from_image(masks)"),
        (_made_by("nibabel.nifti1"), "numpy.asarray(masks.dataobj)"),
        (_made_by("xarray.core.dataarray"), "masks.to_numpy()"),
        (_made_by("torchio.data.image"), "masks.data"),
        (_made_by("cupy"), "torch.as_tensor(masks)"),
    ],
    ids=lambda given: given if isinstance(given, str) else type(given).__module__,  # the same in every process
)
def test_advice_for_other_kinds(function, masks, advice):
    with pytest.raises(TypeError, match="masks must be a NumPy array or a torch tensor") as error:
        function(masks)
    assert str(error.value).endswith(f": convert with {advice}")


@each_function
def test_the_advice_for_a_table_is_right(function):
    pandas = pytest.importorskip("pandas")
    mask = random_masks((9, 17), 0.9)
    table = pandas.DataFrame(mask)
    with pytest.raises(TypeError, match=r"convert with masks.to_numpy\(\)$"):
        function(table)
    expect(function, table.to_numpy(), mask)


@each_function
def test_the_advice_for_an_image_of_nibabel_is_right(function):
    nibabel = pytest.importorskip("nibabel")
    volume = random_masks((5, 6, 7), 0.9, spatial_dims=3)
    image = nibabel.Nifti1Image(as_array(volume, "i2"), np.eye(4))
    with pytest.raises(TypeError, match=r"convert with numpy.asarray\(masks.dataobj\)$"):
        function(image, spatial_dims=3)
    expect(function, np.asarray(image.dataobj), volume, spatial_dims=3)


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


# ------------------------------------------------------------------------------------------------ memory


@each_function
@pytest.mark.parametrize("layout", ["plain", "transposed"])
def test_temporaries_are_at_most_a_quarter_of_the_masks(function, layout):
    masks = as_array(random_masks((1, 64, 256, 256), 0.9), "f4")
    masks = masks if layout == "plain" else ARRAY_LAYOUTS[layout](masks)
    out = {} if function is object_size else {"out": np.empty(masks.shape, np.int32)}
    function(masks, **out)  # compiles
    tracemalloc.start()
    try:
        np.empty(masks.size // 8)  # is seen
        assert tracemalloc.get_traced_memory()[1] >= masks.size
        tracemalloc.reset_peak()
        function(masks, **out)
        into_out = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        answer = function(masks)
        new = tracemalloc.get_traced_memory()[1] - answer.nbytes
    finally:
        tracemalloc.stop()
    assert into_out <= masks.nbytes / 4
    assert new <= masks.nbytes / 4


def test_memory_does_not_grow(python):
    statm = "/proc/self/statm"
    try:
        open(statm).close()
    except OSError:
        pytest.skip("needs /proc")
    grown = python(
        f"""
import gc
import numpy as np, torch
from chdt import distance_transform, flip_sizes, object_size

def resident():
    gc.collect()
    with open({statm!r}) as file:
        return int(file.read().split()[1]) * {__import__("resource").getpagesize()}

def calls(count):
    for number in range(count):
        for function in distance_transform, object_size, flip_sizes:
            function(masks)
            function(tensor)
        distance_transform(masks, out=out)
        try:
            object_size(wrong)
        except ValueError:
            pass

masks = np.ones((2, 12, 13), np.float32)
masks[:, 4, 5] = -1
tensor, out, wrong = torch.from_numpy(masks), np.empty(masks.shape, np.float32), 0 * masks
calls(2000)
before = resident()
calls(10_000)
print(resident() - before)
"""
    )
    assert int(grown) < 1 << 20
