"""``python -m chdt``: what a bug report needs, and compiling everything beforehand."""

import re
import sys
from pathlib import Path

import numba
import pytest

import chdt
from chdt.__main__ import cgroup_quota, main
from chdt.cpu import compiled

QUICKLY = {"NUMBA_OPT": 1}  # compiled in half the time, into code whose speed matters to nobody here

# In place of all calls, which take minutes to compile.
ONE_CALL = """
import sys
from chdt import __main__ as command
every_call = command.every_call
command.every_call = lambda: every_call()[:1]
status = command.main(sys.argv[1:])
"""
PRINT_STATUS = "print('status', status)\n"


def report_of(printed):
    """The parts of a report, as dicts."""
    parts, part = {}, None
    for line in printed.splitlines():
        if line.startswith("  "):
            name, text = line.split(":", 1)
            assert text.strip()
            part.setdefault(name.strip(), text.strip())
        else:
            part = parts[line.removesuffix(":")] = {}
    return parts


def test_report(python, tmp_path):
    code = "import runpy, sys; sys.argv = ['chdt']; runpy.run_module('chdt', run_name='__main__')"
    cache = tmp_path / "cache"
    report = report_of(python(code, NUMBA_NUM_THREADS=2, OMP_NUM_THREADS=1, NUMBA_CACHE_DIR=cache))
    assert list(report) == ["versions", "processor", "threads", "cache", "gpu"]
    assert report["versions"]["chdt"].startswith(chdt.__version__)
    assert report["versions"]["numba"] == numba.__version__
    assert report["threads"]["chdt uses up to"] == "1"
    assert report["threads"]["torch"] == "1 (OMP_NUM_THREADS=1)"
    assert report["threads"]["Numba"] == "2 (NUMBA_NUM_THREADS=2)"
    assert report["cache"]["folder"].startswith(str(cache))
    assert report["cache"]["for this processor"] == "0 functions"
    assert report["gpu"]["route"]


def test_help(capsys):
    for arguments in (["--help"], ["compile", "--help"]):
        with pytest.raises(SystemExit, match="0"):
            main(arguments)
        assert "ompile" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        main(["complie"])


def ready_and_new(printed):
    ready, new = re.search(
        r"^(\d+) functions are ready, (\d+) of them new; \d+\.\d MB in$", printed, re.MULTILINE
    ).groups()
    return int(ready), int(new)


def test_compile(python, tmp_path):
    """A second time there is nothing left to compile, and on another processor all of it."""
    options = {"NUMBA_CACHE_DIR": tmp_path / "cache", **QUICKLY}
    printed = python(ONE_CALL + PRINT_STATUS, "compile", **options)
    count, new = ready_and_new(printed)
    assert count == new > 0
    assert printed.endswith("status 0")
    assert ready_and_new(python(ONE_CALL, "compile", **options)) == (count, 0)
    elsewhere = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", **options}
    assert ready_and_new(python(ONE_CALL, "compile", **elsewhere)) == (count, count)
    report = report_of(python(ONE_CALL, **elsewhere))
    assert report["processor"]["compiled for"] == "generic"
    assert report["cache"]["for this processor"] == report["cache"]["for other processors"] == f"{count} functions"


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="about compiling")
def test_every_call_has_all_types(python):
    """Found without compiling: what kernels are called with, for any shape, dtype and layout."""
    recorded = """
from chdt.__main__ import every_call
import various_calls
from recorded import record

found = record()
for call in every_call():
    call.run()
known = set(found)
assert len(known) > 50
print(various_calls.what_is_new(known, found))
"""
    assert python(recorded) == "{}"


@pytest.mark.long
def test_every_call_compiles_all_there_is(python, tmp_path):
    """What a process then calls, with any shape, dtype and layout, it finds compiled."""
    options = {"NUMBA_CACHE_DIR": tmp_path / "cache", "timeout": 3000, **QUICKLY}
    run = "import sys\nfrom chdt.__main__ import main\nsys.exit(main(['compile']))"
    assert ready_and_new(python(run, **options))[0] > 50
    wide = "import various_calls\nprint(various_calls.what_compiles())"
    assert python(wide, **options) == "[]"


