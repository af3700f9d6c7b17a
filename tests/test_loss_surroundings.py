"""The loss in its surroundings: weights of 0, NaN, second derivatives, checkpoints, subclasses, options, losses."""

import functools
import itertools
import math
import re
import warnings

import numpy as np
import oracles
import pytest
import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

import chdt
from chdt import ExpectedSizeLoss, expected_size_loss, sample_masks, sampled_gradient, squared_error

BACKENDS = ["eager", "aot_eager", "inductor"]
WAYS = ["plain", *BACKENDS]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def in_this_way(function, way):
    torch.compiler.reset()
    return function if way == "plain" else torch.compile(function, backend=way, fullgraph=True)


def value_and_gradient(function, logits, *arguments, seed=3):
    leaf = logits.clone().requires_grad_()
    torch.manual_seed(seed)
    value = function(leaf, *arguments)
    value.sum().backward()
    return value.detach(), leaf.grad


def identical(a, b):
    """To the last bit, and the same one of NaN's."""
    return all(torch.equal(x.nan_to_num(-7.5), y.nan_to_num(-7.5)) for x, y in zip(a, b, strict=True))


# ------------------------------------------------------------------------------------------------ weights of 0


def relative(prediction, target):
    return ((prediction - target) / target) ** 2


def logarithmic(prediction, target):
    return (torch.log(prediction + 1) - torch.log(target)).abs()


def picky(prediction, target):
    """Refuses targets without an object."""
    assert torch.compiler.is_compiling() or (target > 0).all()
    return (prediction - target).abs()


TARGET_LOSSES = {
    "relative": relative,
    "logarithmic": logarithmic,
    "picky": picky,
    "poisson": functools.partial(functional.poisson_nll_loss, log_input=False, reduction="none"),
    "poisson, of means": functools.partial(functional.poisson_nll_loss, log_input=False),
}


