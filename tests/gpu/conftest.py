"""Tests of the wing of GPUs: on a GPU where there is one, else with Triton's interpreter on tensors of the host.

python -m pytest tests/gpu, with Triton installed; without it they are skipped.
"""

import contextlib
import dataclasses
import os
from pathlib import Path

import pytest
import torch

# Read when a kernel is decorated, so before the first one is imported.
os.environ.setdefault("TRITON_INTERPRET", "0" if torch.cuda.is_available() else "1")


@pytest.fixture(autouse=True)
def _overflow_is_watched_by_some(request, monkeypatch):
    """The interpreter finds integers that overflow, but takes twice as long: so in the tests by definition alone."""
    if os.environ["TRITON_INTERPRET"] == "1" and request.path.name != "test_gpu_by_definition.py":
        with contextlib.suppress(ImportError):
            from triton.runtime import interpreter

            builder = interpreter.interpreter_builder
            monkeypatch.setattr(builder, "options", dataclasses.replace(builder.options, sanitize_overflow=False))


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.gpu)


collect_ignore = ["compile_kernels.py"]  # a program of its own, for kernels that are not interpreted
