"""Every kernel compiles for the GPUs that there are, with few registers and nothing left over, without any of them."""

import json
from pathlib import Path

import pytest

triton = pytest.importorskip("triton", reason="Triton compiles the kernels of GPUs")

# 96: so five programs or more share a processor's, or 128: two of those that do whole images, with 8 warps. The
# assembler may leave out a number or two of these, so that one more program fits. Triton 3.4 takes up to 204 for minima
# and sums over lines, and leaves out up to 200 bytes of thresholds of whole images.
IS_NEW = tuple(map(int, triton.__version__.split(".")[:2])) > (3, 4)
MOST_REGISTERS, MOST_OF_WHOLE_IMAGES = (96, 128) if IS_NEW else (255, 255)
MOST_LEFT_OUT = 16 if IS_NEW else 200  # bytes

NVIDIA, AMD = ("cuda:90", "cuda:80", "cuda:120"), ("hip:gfx942",)


def can_link_for_amd():
    """Triton 3.4 takes ROCm's own linker, which a machine without such a GPU hardly has; a newer one brings it."""
    find_linker = getattr(pytest.importorskip("triton.backends.amd.compiler").HIPBackend, "path_to_rocm_lld", None)
    try:
        return find_linker is None or bool(find_linker())
    except Exception:  # Triton raises no other kind
        return False


TARGETS = NVIDIA + AMD if can_link_for_amd() else NVIDIA


def test_all_kernels_compile_ahead_of_time(python, tmp_path):
    script = Path(__file__).with_name("compile_kernels.py").read_text(encoding="utf-8")
    said = json.loads(python(script, *TARGETS, TRITON_INTERPRET=None, TRITON_CACHE_DIR=tmp_path).splitlines()[-1])
    for target in TARGETS:
        compiled = {name for where, name, *_ in said["compiled"] if where == target}
        assert sorted(compiled) == said["kernels"]
    for target, name, form, registers, spilled in said["compiled"]:
        most = MOST_OF_WHOLE_IMAGES if name.startswith("whole_") else MOST_REGISTERS
        assert registers <= most, (target, name, form, registers)
        assert spilled <= (MOST_LEFT_OUT if name.startswith("whole_") else 0), (target, name, form, spilled)
