"""Training: several processes, many steps, and the same again from the same seed."""

from pathlib import Path

import pytest
import torch

from chdt import ExpectedSizeLoss, expected_size_loss, object_size

DISTRIBUTED = """
import os, sys
import numpy as np, torch
from chdt import expected_size_loss, sample_masks
from torch.nn.parallel import DistributedDataParallel

rank, folder = int(sys.argv[1]), sys.argv[2]
torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
SIZES = torch.tensor([6.0, 0, 12, 20])
IMAGES = torch.randn(4, 1, 20, 24, generator=torch.Generator().manual_seed(3))


def network():
    torch.manual_seed(5)
    first, last = torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.Conv2d(4, 1, 3, padding=1)
    return torch.nn.Sequential(first, torch.nn.ReLU(), last)


def gradients(model, images, sizes, draw):
    model.zero_grad()
    logits = model(images)[:, 0]
    # The same draws for the same images: a generator for each.
    losses = [expected_size_loss(a, s, n_samples=3, generator=torch.Generator().manual_seed(draw + i))
              for i, (a, s) in enumerate(zip(logits, sizes))]
    torch.stack(losses).mean().backward()
    return [p.grad.clone() for p in model.parameters()]


model = DistributedDataParallel(network())
mine = slice(2 * rank, 2 * rank + 2)
of_two = gradients(model, IMAGES[mine], SIZES[mine], 10 + 2 * rank)
alone = gradients(network(), IMAGES, SIZES, 10)
assert any(g.abs().max() > 0 for g in alone)
for a, b in zip(of_two, alone, strict=True):
    torch.testing.assert_close(a, b)

# By default each process draws noise of its own, though all were given the same seed.
torch.manual_seed(0)
logits = torch.full((1, 30, 30), 1.5, requires_grad=True)
expected_size_loss(logits, torch.tensor([10.0]), n_samples=20).backward()
for mine in logits.grad, sample_masks(logits.detach()):
    both = [torch.empty_like(mine) for _ in range(2)]
    torch.distributed.all_gather(both, mine)
    assert mine.abs().max() > 0 and not torch.equal(*both)
torch.distributed.destroy_process_group()
print("ok")
"""


def test_two_processes_are_as_one(python, tmp_path):
    """The gradients of two halves of a batch are those of the whole for the same draws; else they draw differently."""
    starter = f"""
import subprocess, sys
code = {DISTRIBUTED!r}
started = [subprocess.Popen([sys.executable, "-c", code, str(rank), sys.argv[1]]) for rank in range(2)]
sys.exit(max(process.wait(timeout=250) for process in started))
"""
    assert python(starter, str(tmp_path), GLOO_SOCKET_IFNAME="lo").count("ok") == 2  # their lines may mix


def network():
    torch.manual_seed(1)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(4, 1, 3, padding=1)
    )


def weights_after(steps, threads=None):
    model, before = network(), torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        criterion = ExpectedSizeLoss(n_samples=2)
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        images = torch.randn(300, 1, 48, 32, generator=torch.Generator().manual_seed(2))
        sizes = object_size(images[:, 0] > 1).float()
        for _ in range(steps):
            optimizer.zero_grad()
            criterion(model(images)[:, 0], sizes).backward()
            optimizer.step()
    finally:
        torch.set_num_threads(before)
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_the_same_training_from_the_same_seed():
    torch.use_deterministic_algorithms(True)
    try:
        assert torch.equal(weights_after(3), weights_after(3))
    finally:
        torch.use_deterministic_algorithms(False)


def test_the_same_loss_for_any_number_of_threads():
    """To the last bit, value and gradient; a network before it is torch's business."""
    logits = torch.randn(900, 48, 32, generator=torch.Generator().manual_seed(0))
    sizes, before, seen = torch.full((900,), 10.0), torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3, 4):
            torch.set_num_threads(threads)
            leaf = logits.clone().requires_grad_()
            generator = torch.Generator().manual_seed(0)
            loss = expected_size_loss(leaf, sizes, n_samples=2, generator=generator)
            loss.backward()
            seen.append((loss.detach(), leaf.grad))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for first in seen[:1] for other in seen for a, b in zip(first, other, strict=True))


STEPS = """
import sys
import torch
from pathlib import Path
from chdt import ExpectedSizeLoss

def resident_pages():
    return int(Path("/proc/self/statm").read_text().split()[1])

model = torch.nn.Conv2d(1, 1, 5, padding=2)
optimizer = torch.optim.Adam(model.parameters(), 1e-3)
criterion, images = ExpectedSizeLoss(), torch.randn(8, 1, 48, 32)

def train(steps):
    for step in range(steps):
        optimizer.zero_grad()
        logits = model(images[: 1 + step % 8])[:, 0]
        loss = criterion(logits, torch.full((len(logits),), 10.0))
        assert torch.isfinite(loss)
        loss.backward()
        optimizer.step()

steps = int(sys.argv[1])
train(steps // 4)
before = resident_pages()
train(steps)
grown = resident_pages() - before
assert grown < 1000, grown  # 4 MB; one gradient kept a step would be 10 pages each
print("ok", grown)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
@pytest.mark.parametrize("steps", [1000, pytest.param(20_000, marks=pytest.mark.long)])
def test_memory_does_not_grow(python, steps):
    assert python(STEPS, str(steps), timeout=3000).startswith("ok")