@pytest.mark.skipif(not hasattr(numba.config, "CACHE_LOCATOR_CLASSES"), reason="Numba finds a place of its own")
def test_without_a_place_for_a_cache(python, monkeypatch, tmp_path):
    """A file is where the folder should be, where not even root can make one."""
    (tmp_path / "file").write_text("not a folder")
    nowhere = {"NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator", "NUMBA_CACHE_DIR": tmp_path / "file"}
    assert "set NUMBA_CACHE_DIR" in report_of(python(ONE_CALL, **nowhere))["cache"]["none"]
    printed = python("import sys\nsys.stderr = sys.stdout\n" + ONE_CALL + PRINT_STATUS, "compile", **nowhere)
    assert printed.startswith("nothing is compiled: no folder may be written to")
    assert printed.endswith("status 1")


def test_without_the_jit(python):
    assert "plain Python" in report_of(python(ONE_CALL, NUMBA_DISABLE_JIT=1))["cache"]["none"]
    assert python(ONE_CALL + PRINT_STATUS, "compile", NUMBA_DISABLE_JIT=1) == "status 1"


@pytest.mark.skipif(sys.platform == "win32", reason="limits files as POSIX does")
def test_a_full_disk(python, tmp_path):
    full = "import resource, signal, sys\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nsys.stderr = sys.stdout\n"
    full += "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
    printed = python(full + ONE_CALL + PRINT_STATUS, "compile", NUMBA_CACHE_DIR=tmp_path / "cache", **QUICKLY)
    assert "only 0 of them could be kept" in printed
    assert printed.endswith("status 1")


def test_stale_files_are_counted(tmp_path):
    """Of other versions of chdt, or of Python; what is not of chdt's kernels is left out."""
    stem, line = f"planes.mark_{compiled.SOURCES}", f"-7.{compiled.PYTHON}"
    other = f"planes.mark_{'0' * 16}"
    sizes = {f"{stem}{line}.nbi": 1, f"{stem}{line}.1.nbc": 2, f"{other}{line}.1.nbc": 4, f"{stem}-7.py27.nbi": 8}
    for name, size in {**sizes, "other.function-7.py311.nbi": 16, f"{stem}.txt": 32}.items():
        (tmp_path / name).write_bytes(bytes(size))
    assert sorted(compiled._files_of(tmp_path)) == [(False, 4), (False, 8), (True, 1), (True, 2)]


def test_every_kernel_is_found():
    names = {kernel.__name__ for kernel in compiled.all_kernels()}
    sources = "\n".join(path.read_text() for path in Path(compiled.kernels.__file__).parent.glob("*.py"))
    assert names == set(re.findall(r"^@kernel\ndef (\w+)\(", sources, re.MULTILINE))
    assert len(names) > 10


QUOTAS = {
    "2 cores": ({"a/cpu.max": "200000 100000", "a/b/cpu.max": "max 100000"}, "0::/a/b", 2.0),
    "half a core, in the folder itself": ({"cpu.max": "50000 100000"}, "0::/", 0.5),
    "no limit": ({"a/cpu.max": "max 100000"}, "0::/a", None),
    "nothing there": ({}, "0::/a", None),
    "version 1": (
        {"cpu,cpuacct/a/cpu.cfs_quota_us": "150000", "cpu,cpuacct/a/cpu.cfs_period_us": "100000"},
        "4:memory:/a\n3:cpu,cpuacct:/a",
        1.5,
    ),
    "version 1 without": ({"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "100000"}, "3:cpu:/a", None),
}


@pytest.mark.parametrize("case", QUOTAS)
def test_limits_of_containers(tmp_path, case):
    files, own, expected = QUOTAS[case]
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "own").write_text(own)
    assert cgroup_quota(tmp_path, tmp_path / "own") == expected
