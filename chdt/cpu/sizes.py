"""Sizes of a batch, one image a thread or one image in overlapping bands for all."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chdt.checks.answers import deliver, new_answer
from chdt.checks.masks import AnyMasks, as_words, flat_view, grid_shape, invalid_value
from chdt.checks.shape import Shape, Steps
from chdt.cpu.kernels.lanes import VECTOR_WORDS, Numbers
from chdt.cpu.kernels.packing import WORD_BITS, Words
from chdt.cpu.kernels.planes import interleaved_images
from chdt.cpu.kernels.size_search import (
    BANDS_MAX_DISTANCE,
    CORE_MARGIN_ROWS,
    OverlappingBands,
    SizeMemory,
    measure_bands,
    size_memory,
    sizes_of,
    sizes_of_packed,
)
from chdt.cpu.memory import reused
from chdt.cpu.packed import pack_masks
from chdt.cpu.spaced import spaced_sizes
from chdt.cpu.threads import PIXELS_PER_THREAD, share, thread_count

BANDS_MIN_PIXELS = 1 << 22  # pixels of an image that is cut into bands

BAND_EFFORT = 8  # times what packing takes, to measure a band

CORE_WORDS = 1 << 15  # words of a core, or more: so the planes of a band stay in the second nearest cache


def overlapping_bands(shape: Shape) -> OverlappingBands | None:
    """The bands of an image, None if it is not large, or a volume."""
    depth, height, width = shape.without_single_pixels
    core = max(CORE_WORDS // -(-width // WORD_BITS), 4 * CORE_MARGIN_ROWS) // VECTOR_WORDS * VECTOR_WORDS
    rows = core + 2 * CORE_MARGIN_ROWS
    if depth > 1 or width <= WORD_BITS or height * width < BANDS_MIN_PIXELS or rows > height:
        return None
    return OverlappingBands(rows, core, -(-height // core))


def sizes_by_bands(words: Words, shape: Shape, bands: OverlappingBands, sizes: Numbers) -> Sequence[int]:
    """Write the sizes of a batch; give the images that are too large for the bands and have got none."""
    _, height, width = shape.without_single_pixels
    images = len(sizes)
    found: list[npt.NDArray[np.int64]] = []

    def memory() -> tuple[SizeMemory, npt.NDArray[np.int64]]:
        known = np.zeros(images, np.int64)
        found.append(known)
        return reused(size_memory, Shape(1, bands.rows, width), 1), known

    def work(first: int, last: int, workspace: SizeMemory, known: npt.NDArray[np.int64]) -> None:
        while first < last:  # the bands of one image after the other
            image, band = divmod(first, bands.number)
            end = min(bands.number, band + last - first)
            known[image] = max(of_thread[image] for of_thread in found)
            here = known[image : image + 1]
            measure_bands(words, image * shape.pixels, height, band, end, bands, workspace, here)
            first += end - band

    # Of one image, a band tells the next ones how little can be left out: so better all by one thread.
    interleaved = bands.number if images % thread_count() == 0 else 1
    share(work, images * bands.number, BAND_EFFORT * bands.rows * width, interleaved, memory)
    half = np.max(found, axis=0, initial=0)  # of an empty batch, none is found
    sizes[:] = 2 * half
    return np.flatnonzero(half >= BANDS_MAX_DISTANCE).tolist()


def packs_first(images: int, shape: Shape) -> bool:
    """Whether a batch is packed before it is measured: only then do several threads read one image.

    Packing is most of the work; the erosions that follow are done by one thread an image, or by all in bands.
    """
    several = images * shape.pixels >= 2 * PIXELS_PER_THREAD and images < thread_count()
    return several or overlapping_bands(shape) is not None


def sizes_of_masks(masks: AnyMasks, spatial_dims: int, spacing: Steps | None, black_border: bool) -> Any:
    """Sizes of a batch, of the kind of the masks and on their device."""
    shape = grid_shape(masks, spatial_dims)
    batch = tuple(masks.shape[: masks.ndim - spatial_dims])
    if spacing is not None and len(set(spacing)) > 1:
        sizes = spaced_sizes(pack_masks(masks, spatial_dims, black_border, shape), spacing)
        return deliver(sizes.reshape(batch), masks)
    answer = new_answer(masks, batch, 2 * shape.cap)
    values, foreground, background = as_words(masks)
    flat = None if black_border or packs_first(len(answer.words), shape) else flat_view(values)
    packed = pack_masks(masks, spatial_dims, black_border, shape) if flat is None else None
    if packed is not None:
        shape = packed.shape
    pixels = shape.pixels
    interleaved = interleaved_images(len(answer.words), pixels)
    invalid: list[int] = []

    def work(first: int, last: int) -> None:
        workspace = reused(size_memory, shape, interleaved)
        sizes = answer.words[first:last]
        if packed is not None:
            sizes_of_packed(packed.words, first * pixels, workspace, sizes)
        elif flat is not None:
            found = sizes_of(flat[first * pixels : last * pixels], foreground, background, workspace, sizes)
            if found >= 0:
                invalid.append(first * pixels + found)

    bands = None if packed is None else overlapping_bands(shape)
    if packed is not None and bands is not None:
        large = sizes_by_bands(packed.words, shape, bands, answer.words)

        def measure_large(first: int, last: int) -> None:
            for image in large[first:last]:
                work(image, image + 1)

        share(measure_large, len(large), pixels)
    else:
        share(work, len(answer.words), pixels, interleaved)
    if invalid:
        raise invalid_value(masks, min(invalid))
    if spacing is not None:
        sizes = np.multiply(answer.words, spacing[0], dtype=np.float64).astype(np.float32)
        return deliver(sizes.reshape(batch), masks)
    return answer.finish()
