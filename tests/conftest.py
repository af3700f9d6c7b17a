"""What all tests share: how long Hypothesis searches, and a fresh interpreter."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import on_device
import pytest
import torch
from hypothesis import settings

from chdt.cpu import route

# Tests run in several processes, of which each has as many threads as there are cores: those that wait should not spin.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when torch is imported

# No deadline: the first calls compile. The same examples each time, but for --hypothesis-profile=wide.
settings.register_profile("chdt", deadline=None, derandomize=True, max_examples=100)
settings.register_profile("wide", deadline=None, max_examples=2000)
settings.load_profile("chdt")

TESTS = Path(__file__).parent
collect_ignore = ["typed"]  # for type checkers: some of it is wrong on purpose


def pytest_addoption(parser):
    parser.addoption(
        "--device", help="compute the public functions there: cuda, cuda:1, or interpreted (no GPU needed)"
    )


def pytest_configure(config):
    device = config.getoption("device")
    if device is not None and on_device.reason_to_skip(device) is None:
        on_device.install(device)


def pytest_collection_modifyitems(config, items):
    device = config.getoption("device")
    reason = None if device is None else on_device.reason_to_skip(device)
    for item in items if reason is not None else ():
        item.add_marker(pytest.mark.skip(reason=f"--device {device}: {reason}"))


@pytest.fixture
def python(tmp_path):
    """Run code in a Python of its own, give what it prints; ``env`` are variables to set, or to unset by None."""

    def run(code, *arguments, root=None, timeout=300, **env):
        root = root or Path(importlib.util.find_spec("chdt").origin).parents[1]
        script = tmp_path / "script.py"
        script.write_text(code)
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(TESTS)]), **env}
        done = subprocess.run(
            [sys.executable, str(script), *arguments],
            env={name: str(value) for name, value in env.items() if value is not None},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    return run


FORKED = """
import os, sys, traceback
import numba, torch  # which takes longest; chdt is imported, and whatever is called is called, in a process for each

code, cases = {code!r}, {cases!r}
for arguments in cases:
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            sys.argv[1:] = arguments
            exec(compile(code, "code", "exec"), {{"__name__": "__main__"}})
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == 0, (arguments, status)
"""


@pytest.fixture
def python_for_each(python):
    """Run code once for each list of arguments, in processes that begin with torch and nothing else; give the lines."""

    def run(code, cases):
        if not hasattr(os, "fork"):
            return "\n".join(python(code, *arguments) for arguments in cases).splitlines()
        return python(FORKED.format(code=code, cases=[list(arguments) for arguments in cases])).splitlines()

    return run


@pytest.fixture
def one_thread():
    """Networks this small wait for more threads, for ages if the cores are busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(params=["whole", "cut"])
def cut(request):
    """Leave images of several bands to one thread each, or cut them for all threads, whatever is faster."""
    pixels = 0 if request.param == "cut" else 1 << 62
    with route.overridden(CUT_MIN_PIXELS=pixels, ALWAYS_CUT_MIN_PIXELS=pixels):
        yield
