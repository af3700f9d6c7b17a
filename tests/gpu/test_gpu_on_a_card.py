"""What only a card can show of the GPUs' wing: that nothing waits, CUDA graphs, streams, several devices, memory.

Skipped where there is none; nothing of this has run yet.
"""

import itertools

import calls
import pytest
import torch
from wing import DEVICE, called_there, needs_gpu, there

import chdt
from chdt import (
    expected_size_loss,
    flip_sizes,
    mask_of_size,
    object_size,
    sample_masks,
    threshold_of_size,
    wings,
)

pytestmark = needs_gpu


def logits_of(*shape):
    return there(2 * torch.randn(shape, generator=torch.Generator().manual_seed(0)))


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


def test_nothing_waits():
    logits = logits_of(4, 40, 30).requires_grad_()
    sizes, weight = torch.full((4,), 6.0, device="cuda"), torch.ones(4, device="cuda")
    each = torch.tensor([[2.0, 1.0], [1.0, 1.0], [0.5, 3.0], [1.0, 1.0]])
    before = torch.cuda.get_sync_debug_mode()

    def calls():
        for given in (sizes, sizes.int(), sizes.cpu()):
            value = expected_size_loss(logits, given, weight=weight, n_samples=2)
            value.backward()
        expected_size_loss(logits.half(), sizes, loss=torch.nn.functional.l1_loss).backward()
        sample_masks(logits)
        for options in ({}, {"black_border": True}, {"spacing": (2.0, 1.0)}, {"spacing": each}):
            expected_size_loss(logits, sizes, **options).backward()
            chdt.sampled_gradient(logits > 0, sizes, **options)
            threshold_of_size(logits, sizes, **options).sum().backward()
            mask_of_size(logits, sizes, **options)
            chdt.distance_transform(logits > 0, **options)
            flip_sizes(logits > 0, **options)
            object_size(logits > 0, **options)
            chdt.squared_size_error(logits > 0, logits > 1, **options)
        chdt.intersection_over_union(logits > 0, logits > 1)

    calls()  # compiles
    try:
        torch.cuda.set_sync_debug_mode("error")
        calls()
    finally:
        torch.cuda.set_sync_debug_mode(before)


class Step:
    """A whole step of a training: a network, the loss, an optimizer."""

    def __init__(self):
        torch.manual_seed(0)
        self.model = torch.nn.Conv2d(1, 1, 3, padding=1).cuda()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.01, capturable=True)
        self.images, self.sizes = logits_of(4, 1, 20, 24), torch.full((4,), 6.0, device="cuda")

    def loss(self):
        return expected_size_loss(self.model(self.images)[:, 0], self.sizes, n_samples=2)

    def __call__(self, loss=None):
        value = (loss or self.loss)()
        self.optimizer.zero_grad(set_to_none=True)
        value.backward()
        self.optimizer.step()
        return value.detach()


def test_a_whole_step_in_a_graph():
    step, graph = Step(), torch.cuda.CUDAGraph()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    with torch.cuda.graph(graph):
        captured = step()
    values, weights = [], []
    for _ in range(30):
        graph.replay()
        values.append(captured.item())
        weights.append(step.model.weight.detach().clone())
    assert len(set(values)) > 5
    assert all(not torch.equal(*pair) for pair in itertools.pairwise(weights))
    assert torch.stack(weights).isfinite().all()


def test_sizes_are_copied_into_a_graph():
    """What is new in a replay: the sizes of its images."""
    logits, sizes = torch.full((2, 20, 20), -torch.inf, device="cuda"), torch.zeros(2, device="cuda")
    expected_size_loss(logits, sizes)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        value = expected_size_loss(logits, sizes, reduction="none")
    for size in (2.0, 6.0):
        sizes.copy_(torch.tensor([size, 0.0]))
        graph.replay()
        assert value.tolist() == [size**2, 0.0]


