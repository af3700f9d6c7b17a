"""How a batch is done: decided here, once a call, and followed by everybody else.

Thresholds have their unit in their name. Where a number decides, it was measured on two cores with AVX-512 (2 MB of
second nearest cache a core), one thread, unless said otherwise. ``python benchmarks/thresholds.py NAME`` measures both
sides of one again; `overridden` sets them for that, and for tests. The milliseconds below are what that program
printed: of the calling thread, float32 masks, int32 answers into memory that is there. Three more belong to `threads`,
which shares all batches out: PIXELS_PER_THREAD, MOST_PIXELS and PIECES_PER_THREAD. Numbers that leave the way through a
kernel as it is stand with the kernel.
"""

import contextlib
import functools
import math
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from chdt.checks.shape import AllSteps, Shape
from chdt.cpu import threads
from chdt.cpu.kernels.lanes import BLOCK, VECTOR_WORDS, Numbers
from chdt.cpu.kernels.packing import WORD_BITS
from chdt.cpu.kernels.rows import RowLayout

SMALL_MAX_SIDE_PIXELS = 64
"""Longest side of a grid whose distances are counted by erosions; those of larger ones are scanned.

distance_transform, ms counted / scanned: 200 x 48²: 0.41 / 0.47, 200 x 64²: 0.77 / 0.88, 100 x 80²: 0.76 / 0.77, 50 x
100²: 0.49 / 0.47, 5 x 64³: 2.0 / 3.0. flip_sizes: 1.2 / 1.9 for 200 x 64², 0.81 / 0.86 for 50 x 100². At most 127, as a
distance that is counted has seven digits.
"""

INTERLEAVED_MAX_WORDS = 32
"""Words of an image that shares bit planes with seven others: a shift of short planes is mostly their ends.

object_size, ms interleaved / one by one: 2000 x 16²: 0.18 / 0.25, 800 x 32²: 0.22 / 0.29, 500 x 48x32: 0.20 / 0.22,
400 x 48²: 0.29 / 0.30, 200 x 64²: 0.24 / 0.22.
"""

INTERLEAVED_FLIPS_MAX_PIXELS = 400
"""Pixels of an image that shares bit planes with seven others while its flips are found.

flip_sizes, ms interleaved / one by one, without AVX-512, of objects, and of noise of density 0.99: 1250 x 16²: 0.91 /
1.58, 0.93 / 1.90, 800 x 20²: 0.63 / 0.81, 1.22 / 1.56, 555 x 24²: 1.21 / 1.34, 1.34 / 1.41, 312 x 32²: 1.19 / 0.95.
"""

INTERLEAVED_FLIPS_MAX_SIDE_PIXELS = 40
"""Longest side of such an image: with hardly any background, windows grow up to it, as long as any of the eight does.

ms as above: 1000 x 10x20: 0.39 / 0.75, 1.40 / 2.34, 5x40: 0.56 / 0.87, 2.46 / 2.24, 4x50: 0.74 / 0.68, 4.51 / 3.16.
"""

WHOLE_MAX_DISTANCES = 1 << 18
"""Distances of an image that is scanned in one go, walls between rows included.

distance_transform, ms whole / in bands: 512²: 0.22 / 0.32, 724²: 0.54 / 0.60, 1024²: 1.1 / 1.3, 2048²: 8.0 / 6.2.
flip_sizes: 512²: 0.43 / 0.42, 1024²: 2.1 / 1.7, 2048²: 12.6 / 9.0.
"""

BAND_DISTANCES = 1 << 16
"""Distances that are held at once of a larger one: they stay in the second nearest cache.

flip_sizes of 1024², ms by 2^14, 2^16, 2^18, 2^20 of them: 1.7, 1.6, 2.2, 2.9; of 4096²: 32.6, 32.1, 32.3, 34.9; of
128³: 5.2, 5.3, 5.4, 6.2.
"""

