"""At which threshold an object has a size: the weakest pixel of the best window."""

import triton
import triton.language as tl

from chdt.gpu.kernels.programs import number_of
from chdt.gpu.kernels.window_minima import load_wide


@triton.jit
def first_of_largest(number, index, known, none):
    """The largest of the known numbers, and of the indices where it is the least one; ``none`` if none is known."""
    largest = tl.max(tl.where(known, number, float("-inf")), 0)
    return largest, tl.min(tl.where(known & (number == largest), index, none), 0)


@triton.jit
def coordinates_of(pixel, height, width):
    """Slice, row and column of a pixel, by divisions of 32 bits: those of 64 take much longer, and many registers."""
    pixel = pixel.to(tl.int32)
    return pixel // (width * height), (pixel // width) % height, pixel % width


@triton.jit
def radii_of(radii, images, image):
    """The radii of the window of an image along slices, rows and columns."""
    return tl.load(radii + image), tl.load(radii + images + image), tl.load(radii + 2 * images + image)


@triton.jit
def best_centres_kernel(
    program,
    minima,
    radii,
    images,
    largest,
    centres,
    parts,
    part,
    height,
    width,
    pixels,
    border_z,
    border_y,
    border_x,
    BLOCK: tl.constexpr,
):
    """The largest number, and its first place, in each part of an image that may hold centres of windows.

    These stay away from the border along the axes where pixels outside of the grid are background.
    """
    program = number_of(program)
    image = program // parts
    begin = (program % parts) * part
    radius_z, radius_y, radius_x = radii_of(radii, images, image)
    numbers = tl.full((BLOCK,), float("-inf"), minima.dtype.element_ty)
    places = tl.full((BLOCK,), 0, tl.int64) + pixels
    done = 0
    while done < part:
        pixel = begin + done + tl.arange(0, BLOCK)
        z, y, x = coordinates_of(tl.minimum(pixel, pixels), height, width)
        z_inside = (z >= radius_z * border_z) & (z < pixels // (width * height) - radius_z * border_z)
        y_inside = (y >= radius_y * border_y) & (y < height - radius_y * border_y)
        x_inside = (x >= radius_x * border_x) & (x < width - radius_x * border_x)
        known = (pixel < pixels) & z_inside & y_inside & x_inside
        number = tl.load(minima + image * pixels + pixel, mask=known, other=0.0)
        better = known & ((number > numbers) | (places == pixels))
        numbers = tl.where(better, number, numbers)
        places = tl.where(better, pixel, places)
        done += BLOCK
    number, place = first_of_largest(numbers, places, places < pixels, pixels)
    tl.store(largest + program, number)
    tl.store(centres + program, place)


@triton.jit
def weakest_pixels_kernel(
    program,
    logits,
    radii,
    images,
    largest,
    centres,
    parts,
    found,
    nans,
    height,
    width,
    pixels,
    tiles,
    PARTS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """The first pixel, in reading order, with the largest number in the window around the best centre of its image.

    Also the first pixel that is NaN. Where there is none, or no centre, what was there before stays.
    """
    program = number_of(program)
    image = program // tiles
    some = tl.arange(0, PARTS)
    known = some < parts
    numbers = tl.load(largest + image * parts + some, mask=known, other=float("-inf"))
    places = tl.load(centres + image * parts + some, mask=known, other=0)
    number, centre = first_of_largest(numbers, places, known & (places < pixels), pixels)
    radius_z, radius_y, radius_x = radii_of(radii, images, image)
    pixel = (program % tiles) * BLOCK + tl.arange(0, BLOCK)
    inside = pixel < pixels
    here = load_wide(logits, image * pixels + pixel, inside, 0.0)
    z, y, x = coordinates_of(tl.minimum(pixel, pixels), height, width)
    centre_z, centre_y, centre_x = coordinates_of(centre, height, width)
    in_plane = (tl.abs(y - centre_y) <= radius_y) & (tl.abs(x - centre_x) <= radius_x)
    in_window = in_plane & (tl.abs(z - centre_z) <= radius_z) & (centre < pixels)
    weakest = tl.min(tl.where(inside & in_window & (here == number), pixel, pixels), 0)
    nan = tl.min(tl.where(inside & (here != here), pixel, pixels), 0)
    if weakest < pixels:
        tl.atomic_min(found + image, weakest, sem="relaxed")
    if nan < pixels:
        tl.atomic_min(nans + image, nan, sem="relaxed")