SLOW = {"inductor": ("relative", "mean"), "aot_eager": ("logarithmic", "none")}


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", TARGET_LOSSES)
def test_weight_zero_leaves_no_trace(name, reduction, way):
    """Whatever the image holds, the others get the same bits, and it gets 0."""
    if way != "plain" and (name == "poisson, of means" or (name, reduction) != SLOW.get(way, (name, reduction))):
        pytest.skip("compiled, torch maps no loss with branches; and compiling takes long")

    def loss(logits, sizes, weight):
        return expected_size_loss(logits, sizes, weight=weight, loss=TARGET_LOSSES[name], reduction=reduction)

    function = in_this_way(loss, way)
    logits, weight = 2 * torch.randn(3, 9, 8, generator=seeded()), torch.tensor([2.0, 0.5, 0.0])
    ordinary = value_and_gradient(function, logits, torch.tensor([4.0, 6.0, 8.0]), weight)
    assert ordinary[1][:2].any()
    alone = value_and_gradient(loss, logits[:2], torch.tensor([4.0, 6.0]), weight[:2])
    torch.testing.assert_close(ordinary[1][:2], alone[1], atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(ordinary[0][:2] if reduction == "none" else ordinary[0], alone[0])
    for size, logit in itertools.product([0.0, torch.nan, torch.inf, -1.0], [0.0, torch.nan, torch.inf, -torch.inf]):
        other = logits.clone()
        other[2] = logit
        found = value_and_gradient(function, other, torch.tensor([4.0, 6.0, size]), weight)
        assert identical(found, ordinary)
        assert not found[1][2].any()


@pytest.mark.parametrize("randomness", ["same", "different"])
def test_weight_zero_leaves_no_trace_when_mapped(randomness):
    def loss(logits, size, weight):
        return expected_size_loss(logits, size, weight=weight, loss=relative)

    def found(logits, sizes):
        torch.manual_seed(5)
        mapped = torch.func.vmap(torch.func.grad_and_value(loss), randomness=randomness)
        return mapped(logits, sizes, torch.tensor([1.0, 0.0, 3.0]))

    logits = torch.randn(3, 9, 8, generator=seeded())
    ordinary = found(logits, torch.tensor([4.0, 6.0, 8.0]))
    assert ordinary[0].any()
    for size, logit in itertools.product([0.0, torch.nan], [0.0, torch.nan]):
        other = logits.clone()
        other[1] = logit
        again = found(other, torch.tensor([4.0, size, 8.0]))
        assert identical(again, ordinary)
        assert not again[0][1].any()
        assert again[1][1] == 0


def test_weight_zero_stops_what_comes_from_above():
    """A gradient of NaN from what was made of the loss does not reach the image."""
    logits = torch.randn(2, 6, 6, requires_grad=True)
    weight = torch.tensor([1.0, 0.0])
    (expected_size_loss(logits, torch.tensor([2.0, torch.nan]), weight=weight) * torch.nan).backward()
    assert logits.grad[0].isnan().all()
    assert not logits.grad[1].any()


def test_weight_as_bools_and_integers():
    logits, sizes = torch.randn(3, 6, 6), torch.tensor([2.0, torch.nan, 4.0])
    answers = [
        value_and_gradient(lambda x, w=weight: expected_size_loss(x, sizes, weight=w, loss=relative), logits)
        for weight in (torch.tensor([1.0, 0, 1]), torch.tensor([True, False, True]), torch.tensor([1, 0, 1]))
    ]
    assert identical(answers[0], answers[1])
    assert identical(answers[0], answers[2])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_all_weights_zero(reduction):
    logits = torch.full((2, 4, 4), torch.nan)
    options = {"weight": torch.zeros(2), "reduction": reduction, "loss": relative}
    value, gradient = value_and_gradient(
        lambda x: expected_size_loss(x, torch.full((2,), torch.nan), **options), logits
    )
    assert not value.any()
    assert not gradient.any()


def test_certain_pixels_have_no_gradient_where_losses_are_infinite():
    """Zero times infinity is NaN."""
    logits = torch.full((1, 5, 5), -torch.inf)
    logits[0, 2, 2], logits[0, 0, 0] = 0.0, torch.inf
    logits.requires_grad_()
    expected_size_loss(logits, torch.tensor([4.0]), loss=lambda p, t: -torch.log(p / 2) * t).backward()
    certain = logits.detach().isinf()
    assert not logits.grad[certain].any()


# ------------------------------------------------------------------------------------------------ NaN and overflow


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_nan_logits(dtype, reduction, way):
    """NaN for their image and at their pixel, and nowhere else."""
    if way != "plain" and (dtype, reduction) != (torch.float16, "none"):
        pytest.skip("compiling takes long")

    def loss(logits):
        return expected_size_loss(logits, torch.full((4,), 6.0), n_samples=3, reduction=reduction)

    function = in_this_way(loss, way)
    logits = (2 * torch.randn(4, 9, 11, generator=seeded())).to(dtype)
    places = [(1, 0, 0), (1, 4, 5), (3, 8, 10)]
    usual, broken = logits.clone(), logits.clone()
    for place in places:
        usual[place], broken[place] = -torch.inf, torch.nan
    value, gradient = value_and_gradient(loss, usual)
    found_value, found = value_and_gradient(function, broken)
    expected = gradient.clone()
    for place in places:
        expected[place] = torch.nan
    assert found.dtype == dtype
    if way == "inductor":  # which divides by multiplying
        torch.testing.assert_close(found, expected, equal_nan=True)
    else:
        assert identical([found], [expected])
    if reduction == "none":
        assert found_value.isnan().tolist() == [False, True, False, True]
        assert torch.equal(found_value[[0, 2]], value[[0, 2]])
    else:
        assert found_value.isnan()


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 70), (2, 64, 64), (1, 300, 300), (40, 48, 32), (2, 20, 30)])
@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
def test_nan_logits_in_any_grid(shape, spatial_dims):
    """Small and large ones, first and last pixels, and all of an image."""
    logits = torch.randn(shape, generator=seeded())
    for place in (0, -1, logits.numel() // 2):
        broken = logits.clone()
        broken.view(-1)[place] = torch.nan
        grid = shape[len(shape) - spatial_dims :]
        sizes = torch.zeros(shape[: len(shape) - spatial_dims])
        options = {"reduction": "none", "spatial_dims": spatial_dims}
        value, gradient = value_and_gradient(lambda x, s=sizes, o=options: expected_size_loss(x, s, **o), broken)
        assert torch.equal(gradient.isnan(), broken.isnan())
        assert torch.equal(value.isnan(), broken.reshape(*value.shape, math.prod(grid)).isnan().any(-1))
    value, gradient = value_and_gradient(lambda x, o=options: expected_size_loss(x, sizes, **o), logits * torch.nan)
    assert value.isnan().all()
    assert gradient.isnan().all()


def test_nan_logits_of_the_operator():
    logits = torch.zeros(2, 5, 5)
    logits[1, 2, 2] = torch.nan
    losses = torch.rand(2, 6)
    values, derivative = torch.ops.chdt.sampled_derivative(logits, torch.tensor([1, 2]), losses, None, 2)
    assert values.isnan().tolist() == [False, True]
    assert torch.equal(derivative.isnan(), logits.isnan())
    left_out = torch.tensor([False, True])
    values, derivative = torch.ops.chdt.sampled_derivative(logits, torch.tensor([1, 2]), losses, left_out, 2)
    assert values[1] == 0
    assert not derivative[1].any()


def test_drawn_masks_are_never_of_nan():
    """There is no third value: NaN is refused on the host, as a logit and as a mask."""
    logits = torch.zeros(2, 5, 5)
    logits[1, 2, 3] = torch.nan
    with pytest.raises(ValueError, match=r"logits\[1, 2, 3\] is nan"):
        sample_masks(logits)
    with pytest.raises(ValueError, match=r"samples\[1, 2, 3\] is nan"):
        sampled_gradient(logits - 1, torch.zeros(2))


def test_grad_scaler_through_an_overflow_and_back():
    """Steps of NaN are skipped, the scale falls, and then the training goes on."""
    torch.manual_seed(0)
    images, sizes = torch.randn(4, 12, 12), torch.full((4,), 6.0)
    factor, shift = torch.nn.Parameter(torch.tensor(1.0)), torch.nn.Parameter(torch.tensor(0.5))
    optimizer = torch.optim.SGD([factor, shift], 1e-3)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=100)
    history = []
    for step in range(6):
        optimizer.zero_grad()
        logits = (images * factor + shift).half()
        if step in (2, 3):  # an overflow to inf, minus inf
            logits = logits + torch.full((), torch.inf, dtype=torch.half) - torch.full((), torch.inf, dtype=torch.half)
        loss = expected_size_loss(logits, sizes, n_samples=8)
        before = factor.item(), shift.item()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        moved = (factor.item(), shift.item()) != before
        history.append((bool(loss.isnan()), moved, scaler.get_scale()))
        assert math.isfinite(factor.item())
    usual, halved, again = (False, True, 1024.0), (True, False, 512.0), (True, False, 256.0)
    assert history == [usual, usual, halved, again, (False, True, 256.0), (False, True, 256.0)]


