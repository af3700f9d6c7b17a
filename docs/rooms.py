"""The table of all files in docs/developers.md, made from their first lines.

python docs/rooms.py
"""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "developers.md"
BEGIN, END = "<!-- rooms -->\n", "<!-- /rooms -->\n"

ROOMS = {  # from above to below, as imports point
    "chdt": "The surface: what users call",
    "chdt/cpu": "The host's wing: a batch in, an answer out",
    "chdt/cpu/kernels": "Its kernels: one idea a file",
    "chdt/gpu": "The wing of GPUs: the same functions under the same names",
    "chdt/gpu/kernels": "Its kernels, in Triton",
    "chdt/checks": "Checks: what may come in, and where answers go",
}


def sentence_of(path: Path) -> str:
    """What a file says of itself in its first line."""
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return said.partition("\n")[0].replace("|", r"\|")


def tests_of(path: Path) -> str:
    """The tests that have its name."""
    name = f"tests/test_{path.stem}.py"
    return f"[{path.stem}](../{name})" if (ROOT / name).is_file() else ""


def table() -> str:
    """All files of all rooms."""
    lines = []
    for folder, title in ROOMS.items():
        lines += [f"### {title}", "", f"| {folder}/ | what it is | tests |", "|---|---|---|"]
        for path in sorted((ROOT / folder).glob("*.py")):
            if path.name != "__init__.py":
                name = path.relative_to(ROOT).as_posix()
                lines.append(f"| [{path.name}](../{name}) | {sentence_of(path)} | {tests_of(path)} |")
        lines.append("")
    return "\n".join(lines)


def with_table(page: str) -> str:
    """The page with a table that is up to date."""
    before, found, rest = page.partition(BEGIN)
    _, found_end, after = rest.partition(END)
    if not (found and found_end):
        raise ValueError(f"the page has no {BEGIN.strip()} and {END.strip()}")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
