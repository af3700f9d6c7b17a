"""Every kernel compiles for the GPUs that there are, with few registers and nothing left over, without any of them."""

import json
from pathlib import Path

import pytest

pytest.importorskip("triton", reason="Triton compiles the kernels of GPUs")

MOST_REGISTERS = 96  # so five programs or more share a processor's

TARGETS = ("cuda:90", "cuda:80", "cuda:120", "hip:gfx942")


def test_all_kernels_compile_ahead_of_time(python, tmp_path):
    script = Path(__file__).with_name("compile_kernels.py").read_text(encoding="utf-8")
    said = json.loads(python(script, *TARGETS, TRITON_INTERPRET=None, TRITON_CACHE_DIR=tmp_path).splitlines()[-1])
    for target in TARGETS:
        compiled = {name for where, name, *_ in said["compiled"] if where == target}
        assert sorted(compiled) == said["kernels"]
    for target, name, form, registers, spilled in said["compiled"]:
        assert registers <= MOST_REGISTERS, (target, name, form, registers)
        assert spilled == 0, (target, name, form, spilled)
