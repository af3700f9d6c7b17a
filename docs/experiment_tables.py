"""Tables of docs/experiments.md, made from the results that the examples left.

python docs/experiment_tables.py
"""

import csv
import statistics
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "experiments.md"
RESULTS = ROOT / "examples" / "results"

Row = dict[str, str]


def read(name: str) -> list[Row]:
    """The rows of a table."""
    with (RESULTS / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def markdown(rows: list[list[str]]) -> str:
    """A table with numbers at the right; the first row is its head."""
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, "|---|" + "---:|" * (len(rows[0]) - 1), *body]) + "\n"


def monai() -> str:
    """Dice of each seed, an arm a row, with E and the gain over the outlines alone: a table for each length."""
    rows = read("monai_arms.csv")
    return "\n".join(monai_of(epochs, rows) for epochs in sorted({int(row["epochs"]) for row in rows}))


def monai_of(epochs: int, rows: list[Row]) -> str:
    """The table of trainings of one length."""
    rows = [row for row in rows if int(row["epochs"]) == epochs]
    found = {(row["arm"], int(row["seed"])): (float(row["Dice"]), float(row["E"])) for row in rows}
    seeds = sorted({seed for _, seed in found})
    table = [[f"{epochs} epochs, seed", *map(str, seeds), "mean", "mean E", "least gain"]]
    for arm in dict.fromkeys(row["arm"] for row in rows):
        overlaps = [found[arm, seed][0] for seed in seeds]
        gains = [overlap - found["outlines", seed][0] for overlap, seed in zip(overlaps, seeds, strict=True)]
        error = statistics.mean(found[arm, seed][1] for seed in seeds)
        table.append([arm, *(f"{value:.3f}" for value in (*overlaps, statistics.mean(overlaps)))])
        table[-1] += [f"{error:.1f}", f"{min(gains):+.3f}"]
    return markdown(table)


TABLES: dict[str, Callable[[], str]] = {"monai": monai}


def with_tables(page: str) -> str:
    """The page with tables that are up to date."""
    for name, table in TABLES.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
        before, found, rest = page.partition(begin)
        _, found_end, after = rest.partition(end)
        if not (found and found_end):
            raise ValueError(f"the page has no {begin.strip()} and {end.strip()}")
        page = f"{before}{begin}\n{table()}\n{end}{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
