"""The GPUs' wing in what torch makes of it: operators, compiled and exported; CUDA graphs and streams, on a card."""

import calls
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from wing import DEVICE, called_there, needs_gpu, on_gpu, there

import chdt
from chdt import (
    expected_size_loss,
    flip_sizes,
    mask_of_size,
    object_size,
    sample_masks,
    squared_error,
    threshold_of_size,
    wings,
)
from chdt.checks import devices

pytestmark = pytest.mark.filterwarnings("ignore:.*(torch.jit|fork|FP_FUSION|grad attribute).*")


def logits_of(*shape):
    return there(2 * torch.randn(shape, generator=torch.Generator().manual_seed(0)))


SIZES = there(torch.tensor([2.0, 4.0]))


def test_opcheck():
    logits, seeds = logits_of(2, 4, 3), there(torch.tensor([1, 2]))
    losses, ranks = there(torch.rand(2, 5)), there(torch.tensor([[0, 1], [1, 2]]))
    ops = torch.ops.chdt
    with on_gpu():
        torch.library.opcheck(ops.flip_sizes.default, (logits > 0, 2))
        torch.library.opcheck(ops.object_size.default, (logits.sign(), 2, (2.0, 1.0, 1.0), True))
        torch.library.opcheck(ops.masks_from_seed.default, (logits, seeds[:1]))
        torch.library.opcheck(ops.sampled_derivative.default, (logits, seeds, losses, None, 2))
        torch.library.opcheck(ops.given_derivative.default, (logits > 0, losses, 2))
        torch.library.opcheck(ops.weakest_pixels.default, (logits, ranks, 2, None, False))
        torch.library.opcheck(ops.mask_of_size.default, (logits, ranks[:, 0], 2, None, False))
        torch.library.opcheck(ops.draw_seeds.default, (seeds,))


def step(logits, sizes):
    return expected_size_loss(logits, sizes) + threshold_of_size(logits, sizes).sum() + object_size(logits > 0).sum()


def test_compiled_with_its_gradient():
    """The same draws, so the same bits: seeds come out of the generator in one order."""
    logits, answers = logits_of(2, 4, 3), []
    torch._dynamo.reset()
    with on_gpu():
        for function in (step, torch.compile(step, fullgraph=True, backend="aot_eager")):
            leaf = logits.clone().requires_grad_()
            torch.manual_seed(1)
            value = function(leaf, SIZES)
            value.backward()
            answers.append((value.detach(), leaf.grad))
    torch.testing.assert_close(answers[1], answers[0])
    torch._dynamo.reset()


class Sizes(torch.nn.Module):
    def forward(self, logits):
        return object_size(logits > 0), flip_sizes(logits > 0), sample_masks(logits)


def test_exported():
    logits = logits_of(2, 4, 3)
    with on_gpu():
        program = torch.export.export(Sizes(), (logits,))
        sizes, flips, drawn = program.module()(logits)
        assert torch.equal(sizes, object_size(logits > 0))
        assert torch.equal(flips, flip_sizes(logits > 0))
    assert drawn.abs().eq(1).all()


def test_mapped():
    logits = logits_of(3, 2, 4, 3)
    with on_gpu():
        mapped = torch.func.vmap(mask_of_size)(logits, SIZES.expand(3, 2))
        assert torch.equal(mapped, mask_of_size(logits, SIZES.expand(3, 2)))


def test_a_graph_does_not_keep_what_is_on_the_host(monkeypatch):
    """Its seeds and sizes would be the same in each replay: refused, not frozen."""
    monkeypatch.setattr(devices, "is_captured", lambda device: True)
    other = torch.device("meta") if DEVICE.type == "cpu" else DEVICE
    monkeypatch.setattr(devices, "GPUS", {other.type})
    with pytest.raises(RuntimeError, match="sizes on the host cannot be part of a CUDA graph"):
        devices.sent(torch.ones(2), other, "sizes")
    assert devices.sent(torch.ones(2), torch.device("cpu"), "sizes").tolist() == [1, 1]


READ_A_VALUE = ("_local_scalar_dense", "equal", "is_nonzero", "nonzero", "masked_select", "unique")


