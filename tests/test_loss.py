"""The expected size loss: unbiased by exact enumeration, equal to its definition, and fit for training loops."""

import copy
import io
import itertools

import oracles
import pytest
import torch
from torch.nn import functional

from chdt import ExpectedSizeLoss, expected_size_loss, object_size, sample_masks, sampled_gradient, squared_error

LOSSES = {
    "squared": squared_error,
    "absolute": functional.l1_loss,
    "huber": torch.nn.HuberLoss(delta=1.5),
    "fourth power": lambda prediction, target: (target - prediction) ** 4,
}


def all_masks(height, width):
    pixels = height * width
    bits = torch.arange(2**pixels)[:, None] >> torch.arange(pixels) & 1
    return (2 * bits - 1).reshape(-1, height, width).to(torch.int8)


def probabilities(masks, logits):
    chances = torch.sigmoid(logits)
    return torch.where(masks > 0, chances, 1 - chances).flatten(1).prod(1)


def exact_loss(logits, size, loss):
    """Equation (10) as the finite sum it is, differentiable in the logits."""
    masks = all_masks(*logits.shape)
    sizes = object_size(masks).double()
    losses = torch.stack([loss(g, torch.tensor(size, dtype=torch.float64)) for g in sizes])
    return (probabilities(masks, logits) * losses).sum()


GRIDS = [(h, w) for h, w in itertools.product(range(1, 5), repeat=2) if h * w <= 9 or (h, w) in ((3, 4), (4, 3))]


@pytest.mark.filterwarnings("ignore:sizes:UserWarning")  # that no mask is as large
@pytest.mark.parametrize("kind", ["mild", "extreme"])
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(("height", "width"), GRIDS)
def test_unbiased(height, width, name, kind):
    """The weighted sum of the estimator over all masks is the derivative of the exact expected loss."""
    if height * width == 12 and (name not in ("squared", "huber")):
        pytest.skip("4096 masks: two losses are enough")
    generator = torch.Generator().manual_seed(height * 10 + width)
    logits = torch.randn(height, width, generator=generator, dtype=torch.float64)
    if kind == "extreme":
        logits = logits * 8
        logits.view(-1)[0] = torch.inf
        logits.view(-1)[-1] = -torch.inf
    size, loss = 3.0, LOSSES[name]
    masks = all_masks(height, width)
    weights = probabilities(masks, logits)

    leaf = logits.clone().requires_grad_()
    exact = exact_loss(leaf, size, loss)
    (expected,) = torch.autograd.grad(exact, leaf)
    expected = torch.where(torch.isfinite(logits), expected, 0)  # autograd gives NaN at certain pixels

    losses, gradient = sampled_gradient(masks, torch.full((len(masks),), size, dtype=torch.float64), loss=loss)
    chances = torch.sigmoid(logits)
    by_chance = (weights[:, None, None] * gradient).sum(0)
    torch.testing.assert_close((weights * losses).sum(), exact.detach(), atol=1e-10, rtol=1e-12)
    torch.testing.assert_close(by_chance * chances * (1 - chances), expected, atol=1e-10, rtol=1e-10)


@pytest.mark.filterwarnings("ignore:sizes:UserWarning")  # that no mask is as large
@pytest.mark.parametrize("name", ["squared", "huber"])
@pytest.mark.parametrize(("height", "width"), [(h, w) for h, w in GRIDS if h * w <= 9])
def test_unbiased_through_autograd(height, width, name):
    """The same with the draws of the loss itself, among which every mask there is occurs."""
    generator = torch.Generator().manual_seed(height * 10 + width)
    logits = torch.randn(height, width, generator=generator, dtype=torch.float64) / 2
    size, loss = 3.0, LOSSES[name]
    leaf = logits.clone().requires_grad_()
    exact = exact_loss(leaf, size, loss)
    (expected,) = torch.autograd.grad(exact, leaf)

    count = 40_000
    batch = logits.expand(count, height, width).clone().requires_grad_()
    sizes, options = torch.full((count,), size, dtype=torch.float64), {"loss": loss, "reduction": "none"}
    values = expected_size_loss(batch, sizes, generator=torch.Generator().manual_seed(1), **options)
    values.sum().backward()
    drawn = sample_masks(batch, generator=torch.Generator().manual_seed(1)).flatten(1) > 0
    number = (drawn.long() << torch.arange(height * width)).sum(1)
    one_of_each = torch.tensor([(number == i).nonzero()[0].item() for i in range(2 ** (height * width))])
    weights = probabilities(all_masks(height, width), logits)
    torch.testing.assert_close((weights * values[one_of_each]).sum(), exact, atol=1e-10, rtol=1e-12)
    gradient = (weights[:, None, None] * batch.grad[one_of_each]).sum(0)
    torch.testing.assert_close(gradient, expected, atol=1e-10, rtol=1e-10)