STREAMED_MIN_BYTES = 1 << 25
"""Bytes of answers that are written past the caches, which would not hold them anyway.

distance_transform of 48 x 32, ms past / through the caches: 4 MB of int32: 1.1 / 1.0, 8 MB: 2.1 / 2.0, 16 MB: 3.9 /
4.5, 32 MB: 7.3 / 10.2, 64 MB: 11.5 / 18.5. From 16 MB on it would pay off, too, but who reads such answers next finds
some of them in the caches.
"""

CUT_MIN_PIXELS = 1 << 21
"""Pixels of an image that is cut into bands for all threads, where a batch has fewer left than there are threads.

Two shares of `threads.PIXELS_PER_THREAD`: a smaller image is done before a second thread has begun. Measuring it takes
idle cores, and a thread for each. Two cores gain nothing yet, as the edges of bands are found first, by one more scan;
it is for four and more. distance_transform, ms cut / whole: 1024²: 0.87 / 0.70, 1448²: 1.7 / 1.4, 2048²: 2.5 / 2.5.
flip_sizes: 1024²: 1.4 / 0.96, 2048²: 6.7 / 5.0, 2896²: 12.6 / 11.5.
"""

ALWAYS_CUT_MIN_PIXELS = (1 << 22) + 1
"""Pixels of an image that is cut in any case: it takes too long to be handed out at once, as Ctrl-C has to wait.

More than `threads.MOST_PIXELS`, for the reason given there: no time decides it, so there is none to measure.
"""

SLABS_MIN_PIXELS = 1 << 21
"""Pixels of an image that is measured slab by slab, if its rows are longer than a word; others are eroded whole.

object_size, ms in slabs / whole: 1024²: 0.34 / 0.26, 1448²: 0.57 / 0.55, 4096²: 3.3 / 6.1, 100³: 0.35 / 0.34, 128³:
0.53 / 0.57, 256³: 4.4 / 7.7; and several threads share slabs.
"""

LOOKS = 8
"""Slabs that are looked at before all others, for a first bound.

object_size, ms by 1, 2, 4, 8, 16 of them: of 4096² with an object of 1000: 4.0, 4.0, 3.8, 3.9, 3.9, of 3000: 4.2, 5.1,
4.5, 4.0, 4.1; of 256³ with one of 120: 3.9, 4.0, 3.9, 3.9, 3.9, of 240: 4.0, 4.8, 4.3, 4.3, 4.3.
"""

SIDE_BY_SIDE_MIN_IMAGES = 32
"""Images whose thresholds are found 64 at a time, one in each lane; of fewer, most lanes would be empty.

mask_of_size of objects of any size, ms side by side / one by one: 16 x 8²: 0.065 / 0.072, 32 x 8²: 0.062 / 0.084, 64 x
8²: 0.067 / 0.108, 8 x 16²: 0.074 / 0.069, 32 x 16²: 0.092 / 0.097, 16 x 24²: 0.141 / 0.096, 32 x 24²: 0.146 / 0.115, 64
x 24²: 0.154 / 0.187.
"""

SIDE_BY_SIDE_MAX_BYTES = 4000
"""Bytes of such an image: what is made of 64 of them has to stay in the second nearest cache.

mask_of_size of objects of any size, ms side by side / one by one: 781 x 16²: 0.57 / 1.15, 347 x 24²: 0.67 / 0.80, 255 x
28²: 0.64 / 0.66, 200 x 10³: 0.67 / 0.79, 195 x 32²: 0.84 / 0.60, 86 x 48²: 1.05 / 0.52; of size 6: 0.44 / 1.09, 0.41 /
0.79, 0.42 / 0.68, 0.53 / 0.83, 0.45 / 0.60, 0.51 / 0.48.
"""

SIDE_BY_SIDE_MAX_SIDE_PIXELS = 512
"""Longest side of such an image: in a line, windows of hundreds of pixels are found faster than they grow.

ms side by side / one by one: mask_of_size of objects of any size, 1562 x 256: 1.31 / 2.55, 781 x 512: 1.54 / 1.78, 390
x 1024: 1.81 / 1.45; threshold_of_size: 0.66 / 0.90, 0.82 / 0.68, 0.91 / 0.56, of size 6: 0.47 / 1.04, 0.54 / 0.76, 0.57
/ 0.59.
"""