def test_logits_that_overflowed_to_inf_stall():
    """As the page on training says: certain pixels have no gradient, and nothing else shows it."""
    weight = torch.nn.Parameter(torch.tensor(7e4))
    logits = (torch.ones(1, 9, 9) * weight).half()
    assert logits.isinf().all()
    loss = expected_size_loss(logits, torch.tensor([4.0]))
    loss.backward()
    assert loss.isfinite()
    assert weight.grad == 0


# ------------------------------------------------------------------------------------------------ second derivatives

NO_SECOND = "no second derivative"


def objective(logits, alone):
    loss = expected_size_loss(logits, torch.tensor([4, 4]), n_samples=4)
    return loss if alone else loss + logits.square().sum()


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("way", ["plain", "eager"])
@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("wanted", ["grad", "backward", "sum"])
def test_no_second_derivative(wanted, alone, way):
    function = in_this_way(functools.partial(objective, alone=alone), way)
    logits = torch.randn(2, 8, 8, requires_grad=True)
    (gradient,) = torch.autograd.grad(function(logits), logits, create_graph=True)
    assert gradient.requires_grad
    twice = {
        "grad": lambda: torch.autograd.grad(gradient.square().sum(), logits),
        "backward": lambda: gradient.square().sum().backward(),
        "sum": lambda: gradient.sum().backward(),
    }[wanted]
    with pytest.raises(RuntimeError, match=NO_SECOND):
        twice()


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
@pytest.mark.parametrize("alone", [True, False])
def test_no_second_derivative_of_graphs(alone, backend):
    """Here torch itself says that it differentiates nothing twice that it has compiled."""
    function = in_this_way(functools.partial(objective, alone=alone), backend)
    logits = torch.randn(2, 8, 8, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"create_graph=False|double backward|does not require grad"):
        torch.autograd.grad(function(logits), logits, create_graph=True)[0].square().sum().backward()


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # torch's own, of Hessians
@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize(
    "twice",
    [
        lambda f: lambda x: torch.func.grad(lambda y: torch.func.grad(f)(y).square().sum())(x),
        lambda f: torch.func.hessian(f),
        lambda f: torch.func.jacrev(torch.func.jacrev(f)),
        lambda f: torch.func.jacfwd(torch.func.grad(f), randomness="same"),
        lambda f: lambda x: torch.autograd.functional.hessian(f, x),
        lambda f: lambda x: torch.autograd.functional.hvp(f, x, torch.ones_like(x)),
        lambda f: lambda x: torch.func.jvp(f, (x,), (torch.ones_like(x),)),
    ],
    ids=["grad of grad", "hessian", "jacrev of jacrev", "jacfwd", "autograd's hessian", "hvp", "jvp"],
)
def test_no_second_derivative_by_transforms(twice, alone):
    with pytest.raises(RuntimeError, match=NO_SECOND):
        twice(functools.partial(objective, alone=alone))(torch.randn(2, 4, 4))


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_no_derivative_in_forward_mode():
    logits = torch.randn(2, 4, 4)
    with torch.autograd.forward_ad.dual_level(), pytest.raises(RuntimeError, match="forward mode"):
        objective(torch.autograd.forward_ad.make_dual(logits, logits), True)


def test_first_derivative_with_a_graph():
    """It may be asked for other losses' sake, and weights of the loss of each image may have a derivative."""
    logits, factor = torch.randn(2, 8, 8, requires_grad=True), torch.tensor([1.0, 2.0], requires_grad=True)
    sizes = torch.tensor([4, 4])
    torch.manual_seed(0)
    losses = expected_size_loss(logits, sizes, reduction="none")
    (gradient,) = torch.autograd.grad((losses * factor).sum(), logits, create_graph=True)
    plain = value_and_gradient(lambda x: expected_size_loss(x, sizes, reduction="none"), logits.detach(), seed=0)[1]
    assert torch.equal(gradient.detach(), plain * torch.tensor([1.0, 2.0])[:, None, None])
    (of_factor,) = torch.autograd.grad(gradient.sum(), factor)
    torch.testing.assert_close(of_factor, plain.sum((1, 2)))


