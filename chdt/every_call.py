"""Calls that between them compile all kernels, each for every set of types that it may meet."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch

from chdt.cpu.route import SIDE_BY_SIDE_MIN_IMAGES
from chdt.distance import distance_transform
from chdt.flips import flip_sizes
from chdt.gradient import sampled_gradient
from chdt.loss import expected_size_loss
from chdt.metrics import intersection_over_union
from chdt.sampling import sample_masks
from chdt.size import object_size
from chdt.threshold import mask_of_size, threshold_of_size

# One grid for each way that a batch may be done, and for each width of numbers on that way. The wide ones are lines or
# narrow, as it is the longest side that makes numbers wide. Distances of (192, 192, 120) are wider on the way than in
# uint8, which holds them, too. That of uint16 is left out: it takes longest sides of 65,472 to 65,535 pixels, or half
# of that for flips.
SMALL = (9, 8)
TOGETHER = 8  # of SMALL, whose flips are found at once
TINY = (3, 2)
LINES = ((70,), (100,), (200,), (66_000,))
SCANNED = ((90, 20), (100, 20), (200, 20), (66_000, 2))
# Rows of up to 64 pixels are not done slab by slab.
IN_BANDS = ((170, 170, 170), (192, 192, 120), (2100, 2100), (66_000, 65), (270, 270, 60), (66_000, 64))

MASKS = ("bool", "int8", "int16", "float32", "float64")  # one for each size of a value, and bool, as True is any byte
OUTS = ("uint8", "int16", "int32", "int64")


class Call(NamedTuple):
    """A call and what to print of it."""

    name: str
    run: Callable[[], Any]

    def __str__(self) -> str:
        return self.name


SPACED = ((9, 7), (60, 50), (90, 20), (66_000, 2))  # small and crossed, each with the widths that ranks and codes take
SPACED_IN_PARTS = ((170, 170, 170), (66_000, 65), (270, 270, 60), (66_000, 64))


def masks_of(grid: tuple[int, ...], dtype: str = "bool", images: int = 1) -> Any:
    """All foreground but for one corner."""
    masks = np.ones((images, *grid), dtype)
    masks.reshape(images, -1)[:, 0] = 0 if dtype == "bool" else -1
    return masks


def every_call() -> list[Call]:
    """The calls, the usual ones first."""
    return [
        *_calls_on_masks(),
        *_calls_with_strides(),
        *_calls_with_options(),
        *_calls_with_out(),
        *_calls_on_tensors(),
    ]


def _calls_on_masks() -> Iterator[Call]:
    """How masks are read: by the size of a value, whether they may be written to, and whether they are contiguous."""
    for dtype in MASKS:
        for images in (1, 64):
            masks = masks_of(SMALL, dtype, images)
            fixed = masks.copy()
            fixed.flags.writeable = False
            for layout, given in (("", masks), (", read-only", fixed), (", with strides", masks[..., ::-1])):
                for function in (object_size, distance_transform):
                    yield Call(f"{function.__name__}: {images} masks of {dtype}{layout}", partial(function, given))


def _calls_with_strides() -> Iterator[Call]:
    """Masks and answers whose rows are not lines of memory: answers by the size of a value."""
    masks = masks_of(SMALL).swapaxes(1, 2)
    yield Call("object_size: masks with rows and columns exchanged", partial(object_size, masks))
    for out in OUTS:
        into = np.empty(masks.shape[::-1], out).T
        yield Call(f"distance_transform: into {out} with strides", partial(distance_transform, masks, out=into))


def _calls_with_options() -> Iterator[Call]:
    for function in (object_size, distance_transform, flip_sizes):
        for options in ({"black_border": True}, {"spacing": 2.5}, {"spacing": (2, 1)}):
            name = ", ".join(f"{name}={value}" for name, value in options.items())
            yield Call(f"{function.__name__}: {name}", partial(function, masks_of(SMALL), **options))
    for enlarged in SCANNED:  # by the border
        for out in OUTS:
            if max(enlarged) + 2 <= np.iinfo(out).max:
                name = f"distance_transform: {_shown(enlarged)}, black_border=True, into {out}"
                yield Call(name, partial(_of_grid, distance_transform, enlarged, out, black_border=True))
    for grid in IN_BANDS:
        yield Call(f"object_size: {_shown(grid)}", partial(_of_grid, object_size, grid))
    for function in (object_size, distance_transform, flip_sizes):
        for grid in (*SPACED, *SPACED_IN_PARTS):
            yield Call(f"{function.__name__}: {_shown(grid)}, with a spacing", partial(_spaced, function, grid))


def _spaced(function: Callable[..., Any], grid: tuple[int, ...]) -> None:
    function(masks_of(grid), spatial_dims=len(grid), spacing=_steps(grid))


def _steps(grid: tuple[int, ...]) -> tuple[float, ...]:
    return tuple(1.5**axis for axis in range(len(grid)))


def _calls_with_out() -> Iterator[Call]:
    """How answers are written: by the size of a value, on each way to them."""
    for grid in (SMALL, TINY, *LINES, *SCANNED, *IN_BANDS):
        for function, largest in ((distance_transform, max(grid)), (flip_sizes, 2 * max(grid))):
            for out in OUTS:
                if largest <= np.iinfo(out).max:
                    name = f"{function.__name__}: {_shown(grid)} into {out}"
                    yield Call(name, partial(_of_grid, function, grid, out))
    for out in OUTS:
        yield Call(f"flip_sizes: {TOGETHER} masks into {out}", partial(_of_grid, flip_sizes, SMALL, out, TOGETHER))


def _of_grid(
    function: Callable[..., Any], grid: tuple[int, ...], out: str | None = None, images: int = 1, **options: Any
) -> None:
    """Made on the spot, as all of them together would take hundreds of megabytes."""
    masks = masks_of(grid, images=images)
    into = {} if out is None else {"out": np.empty(masks.shape, out)}
    function(masks, spatial_dims=len(grid), **into, **options)


def _calls_on_tensors() -> Iterator[Call]:
    both = (torch.ones(SMALL, dtype=torch.bool),) * 2
    yield Call("intersection_over_union", partial(intersection_over_union, *both))
    for dtype in (torch.float16, torch.float32, torch.float64):
        yield Call(f"sample_masks: {dtype}", partial(sample_masks, torch.zeros(SMALL, dtype=dtype)))
    for dtype in (torch.float16, torch.float32, torch.float64):
        values = torch.zeros(SMALL, dtype=dtype)
        for cut in (threshold_of_size, mask_of_size):
            yield Call(f"{cut.__name__}: {dtype}", partial(cut, values, torch.zeros(())))
            many = values.expand(SIDE_BY_SIDE_MIN_IMAGES, *SMALL)
            yield Call(f"{cut.__name__}: many images of {dtype}", partial(cut, many, torch.zeros(len(many))))
    for dtype in (torch.float32, torch.float64):
        for grid in (SMALL, TINY, *LINES, *SCANNED):
            for function in (expected_size_loss, sampled_gradient):
                values, size = torch.ones(grid, dtype=dtype), torch.zeros((), dtype=dtype)
                name = f"{function.__name__}: {_shown(grid)} of {dtype}"
                yield Call(name, partial(function, values, size, spatial_dims=len(grid)))
        for function in (expected_size_loss, sampled_gradient):
            many, sizes = torch.ones((TOGETHER, *SMALL), dtype=dtype), torch.zeros(TOGETHER, dtype=dtype)
            yield Call(f"{function.__name__}: {TOGETHER} images of {dtype}", partial(function, many, sizes))
        for grid in SPACED:
            for function in (expected_size_loss, sampled_gradient):
                values, size = torch.ones(grid, dtype=dtype), torch.zeros((), dtype=dtype)
                name = f"{function.__name__}: {_shown(grid)} of {dtype}, with a spacing"
                yield Call(name, partial(function, values, size, spacing=_steps(grid)))


def _shown(grid: tuple[int, ...]) -> str:
    return " x ".join(map(str, grid))