POOLED_MIN_PIXELS = 1 << 13
"""Pixels of an image that is pooled to look for large windows: in a smaller one that takes as long as looking at once.

mask_of_size, ms pooled / whole, half the side: 140 x 96²: 2.59 / 2.35, 80 x 128²: 1.93 / 1.88, 20 x 256²: 1.06 / 1.82,
1 x 2048²: 2.8 / 13.2, 20 x 35x50x36: 2.2 / 2.5, 4 x 64³: 1.2 / 1.4, 100 x 4096: 1.51 / 1.14, 30 x 16384: 0.74 / 1.43.
"""


@contextlib.contextmanager
def overridden(**thresholds: int) -> Iterator[None]:
    """Other thresholds within a block, in all threads: for tests, and to measure them."""
    owners = {name: threads if hasattr(threads, name) else sys.modules[__name__] for name in thresholds}
    before = {name: getattr(owner, name) for name, owner in owners.items()}  # raises if there is no such threshold
    try:
        for name, owner in owners.items():
            setattr(owner, name, thresholds[name])
        row_layout.cache_clear()  # it follows from thresholds, as the next one does
        line_or_tiny.cache_clear()
        yield
    finally:
        for name, owner in owners.items():
            setattr(owner, name, before[name])
        row_layout.cache_clear()
        line_or_tiny.cache_clear()


def is_small(shape: Shape) -> bool:
    """Whether distances are counted by erosions, not scanned."""
    return shape.cap <= SMALL_MAX_SIDE_PIXELS


@functools.lru_cache(maxsize=64)
def line_or_tiny(shape: Shape) -> bool | None:
    """True of lines, and of grids whose pixels are the bits of a word: their flips are found in ways of their own.

    None of others, as kernels are then compiled without these ways. With a spacing there are none.
    """
    is_tiny = is_small(shape) and shape.pixels <= WORD_BITS
    return True if is_tiny or shape.without_single_pixels.height == 1 else None


def has_interleaved_flips(images: int, shape: Shape) -> bool | None:
    """True of images of a few words, eight of which share bit planes while their flips are found; None of others.

    With a spacing there are none. Volumes have no such way.
    """
    depth, height, _ = shape.without_single_pixels
    few_words = WORD_BITS < shape.pixels <= INTERLEAVED_FLIPS_MAX_PIXELS
    is_image = is_small(shape) and depth == 1 and height > 1
    is_short = shape.cap <= INTERLEAVED_FLIPS_MAX_SIDE_PIXELS
    return True if images >= VECTOR_WORDS and few_words and is_image and is_short else None


def has_border_in_planes(shape: Shape, spatial_dims: int) -> bool:
    """Whether a black border is added where objects are eroded whole, in bit planes; else the grid is enlarged by it.

    Planes know no axes of one pixel, and such a one has a border, too.
    """
    return min(shape[-spatial_dims:]) > 1 and not in_slabs(shape)


def counts_in_border(shape: Shape, spatial_dims: int, spacing: AllSteps | None) -> bool:
    """Whether distances to a black border, or anything nearer, are counted in such planes."""
    return spacing is None and is_small(shape) and has_border_in_planes(shape, spatial_dims)


def in_slabs(shape: Shape) -> bool:
    """Whether images are measured slab by slab, not eroded whole."""
    return shape.pixels >= SLABS_MIN_PIXELS and shape.without_single_pixels.width > WORD_BITS


def interleaved_images(images: int, pixels: int, is_one_for_all: bool = True) -> int:
    """How many images share bit planes: several where each has few words, one after the other else.

    And where they do not have one list of ranks for all, as erosions are those of a list.
    """
    are_small = pixels <= INTERLEAVED_MAX_WORDS * WORD_BITS
    return VECTOR_WORDS if images >= VECTOR_WORDS and are_small and is_one_for_all else 1