@pytest.mark.parametrize("name", ["sizes", "weight"])
def test_sizes_and_weights_that_require_grad(name):
    """The loss has no derivative with respect to them, and says so."""
    arguments = {"sizes": torch.tensor([2.0, 4.0]), "weight": torch.tensor([2.0, 4.0])}
    arguments[name].requires_grad_()
    with pytest.raises(ValueError, match=rf"{name} require.* grad.*{name}\.detach\(\)"):
        expected_size_loss(torch.zeros(2, 6, 6), **arguments)
    with pytest.raises(ValueError, match=rf"{name} require.* grad"):
        torch.func.grad(lambda x: expected_size_loss(torch.zeros(2, 6, 6), **arguments | {name: x}))(
            arguments[name].detach()
        )
    with torch.no_grad():  # nothing is lost
        assert expected_size_loss(torch.zeros(2, 6, 6), **arguments).isfinite()
    if name == "sizes":
        with pytest.raises(ValueError, match="sizes require grad"):
            sampled_gradient(torch.ones(2, 6, 6), arguments[name])


def test_losses_with_parameters_that_require_grad():
    factor = torch.tensor(2.0, requires_grad=True)
    with pytest.raises(ValueError, match="loss has parameters that require grad"):
        expected_size_loss(torch.zeros(2, 6, 6), torch.zeros(2), loss=lambda p, t: factor * (p - t) ** 2)


# ------------------------------------------------------------------------------------------------ checkpoints


class Part(torch.nn.Module):
    """A network with its loss, and dropout, which has to be the same again too."""

    def __init__(self, dropout):
        super().__init__()
        torch.manual_seed(0)
        self.network = torch.nn.Conv2d(1, 1, 3, padding=1)
        self.dropout = torch.nn.Dropout(dropout)
        self.criterion = ExpectedSizeLoss(n_samples=2)

    def forward(self, images):
        return self.criterion(self.dropout(self.network(images))[:, 0], torch.tensor([4.0, 4.0]))


def gradients_of(part, step):
    images = torch.randn(2, 1, 16, 16, generator=seeded()).requires_grad_()
    part.zero_grad()
    torch.manual_seed(1)
    value = step(images)
    torch.manual_seed(77)  # as other work would have moved the generator
    value.backward()
    return [value.detach(), images.grad, *(p.grad.clone() for p in part.parameters())]


@pytest.mark.parametrize("use_reentrant", [True, False])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_checkpointed(dropout, use_reentrant):
    """The second time through, the same masks are drawn."""
    part = Part(dropout)
    expected = gradients_of(part, part)
    assert expected[1].any()
    found = gradients_of(part, lambda x: checkpoint(part, x, use_reentrant=use_reentrant))
    assert identical(found, expected)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("backend", BACKENDS)
def test_checkpointed_and_compiled(backend):
    part = Part(0.0)
    expected = gradients_of(part, part)
    steps = [
        lambda x: checkpoint(in_this_way(part, backend), x, use_reentrant=False),
        lambda x: checkpoint(in_this_way(part, backend), x, use_reentrant=True),
    ]
    if backend != "eager":  # which does without what torch keeps the generator's state with, also for dropout
        steps.append(in_this_way(lambda x: checkpoint(part, x, use_reentrant=False), backend))
    for step in steps:
        torch.testing.assert_close(gradients_of(part, step), expected)


def test_checkpointed_without_the_generator():
    """As the page on training says: then other masks are drawn the second time, as dropout would drop others."""
    part = Part(0.0)
    expected = gradients_of(part, part)
    found = gradients_of(part, lambda x: checkpoint(part, x, use_reentrant=False, preserve_rng_state=False))
    assert torch.equal(found[0], expected[0])
    assert not torch.equal(found[1], expected[1])


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("backend", BACKENDS)
def test_compiled_draws_are_those_without(backend):
    logits = torch.randn(3, 9, 9)
    torch.manual_seed(5)
    expected = [sample_masks(logits) for _ in range(3)]
    compiled = in_this_way(sample_masks, backend)
    compiled(logits)
    torch.manual_seed(5)
    assert identical([compiled(logits) for _ in range(3)], expected)


# ------------------------------------------------------------------------------------------------ shapes and options


