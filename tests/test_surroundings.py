"""What torch, NumPy and their users do around calls: default devices, compilers, subclasses, TorchScript."""

import numpy as np
import oracles
import pytest
import torch
from calls import CALLS, called, given_tensors
from strategies import random_masks

import chdt
from chdt import distance_transform, flip_sizes, intersection_over_union, object_size

FUNCTIONS = [distance_transform, flip_sizes, object_size]
PER_PIXEL = [distance_transform, flip_sizes]
BACKENDS = ["eager", "aot_eager", "inductor"]

each_call = pytest.mark.parametrize("name", CALLS)
each_per_pixel = pytest.mark.parametrize("function", PER_PIXEL, ids=lambda f: f.__name__)
each_backend = pytest.mark.parametrize("backend", BACKENDS)
of_others = pytest.mark.filterwarnings("default")  # warnings of compilers and trainers are theirs


@pytest.fixture(autouse=True)
def _fresh_compiler():
    torch._dynamo.reset()


def equal(answers, expected):
    return len(answers) == len(expected) and all(map(torch.equal, answers, expected))


def test_every_public_function_is_called():
    assert set(CALLS) == set(chdt.__all__)


# ------------------------------------------------------------------------------------------------ default device, dtype

WALK = """
import sys, contextlib, torch
from calls import CALLS, called, given_tensors
import chdt

how, names = sys.argv[1], sys.argv[2:]
given = given_tensors()
logits = given.logits.clone().requires_grad_()
dtypes = [torch.bool, torch.int8, torch.int64, torch.float16, torch.bfloat16, torch.float64]
masks = [given_tensors(dtype=dtype).masks for dtype in dtypes]
surrounding = contextlib.nullcontext()
if how == "setter":
    torch.set_default_device("meta")
elif how == "with":
    surrounding = torch.device("meta")
else:
    torch.set_default_dtype(getattr(torch, how))
with surrounding:
    cold = {name: called(name, given) for name in names}
    for name in names:
        if "loss" in name.lower():
            given.logits = logits
            called(name, given)[0].backward()
    sizes = [chdt.object_size(each) for each in masks]
torch.set_default_device(None)
torch.set_default_dtype(torch.float32)
given = given_tensors()
for name, answers in cold.items():
    for answer, expected in zip(answers, called(name, given), strict=True):
        assert answer.device.type == "cpu", (name, answer.device)
        assert answer.dtype == expected.dtype, (name, answer.dtype)
        assert torch.equal(answer, expected), name
for each in sizes:
    assert torch.equal(each, chdt.object_size(given.masks))
assert logits.grad is None or logits.grad.any()
print("ok")
"""

LOSSES = {"ExpectedSizeLoss", "expected_size_loss", "sample_masks", "sampled_gradient"}


@pytest.mark.parametrize("names", [sorted(set(CALLS) - LOSSES), sorted(LOSSES)], ids=["masks", "losses"])
def test_default_devices_and_dtypes_do_not_matter(python_for_each, names):
    hows = ("setter", "with", "float64", "float16")
    assert python_for_each(WALK, [(how, *names) for how in hows]) == ["ok"] * len(hows)


# ------------------------------------------------------------------------------------------------ compiled


@of_others
@each_backend
@each_call
def test_compiled(name, backend):
    given = given_tensors()

    @torch.compile(backend=backend)
    def step(masks, others, logits, sizes, weight):
        return CALLS[name](type(given)(masks=masks, others=others, logits=logits, sizes=sizes, weight=weight))

    torch.manual_seed(1)
    answers = step(*vars(given).values())
    answers = answers if isinstance(answers, tuple) else (answers,)
    assert equal(answers, called(name, given))


@of_others
@each_backend
def test_arrays_in_compiled_functions(backend):
    masks = given_tensors().masks
    step = torch.compile(lambda masks: [function(masks.numpy()) for function in FUNCTIONS], backend=backend)
    of_arrays = torch.compile(lambda masks: [function(masks) for function in FUNCTIONS], backend=backend)
    for answers in step(masks), of_arrays(masks.numpy()):
        for function, answer in zip(FUNCTIONS, answers, strict=True):
            np.testing.assert_array_equal(answer, function(masks))


@of_others
@each_backend
@each_per_pixel
def test_out_in_compiled_functions(function, backend):
    masks = given_tensors().masks
    expected = function(masks)
    step = torch.compile(lambda masks, out: (function(masks, out=out), out + 1), backend=backend)
    for out in torch.zeros(masks.shape), torch.zeros(masks.mT.shape, dtype=torch.int64).mT:
        same, more = step(masks, out)
        assert torch.equal(same.int(), expected)
        assert torch.equal(more.int(), expected + 1)
        assert torch.equal(out.int(), expected)
    out = np.zeros(masks.shape, np.uint8)
    torch.compile(lambda masks, out: function(masks, out=out), backend=backend)(masks.numpy(), out)
    np.testing.assert_array_equal(out, expected)


