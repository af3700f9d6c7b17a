"""What is compiled of the kernels, and where that is kept: for bug reports, and for compiling all of it beforehand."""

import contextlib
import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numba

from chdt.cpu import kernels
from chdt.cpu.kernels.jit import SOURCES

PYTHON = f"py{sys.version_info[0]}{sys.version_info[1]}{getattr(sys, 'abiflags', '')}"

# As Numba names them: module, function with the digest of the sources, first line, Python, and a number a function.
FILE = re.compile(r"\w+\.\w+_(?P<sources>[0-9a-f]{16})-\d+\.(?P<python>py\w+)(\.\d+\.nbc|\.nbi)")


class Cache(NamedTuple):
    """What the folders of the cache hold of the kernels of chdt."""

    folders: list[Path]  # none if there is no place for a cache
    functions: int  # for this processor; a kernel counts once for each set of types
    other_processors: int  # functions that were compiled for others
    bytes: int  # of this version
    stale_files: int  # of other versions of chdt or Python: they do no harm, and may be deleted
    stale_bytes: int


def all_kernels() -> list[Any]:
    """Every function that is compiled and kept by itself, by the names of the files."""
    found: dict[int, Any] = {}
    for module in pkgutil.iter_modules(kernels.__path__, f"{kernels.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if getattr(value, "__qualname__", "").endswith(f"_{SOURCES}"):
                found[id(value)] = value  # once, however many modules import it
    return list(found.values())


def functions_here() -> tuple[int, int]:
    """How many functions this process has got ready, and how many of them by compiling, as they were not kept."""
    dispatchers = [] if numba.config.DISABLE_JIT else all_kernels()
    ready = sum(len(kernel.signatures) for kernel in dispatchers)
    return ready, sum(sum(kernel.stats.cache_misses.values()) for kernel in dispatchers)


def look_into_cache() -> Cache:
    """What is there at the moment."""
    folders: dict[Path, None] = {}
    functions = other_processors = 0
    for kernel in [] if numba.config.DISABLE_JIT else all_kernels():
        path = kernel._cache.cache_path
        if path is None:  # no place that may be written to
            continue
        folders[Path(path)] = None
        processor = kernel.targetctx.codegen().magic_tuple()
        for _, compiled_for, *_ in _index_of(kernel):
            functions += compiled_for == processor
            other_processors += compiled_for != processor
    files = [file for folder in folders for file in _files_of(folder)]
    current = [size for is_current, size in files if is_current]
    stale = [size for is_current, size in files if not is_current]
    return Cache(list(folders), functions, other_processors, sum(current), len(stale), sum(stale))


def _index_of(kernel: Any) -> list[Any]:
    """What each kept function was compiled from and for, none where the file cannot be read."""
    try:
        return list(kernel._cache._cache_file._load_index())
    except Exception:  # cut short, or not Numba's at all: see `jit.Cache`
        return []


def _files_of(folder: Path) -> Iterator[tuple[bool, int]]:
    """Whether each file belongs to this version, and its bytes."""
    for path in folder.glob("*.nb[ci]"):
        match = FILE.fullmatch(path.name)
        if match is not None:
            with contextlib.suppress(OSError):  # gone by now
                yield match["sources"] == SOURCES and match["python"] == PYTHON, path.stat().st_size
