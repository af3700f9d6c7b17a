"""Find cliffs: every function with every option, each cost beside that of the plain case, the dearest first.

python benchmarks/cliffs.py                        # everything: some minutes
python benchmarks/cliffs.py --only strides --least 4
python benchmarks/cliffs.py --pages                # its tables in docs/use.md and docs/benchmarks.md

The plain case of a function is slices of 48x32, contiguous, int32 answers into memory that is there. Costs are minima,
in ns a pixel, of one thread unless said. Both have their turns one after the other, so that a machine that slows down
slows both down.
"""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
import typer
from benchmarks.pages import write_between
from scipy import ndimage

import chdt

DOCS = Path(__file__).parents[1] / "docs"


def sixes(masks: torch.Tensor, spatial_dims: int = 2, **_: Any) -> torch.Tensor:
    """A size of 6 for each image."""
    return torch.full(masks.shape[: masks.ndim - spatial_dims], 6.0)


def loss_with_gradient(masks: Any, **options: Any) -> None:
    """The expected size loss of logits, its gradient included."""
    logits = torch.from_numpy(masks).requires_grad_()
    chdt.expected_size_loss(logits, sixes(logits, **options), **options).backward()


def mask_of_size(masks: Any, **options: Any) -> None:
    """Own masks of size 6."""
    logits = torch.from_numpy(masks)
    chdt.mask_of_size(logits, sixes(logits, **options), **options)


def threshold_of_size(masks: Any, **options: Any) -> None:
    """The threshold of size 6."""
    logits = torch.from_numpy(masks)
    chdt.threshold_of_size(logits, sixes(logits, **options), **options)


def sampled_gradient(masks: Any, **options: Any) -> None:
    """The gradient sampled at these masks."""
    samples = torch.from_numpy(masks)
    chdt.sampled_gradient(samples, sixes(samples, **options), **options)


def squared_size_error(masks: Any, **options: Any) -> None:
    """The metric, which measures both of its masks."""
    chdt.squared_size_error(torch.from_numpy(masks), torch.from_numpy(masks), **options)


def intersection_over_union(masks: Any, spatial_dims: int = 2) -> None:
    """The metric, which compares the masks with themselves."""
    chdt.intersection_over_union(torch.from_numpy(masks), torch.from_numpy(masks), spatial_dims=spatial_dims)


def sample_masks(masks: Any, spatial_dims: int = 2) -> None:
    """Draws; pixels are independent, so that dims do not matter."""
    chdt.sample_masks(torch.from_numpy(masks))


OF_LOGITS = (loss_with_gradient, mask_of_size)

IN_TABLE_OF_OPTIONS = (chdt.object_size, chdt.distance_transform, chdt.flip_sizes, *OF_LOGITS)

WITHOUT_DISTANCES = (intersection_over_union, sample_masks)  # which take no spacing and no border

OF_TENSORS = (*OF_LOGITS, threshold_of_size, sampled_gradient, squared_size_error, *WITHOUT_DISTANCES)

FUNCTIONS = (chdt.object_size, chdt.distance_transform, chdt.flip_sizes, *OF_TENSORS)

PIXELS = 1 << 20  # of a batch, about


class Case(NamedTuple):
    """A batch of masks, and how a function is called with it."""

    option: str
    name: str
    masks: Any
    options: dict[str, Any]
    with_out: bool = True
    layout: Callable[[Any], Any] = lambda out: out  # of ``out``
    threads: int = 1
    dtype: str = "int32"  # of ``out``


def foreground(rng: np.random.Generator, *shape: int, density: float = 0.9) -> Any:
    """Pixels of this density, of both values."""
    masks = rng.random(shape, dtype=np.float32) < density
    masks.reshape(-1)[:2] = True, False
    return masks


def smooth(rng: np.random.Generator, *shape: int) -> Any:
    """Objects with smooth outlines."""
    sigmas = (0, *(4,) * (len(shape) - 1))
    return ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigmas) > 0


def as_dtype(masks: Any, dtype: str) -> Any:
    """±1, or bool."""
    return masks if dtype == "bool" else np.where(masks, 1, -1).astype(dtype)


STRIDES: dict[str, Callable[[Any], Any]] = {
    "batch dim last": lambda x: np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0),
    "rows and columns exchanged": lambda x: np.ascontiguousarray(x.swapaxes(1, 2)).swapaxes(1, 2),
    "reversed": lambda x: x[:, ::-1, ::-1],
    "every second column": lambda x: np.repeat(x, 2, 2)[:, :, ::2],
    "cropped": lambda x: np.pad(x, ((0, 0), (3, 3), (3, 3)), mode="edge")[:, 3:-3, 3:-3],
}


