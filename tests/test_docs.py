"""The pages build without a warning or a network, their links lead somewhere, and every public name is there."""

import csv
import importlib.util
import inspect
import os
import re
import subprocess
import sys
import tomllib
import zlib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import chdt

pytest.importorskip("sphinx")

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = {
    *(
        f"{page}.html"
        for page in ("index", "start", "training", "ruler", "script", "exact", "benchmarks", "elsewhere", "experiments")
    ),
    *(
        f"{page}.html"
        for page in (
            "reference",
            "glossary",
            "cite",
            "architecture",
            "developers",
            "gallery/quickstart",
            "gallery/gradient_samples",
            "gallery/monai_sizes",
            "gallery/millimetres",
        )
    ),
}


class Links(HTMLParser):
    """What a page links to, what it loads, its pictures, and what in it may be linked to."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loaded, self.pictures, self.targets = [], [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.targets |= {attributes[name] for name in ("id", "name") if attributes.get(name)}
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        if tag == "img":
            self.pictures.append(attributes)
        if tag in ("img", "script", "iframe") and attributes.get("src"):
            self.loaded.append(attributes["src"])
        if tag == "link" and "stylesheet" in attributes.get("rel", ""):
            self.loaded.append(attributes["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages, built by the documented command; the network of an example learns for few epochs, on one thread."""
    html = tmp_path_factory.mktemp("docs") / "html"
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", str(DOCS), str(html)]
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "GALLERY_EPOCHS": "2",
        "https_proxy": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return html, {str(path.relative_to(html)): Links(path) for path in html.rglob("*.html")}


def test_every_page_is_there(site):
    assert set(site[1]) >= PAGES


def broken(html, pages):
    """Links into the site that lead nowhere."""
    found = []
    for name, page in pages.items():
        for link in page.links + page.loaded:
            parts = urlsplit(link)
            if parts.scheme or link.startswith("#!"):
                continue
            target = (html / name).parent / unquote(parts.path) if parts.path else html / name
            target = target.resolve()
            inside = str(target.relative_to(html.resolve()))
            anchors = pages[inside].targets if inside in pages else ()
            if not target.is_file() or (parts.fragment and inside in pages and unquote(parts.fragment) not in anchors):
                found.append(f"{name}: {link}")
    return found


def test_links_lead_somewhere(site):
    assert broken(*site) == []
    assert sum(len(page.links) for page in site[1].values()) > 200


def test_a_broken_link_is_noticed(tmp_path):
    (tmp_path / "a.html").write_text('<a href="b.html">1</a><a href="#x">2</a><a href="a.html#y"></a><p id="y">')
    pages = {"a.html": Links(tmp_path / "a.html")}
    assert broken(tmp_path, pages) == ["a.html: b.html", "a.html: #x"]


def test_nothing_is_loaded_from_elsewhere(site):
    loaded = {(name, source) for name, page in site[1].items() for source in page.loaded}
    assert loaded
    assert [(name, source) for name, source in loaded if urlsplit(source).netloc] == []


def test_pictures_are_described(site):
    pictures = [(name, attributes) for name, page in site[1].items() for attributes in page.pictures]
    assert len(pictures) > 12
    assert [(name, picture["src"]) for name, picture in pictures if picture.get("alt") is None] == []


def test_every_public_name_is_in_the_reference(site):
    """By the list of objects that other projects link to."""
    inventory = (site[0] / "objects.inv").read_bytes().split(b"\n", 4)[4]
    names = {line.split()[0] for line in zlib.decompress(inventory).decode().splitlines()}
    assert {f"chdt.{name}" for name in chdt.__all__} <= names
    assert {name for name in names if re.fullmatch(r"chdt\.\w+", name)} == {f"chdt.{name}" for name in chdt.__all__}


def test_formulas_need_no_script(site):
    page = (site[0] / "exact.html").read_text(encoding="utf-8")
    assert page.count("<math") > 100
    assert "\\frac" not in page
    assert not re.search("<script[^>]*mathjax", page.lower())


# ------------------------------------------------------------------------------------------------ what pages say


def test_overlaps_of_figure_7():
    """The table of docs/training.md is that of the experiments."""
    with (ROOT / "examples/hippocampus/results/ten-epochs/figure7.csv").open() as file:
        rows = list(csv.DictReader(file))
    text = (DOCS / "training.md").read_text(encoding="utf-8").partition("<!-- figure 7 -->")[2].partition("\n\n")[0]
    shown = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.strip().splitlines()[2:]]
    assert [row[0] for row in shown] == sorted({row["m"] for row in rows}, key=int)
    for m, *overlaps in shown:
        for overlap, objective in zip(overlaps, ("start", "size", "calibrated"), strict=True):
            found = [float(row["test_IoU"]) for row in rows if (row["m"], row["objective"]) == (m, objective)]
            assert float(overlap) == pytest.approx(sum(found) / len(found), abs=6e-4)


def test_citation():
    """The version and the licence are those of the package, and the paper's entry is the README's."""
    yaml = pytest.importorskip("yaml")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == chdt.__version__
    assert citation["license"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    entry = re.search(r"^@inproceedings.*?^}$", readme, re.DOTALL | re.MULTILINE)[0]
    assert entry in (DOCS / "cite.md").read_text(encoding="utf-8")
    paper = citation["preferred-citation"]
    assert paper["title"] in entry
    assert str(paper["volume"]) in entry


def test_tables_of_the_ruler():
    """They are what is measured."""
    done = subprocess.run(
        [sys.executable, str(DOCS / "ruler.py"), "--check"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr or "python docs/ruler.py gives other tables"


# ------------------------------------------------------------------------------------------------ figures


@pytest.fixture(scope="module")
def figures():
    pytest.importorskip("matplotlib")
    spec = importlib.util.spec_from_file_location("figures", DOCS / "figures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_figures(figures, tmp_path, capsys):
    figures.main(["--output", str(tmp_path)])
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {path.name for path in (DOCS / "images").glob("*.svg")}
    assert len(capsys.readouterr().out.split()) == len(names) == 7


def test_pictures_of_functions(tmp_path, capsys, monkeypatch):
    """One for each public function, and each is on its page."""
    monkeypatch.syspath_prepend(DOCS)
    spec = importlib.util.spec_from_file_location("functions", DOCS / "functions.py")
    functions = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(functions)
    functions.main(["--output", str(tmp_path)])
    names = {path.stem for path in tmp_path.iterdir()}
    assert names == {name for name in chdt.__all__ if inspect.isfunction(getattr(chdt, name))}
    page = (DOCS / "reference.md").read_text(encoding="utf-8")
    assert names == set(re.findall(r"images/functions/(\w+)\.svg", page))
    assert len(capsys.readouterr().out.splitlines()) == len(names)


def test_a_wrong_figure_is_not_drawn(figures, monkeypatch):
    monkeypatch.setattr(figures, "flip_sizes", lambda mask: 0 * mask.astype(int))
    with pytest.raises(SystemExit, match="flip_sizes is right"):
        figures.draw_removed()