def slow_loss(logits, sizes, n_samples, loss, generator):
    """Value of each image and gradient from the definition: one transform a flip."""
    dtype = torch.float64 if logits.dtype == torch.float64 else torch.float32
    chances = torch.sigmoid(logits.to(dtype))
    sizes = sizes.to(dtype)
    value, gradient = torch.zeros_like(sizes), torch.zeros_like(chances)
    for _ in range(n_samples):
        sample = sample_masks(logits, generator=generator)
        for image in range(len(sizes)):
            y = (sample[image] > 0).numpy()
            before = loss(torch.tensor(oracles.size(y), dtype=dtype), sizes[image])
            value[image] += before
            for i, flipped in enumerate(oracles.flip_sizes(y).ravel()):
                change = before - loss(torch.tensor(flipped, dtype=dtype), sizes[image])
                gradient[image].view(-1)[i] += change if y.ravel()[i] else -change
    return value / n_samples, gradient / n_samples * (chances * (1 - chances))


@pytest.mark.parametrize("n_samples", [1, 3])
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_equal_to_the_definition(dtype, name, n_samples):
    """Bit for bit, for the same draws."""
    logits = (2 * torch.randn(4, 9, 7, generator=torch.Generator().manual_seed(5))).to(dtype)
    sizes, loss = torch.tensor([0.0, 2.0, 6.0, 11.0]), LOSSES[name]
    value, gradient = slow_loss(logits, sizes, n_samples, loss, torch.Generator().manual_seed(7))
    leaf = logits.clone().requires_grad_()
    options = {"n_samples": n_samples, "loss": loss, "reduction": "none"}
    got = expected_size_loss(leaf, sizes, generator=torch.Generator().manual_seed(7), **options)
    got.sum().backward()
    assert got.dtype == value.dtype
    assert leaf.grad.dtype == dtype
    assert torch.equal(got, value)
    assert torch.equal(leaf.grad, gradient.to(dtype))
    assert gradient.any()


def test_certain_pixels_have_no_gradient():
    logits = torch.tensor([[[torch.inf, -torch.inf, 0.0, torch.inf]]], requires_grad=True)
    expected_size_loss(logits, torch.tensor([8]), n_samples=8).backward()
    assert torch.isfinite(logits.grad).all()
    assert not logits.grad[0, 0, [0, 1, 3]].any()


@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
def test_batch_dims(spatial_dims):
    torch.manual_seed(0)
    logits = (torch.randn(2, 1, 3, 6, 5) + 2).requires_grad_()
    batch = logits.shape[: logits.ndim - spatial_dims]
    options = {"n_samples": 32, "reduction": "none", "spatial_dims": spatial_dims}
    loss = expected_size_loss(logits, torch.ones(batch), **options)
    assert loss.shape == batch
    loss.sum().backward()
    assert logits.grad.any()


