"""The code of the README and of all pages runs as it stands, and prints what they say."""

import contextlib
import inspect
import io
import re
from pathlib import Path

import pytest
from printed import assert_printed

import chdt

ROOT = Path(__file__).parents[1]
PAGES = sorted(str(page.relative_to(ROOT)) for page in (ROOT / "README.md", *ROOT.glob("docs/*.md")))
# Outputs that are compared with what is printed, and a name that the last block makes.
OUTPUTS = {
    "README.md": 1,
    "docs/training.md": 5,
    "docs/use.md": 2,
    "docs/index.md": 1,
    "docs/elsewhere.md": 2,
    "docs/ruler.md": 3,
}
LAST = {
    "README.md": "loss",
    "docs/training.md": "trainer",
    "docs/start.md": "own_masks",
    "docs/elsewhere.md": "all_flips",
    "docs/ruler.md": "measured",
    "docs/script.md": "volumes",
}


def run_page(page, namespace):
    """Run all Python of a page; give how many outputs were compared. What a shell prints is not looked at."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    printed, compared = None, 0
    for language, text in blocks:
        if language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(compile(text, page, "exec"), namespace)
            printed = output.getvalue()
        elif language == "text" and printed is not None:
            assert_printed(printed, text)
            compared += 1
            printed = None
        else:
            printed = None
    return compared


@pytest.mark.usefixtures("one_thread")
@pytest.mark.filterwarnings("ignore:.*does not have many workers")  # Lightning on a loader of a page
@pytest.mark.filterwarnings("ignore:.*isinstance.treespec, LeafSpec.. is deprecated")
@pytest.mark.parametrize("page", PAGES)
def test_page(page):
    if page == "docs/elsewhere.md":
        pytest.importorskip("cv2")
    if page == "docs/training.md":
        pytest.importorskip("lightning")
    namespace = {}
    assert run_page(page, namespace) == OUTPUTS.get(page, 0)
    assert page not in LAST or LAST[page] in namespace  # the last block ran too


def test_a_wrong_output_is_noticed():
    assert_printed("a 1.00\n2\n", "a 1.02\n2\n")
    for wrong in ("a 1.00\n3\n", "a 1.50\n2\n", "b 1.00\n2\n", "a 1.00\n"):
        with pytest.raises(AssertionError):
            assert_printed("a 1.00\n2\n", wrong)


@pytest.mark.parametrize("page", [*PAGES, "CONTRIBUTING.md", "benchmarks/README.md", "examples/hippocampus/README.md"])
def test_code_is_not_cut(page):
    """A page on a desktop shows so many columns."""
    blocks = re.findall(r"^```(\S*)\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    code = [block for language, block in blocks if not language.startswith("{")]
    assert [line for block in code for line in block.splitlines() if len(line) > 88] == []


@pytest.mark.parametrize("name", chdt.__all__)
def test_examples_of_the_reference_are_not_cut(name):
    lines = inspect.getdoc(getattr(chdt, name)).splitlines()
    assert [line for line in lines if line.startswith((">>>", "...")) and len(line) > 88] == []


@pytest.mark.parametrize(
    "asked",
    ["millimetre", "diameter", "RECIST", "softmax", "GradScaler", "patches", "rotation", "deep supervision"],
)
def test_what_people_search_for_is_there(asked):
    """In a page of its own subject, not only in the start page, which names all of them."""
    pages = [page for page in PAGES if page not in ("README.md", "docs/index.md")]
    assert any(asked.lower() in (ROOT / page).read_text(encoding="utf-8").lower() for page in pages)


@pytest.mark.parametrize("page", ["docs/training.md", "docs/start.md"])
def test_the_recipe_is_short(page):
    code = re.search(r"^```python\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[1]
    assert "mask_of_size" in code
    assert sum(bool(line.strip()) for line in code.splitlines()) <= 30