@pytest.mark.parametrize(
    ("logits", "sizes", "spatial_dims", "advice"),
    [
        ((2, 3, 9, 9), (2,), 2, [r"one for each class", r"logits\[:, 0\]", r"or pass spatial_dims=3"]),
        ((2, 1, 4, 9, 9), (2,), 2, [r"pass spatial_dims=3 and reshape sizes to \(2, 1\)"]),
        ((2, 1, 4, 9, 9), (2, 1), 2, [r"pass spatial_dims=3$"]),
        ((2, 9, 9, 1), (2,), 2, [r"logits\.squeeze\(-1\)$"]),
        ((2, 9, 9), (2, 2), 2, [r"one of the 2 numbers an image, as in sizes\[\.\.\., 0\]$"]),
        ((2, 9, 9), (), 2, [r"sizes\.expand\(2,\)"]),
        ((4, 2, 9, 9), (2,), 2, [r"sizes\.expand\(4, 2\)"]),
        ((4, 2, 1, 9, 9), (2, 1), 2, [r"sizes\.expand\(4, 2, 1\)"]),
        ((2, 4, 9, 9), (2,), 2, [r"sizes\[\.\.\., None\]\.expand\(2, 4\)"]),
        ((2, 1, 9, 9), (2,), 2, [r"reshape sizes to \(2, 1\)$"]),
        ((2, 9, 9), (2, 1), 2, [r"reshape sizes to \(2,\)$"]),
        ((2, 9, 9), (2, 9, 9), 2, [r"object_size gives them for masks$"]),
        ((2, 9, 9), (2, 9), 2, [r"pass spatial_dims=1"]),
        ((5, 9, 9), (3,), 2, [r"give 5 of them$"]),
    ],
)
@pytest.mark.parametrize("name", ["sizes", "weight", "samples"])
def test_advice_that_can_be_followed(name, logits, sizes, spatial_dims, advice):
    """Both shapes are shown, and what is proposed works."""
    logits = torch.ones(logits)
    given, batch = torch.ones(sizes), logits.shape[: logits.ndim - spatial_dims]
    call = {
        "weight": lambda: expected_size_loss(logits, torch.ones(batch), weight=given, spatial_dims=spatial_dims),
        "sizes": lambda: expected_size_loss(logits, given, spatial_dims=spatial_dims),
        "samples": lambda: sampled_gradient(logits, given, spatial_dims=spatial_dims),
    }[name]
    with pytest.raises(ValueError, match=r"shape \(.*shape \(") as caught:
        call()
    message = str(caught.value)
    if name == "sizes":
        for each in advice:
            assert caught.match(each)
    if "reshape" in message and "spatial_dims=3 and" not in message:
        assert given.numel() == math.prod(batch)
    for expression in re.findall(rf"{name}[^ ]*\.expand\([^)]*\)", message):
        assert eval(expression, {name: given}).shape == batch


def test_advice_followed():
    """Each of the cases that come up, once as it goes wrong and once as it was advised."""
    sizes = torch.tensor([4.0, 6.0])
    classes, volumes, channel = torch.zeros(2, 3, 9, 9), torch.zeros(2, 1, 4, 9, 9), torch.zeros(2, 9, 9, 1)
    assert expected_size_loss(classes, sizes[..., None].expand(2, 3)).isfinite()
    assert expected_size_loss(classes[:, 0], sizes).isfinite()
    assert expected_size_loss(classes, sizes, spatial_dims=3).isfinite()
    assert expected_size_loss(volumes, sizes.reshape(2, 1), spatial_dims=3).isfinite()
    assert expected_size_loss(channel.squeeze(-1), sizes).isfinite()
    assert expected_size_loss(torch.zeros(4, 2, 9, 9), sizes.expand(4, 2)).isfinite()


TOO_LARGE = r"sizes\[1\] is 400.0, but .* at most 40, .*no areas"


@pytest.mark.parametrize("kind", ["loss", "module", "gradient"])
def test_sizes_that_no_mask_has(kind):
    """Areas, or another unit: a warning, once."""
    sizes = torch.tensor([40.0, 400.0, 500.0])

    def call():
        if kind == "loss":
            return expected_size_loss(torch.zeros(3, 20, 10), sizes)
        if kind == "module":
            return ExpectedSizeLoss()(torch.zeros(3, 20, 10), sizes)
        return sampled_gradient(torch.ones(3, 20, 10), sizes)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for factor in range(1, 4):
            call()
            sizes[2] *= factor
    assert len(caught) == 1
    assert caught[0].category is UserWarning
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match=TOO_LARGE):
        call()


def test_the_largest_sizes_are_no_reason_to_warn():
    """Nor are sizes of weight 0."""
    expected_size_loss(torch.zeros(2, 20, 10), torch.tensor([40, 0]))
    expected_size_loss(torch.zeros(2, 20, 10), torch.tensor([40, 1000]), weight=torch.tensor([1, 0]))
    expected_size_loss(torch.zeros(2, 3, 4, 10), torch.tensor([20, 20]), spatial_dims=3)


@pytest.mark.filterwarnings("default")
def test_sizes_that_no_mask_has_compiled():
    compiled = in_this_way(lambda x, s: expected_size_loss(x, s), "aot_eager")
    with pytest.warns(UserWarning, match=TOO_LARGE):
        compiled(torch.zeros(3, 20, 10), torch.tensor([40.0, 400.0, 500.0]))


