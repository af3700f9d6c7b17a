"""Whatever is passed gets the right answer or a TypeError or ValueError, and nothing of the caller's is changed.

The long run is ``python -m pytest tests/test_fuzz.py --hypothesis-profile=wide``.
"""

import warnings

import numpy as np
import oracles
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import random_masks
from torch._subclasses import FakeTensorMode

import chdt

pd = pytest.importorskip("pandas")

REFUSALS = (TypeError, ValueError)
ORACLES = {
    chdt.distance_transform: oracles.fast_distances,
    chdt.object_size: oracles.fast_size,
    chdt.flip_sizes: oracles.fast_flip_sizes,
}
OPTIONS = st.fixed_dictionaries(
    {"spatial_dims": st.integers(1, 3) | st.sampled_from([0, 4, -1, 2.0, True, None, "2", np.int8(2), 2**70])}
)
SHAPES = st.lists(st.integers(0, 6), min_size=0, max_size=5).map(tuple)

# ------------------------------------------------------------------------------------------------ arrays

NUMPY_DTYPES = [
    *"?bhilqpefdg", "?", "f4", "f8", "i1", "i8", ">i2", ">i4", ">i8", ">f2", ">f4", ">f8",
    *"BHILQPFDG", "O", "S2", "U3", "V4", "M8[s]", "m8[D]", "i4,f4", [("a", "i1"), ("b", "f8", 2)],
]  # fmt: skip


class Array(np.ndarray):
    """Somebody's own kind of array."""


class Tensor(torch.Tensor):
    """Somebody's own kind of tensor."""


def negative_strides(a):
    if a.ndim == 0:  # of which NumPy's contiguous copies have one dim
        return a
    return np.ascontiguousarray(a[(slice(None, None, -1),) * a.ndim])[(slice(None, None, -1),) * a.ndim]


def read_only(a):
    a.flags.writeable = False
    return a


def misaligned(a):
    memory = np.zeros(a.nbytes + 1, np.uint8)[1:]
    b = memory.view(a.dtype).reshape(a.shape) if not a.dtype.hasobject else a
    b[...] = a
    return b


def every_other(a):
    b = np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a
    assert b.shape == a.shape
    return b


ARRAY_LAYOUTS = [
    lambda a: a, lambda a: a.copy(order="F"), negative_strides, read_only, misaligned, every_other,
    lambda a: a.view(Array), lambda a: a.T.copy().T,
]  # fmt: skip
OTHERS = [
    lambda a: np.ma.MaskedArray(a), lambda a: np.ma.MaskedArray(a, mask=True), lambda a: a.tolist(), lambda a: None,
    lambda a: tuple(a.tolist()) if a.ndim else a.item(), lambda a: "masks", lambda a: 3.5, lambda a: a.tobytes(),
    lambda a: memoryview(a), lambda a: {"masks": a}, lambda a: iter(a.reshape(-1)), lambda a: np.ndarray,
    lambda a: pd.DataFrame(a.reshape(-1, 1)), lambda a: pd.Series(a.reshape(-1)), lambda a: [a, a], lambda a: object(),
]  # fmt: skip


def values_of(mask, dtype):
    """The mask in a dtype, if it can hold it at all: None if it cannot, with something else of that dtype."""
    dtype = np.dtype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dtype.kind == "b":
            return mask.copy()
        try:
            return np.where(mask, 1, -1).astype(dtype)
        except (TypeError, ValueError):
            return np.zeros(mask.shape, dtype)


ACCEPTED = "?bhilqpefd"

# ------------------------------------------------------------------------------------------------ tensors

TORCH_DTYPES = sorted({d for d in vars(torch).values() if isinstance(d, torch.dtype)}, key=str)


def fake(t):
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        return mode.from_tensor(t)


def nested(t):
    return torch.nested.nested_tensor(list(t)) if t.ndim > 1 and len(t) else torch.nested.nested_tensor([t.flatten()])


TENSOR_LAYOUTS = [
    lambda t: t, lambda t: t.mT.contiguous().mT, lambda t: t.flip(0).flip(0), lambda t: t.as_subclass(Tensor),
    lambda t: torch.nn.Parameter(t, requires_grad=False), lambda t: t.clone().requires_grad_(),
    lambda t: t.repeat_interleave(2, -1)[..., ::2],
    lambda t: torch.cat([t.flatten(), t.flatten()])[t.numel() :].view(t.shape),
]  # fmt: skip
NO_TENSORS = [
    lambda t: t.to_sparse(), lambda t: t.to_sparse_csr(), lambda t: t.to("meta"), nested,
    lambda t: torch.quantize_per_tensor(t.float(), 1.0, 0, torch.qint8), lambda t: t.to(torch.complex64).conj(),
    lambda t: t.to_mkldnn(),
]  # fmt: skip


