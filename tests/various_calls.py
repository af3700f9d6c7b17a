"""Calls of all functions, with many shapes, dtypes and layouts: whether any of them compiles something."""

import math

import numpy as np
import torch

from chdt import (
    distance_transform,
    expected_size_loss,
    flip_sizes,
    intersection_over_union,
    mask_of_size,
    object_size,
    sample_masks,
    sampled_gradient,
    threshold_of_size,
)
from chdt.cpu.compiled import functions_here

LINES = [(1,), (7,), (65,), (200,), (5000,), (70_000,)]
IMAGES = [(1, 1), (20, 12), (48, 32), (64, 65), (9, 129), (100, 100), (190, 70), (700, 70), (2200, 2000), (70_000, 70)]
VOLUMES = [(2, 3, 4), (20, 21, 22), (70, 9, 10), (100, 9, 10), (165, 165, 165), (200, 200, 110), (300, 130, 120)]
NARROW = [(70_000, 62), (280, 270, 60)]  # large, with rows of a word
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
FLOATS = ("float16", "float32", "float64")


def _transposed(masks):
    """The same, whose first axis is the last one in memory."""
    return np.moveaxis(np.moveaxis(masks, 0, -1).copy(), -1, 0)


def calls(grid, images):
    """What is called, and the call."""
    dims = {"spatial_dims": len(grid)}
    foreground = np.random.default_rng(0).random((images, *grid)) < 0.95
    is_large = foreground.size > 100_000
    for dtype in ("bool", "float32") if is_large else ("bool", *INTEGERS[::2], *FLOATS):
        masks = foreground if dtype == "bool" else np.where(foreground, 1, -1).astype(dtype)
        fixed = masks.copy()
        fixed.flags.writeable = False
        for layout, given in (
            ("", masks),
            ("fixed", fixed),
            ("reversed", masks[..., ::-1]),
            ("transposed", _transposed(masks)),
        ):
            for function in (object_size, distance_transform, flip_sizes):
                yield (function.__name__, dtype, layout), lambda f=function, m=given: f(m, **dims)
                if not is_large:
                    tensor = torch.from_numpy(masks)
                    yield (function.__name__, dtype, "tensor"), lambda f=function, m=tensor: f(m, **dims)
    for function, largest in ((distance_transform, max(grid)), (flip_sizes, 2 * max(grid))):
        for dtype in INTEGERS + FLOATS:
            if largest <= (np.iinfo(dtype).max if dtype in INTEGERS else 1 << np.finfo(dtype).nmant):
                out = np.empty(foreground.shape, dtype)
                yield (function.__name__, "out", dtype), lambda f=function, o=out: f(foreground, out=o, **dims)
                other = _transposed(out)
                yield (
                    (function.__name__, "strided out", dtype),
                    lambda f=function, o=other: f(foreground, out=o, **dims),
                )
    if is_large:
        return
    for function in (object_size, distance_transform, flip_sizes):
        for spacing in (None, 2.5, tuple(range(1, 1 + len(grid)))):
            for border in (False, True):
                options = {"spacing": spacing, "black_border": border, **dims}
                yield (function.__name__, str(options)), lambda f=function, o=options: f(foreground, **o)
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        logits, sizes = torch.zeros((images, *grid), dtype=dtype), torch.zeros(images)
        samples = torch.ones((images, *grid), dtype=dtype)
        yield ("loss", dtype), lambda a=logits, s=sizes: expected_size_loss(a, s, n_samples=2, **dims)
        yield ("weighted loss", dtype), lambda a=logits, s=sizes: expected_size_loss(a, s, weight=s, **dims)
        for border in (False, True):
            options = {"spacing": tuple(range(1, 1 + len(grid))), "black_border": border, **dims}
            yield ("spaced loss", dtype), lambda a=logits, s=sizes, o=options: expected_size_loss(a, s, **o)
            yield ("spaced gradient", dtype), lambda y=samples, s=sizes, o=options: sampled_gradient(y, s, **o)
        yield ("overlap", dtype), lambda y=samples: intersection_over_union(y, y, **dims)
        for function in (threshold_of_size, mask_of_size):
            yield (function.__name__, dtype), lambda f=function, a=logits, s=sizes: f(a, s, **dims)
            if math.prod(grid) < 1000:
                many, each = logits[:1].expand(40, *grid), torch.zeros(40)
                yield (function.__name__, "many", dtype), lambda f=function, a=many, s=each: f(a, s, **dims)
        yield ("sample", dtype), lambda a=logits: sample_masks(a)
        for known in (sizes, sizes.double(), sizes.long()):
            yield ("gradient", dtype, known.dtype), lambda y=samples, s=known: sampled_gradient(y, s, **dims)


def every_grid():
    """What is called, and the call, on each grid."""
    torch.set_num_threads(2)
    for grid in LINES + IMAGES + VOLUMES + NARROW:
        for images in (1, 9) if math.prod(grid) < 100_000 else (1,):
            for name, call in calls(grid, images):
                yield (grid, images, name), call


def what_compiles():
    """The calls that found something not compiled."""
    found, before = [], functions_here()[1]
    for name, call in every_grid():
        call()
        after = functions_here()[1]
        if after > before:
            found.append(name)
            before = after
    return found


def what_is_new(known, recorded):
    """The kernels with types that are not known, each with the first call that ``recorded`` them."""
    found = {}
    for name, call in every_grid():
        call()
        for types in recorded - known - found.keys():
            found[types] = name
    return found
