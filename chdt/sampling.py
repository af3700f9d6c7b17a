"""sample_masks: random masks, each pixel from a seed and its own index, whatever thread draws it (8)."""

from typing import Any

import numpy as np
import torch

from chdt.bitplanes import WORD, Words, packed_words
from chdt.jit import helper, kernel
from chdt.lanes import (
    CHANCE_BITS,
    WORDS,
    Number,
    Numbers,
    Word,
    counting,
    less_bits,
    load_chances,
    nan_bits,
    spread,
    store,
)
from chdt.masks import FLOAT_DIGITS, SAME_SIZE, WORD_OF_SIZE, both_words, check_tensor, is_traced, type_name
from chdt.parallel import share

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio


@helper
def _mixed(z: Any) -> Any:
    """The finalizer of SplitMix64: each bit of z changes about half of the bits of the result."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@helper
def _draw_word(chances: Numbers, at: int, seed: Word, pixel: int) -> Word:
    """Draw 64 pixels, of which the first has this number in the batch."""
    word = np.uint64(0)
    for j in range(0, WORD, WORDS):
        uniform = _mixed(counting(np.uint64(pixel + j)) * GOLDEN + seed) >> np.uint64(64 - CHANCE_BITS)
        word |= less_bits(uniform, load_chances(chances, at + j)) << np.uint64(j)
    return word


@helper
def draw_pixels(chances: Numbers, rest: Numbers, seed: Word, first: int, words: Words) -> int:
    """Draw the pixels first, first + 1, ... of a batch; give the index of the first chance that is NaN, or -1.

    ``rest`` is memory for the last chances, fewer than 64.
    """
    seed = _mixed(seed)
    whole = chances.size // WORD
    for k in range(whole):
        words[k] = _draw_word(chances, k * WORD, seed, first + k * WORD)
        if nan_bits(chances, k * WORD) != 0:
            return _first_nan(chances, k * WORD)
    if chances.size % WORD != 0:
        for j in range(WORD):
            rest[j] = chances[whole * WORD + j] if whole * WORD + j < chances.size else 0
        words[whole] = _draw_word(rest, 0, seed, first + whole * WORD)
    return _first_nan(chances, whole * WORD)


@kernel
def draw(chances: Numbers, rest: Numbers, seed: Word, first: int, words: Words) -> int:
    """`draw_pixels`, to be called from Python."""
    return draw_pixels(chances, rest, seed, first, words)


@helper
def _first_nan(chances: Numbers, start: int) -> int:
    for j in range(start, chances.size):
        if chances[j] != chances[j]:
            return j
    return -1


@kernel
def unpack(words: Words, foreground: Number, background: Number, values: Numbers) -> None:
    """Write what the bits stand for: the inverse of `pack`."""
    whole = values.size // WORD
    for k in range(whole):
        store(values, k * WORD, spread(words[k], foreground, background))
    for j in range(whole * WORD, values.size):
        values[j] = foreground if (words[whole] >> np.uint64(j % WORD)) & np.uint64(1) != 0 else background


SIGMOIDS = 1 << 14  # at once
LARGEST_SEED = (1 << 63) - 1
STEP = 0x1E3779B97F4A7C15  # from the seeds of one process to those of the next


def seeds_for(count: int, generator: torch.Generator | None) -> torch.Tensor:
    """One seed for each draw, from the generator or from torch's own.

    Processes that train together often have equal seeds, but should not draw with equal noise: unless a generator was
    given, each makes other seeds of what torch's gives it.
    """
    if generator is None and torch.compiler.is_compiling():
        return torch.ops.chdt.draw_seeds(count)  # type: ignore[no-any-return]
    if generator is not None:
        return torch.randint(LARGEST_SEED, (count,), generator=generator, device=generator.device).cpu()
    seeds = torch.randint(LARGEST_SEED, (count,), device="cpu")
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        seeds = (seeds + torch.distributed.get_rank() * STEP % LARGEST_SEED) & LARGEST_SEED
    return seeds


def draw_packed(chances: torch.Tensor, seed: int) -> Words:
    """Draw a batch, foreground with these chances: packed."""
    host = chances.cpu().contiguous().view(-1).numpy()
    words = np.zeros(packed_words(host.size), np.uint64)
    nan: list[int] = []

    def work(first: int, last: int) -> None:
        rest = np.empty(WORD, host.dtype)
        found = draw(host[first * WORD : last * WORD], rest, np.uint64(seed), first * WORD, words[first:last])
        if found >= 0:
            nan.append(first * WORD + found)

    share(work, -(-host.size // WORD), WORD)
    if nan:
        raise nan_logit(chances, min(nan))
    return words


def nan_logit(logits: torch.Tensor, index: int) -> ValueError:
    """The error for the logit at this place in reading order."""
    where = ", ".join(str(int(i)) for i in np.unravel_index(index, tuple(logits.shape)))
    return ValueError(f"logits must be numbers, but logits[{where}] is nan")


def check_logits(logits: torch.Tensor) -> torch.dtype:
    """Logits must be a float tensor; give the dtype to compute in, float64 for float64 and float32 otherwise."""
    if not isinstance(logits, torch.Tensor):
        raise TypeError(f"logits must be a torch tensor, not {type_name(logits)}: convert with torch.as_tensor(logits)")
    check_tensor(logits, "logits")
    if logits.dtype not in FLOAT_DIGITS:
        raise TypeError(f"logits must be of dtype float16, bfloat16, float32 or float64, not {logits.dtype}")
    return torch.float64 if logits.dtype == torch.float64 else torch.float32


def chances_of(logits: torch.Tensor) -> torch.Tensor:
    """F(a): how likely each pixel is foreground, in a new tensor (9)."""
    dtype = check_logits(logits)
    logits = logits.detach()
    if logits.device.type != "cpu" or logits.numel() <= SIGMOIDS:
        return torch.sigmoid(logits.to(dtype))
    # torch's vectors, and what is left over at the end of a thread's part, round differently. So the parts must not
    # depend on the number of threads: each is too small for torch to divide it.
    logits = logits.contiguous()
    chances = torch.empty_like(logits, dtype=dtype)
    flat, answer = logits.view(-1), chances.view(-1)
    inference = torch.is_inference_mode_enabled()  # of this thread, and of none that it starts

    def work(first: int, last: int) -> None:
        with torch.inference_mode(inference):
            for part in range(first * SIGMOIDS, last * SIGMOIDS, SIGMOIDS):
                torch.sigmoid(flat[part : part + SIGMOIDS].to(dtype), out=answer[part : part + SIGMOIDS])

    share(work, -(-len(flat) // SIGMOIDS), SIGMOIDS)
    return chances


def sample_masks(logits: torch.Tensor, *, generator: torch.Generator | None = None) -> torch.Tensor:
    """Draw a random mask: each pixel is +1 with the chance that its logit stands for, and -1 otherwise.

    Parameters
    ----------
    logits : Tensor, any shape
        The output a of a network, float16, bfloat16, float32 or float64. ±inf is certain.
    generator : torch.Generator, optional
        Where the seed of the draw comes from; torch's own by default, so that ``torch.manual_seed`` makes it
        reproducible.

    Returns
    -------
    Tensor, shape and dtype of logits
        ±1, on the device of the logits. No gradient. The same for any number of threads.

    Raises
    ------
    TypeError
        Not a tensor of these dtypes.
    ValueError
        A logit is NaN (its first index is named).

    Notes
    -----
    Equations (8), (9) and (11) of Baručić and Kybic (2022): Y_i = sign(a_i - Z) with Z of the standard logistic
    distribution, so P(Y_i = +1) = F(a_i) = 1 / (1 + exp(-a_i)). One number is drawn from the generator; every pixel's
    chance is then met by a hash of that number and the index of the pixel. Processes of one ``torch.distributed`` group
    draw with different noise even after equal seeds, unless they give a generator.

    Examples
    --------
    >>> import torch
    >>> from chdt import sample_masks
    >>> logits = torch.tensor([[-torch.inf, -2.0, 0.0, 2.0, torch.inf]])
    >>> sample_masks(logits, generator=torch.Generator().manual_seed(1))
    tensor([[-1., -1.,  1., -1.,  1.]])
    """
    check_logits(logits)
    return masks_from_seed(logits, seeds_for(1, generator))


def masks_from_seed(logits: torch.Tensor, seed: torch.Tensor) -> torch.Tensor:
    """`sample_masks` with the seed in a tensor of one."""
    if is_traced(logits) or is_traced(seed):
        return torch.ops.chdt.masks_from_seed(logits, seed)  # type: ignore[no-any-return]
    chances = chances_of(logits)
    words = draw_packed(chances, int(seed))
    values = torch.empty(chances.shape, dtype=logits.dtype)
    integers = values.view(-1).view(SAME_SIZE[values.itemsize]).numpy()
    foreground, background = both_words(logits.dtype)
    unpack(words, foreground, background, integers.view(WORD_OF_SIZE[values.itemsize]))
    return values.to(logits.device)