def are_side_by_side(images: int, shape: Shape, pixel_bytes: int) -> bool:
    """Whether thresholds are found for 64 images at a time."""
    are_small = shape.cap <= SIDE_BY_SIDE_MAX_SIDE_PIXELS and shape.pixels * pixel_bytes <= SIDE_BY_SIDE_MAX_BYTES
    return are_small and images >= SIDE_BY_SIDE_MIN_IMAGES


def is_pooled(shape: Shape) -> bool:
    """Whether large windows are looked for in pooled images first."""
    return shape.pixels >= POOLED_MIN_PIXELS


def is_streamed(answers: Numbers) -> bool:
    """Whether all of these answers are written past the caches."""
    return answers.nbytes >= STREAMED_MIN_BYTES and answers.ctypes.data % answers.itemsize == 0


@functools.lru_cache(maxsize=64)
def row_layout(shape: Shape) -> RowLayout:
    """How the rows of a grid lie while they are scanned, and in how many bands."""
    depth, height, width = shape.without_single_pixels
    slabs, rows = (height, 1) if depth == 1 else (depth, height)
    blocks = -(-width // BLOCK)
    pitch = (blocks + 1) * BLOCK
    slab = rows * pitch
    band = slabs
    if slabs * slab > WHOLE_MAX_DISTANCES:  # isqrt: neither many bands, whose edges take time, nor large ones
        band = min(slabs, max(BAND_DISTANCES // slab, math.isqrt(slabs)))
    return RowLayout(slabs, rows, width, max(1, BLOCK // width), blocks, pitch, band, -(-slabs // band), shape.cap)


@functools.lru_cache(maxsize=64)
def lanes_for(largest: int) -> type[np.unsignedinteger[Any]]:
    """The narrowest lanes that hold numbers up to ``largest`` and a block's width more."""
    return next(t for t in (np.uint8, np.uint16, np.uint32) if largest + BLOCK <= np.iinfo(t).max)


def images_alone(images: int, layout: RowLayout) -> int:
    """How many images of a batch are left to one thread each: then no thread waits for another one.

    The others are cut into bands for all threads.
    """
    pixels = layout.slabs * layout.rows * layout.width
    if layout.bands == 1 or pixels < CUT_MIN_PIXELS:
        return images
    return 0 if pixels >= ALWAYS_CUT_MIN_PIXELS else images - images % threads.thread_count()


class PixelRoute(NamedTuple):
    """How distances, or sizes after flips, of a batch are done."""

    small: bool  # counted by erosions, not scanned
    layout: RowLayout
    lanes: Any  # dtype of what is scanned and gathered
    alone: int  # images that are left to one thread each; the others are cut into bands for all threads
    past_caches: bool  # how answers are written


def pixel_route(images: int, shape: Shape, largest: int, answers: Numbers) -> PixelRoute:
    """The route of a batch whose answers are at most ``largest``."""
    small, layout = is_small(shape), row_layout(shape)
    alone = images if small else images_alone(images, layout)
    return PixelRoute(small, layout, lanes_for(largest), alone, is_streamed(answers))


def looks_of(slabs: int) -> int:
    """How many slabs are looked at before all others."""
    return min(LOOKS, slabs)


class SizeRoute(NamedTuple):
    """How the sizes of a batch are measured."""

    packs_first: bool  # all of it, before any of it is measured
    interleaved: int  # images that share bit planes
    in_slabs: bool  # not eroded whole, but slab by slab
    alone: int  # images that are left to one thread each; the others are shared by all threads


def size_route(images: int, shape: Shape, contiguous: bool) -> SizeRoute:
    """The route of a batch, whose border counts as part of its shape.

    Only where a batch is packed first do several threads read one image. Packing is most of the work.
    """
    pixels = shape.pixels
    is_in_slabs = in_slabs(shape)
    several = images * pixels >= 2 * threads.PIXELS_PER_THREAD and images < threads.thread_count()
    packs_first = not contiguous or several or is_in_slabs
    alone = images
    if is_in_slabs:
        alone = 0 if pixels >= ALWAYS_CUT_MIN_PIXELS else images - images % threads.thread_count()
    return SizeRoute(packs_first, interleaved_images(images, pixels), is_in_slabs, alone)
