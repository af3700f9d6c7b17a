"""Thresholds of small images, a program each: the weakest pixels for all ranks, as `whole_images` does what it does."""

import triton
import triton.language as tl

from chdt.gpu.kernels.box_sums import list_of_image
from chdt.gpu.kernels.weakest_pixels import best_centres_kernel, weakest_pixels_kernel
from chdt.gpu.kernels.window_minima import load_wide, window_minima_kernel


@triton.jit
def store_radii(radii, images, image, rank, steps, list_of, each, cap, SPACED: tl.constexpr):
    """How far windows of this rank reach along slices, rows and columns."""
    if SPACED:
        steps = list_of_image(steps, list_of, each, image, 3 * cap + 3)
        place = tl.minimum(tl.maximum(rank, 0), cap)
        tl.store(radii + image, tl.load(steps + place).to(tl.int64))
        tl.store(radii + images + image, tl.load(steps + (cap + 1) + place).to(tl.int64))
        tl.store(radii + 2 * images + image, tl.load(steps + 2 * (cap + 1) + place).to(tl.int64))
    else:
        tl.store(radii + image, rank - 1)
        tl.store(radii + images + image, rank - 1)
        tl.store(radii + 2 * images + image, rank - 1)


@triton.jit
def minima_of_axis(
    minima,
    spare,
    radii,
    lines,
    inner,
    length,
    ALONG: tl.constexpr,
    LINES: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """`window_minima_kernel` for all lines of an image, of which this is the radius."""
    done = 0
    while done < tl.cdiv(lines, LINES):
        window_minima_kernel(done, minima, spare, radii, lines, lines, inner, length, ALONG, LINES, BLOCK)
        done += 1
    tl.debug_barrier()


@triton.jit
def whole_weakest_pixels_kernel(
    logits,
    asked,
    count_asked,
    steps,
    list_of,
    each,
    last,
    cap,
    minima,
    numbers,
    best,
    found,
    depth,
    height,
    width,
    border_z,
    border_y,
    border_x,
    above_all,
    below_all,
    SPACED: tl.constexpr,
    DIMS: tl.constexpr,
    LINES: tl.constexpr,
    ALONG_BLOCK: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """For the ranks that each image is ``asked`` for, the pixel that is ``found``, or what stands for none.

    ``minima`` has two numbers for each pixel, ``best`` one for each image, as wide as logits are read, and ``numbers``
    six for each image.
    """
    image = tl.program_id(0).to(tl.int64)
    images = tl.num_programs(0).to(tl.int64)
    pixels = depth * height * width
    tiles = tl.cdiv(pixels, BLOCK)
    here = minima + image * pixels
    spare = minima + (images + image) * pixels
    radii, centres, firsts, nans = numbers, numbers + 3 * images, numbers + 4 * images, numbers + 5 * images
    largest_rank = image * 0 + cap
    if SPACED:
        largest_rank = tl.load(last + tl.load(list_of + image * each))
    number = 0
    while number < count_asked:
        rank = tl.load(asked + image * count_asked + number)
        store_radii(radii, images, image, rank, steps, list_of, each, cap, SPACED)
        tl.store(firsts + image, image * 0 + pixels)
        tl.store(nans + image, image * 0 + pixels)
        done = 0
        while done < pixels:
            pixel = done + tl.arange(0, BLOCK)
            inside = pixel < pixels
            tl.store(here + pixel, load_wide(logits, image * pixels + pixel, inside, 0.0), mask=inside)
            done += BLOCK
        tl.debug_barrier()

        if DIMS > 2:
            inner = height * width
            minima_of_axis(here, spare, radii + image, inner, inner, depth, 0, 32, 32)
        if DIMS > 1:
            minima_of_axis(here, spare, radii + images + image, depth * width, width, height, 0, 32, 32)
        across = radii + 2 * images + image
        minima_of_axis(here, spare, across, depth * height, 1, width, 1, LINES, ALONG_BLOCK)

        best_centres_kernel(
            image, minima, radii, images, best, centres, 1, tiles * BLOCK,
            height, width, pixels, border_z, border_y, border_x, BLOCK,
        )  # fmt: skip
        tl.debug_barrier()
        done = 0
        while done < tiles:
            weakest_pixels_kernel(
                image * tiles + done, logits, radii, images, best, centres, 1, firsts, nans,
                height, width, pixels, tiles, 1, BLOCK,
            )  # fmt: skip
            done += 1
        tl.debug_barrier()

        first, nan = tl.load(firsts + image), tl.load(nans + image)
        answer = tl.where((first == pixels) | (rank > largest_rank), below_all, first)
        answer = tl.where(nan < pixels, nan, answer)
        tl.store(found + image * count_asked + number, tl.where(rank < 1, above_all, answer))
        tl.debug_barrier()
        number += 1
