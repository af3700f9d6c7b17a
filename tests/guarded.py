"""A program: every function, with all of its memory at the edge of pages that must not be touched.

python guarded.py few
python guarded.py many
python guarded.py break   # touches such a page, which ends the process
"""

import ctypes
import importlib
import itertools
import math
import mmap
import pkgutil
import sys

import numpy as np
import torch

import chdt
from chdt.cpu import memory, route
from chdt.cpu.kernels import lanes

GRIDS = [
    *[(1,), (7,), (64,), (65,), (200,), (5000,)],
    *[(1, 1), (3, 5), (16, 16), (48, 32), (63, 64), (64, 64), (64, 65), (65, 63), (9, 129), (130, 9), (300, 20)],
    *[(600, 600), (700, 70)],  # those of more than 2^18 distances are scanned in bands
    *[(2, 3, 4), (20, 21, 22), (9, 10, 70), (70, 9, 10), (90, 50, 36)],
]
FEW_GRIDS = [(65,), (16, 16), (48, 33), (70, 65), (600, 600), (9, 10, 11)]
DTYPES = "?", "i1", "f4", "f8"
FEW_DTYPES = ("f4",)

LIBC, PAGE = ctypes.CDLL(None, use_errno=True), mmap.PAGESIZE


class Guard:
    """Where new arrays lie: just before a protected page, as close as their alignment allows, or just behind one."""

    def __init__(self):
        self.at_end = True
        self.alive = []  # memory must outlive its arrays
        self.bytes = 0

    def array(self, count, dtype, align):
        dtype = np.dtype(dtype)
        size = count * dtype.itemsize
        pages = -(-size // PAGE) + 1
        whole = mmap.mmap(-1, (pages + 2) * PAGE)
        base = ctypes.addressof(ctypes.c_char.from_buffer(whole))
        for address in (base, base + (pages + 1) * PAGE):
            assert LIBC.mprotect(ctypes.c_void_p(address), PAGE, 0) == 0
        self.alive.append(whole)
        start = ((pages + 1) * PAGE - size) // align * align if self.at_end else PAGE
        self.bytes += size
        return np.frombuffer(whole, np.uint8)[start : start + size].view(dtype)

    def aligned(self, count, fill_value, dtype):
        """In place of `lanes.aligned`."""
        array = self.array(count, dtype, lanes.WIDEST)
        array[...] = fill_value
        return array

    def copy(self, array):
        """The same where it is guarded, contiguous."""
        copy = self.array(array.size, array.dtype, array.itemsize).reshape(array.shape)
        copy[...] = array
        return copy


class GuardedNumpy:
    """numpy, whose new arrays are guarded."""

    def __init__(self, guard):
        self.guard = guard

    def __getattr__(self, name):
        return getattr(np, name)

    def empty(self, shape, dtype=float):
        count = math.prod(shape) if isinstance(shape, tuple) else shape
        return self.guard.array(count, dtype, np.dtype(dtype).itemsize).reshape(shape)

    def zeros(self, shape, dtype=float):
        array = self.empty(shape, dtype)
        array[...] = 0
        return array


def batches(grids):
    """Masks and how many of their dims are the grid."""
    rng = np.random.default_rng(0)
    for grid in grids:
        for count in (1, 9) if math.prod(grid) < 10_000 else (1,):
            for density in (0.5, 0.97, 1.0):
                yield rng.random((count, *grid)) <= density, {"spatial_dims": len(grid)}


def lying_across(array, place):
    """The same, put in place with its first axis the last one in memory."""
    return np.moveaxis(place(np.moveaxis(array, 0, -1).copy()), -1, 0)


def calls(masks, dims, dtypes, place):
    """Answers of all functions, with what they are given put in place."""
    for dtype in dtypes if masks.size < 3000 else dtypes[-1:]:
        values = place(masks if dtype == "?" else np.where(masks, 1, -1).astype(dtype))
        yield chdt.object_size(values, **dims)
        for cut in (False, True) if masks.size > 1 << 17 else (False,):
            route.CUT_MIN_PIXELS = route.ALWAYS_CUT_MIN_PIXELS = 0 if cut else 1 << 62
            for function in chdt.distance_transform, chdt.flip_sizes:
                largest = 2 * max(masks.shape[1:])
                for out in ("i4", "i8") if largest > 255 else ("i4", "u1"):
                    yield function(values, **dims, out=place(np.zeros(masks.shape, out)))
    if masks.size < 3000:
        yield chdt.object_size(lying_across(masks, place), **dims)
        yield chdt.distance_transform(masks, **dims, out=lying_across(np.zeros(masks.shape, "i4"), place))
        for function in chdt.object_size, chdt.distance_transform, chdt.flip_sizes:
            yield function(place(masks), **dims, black_border=True)
            yield function(place(masks), **dims, spacing=tuple(range(1, masks.ndim)))
            yield function(place(masks), **dims, spacing=tuple(1 / k for k in range(1, masks.ndim)), black_border=True)
    logits = torch.from_numpy(place(np.where(masks, 1.0, -1.0).astype("f4"))).requires_grad_()
    generator = torch.Generator().manual_seed(0)
    sizes_of_masks = torch.zeros(len(masks))
    chdt.expected_size_loss(logits, sizes_of_masks, n_samples=2, generator=generator, **dims).backward()
    yield logits.grad.numpy()
    spaced = {"spacing": tuple(range(1, masks.ndim)), "black_border": True, **dims}
    chdt.expected_size_loss(logits, sizes_of_masks, n_samples=2, generator=generator, **spaced).backward()
    yield logits.grad.numpy()
    yield chdt.sample_masks(logits.detach(), generator=generator).numpy()
    noisy = torch.from_numpy(place(np.random.default_rng(1).standard_normal(masks.shape).astype("f4")))
    for radius in (0, 1, max(masks.shape[1:]) // 2):
        sizes = torch.full((len(masks),), 2 * radius + 2)
        yield chdt.threshold_of_size(noisy, sizes, **dims).numpy()
    if masks[0].size < 1000:  # then many go side by side, here 64 and 6
        many = torch.from_numpy(place(np.resize(noisy.numpy(), (70, *masks.shape[1:]))))
        sizes = torch.arange(70) % (2 * max(masks.shape[1:]) + 3)
        for black_border in (False, True):
            yield chdt.threshold_of_size(many, sizes, black_border=black_border, **dims).numpy()
            yield chdt.mask_of_size(many, sizes, black_border=black_border, **dims).numpy()


def all_answers(grids, dtypes, place):
    """By batch."""
    return [[np.array(answer) for answer in calls(*batch, dtypes, place)] for batch in batches(grids)]


def guard_modules(guard):
    """Have all modules of the package take new memory from the guard; give what they keep from call to call."""
    kept = []
    for module in pkgutil.walk_packages(chdt.__path__, "chdt."):
        if module.name.endswith("__main__") or module.name.startswith("chdt.gpu."):  # which takes torch's memory
            continue
        names = vars(importlib.import_module(module.name))
        if "aligned" in names:
            names["aligned"] = guard.aligned
        if "np" in names:
            names["np"] = GuardedNumpy(guard)
        kept += [value for value in names.values() if hasattr(value, "cache_clear")]
    return kept


def main(amount):
    """Compare the answers with guards to those without."""
    torch.set_num_threads(3)
    guard = Guard()
    if amount == "break":
        array = guard.array(64, np.uint8, 64)
        ctypes.string_at(array.ctypes.data + 64, 1)
    what = (FEW_GRIDS, FEW_DTYPES) if amount == "few" else (GRIDS, DTYPES)
    route.SLABS_MIN_PIXELS = 1 << 16  # so that some images are measured slab by slab
    expected = all_answers(*what, lambda array: array)  # which compiles all that is needed
    caches = guard_modules(guard)
    streamed = route.STREAMED_MIN_BYTES
    for guard.at_end, route.STREAMED_MIN_BYTES in (True, streamed), (True, 1), (False, 1):
        memory._shelf.memory.clear()
        memory._spare.clear()
        for cache in caches:
            cache.cache_clear()
        guard.alive.clear()  # a process may have no more than some ten thousand such pages
        got = all_answers(*what, guard.copy)
        for answer, known in zip(itertools.chain(*got), itertools.chain(*expected), strict=True):
            np.testing.assert_array_equal(answer, known)
    assert guard.bytes > 1_000_000
    print("ok", sum(map(len, expected)))


if __name__ == "__main__":
    main(sys.argv[1])
