"""The sampled gradient: differences of losses between a mask and the same mask with one pixel flipped (21)."""

import triton
import triton.language as tl

from chdt.gpu.kernels.box_sums import tile_of, without_border
from chdt.gpu.kernels.flips import rank_after_flip
from chdt.gpu.kernels.programs import number_of


@triton.jit
def mean_of(total, count):
    """A sum over the draws divided by their number, rounded as on the host."""
    return total / count if total.dtype == tl.float64 else tl.div_rn(total, count)


@triton.jit
def differences_kernel(
    program,
    sizes,
    levels,
    added,
    losses,
    columns,
    chances,
    gradient,
    sums,
    values,
    left_out,
    draw,
    draws,
    count,
    depth,
    height,
    width,
    border_z,
    border_y,
    border_x,
    DRAWN: tl.constexpr,
    LEAVES_OUT: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """Add l(s, g(y)) of one draw to ``sums``, and y_i (l(s, g(y)) - l(s, g(y↓i))) to ``gradient``, without the border.

    With the last draw both become means over the ``draws``, which ``count`` says as a float. ``values``, which must be
    0 before, get that of the losses, and NaN where a chance is NaN. The derivative is then multiplied by
    F'(a) = F(a) (1 - F(a)) where masks are DRAWN with the chances F(a); with one draw it may take their place. Images
    that are ``left_out`` get zeros, whatever they hold.
    """
    program = number_of(program)
    image, z, y, x = tile_of(program, depth, height, width, ROWS, COLUMNS)
    is_first = program % (depth * tl.cdiv(height, ROWS) * tl.cdiv(width, COLUMNS)) == 0  # of the tiles of its image
    at = image * (depth * height * width) + (z * height + y[:, None]) * width + x[None, :]
    size = tl.load(sizes + image)
    there = tl.load(added + at, mask=(y[:, None] < height) & (x[None, :] < width), other=0)
    flip = rank_after_flip(levels, there, image, z, y, x, depth, height, width)
    at, inside = without_border(image, z, y, x, depth, height, width, border_z, border_y, border_x)
    old = tl.load(losses + image * columns + size)
    new = tl.load(losses + image * columns + flip, mask=inside, other=0.0)
    change = tl.where(there < 0, old - new, new - old)  # foreground was removed, or background added
    change = tl.where(flip == size, 0.0, change)  # the difference of infinite losses is NaN
    if draw > 0:
        change += tl.load(gradient + at, mask=inside, other=0.0)
    value = old
    if (draw > 0) & is_first:
        value += tl.load(sums + image)
    is_used = True
    if LEAVES_OUT:
        is_used = tl.load(left_out + image) == 0
    if draw < draws - 1:
        if is_first:
            tl.store(sums + image, value)
    else:
        change = mean_of(change, count)
        if DRAWN:
            chance = tl.load(chances + at, mask=inside, other=0.0)
            slope = chance * (1.0 - chance)
            # Certain pixels have no gradient, not even where the loss of some size is infinite: 0 times inf is NaN.
            change = tl.where(slope == 0.0, 0.0, change * slope)
            is_nan = inside & (chance != chance)
            if (tl.max(tl.max(is_nan.to(tl.int32), 1), 0) > 0) & is_used:
                tl.atomic_add(values + image, value * 0 + float("nan"), sem="relaxed")
        if LEAVES_OUT:
            change = tl.where(is_used, change, 0.0)
        if is_first & is_used:
            tl.atomic_add(values + image, mean_of(value, count), sem="relaxed")
    tl.store(gradient + at, change, mask=inside)
