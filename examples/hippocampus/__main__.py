"""The command line: python -m hippocampus --help, in the folder examples."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from hippocampus import experiments
from hippocampus.objectives import OBJECTIVES
from hippocampus.runs import Study
from hippocampus.slices import DataError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Train a segmentation network from a few outlined images and the sizes of all. "
    "Every training is kept under --runs: one that was stopped goes on, one that is done is not done again.",
)

Objective = StrEnum("Objective", {name: name for name in OBJECTIVES})
Data = Annotated[
    Path | None,
    typer.Option(help="Task04_Hippocampus of the Medical Segmentation Decathlon.", show_default="drawn slices"),
]
Runs = Annotated[Path, typer.Option(help="Where trainings are kept.")]
Results = Annotated[Path, typer.Option(help="Where the CSV and the PNG go.")]
ByVolume = Annotated[bool, typer.Option("--by-volume", help="Split by volume instead of by slice.")]
Outlined = Annotated[int, typer.Option("--outlined", "-m", min=1, help="Outlined images.")]
ManyOutlined = Annotated[list[int], typer.Option("--outlined", "-m", min=1, help="May be given several times.")]
Seed = Annotated[int, typer.Option(help="Decides split, outlined images, first weights and all that is drawn.")]
Seeds = Annotated[list[int], typer.Option("--seed", help="May be given several times.")]
Processes = Annotated[int, typer.Option(min=1, help="Trainings at a time, each on one thread if there are several.")]
Chosen = Annotated[list[Objective], typer.Option("--objective", help="May be given several times.")]
Epochs = Annotated[int, typer.Option(min=1, help="Most epochs of the second phase.")]
Patience = Annotated[int, typer.Option(min=1, help="Epochs without a lower validation E that end the second phase.")]

RUNS, RESULTS = Path("runs"), Path("runs/results")


@app.command()
def train(
    data: Data = None,
    outlined: Outlined = 64,
    objective: Annotated[Objective, typer.Option(help="What the second phase minimises.")] = Objective[
        experiments.OURS
    ],
    draws: Annotated[int, typer.Option("--draws", "-n", min=1, help="Masks drawn for each image.")] = 8,
    seed: Seed = 0,
    by_volume: ByVolume = False,
    epochs: Epochs = 8,
    patience: Patience = 3,
    runs: Runs = RUNS,
) -> None:
    """Both phases once, with E and IoU before and after the second; minutes with drawn slices."""
    study = Study(data, runs, by_volume, epochs=epochs, patience=patience, progress=sys.stderr.isatty())
    print(f"First phase: {outlined} outlined images of {study.source}")
    before = study.first(outlined, seed)
    print(f"Second phase: sizes of all training images, objective {objective.value!r}: {OBJECTIVES[objective].about}")
    after = study.second(outlined, seed, objective.value, draws)
    print(f"\n{'test images':<24}{'E':>8}{'IoU':>8}")
    for name, result in (("after the first phase", before), ("after the second phase", after)):
        print(f"{name:<24}{result['test']['E']:8.2f}{result['test']['IoU']:8.3f}")
    print(f"\nThe network: {study.kept(outlined, seed, objective.value, draws)}")


@app.command()
def figure5(
    data: Data = None,
    seed: Seed = 0,
    rounds: Annotated[int, typer.Option(min=1, help="How often each epoch is timed.")] = 5,
    threads: Annotated[int | None, typer.Option(min=1, help="Of torch and chdt.", show_default="all")] = None,
    runs: Runs = RUNS,
    results: Results = RESULTS,
) -> None:
    """Time of an epoch for n = 1, 2, 4, 8 draws against an epoch with the pixel-wise loss."""
    if threads is not None:
        torch.set_num_threads(threads)
    show(experiments.figure5(Study(data, runs), results, seed, rounds), results / "figure5.png")


@app.command()
def figure6(
    data: Data = None,
    objective: Annotated[Objective, typer.Option(help="What the second phase minimises.")] = Objective.sharp,
    seed: Seed = 0,
    by_volume: ByVolume = False,
    epochs: Epochs = 40,
    processes: Processes = 1,
    runs: Runs = RUNS,
    results: Results = RESULTS,
) -> None:
    """E and IoU on validation over the epochs for n = 1, 2, 4, 8, after 85 outlined images."""
    study = Study(data, runs, by_volume, epochs=epochs, patience=epochs)
    rows = experiments.figure6(study, results, seed, processes, objective=objective.value)
    show([row for row in rows if row["epoch"] in (0, epochs // 2, epochs)], results / "figure6.png")


@app.command()
def figure7(
    data: Data = None,
    outlined: Annotated[
        list[int] | None,
        typer.Option("--outlined", "-m", min=1, help="May be given several times.", show_default="64, 128, ..., 4096"),
    ] = None,
    seeds: Seeds = (0, 1, 2),
    chosen: Chosen = (Objective[experiments.THEIRS], Objective[experiments.OURS]),
    by_volume: ByVolume = False,
    epochs: Epochs = 40,
    patience: Patience = 10,
    processes: Processes = 1,
    runs: Runs = RUNS,
    results: Results = RESULTS,
) -> None:
    """Test IoU before and after the second phase, for m = 64, 128, ..., 4096 as far as the data goes."""
    study = Study(data, runs, by_volume, epochs=epochs, patience=patience)
    rows = experiments.figure7(study, results, outlined, seeds, processes, tuple(name.value for name in chosen))
    show(experiments.summary(rows), results / ("figure7-by-volume.png" if by_volume else "figure7.png"))


@app.command()
def objectives(
    data: Data = None,
    outlined: ManyOutlined = (64, 512),
    seeds: Seeds = (0,),
    chosen: Annotated[
        list[Objective], typer.Option("--objective", help="May be given several times.", show_default="all")
    ] = tuple(Objective),
    epochs: Epochs = 10,
    patience: Patience = 3,
    processes: Processes = 1,
    runs: Runs = RUNS,
    results: Results = RESULTS,
) -> None:
    """All objectives of the second phase, from the same first phases."""
    study = Study(data, runs, epochs=epochs, patience=patience)
    rows = experiments.compare_objectives(
        study, results, outlined, seeds, processes, tuple(name.value for name in chosen)
    )
    show(experiments.summary(rows), results / "objectives.png")


@app.command()
def sharpness(
    data: Data = None, outlined: Outlined = 64, seed: Seed = 0, runs: Runs = RUNS, results: Results = RESULTS
) -> None:
    """Size error of the masks that a network of the first phase draws, by what its logits are multiplied by."""
    show(experiments.sharpness(Study(data, runs), results, outlined, seed), results / "sharpness.csv")


def show(rows: list[dict[str, Any]], file: Path) -> None:
    """Print a table, and where it is: in a CSV, beside a picture of it."""
    cells = [list(rows[0])] + [[f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * (width - 1) + ":" for width in widths])
    for row in cells:
        print("| " + " | ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) + " |")
    print("\n" + ", ".join(map(str, dict.fromkeys((file.with_suffix(".csv"), file)))))


def main() -> None:
    """Run a command; what is wrong with the data or the numbers is said in one line."""
    try:
        app()
    except (DataError, ValueError) as error:
        sys.exit(f"hippocampus: {error}")
    except KeyboardInterrupt:
        sys.exit("hippocampus: stopped; the same command goes on from here")


if __name__ == "__main__":
    main()
