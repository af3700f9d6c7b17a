"""Masks as they are given, read into marks: each value is one of two words, or the mask is invalid."""

import triton
import triton.language as tl


@triton.jit
def first_invalid(word, foreground, background, pixel, inside, none):
    """The index of each pixel whose word is neither, else ``none``: of these the least one is that of the first."""
    return tl.where(inside & (word != foreground) & (word != background), pixel, none)


@triton.jit
def read_kernel(words, masks, invalid, pixels, foreground, background, BLOCK: tl.constexpr):
    """Write -1 for a word that is foreground, else 0, and the least index of a word that is neither."""
    pixel = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = pixel < pixels
    word = tl.load(words + pixel, mask=inside, other=0).to(tl.int64)
    tl.store(masks + pixel, -(word == foreground).to(masks.dtype.element_ty), mask=inside)
    wrong = tl.min(first_invalid(word, foreground, background, pixel, inside, pixels), 0)
    if wrong < pixels:
        tl.atomic_min(invalid, wrong, sem="relaxed")
