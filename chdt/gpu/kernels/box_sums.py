"""Sums over all boxes from the first pixel of an image, and what windows hold by them (docs/exact.md, the table).

A background pixel counts 2^n and its own index, which is below 2^n, a foreground pixel 0. So the sum over a window is 0
if it holds no background, and below 2^(n+1) if it holds at most one pixel of it, which is then in the low n bits.
"""

import triton
import triton.language as tl

from chdt.gpu.kernels.programs import number_of


@triton.jit
def sum_lines_kernel(
    program,
    foreground,
    table,
    lines,
    inner,
    length,
    pixels,
    index_bits,
    FIRST: tl.constexpr,
    ALONG: tl.constexpr,
    LINES: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Add up the lines of one axis: of what pixels count where it is the FIRST one, else of the table, in place.

    What is not 0 is foreground. Pixels of a line are ``inner`` apart, as many lines as that lie side by side. A tile
    has its lines across ALONG.
    """
    line = number_of(program) * LINES + tl.arange(0, LINES)
    known = tl.expand_dims(line < lines, ALONG)
    start = tl.expand_dims((line // inner) * (inner * length) + line % inner, ALONG)
    index = (start % pixels).to(table.dtype.element_ty)
    carry = index * 0
    one = (carry + 1) << index_bits
    first = 0
    while first < length:
        i = first + tl.expand_dims(tl.arange(0, BLOCK), 1 - ALONG).to(tl.int64)
        at = start + i * inner
        inside = known & (i < length)
        if FIRST:
            is_background = tl.load(foreground + at, mask=inside, other=1) == 0
            counted = tl.where(is_background, one + index + i * inner, 0).to(table.dtype.element_ty)
        else:
            counted = tl.load(table + at, mask=inside, other=0)
        tl.store(table + at, tl.cumsum(counted, ALONG) + carry, mask=inside)
        carry += tl.sum(counted, ALONG, keep_dims=True)
        first += BLOCK


@triton.jit
def rectangle(table, slab, top, bottom, left, right, inside, DIMS: tl.constexpr):
    """Sum from the first slab to this one, over a rectangle of it without its ``top`` row and ``left`` column."""
    total = tl.load(table + (slab + bottom + right), mask=inside, other=0)
    total -= tl.load(table + (slab + bottom + left), mask=inside & (left >= 0), other=0)
    if DIMS > 1:
        total -= tl.load(table + (slab + top + right), mask=inside & (top >= 0), other=0)
        total += tl.load(table + (slab + top + left), mask=inside & (top >= 0) & (left >= 0), other=0)
    return total


@triton.jit
def window(table, steps, rank, z, y, x, depth, height, width, cap, inside, SPACED: tl.constexpr, DIMS: tl.constexpr):
    """Sum over the window around each pixel whose pixels are nearer than this rank, cut at the border."""
    if SPACED:  # the most steps of a lower rank along each axis
        in_x = tl.load(steps + (2 * cap + 2 + rank), mask=inside, other=0)
        in_y = tl.load(steps + (cap + 1 + rank), mask=inside, other=0)
        in_z = tl.load(steps + rank, mask=inside, other=0)
    else:
        in_x = rank - 1
        in_y = in_x
        in_z = in_x
    left, right = x - in_x - 1, tl.minimum(x + in_x, width - 1)
    # Rows far above the image are none, like the one above: times the width they could be beyond 32 bits.
    top, bottom = tl.maximum(y - in_y - 1, -1) * width, tl.minimum(y + in_y, height - 1) * width
    if DIMS < 3:
        return rectangle(table, 0, top, bottom, left, right, inside, DIMS)
    front, back = z - in_z - 1, tl.minimum(z + in_z, depth - 1)
    slab = height * width
    total = rectangle(table, back * slab, top, bottom, left, right, inside, DIMS)
    return total - rectangle(table, front * slab, top, bottom, left, right, inside & (front >= 0), DIMS)


@triton.jit
def largest_rank(
    table,
    steps,
    start,
    below,
    z,
    y,
    x,
    depth,
    height,
    width,
    cap,
    step,
    inside,
    SPACED: tl.constexpr,
    DIMS: tl.constexpr,
):
    """The largest rank, up to the cap, whose window sums to less than ``below``; the one at ``start`` does, or is 0.

    By bisection: ``step`` is a power of two, larger than half of the cap.
    """
    rank = start
    while step > 0:
        tried = rank + step
        possible = inside & (tried <= cap)
        total = window(table, steps, tried, z, y, x, depth, height, width, cap, possible, SPACED, DIMS)
        rank = tl.where(possible & (total < below), tried, rank)
        step = step // 2
    return rank


@triton.jit
def list_of_image(lists, list_of, each, image, length):
    """The list, of so many numbers, that this image has."""
    return lists + tl.load(list_of + image * each) * length


@triton.jit
def tile_of(program, depth, height, width, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """The image, slab, rows and columns that a program does, of a tile of pixels."""
    across = tl.cdiv(width, COLUMNS)
    down = tl.cdiv(height, ROWS)
    x = (program % across).to(tl.int32) * COLUMNS + tl.arange(0, COLUMNS)
    y = ((program // across) % down).to(tl.int32) * ROWS + tl.arange(0, ROWS)
    z = ((program // (across * down)) % depth).to(tl.int32)
    return program // (across * down * depth), z, y, x


@triton.jit
def without_border(image, z, y, x, depth, height, width, border_z, border_y, border_x):
    """Where the pixels of a tile are in what has no border around each image, and which of them are there."""
    z, y, x = z - border_z, y[:, None] - border_y, x[None, :] - border_x
    depth, height, width = depth - 2 * border_z, height - 2 * border_y, width - 2 * border_x
    in_z = (y + x) * 0 + z  # for each pixel: the interpreter would make a number of whether the slab is there
    inside = (in_z >= 0) & (in_z < depth) & (y >= 0) & (y < height) & (x >= 0) & (x < width)
    return image * (depth * height * width) + (z * height + y) * width + x, inside