def test_no_images():
    logits = torch.zeros(0, 4, 4, requires_grad=True)
    loss = expected_size_loss(logits, torch.zeros(0))
    loss.backward()
    assert loss == 0


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_weight_zero_leaves_no_trace(reduction):
    """As if the image were not there, whatever its size says."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 6, 6, generator=generator)
    both = logits.clone().requires_grad_()
    sizes, weight = torch.tensor([4.0, 2.0, torch.nan]), torch.tensor([2.0, 0.5, 0.0])
    value = expected_size_loss(both, sizes, weight=weight, reduction=reduction, generator=generator.manual_seed(1))
    value.sum().backward()
    kept = logits[:2].clone().requires_grad_()
    alone = expected_size_loss(
        kept, sizes[:2], weight=weight[:2], reduction=reduction, generator=generator.manual_seed(1)
    )
    alone.sum().backward()
    assert torch.equal(value[:2] if reduction == "none" else value, alone)
    assert torch.equal(both.grad[:2], kept.grad)
    assert not both.grad[2].any()
    assert torch.isfinite(value).all()


def test_weighted_reductions():
    logits = torch.randn(4, 5, 5)
    sizes, weight = torch.tensor([1.0, 2, 3, 4]), torch.tensor([1.0, 0.0, 0.25, 3])
    none, total, mean, plain = (
        expected_size_loss(logits, sizes, weight=w, reduction=reduction, generator=torch.Generator().manual_seed(3))
        for reduction, w in (("none", weight), ("sum", weight), ("mean", weight), ("none", None))
    )
    torch.testing.assert_close(none, plain * weight)
    torch.testing.assert_close(total, none.sum())
    torch.testing.assert_close(mean, none.sum() / weight.sum())


def test_all_weights_zero():
    logits = torch.randn(2, 4, 4, requires_grad=True)
    value = expected_size_loss(logits, torch.full((2,), torch.nan), weight=torch.zeros(2))
    value.backward()
    assert value == 0
    assert not logits.grad.any()


def test_under_autocast():
    logits = torch.randn(2, 6, 6, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = expected_size_loss(logits * 1, torch.tensor([2, 4]), n_samples=64)
    value.backward()
    assert value.dtype == torch.float32
    assert logits.grad.any()


def test_manual_seed_and_threads():
    logits, sizes = torch.randn(700, 48, 32), torch.full((700,), 9)
    values = []
    threads = torch.get_num_threads()
    try:
        for count in (1, 2, threads):
            torch.set_num_threads(count)
            torch.manual_seed(11)
            leaf = logits.clone().requires_grad_()
            value = expected_size_loss(leaf, sizes, n_samples=2)
            value.backward()
            values.append((value, leaf.grad))
    finally:
        torch.set_num_threads(threads)
    for value, gradient in values[1:]:
        assert torch.equal(value, values[0][0])
        assert torch.equal(gradient, values[0][1])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"sizes": torch.zeros(3)}, ValueError, r"sizes have shape \(3,\), but logits of shape \(2, 4, 4\).*\(2,\)"),
        ({"sizes": torch.zeros(2, 4, 4)}, ValueError, "one number an image: object_size"),
        ({"sizes": torch.tensor([1.0, torch.nan])}, ValueError, r"sizes\[1\] is nan: leave out .* weight is 0"),
        ({"sizes": torch.tensor([torch.inf, -1])}, ValueError, r"sizes\[0\] is inf"),
        ({"sizes": torch.tensor([1, -2])}, ValueError, r"sizes\[1\] is -2"),
        ({"sizes": [1, 2]}, TypeError, "torch tensor"),
        ({"sizes": torch.zeros(2, dtype=torch.complex64)}, TypeError, "complex64"),
        ({"weight": torch.ones(3)}, ValueError, r"weight has shape \(3,\).*\(2,\)"),
        ({"weight": torch.tensor([1.0, -1.0])}, ValueError, r"weight\[1\] is -1.0"),
        ({"weight": torch.tensor([torch.nan, 1.0])}, ValueError, r"weight\[0\] is nan"),
        ({"n_samples": 0}, ValueError, "n_samples"),
        ({"n_samples": 1.5}, ValueError, "n_samples"),
        ({"reduction": "median"}, ValueError, "'mean', 'sum', 'none'"),
        ({"loss": lambda prediction, target: target[..., 0]}, ValueError, "element by element"),
        ({"loss": lambda prediction, target: 1.0}, ValueError, "element by element"),
        ({"loss": lambda prediction, target: 1j * (target - prediction)}, ValueError, "real numbers"),
        ({"logits": torch.zeros(2, 4, 4, dtype=torch.int64)}, TypeError, "int64"),
        ({"logits": torch.zeros(4)}, ValueError, "logits of shape .* dims"),
        ({"logits": torch.zeros(2, 0, 4)}, ValueError, "logits of shape .* no pixels"),
        ({"spatial_dims": 4}, ValueError, "spatial_dims"),
    ],
)
def test_bad_input(change, error, message):
    arguments = {"logits": torch.zeros(2, 4, 4), "sizes": torch.zeros(2)} | change
    with pytest.raises(error, match=message):
        expected_size_loss(arguments.pop("logits"), arguments.pop("sizes"), **arguments)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.uint32, torch.uint64])
def test_unsigned_sizes_that_no_mask_has(dtype):
    """They are warned of as others are, though torch does not know which unsigned integer is larger."""
    for weight in (None, torch.tensor([1, 0], dtype=dtype), torch.tensor([2.0, 1.0])):
        with pytest.warns(UserWarning, match=r"sizes\[0\] is 100"):
            value = expected_size_loss(
                torch.full((2, 4, 4), torch.inf), torch.tensor([100, 8], dtype=dtype), weight=weight
            )
        assert value == 92**2 * (0.5 if weight is None else 1 if weight[1] == 0 else 2 / 3)


def test_inputs_are_not_modified():
    logits, sizes, weight = torch.randn(2, 6, 6), torch.tensor([1.0, torch.nan]), torch.tensor([1.0, 0.0])
    before = copy.deepcopy((logits, sizes, weight))
    expected_size_loss(logits, sizes, weight=weight)
    for now, then in zip((logits, sizes, weight), before, strict=True):
        assert torch.equal(now.nan_to_num(), then.nan_to_num())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_logits_on_another_device(dtype):
    """A generator of the host draws the same masks, so the loss is the same; sizes may be on either device."""
    logits, sizes = torch.randn(8, 48, 32).to(dtype), torch.randint(0, 20, (8,))
    answers = []
    for device, of_sizes in (("cpu", "cpu"), ("cuda", "cuda"), ("cuda", "cpu")):
        given_logits = logits.detach().to(device).requires_grad_()
        generator = torch.Generator().manual_seed(3)
        loss = expected_size_loss(given_logits, sizes.to(of_sizes), n_samples=8, generator=generator)
        loss.backward()
        assert loss.device == given_logits.grad.device == given_logits.device
        answers.append((loss.detach().cpu(), given_logits.grad.cpu()))
    for loss, gradient in answers[1:]:
        torch.testing.assert_close(loss, answers[0][0])
        torch.testing.assert_close(gradient, answers[0][1])


# ------------------------------------------------------------------------------------------------ as part of a model


class Model(torch.nn.Module):
    """A network and its loss in one."""

    def __init__(self):
        super().__init__()
        self.network = torch.nn.Conv2d(1, 1, 3, padding=1)
        self.criterion = ExpectedSizeLoss(n_samples=2)

    def forward(self, images, sizes):
        return self.criterion(self.network(images), sizes)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Model()


def run(model, seed=3):
    images = torch.randn(4, 1, 12, 10, generator=torch.Generator().manual_seed(seed))
    torch.manual_seed(seed)
    model.zero_grad()
    value = model(images, torch.full((4, 1), 6.0))
    value.backward()
    return value.detach(), [p.grad.clone() for p in model.parameters()]


@pytest.mark.filterwarnings("default")  # torch's own, while it compiles
def test_compiled(model):
    value, gradients = run(model)
    compiled_value, compiled_gradients = run(torch.compile(model, fullgraph=True))
    torch.testing.assert_close(compiled_value, value)
    torch.testing.assert_close(compiled_gradients, gradients)


@pytest.mark.filterwarnings("default")
def test_compiled_calls_refuse_bad_sizes_too():
    compiled = torch.compile(lambda logits, sizes, weight: expected_size_loss(logits, sizes, weight=weight))
    logits, sizes, weight = torch.zeros(2, 3, 3), torch.tensor([2.0, 4.0]), torch.ones(2)
    assert torch.isfinite(compiled(logits, sizes, weight))
    for wrong in (-1.0, torch.nan):
        with pytest.raises(ValueError, match=r"sizes\[1\]"):
            compiled(logits, torch.tensor([2.0, wrong]), weight)
        with pytest.raises(ValueError, match=r"weight\[1\]"):
            compiled(logits, sizes, torch.tensor([1.0, wrong]))
    sampled = torch.compile(lambda samples, sizes: sampled_gradient(samples, sizes)[1])
    with pytest.raises(ValueError, match=r"sizes\[0\]"):
        sampled(-torch.ones(2, 3, 3), torch.tensor([-1.0, 2.0]))


def test_saved_loaded_and_copied(model):
    value, gradients = run(model)
    buffer = io.BytesIO()
    torch.save(model, buffer)
    buffer.seek(0)
    for other in (torch.load(buffer, weights_only=False), copy.deepcopy(model)):
        other_value, other_gradients = run(other)
        assert torch.equal(other_value, value)
        torch.testing.assert_close(other_gradients, gradients, atol=0, rtol=0)


@pytest.mark.filterwarnings("default")
def test_exported(model):
    images, sizes = torch.randn(4, 1, 12, 10), torch.full((4, 1), 6.0)
    exported = torch.export.export(model, (images, sizes)).module()
    torch.manual_seed(2)
    value = model(images, sizes)
    torch.manual_seed(2)
    torch.testing.assert_close(exported(images, sizes), value)


def test_functional_gradient():
    logits, sizes = torch.randn(3, 6, 6), torch.tensor([2.0, 4, 6])
    torch.manual_seed(1)
    gradient = torch.func.grad(expected_size_loss)(logits, sizes)
    leaf = logits.clone().requires_grad_()
    torch.manual_seed(1)
    expected_size_loss(leaf, sizes).backward()
    assert torch.equal(gradient, leaf.grad)


def test_mapped_gradient():
    logits, sizes = torch.randn(5, 6, 6), torch.tensor([2.0, 4, 6, 8, 0])
    mapped = torch.func.vmap(torch.func.grad(expected_size_loss), randomness="different")(logits, sizes)
    assert mapped.shape == logits.shape
    assert mapped.any()
    same = torch.func.vmap(torch.func.grad(expected_size_loss), randomness="same")(
        logits[:1].expand(3, 6, 6), sizes[:3]
    )
    torch.manual_seed(0)
    assert same.shape == (3, 6, 6)


def test_learns_a_size():
    """A few hundred steps of gradient descent on the logits alone reach the size."""
    torch.manual_seed(0)
    logits = torch.zeros(1, 12, 12, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.3)
    for _ in range(300):
        optimizer.zero_grad()
        expected_size_loss(logits, torch.tensor([6]), n_samples=8).backward()
        optimizer.step()
    assert int(object_size(logits.detach() > 0)) == 6
