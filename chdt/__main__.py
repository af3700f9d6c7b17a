"""What a bug report needs, and compiling everything beforehand: python -m chdt --help."""

import argparse
import contextlib
import importlib.metadata
import os
import platform
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import llvmlite.binding
import numba
import torch

import chdt
from chdt.cpu.compiled import functions_here, look_into_cache
from chdt.cpu.threads import thread_count
from chdt.every_call import Call, every_call
from chdt.gpu.available import reason_against

# Vectors, and the instructions that turn bits into lanes and back; of x86 and of Arm.
FEATURES = ("sse4.2", "popcnt", "bmi2", "avx", "avx2", "avx512f", "avx512bw", "avx512vbmi", "avx10.1", "neon", "sve")


# ------------------------------------------------------------------------------------------------ the report


def version_of(package: str) -> str:
    """Its version, "none" where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def versions() -> Iterator[tuple[str, str]]:
    """Of everything that takes part."""
    yield "chdt", f"{chdt.__version__} in {Path(chdt.__file__).parent}"
    yield "Python", f"{platform.python_version()} ({platform.python_implementation()})"
    for package in ("torch", "numba", "llvmlite", "numpy"):
        yield package, torch.__version__ if package == "torch" else version_of(package)
    yield "system", platform.platform()


def processor() -> Iterator[tuple[str, str]]:
    """Its name, and what kernels are compiled for."""
    yield "name", processor_name()
    yield "machine", platform.machine()
    yield "compiled for", numba.config.CPU_NAME or llvmlite.binding.get_host_cpu_name()
    features = llvmlite.binding.get_host_cpu_features()
    yield "has", " ".join(name for name in FEATURES if features.get(name)) or "none of " + " ".join(FEATURES)
    if numba.config.CPU_FEATURES is not None:
        yield "told to use", numba.config.CPU_FEATURES or "no features"


def processor_name() -> str:
    """As its maker calls it, where the system says so."""
    with contextlib.suppress(OSError):
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if found:
            return found[1]
    return platform.processor() or "unknown"


def threads() -> Iterator[tuple[str, str]]:
    """How many a call may use, and who says so: the least of torch's number and of Numba's counts."""
    yield "chdt uses up to", str(thread_count())
    yield "torch", f"{torch.get_num_threads()}{_set_by('OMP_NUM_THREADS', 'MKL_NUM_THREADS')}"
    yield "Numba", f"{numba.config.NUMBA_NUM_THREADS}{_set_by('NUMBA_NUM_THREADS')}"
    yield "cores", str(os.cpu_count())
    if hasattr(os, "sched_getaffinity"):
        yield "this process may run on", str(len(os.sched_getaffinity(0)))
    quota = cgroup_quota()
    yield "cgroup", "no limit found" if quota is None else f"the time of {quota:g} cores"


def _set_by(*names: str) -> str:
    said = [f"{name}={os.environ[name]}" for name in names if name in os.environ]
    return f" ({', '.join(said)})" if said else ""


def cgroup_quota(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> float | None:
    """How many cores' time a container may use, None where nothing limits it; cgroups of version 2 and of 1."""
    quotas = []
    with contextlib.suppress(OSError):
        for line in own.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and "cpu" not in controllers.split(","):
                continue
            mount = root / controllers if controllers else root
            folders = [mount / path.strip("/"), *(mount / path.strip("/")).parents]
            quotas += [_quota_in(folder) for folder in folders if folder.is_relative_to(mount)]
    return min((quota for quota in quotas if quota is not None), default=None)


def _quota_in(folder: Path) -> float | None:
    with contextlib.suppress(OSError, ValueError):
        quota, period = (folder / "cpu.max").read_text().split()
        return int(quota) / int(period)
    with contextlib.suppress(OSError, ValueError):
        quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return int(quota) / int(period) if int(quota) > 0 else None
    return None


