"""How the kernels are compiled: every option in this one place.

A *kernel* is what the rest of the package calls; it is compiled on its first call and cached between processes.
A *helper* is what kernels are made of; it becomes part of the kernels that use it and is never cached by itself.
A *hot* helper is a loop that much of the time goes into, or stands in one.
An *outlined* function is a large helper that is called rather than copied into each place that uses it: one copy is
compiled for each kernel, not dozens.

A kernel may also be used by other kernels, as a helper. Called from Python, a helper is the Python function that it is
written as, which is enough for those that only reckon with numbers.

What would be compiled for nothing is left out. Numba optimises each function and makes machine code of it, for each
combination of types, although all that is needed of a helper is its part in a kernel; here, the code of helpers goes
into kernels as it is, and is optimised there, once. Of LLVM's vectorisers only that of loops runs, for the few that add
numbers one by one: without it the loss of 1024 slices took 1.2 times as long. Hot helpers are optimised by themselves,
too: in a kernel of many loops, LLVM no longer takes out of each loop what never changes there. Without that, sizes of
volumes took up to 1.2 times as long; doing it for all helpers, compiling would take 1.5 times as long. On two cores
with AVX-512 the first calls of the four functions on slices went from 31 s to 12 s: ``python
benchmarks/compile_times.py`` measures it.
"""

import contextlib
import hashlib
import inspect
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_type_hints

import numba
from numba import types
from numba.core.caching import FunctionCache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import CPUDispatcher

F = TypeVar("F", bound=Callable[..., Any])

# Kernels are serial and drop the GIL: threads are the business of threads.py, which says why.
OPTIONS = {"nopython": True, "boundscheck": None, "nogil": True, "error_model": "numpy", "_nrt": False}

PACKAGE = Path(__file__).parents[2]  # the folder of chdt: kernels are made of helpers from several of its folders


