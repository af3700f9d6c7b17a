"""Tests of the wing of GPUs: on a GPU where there is one, else with Triton's interpreter on tensors of the host.

python -m pytest tests/gpu, with Triton installed; without it they are skipped.
"""

import os
from pathlib import Path

import pytest
import torch

# Read when a kernel is decorated, so before the first one is imported.
os.environ.setdefault("TRITON_INTERPRET", "0" if torch.cuda.is_available() else "1")


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.gpu)


collect_ignore = ["compile_kernels.py"]  # a program of its own, for kernels that are not interpreted
