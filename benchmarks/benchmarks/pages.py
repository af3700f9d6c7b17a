"""Tables that scripts write into pages, between two marks, and what these were measured on."""

import importlib.metadata
import os
import platform
import re
from pathlib import Path

import chdt


def with_table(page: str, mark: str, table: str, name: str) -> str:
    """The text of a page with a table in place of what is between its marks; ``name`` is for the error."""
    marks = re.compile(rf"(?<=<!-- {mark} -->\n).*?(?=<!-- /{mark} -->)", re.DOTALL)
    if len(marks.findall(page)) != 1:
        raise ValueError(f"{name} should have <!-- {mark} --> and <!-- /{mark} --> once")
    return marks.sub(lambda _: table, page)


def write_between(page: Path, mark: str, table: str) -> None:
    """Put a table, and what it was measured on, between two marks in a page."""
    table = f"\n{table}\n\n{describe_versions()}\n\n"
    page.write_text(with_table(page.read_text(encoding="utf-8"), mark, table, page.name), encoding="utf-8")


def describe_versions() -> str:
    """Where and with what something was measured."""
    versions = {"Python": platform.python_version(), "chdt": chdt.__version__}
    for package in ("torch", "numba", "numpy", "scipy", "opencv-python-headless"):
        versions[package] = importlib.metadata.version(package)
    return f"""\
{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}; \
{", ".join(f"{name} {version}" for name, version in versions.items())}."""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
