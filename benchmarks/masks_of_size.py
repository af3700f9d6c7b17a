"""How long both thresholds of a size take, and the mask there, beside a list of thresholds: the table of the docs.

    python benchmarks/masks_of_size.py          # printed
    python benchmarks/masks_of_size.py --pages  # into docs/benchmarks.md

Nanoseconds a pixel on one thread: the median of several turns, and their quartiles.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from benchmarks.cuts import CUTS, WAYS, logits_of
from benchmarks.pages import write_between
from compare import Effort, take_turns

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
MOST_PIXELS_OF_A_LIST = 1 << 23  # its masks alone take 29 bytes a pixel


def table(effort: Effort) -> str:
    """A row for each kind of images and each size."""
    lines = [f"| logits | size | {' | '.join(WAYS)} |", f"|---|--:|{'--:|' * len(WAYS)}"]
    for name, (shape, sizes) in CUTS.items():
        logits = logits_of(shape)
        for size in sizes:
            ways = [way for way in WAYS if way != "29 thresholds" or logits.numel() <= MOST_PIXELS_OF_A_LIST]
            calls = {way: WAYS[way](logits, size) for way in ways}
            for call in calls.values():  # compiles, and warms up
                call()
            seconds = take_turns(calls, effort)
            cells = ["" for _ in WAYS]
            for number, way in enumerate(WAYS):
                if way in seconds:
                    low, middle, high = np.quantile(seconds[way], [0.25, 0.5, 0.75]) / logits.numel() * 1e9
                    cells[number] = f"{middle:.2f} ({low:.2f}–{high:.2f})"
            lines.append(f"| {name} | {size} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(
    turns: Annotated[int, typer.Option(min=1, help="Turns of each.")] = 7,
    pages: Annotated[bool, typer.Option(help="Write the table of docs/benchmarks.md anew.")] = False,
) -> None:
    """Print the table, or write it."""
    torch.set_num_threads(1)
    measured = table(Effort(turns, turn=0.03))
    if pages:
        write_between(PAGE, "masks of a size", measured)
    else:
        typer.echo(measured)


if __name__ == "__main__":
    typer.run(main)
