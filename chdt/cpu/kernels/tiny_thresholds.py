"""Thresholds of small images, and the masks there: what weakest_pixels.py and cuts.py give, of 64 images at a time."""

import numpy as np
import numpy.typing as npt

from chdt.checks.pixels import ABOVE_ALL, BELOW_ALL
from chdt.cpu.kernels.jit import helper, kernel, outlined
from chdt.cpu.kernels.keys import Floats, first_nan, limit_of_all
from chdt.cpu.kernels.lanes import (
    BLOCK,
    VECTOR_WORDS,
    Numbers,
    Vector,
    Word,
    choose,
    eight,
    fill,
    less_bits,
    load_pixels,
    load_words,
    maximum,
    store,
    where_less,
)
from chdt.cpu.kernels.packing import WORD_BITS, Words, low_bits, unpack
from chdt.cpu.kernels.window_centres import WindowLists, Windows, windows_of_image
from chdt.cpu.kernels.window_minima import (
    CENTRES,
    HELD,
    KEYS,
    PIXELS,
    REACHES,
    MinimaMemory,
    count_ranks,
    find_best,
    grow,
    least_keys,
    mark_above,
    read_keys,
)


@helper
def _has(word: Word, image: int) -> bool:
    return bool((word >> np.uint64(image)) & np.uint64(1) != 0)


@helper
def _has_border(windows: Windows) -> bool:
    return bool(windows.has_border[0] + windows.has_border[1] + windows.has_border[2] > 0)


@helper
def _set_reaches(ranks: npt.NDArray[np.int64], count: int, reaches: Numbers) -> None:
    """How far windows of these ranks reach: radius + 1, 0 for negative ranks, and count + 1 beyond the last one."""
    for image in range(BLOCK):
        reaches[image] = min(max(ranks[image] + 1, 0), count + 1) if image < len(ranks) else 0


# ------------------------------------------------------------------------------------------------ weakest pixels


@outlined
def _mark_weakest(memory: MinimaMemory) -> Word:
    """Mark in the words which keys are the best one of their image, and leave the first such pixel in PIXELS.

    Give a word with the bits of images that have several.
    """
    best = load_pixels(memory.of_image, KEYS)
    nothing, pixels = best ^ best, best
    one, two = np.uint64(0), np.uint64(0)
    for pixel in range(memory.margins.size):
        found = ~less_bits(nothing, load_pixels(memory.areas, pixel * BLOCK) ^ best)
        memory.words[pixel] = found
        two |= one & found
        one |= found
        pixels = choose(found & ~two, fill(pixel, memory.areas[0]), pixels)
    store(memory.of_image, PIXELS, pixels)
    return two


@helper
def _first_in_window(memory: MinimaMemory, image: int, centre: int, radius: int) -> int:
    """The first marked pixel, in reading order, of a window."""
    shape = memory.shape
    row, x = centre // shape.width, centre % shape.width
    z, y = row // shape.height, row % shape.height
    for k in range(max(0, z - radius), min(shape.depth, z + radius + 1)):
        for j in range(max(0, y - radius), min(shape.height, y + radius + 1)):
            begin = (k * shape.height + j) * shape.width
            for pixel in range(begin + max(0, x - radius), begin + min(shape.width, x + radius + 1)):
                if _has(memory.words[pixel], image):
                    return pixel
    return BELOW_ALL


@kernel
def weakest_pixels_side_by_side(
    values: Numbers,
    floats: Floats,
    ranks: npt.NDArray[np.int64],
    lists: WindowLists,
    memory: MinimaMemory,
    pixels: npt.NDArray[np.int64],
) -> None:
    """What `weakest_pixels_of` gives, in the same order; ``lists`` is one for all."""
    of_image, size, windows = memory.of_image, memory.margins.size, windows_of_image(lists, 0)
    count, has_border = windows.number, _has_border(windows)
    for begin in range(0, len(ranks), BLOCK):
        images = min(BLOCK, len(ranks) - begin)
        nan = read_keys(values, begin * size, images, floats, memory)
        for number in range(ranks.shape[1]):
            _set_reaches(ranks[begin : begin + images, number], count, of_image)
            find_best(memory, least_keys(memory), has_border)
            several = _mark_weakest(memory)
            for image in range(images):
                rank = ranks[begin + image, number]
                if rank < 0:
                    found = ABOVE_ALL
                elif _has(nan, image):
                    found = first_nan(values, (begin + image) * size, size, floats)
                elif rank >= count:
                    found = BELOW_ALL
                elif _has(several, image):
                    found = _first_in_window(memory, image, int(of_image[CENTRES + image]), rank)
                else:
                    found = int(of_image[PIXELS + image])
                pixels[begin + image, number] = found


