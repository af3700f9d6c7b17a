"""Masks of a size: logits cut where their object gets it, and of equal logits at the cut all or none."""

import triton
import triton.language as tl

from chdt.gpu.kernels.box_sums import list_of_image
from chdt.gpu.kernels.window_minima import load_wide


@triton.jit
def cuts_of(logits, found, image, pixels, above_all, below_all):
    """The upper and the lower threshold of an image, by the two pixels that were found: ±inf where one is none."""
    index = tl.load(found + 2 * image)
    upper = load_wide(logits, image * pixels + tl.maximum(index, 0), index >= 0, 0.0)
    upper = tl.where(index == above_all, float("inf"), tl.where(index == below_all, float("-inf"), upper))
    index = tl.load(found + 2 * image + 1)
    lower = load_wide(logits, image * pixels + tl.maximum(index, 0), index >= 0, 0.0)
    lower = tl.where(index == above_all, float("inf"), tl.where(index == below_all, float("-inf"), lower))
    return upper, lower


@triton.jit
def cut_kernel(logits, found, above, at_least, pixels, tiles, above_all, below_all, BLOCK: tl.constexpr):
    """Which logits are above the upper threshold, and which are not below it; -inf is never."""
    program = tl.program_id(0).to(tl.int64)
    image = program // tiles
    pixel = (program % tiles) * BLOCK + tl.arange(0, BLOCK)
    inside = pixel < pixels
    upper, _ = cuts_of(logits, found, image, pixels, above_all, below_all)
    logit = load_wide(logits, image * pixels + pixel, inside, 0.0)
    tl.store(above + image * pixels + pixel, (logit > upper).to(tl.int8), mask=inside)
    not_below = (logit >= upper) & (logit > float("-inf"))
    tl.store(at_least + image * pixels + pixel, not_below.to(tl.int8), mask=inside)


@triton.jit
def is_nearer(smaller, larger, rank, sizes, list_of, each, last, cap, image, SPACED: tl.constexpr):
    """Whether the larger of two ranks is nearer to this one, which may be beyond all."""
    less, more = tl.load(smaller + image), tl.load(larger + image)
    if SPACED:
        sizes = list_of_image(sizes, list_of, each, image, cap + 1)
        largest = tl.load(last + tl.load(list_of + image * each))
        less = tl.load(sizes + tl.minimum(less, largest))
        more = tl.load(sizes + tl.minimum(more, largest))
        size = tl.load(sizes + tl.minimum(rank, largest))
        size = tl.where(rank > largest, float("inf"), size)
    else:
        size = rank
    return more - size < size - less


@triton.jit
def choose_kernel(
    logits,
    found,
    asked,
    smaller,
    larger,
    sizes,
    list_of,
    each,
    last,
    cap,
    masks,
    pixels,
    tiles,
    above_all,
    below_all,
    SPACED: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Cut at the threshold that is closest to 0. Equal logits that make a size be left out join together, or none does.

    They do if that comes closer to the rank that is ``asked`` for: ``smaller`` without them, ``larger`` with them.
    """
    program = tl.program_id(0).to(tl.int64)
    image = program // tiles
    pixel = (program % tiles) * BLOCK + tl.arange(0, BLOCK)
    inside = pixel < pixels
    upper, lower = cuts_of(logits, found, image, pixels, above_all, below_all)
    logit = load_wide(logits, image * pixels + pixel, inside, 0.0)
    above, at_least = logit > upper, (logit >= upper) & (logit > float("-inf"))
    rank = tl.load(asked + image)
    join = is_nearer(smaller, larger, rank, sizes, list_of, each, last, cap, image, SPACED)
    is_left_out = (upper == lower) & (rank > 0)
    # A lower threshold that is NaN is in no comparison, so it is compared by itself.
    mask = tl.where(upper > 0, (logit > lower) & (logit > 0), at_least)
    mask = tl.where(is_left_out, tl.where(join, at_least, above), mask)
    tl.store(masks + image * pixels + pixel, mask.to(tl.int8), mask=inside)