def loss_with(**options):
    return expected_size_loss(torch.zeros(1, 4, 4), torch.zeros(1), **options)


@pytest.mark.parametrize("make", [loss_with, ExpectedSizeLoss])
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"generator": 0}, TypeError, r"generator must be a torch.Generator or None, not int: .*manual_seed\(0\)"),
        ({"generator": "cpu"}, TypeError, "generator must be a torch.Generator or None, not str"),
        ({"n_samples": 0}, ValueError, "n_samples must be an integer of at least 1, not 0"),
        ({"n_samples": True}, ValueError, "n_samples must be an integer"),
        ({"n_samples": 2.0}, ValueError, "n_samples must be an integer"),
        ({"reduction": "median"}, ValueError, "'mean', 'sum', 'none'"),
        ({"reduction": None}, ValueError, "'mean', 'sum', 'none'"),
        ({"spatial_dims": 4}, ValueError, "spatial_dims must be 1, 2 or 3"),
        ({"loss": "l1"}, TypeError, "loss must be a function of prediction and target, not 'l1'"),
        ({"loss": None}, TypeError, "loss must be a function"),
    ],
)
def test_options_are_refused_when_they_are_given(make, options, error, message):
    with pytest.raises(error, match=message):
        make(**options)


def test_generators_that_are_none():
    with pytest.raises(TypeError, match="generator must be a torch.Generator"):
        sample_masks(torch.zeros(3), generator=0)
    with pytest.raises(TypeError, match="loss must be a function"):
        sampled_gradient(torch.ones(2, 2), torch.tensor(2), loss="l1")


def test_integers_of_numpy():
    logits, sizes = torch.randn(2, 6, 6), torch.zeros(2)
    expected = expected_size_loss(logits, sizes, n_samples=4, generator=seeded())
    options = {"n_samples": np.int64(4), "spatial_dims": np.int64(2)}
    assert torch.equal(expected_size_loss(logits, sizes, generator=seeded(), **options), expected)
    assert torch.equal(ExpectedSizeLoss(generator=seeded(), **options)(logits, sizes), expected)
    assert repr(ExpectedSizeLoss(n_samples=np.int64(4))) == repr(ExpectedSizeLoss(n_samples=4))


# ------------------------------------------------------------------------------------------------ losses

ASYMMETRIC = {
    "poisson": functools.partial(functional.poisson_nll_loss, log_input=False, reduction="none"),
    "of means": functools.partial(functional.poisson_nll_loss, log_input=False),
    "module": torch.nn.PoissonNLLLoss(log_input=False, reduction="sum"),
    "own": lambda prediction, target: (prediction - target).clamp(min=0) ** 2 + (target - prediction).clamp(min=0),
}


@pytest.mark.parametrize("name", ASYMMETRIC)
def test_losses_are_called_as_those_of_torch(name):
    """Prediction first, then target."""
    loss = ASYMMETRIC[name]
    samples, sizes = sample_masks(torch.randn(5, 7, 6) + 1), torch.tensor([2.0, 4.0, 6.0, 8.0, 10.0])
    found, gradient = sampled_gradient(samples, sizes, loss=loss)
    logits = samples * torch.inf
    of_logits = expected_size_loss(logits, sizes, loss=loss, reduction="none")
    for image, (mask, size) in enumerate(zip(samples.numpy() > 0, sizes, strict=True)):

        def of(prediction, size=size):
            return float(loss(torch.tensor(float(prediction)), size))

        before = of(oracles.size(mask))
        assert float(found[image]) == pytest.approx(before, rel=1e-6)
        assert float(of_logits[image]) == pytest.approx(before, rel=1e-6)
        changes = np.array([before - of(flipped) for flipped in oracles.flip_sizes(mask).ravel()])
        expected = np.where(mask.ravel(), changes, -changes)
        np.testing.assert_allclose(gradient[image].numpy().ravel(), expected, rtol=1e-5, atol=1e-5)


def test_squared_error_is_called_so_too():
    prediction, target = torch.tensor([3.0]), torch.tensor([1.0])
    assert squared_error(prediction=prediction, target=target) == 4


NOT_ELEMENT_BY_ELEMENT = {
    "divides by the mean of the targets": lambda p, t: (p - t) ** 2 / t.mean(),
    "divides by the mean of the predictions": lambda p, t: (p - t) ** 2 / p.mean(),
    "divides by the largest": lambda p, t: (p - t) ** 2 / p.max(),
    "subtracts the mean": lambda p, t: (p - t) ** 2 - ((p - t) ** 2).mean(),
    "softmax": lambda p, t: torch.softmax((p - t) / 10, -1),
    "sums up": lambda p, t: ((p - t) ** 2).cumsum(-1),
    "sums up images": lambda p, t: ((p - t) ** 2).cumsum(0),
    "turns around": lambda p, t: ((p - t) ** 2).flip(-1),
    "turns images around": lambda p, t: ((p - t) ** 2).flip(0),
    "standardizes": lambda p, t: (p - t) ** 2 / (p - t).std(),
    "norm": lambda p, t: functional.normalize(p - t, dim=0).abs(),
    "by place": lambda p, t: (p - t) ** 2 * torch.arange(p.numel()).view(p.shape),
    "weights of one shape": lambda p, t: (p - t) ** 2 * torch.linspace(1, 2, p.shape[0])[:, None],
    "for this batch only": lambda p, t: (p - t) ** 2 * torch.ones(5, 10),
}


