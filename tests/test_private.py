"""Private names of Numba and torch that chdt uses: all are on the page of developers, and all are still there."""

import ast
import importlib
import re
from pathlib import Path

import numba
import numpy as np
import pytest

import chdt
from chdt.cpu.compiled import all_kernels

PAGE = Path(__file__).parents[1] / "docs" / "developers.md"
NAMES = re.findall(r"^\| `([\w.]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def looked_up(name):
    """What a dotted name stands for; AttributeError or ImportError if nothing."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(name)


def is_private(name):
    return name.split(".")[0] not in ("chdt", "__future__") and bool(re.search(r"(^|\.)_[a-zA-Z]|^numba\.core", name))


def imported_names(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_still_there(name):
    assert looked_up(name) is not None


def test_all_are_on_the_page():
    assert len(NAMES) > 10
    used = set()
    for path in Path(chdt.__file__).parent.rglob("*.py"):
        used |= {name for name in imported_names(path.read_text(encoding="utf-8")) if is_private(name)}
    assert used
    told = {
        name for name in used if any(f"{told}.".startswith(f"{name}.") or name.startswith(f"{told}.") for told in NAMES)
    }
    assert used - told == set()


def test_what_is_private_is_noticed():
    names = imported_names(
        "import torch._dynamo\nfrom numba.core import x\nfrom numba import njit\nfrom torch import _C"
    )
    assert [name for name in names if is_private(name)] == ["torch._dynamo", "numba.core.x", "torch._C"]
    with pytest.raises(AttributeError):
        looked_up("numba.core.caching.NotThere")
    with pytest.raises(ModuleNotFoundError):
        looked_up("not_there.at_all")


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="about compiling")
def test_what_is_set_or_read_of_kernels():
    """Attributes without a name of their own to look up."""
    chdt.object_size(np.ones((3, 4), bool))
    kernel = next(kernel for kernel in all_kernels() if kernel.overloads)
    assert hasattr(kernel, "_cache")
    assert hasattr(kernel._cache, "_cache_file")
    triple, processor, features = kernel.targetctx.codegen().magic_tuple()
    assert triple
    assert processor
    assert features is not None
    assert "_nrt" in kernel.targetoptions
