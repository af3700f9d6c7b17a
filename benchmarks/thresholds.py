"""Measure both sides of each threshold of chdt/cpu/route.py, on masks for which the choice is a close one.

    python benchmarks/thresholds.py                       # all of them
    python benchmarks/thresholds.py SMALL_MAX_SIDE_PIXELS # one

Each row is a batch; its columns are the milliseconds by either way, in turns, the fastest of all rounds, and what the
route takes by itself is marked. Where another column is the fastest in most rows, the threshold is wrong here.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Annotated, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import typer
from benchmarks.workloads import Workload, blobs, tensor_of
from scipy import ndimage

import chdt
from chdt.cpu import route

ALWAYS, NEVER = 0, 1 << 62  # of a least size


class Case(NamedTuple):
    """A batch that is done with several values of a threshold."""

    what: str
    call: Callable[[], Any]
    values: dict[str, dict[str, int]]  # by the name of the way: thresholds


def masks_of(*shape: int) -> npt.NDArray[np.float32]:
    """An ellipse, or ellipsoid, in each, of half its length along each axis."""
    axes = np.meshgrid(*(np.linspace(-1, 1, side, dtype=np.float32) for side in shape[1:]), indexing="ij")
    inside = sum(axis**2 for axis in axes) < 0.5
    return np.broadcast_to(np.where(inside, 1, -1).astype(np.float32), shape).copy()


def into(function: Callable[..., Any], *shape: int, dtype: Any = np.int32) -> Callable[[], Any]:
    """A call for such masks that writes into memory which is there."""
    masks = masks_of(*shape)
    out = np.zeros(shape, dtype)
    return lambda: function(masks, spatial_dims=len(shape) - 1, out=out)


def pixel_functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The functions with an answer for each pixel, by name."""
    yield "distance_transform", chdt.distance_transform
    yield "flip_sizes", chdt.flip_sizes


def small() -> Iterator[Case]:
    """Counted by erosions, or scanned."""
    ways = {"counted": {"SMALL_MAX_SIDE_PIXELS": 127}, "scanned": {"SMALL_MAX_SIDE_PIXELS": 0}}
    for name, function in pixel_functions():
        for shape in ((500, 32, 32), (200, 48, 48), (200, 64, 64), (100, 80, 80), (50, 100, 100), (5, 64, 64, 64)):
            yield Case(f"{name}, {shape}", into(function, *shape), ways)


def interleaved() -> Iterator[Case]:
    """Several small images in the lanes of vectors, or one after the other."""
    ways = {"interleaved": {"INTERLEAVED_MAX_WORDS": 1 << 20}, "one by one": {"INTERLEAVED_MAX_WORDS": 0}}
    for shape in ((2000, 16, 16), (800, 32, 32), (500, 48, 32), (400, 48, 48), (200, 64, 64)):
        masks = masks_of(*shape)
        yield Case(f"object_size, {shape}", lambda m=masks: chdt.object_size(m), ways)
        yield Case(f"distance_transform, {shape}", into(chdt.distance_transform, *shape), ways)


def interleaved_flips(shapes: Iterable[tuple[int, ...]]) -> Iterator[Case]:
    """Flips of several small images in the lanes of vectors, or of one after the other."""
    both = {"INTERLEAVED_FLIPS_MAX_SIDE_PIXELS": NEVER}
    ways = {
        "interleaved": {"INTERLEAVED_FLIPS_MAX_PIXELS": NEVER, **both},
        "one by one": {"INTERLEAVED_FLIPS_MAX_PIXELS": 0},
    }
    rng = np.random.default_rng(0)
    for shape in shapes:
        objects = tensor_of(Workload("", blobs, shape[0], shape[1:]), "float32").numpy()
        noise = {density: np.where(rng.random(shape) < density, 1, -1).astype(np.float32) for density in (0.9, 0.99)}
        for what, masks in {"objects": objects, "an ellipse": masks_of(*shape), **noise}.items():
            out = np.zeros(shape, np.int32)
            yield Case(f"flip_sizes, {shape}, {what}", partial(chdt.flip_sizes, masks, out=out), ways)


