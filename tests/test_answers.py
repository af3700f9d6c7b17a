"""Where answers go: on the device of the masks, into ``out`` of every dtype and layout, and nowhere on errors."""

import numpy as np
import oracles
import pytest
import torch
from expect import ORACLES
from forms import ARRAY_LAYOUTS, TENSOR_LAYOUTS, as_array, as_tensor, each_function
from hypothesis import given
from hypothesis import strategies as st
from strategies import all_but, mask_batches, random_masks

from chdt import distance_transform, flip_sizes
from chdt.cpu import route

PER_PIXEL = [distance_transform, flip_sizes]
each_per_pixel = pytest.mark.parametrize("function", PER_PIXEL, ids=lambda f: f.__name__)


@each_per_pixel
def test_a_batch_of_no_masks_into_out(function):
    masks = np.ones((0, 6, 11), bool)
    out = np.empty(masks.shape)
    assert function(masks, out=out) is out
    out = torch.empty(masks.shape)
    assert function(torch.from_numpy(masks), out=out) is out


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
    (ARRAY_LAYOUTS["read-only"](np.zeros((4, 5))), ValueError, "out is read-only"),
    (ARRAY_LAYOUTS["read-only crop"](np.zeros((4, 5))), ValueError, "out is read-only"),
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
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("layout", [*OUT_ARRAY_LAYOUTS, *OUT_TENSOR_LAYOUTS])
def test_out_of_every_layout_with_a_spacing(function, dtype, layout):
    masks = random_masks((3, 2, 9, 17), 0.9)
    expected = function(masks, spacing=(3, 1))
    if layout in OUT_ARRAY_LAYOUTS:
        array = ARRAY_LAYOUTS[layout](np.zeros(masks.shape, str(dtype).split(".")[1]))
        assert function(masks, spacing=(3, 1), out=array) is array
        np.testing.assert_array_equal(array, expected)
    if layout in OUT_TENSOR_LAYOUTS:
        tensor = OUT_TENSOR_LAYOUTS[layout](dtype)
        version = tensor._version
        assert function(torch.from_numpy(masks), spacing=(3, 1), out=tensor) is tensor
        assert tensor._version > version
        np.testing.assert_array_equal(tensor.numpy(), expected)


@each_per_pixel
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", ">f8"])
def test_out_with_a_spacing_in_either_order_of_bytes(function, dtype):
    masks = random_masks((3, 6, 7), 0.8)
    for spacing in (2.5, (2.0, 0.7)):
        out = np.zeros(masks.shape, dtype)
        assert function(masks, spacing=spacing, out=out) is out
        np.testing.assert_array_equal(out, function(masks, spacing=spacing))


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


@each_per_pixel
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64"])
@pytest.mark.parametrize("shape", [(200, 9, 7), (7, 29, 5, 6), (3, 1, 2, 40, 33)], ids=str)
def test_out_with_strides_of_more_masks_than_are_done_at_once(monkeypatch, function, dtype, shape):
    """In pieces of several threads, each a few images at a time, whatever lies beside it in memory."""
    monkeypatch.setattr("chdt.cpu.threads.thread_count", lambda: 3)
    monkeypatch.setattr("chdt.cpu.per_pixel.KEPT_STRIDED_ANSWERS", 1)
    masks = np.random.default_rng(0).random(shape) < 0.9
    for order in ([*range(1, len(shape)), 0], range(len(shape))[::-1]):
        memory = np.full([2 * shape[axis] for axis in order], 3, dtype)
        every_second = memory[(slice(None, None, 2),) * len(shape)]
        out = every_second.transpose(np.argsort(order))
        for black_border in (False, True):
            with route.overridden(PIXELS_PER_THREAD=1 << 10):
                assert function(masks, out=out, black_border=black_border) is out
            np.testing.assert_array_equal(out, function(masks, black_border=black_border))
        every_second[...] = 3
        assert (memory == 3).all()


@each_per_pixel
def test_invalid_masks_leave_an_out_with_strides_as_it_is(function):
    masks = np.ones((5, 6, 7), np.int8)
    masks[4, 5, 6] = 0
    out = np.full((7, 6, 5), 9, np.int32).T
    with pytest.raises(ValueError, match=r"masks\[4, 5, 6\] is 0"):
        function(masks, out=out)
    assert (out == 9).all()
