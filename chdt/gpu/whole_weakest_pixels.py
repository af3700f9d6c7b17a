"""Thresholds of small images, of which a program does a whole one, for all its ranks, in one launch."""

import torch

from chdt.checks.pixels import ABOVE_ALL, BELOW_ALL
from chdt.checks.shape import Shape
from chdt.checks.values import check_logits
from chdt.gpu import whole_images
from chdt.gpu.box_sums import dims_of
from chdt.gpu.kernels.whole_weakest_pixels import whole_weakest_pixels_kernel
from chdt.gpu.ranks import Ranks
from chdt.gpu.reading import as_it_is

BLOCK = 512  # pixels at once, where they are looked at one by one

MOST_COPIED_BYTES = 4  # of a logit that has to be copied: more would not find room beside minima


def one_program_does(logits: torch.Tensor, shape: Shape) -> bool:
    """Whether a program can do an image: a small one, and as it is if it takes much memory."""
    is_copied = not logits.is_contiguous() or logits.is_neg()
    return shape.pixels <= whole_images.MOST_PIXELS and (not is_copied or logits.itemsize <= MOST_COPIED_BYTES)


def weakest_of_whole_images(
    logits: torch.Tensor, ranks: torch.Tensor, lists: Ranks, shape: Shape, border: Shape
) -> torch.Tensor:
    """What `weakest_pixels_of_ranks` gives."""
    count = ranks.shape[-1]
    images, wide = ranks.numel() // count, check_logits(logits)
    minima, best = (logits.new_empty(images * more, dtype=wide) for more in (2 * shape.pixels, 1))
    numbers, found = ranks.new_empty(images * 6), torch.empty(ranks.shape, dtype=ranks.dtype, device=ranks.device)
    lines, at_once = whole_images.LINE_TILE if dims_of(shape) == 1 else whole_images.OTHER_TILE
    whole_weakest_pixels_kernel[(images,)](
        as_it_is(logits), ranks.contiguous(), count,
        lists.steps, lists.list_of, lists.each, lists.last, lists.cap, minima, numbers, best, found,
        *shape, *border, ABOVE_ALL, BELOW_ALL,
        SPACED=lists.steps is not None, DIMS=dims_of(shape), LINES=lines, ALONG_BLOCK=at_once, BLOCK=BLOCK,
        num_warps=whole_images.WARPS,
    )  # fmt: skip
    return found