@pytest.mark.parametrize(
    "options", [{"spacing": (2.0, 1.0)}, {"spacing": [[2.0, 1.0], [0.5, 3.0]]}, {"black_border": True}], ids=str
)
def test_options_in_a_graph(options):
    masks, logits, sizes = logits_of(2, 30, 20) > 0, logits_of(2, 30, 20), torch.full((2,), 6.0, device="cuda")

    def every():
        value = expected_size_loss(logits, sizes, reduction="none", **options)
        return value, flip_sizes(masks, **options), mask_of_size(logits, sizes, **options)

    _, *expected = every()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        value, *captured = every()
    for side in range(30):  # their lists are given up, but not those of the graph
        object_size(masks[:, : 1 + side, : 1 + side // 2], **options)
    graph.replay()
    assert value.isfinite().all()
    assert all(map(torch.equal, captured, expected))


@pytest.mark.parametrize("mode", ["reduce-overhead", "max-autotune"])
def test_a_whole_step_compiled(mode):
    torch._dynamo.reset()
    step = Step()
    loss = torch.compile(step.loss, mode=mode)
    values = {step(loss).item() for _ in range(20)}
    assert len(values) > 5
    with torch.no_grad():
        got = []
        for function in (loss, step.loss):
            for _ in range(3):  # recorded by then
                function()
            torch.manual_seed(5)
            got.append(function().clone())
    torch.testing.assert_close(*got)
    torch._dynamo.reset()


def test_autocast_and_a_grad_scaler():
    step, scaler = Step(), torch.amp.GradScaler("cuda", init_scale=2.0**8)
    with torch.autocast("cuda"):
        logits = step.model(step.images)[:, 0]
        value = expected_size_loss(logits, step.sizes)
    assert logits.dtype == torch.float16
    assert value.dtype == torch.float32
    scaler.scale(value).backward()
    scaler.step(step.optimizer)
    scaler.update()
    assert step.model.weight.isfinite().all()


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


def test_on_a_stream_of_its_own():
    masks = torch.rand(50, 60, 70) < 0.9
    with torch.cuda.stream(torch.cuda.Stream()):
        for options in ({}, {"spacing": (2.0, 1.0)}):
            assert torch.equal(flip_sizes(masks.cuda(), **options).cpu(), flip_sizes(masks, **options))
    assert torch.equal(flip_sizes(masks.cuda(), spacing=(2.0, 1.0)).cpu(), flip_sizes(masks, spacing=(2.0, 1.0)))


def test_on_each_device_whatever_the_current_one_is():
    masks, logits = torch.rand(5, 60, 70) < 0.9, logits_of(2, 20, 30)
    for index in range(torch.cuda.device_count()):
        for current in range(torch.cuda.device_count()):
            with torch.cuda.device(current):
                answer = flip_sizes(masks.to(f"cuda:{index}"), spacing=(2.0, 1.0))
                leaf = logits.detach().to(f"cuda:{index}").requires_grad_()
                expected_size_loss(leaf, torch.full((2,), 4.0, device=leaf.device)).backward()
                assert torch.cuda.current_device() == current
            assert answer.device.index == leaf.grad.device.index == index
            assert torch.equal(answer.cpu(), flip_sizes(masks, spacing=(2.0, 1.0)))


def test_more_pixels_than_32_bits_count():
    images = (1 << 31) // (512 * 512) + 2
    if torch.cuda.mem_get_info()[0] < 13 * images * 512 * 512:
        pytest.skip("takes some 28 GB")
    masks = torch.ones(1, 512, 512, dtype=torch.bool, device="cuda").repeat(images, 1, 1)
    masks[:, 5, 7] = False
    masks[-1, 300, 300] = False
    sizes = object_size(masks)
    assert sizes[:-1].unique().tolist() == [2 * 506]
    assert sizes[-1].item() == object_size(masks[-1].cpu()).item()


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


def test_the_same_draws_but_where_chances_round_otherwise():
    """How often that is, is printed: the docs say it."""
    logits, seed = 3 * torch.randn(1 << 22), torch.Generator().manual_seed(1)
    host = sample_masks(logits, generator=seed)
    got = called_there(lambda x: sample_masks(x, generator=torch.Generator().manual_seed(1)), logits)
    different = (host != got).sum().item()
    print(f"{different} of {logits.numel()} pixels are drawn otherwise")
    assert different < 20