@st.composite
def things(draw, shapes=SHAPES, of=("array", "tensor", "no tensor", "other")):
    """Something that was passed as masks: with the bool mask that it stands for, or None if it stands for none."""
    shape = draw(shapes)
    mask = np.random.default_rng(draw(st.integers(0, 99))).random(shape) < draw(st.sampled_from([0.0, 0.5, 0.9, 1.0]))
    mask = np.asarray(mask)
    kind = draw(st.sampled_from(of))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "array":
            dtype = np.dtype(draw(st.sampled_from(NUMPY_DTYPES)))
            array = draw(st.sampled_from(ARRAY_LAYOUTS))(values_of(mask, dtype))
            return array, mask if dtype.char in ACCEPTED else None
        if kind == "other":
            return draw(st.sampled_from(OTHERS))(values_of(mask, "i1")), None
        try:
            dtype = draw(st.sampled_from(TORCH_DTYPES))
            tensor = (
                torch.from_numpy(mask) if dtype == torch.bool else torch.from_numpy(values_of(mask, "f4")).to(dtype)
            )
            tensor = draw(st.sampled_from(TENSOR_LAYOUTS if kind == "tensor" else NO_TENSORS))(tensor)
        except (RuntimeError, NotImplementedError, IndexError, TypeError):  # torch has no such tensor
            return torch.empty(shape, dtype=torch.uint8), None
        fits = kind == "tensor" and (dtype in chdt.checks.dtypes.TENSOR_DTYPES)
        return tensor, mask if fits else None


def copied(thing):
    """To see later whether it was changed."""
    if isinstance(thing, torch.Tensor) and thing.layout == torch.strided:
        if thing.is_nested or thing.is_meta or thing.is_quantized:
            return None
        return thing.detach().clone()
    return thing.copy() if isinstance(thing, np.ndarray) else None


def bits_of(tensor):
    if tensor.numel() == 0:
        return b""
    return tensor.resolve_conj().resolve_neg().contiguous().flatten().view(torch.uint8).numpy().tobytes()


def same(thing, before):
    if isinstance(before, torch.Tensor):
        return bits_of(thing.detach()) == bits_of(before)
    return before is None or np.asarray(thing).tobytes() == np.asarray(before).tobytes()


def passes(shape, spatial_dims):
    """Whether masks of this shape can be right."""
    return (
        isinstance(spatial_dims, int | np.integer)
        and not isinstance(spatial_dims, bool)
        and 1 <= spatial_dims <= min(3, len(shape))
        and 0 not in shape[len(shape) - spatial_dims :]
    )


def expect_refusal(error, deserved=True):
    assert deserved, error
    assert len(str(error)) > 15, "an error says what to do"


FUZZED = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*(Sparse|nested|quantiz|out of bounds|Casting complex|non-writable).*"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch"),
]


@FUZZED
@given(thing=things(), function=st.sampled_from(sorted(ORACLES, key=lambda f: f.__name__)), options=OPTIONS)
def test_masks(thing, function, options):
    masks, meant = thing
    before = copied(masks)
    try:
        answer = function(masks, **options)
    except REFUSALS as error:
        expect_refusal(error, meant is None or not passes(meant.shape, options["spatial_dims"]))
    else:
        assert meant is not None
        array = np.ndarray if np.ndim(answer) else np.int32
        assert type(answer) is (torch.Tensor if isinstance(masks, torch.Tensor) else array)
        expected = oracles.each(ORACLES[function], meant, int(options["spatial_dims"]))
        np.testing.assert_array_equal(np.asarray(answer), expected)
    assert same(masks, before)


