"""What the project says of itself: pages name files that exist, pins agree, the README's table is the report's."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "docs")]
from benchmarks.pages import with_table  # noqa: E402
from experiment_tables import with_tables  # noqa: E402
from readme_table import table_of  # noqa: E402
from rooms import with_table as with_rooms  # noqa: E402

del sys.path[:2]

LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
PAGES = sorted(
    path.relative_to(ROOT)
    for folder in (".", "docs", "benchmarks", "examples/scale", "examples/hippocampus")
    for path in (ROOT / folder).glob("*.md")
)


def pins():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = (line.partition(";")[0].strip() for line in lines if line and not line.startswith("#"))  # on any system
    return dict(line.split("==") for line in pinned)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in LINK.findall(text) if not re.match(r"\w+:", link)]
    assert [link for link in links if not (ROOT / page.parent / link).exists()] == []


def test_the_page_of_developers_names_every_module():
    text = (ROOT / "docs" / "developers.md").read_text(encoding="utf-8")
    assert with_rooms(text) == text, "run python docs/rooms.py"
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "chdt").rglob("*.py")}
    modules = {name for name in modules if not name.endswith("__init__.py")}
    assert {name for name in modules if f"](../{name})" not in text} == set()
    assert len(modules) > 30


def test_no_file_is_long():
    """One idea a file; vectors are one idea that has many instructions."""
    lines = {path.name: len(path.read_text("utf-8").splitlines()) for path in (ROOT / "chdt").rglob("*.py")}
    assert [name for name, count in lines.items() if count > 300] == ["lanes.py"]


def test_tuples_are_unpacked_by_name():
    """A field more in a tuple of many must not shift what the others are."""
    found = []
    for path in (ROOT / "chdt").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            targets = node.elts if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Store) else []
            if sum(isinstance(target, ast.Name) and target.id == "_" for target in targets) > 1:
                found.append(f"{path.name}:{node.lineno}")
    assert found == []


@pytest.mark.parametrize("page", ["architecture.md", "developers.md"])
def test_what_pages_say_of_a_file_stands_in_it(page):
    """Such as "An `autograd.Function` in [autograd.py](...)"."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    said = re.findall(r"`([\w.]+)` in\s+\[[\w.]+\]\(([^)#]+)\)", text)
    assert said
    missing = [(name, file) for name, file in said if name not in (ROOT / "docs" / file).read_text(encoding="utf-8")]
    assert missing == []


def test_tables_of_experiments():
    text = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    assert with_tables(text) == text, "run python docs/experiment_tables.py"
    with pytest.raises(ValueError, match="the page has no <!-- monai -->"):
        with_tables(text.replace("<!-- monai -->", ""))


@pytest.mark.parametrize("page", ["architecture.md", "developers.md"])
def test_files_that_pages_name_exist(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    files = {path.name for folder in ("chdt", "tests", "benchmarks", "docs") for path in (ROOT / folder).rglob("*.py")}
    named = re.findall(r"[\w/]+\.py\b", re.sub(r"\]\([^)]*\)", "]", text))
    assert named
    assert [name for name in named if Path(name).name not in files] == []


def test_hooks_have_the_pinned_versions():
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    found = re.findall(r"additional_dependencies: \[([\w-]+)==([\w.]+)\]", text)
    assert len(found) == 4
    assert [(name, version) for name, version in found if pins()[name] != version] == []


def session_lists():
    """Of the noxfile, which is not imported: nox is not needed to run the tests."""
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    lists = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and hasattr(node.targets[0], "id")
    }
    return {name: ast.literal_eval(lists[name]) for name in ("SMALL", "LARGE")}


@pytest.mark.parametrize("name", ["SMALL", "LARGE"])
def test_sessions_name_tests_that_exist(name):
    names = session_lists()[name]
    assert len(names) > 5
    assert [name for name in names if not (ROOT / "tests" / f"test_{name}.py").is_file()] == []


def test_sessions_name_all_tests_of_kernels():
    marked = {
        path.stem.removeprefix("test_")
        for path in (ROOT / "tests").glob("test_*.py")
        if "\npytestmark = pytest.mark.kernels\n" in path.read_text(encoding="utf-8")
    }
    assert len(marked) > 5
    assert marked - {name for names in session_lists().values() for name in names} == set()


def test_every_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(name for names in extras.values() for name in names)]
    names = {re.match(r"[\w-]+", name)[0] for name in wanted} - {"chdt"}
    assert names - pins().keys() == set()


REPORT = """# Title

A machine.

## Claim, measured

| claim | masks | dtype | measured, threads: 1 | measured, threads: 2 |
| --- | --- | --- | --- | --- |
| object_size: against `masks.sum()` | 8 x 4x4 | float32 | 2.45 times its time (2.27–2.46) | 3 times |
| object_size: faster than OpenCV | 8 x 4x4 | float32 | 9.73 times as fast (9.68–9.76) | 14.7 times as fast |
| object_size: faster than SciPy in one call | 8 x 4x4 | float32 | 30.2 times as fast (29.7–31.0) | 48 times as fast |
| object_size: faster than SciPy in a loop | 8 x 4x4 | float32 | 54.2 times as fast (54.1–54.3) | 81 times as fast |
| flip_sizes: faster than OpenCV, one transform a flip | 8 x 4x4 | float32 | 2616 times as fast (2611–2635) | |

## Others
"""


def test_speed_table():
    assert table_of(REPORT).splitlines() == [
        "| times as fast as | masks | OpenCV | SciPy |",
        "|---|---|--:|--:|",
        "| `object_size` | 8 x 4 x 4 | 9.7 | 30 |",
        "| `flip_sizes` | 8 x 4 x 4 | 2600 |  |",
        "",
        "One thread each, float32 masks. A machine.",
    ]
    readme = "a\n<!-- speed -->\nold\n<!-- /speed -->\nb\n"
    assert (
        with_table(readme, "speed", table_of(REPORT), "README.md")
        == f"a\n<!-- speed -->\n{table_of(REPORT)}<!-- /speed -->\nb\n"
    )
    with pytest.raises(ValueError, match="was not faster"):
        table_of(REPORT.replace("9.73 times as fast", "1.2 times its time"))
    with pytest.raises(ValueError, match="once"):
        with_table("a", "speed", table_of(REPORT), "README.md")


def test_the_readme_has_the_table_of_the_report():
    readme, report = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/benchmarks.md"))
    assert with_table(readme, "speed", table_of(report), "README.md") == readme, "run python benchmarks/readme_table.py"