@of_others
@each_backend
def test_spacing_in_an_array_in_compiled_functions(backend):
    masks = given_tensors().masks
    of_each = [[2.5, 1.0], [1.0, 1.5]]
    for spacing in torch.tensor([2.5, 1.0]), np.array([2.5, 1.0]), torch.tensor(2.5), torch.tensor(of_each), of_each:
        step = torch.compile(lambda masks, spacing: object_size(masks, spacing=spacing) + 1, backend=backend)
        numbers = spacing if spacing is of_each else spacing.tolist()
        assert torch.equal(step(masks, spacing), object_size(masks, spacing=numbers) + 1)


@of_others
@each_backend
def test_true_is_any_byte_in_compiled_functions(backend):
    masks = random_masks((3, 9, 17), 0.9)
    every = torch.frombuffer(bytearray(np.where(masks, 7, 0).astype(np.uint8).tobytes()), dtype=torch.bool)
    every = every.view(masks.shape)
    step = torch.compile(lambda masks: [function(masks) for function in FUNCTIONS], backend=backend, fullgraph=True)
    for function, answer in zip(FUNCTIONS, step(every), strict=True):
        np.testing.assert_array_equal(answer, function(masks))


@of_others
@each_backend
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_literals_of_one_element(function, backend):
    """Whose values torch knows while it compiles: it calls the operator then."""
    step = torch.compile(lambda: function(torch.tensor([[1.0]])), backend=backend)
    assert torch.equal(step(), function(torch.ones(1, 1)))


@of_others
@each_backend
def test_sizes_of_one_element(backend):
    logits = torch.full((1, 8, 8), torch.inf)
    step = torch.compile(lambda x: chdt.expected_size_loss(x, torch.tensor([4.0])), backend=backend)
    assert step(logits) == 144


class Constant(torch.nn.Module):
    """A mask that is frozen into the graph."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mask", torch.ones(1, 5, 7))

    def forward(self, x):
        return x + object_size(self.mask) + distance_transform(self.mask).sum() + flip_sizes(self.mask).sum()


@of_others
def test_frozen_masks():
    from torch._inductor import config

    module, mask = Constant().eval(), np.ones((5, 7), bool)
    expected = 14 + oracles.distances(mask).sum() + oracles.flip_sizes(mask).sum()
    with torch.no_grad(), config.patch(freezing=True):
        assert torch.compile(module)(torch.zeros(1)).item() == expected


COMPILED_FIRST = """
import sys, warnings
import numpy as np, torch
from calls import CALLS, called, given_tensors
import chdt
warnings.simplefilter("ignore")
given = given_tensors()
for function in chdt.distance_transform, chdt.flip_sizes, chdt.object_size:
    for fullgraph in True, False:
        for step in (
            lambda masks: function(masks.numpy()),
            lambda masks: function(masks.numpy() > 0, black_border=True),
            lambda masks: function(masks, spacing=torch.tensor([1.0, 2.0])),
            lambda masks: function(masks, out=torch.empty(masks.shape)),
            lambda masks: function(masks.numpy(), spatial_dims=4),
            lambda masks: function(masks[0, 0]),
            lambda masks: function([masks]),
        ):
            try:
                torch.compile(step, backend="eager", fullgraph=fullgraph)(given.masks)
            except Exception as error:
                print(type(error).__name__)
    expected = function(given.masks)
    assert (function(given.masks.numpy()) == expected.numpy()).all()
    assert (function(given.masks.numpy() > 0) == expected.numpy()).all()
    out = () if function is chdt.object_size else (np.zeros(given.masks.shape, np.uint8), np.zeros(given.masks.shape))
    for each in out:
        assert (function(given.masks.numpy(), out=each) == expected.numpy()).all()
for name in CALLS:
    called(name, given)
