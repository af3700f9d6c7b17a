"""The cache: used where there is one, done without where there is none, and never stale."""

import itertools
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt
import pytest

import chdt
from chdt.cpu.kernels.jit import Kernel, helper, kernel, outlined
from chdt.cpu.memory import without_names

CALL = """
import numpy as np
import chdt
from chdt.cpu.kernels.size_search import sizes_of
assert chdt.object_size(np.ones((4, 5), bool)) == 10
print(sum(sizes_of.stats.cache_hits.values()), sum(sizes_of.stats.cache_misses.values()))
"""

QUICKLY = {"NUMBA_OPT": 1}  # compiled in half the time, into code whose speed matters to nobody here


@pytest.fixture
def package(tmp_path):
    """A copy of the package, without anything cached."""
    root = tmp_path / "root"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(chdt.__file__).parent, root / "chdt", ignore=ignored)
    return root


@pytest.fixture
def kernels(package):
    """The same, that imports nothing for itself: kernels know nothing of torch, which takes longest to import."""
    (package / "chdt" / "__init__.py").write_text("")
    return package


@pytest.mark.parametrize(
    "edited",
    [
        "cpu/kernels/erosions.py",
        pytest.param("cpu/kernels/size_search.py", marks=pytest.mark.long),
        pytest.param("cpu/memory.py", marks=pytest.mark.long),
        pytest.param("checks/shape.py", marks=pytest.mark.long),
        pytest.param("size.py", marks=pytest.mark.long),
    ],
)
def test_a_process_loads_what_another_cached_until_a_file_is_edited(python, kernels, tmp_path, edited):
    """Any file of the package, in whatever folder: a kernel may be made of something in it."""
    options = {"root": kernels, "NUMBA_CACHE_DIR": tmp_path / "cache", **QUICKLY}
    assert python(SMALL_CALL, **options).split() == ["0", "1"]
    assert python(SMALL_CALL, **options).split() == ["1", "0"]
    with open(kernels / "chdt" / edited, "a", encoding="utf-8") as file:
        file.write("# edited\n")
    assert python(SMALL_CALL, **options).split() == ["0", "1"]


@helper
def doubled(x):
    return 2 * x


@outlined
def sum_of_doubled(values):
    total = 0
    for value in values:
        total += doubled(value)
    return total


@kernel
def fill_with_sum(values):
    """Usable from Python and from kernels."""
    values[0] = sum_of_doubled(values)
    return values[0]


@kernel
def fill_twice(values):
    return fill_with_sum(values) + fill_with_sum(values)


def test_a_kernel_is_a_helper_of_others_and_helpers_are_python():
    assert doubled(21) == 42
    assert sum_of_doubled([1, 2]) == 6
    assert fill_with_sum(np.arange(3)) == 6
    assert fill_twice(np.arange(3)) == 6 + 2 * (6 + 1 + 2)
    assert fill_twice(np.arange(3, dtype=np.uint8)) == 24
    for function in (doubled, sum_of_doubled, fill_with_sum, fill_twice):
        assert function.__doc__ is None or function.__doc__ == "Usable from Python and from kernels."


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="about compiling")
def test_nothing_is_compiled_that_nobody_needs():
    """A helper has neither machine code of its own nor wrappers to call it from Python or C."""
    values = np.arange(3, dtype=np.int16)
    fill_twice(values)
    (compiled,) = (made for made in fill_twice.overloads.values() if made.signature.args[0].dtype == numba.int16)
    defined = [f.name for f in compiled.library.get_defined_functions()]
    assert len([name for name in defined if "cpython" in name]) == 1
    assert not [name for name in defined if "cfunc" in name or "doubled" in name or "fill_with_sum" in name]
    assert not fill_with_sum.overloads or numba.int16 not in [args[0].dtype for args in fill_with_sum.overloads]


class Inner(NamedTuple):
    factor: int
    sides: tuple[int, int]
    more: npt.NDArray[np.int64] | None


class Outer(NamedTuple):
    values: npt.NDArray[np.int64]
    inner: Inner | None


@kernel
def weighed(memory: Outer, other: Inner | None, side: int) -> int:
    number = memory.values[0] * memory.inner.factor + memory.inner.sides[side]
    if other is None:
        return number
    return number + other.factor


@pytest.mark.parametrize("other", [None, Inner(1000, (0, 0), None)])
@pytest.mark.parametrize("more", [None, np.array([500])])
@pytest.mark.parametrize("named_first", [True, False])
def test_named_tuples_may_come_without_names(monkeypatch, named_first, more, other):
    """They are compiled once, whichever comes first, and every later call finds what it needs at once."""
    function = Kernel(weighed.py_func) if not numba.config.DISABLE_JIT else weighed
    named = Outer(np.array([5]), Inner(7, (20, 30), more)), other
    plain = tuple(without_names(lambda value=value: value) for value in named)
    if not numba.config.DISABLE_JIT:
        assert [type(plain[0]), type(plain[0][1])] == [tuple, tuple]
    expected = 5 * 7 + 30 + (0 if other is None else 1000)
    for arguments in (named, plain) if named_first else (plain, named):
        assert function(*arguments, 1) == expected
    if not numba.config.DISABLE_JIT:
        assert len(function.overloads) == 1
        monkeypatch.setattr(type(function), "_compile_for_args", None)
    for arguments in (named, plain, named, plain):
        assert function(*arguments, 0) == expected - 10


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="about compiling")
def test_several_threads_call_a_new_kernel_without_names():
    """Each finds it, and so do later calls: what was put in twice could not be told apart."""
    function = Kernel(weighed.py_func)
    plain = without_names(lambda: Outer(np.array([5]), Inner(7, (20, 30), None)))
    with ThreadPoolExecutor(8) as pool:
        assert {*pool.map(lambda _: function(plain, None, 0), range(64))} == {55}
    assert len(function.overloads) == len(function.unnamed) == 1


