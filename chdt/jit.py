"""How the kernels are compiled: every option in this one place.

A *kernel* is what the rest of the package calls; it is compiled on its first call and cached between processes.
A *helper* is what kernels are made of; it becomes part of the kernels that use it and is never cached by itself.
A *part* is a large helper that is called rather than copied into each place that uses it: one copy is compiled, not
dozens.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])

# Kernels are serial and drop the GIL: threads are the business of parallel.py, which says why.
OPTIONS = {"nogil": True, "error_model": "numpy", "_nrt": False}


def _digest_of_sources() -> str:
    """Changes with any file that a cached kernel may have been compiled from."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


SOURCES = _digest_of_sources()


def helper(function: F) -> F:
    """Compile a function that only kernels call."""
    return numba.njit(forceinline=True, **OPTIONS)(function)  # type: ignore[no-any-return]


def part(function: F) -> F:
    """Compile a function that only kernels call, in several places."""
    # Told so, as Numba takes what is not said from the caller: helpers would make helpers of their parts.
    return numba.njit(forceinline=False, **OPTIONS)(function)  # type: ignore[no-any-return]


def kernel(function: F) -> F:
    """Compile a function on its first call, from the cache where there is one."""
    # Numba looks for edits only in the file of the function itself, not in those of its helpers. Its cached files are
    # named after the function, so the name carries what it was made from.
    function.__qualname__ += "_" + SOURCES
    try:
        return numba.njit(cache=True, **OPTIONS)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # a read-only install and no home: there is no place for a cache, so work without
        return helper(function)
