"""Random masks of a batch, from chances and a seed (8, 9)."""

import numpy as np
import torch

from chdt.checks.dtypes import SAME_SIZE, WORD_OF_SIZE
from chdt.checks.masks import both_words
from chdt.checks.values import check_logits, nan_logit
from chdt.cpu.kernels.drawing import draw
from chdt.cpu.kernels.packing import WORD_BITS, Words, packed_words, unpack
from chdt.cpu.threads import share

SIGMOIDS = 1 << 14  # in one call of torch.sigmoid: few enough for torch not to divide them among its threads


def draw_packed(chances: torch.Tensor, seed: int) -> Words:
    """Draw a packed batch, each pixel foreground with its chance; a chance that is NaN raises."""
    host = chances.cpu().contiguous().view(-1).numpy()
    packed = np.zeros(packed_words(host.size), np.uint64)
    nan: list[int] = []

    def work(first: int, last: int) -> None:
        rest = np.empty(WORD_BITS, host.dtype)
        found = draw(
            host[first * WORD_BITS : last * WORD_BITS], rest, np.uint64(seed), first * WORD_BITS, packed[first:last]
        )
        if found >= 0:
            nan.append(first * WORD_BITS + found)

    share(work, -(-host.size // WORD_BITS), WORD_BITS)
    if nan:
        raise nan_logit(chances, min(nan))
    return packed


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
            for begin in range(first * SIGMOIDS, last * SIGMOIDS, SIGMOIDS):
                torch.sigmoid(flat[begin : begin + SIGMOIDS].to(dtype), out=answer[begin : begin + SIGMOIDS])

    share(work, -(-len(flat) // SIGMOIDS), SIGMOIDS)
    return chances


def masks_from_seed(logits: torch.Tensor, seed: torch.Tensor) -> torch.Tensor:
    """`sample_masks` with the seed in a tensor of one."""
    chances = chances_of(logits)
    packed = draw_packed(chances, int(seed))
    values = torch.empty(chances.shape, dtype=logits.dtype, device="cpu")
    integers = values.view(-1).view(SAME_SIZE[values.itemsize]).numpy()
    foreground, background = both_words(logits.dtype)
    unpack(packed, foreground, background, integers.view(WORD_OF_SIZE[values.itemsize]))
    return values.to(logits.device)
