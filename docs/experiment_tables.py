"""Tables of docs/experiments.md, made from the results that the examples left.

python docs/experiment_tables.py
"""

import csv
import statistics
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "experiments.md"
EXAMPLES = ROOT / "examples"

Row = dict[str, str]


def read(name: str) -> list[Row]:
    """The rows of a table."""
    with (EXAMPLES / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def markdown(rows: list[list[str]]) -> str:
    """A table with numbers at the right; the first row is its head."""
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, "|---|" + "---:|" * (len(rows[0]) - 1), *body]) + "\n"


def monai() -> str:
    """Dice of each seed, an arm a row, with E and the gain over the outlines alone: a table for each length."""
    rows = read("results/monai_arms.csv")
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


def objectives() -> str:
    """What was tried on slices in ten epochs, with the gain of IoU over the start."""
    table = [["m, objective", "validation E", "validation IoU", "test E", "test IoU", "gain", "epoch kept", "last IoU"]]
    start = 0.0
    for row in read("hippocampus/results/teacher/objectives.csv"):
        if row["objective"] == "start":
            start = float(row["test_IoU"])
        numbers = [f"{float(row[name]):.{3 if 'IoU' in name else 2}f}" for name in NUMBERS]
        gain = f"{float(row['test_IoU']) - start:+.3f}"
        last = f"{float(row['last_IoU']):.3f}" if row["last_IoU"] else ""
        table.append([f"{row['m']}, `{row['objective']}`", *numbers, gain, row["kept"], last])
    return markdown(table)


NUMBERS = ("validation_E", "validation_IoU", "test_E", "test_IoU")


def forty_epochs() -> str:
    """The winner and its baselines, split by slice."""
    return forty_epochs_of("hippocampus/results/teacher/figure7.csv")


def forty_epochs_by_volume() -> str:
    """The winner, split by volume."""
    return forty_epochs_of("hippocampus/results/teacher/figure7-by-volume.csv")


def forty_epochs_of(name: str) -> str:
    """What E keeps of each training, and the last epoch."""
    rows = read(name)
    starts = {(row["m"], row["seed"]): float(row["test_IoU"]) for row in rows if row["objective"] == "start"}
    table = [["m, seed, objective", "epoch kept", "test E", "test IoU", "gain", "E, epoch 40", "IoU, epoch 40", "gain"]]
    for row in rows:
        start = starts[row["m"], row["seed"]]
        cells = [f"{row['m']}, {row['seed']}, `{row['objective']}`", row["kept"]]
        for which in ("test", "last"):
            if row[f"{which}_E"] and (which == "test" or row["objective"] != "start"):
                error, overlap = float(row[f"{which}_E"]), float(row[f"{which}_IoU"])
                cells += [f"{error:.2f}", f"{overlap:.3f}", f"{overlap - start:+.3f}"]
            else:
                cells += ["", "", ""]
        table.append(cells)
    return markdown(table)


def volumes() -> str:
    """Whole volumes: errors on the test volumes after the last step."""
    table = [["m, seed, from", "epochs", "test E", "test IoU", "gain"]]
    start = 0.0
    for row in read("results/volumes.csv"):
        overlap = float(row["test_IoU"])
        start = overlap if row["arm"] == "start" else start
        name = f"{row['m']}, {row['seed']}, {row['arm']}"
        table.append([name, row["epochs"], f"{float(row['test_E']):.2f}", f"{overlap:.3f}", f"{overlap - start:+.3f}"])
    return markdown(table)


TABLES: dict[str, Callable[[], str]] = {
    "monai": monai,
    "objectives": objectives,
    "forty epochs": forty_epochs,
    "forty epochs by volume": forty_epochs_by_volume,
    "volumes": volumes,
}


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