def test_no_place_for_a_cache(python, package, tmp_path):
    """Root may write into any folder, so the places for a cache are files, where nobody can make a folder."""
    for folder in ("chdt", "chdt/cpu", "chdt/cpu/kernels"):
        (package / folder / "__pycache__").write_text("not a folder")
    home = tmp_path / "home"
    home.write_text("not a folder")
    nowhere = {"HOME": home, "XDG_CACHE_HOME": home, "NUMBA_CACHE_DIR": None, "PYTHONDONTWRITEBYTECODE": 1, **QUICKLY}
    for _ in range(2):  # the second process finds nothing either
        assert python(CALL, root=package, **nowhere).split() == ["0", "1"]
    assert not list(tmp_path.rglob("*.nbi"))


SOME_TESTS = """
import sys
import pytest
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "-W", "error", *sys.argv[1:]]))
"""


@pytest.mark.long
def test_within_bounds(python, tmp_path):
    """A part of the suite with Numba's checks of every index."""
    here = Path(__file__).parent
    output = python(
        SOME_TESTS,
        str(here / "test_planes.py"),
        str(here / "test_bounds.py"),
        root=here.parent,
        timeout=600,
        NUMBA_BOUNDSCHECK=1,
        NUMBA_CACHE_DIR=tmp_path / "cache",
        **QUICKLY,
    )
    assert "passed" in output
    assert "failed" not in output


def test_without_the_jit(python):
    """Kernels are plain Python then: what a vector is told to do in place must not happen to another one."""
    here = Path(__file__).parent
    wraps = "ignore:overflow encountered"  # a hash of uint64, which NumPy's scalars warn of
    output = python(SOME_TESTS, "-W", wraps, str(here / "test_bounds.py"), root=here.parent, NUMBA_DISABLE_JIT=1)
    assert "passed" in output
    assert "failed" not in output


DAMAGES = {
    "cut short": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "noise": lambda content: bytes(range(256)) * 20,
    "of another version": lambda content: content.replace(b"0.", b"9."),
}


@pytest.mark.parametrize("damages", [["cut short"], pytest.param(list(DAMAGES), marks=pytest.mark.long)])
def test_a_damaged_cache_is_replaced(python, kernels, tmp_path, damages):
    """The index of the cache, or the code in it."""
    cache = tmp_path / "cache"
    assert python(SMALL_CALL, root=kernels, NUMBA_CACHE_DIR=cache).split() == ["0", "1"]
    for damage, suffix in itertools.product(damages, (".nbi", ".nbc")):
        files = list(cache.rglob(f"*{suffix}"))
        assert files
        for file in files:
            file.write_bytes(DAMAGES[damage](file.read_bytes()))
        python(SMALL_CALL, root=kernels, NUMBA_CACHE_DIR=cache)  # right, whatever it took
    assert python(SMALL_CALL, root=kernels, NUMBA_CACHE_DIR=cache).split() == ["1", "0"], "and cached again"


# A kernel that compiles fast is enough for the cache itself.
SMALL_CALL = """
import sys
import numpy as np
from chdt.cpu.kernels.planes import _mark
words = np.zeros(3, np.uint64)
_mark(words, 2, 5, 1, 3)
assert words[0] == 0b0110_00110 << 0, bin(words[0])
assert "torch" not in sys.modules
print(sum(_mark.stats.cache_hits.values()), sum(_mark.stats.cache_misses.values()))
"""


def test_eight_processes_find_an_empty_cache(python, kernels, tmp_path):
    starter = f"""
import subprocess, sys
started = [subprocess.Popen([sys.executable, "-c", {SMALL_CALL!r}]) for _ in range(8)]
sys.exit(max(process.wait(timeout=250) for process in started))
"""
    cache = tmp_path / "cache"
    python(starter, root=kernels, NUMBA_CACHE_DIR=cache)
    assert python(SMALL_CALL, root=kernels, NUMBA_CACHE_DIR=cache).split() == ["1", "0"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits files as POSIX does")
def test_a_full_disk(python, kernels, tmp_path):
    """No file may grow beyond a few bytes: nothing can be cached, and everything works."""
    full = "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    full += "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
    cache = tmp_path / "cache"
    for _ in range(2):
        assert python(full + SMALL_CALL, root=kernels, NUMBA_CACHE_DIR=cache).split() == ["0", "1"]
    python(SMALL_CALL, root=kernels, NUMBA_CACHE_DIR=cache)  # what was left there does no harm
    assert python(SMALL_CALL, root=kernels, NUMBA_CACHE_DIR=cache).split() == ["1", "0"]
