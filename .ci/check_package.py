"""Whether what was built holds the package and nothing else, and whether it works where it was installed.

    python -I check_package.py FOLDER

This file lies in the repository, whose modules are compared with those that were built. FOLDER has one wheel and one
source distribution. The Python is that of an environment with the wheel and what it asks for, and nothing else.
"""

import importlib.metadata
import re
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import torch

import chdt

OF_THE_WHEEL = re.compile(r"chdt-[^/]+\.dist-info/(METADATA|WHEEL|RECORD|licenses/LICENSE)")
OF_THE_SOURCES = re.compile(r"PKG-INFO|README\.md|LICENSE|CHANGELOG\.md|pyproject\.toml|\.gitignore")
NOT_NEEDED = ("hypothesis", "lightning", "matplotlib", "pytest", "scipy")


def check(condition: bool, problem: str) -> None:
    """End the program unless it is so."""
    if not condition:
        sys.exit(f"check_package.py: {problem}")


def check_names(names: list[str], others: re.Pattern[str]) -> None:
    """The modules of the repository, all of them and no other, and what belongs to such a file."""
    root = Path(__file__).parents[1]
    modules = {path.relative_to(root).as_posix() for path in (root / "chdt").rglob("*.py")} | {"chdt/py.typed"}
    check(len(modules) > 20, f"there is no package in {root}")
    check(modules <= set(names), f"not in it: {', '.join(sorted(modules - set(names)))}")
    strangers = [name for name in names if not (name in modules or others.fullmatch(name))]
    check(not strangers, f"should not be in it: {', '.join(strangers)}")


folder = Path(sys.argv[1])
(wheel,), (sources,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
check_names(zipfile.ZipFile(wheel).namelist(), OF_THE_WHEEL)
with tarfile.open(sources) as archive:
    check_names([name.partition("/")[2] for name in archive.getnames()], OF_THE_SOURCES)

version = importlib.metadata.version("chdt")
check(version == chdt.__version__ and f"-{version}-" in wheel.name, f"versions differ: {version}, {chdt.__version__}")
check("site-packages" in Path(chdt.__file__).parts, f"chdt comes from {chdt.__file__}")
installed = {distribution.name.lower() for distribution in importlib.metadata.distributions()}
check(not installed.intersection(NOT_NEEDED), "the environment has more than the package asks for")

square = np.zeros((7, 9), bool)
square[1:6, 2:7] = True
check(int(chdt.object_size(square)) == 6, "the size of an array is wrong")
check(chdt.distance_transform(torch.from_numpy(square)).max() == 3, "the distances of a tensor are wrong")
print(f"chdt {version}: installed and at work")