def test_losses_are_examined_again():
    """One that goes wrong only later, as when all sizes of the first batch are equal."""
    loss = lambda p, t: (p - t) ** 2 / t.mean()  # noqa: E731
    logits, equal, others = torch.zeros(5, 9, 7), torch.full((5,), 4.0), torch.tensor([2.0, 4.0, 6.0, 8.0, 9.0])
    for _ in range(7):
        expected_size_loss(logits, equal, loss=loss)
    for _ in range(3):  # the 8th call, which is refused each time
        with pytest.raises(ValueError, match="element by element"):
            expected_size_loss(logits, others, loss=loss)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", NOT_ELEMENT_BY_ELEMENT)
def test_losses_that_are_not_element_by_element(name, dtype):
    loss = NOT_ELEMENT_BY_ELEMENT[name]
    logits, sizes = torch.zeros(5, 9, 7, dtype=dtype), torch.tensor([2.0, 4.0, 6.0, 8.0, 9.0])
    with pytest.raises(ValueError, match="loss must work element by element"):
        expected_size_loss(logits, sizes, loss=loss)
    with pytest.raises(ValueError, match="loss must work element by element"):
        sampled_gradient(torch.ones(5, 9, 7), sizes, loss=loss)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (3, 1, 1), (9, 9), (1, 9, 9), (2, 3, 5, 6), (0, 4, 4)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_losses_that_are(shape, dtype):
    """torch's, whatever their reduction, and functions with all kinds of values."""
    names = ["l1_loss", "mse_loss", "smooth_l1_loss", "huber_loss"]
    of_torch = [functools.partial(getattr(functional, n), reduction=r) for n in names for r in ("none", "mean", "sum")]
    modules = [torch.nn.HuberLoss(delta=2.0), torch.nn.L1Loss(reduction="none"), torch.nn.MSELoss(reduction="sum")]
    own = [
        relative,
        logarithmic,
        lambda p, t: (p != t).to(p.dtype),
        lambda p, t: p > t,
        lambda p, t: (p - t).to(torch.int64),
        lambda p, t: torch.where(p > t, torch.inf, torch.nan),
        lambda p, t: torch.zeros_like(p),
        lambda p, t: torch.exp(torch.sin(p) * torch.cos(t)) ** 1.7 - torch.log1p(p) * torch.tanh(t),
        lambda p, t: torch.log(p + 1) - torch.log(t + 1),
        lambda p, t: torch.tensor(np.abs(p.numpy() - t.numpy())),
        lambda p, t: (p - t).half(),
    ]
    sizes = torch.arange(math.prod(shape[:-2])).view(shape[:-2]).clamp(max=2).to(dtype)
    for loss in [*of_torch, *modules, *own, *TARGET_LOSSES.values()][: None if sizes.all() else -5]:
        losses, _ = sampled_gradient(torch.ones(shape, dtype=dtype), sizes, loss=loss)
        assert losses.shape == shape[:-2]


@pytest.mark.filterwarnings("default")
def test_losses_are_not_examined_by_transforms():
    """There they have no values to compare; the same call as it is finds what is wrong."""
    wrong = NOT_ELEMENT_BY_ELEMENT["divides by the mean of the targets"]
    logits, sizes = torch.zeros(2, 6, 6), torch.tensor([2.0, 4.0])
    compiled = in_this_way(lambda x, s: expected_size_loss(x, s, loss=wrong), "aot_eager")
    assert compiled(logits, sizes).isfinite()
    mapped = torch.func.vmap(lambda x, s: expected_size_loss(x, s, loss=wrong), randomness="same")
    assert mapped(logits, sizes).isfinite().all()


# ------------------------------------------------------------------------------------------------ devices, subclasses