"""


def test_what_is_compiled_first_does_not_matter_later(python):
    """Compiled calls that fail or break, in a process that has called nothing yet: then all is well in plain calls."""
    errors = python(COMPILED_FIRST).split()
    assert "Unsupported" in errors  # with fullgraph=True arrays are an error of torch
    assert "RecursionError" not in errors
    assert "AttributeError" not in errors


@of_others
@pytest.mark.parametrize("backend", ["eager", "inductor"])
def test_errors_are_the_same_in_compiled_functions(backend):
    masks = given_tensors().masks
    for step, error, message in (
        (lambda masks: object_size(masks * 0), ValueError, r"masks\[0, 0, 0\] is"),
        (lambda masks: object_size(masks[0, 0]), ValueError, "fewer than the 2"),
        (lambda masks: object_size(masks.numpy() * 0), ValueError, r"masks\[0, 0, 0\] is"),
        (lambda masks: intersection_over_union(masks, masks * 0), ValueError, r"prediction\[0, 0, 0\] is"),
        (lambda masks: chdt.squared_size_error(masks * 0, masks), ValueError, r"target\[0, 0, 0\] is"),
    ):
        torch._dynamo.reset()
        with pytest.raises(error, match=message):
            torch.compile(step, backend=backend)(masks)


@pytest.mark.filterwarnings("ignore")
def test_a_compiled_lightning_module(tmp_path):
    lightning = pytest.importorskip("lightning")
    target, prediction = given_tensors().masks, given_tensors().others

    class Model(lightning.LightningModule):
        def validation_step(self, batch, index):
            self.log("overlap", intersection_over_union(*batch).mean())
            self.log("error", chdt.squared_size_error(*batch).mean())

    trainer = lightning.Trainer(
        accelerator="cpu",
        logger=False,
        default_root_dir=tmp_path,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(target, prediction), batch_size=2)
    (found,) = trainer.validate(torch.compile(Model(), backend="eager"), data, verbose=False)
    assert found["overlap"] == intersection_over_union(target, prediction).mean()
    assert found["error"] == chdt.squared_size_error(target, prediction).mean()


@pytest.mark.parametrize("in_dims", [(0, 0), (0, None), (None, 0), (1, 0)])
def test_overlaps_mapped(in_dims):
    given = given_tensors(shape=(3, 3, 5, 6))
    pair = [masks[0] if dim is None else masks for masks, dim in zip((given.masks, given.others), in_dims, strict=True)]
    each = [
        [masks if dim is None else masks.select(dim, i) for masks, dim in zip(pair, in_dims, strict=True)]
        for i in range(3)
    ]
    expected = torch.stack([intersection_over_union(*two) for two in each])
    assert torch.equal(torch.func.vmap(intersection_over_union, in_dims)(*pair), expected)


@each_per_pixel
def test_out_is_refused_where_there_are_no_values(function):
    masks, out = given_tensors().masks, torch.zeros(2, 9, 12)
    with pytest.raises(ValueError, match="out cannot be written while torch exports or transforms"):
        torch.func.vmap(lambda masks, out: function(masks, out=out))(masks, out)
    with pytest.raises(ValueError, match="out cannot be written while torch exports or transforms"):
        torch.func.vmap(lambda masks: function(masks, out=out[0]))(masks)


# ------------------------------------------------------------------------------------------------ subclasses


class Untouchable(torch.Tensor):
    """It raises at whatever torch is asked to do with it."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        raise AssertionError(f"{function} was asked of the subclass")


class Usual(torch.Tensor):
    """It passes itself on, as subclasses do."""


def plain(answers):
    return all(type(answer) is torch.Tensor for answer in answers)


@each_call
def test_subclasses_are_taken_off(name):
    expected = called(name, given_tensors())
    answers = called(name, given_tensors(lambda tensor: tensor.as_subclass(Usual)))
    assert equal([answer.as_subclass(torch.Tensor) for answer in answers], expected)
    assert plain(answers) or name == "squared_error"  # plain arithmetic, in which nothing is taken off
    if name != "squared_error":
        answers = called(name, given_tensors(lambda tensor: tensor.as_subclass(Untouchable)))
        assert equal(answers, expected)
        assert plain(answers)


@each_call
def test_parameters(name):
    given = given_tensors()
    expected = called(name, given)
    given.masks, given.others = torch.nn.Parameter(given.masks), torch.nn.Parameter(given.others, requires_grad=False)
    given.logits = torch.nn.Parameter(given.logits)
    answers = called(name, given)
    assert equal([answer.detach() for answer in answers], expected)
    assert plain(answers)


@each_per_pixel
@pytest.mark.parametrize("kind", [Usual, Untouchable])
@pytest.mark.parametrize("dtype", [torch.int32, torch.float32])
def test_out_of_a_subclass_is_what_is_returned(function, kind, dtype):
    masks = given_tensors().masks
    memory = torch.zeros(masks.shape, dtype=dtype)
    version = memory._version
    out = memory.as_subclass(kind)
    assert function(masks.as_subclass(kind), out=out) is out
    assert torch.equal(memory, function(masks).to(dtype))
    assert memory._version > version


