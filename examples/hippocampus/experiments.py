"""The paper's figures 5, 6 and 7, and the table of objectives: each from trainings that are done once."""

import math
import statistics
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import torch

from chdt import expected_size_loss, object_size, squared_error
from hippocampus.objectives import OBJECTIVES
from hippocampus.pictures import draw_figure5, draw_figure6, draw_figure7, draw_objectives
from hippocampus.processes import in_processes
from hippocampus.runs import Study
from hippocampus.training import FirstPhase, SecondPhase, best_weights, read_csv, write_csv

DRAWS = (1, 2, 4, 8)
OURS = "teacher+margin"
THEIRS = "sharp"
FACTORS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 8.0)
OUTLINED = (64, 128, 256, 512, 1024, 2048, 4096)


def outcome(study: Study, outlined: int, seed: int, objectives: tuple[str, ...]) -> list[dict[str, Any]]:
    """A row for the start and one for each objective: what was kept, and how good it is on the test images.

    The last epoch is there as well: what training without sizes comes to, of which E may keep nothing.
    """
    results = {"start": study.first(outlined, seed)}
    results |= {name: study.second(outlined, seed, name) for name in objectives}
    return [
        {
            "m": outlined,
            "seed": seed,
            "objective": name,
            "epochs": result["epochs"],
            "kept": int(result["validation"]["epoch"]),
            "validation_E": round(result["validation"]["E"], 4),
            "validation_IoU": round(result["validation"]["IoU"], 4),
            "test_E": round(result["test"]["E"], 4),
            "test_IoU": round(result["test"]["IoU"], 4),
            "last_E": round(result["last"]["E"], 4),
            "last_IoU": round(result["last"]["IoU"], 4),
        }
        for name, result in results.items()
    ]


def save(
    rows: list[dict[str, Any]], results: Path, name: str, draw: Callable[[list[dict[str, Any]], Path], None]
) -> None:
    """The table, and the picture of it."""
    results.mkdir(parents=True, exist_ok=True)
    write_csv(results / f"{name}.csv", rows)
    draw(rows, results / f"{name}.png")


# ------------------------------------------------------------------------------------------------ figure 5


def figure5(study: Study, results: Path, seed: int, rounds: int) -> list[dict[str, Any]]:
    """Seconds of a training epoch with the expected size loss, against one with the pixel-wise loss.

    All take turns, round by round, so that whatever else the machine does meets them alike.
    """
    torch.manual_seed(seed)
    data = study.data(1, seed)
    data.setup()
    images, sizes, index = data.sizes_only().tensors
    masks = data.slices.masks[data.training]
    batches = torch.randperm(len(images)).split(data.batch_size)
    pixels = [[images[batch], masks[batch], sizes[batch]] for batch in batches]
    whole = [{"sizes": [images[batch], sizes[batch], index[batch]]} for batch in batches]
    epochs = {0: (FirstPhase(), pixels)} | {n: (SecondPhase("size", n), whole) for n in DRAWS}
    for module, parts in epochs.values():
        epoch_seconds(module, parts[:5])  # to warm up
    seconds: dict[int, list[float]] = {n: [] for n in epochs}
    for _ in range(rounds):
        for n, (module, parts) in epochs.items():
            seconds[n].append(epoch_seconds(module, parts))
    rows = [
        {
            "draws": n,
            "seconds": round(statistics.median(taken), 3),
            "ratio": round(statistics.median(a / b for a, b in zip(taken, seconds[0], strict=True)), 3),
            "images": len(images),
            "rounds": rounds,
            "threads": torch.get_num_threads(),
        }
        for n, taken in seconds.items()
    ]
    save(rows, results, "figure5", draw_figure5)
    return rows


def epoch_seconds(module: FirstPhase | SecondPhase, batches: list[Any]) -> float:
    """One pass over the batches, as in training."""
    optimizer = module.configure_optimizers()
    module.train()
    start = time.perf_counter()
    for number, batch in enumerate(batches):
        loss = module.training_step(batch, number)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        module.on_train_batch_end()
    return time.perf_counter() - start


# ------------------------------------------------------------------------------------------------ figure 6


def curve(study: Study, outlined: int, seed: int, objective: str, n_samples: int) -> list[dict[str, Any]]:
    """Validation after each epoch."""
    study.second(outlined, seed, objective, n_samples)
    path = study.kept(outlined, seed, objective, n_samples) / "validation.csv"
    return [{"objective": objective, "draws": n_samples, **row} for row in read_csv(path)]


