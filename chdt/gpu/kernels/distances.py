"""Distances, as ranks: how far the window around each pixel reaches before it holds background (equation 3)."""

import triton
import triton.language as tl

from chdt.gpu.kernels.box_sums import largest_rank, list_of_image, tile_of


@triton.jit(do_not_specialize=["step"])  # a 1 would be a constant, which a loop cannot change
def distances_kernel(
    table,
    steps,
    list_of,
    each,
    distances,
    maxima,
    depth,
    height,
    width,
    cap,
    step,
    WRITE: tl.constexpr,
    SPACED: tl.constexpr,
    DIMS: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """Write the distance of each pixel, or raise to it the maxima of its slab, row and column, of each image."""
    image, z, y, x = tile_of(tl.program_id(0).to(tl.int64), depth, height, width, ROWS, COLUMNS)
    if SPACED:
        steps = list_of_image(steps, list_of, each, image, 3 * cap + 3)
    in_y, in_x = y[:, None], x[None, :]
    inside = (in_y < height) & (in_x < width)
    first = image * (depth * height * width)
    start = (in_y + in_x) * 0
    rank = largest_rank(
        table + first, steps, start, 1, z, in_y, in_x, depth, height, width, cap, step, inside, SPACED, DIMS
    )
    rank = tl.where(inside, rank, 0)
    if WRITE:
        tl.store(distances + (first + (z * height + in_y) * width + in_x), rank, mask=inside)
    else:
        here = maxima + image * (depth + height + width)
        in_rows = tl.max(rank, 1)
        tl.atomic_max(here + depth + y, in_rows, mask=(y < height) & (in_rows > 0), sem="relaxed")
        in_columns = tl.max(rank, 0)
        tl.atomic_max(here + depth + height + x, in_columns, mask=(x < width) & (in_columns > 0), sem="relaxed")
        tl.atomic_max(here + z, tl.max(in_rows, 0), sem="relaxed")
