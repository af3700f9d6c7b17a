"""Random masks of a batch, from chances and seeds that stay on the device (8, 9)."""

import torch

from chdt.checks.dtypes import SAME_SIZE
from chdt.checks.values import check_logits
from chdt.gpu.kernels.drawing import draw_kernel
from chdt.gpu.launching import BLOCK, tiles_of


def chances_of(logits: torch.Tensor) -> torch.Tensor:
    """F(a): how likely each pixel is foreground, in a new contiguous tensor (9)."""
    given = logits.detach()
    wide = given.contiguous().to(check_logits(logits))
    return wide.sigmoid() if wide is given else wide.sigmoid_()


def draw_masks(chances: torch.Tensor, seeds: torch.Tensor, draw: int, dtype: torch.dtype) -> torch.Tensor:
    """Masks of this dtype: +1 with the chance, and -1, or True and False; NaN, or False, where a chance is NaN."""
    masks = torch.empty(chances.shape, dtype=dtype, device=chances.device)
    _draw(chances, seeds, draw, masks.view(SAME_SIZE[dtype.itemsize]), _words_of(dtype))
    return masks


def draw_marks(chances: torch.Tensor, seeds: torch.Tensor, draw: int) -> torch.Tensor:
    """The same masks as int32: -1 for foreground and 0 for background."""
    marks = torch.empty(chances.shape, dtype=torch.int32, device=chances.device)
    _draw(chances, seeds, draw, marks, (-1, 0, 0))
    return marks


def _draw(
    chances: torch.Tensor, seeds: torch.Tensor, draw: int, words: torch.Tensor, kinds: tuple[int, int, int]
) -> None:
    """Draw into words, of which there are three kinds: for foreground, background and where a chance is NaN."""
    pixels = chances.numel()
    if pixels > 0:
        draw_kernel[(tiles_of(pixels),)](chances, seeds, draw, words, pixels, *kinds, BLOCK=BLOCK)


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
