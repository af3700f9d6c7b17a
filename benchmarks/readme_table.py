"""The speed table of the README, taken from docs/benchmarks.md, which compare.py writes.

    python benchmarks/readme_table.py

puts it between the two marks in README.md: how many times as fast as its peers chdt is, on one thread.
"""

import re
import sys
from pathlib import Path

from benchmarks.pages import with_table

ROOT = Path(__file__).parents[1]
PEERS = ("OpenCV", "SciPy")
CLAIM = re.compile(r"(?P<function>\w+): faster than (?P<peer>\w+)(?P<how>.*)")
SPEED = re.compile(r"(?P<times>[\d.]+) times as fast")


def claims_of(report: str) -> dict[tuple[str, str], dict[str, float]]:
    """By function and masks, how many times as fast as each peer; of several ways to call one, its fastest."""
    _, found, rest = report.partition("\n## Claim, measured\n")
    if not found:
        raise ValueError("the report has no section 'Claim, measured'")
    rows = [[cell.strip() for cell in line.strip("|\n ").split("|")] for line in rest.split("\n## ")[0].splitlines()]
    head, _, *body = [row for row in rows if len(row) > 1]
    if head[3] != "measured, threads: 1":
        raise ValueError(f"the first column of numbers should be for one thread, but is {head[3]!r}")
    claims: dict[tuple[str, str], dict[str, float]] = {}
    for claim, masks, _, one_thread, *_ in body:
        parts = CLAIM.match(claim)
        if parts is None or parts["peer"] not in PEERS:
            continue
        speed = SPEED.match(one_thread)
        if speed is None:
            raise ValueError(f"{claim}, {masks}: was not faster, but {one_thread}")
        peers = claims.setdefault((parts["function"], masks), {})
        peers[parts["peer"]] = min(float(speed["times"]), peers.get(parts["peer"], float("inf")))
    return claims


def table_of(report: str) -> str:
    """The table, and on what it was measured."""
    lines = [f"| times as fast as | masks | {' | '.join(PEERS)} |", "|---|---|--:|--:|"]
    for (function, masks), peers in claims_of(report).items():
        numbers = [f"{peers[peer]:.2g}" if peers.get(peer, 100) < 100 else _whole(peers.get(peer)) for peer in PEERS]
        grid = re.sub(" *x *", " x ", masks)
        lines.append(f"| `{function}` | {grid} | {' | '.join(numbers)} |")
    machine = report.split("\n\n")[1].strip()
    return "\n".join([*lines, "", f"One thread each, float32 masks. {machine}", ""])


def _whole(times: float | None) -> str:
    return "" if times is None else f"{float(f'{times:.2g}'):.0f}"


def main() -> None:
    """Write it."""
    readme = ROOT / "README.md"
    report = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    try:
        page = with_table(readme.read_text(encoding="utf-8"), "speed", table_of(report), readme.name)
        readme.write_text(page, encoding="utf-8")
    except ValueError as error:
        sys.exit(f"readme_table.py: {error}")


if __name__ == "__main__":
    main()
