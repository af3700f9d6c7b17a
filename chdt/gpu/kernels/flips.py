"""The sizes after every single flip, as ranks: levels of the removed pixel, raised by windows of the added one."""

import triton
import triton.language as tl

from chdt.gpu.kernels.box_sums import largest_rank, list_of_image, tile_of, window, without_border
from chdt.gpu.kernels.programs import number_of


@triton.jit
def levels_kernel(
    program,
    maxima,
    ranks,
    list_of,
    each,
    levels,
    depth,
    height,
    width,
    longest,
    SPACED: tl.constexpr,
    PLACES: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """For each slab, row and column, what is left of the largest distance when a pixel in it is removed.

    It is the largest, over all places of the axis, of what is less: the maximum there, and the rank of the way there.
    """
    tiles = tl.cdiv(longest, PLACES)
    program = number_of(program)
    image, axis = program // (3 * tiles), (program // tiles) % 3
    length = tl.where(axis == 0, depth, tl.where(axis == 1, height, width))
    offset = image * (depth + height + width) + tl.where(axis == 0, 0, tl.where(axis == 1, depth, depth + height))
    place = ((program % tiles) * PLACES + tl.arange(0, PLACES)).to(tl.int32)
    level = place * 0
    if SPACED:
        ranks = list_of_image(ranks, list_of, each, image, 3 * longest)
    first = 0
    while first < length:
        other = first + tl.arange(0, BLOCK)
        maximum = tl.load(maxima + offset + other, mask=other < length, other=0)
        way = tl.abs(place[:, None] - other[None, :])
        if SPACED:
            way = tl.load(ranks + axis * longest + way, mask=way < length, other=0)
        level = tl.maximum(level, tl.max(tl.minimum(maximum[None, :], way), 1))
        first += BLOCK
    tl.store(levels + offset + place, level, mask=place < length)


@triton.jit(do_not_specialize=["step"])  # a 1 would be a constant, which a loop cannot change
def add_kernel(
    program,
    table,
    steps,
    list_of,
    each,
    sizes,
    added,
    depth,
    height,
    width,
    cap,
    step,
    index_bits,
    SPACED: tl.constexpr,
    DIMS: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """Raise each background pixel to the largest rank whose window, somewhere, holds no other one, if above the size.

    Such windows are searched for from the size on, as smaller ones change nothing: at nearly all centres there is none.
    """
    image, z, y, x = tile_of(number_of(program), depth, height, width, ROWS, COLUMNS)
    size = tl.load(sizes + image)
    if size < cap:
        in_y, in_x = y[:, None], x[None, :]
        inside = (in_y < height) & (in_x < width)
        first = image * (depth * height * width)
        table += first
        if SPACED:
            steps = list_of_image(steps, list_of, each, image, 3 * cap + 3)
        start = (in_y + in_x) * 0 + size + 1
        one = tl.full((1, 1), 1, table.dtype.element_ty) << index_bits
        total = window(table, steps, start, z, in_y, in_x, depth, height, width, cap, inside, SPACED, DIMS)
        few = inside & (total < 2 * one)
        if tl.max(tl.max(few.to(tl.int32), 1), 0) > 0:
            rank = largest_rank(
                table, steps, start, 2 * one, z, in_y, in_x, depth, height, width, cap, step, few, SPACED, DIMS
            )
            total = window(table, steps, rank, z, in_y, in_x, depth, height, width, cap, few, SPACED, DIMS)
            tl.atomic_max(added + first + (total - one), rank, mask=few & (total >= one), sem="relaxed")


@triton.jit
def rank_after_flip(levels, there, image, z, y, x, depth, height, width):
    """The rank after the flip of each pixel of a tile: the largest of what is there and the levels of its lines."""
    here = levels + image * (depth + height + width)
    in_rows = tl.maximum(tl.load(here + depth + y, mask=y < height, other=0), tl.load(here + z))
    in_columns = tl.load(here + depth + height + x, mask=x < width, other=0)
    return tl.maximum(there, tl.maximum(in_rows[:, None], in_columns[None, :]))


@triton.jit
def raise_kernel(
    program,
    levels,
    added,
    answers,
    times,
    depth,
    height,
    width,
    border_z,
    border_y,
    border_x,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """Write so many ``times`` the `rank_after_flip` of each pixel, without the border; in place if there is none."""
    image, z, y, x = tile_of(number_of(program), depth, height, width, ROWS, COLUMNS)
    at = image * (depth * height * width) + (z * height + y[:, None]) * width + x[None, :]
    there = tl.load(added + at, mask=(y[:, None] < height) & (x[None, :] < width), other=0)
    flip = rank_after_flip(levels, there, image, z, y, x, depth, height, width)
    at, inside = without_border(image, z, y, x, depth, height, width, border_z, border_y, border_x)
    tl.store(answers + at, times * flip, mask=inside)
