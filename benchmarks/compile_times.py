"""How long the kernels take to compile: each of them, and all that a first call of each function needs.

Everything is compiled in a fresh process with an empty cache. Times are of the processor, not of the clock, so that
other processes matter less. ``--against`` compares with another checkout, turn by turn:

    python benchmarks/compile_times.py --against ../chdt-before --rounds 3 --save compile_times.json
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

HERE = Path(__file__).resolve().parents[1]

Times = dict[str, dict[str, float]]  # seconds by call, then by kernel; that of the whole call is under ""


# ------------------------------------------------------------------------------------------------ in a fresh process


def calls_on_slices() -> Iterator[tuple[str, Callable[[], Any]]]:
    """The four functions on a batch of float32 slices, each compiling what those before have not."""
    import torch

    import chdt

    masks = masks_of(32, 48, 32)
    yield "object_size", lambda: chdt.object_size(masks)
    yield "distance_transform", lambda: chdt.distance_transform(masks)
    yield "flip_sizes", lambda: chdt.flip_sizes(masks)
    logits, sizes = torch.zeros(32, 48, 32, requires_grad=True), torch.full((32,), 10)
    yield "expected_size_loss", lambda: chdt.expected_size_loss(logits, sizes).backward()


def calls_on_everything() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Then images of all sizes, volumes, spacing, and all item sizes of masks and answers."""
    import torch

    import chdt

    yield from calls_on_slices()
    functions = (chdt.object_size, chdt.distance_transform, chdt.flip_sizes)
    grids = {"narrow images": (3, 500, 20), "images": (3, 300, 200), "large images": (1, 2100, 2100)}
    volumes = {"small volumes": (3, 20, 20, 20), "volumes": (2, 80, 70, 90), "large volumes": (1, 150, 150, 150)}
    for name, shape in (grids | volumes).items():
        masks, dims = masks_of(*shape), len(shape) - 1
        for function in functions:
            yield f"{function.__name__}, {name}", lambda f=function, m=masks, d=dims: f(m, spatial_dims=d)
    for function in functions:
        masks = masks_of(2, 30, 40)
        yield f"{function.__name__}, spacing", lambda f=function, m=masks: f(m, spacing=(3, 1))
        yield f"{function.__name__}, black_border", lambda f=function, m=masks: f(m, black_border=True)
    for function in functions[1:]:
        for out in (np.uint8, np.int16, np.int64, np.float32, np.float64):
            for name, masks in {"slices": masks_of(32, 48, 32), "images": masks_of(2, 100, 110)}.items():
                answer = np.empty(masks.shape, out)
                title = f"{function.__name__}, {name}, out of {np.dtype(out)}"
                yield title, lambda f=function, m=masks, o=answer: f(m, out=o)
    for dtype in (bool, np.int8, np.float16, np.float64):
        masks = masks_of(4, 48, 32) > 0 if dtype is bool else masks_of(4, 48, 32).astype(dtype)
        yield f"object_size of {np.dtype(dtype)}", lambda m=masks: chdt.object_size(m)
        yield f"distance_transform of {np.dtype(dtype)}", lambda m=masks: chdt.distance_transform(m)
    logits = torch.zeros(2, 100, 110, requires_grad=True)
    yield "expected_size_loss, images", lambda: chdt.expected_size_loss(logits, torch.tensor([3, 4])).backward()
    doubles = torch.zeros(2, 48, 32, dtype=torch.float64, requires_grad=True)
    yield "expected_size_loss of float64", lambda: chdt.expected_size_loss(doubles, torch.tensor([3, 4])).backward()
    samples = torch.from_numpy(masks_of(2, 48, 32))
    yield "sampled_gradient", lambda: chdt.sampled_gradient(samples, torch.tensor([3, 4]))
    yield "sample_masks", lambda: chdt.sample_masks(logits)


def masks_of(*shape: int) -> npt.NDArray[np.float32]:
    """A cuboid in each."""
    masks = -np.ones(shape, np.float32)
    masks[(slice(None), *(slice(side // 4, -(side // 4)) for side in shape[1:]))] = 1
    return masks


def compile_all(calls: Callable[[], Iterator[tuple[str, Callable[[], Any]]]]) -> Times:
    """Make each call once; what a kernel took includes the helpers that it is made of."""
    import torch
    from numba.core import event

    torch.set_num_threads(2)  # large images are cut into bands for several threads only
    times: Times = {}
    began: list[float] = []

    class Kernels(event.Listener):  # type: ignore[misc]
        def on_start(self, compiling: Any) -> None:
            began.append(time.process_time())

        def on_end(self, compiling: Any) -> None:
            start = began.pop()
            if not began:  # not a helper of another one
                kernel = compiling.data["dispatcher"].py_func.__name__
                here[kernel] = here.get(kernel, 0) + time.process_time() - start

    with event.install_listener("numba:compile", Kernels()):
        for name, call in calls():
            here = times[name] = {}
            start = time.process_time()
            call()
            here[""] = time.process_time() - start
    return times


# ------------------------------------------------------------------------------------------------ the command


def times_of(checkout: Path, what: str) -> Times:
    """Compile with what is in this checkout."""
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, __file__, "--worker", what],
            env={**os.environ, "PYTHONPATH": str(checkout), "NUMBA_CACHE_DIR": cache},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def total(times: Times) -> float:
    """Seconds of all calls."""
    return sum(of_call[""] for of_call in times.values())


def table_of(times: Times, before: Times | None) -> str:
    """Seconds of each call and of the kernels that it compiled, in Markdown."""
    lines = ["| call | s | before, s | kernels |", "| --- | ---: | ---: | --- |"]
    for name, of_call in times.items():
        kernels = sorted(((s, kernel) for kernel, s in of_call.items() if kernel), reverse=True)
        of_before = f"{before[name]['']:.2f}" if before else ""
        listed = ", ".join(f"{kernel} {s:.2f}" for s, kernel in kernels)
        if listed or (before and len(before[name]) > 1):
            lines.append(f"| {name} | {of_call['']:.2f} | {of_before} | {listed} |")
    share = f"{total(before):.2f} | {total(times) / total(before):.2f} of before" if before else "| "
    return "\n".join([*lines, f"| all | {total(times):.2f} | {share} |"])


def main(
    against: Annotated[
        Path | None, typer.Option(help="Another checkout to compare with.", exists=True, file_okay=False)
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Of which the fastest counts.")] = 1,
    save: Annotated[Path | None, typer.Option(help="A JSON file for all that was measured.")] = None,
    only: Annotated[str | None, typer.Option(help="slices or everything.", show_default="both")] = None,
    worker: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """How long the kernels take to compile, in seconds of the processor."""
    kinds = {"slices": calls_on_slices, "everything": calls_on_everything}
    if worker is not None:
        typer.echo(json.dumps(compile_all(kinds[worker])))
        return
    saved: dict[str, dict[str, Times]] = {}
    for what in [only] if only else kinds:
        checkouts = {"now": HERE} | ({"before": against.resolve()} if against else {})
        measured: dict[str, list[Times]] = {name: [] for name in checkouts}
        for _ in range(rounds):
            for name, checkout in checkouts.items():
                measured[name].append(times_of(checkout, what))
        saved[what] = {name: min(runs, key=total) for name, runs in measured.items()}
        typer.echo(f"\n## {what.capitalize()}\n\n{table_of(saved[what]['now'], saved[what].get('before'))}")
    if save:
        save.write_text(json.dumps(saved, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