@of_others
@pytest.mark.parametrize("backend", ["eager", "inductor"])
@each_call
def test_subclasses_in_compiled_functions(name, backend):
    if name == "squared_error":
        pytest.skip("plain arithmetic, which torch compiles or does not")
    given = given_tensors()
    others = given_tensors(lambda tensor: tensor.as_subclass(Usual))

    @torch.compile(backend=backend)
    def step(masks, others, logits, sizes, weight):
        return CALLS[name](type(given)(masks=masks, others=others, logits=logits, sizes=sizes, weight=weight))

    torch.manual_seed(1)
    answers = step(*vars(others).values())
    answers = answers if isinstance(answers, tuple) else (answers,)
    assert equal(answers, called(name, given))
    assert plain(answers)


class Elsewhere(torch.Tensor):
    """A tensor whose values are those of another one."""

    @staticmethod
    def __new__(cls, values):
        made = torch.Tensor._make_wrapper_subclass(cls, values.shape, dtype=values.dtype)
        made.values_elsewhere = values
        return made

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        raise AssertionError(f"{function} was asked of the subclass")

    __torch_function__ = torch._C._disabled_torch_function_impl


@pytest.mark.parametrize("name", sorted(set(CALLS) - {"squared_error"}))
def test_tensors_whose_values_are_elsewhere_are_refused(name):
    with pytest.raises(TypeError, match="Elsewhere, whose values are not in the memory of one tensor: convert it"):
        called(name, given_tensors(Elsewhere))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("shape", [(128, 128), (24, 32, 40)], ids=["images", "volumes"])
@pytest.mark.parametrize("compiled", [False, True])
def test_batches_of_monai(shape, compiled):
    data = pytest.importorskip("monai.data")
    rng = np.random.default_rng(0)
    spatial_dims = len(shape)
    items = [
        {
            "image": data.MetaTensor(torch.from_numpy(rng.standard_normal((1, *shape), np.float32))),
            "mask": data.MetaTensor(torch.from_numpy(rng.random((1, *shape)) < 0.98)),
        }
        for _ in range(4)
    ]
    batch = next(iter(data.DataLoader(data.Dataset(items), batch_size=4)))
    assert type(batch["image"]) is type(batch["mask"]) is data.MetaTensor

    def step(image, mask):
        image = image[:, 0]
        sizes = object_size(mask, spatial_dims=spatial_dims)[:, 0]
        return (
            sizes,
            distance_transform(mask, spatial_dims=spatial_dims),
            flip_sizes(mask, spatial_dims=spatial_dims),
            intersection_over_union(mask[:, 0], image > 0, spatial_dims=spatial_dims),
            chdt.squared_size_error(mask[:, 0], image > 0, spatial_dims=spatial_dims),
            chdt.sample_masks(image),
            *chdt.sampled_gradient(mask[:, 0], sizes, spatial_dims=spatial_dims),
            chdt.expected_size_loss(image, sizes, spatial_dims=spatial_dims),
        )

    torch.manual_seed(0)
    expected = step(batch["image"].as_tensor(), batch["mask"].as_tensor())
    torch.manual_seed(0)
    answers = (torch.compile(step, backend="eager") if compiled else step)(batch["image"], batch["mask"])
    assert equal(answers, expected)
    assert plain(answers)


# ------------------------------------------------------------------------------------------------ TorchScript

ONE_SENTENCE = "chdt works neither with torch.jit.trace nor with torch.jit.script: use torch.compile or torch.export"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(set(CALLS) - {"squared_error"}))
def test_torchscript_is_refused(name):
    given = given_tensors()

    def step(masks, others, logits, sizes, weight):
        return CALLS[name](type(given)(masks=masks, others=others, logits=logits, sizes=sizes, weight=weight))

    with pytest.raises(RuntimeError, match=ONE_SENTENCE):
        torch.jit.trace(step, tuple(vars(given).values()))
    with pytest.raises(RuntimeError, match=ONE_SENTENCE):
        torch.jit.script(chdt.ExpectedSizeLoss() if name == "ExpectedSizeLoss" else getattr(chdt, name))
    assert torch.equal(called(name, given)[0], called(name, given)[0])


class Scripted(torch.nn.Module):
    """A module that calls one of them."""

    def forward(self, masks: torch.Tensor) -> torch.Tensor:
        return object_size(masks)


@pytest.mark.filterwarnings("ignore")
def test_modules_that_call_chdt_are_not_scripted():
    with pytest.raises(RuntimeError, match=ONE_SENTENCE):
        torch.jit.script(Scripted())


@pytest.mark.filterwarnings("ignore")
def test_squared_error_is_plain_arithmetic():
    two, five = torch.tensor(2.0), torch.tensor(5.0)
    assert torch.jit.script(chdt.squared_error)(two, five) == 9
    assert torch.jit.trace(chdt.squared_error, (two, five))(five, five) == 0