def figure6(
    study: Study, results: Path, seed: int, processes: int, outlined: int = 85, objective: str = THEIRS
) -> list[dict[str, Any]]:
    """E and IoU on validation over the epochs for several numbers of draws."""
    study.first(outlined, seed)
    jobs = [(study, outlined, seed, objective, n) for n in DRAWS]
    rows = [row for rows in in_processes(curve, jobs, processes) for row in rows]
    save(rows, results, "figure6", draw_figure6)
    return rows


# ------------------------------------------------------------------------------------------------ figure 7


def figure7(
    study: Study,
    results: Path,
    many: list[int] | None,
    seeds: list[int],
    processes: int,
    objectives: tuple[str, ...] = (THEIRS, OURS),
) -> list[dict[str, Any]]:
    """Test IoU before and after the second phase, for m = 64, 128, ... as far as the data goes, or for some."""
    if not many:
        data = study.data(1, 0)
        data.setup()
        many = [m for m in OUTLINED if m <= len(data.training)]
    jobs = [(study, outlined, seed, objectives) for outlined, seed in product(many, seeds)]
    rows = [row for rows in in_processes(outcome, jobs, processes) for row in rows]
    save(rows, results, "figure7-by-volume" if study.by_volume else "figure7", draw_figure7)
    return rows


# ------------------------------------------------------------------------------------------------ the objectives


def compare_objectives(
    study: Study,
    results: Path,
    many: list[int],
    seeds: list[int],
    processes: int,
    names: tuple[str, ...] = tuple(OBJECTIVES),
) -> list[dict[str, Any]]:
    """Several objectives, from the same starts."""
    for outlined, seed in product(many, seeds):
        study.first(outlined, seed)
    jobs = [(study, *job) for job in product(many, seeds, ((name,) for name in names))]
    rows = [row for rows in in_processes(outcome, jobs, processes) for row in rows]
    unique = {(row["m"], row["seed"], row["objective"]): row for row in rows}
    rows = sorted(unique.values(), key=lambda row: (row["m"], row["seed"]))
    save(rows, results, "objectives", draw_objectives)
    return rows


# ------------------------------------------------------------------------------------------------ sharpness


@torch.no_grad()
def sharpness(study: Study, results: Path, outlined: int, seed: int) -> list[dict[str, Any]]:
    """Expected size loss of the network of a first phase on training images, by what its logits are multiplied by.

    The last row is the limit of great factors: nothing is left to chance, and the error is that of what it predicts.
    """
    study.first(outlined, seed)
    module, data = SecondPhase(), study.data(outlined, seed)
    module.start_from(best_weights(study.home(outlined, seed) / "first"))
    data.setup()
    images, sizes, _ = data.sizes_only().tensors
    logits = torch.cat([module(part) for part in images.split(128)])
    torch.manual_seed(seed)
    rows = [
        {"factor": factor, "error": round(float(expected_size_loss(factor * logits, sizes, n_samples=8)), 3)}
        for factor in FACTORS
    ]
    rows.append({"factor": math.inf, "error": round(float(squared_error(object_size(logits > 0), sizes).mean()), 3)})
    results.mkdir(parents=True, exist_ok=True)
    write_csv(results / "sharpness.csv", rows)
    return rows


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means and deviations over the seeds, and the smallest gain over the start of the same seed."""
    starts = {(row["m"], row["seed"]): row["test_IoU"] for row in rows if row["objective"] == "start"}
    table = []
    for m, objective in dict.fromkeys((row["m"], row["objective"]) for row in rows):
        chosen = [row for row in rows if (row["m"], row["objective"]) == (m, objective)]
        gains = [row["test_IoU"] - starts[m, row["seed"]] for row in chosen]
        overlaps = [row["test_IoU"] for row in chosen]
        table.append(
            {
                "m": m,
                "objective": objective,
                "seeds": len(chosen),
                "test E": f"{statistics.mean(row['test_E'] for row in chosen):.2f}",
                "test IoU": f"{statistics.mean(overlaps):.3f}",
                "deviation": f"{statistics.stdev(overlaps) if len(chosen) > 1 else 0:.3f}",
                "gain": f"{statistics.mean(gains):+.3f}",
                "smallest gain": f"{min(gains):+.3f}",
                "epochs kept": " ".join(str(row["kept"]) for row in chosen),
            }
        )
    return table