def few_words() -> Iterator[Case]:
    """How large images are at most."""
    return interleaved_flips((320_000 // side**2, side, side) for side in (12, 16, 20, 24, 32))


def short_images() -> Iterator[Case]:
    """How long they are at most."""
    return interleaved_flips((1000, 200 // side, side) for side in (20, 30, 40, 50, 64))


def whole() -> Iterator[Case]:
    """Scanned in one go, or in bands."""
    ways = {"whole": {"WHOLE_MAX_DISTANCES": NEVER}, "in bands": {"WHOLE_MAX_DISTANCES": ALWAYS}}
    for name, function in pixel_functions():
        for side in (256, 400, 512, 724, 1024, 2048):
            yield Case(f"{name}, 1 x {side}²", into(function, 1, side, side), ways)


def band() -> Iterator[Case]:
    """How much of a large image is held at once."""
    ways = {f"2^{exponent}": {"BAND_DISTANCES": 1 << exponent} for exponent in (12, 14, 15, 16, 17, 18, 20)}
    for name, function in pixel_functions():
        for shape in ((1, 1024, 1024), (1, 4096, 4096), (1, 128, 128, 128)):
            yield Case(f"{name}, {shape}", into(function, *shape), ways)


def streamed() -> Iterator[Case]:
    """Answers past the caches, or through them."""
    ways = {"past": {"STREAMED_MIN_BYTES": ALWAYS}, "through": {"STREAMED_MIN_BYTES": NEVER}}
    for megabytes in (1, 4, 8, 16, 32, 64, 128):
        count = megabytes * (1 << 20) // (48 * 32 * 4)
        yield Case(f"distance_transform, {megabytes} MB of int32", into(chdt.distance_transform, count, 48, 32), ways)
        yield Case(f"flip_sizes, {megabytes} MB of int32", into(chdt.flip_sizes, count, 48, 32), ways)


def cut() -> Iterator[Case]:
    """One image in bands for all threads, or by one thread; this one needs several cores."""
    ways = {
        "cut": {"CUT_MIN_PIXELS": ALWAYS, "ALWAYS_CUT_MIN_PIXELS": ALWAYS},
        "whole": {"CUT_MIN_PIXELS": NEVER, "ALWAYS_CUT_MIN_PIXELS": NEVER},
    }
    for name, function in pixel_functions():
        for side in (724, 1024, 1448, 2048, 2896):
            yield Case(f"{name}, 1 x {side}²", into(function, 1, side, side), ways)


def slabs() -> Iterator[Case]:
    """Sizes of large images slab by slab, or of all of it at once."""
    ways = {"in slabs": {"SLABS_MIN_PIXELS": ALWAYS}, "whole": {"SLABS_MIN_PIXELS": NEVER}}
    for grid in ((512, 512), (1024, 1024), (1448, 1448), (4096, 4096), (100,) * 3, (128,) * 3, (256,) * 3):
        masks = tensor_of(Workload("", blobs, 1, grid), "float32").numpy()
        yield Case(f"object_size, {grid}", partial(chdt.object_size, masks, spatial_dims=len(grid)), ways)


def looks() -> Iterator[Case]:
    """How many slabs of a large image are looked at first."""
    ways = {f"{number}": {"LOOKS": number} for number in (1, 2, 4, 8, 16, 32)}
    for grid, sides in (((4096, 4096), (100, 1000, 3000)), ((256,) * 3, (20, 120, 240))):
        for side in sides:
            masks = np.full(grid, -1, np.float32)
            masks[tuple(slice((length - side) // 3, (length - side) // 3 + side) for length in grid)] = 1
            call = partial(chdt.object_size, masks, spatial_dims=len(grid))
            yield Case(f"object_size, {grid}, an object of {side}", call, ways)


def side_by_side(shapes: Iterable[tuple[int, ...]]) -> Iterator[Case]:
    """Thresholds of 64 images at a time, or of one after the other: of small objects, and of those of any size."""
    rng = np.random.default_rng(0)
    both = {"SIDE_BY_SIDE_MAX_BYTES": NEVER, "SIDE_BY_SIDE_MAX_SIDE_PIXELS": NEVER}
    ways = {
        "side by side": {"SIDE_BY_SIDE_MIN_IMAGES": ALWAYS, **both},
        "one by one": {"SIDE_BY_SIDE_MIN_IMAGES": NEVER},
    }
    for shape in shapes:
        logits = torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))
        sizes = {"6": torch.full(shape[:1], 6), "any": torch.from_numpy(rng.integers(0, max(shape[1:]), shape[0]))}
        for function in (chdt.mask_of_size, chdt.threshold_of_size):
            for name, size in sizes.items():
                call = partial(function, logits, size, spatial_dims=len(shape) - 1)
                yield Case(f"{function.__name__}, {shape}, size {name}", call, ways)


def pooled() -> Iterator[Case]:
    """Large windows looked for in a pooled image first, or in the image itself."""
    ways = {"pooled": {"POOLED_MIN_PIXELS": ALWAYS}, "whole": {"POOLED_MIN_PIXELS": NEVER}}
    rng = np.random.default_rng(0)
    images, volumes = ((140, 96), (80, 128), (20, 256), (1, 2048)), ((20, 35, 50, 36), (4, 64, 64, 64))
    for shape in (*((count, side, side) for count, side in images), *volumes, (100, 4096), (30, 16384)):
        spread = (0, *[2] * (len(shape) - 1))
        logits = torch.from_numpy(ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), spread))
        for part in (4, 2):
            sizes = torch.full(shape[:1], shape[-1] // part)
            call = partial(chdt.mask_of_size, logits, sizes, spatial_dims=len(shape) - 1)
            yield Case(f"mask_of_size, {shape}, size {shape[-1] // part}", call, ways)


def few_images() -> Iterator[Case]:
    """How many images there are at least."""
    return side_by_side((count, side, side) for side in (4, 8, 16, 24) for count in (8, 16, 32, 64))


def small_images() -> Iterator[Case]:
    """How large they are at most."""
    grids = ((16, 16), (24, 24), (28, 28), (32, 32), (48, 48), (10, 10, 10))
    return side_by_side((200_000 // math.prod(grid), *grid) for grid in grids)


def short_lines() -> Iterator[Case]:
    """How long lines are at most."""
    return side_by_side((400_000 // side, side) for side in (64, 128, 256, 512, 1024))


THRESHOLDS: dict[str, tuple[Callable[[], Iterator[Case]], bool]] = {  # and whether it is about several threads
    "SMALL_MAX_SIDE_PIXELS": (small, False),
    "INTERLEAVED_MAX_WORDS": (interleaved, False),
    "INTERLEAVED_FLIPS_MAX_PIXELS": (few_words, False),
    "INTERLEAVED_FLIPS_MAX_SIDE_PIXELS": (short_images, False),
    "WHOLE_MAX_DISTANCES": (whole, False),
    "BAND_DISTANCES": (band, False),
    "STREAMED_MIN_BYTES": (streamed, False),
    "CUT_MIN_PIXELS": (cut, True),
    "SLABS_MIN_PIXELS": (slabs, False),
    "LOOKS": (looks, False),
    "POOLED_MIN_PIXELS": (pooled, False),
    "SIDE_BY_SIDE_MIN_IMAGES": (few_images, False),
    "SIDE_BY_SIDE_MAX_BYTES": (small_images, False),
    "SIDE_BY_SIDE_MAX_SIDE_PIXELS": (short_lines, False),
}


def row_of(case: Case, rounds: int, clock: Callable[[], float]) -> str:
    """Milliseconds by each way, and by the route as it is."""
    ways = {**case.values, "route": {}}
    best = dict.fromkeys(ways, float("inf"))
    for turn in range(rounds + 1):  # the first one compiles, and warms up
        for way, thresholds in ways.items():
            with route.overridden(**thresholds):
                start = clock()
                case.call()
                best[way] = min(best[way], clock() - start) if turn else best[way]
    return f"| {case.what} | " + " | ".join(f"{way} {1e3 * seconds:.3f}" for way, seconds in best.items()) + " |"


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Of thresholds.", show_default="all")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each way.")] = 30,
) -> None:
    """Milliseconds on both sides of each threshold."""
    threads = torch.get_num_threads()
    for name in names or THRESHOLDS:
        if name not in THRESHOLDS:
            raise typer.BadParameter(f"no threshold {name!r}, but {', '.join(THRESHOLDS)}")
        cases, on_threads = THRESHOLDS[name]
        torch.set_num_threads(threads if on_threads else 1)
        typer.echo(f"\n## {name} = {getattr(route, name):,}: {cases.__doc__}\n")
        for case in cases():
            # Of one thread, its own time: other processes matter less.
            typer.echo(row_of(case, rounds, time.perf_counter if on_threads else time.thread_time))


if __name__ == "__main__":
    typer.run(main)
