"""How long the loss takes, value and gradient, and how much it adds to a step of training; how much memory it needs."""

import functools
import os
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

import chdt
from benchmarks.workloads import THREADS, WORKLOADS, tensor_of

SLICES = WORKLOADS["slices 6103x48x32"]
BATCHES = (32, 1024)

# ------------------------------------------------------------------------------------------------ the loss


def logits_like(batch: int) -> torch.Tensor:
    """What a network that has learned something makes of the slices: certain far from the outline, noisy near it."""
    masks = tensor_of(SLICES._replace(count=batch), "float32")
    smooth = functional.avg_pool2d(masks[:, None], 5, stride=1, padding=2, count_include_pad=False)[:, 0]
    noise = torch.randn(masks.shape, generator=torch.Generator().manual_seed(0))
    return (6 * smooth + noise).requires_grad_()


def losses(batch: int) -> dict[str, Callable[[torch.Tensor], torch.Tensor]]:
    """Losses of the same logits: chdt's, and its peer, which is given the outlines."""
    masks = tensor_of(SLICES._replace(count=batch), "bool")
    sizes, targets = chdt.object_size(masks), masks.float()
    return {
        "cross-entropy": functools.partial(functional.binary_cross_entropy_with_logits, target=targets),
        "chdt, 1 sample": functools.partial(chdt.expected_size_loss, sizes=sizes),
        "chdt, 8 samples": functools.partial(chdt.expected_size_loss, sizes=sizes, n_samples=8),
    }


LOSSES = ("cross-entropy", "chdt, 1 sample", "chdt, 8 samples")


class ValueAndGradient:
    """Seconds for the value of a loss and its gradient with respect to the logits."""

    params = (BATCHES, THREADS, LOSSES)
    param_names = ("batch", "threads", "loss")

    def setup(self, batch: int, threads: int, loss: str) -> None:
        if threads > (os.cpu_count() or 1):
            raise NotImplementedError(f"{threads} threads need as many cores")
        torch.set_num_threads(threads)
        self.logits, self.loss = logits_like(batch), losses(batch)[loss]
        self.time_value_and_gradient()

    def time_value_and_gradient(self, *_: Any) -> None:
        self.logits.grad = None
        self.loss(self.logits).backward()


class Peak:
    """Peak memory of a process that computes one loss; what goes beyond "logits alone" is the loss's."""

    params = (("logits alone", *LOSSES[:2]),)
    param_names = ("loss",)

    def setup(self, loss: str) -> None:
        few = torch.zeros(2, 48, 32, requires_grad=True)
        chdt.expected_size_loss(few, torch.zeros(2)).backward()  # loads the kernels

    def peakmem_loss(self, loss: str) -> None:
        logits = torch.zeros(20_000, 48, 32, requires_grad=True)
        if loss == "cross-entropy":
            functional.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits)).backward()
        elif loss != "logits alone":
            chdt.expected_size_loss(logits, torch.zeros(20_000)).backward()


# ------------------------------------------------------------------------------------------------ a step of training


class SmallUNet(nn.Module):
    """Three levels of two convolutions each, 117,000 weights."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = self._level(1, 16), self._level(16, 32), self._level(32, 64)
        self.up_second, self.up_first = self._level(64 + 32, 32), self._level(32 + 16, 16)
        self.last = nn.Conv2d(16, 1, 1)

    @staticmethod
    def _level(inputs: int, outputs: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        for channels in (inputs, outputs):
            layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
        return nn.Sequential(*layers)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, shape (N, H, W), of images, shape (N, 1, H, W)."""
        first = self.first(images)
        second = self.second(functional.max_pool2d(first, 2))
        third = self.third(functional.max_pool2d(second, 2))
        second = self.up_second(torch.cat([functional.interpolate(third, scale_factor=2), second], 1))
        first = self.up_first(torch.cat([functional.interpolate(second, scale_factor=2), first], 1))
        return self.last(first)[:, 0]


class TrainingStep:
    """Seconds for a step of training a small U-Net on a batch of 32 slices."""

    params = (THREADS, LOSSES)
    param_names = ("threads", "loss")

    def setup(self, threads: int, loss: str) -> None:
        if threads > (os.cpu_count() or 1):
            raise NotImplementedError(f"{threads} threads need as many cores")
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        self.images, self.loss = torch.randn(32, 1, 48, 32), losses(32)[loss]
        self.network = SmallUNet()
        self.optimizer = torch.optim.Adam(self.network.parameters())
        self.time_step()

    def time_step(self, *_: Any) -> None:
        self.optimizer.zero_grad()
        self.loss(self.network(self.images)).backward()
        self.optimizer.step()
