"""The least logit in the window around each pixel: an erosion of grey values, along one axis after the other.

Radii are numbers on the device, one an image, so no launch depends on them: a program widens until it is done.
"""

import triton
import triton.language as tl

from chdt.gpu.kernels.programs import number_of


@triton.jit
def load_wide(values, at, inside, other):
    """Values as float32, float64 where they are that."""
    loaded = tl.load(values + at, mask=inside, other=other)
    return loaded if values.dtype.element_ty == tl.float64 else loaded.to(tl.float32)


@triton.jit
def least(source, at, i, length, apart, here, inside, step):
    """The least of a pixel and of those a step before and behind it; beyond the ends of the line are none."""
    before = tl.load(source + (at - step * apart), mask=inside & (i >= step), other=float("inf"))
    behind = tl.load(source + (at + step * apart), mask=inside & (i + step < length), other=float("inf"))
    return tl.minimum(tl.minimum(before, behind), here)


@triton.jit
def widen_lines(source, target, start, radius, done, length, apart, known, ALONG: tl.constexpr, BLOCK: tl.constexpr):
    """From the minima within ``done`` to those within at most 2·done + 1; give how far they reach now.

    ``start``, ``radius`` and ``done`` are one a line, across the axis ALONG of a tile.
    """
    # Cut at the border, minima within `done` allow a step of one more than that and no more, as in docs/exact.md.
    step = tl.minimum(done + 1, radius - done)
    first = 0
    while first < length:
        i = first + tl.expand_dims(tl.arange(0, BLOCK), 1 - ALONG).to(tl.int64)
        inside = known & (i < length)
        at = start + i * apart
        here = tl.load(source + at, mask=inside, other=0.0)
        tl.store(target + at, least(source, at, i, length, apart, here, inside, step), mask=inside)
        first += BLOCK
    tl.debug_barrier()  # what other threads of this program have written is read next
    return done + step


@triton.jit
def window_minima_kernel(
    program,
    minima,
    spare,
    radii,
    lines,
    lines_an_image,
    inner,
    length,
    ALONG: tl.constexpr,
    LINES: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Least numbers within the radius of each image along the lines of one axis, in place.

    Pixels of a line are ``inner`` apart, as many lines as that lie side by side.
    """
    line = number_of(program) * LINES + tl.arange(0, LINES)
    known = line < lines
    radius = tl.load(radii + line // lines_an_image, mask=known, other=0)
    radius = tl.minimum(tl.maximum(radius, 0), length - 1).to(tl.int32)
    start = (line // inner) * (inner * length) + line % inner
    start, radius, known = tl.expand_dims(start, ALONG), tl.expand_dims(radius, ALONG), tl.expand_dims(known, ALONG)
    most = tl.max(tl.max(radius, 1), 0)
    done = radius * 0
    reached = most * 0
    while reached < most:  # twice, so that the answer is where it began
        done = widen_lines(minima, spare, start, radius, done, length, inner, known, ALONG, BLOCK)
        done = widen_lines(spare, minima, start, radius, done, length, inner, known, ALONG, BLOCK)
        reached = 4 * reached + 3