def cache() -> Iterator[tuple[str, str]]:
    """Where compiled kernels are kept."""
    found = look_into_cache()
    if numba.config.DISABLE_JIT:
        yield "none", "NUMBA_DISABLE_JIT is set, so kernels run as plain Python"
        return
    if not found.folders:
        yield "none", "no folder may be written to, so each process compiles anew: set NUMBA_CACHE_DIR to one"
        return
    for folder in found.folders:
        yield "folder", str(folder)
    yield "for this processor", f"{found.functions} functions"
    yield "for other processors", f"{found.other_processors} functions"
    yield "of this version", f"{found.bytes / 1e6:.1f} MB"
    yield "of other versions", f"{found.stale_files} files, {found.stale_bytes / 1e6:.1f} MB"


def gpu() -> Iterator[tuple[str, str]]:
    """Whether there is a way on a GPU, and if not, why."""
    yield "route", gpu_route()
    built = f"CUDA {torch.version.cuda}" if torch.version.cuda else f"ROCm {torch.version.hip}"
    yield "torch is built for", built if torch.version.cuda or torch.version.hip else "the host alone"
    devices = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    yield "torch sees", ", ".join(devices) or "no GPU"
    yield "Triton", version_of("triton")


def gpu_route() -> str:
    """How tensors on a GPU are computed."""
    by_the_host = "tensors of a GPU are copied to the host and back"
    if not torch.cuda.is_available():
        return f"none: torch finds no GPU that Triton has kernels for, so {by_the_host}"
    reasons = [reason_against(torch.device("cuda", i)) for i in range(torch.cuda.device_count())]
    said = [f"cuda:{i}: {reason}, so {by_the_host}" for i, reason in enumerate(reasons) if reason is not None]
    return "; ".join(said) or "tensors of a GPU are computed there"


def print_report() -> int:
    """Print it; the exit status."""
    for part in (versions, processor, threads, cache, gpu):
        print(f"{part.__name__}:")
        for name, text in part():
            print(f"  {name + ':':24} {text}")
    return 0


# ------------------------------------------------------------------------------------------------ compiling


def with_bar(calls: Sequence[Call]) -> Iterable[Call]:
    """The calls, with tqdm's bar, or with a line for each where there is no tqdm or no terminal."""
    if sys.stderr.isatty():
        with contextlib.suppress(ImportError):
            import tqdm

            bar: Iterable[Call] = tqdm.tqdm(calls, unit="call")
            return bar
    return with_lines(calls)


def with_lines(calls: Sequence[Call]) -> Iterator[Call]:
    """The calls, with a line before each."""
    for number, call in enumerate(calls, 1):
        print(f"{number}/{len(calls)} {call}", file=sys.stderr, flush=True)
        yield call


def compile_all() -> int:
    """Make every call that compiles something; the exit status."""
    if numba.config.DISABLE_JIT or not look_into_cache().folders:
        _, reason = next(cache())
        print(f"nothing is compiled: {reason}", file=sys.stderr)
        return 1
    for call in with_bar(every_call()):
        call.run()
    ready, compiled = functions_here()
    found = look_into_cache()
    print(f"{ready} functions are ready, {compiled} of them new; {found.bytes / 1e6:.1f} MB in")
    print(*found.folders, sep="\n")
    if found.functions < ready:
        print(f"only {found.functions} of them could be kept: is the disk full, or read-only?", file=sys.stderr)
        return 1
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """What the command line asks for; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m chdt",
        description="Print what a bug report needs: versions, processor, threads, compiled kernels, GPU.",
    )
    commands = parser.add_subparsers(dest="command", metavar="compile")
    commands.add_parser(
        "compile",
        help="compile all kernels and keep them, so that later processes start at once",
        description="Compile all kernels for this processor, which takes minutes, and keep them in the folder that "
        "`python -m chdt` names, or in NUMBA_CACHE_DIR. The exit status is 1 if they could not be kept.",
    )
    chosen = parser.parse_args(arguments)
    return compile_all() if chosen.command == "compile" else print_report()


if __name__ == "__main__":
    sys.exit(main())