# ------------------------------------------------------------------------------------------------ masks


@helper
def _closer_with(
    memory: MinimaMemory, key: Vector, which: Word, ranks: npt.NDArray[np.int64], windows: Windows, has_border: bool
) -> Word:
    """Of these images, those whose masks come closer to the sizes of their ranks with the logits of this key."""
    count, held = windows.number, memory.of_image[HELD:]
    mark_above(memory, key, which)
    store(held, 0, count_ranks(memory, has_border, count))
    mark_above(memory, key - 1, which)
    store(held, BLOCK, count_ranks(memory, has_border, count))
    closer = np.uint64(0)
    for image in range(len(ranks)):
        if _has(which, image):
            size = windows.sizes[ranks[image] + 1]
            smaller, larger = windows.sizes[held[image]], windows.sizes[held[BLOCK + image]]
            closer |= np.uint64(larger - size < size - smaller) << np.uint64(image)
    return closer


@helper
def _find_limits(memory: MinimaMemory, floats: Floats, ranks: npt.NDArray[np.int64], windows: Windows) -> Vector:
    """Where to cut up to 64 images, as `cuts` does: keys of negative zeros are those of zeros here."""
    like, has_border = memory.areas[0], _has_border(windows)
    _set_reaches(ranks, windows.number, memory.of_image)
    reaches, last = load_pixels(memory.of_image, REACHES), fill(windows.number, like)
    nothing, zeros = reaches ^ reaches, fill(floats.sign, like)
    is_window, is_larger_one = less_bits(nothing, reaches), less_bits(reaches, last)
    at = least_keys(memory)
    find_best(memory, at, has_border)
    upper = choose(is_window, load_pixels(memory.of_image, KEYS), ~nothing)
    store(memory.of_image, REACHES, reaches + 1)
    find_best(memory, grow(memory, at, 1, is_window, np.uint64(0)), has_border)
    lower = choose(is_larger_one, load_pixels(memory.of_image, KEYS), nothing)
    # From the lower threshold on, up to before the upper one: 0, or the one that is closer to it.
    limits = where_less(zeros, upper, maximum(lower, zeros), upper - 1)
    # Equal logits join the mask together, or not: whatever comes closer to the size.
    equal = ~less_bits(nothing, upper ^ lower) & is_window & is_larger_one
    if equal != 0:
        limits = choose(equal, upper, limits)
        limits = choose(_closer_with(memory, upper, equal, ranks, windows, has_border), upper - 1, limits)
    limits = choose(less_bits(last, reaches), nothing, limits)
    return maximum(limits, fill(limit_of_all(floats), like))


@helper
def _pack(words: Words, pixels: int, images: int, packed: Words) -> None:
    """Pack masks, of which ``words`` have a bit for each image, one image after the other."""
    packed[:] = 0
    for image in range(images):
        here = np.uint64(1) << np.uint64(image)
        for begin in range(0, pixels, BLOCK):
            bits = np.uint64(0)
            for pixel in range(begin, min(begin + BLOCK, pixels), VECTOR_WORDS):
                bits |= less_bits(eight(np.uint64(0)), load_words(words, pixel) & here) << np.uint64(pixel - begin)
            bits &= low_bits(min(BLOCK, pixels - begin))
            at, shift = (image * pixels + begin) // WORD_BITS, np.uint64((image * pixels + begin) % WORD_BITS)
            packed[at] |= bits << shift
            if shift > 0:
                packed[at + 1] |= (bits >> np.uint64(1)) >> (np.uint64(WORD_BITS - 1) - shift)


@kernel
def cut_masks_side_by_side(
    values: Numbers,
    floats: Floats,
    ranks: npt.NDArray[np.int64],
    lists: WindowLists,
    memory: MinimaMemory,
    masks: npt.NDArray[np.uint8],
) -> None:
    """What `cut_masks` writes; ``lists`` is one for all."""
    size, windows = memory.margins.size, windows_of_image(lists, 0)
    packed = memory.words[size + VECTOR_WORDS :]
    for begin in range(0, len(ranks), BLOCK):
        images = min(BLOCK, len(ranks) - begin)
        nan = read_keys(values, begin * size, images, floats, memory)
        limits = _find_limits(memory, floats, ranks[begin : begin + images], windows)
        mark_above(memory, choose(nan, fill(~np.uint64(0), values[0]), limits), ~np.uint64(0))
        _pack(memory.words, size, images, packed)
        unpack(packed, np.uint8(1), np.uint8(0), masks[begin * size : (begin + images) * size])
