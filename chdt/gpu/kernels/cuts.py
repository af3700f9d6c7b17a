"""Masks of a size: logits cut where their object gets it, and of equal logits at the cut all or none."""

import triton
import triton.language as tl

from chdt.gpu.kernels.box_sums import list_of_image
from chdt.gpu.kernels.window_minima import load_wide


@triton.jit
def threshold_at(logits, place, image, pixels, above_all, below_all):
    """The threshold of an image by the pixel that was found for it: ±inf where that is none."""
    index = tl.load(place)
    threshold = load_wide(logits, image * pixels + tl.maximum(index, 0), index >= 0, 0.0)
    return tl.where(index == above_all, float("inf"), tl.where(index == below_all, float("-inf"), threshold))


@triton.jit
def cut_tile(logits, found, image, pixels, tiles, above_all, below_all, BLOCK: tl.constexpr):
    """Where the pixels of a program are, which of these there are, and their logits and the upper threshold."""
    pixel = (tl.program_id(0).to(tl.int64) % tiles) * BLOCK + tl.arange(0, BLOCK)
    inside, at = pixel < pixels, image * pixels + pixel
    upper = threshold_at(logits, found + 2 * image, image, pixels, above_all, below_all)
    return at, inside, load_wide(logits, at, inside, 0.0), upper


@triton.jit
def is_not_below(logit, upper):
    """Which logits are as large as the upper threshold, or larger; -inf is never."""
    return (logit >= upper) & (logit > float("-inf"))


@triton.jit
def cut_kernel(logits, found, above, at_least, pixels, tiles, above_all, below_all, BLOCK: tl.constexpr):
    """Which logits are above the upper threshold, and which are not below it."""
    image = tl.program_id(0).to(tl.int64) // tiles
    at, inside, logit, upper = cut_tile(logits, found, image, pixels, tiles, above_all, below_all, BLOCK)
    tl.store(above + at, (logit > upper).to(tl.int8), mask=inside)
    tl.store(at_least + at, is_not_below(logit, upper).to(tl.int8), mask=inside)


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
    image = tl.program_id(0).to(tl.int64) // tiles
    at, inside, logit, upper = cut_tile(logits, found, image, pixels, tiles, above_all, below_all, BLOCK)
    lower = threshold_at(logits, found + 2 * image + 1, image, pixels, above_all, below_all)
    at_least = is_not_below(logit, upper)
    rank = tl.load(asked + image)
    join = is_nearer(smaller, larger, rank, sizes, list_of, each, last, cap, image, SPACED)
    is_left_out = (upper == lower) & (rank > 0)
    # A lower threshold that is NaN is in no comparison, so it is compared by itself.
    mask = tl.where(upper > 0, (logit > lower) & (logit > 0), at_least)
    mask = tl.where(is_left_out, tl.where(join, at_least, logit > upper), mask)
    tl.store(masks + at, mask.to(tl.int8), mask=inside)
