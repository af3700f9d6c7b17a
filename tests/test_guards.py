"""No kernel reads or writes outside of its memory: every buffer ends, or begins, at a page that must not be touched.

Whatever touches such a page ends the process, so all of it runs in one of its own.
"""

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="protects pages as Linux does")

CODE = '''
import ctypes, itertools, math, mmap, sys
import numpy as np
import chdt, torch
import importlib, pkgutil
import chdt.cpu
from chdt.cpu import distances, flips, memory, sizes
from chdt.cpu.kernels import lanes, writing

torch.set_num_threads(3)
libc, page = ctypes.CDLL(None, use_errno=True), mmap.PAGESIZE
alive = []  # memory must outlive its arrays
guarded_bytes = 0


def guarded(count, dtype, at_end, align):
    """An array whose last byte, or as close as the alignment allows, lies before a protected page; or its first."""
    global guarded_bytes
    dtype = np.dtype(dtype)
    size = count * dtype.itemsize
    pages = -(-size // page) + 1
    memory = mmap.mmap(-1, (pages + 2) * page)
    base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for address in (base, base + (pages + 1) * page):
        assert libc.mprotect(ctypes.c_void_p(address), page, 0) == 0
    alive.append(memory)
    start = ((pages + 1) * page - size) // align * align if at_end else page
    guarded_bytes += size
    return np.frombuffer(memory, np.uint8)[start : start + size].view(dtype)


AT_END = True


def aligned(count, fill_value, dtype):
    array = guarded(count, dtype, AT_END, lanes.WIDEST)
    array[...] = fill_value
    return array


class GuardedNumpy:
    """numpy, whose new arrays are guarded."""

    def __getattr__(self, name):
        return getattr(np, name)

    def empty(self, shape, dtype=float):
        count = math.prod(shape) if isinstance(shape, tuple) else shape
        return guarded(count, dtype, AT_END, np.dtype(dtype).itemsize).reshape(shape)

    def zeros(self, shape, dtype=float):
        array = self.empty(shape, dtype)
        array[...] = 0
        return array


def copied(array):
    """The same where it is guarded, contiguous."""
    copy = guarded(array.size, array.dtype, AT_END, array.itemsize).reshape(array.shape)
    copy[...] = array
    return copy


GRIDS = [(1,), (7,), (64,), (65,), (200,), (5000,), (1, 1), (3, 5), (16, 16), (48, 32), (63, 64), (64, 64), (64, 65),
         (65, 63), (9, 129), (130, 9), (300, 20), (600, 600), (700, 70), (2, 3, 4), (20, 21, 22), (9, 10, 70),
         (70, 9, 10), (90, 50, 36)]  # those of more than 2^18 distances are scanned in bands
DTYPES = "?", "i1", "f4", "f8"
if "few" in sys.argv:
    GRIDS, DTYPES = [(65,), (16, 16), (48, 33), (70, 65), (600, 600), (9, 10, 11)], ("f4",)
rng = np.random.default_rng(0)


def batches():
    for grid in GRIDS:
        for count in (1, 9) if math.prod(grid) < 10_000 else (1,):
            for density in (0.5, 0.97, 1.0):
                yield len(grid), rng.random((count, *grid)) <= density


def calls(masks, spatial_dims, place):
    for dtype in DTYPES if masks.size < 3000 else DTYPES[-1:]:
        values = place(masks if dtype == "?" else np.where(masks, 1, -1).astype(dtype))
        yield chdt.object_size(values, spatial_dims=spatial_dims)
        for cut in (False, True) if masks.size > 1 << 17 else (False,):
            distances.images_alone = flips.images_alone = lambda images, _, cut=cut: 0 if cut else images
            for function in chdt.distance_transform, chdt.flip_sizes:
                largest = 2 * max(masks.shape[1:])
                for out in ("i4", "i8") if largest > 255 else ("i4", "u1"):
                    yield function(values, spatial_dims=spatial_dims, out=place(np.zeros(masks.shape, out)))
    if masks.size < 3000:
        options = {"spatial_dims": spatial_dims, "black_border": True}
        for function in chdt.object_size, chdt.distance_transform, chdt.flip_sizes:
            yield function(place(masks), **options)
            yield function(place(masks), spatial_dims=spatial_dims, spacing=tuple(range(1, spatial_dims + 1)))
    logits = torch.from_numpy(place(np.where(masks, 1.0, -1.0).astype("f4"))).requires_grad_()
    generator = torch.Generator().manual_seed(0)
    sizes = torch.zeros(len(masks))
    chdt.expected_size_loss(logits, sizes, n_samples=2, generator=generator, spatial_dims=spatial_dims).backward()
    yield logits.grad.numpy()
    yield chdt.sample_masks(logits.detach(), generator=generator).numpy()


def all_answers(place):
    return [[np.array(a) for a in calls(m, s, place)] for s, m in batches()]


sizes.BANDS_MIN_PIXELS = 1 << 18  # so that some images are measured in bands
expected = all_answers(lambda array: array)  # which compiles all that is needed
modules = [importlib.import_module(m.name) for m in pkgutil.walk_packages(chdt.__path__, "chdt.")]
for module in modules:
    if hasattr(module, "aligned"):
        module.aligned = aligned
    if hasattr(module, "np"):
        module.np = GuardedNumpy()
caches = [f for module in modules for f in vars(module).values() if hasattr(f, "cache_clear")]
for AT_END, writing.STREAMED_BYTES in (True, writing.STREAMED_BYTES), (True, 1), (False, 1):
    rng = np.random.default_rng(0)
    memory._shelf.memory.clear()
    memory._spare.clear()
    for cached in caches:
        cached.cache_clear()
    alive.clear()  # a process may have no more than some ten thousand such pages
    got = all_answers(copied)
    for each, of_each in zip(expected, got, strict=True):
        for a, b in zip(each, of_each, strict=True):
            np.testing.assert_array_equal(a, b)
assert guarded_bytes > 1_000_000
if "break" in sys.argv:  # to see that a guard ends the process
    lanes_array = guarded(64, np.uint8, True, 64)
    ctypes.string_at(lanes_array.ctypes.data + 64, 1)
print("ok", sum(map(len, expected)))
'''


@pytest.mark.parametrize("amount", ["few", pytest.param("many", marks=pytest.mark.long)])
def test_guarded_buffers(python, amount):
    assert python(CODE, amount, timeout=3000).startswith("ok")


def test_a_guard_ends_the_process(python):
    code = CODE[: CODE.index("AT_END = True")] + CODE[CODE.index('if "break"') :]
    with pytest.raises(AssertionError, match="exit status -11"):
        python(code, "break")
