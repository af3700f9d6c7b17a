"""Distances, as ranks: how far the window around each pixel reaches before it holds background (equation 3)."""

import triton
import triton.language as tl

from chdt.gpu.kernels.box_sums import largest_rank, list_of_image, tile_of, without_border
from chdt.gpu.kernels.programs import number_of


@triton.jit(do_not_specialize=["step"])  # a 1 would be a constant, which a loop cannot change
def distances_kernel(
    program,
    table,
    steps,
    list_of,
    each,
    answers,
    maxima,
    sizes,
    times,
    depth,
    height,
    width,
    border_z,
    border_y,
    border_x,
    cap,
    step,
    WANTED: tl.constexpr,
    SPACED: tl.constexpr,
    DIMS: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """Find the distances of a tile, and write so many ``times`` them, without the border, where these are WANTED.

    Or raise to so many times them its size, if sizes are. Or if maxima are, raise its size and the maxima of its slabs,
    rows and columns to them.
    """
    image, z, y, x = tile_of(number_of(program), depth, height, width, ROWS, COLUMNS)
    if SPACED:
        steps = list_of_image(steps, list_of, each, image, 3 * cap + 3)
    in_y, in_x = y[:, None], x[None, :]
    inside = (in_y < height) & (in_x < width)
    table += image * (depth * height * width)
    start = (in_y + in_x) * 0
    rank = largest_rank(table, steps, start, 1, z, in_y, in_x, depth, height, width, cap, step, inside, SPACED, DIMS)
    rank = tl.where(inside, rank, 0)
    if WANTED == "distances":
        at, inside = without_border(image, z, y, x, depth, height, width, border_z, border_y, border_x)
        tl.store(answers + at, times * rank, mask=inside)
    else:
        in_rows = tl.max(rank, 1)
        largest = tl.max(in_rows, 0)
        if WANTED == "maxima":
            here = maxima + image * (depth + height + width)
            tl.atomic_max(here + depth + y, in_rows, mask=(y < height) & (in_rows > 0), sem="relaxed")
            in_columns = tl.max(rank, 0)
            tl.atomic_max(here + depth + height + x, in_columns, mask=(x < width) & (in_columns > 0), sem="relaxed")
            tl.atomic_max(here + z, largest, sem="relaxed")
        else:
            largest *= times
        tl.atomic_max(sizes + image, largest, sem="relaxed")
