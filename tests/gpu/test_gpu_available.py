"""Which wing does a batch, and what is said where there is none for GPUs: needs neither a GPU nor Triton."""

import importlib.util
from types import SimpleNamespace

import pytest
import torch

from chdt import __main__ as command
from chdt import wings
from chdt.cpu import sizes
from chdt.gpu import available


@pytest.fixture(autouse=True)
def _ask_again():
    available._reason_against_gpu.cache_clear()
    yield
    available._reason_against_gpu.cache_clear()


def pretend(monkeypatch, triton=True, capability=(9, 0), hip=None):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: triton or None if name == "triton" else find_spec(name, *rest)
    )
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.version, "hip", hip)


@pytest.mark.parametrize(
    ("device", "case", "reason"),
    [
        ("cuda", {}, None),
        ("cuda:1", {"capability": (7, 0)}, None),
        ("cuda:1", {"capability": (6, 1)}, "compute capability 7.0, and cuda:1 has 6.1"),
        ("cuda", {"triton": False}, "Triton is not installed"),
        ("cuda", {"capability": (1, 0), "hip": "6.4"}, None),
        ("mps", {}, "not for mps"),
        ("cpu", {}, "not for cpu"),
    ],
)
def test_reasons(monkeypatch, device, case, reason):
    pretend(monkeypatch, **case)
    said = available.reason_against(torch.device(device))
    assert said is None if reason is None else reason in said


def test_the_report_says_how(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert command.gpu_route().startswith("none: torch finds no GPU")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    pretend(monkeypatch)
    assert command.gpu_route() == "tensors of a GPU are computed there"
    available._reason_against_gpu.cache_clear()
    pretend(monkeypatch, triton=False)
    said = command.gpu_route()
    assert "cuda:0: Triton is not installed" in said
    assert said.endswith("cuda:1: Triton is not installed: torch for CUDA and ROCm brings it on Linux, so tensors of a GPU are copied to the host and back")  # fmt: skip  # noqa: E501


def test_each_batch_goes_where_its_tensor_is(monkeypatch):
    there = SimpleNamespace(sizes_of_masks=lambda *args: ("gpu", *args))
    monkeypatch.setattr(wings, "_gpu_rooms", lambda: {"sizes": there})
    reasons = {"cuda": None, "cpu": "none"}
    monkeypatch.setattr(wings, "is_on_gpu", lambda masks: masks == "there")
    masks = torch.ones(2, 3)
    assert wings.by_device(sizes.sizes_of_masks)(masks, 2, None, False).item() == 6
    monkeypatch.setattr(wings, "is_on_gpu", lambda masks: True)
    monkeypatch.setattr(wings, "reason_against", lambda device: reasons["cuda"])
    assert wings.by_device(sizes.sizes_of_masks)(masks, 2, None, False)[0] == "gpu"
    monkeypatch.setattr(wings, "reason_against", lambda device: reasons["cpu"])
    assert wings.by_device(sizes.sizes_of_masks)(masks, 2, None, False).item() == 6


def test_every_function_of_a_wing_has_its_double():
    """By name, and with as many arguments: they are called with the same ones."""
    pytest.importorskip("triton")
    for name in ("answers_of", "given_derivative", "masks_from_seed", "masks_of_ranks", "overlaps_of",
                 "sampled_derivative", "sizes_of_masks", "weakest_pixels_of_ranks"):  # fmt: skip
        host = getattr(wings, name).__wrapped__
        room = importlib.import_module(host.__module__.replace("chdt.cpu.", "chdt.gpu."))
        counts = [function.__code__.co_argcount for function in (host, getattr(room, name))]
        assert counts[0] == counts[1], name
