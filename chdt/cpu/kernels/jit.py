"""How the kernels are compiled: every option in this one place.

A *kernel* is what the rest of the package calls; it is compiled on its first call and cached between processes.
A *helper* is what kernels are made of; it becomes part of the kernels that use it and is never cached by itself.
An *outlined* function is a large helper that is called rather than copied into each place that uses it: one copy is
compiled, not dozens.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core.caching import FunctionCache
from numba.core.compiler_lock import global_compiler_lock

F = TypeVar("F", bound=Callable[..., Any])

# Kernels are serial and drop the GIL: threads are the business of threads.py, which says why.
OPTIONS = {"nogil": True, "error_model": "numpy", "_nrt": False}


PACKAGE = Path(__file__).parents[2]  # the folder of chdt: kernels are made of helpers from several of its folders


def _digest_of_sources() -> str:
    """Changes with any file that a cached kernel may have been compiled from."""
    digest = hashlib.sha256()
    for source in sorted(PACKAGE.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


SOURCES = _digest_of_sources()


def helper(function: F) -> F:
    """Compile a function that only kernels call."""
    return numba.njit(forceinline=True, **OPTIONS)(function)  # type: ignore[no-any-return]


def outlined(function: F) -> F:
    """Compile a function that only kernels call, in several places."""
    # Told so, as Numba takes what is not said from the caller: helpers would make helpers of outlined functions.
    return numba.njit(forceinline=False, **OPTIONS)(function)  # type: ignore[no-any-return]


class Cache(FunctionCache):  # type: ignore[misc]
    """Numba's cache, in which whatever is wrong with a file costs a compilation and nothing else."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Give the compiled function, or None where there is none to be had."""
        try:
            compiled = super().load_overload(sig, target_context)
        except (OSError, MemoryError):
            return None
        except Exception:  # cut short, or not Numba's at all: anything may come of unpickling it
            with contextlib.suppress(OSError):
                self.flush()
            return None
        # Processes that write to an empty cache at once may put different functions into one file.
        return compiled if compiled is None or tuple(compiled.signature.args) == tuple(sig) else None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Save it, unless the disk is full or has become read-only."""
        with contextlib.suppress(OSError, MemoryError):
            super().save_overload(sig, data)


def kernel(function: F) -> F:
    """Compile a function on its first call, from the cache where there is one."""
    # Numba looks for edits only in the file of the function itself, not in those of its helpers. Its cached files are
    # named after the function, so the name carries what it was made from.
    function.__qualname__ += "_" + SOURCES
    compiled = numba.njit(**OPTIONS)(function)
    if not numba.config.DISABLE_JIT:
        # A RuntimeError means a read-only install and no home: there is no place for a cache, so work without.
        with contextlib.suppress(RuntimeError):
            compiled._cache = Cache(function)
    return compiled  # type: ignore[no-any-return]


# A child that is forked while another thread compiles would wait for ever for that thread, which it does not have, once
# it compiles something itself. So a fork waits until nothing is being compiled.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=global_compiler_lock.acquire,
        after_in_parent=global_compiler_lock.release,
        after_in_child=global_compiler_lock.release,
    )