def plain(rng: np.random.Generator) -> Any:
    """Slices of 48x32."""
    return as_dtype(foreground(rng, PIXELS // (48 * 32), 48, 32), "float32")


def grids(rng: np.random.Generator) -> Iterator[Case]:
    """Dims, sides and batches."""
    lengths = (1, 2, 4, 8, 16, 32, 64, 65, 128, 512, 1024, 4096)
    equal = [(side,) * dims for side in lengths for dims in (1, 2, 3) if side**dims <= 4096**2]
    for sides in (*equal, (12, 12), (20, 20), (3, 64), (64, 3), (8, 1000), (1000, 8), (3, 3, 60)):
        count = max(1, min(10_000, PIXELS // math.prod(sides)))
        masks = as_dtype(foreground(rng, count, *sides, density=0.99), "float32")
        yield Case("grids", f"{count} x {' x '.join(map(str, sides))}", masks, {"spatial_dims": len(sides)})
    for count in (1, 10, 100, 1000, 10_000):
        yield Case("batches", f"{count} x 48 x 32", as_dtype(foreground(rng, count, 48, 32), "float32"), {})


def cases(rng: np.random.Generator) -> Iterator[Case]:
    """Every option, by itself."""
    yield from grids(rng)
    masks = plain(rng)
    for dtype in ("bool", "int8", "int16", "int32", "int64", "float16", "float64"):
        yield Case("dtypes", dtype, as_dtype(masks > 0, dtype), {})
    for name, layout in STRIDES.items():
        yield Case("strides", f"masks, {name}", layout(masks), {})
        yield Case("strides", f"out, {name}", masks, {}, layout=layout)
    for density in (0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999):
        yield Case("densities", f"{density}", as_dtype(foreground(rng, *masks.shape, density=density), "float32"), {})
        large = as_dtype(foreground(rng, 1, 1024, 1024, density=density), "float32")
        yield Case("densities", f"{density}, 1024 x 1024", large, {})
    for sides in ((2100, 2100), (8300, 520), (33_000, 130), (170, 170, 170)):  # each done by all threads
        almost_full = np.ones((1, *sides), bool)
        almost_full[(0, *(side // 3 for side in sides))] = False
        name = f"one background pixel, {' x '.join(map(str, sides))}"
        yield Case("densities", name, as_dtype(almost_full, "float32"), {"spatial_dims": len(sides)})
    volumes = as_dtype(foreground(rng, 4, 64, 64, 64), "float32")
    yield Case("border", "slices", masks, {"black_border": True})
    yield Case("border", "4 x 64 x 64 x 64", volumes, {"black_border": True, "spatial_dims": 3})
    for spacing in (2.5, (3, 1)):
        # Answers are floats then, new ones.
        yield Case("spacing", f"slices, {spacing}", masks, {"spacing": spacing}, with_out=False)
    yield Case("spacing", "4 x 64 x 64 x 64", volumes, {"spacing": (3, 1, 1), "spatial_dims": 3}, with_out=False)
    images = as_dtype(foreground(rng, 8, 512, 512, density=0.99), "float32")
    yield Case("spacing", "8 x 512 x 512, density 0.99", images, {"spacing": (3, 1)}, with_out=False)
    yield from spacings_of_each(masks, "slices")
    yield from spacings_of_each(as_dtype(foreground(rng, 256, 16, 16, 16), "float32"), "256 x 16 x 16 x 16")
    yield from spacings_of_each(volumes, "4 x 64 x 64 x 64")
    yield Case("out", "none", masks, {}, with_out=False)
    y, x = np.indices((4096, 4096))
    for radius in (60, 680, 1800):
        disc = as_dtype(((y - 2048) ** 2 + (x - 2048) ** 2 <= radius**2)[None], "float32")
        yield Case("thick objects", f"4096 x 4096, radius {radius}", disc, {})
    yield Case("threads", "slices, 2 threads", masks, {}, threads=2)
    large = as_dtype(foreground(rng, 1, 2048, 2048, density=0.99), "float32")
    yield Case("threads", "2048 x 2048, 1 thread", large, {})
    yield Case("threads", "2048 x 2048, 2 threads", large, {}, threads=2)


def spacings_of_each(masks: Any, name: str) -> Iterator[Case]:
    """A spacing for each image: of all different, of two that take turns, and of equal steps along all axes."""
    images, dims = len(masks), masks.ndim - 1
    scales = np.linspace(1, 3, images)[:, None]
    apart = np.array((3, *(1,) * (dims - 1)))
    for kind, each in {
        "two in turn": scales[-(np.arange(images) % 2)] * apart,
        "all different": scales * apart,
        "equal along the axes": scales.repeat(dims, 1),
    }.items():
        options = {"spacing": each, "spatial_dims": dims}
        yield Case("spacing of each", f"{name}, {kind}", masks, options, with_out=False)


def options_of(masks: Any, spatial_dims: int) -> Iterator[Case]:
    """What a user may say of a batch, and how it and answers may lie in memory."""
    dims = {"spatial_dims": spatial_dims}
    apart = (3, *(1,) * (spatial_dims - 1))
    yield Case("", "`black_border=True`", masks, {"black_border": True, **dims})
    yield Case("", "`spacing=2.5`", masks, {"spacing": 2.5, **dims}, with_out=False)
    yield Case("", f"`spacing={apart}`", masks, {"spacing": apart, **dims}, with_out=False)
    yield from spacings_of_each(masks, "a spacing for each image")
    for dtype in ("bool", "int8", "float64"):
        yield Case("", f"masks of {dtype} instead of float32", as_dtype(masks > 0, dtype), dims)
    yield Case("", "batch dim last in memory", STRIDES["batch dim last"](masks), dims)
    yield Case("", "without `out`", masks, dims, with_out=False)
    yield Case("", "`out` of int16", masks, dims, dtype="int16")
    yield Case("", "batch dim of `out` last in memory", masks, dims, layout=STRIDES["batch dim last"])
    yield Case("", "two threads", masks, dims, threads=2)


def call_of(function: Callable[..., Any], case: Case) -> Callable[[], Any]:
    """The function on these masks, into memory that is there."""
    options = dict(case.options)
    if case.with_out and function in FUNCTIONS[1:3]:
        options["out"] = case.layout(np.zeros(case.masks.shape, case.dtype))
    return lambda: function(case.masks, **options)


def is_for(function: Callable[..., Any], case: Case) -> bool:
    """Whether a case is one of this function."""
    of_out = "out" in (case.option, *case.name.replace("`", " ").replace(",", " ").split())
    if function in WITHOUT_DISTANCES and not case.options.keys() <= {"spatial_dims"}:
        return False
    if function in OF_TENSORS:
        return case.masks.dtype in (np.float16, np.float32, np.float64) and not of_out and min(case.masks.strides) > 0
    return function in FUNCTIONS[1:3] or not of_out


def seconds(call: Callable[[], Any], threads: int) -> float:
    """Of one call."""
    torch.set_num_threads(threads)
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def compared(function: Callable[..., Any], case: Case, ordinary: Case, turns: int) -> tuple[float, float]:
    """Ns a pixel of a case, and of the plain one."""
    both = [(call_of(function, each), each) for each in (case, ordinary)]
    least = [float("inf"), float("inf")]
    for call, each in both:  # which compiles
        seconds(call, each.threads)
    for _ in range(turns):
        for index, (call, each) in enumerate(both):
            least[index] = min(least[index], seconds(call, each.threads))
    return least[0] / case.masks.size * 1e9, least[1] / ordinary.masks.size * 1e9


def table_of_cliffs(rng: np.random.Generator, turns: int, least: float, only: str | None) -> str:
    """Each cost beside the plain case's, the dearest first."""
    ordinary = Case("", "", plain(rng), {})
    rows = []
    for case in cases(rng):
        if only in (None, case.option):
            for function in FUNCTIONS:
                if is_for(function, case):
                    cost, usual = compared(function, case, ordinary, turns)
                    rows.append((cost / usual, function.__name__, case.option, case.name, cost, usual))
    lines = ["| function | option | case | ns a pixel | plain | times |", "|---|---|---|--:|--:|--:|"]
    for times, function_name, option, name, cost, usual in sorted(rows, reverse=True):
        if times >= least:
            lines.append(f"| {function_name} | {option} | {name} | {cost:.2f} | {usual:.2f} | {times:.1f} |")
    return "\n".join(lines)


def table_of_options(rng: np.random.Generator, turns: int) -> str:
    """What each option costs, in calls of the same function on the same masks without it."""
    grids = {"640 x 48x32": (640, 48, 32), "4 x 512x512": (4, 512, 512), "4 x 64x64x64": (4, 64, 64, 64)}
    names = [f"`{function.__name__}`" for function in FUNCTIONS[:3]] + ["loss and gradient", "`mask_of_size`"]
    lines = [f"| masks | option | {' | '.join(names)} |", f"|---|---|{'--:|' * len(names)}"]
    for grid, shape in grids.items():
        masks = as_dtype(smooth(rng, *shape), "float32")
        ordinary = Case("", "", masks, {"spatial_dims": len(shape) - 1})
        for case in options_of(masks, len(shape) - 1):
            cells = []
            for function in IN_TABLE_OF_OPTIONS:
                cost, usual = compared(function, case, ordinary, turns) if is_for(function, case) else (0, 1)
                cells.append(f"{cost / usual:.2f}" if cost else "")
            lines.append(f"| {grid} | {case.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(
    turns: Annotated[int, typer.Option(min=1, help="Calls of each, of which the fastest counts.")] = 7,
    least: Annotated[float, typer.Option(help="Leave out what costs less, in plain cases.")] = 0.0,
    only: Annotated[str | None, typer.Option(help="One kind of option: grids, batches, dtypes, strides, ...")] = None,
    pages: Annotated[bool, typer.Option(help="Write the tables of docs/use.md and docs/benchmarks.md anew.")] = False,
) -> None:
    """Print each cost beside the plain case's, the dearest first."""
    rng = np.random.default_rng(0)
    if pages:
        write_between(DOCS / "use.md", "option costs", table_of_options(rng, turns))
        write_between(DOCS / "benchmarks.md", "cliffs", table_of_cliffs(rng, turns, 4, None))
    else:
        typer.echo(table_of_cliffs(rng, turns, least, only))


if __name__ == "__main__":
    typer.run(main)