def _digest_of_sources() -> str:
    """Changes with any file that a cached kernel may have been compiled from."""
    digest = hashlib.sha256()
    for source in sorted(PACKAGE.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


SOURCES = _digest_of_sources()


# ------------------------------------------------------------------------------------------------ helpers


def _optimise(library: JITCodeLibrary) -> None:
    # Numba's own does more before that to prune references, of which kernels hold none.
    passes = library._codegen._module_pass_manager(loop_vectorize=True, slp_vectorize=False)
    manager, *builder = passes if isinstance(passes, tuple) else (passes,)  # none before Numba 0.62
    manager.run(library._final_module, *builder)


class HelperLibrary(JITCodeLibrary):  # type: ignore[misc]
    """LLVM's code of a helper and of those that it uses, not turned into machine code."""

    is_hot = False

    def finalize(self) -> None:
        """Take in the code of the helpers that this one uses."""
        for library in dict.fromkeys(self._linking_libraries):
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        if self.is_hot:
            _optimise(self)
        self._finalized = True


class HelperCompiler(Compiler):  # type: ignore[misc]
    """Compiles a helper without what makes a function callable from Python."""

    def __init__(self, typing: Any, target: Any, library: Any, *rest: Any) -> None:
        super().__init__(typing, target, library, *rest)
        state = self.state
        state.library = HelperLibrary(state.targetctx.codegen(), "helper")
        state.flags.no_cpython_wrapper = state.flags.no_cfunc_wrapper = True
        state.targetctx.get_executable = _no_executable  # the context is this compiler's own


class HotCompiler(HelperCompiler):
    """Compiles a helper that is optimised by itself, too."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.state.library.is_hot = True


def _no_executable(library: Any, description: Any, environment: Any) -> object:
    """What Numba knows a compiled function by, which is not executable here."""
    return object()


class Helper(CPUDispatcher):  # type: ignore[misc]
    """A helper: compiled where a kernel calls it, plain Python where Python does."""

    def __init__(self, function: Callable[..., Any], forceinline: bool, compiler: Any = HelperCompiler) -> None:
        # Whether it is inlined is said in any case, as Numba takes what is not said from the caller.
        super().__init__(function, {}, {**OPTIONS, "forceinline": forceinline}, pipeline_class=compiler)

    def __call__(self, *arguments: Any) -> Any:
        """From Python: what the function says."""
        return self.py_func(*arguments)

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """What a call is typed by: a literal as any number, or each value would be compiled anew."""
        keywords = {name: types.unliteral(kind) for name, kind in kws.items()}
        return super().get_call_template(tuple(map(types.unliteral, args)), keywords)

    def add_overload(self, compiled: Any) -> None:
        """Remember what was compiled, without a way to it from Python."""
        self.overloads[tuple(compiled.signature.args)] = compiled


def helper(function: F) -> F:
    """Compile a function into all kernels that call it."""
    return function if numba.config.DISABLE_JIT else Helper(function, forceinline=True)


def hot_helper(function: F) -> F:
    """Compile a function into all kernels that call it, optimised by itself and then with each kernel."""
    return function if numba.config.DISABLE_JIT else Helper(function, forceinline=True, compiler=HotCompiler)


def outlined(function: F) -> F:
    """Compile a function once for each kernel that calls it, in several places."""
    return function if numba.config.DISABLE_JIT else Helper(function, forceinline=False)


# ------------------------------------------------------------------------------------------------ kernels


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


class KernelLibrary(JITCodeLibrary):  # type: ignore[misc]
    """The machine code of a kernel, helpers included."""

    def _optimize_final_module(self) -> None:
        _optimise(self)


class KernelCompiler(Compiler):  # type: ignore[misc]
    """Compiles a kernel: callable from Python, not from C."""

    def __init__(self, typing: Any, target: Any, library: Any, *rest: Any) -> None:
        super().__init__(typing, target, library, *rest)
        state = self.state
        state.library = KernelLibrary(state.targetctx.codegen(), "kernel")
        state.library.enable_object_caching()
        state.flags.no_cfunc_wrapper = True


class Kernel(CPUDispatcher):  # type: ignore[misc]
    """A kernel: what Python calls, and a helper for other kernels."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function, {}, OPTIONS, pipeline_class=KernelCompiler)
        self.helper = Helper(function, forceinline=True)
        # A RuntimeError means a read-only install and no home: there is no place for a cache, so work without.
        with contextlib.suppress(RuntimeError):
            self._cache = Cache(function)
        self.unnamed: set[tuple[int, ...]] = set()  # codes of calls with plain tuples that find what is compiled

    def _compile_for_args(self, *arguments: Any) -> Any:
        """Compile, or load, what types need that did not come before; plain tuples are taken for the named ones.

        `chdt.cpu.memory.without_names` makes them, and says why.
        """
        hints = get_type_hints(self.py_func)
        names = inspect.signature(self.py_func).parameters
        named = [_with_names(value, hints.get(name)) for value, name in zip(arguments, names, strict=True)]
        compiled = super()._compile_for_args(*named)
        codes = self._codes(arguments)
        with global_compiler_lock:
            if codes != self._codes(named) and codes not in self.unnamed:
                self._insert(codes, compiled, False)  # False: not in Numba's object mode
                self.unnamed.add(codes)
        return compiled

    def _codes(self, arguments: Sequence[Any]) -> tuple[int, ...]:
        """What a call looks for compiled functions by."""
        return tuple(self.typeof_pyval(argument)._code for argument in arguments)

    @property
    def _numba_type_(self) -> Any:
        """What Numba takes it for in another kernel."""
        return self.helper._numba_type_


def _with_names(value: Any, hint: Any) -> Any:
    """A plain tuple with the names of its annotation, where that is a named tuple X, or X | None; all else as it is."""
    kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    named = next((kind for kind in kinds if hasattr(kind, "_fields")), None)
    if named is None or value is None:
        return value
    return named(*map(_with_names, value, get_type_hints(named).values()))


def kernel(function: F) -> F:
    """Compile a function on its first call, from the cache where there is one; other kernels may call it, too."""
    if numba.config.DISABLE_JIT:
        return function
    # Numba looks for edits only in the file of the function itself, not in those of its helpers. Its cached files are
    # named after the function, so the name carries what it was made from.
    function.__qualname__ += "_" + SOURCES
    return Kernel(function)


# A child that is forked while another thread compiles would wait for ever for that thread, which it does not have, once
# it compiles something itself. So a fork waits until nothing is being compiled.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=global_compiler_lock.acquire,
        after_in_parent=global_compiler_lock.release,
        after_in_child=global_compiler_lock.release,
    )
