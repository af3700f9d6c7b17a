"""The sampled gradient: differences of losses between a mask and the same mask with one pixel flipped (21)."""

import triton
import triton.language as tl


@triton.jit
def mean_of(total, count):
    """A sum over the draws divided by their number, rounded as on the host."""
    return total / count if total.dtype == tl.float64 else tl.div_rn(total, count)


@triton.jit
def differences_kernel(
    foreground,
    flips,
    sizes,
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
    pixels,
    tiles,
    DRAWN: tl.constexpr,
    LEAVES_OUT: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Add l(s, g(y)) of one draw to ``sums``, and y_i (l(s, g(y)) - l(s, g(y↓i))) to ``gradient``.

    With the last draw both become means over the ``draws``, which ``count`` says as a float. ``values``, which must be
    0 before, get that of the losses, and NaN where a chance is NaN. The derivative is then multiplied by
    F'(a) = F(a) (1 - F(a)) where masks are DRAWN with the chances F(a); with one draw it may take their place. Images
    that are ``left_out`` get zeros, whatever they hold.
    """
    program = tl.program_id(0).to(tl.int64)
    image, tile = program // tiles, program % tiles
    pixel = tile * BLOCK + tl.arange(0, BLOCK)
    inside = pixel < pixels
    at = image * pixels + pixel
    size = tl.load(sizes + image)
    flip = tl.load(flips + at, mask=inside, other=0)
    old = tl.load(losses + image * columns + size)
    new = tl.load(losses + image * columns + flip, mask=inside, other=0.0)
    is_foreground = tl.load(foreground + at, mask=inside, other=0) != 0
    change = tl.where(is_foreground, old - new, new - old)
    change = tl.where(flip == size, 0.0, change)  # the difference of infinite losses is NaN
    if draw > 0:
        change += tl.load(gradient + at, mask=inside, other=0.0)
    value = old
    if (draw > 0) & (tile == 0):
        value += tl.load(sums + image)
    is_used = True
    if LEAVES_OUT:
        is_used = tl.load(left_out + image) == 0
    if draw < draws - 1:
        if tile == 0:
            tl.store(sums + image, value)
    else:
        change = mean_of(change, count)
        if DRAWN:
            chance = tl.load(chances + at, mask=inside, other=0.0)
            slope = chance * (1.0 - chance)
            # Certain pixels have no gradient, not even where the loss of some size is infinite: 0 times inf is NaN.
            change = tl.where(slope == 0.0, 0.0, change * slope)
            is_nan = inside & (chance != chance)
            if (tl.max(is_nan.to(tl.int32), 0) > 0) & is_used:
                tl.atomic_add(values + image, value * 0 + float("nan"), sem="relaxed")
        if LEAVES_OUT:
            change = tl.where(is_used, change, 0.0)
        if (tile == 0) & is_used:
            tl.atomic_add(values + image, mean_of(value, count), sem="relaxed")
    tl.store(gradient + at, change, mask=inside)