BITS = [0, 1 << 31, 1, 0x80000001, 0x7FC00000, 0xFFC00001, 0x7F800001, 0x7F800000, 0x3F800001, 0xBF7FFFFF, 0x3F7FFFFF]


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")  # of NumPy 1, which compares a signalling NaN
@given(
    where=st.integers(0, 3 * 5 * 13 - 1),
    bits=st.sampled_from(BITS) | st.integers(0, 2**32 - 1),
    tensor=st.booleans(),
    function=st.sampled_from(sorted(ORACLES, key=lambda f: f.__name__)),
)
def test_one_value_of_other_bits(where, bits, tensor, function):
    """±0, subnormals, NaN with any payload, infinities, the neighbours of ±1: all named, none taken for a mask."""
    masks = values_of(random_masks((3, 5, 13), 0.6, 1), "f4")
    before = masks.copy()
    masks.reshape(-1).view(np.uint32)[where] = bits
    index = ", ".join(map(str, np.unravel_index(where, masks.shape)))
    value = masks.reshape(-1)[where]
    if value == 1 or value == -1:
        expected = oracles.each(ORACLES[function], masks > 0, 2)
        np.testing.assert_array_equal(function(masks), expected)
        return
    out = None if function is chdt.object_size else np.full(masks.shape, 7, np.int32)
    given_masks = torch.from_numpy(masks) if tensor else masks
    options = {} if out is None else {"out": torch.from_numpy(out) if tensor else out}
    with pytest.raises(ValueError, match=rf"masks\[{index}\] is"):
        function(given_masks, **options)
    assert out is None or (out == 7).all()
    assert np.count_nonzero(before.view(np.uint32) != masks.view(np.uint32)) == 1


@FUZZED
@given(out=things(st.just((2, 4, 5))), function=st.sampled_from([chdt.distance_transform, chdt.flip_sizes]))
def test_out(out, function):
    """An out is written with the right answer and given back, or left as it was."""
    out, _ = out
    mask = random_masks((2, 4, 5), 0.8, 3)
    masks = torch.from_numpy(mask) if isinstance(out, torch.Tensor) else mask
    before = copied(out)
    try:
        answer = function(masks, out=out)
    except REFUSALS as error:
        expect_refusal(error)
        assert same(out, before)
    else:
        expected = oracles.each(ORACLES[function], mask, 2)
        np.testing.assert_array_equal(np.asarray(answer.float() if isinstance(out, torch.Tensor) else answer), expected)
        assert answer is (out if out is not None else answer)


@given(
    offset=st.integers(-90, 90),
    reverse=st.booleans(),
    dtype=st.sampled_from(["i1", "i2", "i4"]),
    function=st.sampled_from([chdt.distance_transform, chdt.flip_sizes]),
)
def test_out_in_the_same_memory(offset, reverse, dtype, function):
    """An out that overlaps the masks is refused, one that only lies near them is not."""
    memory = np.full(400, -1, np.int8)
    masks = memory[150:190].reshape(2, 4, 5)
    masks[...] = values_of(random_masks((2, 4, 5), 0.8, 3), "i1")
    size = np.dtype(dtype).itemsize
    start = 150 + offset
    out = memory[start : start + 40 * size].view(dtype).reshape(2, 4, 5)
    out = out[::-1, ::-1] if reverse else out
    overlap = start < 190 and start + 40 * size > 150
    before, mask = memory.copy(), masks > 0
    if overlap:
        with pytest.raises(ValueError, match="overlap"):
            function(masks, out=out)
        np.testing.assert_array_equal(memory, before)
    else:
        np.testing.assert_array_equal(function(masks, out=out), oracles.each(ORACLES[function], mask, 2))
        np.testing.assert_array_equal(masks > 0, mask)


# ------------------------------------------------------------------------------------------------ losses and metrics

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
COUNTS = st.integers(-1, 3) | st.sampled_from([True, 1.0, "1", None])


@pytest.mark.filterwarnings("ignore:sizes:UserWarning")  # that no mask is as large
@FUZZED
@given(
    logits=things(st.just((2, 4, 5)), ("tensor", "tensor", "no tensor", "other")),
    sizes=things(st.just((2,)), ("tensor", "tensor", "no tensor", "other", "array")),
    weight=st.none() | things(st.just((2,)), ("tensor", "no tensor", "other")).map(lambda t: t[0]),
    n_samples=COUNTS,
    reduction=st.sampled_from(["mean", "sum", "none", "max", None]),
)
def test_loss(logits, sizes, weight, n_samples, reduction):
    """A finite loss and gradient, or a refusal that names what is wrong."""
    (logits, _), (sizes, _) = logits, sizes
    befores = [copied(x) for x in (logits, sizes, weight)]
    try:
        loss = chdt.expected_size_loss(logits, sizes, weight=weight, n_samples=n_samples, reduction=reduction)
    except REFUSALS as error:
        expect_refusal(error)
    else:
        assert logits.dtype in FLOATS
        assert n_samples in (1, 2, 3)
        assert loss.shape == ((2,) if reduction == "none" else ())
        assert torch.isfinite(loss).all()
        assert (sizes >= 0).all() or weight is not None
        assert loss.requires_grad == logits.requires_grad
        if loss.requires_grad:
            loss.sum().backward()
            assert torch.isfinite(logits.grad).all() if logits.is_leaf else True
    assert all(same(x, before) for x, before in zip((logits, sizes, weight), befores, strict=True))


