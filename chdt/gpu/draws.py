"""Random masks of a batch, from chances and seeds that stay on the device (8, 9)."""

import torch

from chdt.checks.dtypes import SAME_SIZE
from chdt.checks.values import check_logits
from chdt.gpu.kernels.drawing import draw_kernel
from chdt.gpu.launching import BLOCK, tiles_of


def chances_of(logits: torch.Tensor) -> torch.Tensor:
    """F(a): how likely each pixel is foreground, in a new contiguous tensor (9)."""
    return torch.sigmoid(logits.detach().contiguous().to(check_logits(logits)))


def draw_masks(chances: torch.Tensor, seeds: torch.Tensor, draw: int, dtype: torch.dtype) -> torch.Tensor:
    """Masks of this dtype: +1 with the chance, and -1, or True and False; NaN, or False, where a chance is NaN."""
    masks = torch.empty(chances.shape, dtype=dtype, device=chances.device)
    words = masks.view(SAME_SIZE[dtype.itemsize])
    foreground, background, unknown = _words_of(dtype)
    pixels = chances.numel()
    if pixels > 0:
        draw_kernel[(tiles_of(pixels),)](
            chances, seeds, draw, words, pixels, foreground, background, unknown, BLOCK=BLOCK
        )
    return masks


def _words_of(dtype: torch.dtype) -> tuple[int, int, int]:
    """The bits of foreground, background and NaN as signed integers."""
    if dtype == torch.bool:
        return 1, 0, 0
    words = torch.tensor([1, -1, torch.nan], dtype=dtype, device="cpu").view(SAME_SIZE[dtype.itemsize])
    foreground, background, unknown = words.tolist()
    return foreground, background, unknown


def masks_from_seed(logits: torch.Tensor, seed: torch.Tensor) -> torch.Tensor:
    """`sample_masks` with the seed in a tensor of one. A logit that is NaN gives NaN: raising would have to wait."""
    return draw_masks(chances_of(logits), seed, 0, logits.dtype)