ANY_DEFAULTS = """
import sys
import torch
how, value = sys.argv[1:]
if how == "dtype":
    torch.set_default_dtype(getattr(torch, value))
elif how == "set":
    torch.set_default_device(value)

def calls():
    from chdt import ExpectedSizeLoss, expected_size_loss, sample_masks, sampled_gradient
    made = {"dtype": torch.float32, "device": "cpu"}
    for shape in (2, 9, 9), (2, 200, 200):
        logits = torch.linspace(-3, 3, 2 * shape[1] * shape[2], **made).view(shape).requires_grad_()
        sizes, weight = torch.tensor([4, 6], device="cpu"), torch.tensor([1, 0], device="cpu")
        for loss in torch.nn.functional.l1_loss, lambda p, t: (p - t).abs():
            options = {"weight": weight, "n_samples": 2, "loss": loss}
            value = expected_size_loss(logits, sizes, generator=torch.Generator(device="cpu").manual_seed(1), **options)
            value = value + ExpectedSizeLoss()(logits, sizes)
            value.backward()
            assert value.device == logits.grad.device == torch.device("cpu"), value.device
            assert value.dtype == logits.grad.dtype == torch.float32, value.dtype
            masks = sample_masks(logits)
            assert masks.dtype == torch.float32 and masks.device == torch.device("cpu")
            losses, gradient = sampled_gradient(masks > 0, sizes, loss=loss)
            assert losses.dtype == gradient.dtype == torch.float32 and gradient.device == torch.device("cpu")
            mapped = torch.func.vmap(lambda x, s: expected_size_loss(x, s), randomness="same")(logits, sizes)
            assert mapped.device == torch.device("cpu")

if how == "with":
    with torch.device(value):
        calls()
else:
    calls()
print("ok")
"""


def test_default_devices_and_dtypes(python_for_each):
    """They never matter, from the first call of a process on."""
    cases = [("set", "meta"), ("with", "meta"), ("dtype", "float64"), ("dtype", "bfloat16")]
    assert python_for_each(ANY_DEFAULTS, cases) == ["ok"] * len(cases)


class Untouchable(torch.Tensor):
    """Fails when anything is asked of it by way of torch's functions, but for what a caller does."""

    is_touched = False

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        cls.is_touched = True
        raise AssertionError(f"{function} was called for a subclass")


def untouchable(tensor):
    return torch.Tensor._make_subclass(Untouchable, tensor, tensor.requires_grad)


@pytest.mark.parametrize("shape", [(4, 9, 9), (4, 1, 128, 128), (2, 40, 40, 40)])
def test_subclasses_are_taken_off(shape):
    logits = torch.randn(shape, generator=seeded())
    sizes = torch.full(shape[:-2], 6.0)
    weight = torch.ones(shape[:-2])

    def loss(logits, sizes, weight):
        torch.manual_seed(0)
        return expected_size_loss(logits, sizes, weight=weight)

    expected = loss(logits, sizes, weight)
    found = loss(*map(untouchable, (logits, sizes, weight)))
    assert type(found) is torch.Tensor
    assert torch.equal(found, expected)
    torch.manual_seed(0)
    drawn = sample_masks(untouchable(logits))
    assert type(drawn) is torch.Tensor
    torch.manual_seed(0)
    assert torch.equal(drawn, sample_masks(logits))
    answers = sampled_gradient(untouchable(drawn), untouchable(sizes))
    assert identical(answers, sampled_gradient(drawn, sizes))
    assert {type(x) for x in answers} == {torch.Tensor}


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("way", ["plain", "aot_eager"])
@pytest.mark.parametrize("grid", [(128, 128), (24, 32, 40)])
def test_batches_of_monai(grid, way):
    data = pytest.importorskip("monai.data")
    items = [{"image": data.MetaTensor(torch.randn(1, *grid, generator=seeded(i)))} for i in range(4)]
    batch = next(iter(data.DataLoader(data.Dataset(items), batch_size=4)))["image"]
    assert type(batch) is data.MetaTensor
    sizes = torch.full((4, 1), 6.0)

    def loss(logits, sizes):
        return expected_size_loss(logits, sizes, spatial_dims=len(grid))

    function = loss
    if way != "plain":
        torch.compiler.reset()
        function = torch.compile(loss, backend=way)
    expected, expected_gradient = value_and_gradient(loss, batch.as_tensor(), sizes)
    value, gradient = value_and_gradient(function, batch, sizes)
    torch.testing.assert_close(torch.Tensor(value), expected)
    torch.testing.assert_close(gradient.as_subclass(torch.Tensor), expected_gradient)
    assert expected_gradient.any()
    torch.manual_seed(2)
    drawn = (sample_masks if way == "plain" else torch.compile(sample_masks, backend=way))(batch)
    torch.manual_seed(2)
    assert torch.equal(drawn, sample_masks(batch.as_tensor()))
    losses, _ = sampled_gradient(drawn, data.MetaTensor(sizes), spatial_dims=len(grid))
    assert type(losses) is torch.Tensor


def test_public_names_are_all_here():
    """Whoever adds a function that draws, or takes logits, adds it to these tests."""
    of_losses = {"ExpectedSizeLoss", "expected_size_loss", "sample_masks", "sampled_gradient", "squared_error"}
    others = {"distance_transform", "flip_sizes", "intersection_over_union", "object_size", "squared_size_error"}
    of_thresholds = {"mask_of_size", "threshold_of_size"}  # test_threshold.py has theirs
    assert {name for name in chdt.__all__ if not name.startswith("_")} == of_losses | others | of_thresholds
