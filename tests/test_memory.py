"""Memory: little beside the answer, and none kept."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from forms import ARRAY_LAYOUTS, as_array, each_function
from strategies import random_masks

from chdt import distance_transform, expected_size_loss, flip_sizes, object_size

STATM = Path("/proc/self/statm")


@pytest.mark.parametrize("shape", [(64, 256, 256), (6103, 48, 32), (1, 1500, 1500)])
@pytest.mark.parametrize("function", [distance_transform, flip_sizes, object_size])
def test_temporaries_are_at_most_a_quarter_of_the_masks(function, shape):
    masks = np.where(np.random.default_rng(0).random(shape) < 0.9, 1, -1).astype(np.float32)
    options = {} if function is object_size else {"out": np.empty(shape, np.int32)}
    function(masks, **options)  # compile first
    tracemalloc.start()
    try:
        answer = function(masks, **options)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    beside = peak - (answer.nbytes if not options else 0)
    assert 0 < beside <= masks.nbytes / 4 + 200_000


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs /proc")
def test_value_and_gradient_take_at_most_four_times_the_logits(python):
    """With the logits themselves among the four, and their gradient."""
    code = """
import pathlib, torch
from chdt import expected_size_loss

def status(name):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))

expected_size_loss(torch.zeros(2, 48, 32, requires_grad=True), torch.zeros(2)).backward()
before = status("VmRSS")
logits = torch.randn(20_000, 48, 32).requires_grad_()
pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here on
expected_size_loss(logits, torch.zeros(20_000)).backward()
print((status("VmHWM") - before) / (4 * logits.numel()))
"""
    assert 2 < float(python(code)) <= 4


def resident_pages():
    return int(STATM.read_text().split()[1])


@pytest.mark.skipif(not STATM.exists(), reason="needs /proc")
def test_no_growth():
    masks = torch.randn(3, 20, 30, generator=torch.Generator().manual_seed(0)).sign()
    logits, sizes = torch.randn(3, 20, 30, requires_grad=True), torch.ones(3)

    def call(times):
        for _ in range(times):
            object_size(masks)
            distance_transform(masks)
            flip_sizes(masks)
        for _ in range(times // 10):
            expected_size_loss(logits, sizes).backward()

    call(500)
    before = resident_pages()
    call(3400)
    assert resident_pages() - before < 1000  # keeping one answer a call would take thousands


@each_function
@pytest.mark.parametrize("layout", ["plain", "transposed"])
def test_temporaries_beside_new_answers_and_answers_in_out(function, layout):
    masks = as_array(random_masks((1, 64, 256, 256), 0.9), "f4")
    masks = masks if layout == "plain" else ARRAY_LAYOUTS[layout](masks)
    out = {} if function is object_size else {"out": np.empty(masks.shape, np.int32)}
    function(masks, **out)  # compiles
    tracemalloc.start()
    try:
        np.empty(masks.size // 8)  # is seen
        assert tracemalloc.get_traced_memory()[1] >= masks.size
        tracemalloc.reset_peak()
        function(masks, **out)
        into_out = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        answer = function(masks)
        new = tracemalloc.get_traced_memory()[1] - answer.nbytes
    finally:
        tracemalloc.stop()
    assert into_out <= masks.nbytes / 4
    assert new <= masks.nbytes / 4


def test_no_growth_where_values_are_refused(python):
    statm = "/proc/self/statm"
    try:
        open(statm).close()
    except OSError:
        pytest.skip("needs /proc")
    grown = python(
        f"""
import gc
import numpy as np, torch
from chdt import distance_transform, flip_sizes, object_size

def resident():
    gc.collect()
    with open({statm!r}) as file:
        return int(file.read().split()[1]) * {__import__("resource").getpagesize()}

def calls(count):
    for number in range(count):
        for function in distance_transform, object_size, flip_sizes:
            function(masks)
            function(tensor)
        distance_transform(masks, out=out)
        try:
            object_size(wrong)
        except ValueError:
            pass

masks = np.ones((2, 12, 13), np.float32)
masks[:, 4, 5] = -1
tensor, out, wrong = torch.from_numpy(masks), np.empty(masks.shape, np.float32), 0 * masks
calls(2000)
before = resident()
calls(10_000)
print(resident() - before)
"""
    )
    assert int(grown) < 1 << 20
