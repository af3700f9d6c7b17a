"""Look at every page in a browser: wide and narrow, light and dark.

    python -m pip install -c constraints.txt -e ".[docs,browser]"
    python -m sphinx -W --keep-going -n docs docs/_build/html
    python docs/check_pages.py
    python docs/check_pages.py --screenshots FOLDER --chromium /usr/bin/chromium

Of each page it asks that nothing is wider than the window, all pictures are there and are described, no link into the
site is broken, nothing is fetched from elsewhere, no script fails, and that axe-core finds nothing that keeps people
out. Chromium comes from the system (``apt-get install chromium``) or from ``python -m playwright install chromium``.
"""

import argparse
import functools
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, sync_playwright

HTML = Path(__file__).parent / "_build" / "html"
WINDOWS = {"desktop": (1280, 900), "phone": (390, 844)}
SCHEMES = ("light", "dark")
PATIENCE = 120_000  # milliseconds, on a busy machine
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDER = """() => [...document.querySelectorAll('article *, header *')]
    .filter(x => x.getBoundingClientRect().right > innerWidth + 1)
    .slice(0, 3).map(x => x.outerHTML.slice(0, 80))"""
PICTURES = """() => [...document.images].map(
    x => [x.getAttribute('src'), x.complete && x.naturalWidth > 0, x.hasAttribute('alt')])"""
LINKS = "() => [...document.links].map(x => x.href)"
TARGETS = "() => [...document.querySelectorAll('[id]')].map(x => x.id)"


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and does not talk."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server for the files of a folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def problems_of(page: Page, address: str, name: str) -> list[str]:
    """What is wrong with a page, as it is shown now."""
    found: list[str] = []
    page.on("requestfailed", lambda request: found.append(f"could not fetch {request.url}"))
    page.on("response", lambda answer: found.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
    page.on("request", lambda r: None if r.url.startswith((address, "data:")) else found.append(f"fetches {r.url}"))
    page.on("pageerror", lambda error: found.append(f"script: {error}"))
    page.goto(f"{address}/{name}")
    page.evaluate("() => document.fonts.ready")
    if page.evaluate("() => document.scrollingElement.scrollWidth > innerWidth"):
        found.append(f"wider than the window: {page.evaluate(WIDER)}")
    for source, is_shown, is_described in page.evaluate(PICTURES):
        if not is_shown:
            found.append(f"picture {source} is not shown")
        if not is_described:
            found.append(f"picture {source} has no alt text")
    for violation in Axe().run(page).response["violations"]:
        nodes = [node["html"][:100] for node in violation["nodes"][:3]]
        found.append(f"axe, {violation['impact']}: {violation['id']}: {violation['help']}: {nodes}")
    return found


def links_of(page: Page) -> tuple[list[str], set[str]]:
    """Where the links of a page lead, and what may be linked to in it."""
    return page.evaluate(LINKS), set(page.evaluate(TARGETS))


def check_links(links: dict[str, tuple[list[str], set[str]]], address: str) -> list[str]:
    """Links into the site that lead nowhere."""
    found = []
    for name, (targets, _) in links.items():
        for target in targets:
            if not target.startswith(address):
                continue
            path, _, anchor = target.removeprefix(address).lstrip("/").partition("#")
            path = path.partition("?")[0] or "index.html"
            if not (HTML / path).is_file():
                found.append(f"{name}: no file {path}")
            elif anchor and path in links and anchor not in links[path][1]:
                found.append(f"{name}: no #{anchor} in {path}")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Check all pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="its file; default: the system's")
    parser.add_argument("--screenshots", type=Path, metavar="FOLDER", help="keep a picture of every page")
    options = parser.parse_args(arguments)
    names = sorted(str(path.relative_to(HTML)) for path in HTML.rglob("*.html"))
    if not names:
        raise SystemExit(f"check_pages.py: there are no pages in {HTML}: build them first")

    problems, links = [], {}
    with served(HTML) as address, sync_playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        for window, (width, height) in WINDOWS.items():
            for scheme in SCHEMES:
                context: BrowserContext = playwright.chromium.launch_persistent_context(
                    f"{profile}/{window}-{scheme}",
                    executable_path=options.chromium,
                    args=FLAGS,
                    viewport={"width": width, "height": height},
                    color_scheme=scheme,  # type: ignore[arg-type]
                )
                for name in names:
                    page = context.new_page()
                    page.set_default_timeout(PATIENCE)
                    here = [f"{name}, {window}, {scheme}: {found}" for found in problems_of(page, address, name)]
                    print("".join(f"{problem}\n" for problem in here), end="", flush=True)
                    problems += here
                    links[name] = links_of(page)
                    if options.screenshots:
                        file = f"{name.removesuffix('.html').replace('/', '-')}-{window}-{scheme}.png"
                        page.screenshot(path=options.screenshots / file, full_page=True)
                    page.close()
                context.close()
        broken = check_links(links, address)
    print("".join(f"{problem}\n" for problem in broken), end="")
    problems += broken
    print(f"{len(names)} pages, {len(WINDOWS) * len(SCHEMES)} views of each: {len(problems)} problems")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
