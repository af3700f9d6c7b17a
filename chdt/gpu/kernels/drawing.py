"""Random masks: each pixel from a seed and its own index, as the host draws it, whatever program does (8)."""

import triton
import triton.language as tl

GOLDEN = tl.constexpr(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio

CHANCE_BITS = tl.constexpr(53)  # of a double's significand, as on the host


@triton.jit
def mixed(z):
    """The finalizer of SplitMix64: each bit of z changes about half of the bits of the result."""
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB
    return z ^ (z >> 31)


@triton.jit
def scaled(chance):
    """A chance, from 0 to 1, times 2^53, rounded down; 0 for NaN.

    That of a float32 by shifts of its significand: most GPUs are slow with float64.
    """
    chance = tl.where(chance == chance, chance, 0.0)
    if chance.dtype == tl.float64:
        number = (chance * 9007199254740992.0).to(tl.uint64)
    else:
        bits = chance.to(tl.int32, bitcast=True)
        # chance = significand * 2^(exponent - 150); subnormal ones, below 2^-126, are no different from 0 here.
        shift = (bits >> 23) - (150 - CHANCE_BITS)
        significand = ((bits & 0x7FFFFF) | 0x800000).to(tl.uint64)
        up = significand << tl.minimum(tl.maximum(shift, 0), 63).to(tl.uint64)
        down = significand >> tl.minimum(tl.maximum(-shift, 0), 63).to(tl.uint64)
        number = tl.where(shift >= 0, up, down)
    return number


@triton.jit
def is_drawn(chance, seed, pixel):
    """Whether the pixel of this number in the batch is foreground; not where its chance is NaN."""
    uniform = mixed(pixel.to(tl.uint64) * GOLDEN + seed) >> (64 - CHANCE_BITS)
    return uniform < scaled(chance)


@triton.jit
def load_seed(seeds, draw):
    """The seed of a draw, mixed."""
    return mixed(tl.load(seeds + draw).to(tl.uint64, bitcast=True))


@triton.jit
def draw_kernel(chances, seeds, draw, masks, pixels, foreground, background, unknown, BLOCK: tl.constexpr):
    """Draw one pixel for each chance: one of two words, or a third one where the chance is NaN."""
    pixel = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = pixel < pixels
    chance = tl.load(chances + pixel, mask=inside, other=0.0)
    word = tl.where(is_drawn(chance, load_seed(seeds, draw), pixel), foreground, background)
    tl.store(masks + pixel, tl.where(chance == chance, word, unknown), mask=inside)
