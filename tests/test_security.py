"""Nothing is unpickled, evaluated, run or fetched: what chdt's own sources name, import and call."""

import ast
from pathlib import Path

import pytest

import chdt

SOURCES = sorted(Path(chdt.__file__).parent.glob("*.py"))
MODULES = {
    "base64", "cloudpickle", "ctypes", "dill", "ftplib", "http", "httpx", "joblib", "marshal", "multiprocessing",
    "pickle", "requests", "runpy", "shelve", "smtplib", "socket", "ssl", "subprocess", "tempfile", "urllib", "yaml",
}  # fmt: skip
NAMES = {"eval", "exec", "compile", "__import__", "open", "input", "breakpoint"}
ATTRIBUTES = {
    "load",
    "load_state_dict_from_url",
    "save",
    "loads",
    "system",
    "popen",
    "import_module",
    "fromfile",
    "memmap",
}


def findings(source):
    """Whatever in a source could unpickle, evaluate, run or fetch something, with its line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, a.name) for a in node.names if a.name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in MODULES:
            yield node.lineno, node.module
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NAMES:
            yield node.lineno, node.func.id
        elif isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES and isinstance(node.value, ast.Name):
            if node.value.id == "builder":  # LLVM's instruction that loads from memory
                continue
            yield node.lineno, f"{node.value.id}.{node.attr}"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_nothing_is_unpickled_evaluated_or_fetched(source):
    assert list(findings(source.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle", "from urllib.request import urlopen", "eval('1')", "exec('x')",
        "import torch; torch.load('f')",
        "np.load('f')", "import os; os.system('x')", "import subprocess as s", "def f(): import socket", "open('f')",
    ],
)  # fmt: skip
def test_such_things_are_found(code):
    assert list(findings(code))
