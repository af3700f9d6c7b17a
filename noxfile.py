"""Checks that need environments of their own: python -m nox --list. What .ci/run does is repeated only for GPUs.

Sessions with tests hand on what pytest is to be told: python -m nox --session oldest -- tests/test_size.py -x
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.sessions = ["oldest", "newest", "types"]

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
RUNNERS = ("pytest>=8", "hypothesis>=6.100", "pandas>=2.2", "scipy>=1.11")  # of tests that need none of the examples

# Tests of kernels, some of them with grids that plain Python is fast enough for; and those that are for compiled ones.
SMALL = (
    "counted_erosions", "distance", "flips", "lanes", "loss", "metrics", "options", "oracles", "ranks",
    "removed_pixel", "sampling", "size", "threshold", "volumes",
)  # fmt: skip
LARGE = (
    "added_pixel", "answers", "bands", "bounds", "crossing", "interleaved_images", "limits", "lines", "lonely_pixels",
    "masks", "maxima", "meeting", "memory", "operators", "packing", "planes", "pooling", "reordering", "slabs",
    "spaced_loss", "threshold_ways", "tiny_images", "tiny_thresholds", "window_counts", "writing",
)  # fmt: skip


def build(session: nox.Session) -> Path:
    """The wheel, after it and the source distribution were built and checked."""
    folder = Path(session.create_tmp()) / "dist"
    session.run_install(shutil.rmtree, folder, True)  # kept where --no-install takes what is installed
    session.install("build", "twine")
    session.run_install("python", "-m", "build", "--outdir", str(folder))
    session.run_install("python", "-m", "twine", "check", "--strict", *map(str, folder.glob("*")))
    wheel = next(folder.glob("*.whl"))
    session.install("--force-reinstall", "--no-deps", wheel)  # pip keeps an older one of the same version
    return wheel


def test_away_from_the_sources(session: nox.Session, arguments: Sequence[str]) -> None:
    """Run the tests, or what pytest is told, on the package that is installed: in a folder where there is no other."""
    away = Path(session.create_tmp()) / "away"
    shutil.rmtree(away, ignore_errors=True)
    away.mkdir()
    for name in ("tests", "examples", "benchmarks", "docs"):
        ignored = shutil.ignore_patterns("__pycache__", "test_docs.py", "test_project.py")  # pages link to the sources
        shutil.copytree(name, away / name, ignore=ignored)
    for path in Path().glob("*.*"):
        if path.is_file():
            shutil.copy(path, away)
    session.chdir(away)
    session.run("python", "-m", "pytest", *(arguments or ["tests"]))


@nox.session
def gpu(session: nox.Session) -> None:
    """The kernels of GPUs, interpreted and compiled ahead of time, or on a GPU; .ci/run does the same."""
    session.install("-c", "constraints.txt", "-e", ".[kernels]", "pytest-xdist", "triton>=3.4")
    session.run("python", "-m", "pytest", "-q", "-n", "2", *(session.posargs or ["-m", "gpu", "tests/gpu"]))


@nox.session(python=PYTHONS[0])
def oldest(session: nox.Session) -> None:
    """The oldest versions of everything that the ranges admit; the tests of the examples are left out."""
    lowest = [dependency.replace(">=", "==") for dependency in PROJECT["project"]["dependencies"]]
    session.install(build(session), *lowest, *RUNNERS)
    session.run("python", "-m", "pip", "list")
    test_away_from_the_sources(session, session.posargs)


@nox.session(python=PYTHONS)
def newest(session: nox.Session) -> None:
    """The newest versions of everything, on each Python; the tests of the examples are left out."""
    session.install("--upgrade", build(session), *RUNNERS)
    session.run("python", "-m", "pip", "list")
    test_away_from_the_sources(session, session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """The tests, on a wheel with the pinned versions; ``-- --wheel FOLDER`` names one that is built already."""
    arguments = list(session.posargs)
    if arguments[:1] == ["--wheel"]:
        package = next(Path(arguments[1]).resolve().glob("*.whl"))
        del arguments[:2]
    else:
        package = build(session)
    session.install("-c", "constraints.txt", f"{package}[test]")
    test_away_from_the_sources(session, arguments)


@nox.session
def bounds(session: nox.Session) -> None:
    """The tests of the kernels, with Numba's check of every index: ten minutes."""
    session.install("-c", "constraints.txt", "-e", ".[test]")
    files = [f"tests/test_{name}.py" for name in (*SMALL, *LARGE)]
    env = {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(Path(session.create_tmp()) / "cache")}
    session.run("python", "-m", "pytest", *files, *session.posargs, env=env)


@nox.session
def plain(session: nox.Session) -> None:
    """The tests of the kernels that take small grids, with the kernels as plain Python: five minutes."""
    session.install("-c", "constraints.txt", "-e", ".[test]")
    files = [f"tests/test_{name}.py" for name in SMALL]
    small = (
        "small or every or definition or single or unbiased or without or empty or last_background or bad or refused"
    )
    wraps = "ignore:overflow encountered"  # a hash of uint64, which NumPy's scalars warn of
    session.run(
        "python", "-m", "pytest", "-W", wraps, *files, "-k", small, *session.posargs, env={"NUMBA_DISABLE_JIT": "1"}
    )


@nox.session
def types(session: nox.Session) -> None:
    """The public API as users with mypy and with pyright see it."""
    session.install("-c", "constraints.txt", build(session), "mypy", "pyright[nodejs]")
    session.chdir("tests/typed")
    session.run("python", "-m", "mypy", "--strict", ".")
    session.run("python", "-m", "pyright", "--pythonpath", shutil.which("python", path=session.bin) or "", ".")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, with warnings as errors."""
    session.install("-c", "constraints.txt", "-e", ".[docs]")
    session.run("python", "-m", "sphinx", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")