@FUZZED
@given(
    logits=things(st.just((2, 4, 5)), ("tensor",)),
    bad=st.lists(st.sampled_from([np.nan, np.inf, -np.inf, 1e-45, -0.0, 1e38, -1e38]), min_size=1, max_size=3),
)
def test_any_logits(logits, bad):
    """Whatever floats there are, the loss and gradients are finite, but where logits are NaN."""
    logits = logits[0]
    if logits.dtype not in FLOATS:
        return
    values = logits.detach().clone(memory_format=torch.contiguous_format)
    values.view(-1)[: len(bad)] = torch.tensor(bad, dtype=values.dtype)
    values.requires_grad_()
    loss = chdt.expected_size_loss(values, torch.tensor([0, 6]), n_samples=2, reduction="none")
    loss.sum().backward()
    assert torch.equal(loss.isnan(), values.isnan().any((1, 2)))
    assert torch.equal(values.grad.isnan(), values.isnan())
    assert values.grad.nan_to_num().isfinite().all()


@FUZZED
@given(target=things(), prediction=things(), options=OPTIONS, same_thing=st.booleans())
def test_metrics(target, prediction, options, same_thing):
    """Zero error and full overlap of a mask with itself; anything else is a number a mask or a refusal."""
    (target, meant), (prediction, _) = target, prediction
    prediction = target if same_thing else prediction
    for metric, best in ((chdt.squared_size_error, 0), (chdt.intersection_over_union, 1)):
        try:
            value = metric(target, prediction, **options)
        except REFUSALS as error:
            expect_refusal(error)
        else:
            assert meant is not None
            assert value.dtype == torch.float32
            assert value.shape == meant.shape[: meant.ndim - options["spatial_dims"]]
            assert not same_thing or (value == best).all()


@pytest.mark.filterwarnings("ignore:sizes:UserWarning")  # that no mask is as large
@FUZZED
@given(samples=things(), sizes=things(st.just(()), ("tensor", "no tensor", "other")), options=OPTIONS)
def test_sampled_gradient(samples, sizes, options):
    (samples, meant), (sizes, _) = samples, sizes
    if (
        isinstance(sizes, torch.Tensor)
        and not sizes.is_meta
        and meant is not None
        and isinstance(samples, torch.Tensor)
    ):
        sizes = torch.full(meant.shape[: -min(3, max(1, meant.ndim))], 4)
    try:
        losses, gradient = chdt.sampled_gradient(samples, sizes, **options)
    except REFUSALS as error:
        expect_refusal(error)
    else:
        assert meant is not None
        assert gradient.shape == meant.shape
        assert losses.isfinite().all()
        assert gradient.isfinite().all()


@FUZZED
@given(logits=things())
def test_sample_masks(logits):
    logits, _ = logits
    try:
        drawn = chdt.sample_masks(logits)
    except REFUSALS as error:
        expect_refusal(error)
    else:
        assert drawn.dtype == logits.dtype
        assert drawn.shape == logits.shape
        assert (drawn.abs() == 1).all()


@pytest.mark.parametrize("name", ["logits", "sizes", "weight"])
@pytest.mark.parametrize(
    ("hostile", "message"),
    [
        (lambda t: t.to_sparse(), "dense"),
        (nested, "nested"),
        (lambda t: t.to("meta"), "meta"),
        (lambda t: torch.quantize_per_tensor(t, 1.0, 0, torch.qint8), "quantized"),
    ],
    ids=["sparse", "nested", "meta", "quantized"],
)
def test_the_loss_names_what_is_no_plain_tensor(name, hostile, message):
    tensors = {"logits": torch.zeros(2, 4, 5), "sizes": torch.zeros(2), "weight": torch.ones(2)}
    tensors[name] = hostile(tensors[name])
    with pytest.raises(TypeError, match=f"^{name} .*{message}"):
        chdt.expected_size_loss(**tensors)


def test_fake_tensors_have_fake_answers():
    """As torch asks for shapes and dtypes, with no values at hand."""
    mask = random_masks((2, 4, 5), 0.8, 3)
    answer = chdt.distance_transform(fake(torch.from_numpy(mask)))
    assert answer.shape == (2, 4, 5)
    assert answer.dtype == torch.int32
    assert chdt.object_size(fake(torch.from_numpy(mask))).shape == (2,)