class Called(TorchDispatchMode):
    """The operators of torch that are called."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names.append(function.overloadpacket.__name__)
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("loss", [squared_error, torch.nn.functional.smooth_l1_loss])
def test_no_value_is_read(loss):
    """Operators whose outcome is known to the host make it wait for the device."""
    logits, weight = logits_of(2, 4, 3).requires_grad_(), there(torch.ones(2))
    with on_gpu(), Called() as called:
        expected_size_loss(logits, SIZES, weight=weight, n_samples=2, loss=loss).backward()
        threshold_of_size(logits, SIZES).sum().backward()
        masks = mask_of_size(logits, SIZES)
        flip_sizes(masks)
        sample_masks(logits)
        chdt.squared_size_error(masks, masks)
        chdt.intersection_over_union(masks, masks)
    assert "randint" in called.names
    assert not set(READ_A_VALUE) & set(called.names)
    with on_gpu(), Called() as called:
        object_size(logits.detach().sign())
    assert called.names.count("_local_scalar_dense") == 1  # whether the masks are valid


# ------------------------------------------------------------------------------------------------ on a card


@needs_gpu
@pytest.mark.parametrize("n_samples", [1, 3])
def test_replays_draw_anew_and_have_the_right_mean(n_samples):
    logits = torch.zeros(1, 2, 2, device="cuda", requires_grad=True)
    sizes = torch.tensor([2.0], device="cuda")
    with torch.cuda.stream(torch.cuda.Stream()):  # compiles, before anything is captured
        expected_size_loss(logits, sizes, n_samples=n_samples).backward()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    logits.grad = None
    with torch.cuda.graph(graph):
        value = expected_size_loss(logits, sizes, n_samples=n_samples)
        value.backward()
    values, gradients = [], []
    for _ in range(4000):
        graph.replay()
        values.append(value.detach().clone())
        gradients.append(logits.grad.clone())
    values, gradients = torch.stack(values), torch.stack(gradients)
    masks = torch.tensor([[(i >> j) & 1 for j in range(4)] for i in range(16)], dtype=torch.bool).view(-1, 2, 2)
    exact = ((object_size(masks).double() - 2) ** 2).mean().item()
    assert values.unique().numel() > 1
    error = 4 * values.std().item() / len(values) ** 0.5
    assert abs(values.mean().item() - exact) < error
    assert gradients.std(0).min() > 0


@needs_gpu
def test_a_replay_is_equal_to_eager_for_equal_draws():
    logits, sizes = logits_of(4, 40, 30), torch.full((4,), 6.0, device="cuda")
    expected_size_loss(logits, sizes)
    generator, graph = torch.Generator("cuda").manual_seed(5), torch.cuda.CUDAGraph()
    graph.register_generator_state(generator)
    with torch.cuda.graph(graph):
        captured = expected_size_loss(logits, sizes, generator=generator)
    generator.manual_seed(5)
    graph.replay()
    eager = expected_size_loss(logits, sizes, generator=torch.Generator("cuda").manual_seed(5))
    assert torch.equal(captured, eager)


@needs_gpu
def test_nothing_waits():
    logits = logits_of(4, 40, 30).requires_grad_()
    sizes, weight = torch.full((4,), 6.0, device="cuda"), torch.ones(4, device="cuda")
    before = torch.cuda.get_sync_debug_mode()

    def calls():
        for given in (sizes, sizes.int(), sizes.cpu()):
            value = expected_size_loss(logits, given, weight=weight, n_samples=2)
            value.backward()
        expected_size_loss(logits.half(), sizes, loss=torch.nn.functional.l1_loss).backward()
        threshold_of_size(logits, sizes).sum().backward()
        mask_of_size(logits, sizes)
        sample_masks(logits)
        chdt.distance_transform(logits > 0)
        flip_sizes(logits > 0)
        object_size(logits > 0)

    calls()  # compiles
    try:
        torch.cuda.set_sync_debug_mode("error")
        calls()
    finally:
        torch.cuda.set_sync_debug_mode(before)


@needs_gpu
def test_compiled_into_graphs():
    torch._dynamo.reset()
    logits, sizes = logits_of(2, 20, 20), torch.full((2,), 6.0, device="cuda")
    function = torch.compile(lambda x: expected_size_loss(x, sizes), mode="reduce-overhead", fullgraph=True)
    values = {function(logits).item() for _ in range(20)}
    assert len(values) > 5
    torch._dynamo.reset()


@needs_gpu
def test_every_function_by_way_of_the_host(monkeypatch):
    """Where there is no Triton; seeds, sizes and what is left out are on the GPU all the same."""
    given = calls.given_tensors(there)
    monkeypatch.setattr(wings, "reason_against", lambda device: "told to")
    for name in calls.CALLS:
        assert all(answer.device == DEVICE or answer.is_cuda for answer in calls.called(name, given))
    leaf, weight = given.logits.requires_grad_(), there(torch.tensor([1.0, 0.0]))
    expected_size_loss(leaf, given.sizes, weight=weight, n_samples=2).backward()
    assert leaf.grad[0].any()
    assert not leaf.grad[1].any()
    assert mask_of_size(leaf, given.sizes.cpu()).is_cuda


@needs_gpu
def test_on_a_stream_of_its_own_and_on_the_second_device():
    masks = torch.rand(50, 60, 70) < 0.9
    for index in range(torch.cuda.device_count()):
        with torch.cuda.stream(torch.cuda.Stream(index)):
            here = masks.to(f"cuda:{index}")
            answer = flip_sizes(here)
            assert answer.device.index == index
            assert torch.equal(answer.cpu(), flip_sizes(masks))


@needs_gpu
def test_no_growth_and_usable_after_there_was_no_memory():
    masks = torch.rand(20, 100, 100, device="cuda") < 0.9
    flip_sizes(masks)
    before = torch.cuda.memory_allocated()
    flips = flip_sizes(masks)
    assert torch.cuda.memory_allocated() - before <= flips.nbytes + 1024
    del flips
    _, total = torch.cuda.mem_get_info()
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + (1 << 20)) / total)
    try:
        with pytest.raises(torch.cuda.OutOfMemoryError):
            flip_sizes(torch.ones(1, device="cuda", dtype=torch.bool).expand(4000, 300, 300))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert torch.equal(flip_sizes(masks).cpu(), flip_sizes(masks.cpu()))


@needs_gpu
def test_the_same_draws_but_where_chances_round_otherwise():
    """How often that is, is printed: the docs say it."""
    logits, seed = 3 * torch.randn(1 << 22), torch.Generator().manual_seed(1)
    host = sample_masks(logits, generator=seed)
    got = called_there(lambda x: sample_masks(x, generator=torch.Generator().manual_seed(1)), logits)
    different = (host != got).sum().item()
    print(f"{different} of {logits.numel()} pixels are drawn otherwise")
    assert different < 20
