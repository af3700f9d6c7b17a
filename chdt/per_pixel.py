"""What `distance_transform` and `flip_sizes` have in common: one answer for each pixel, new or in ``out``."""

import torch

from chdt.checks.masks import ArrayOrTensor, check_black_border, plain_tensor
from chdt.checks.spacing import Spacing, spacing_of
from chdt.checks.tracing import apart_from_graphs, is_traced
from chdt.cpu.per_pixel import Answers
from chdt.wings import answers_of

_answers_apart = apart_from_graphs(answers_of)


def answer_pixels(
    kind: Answers,
    masks: ArrayOrTensor,
    spatial_dims: int,
    spacing: Spacing | None,
    black_border: bool,
    out: ArrayOrTensor | None,
) -> ArrayOrTensor:
    """Give what the operator of this kind gives where torch traces, and the same from the wing itself elsewhere."""
    masks = plain_tensor(masks, "masks")
    spaced, black_border = spacing_of(spacing, spatial_dims, masks), check_black_border(black_border)
    if out is not None:
        _answers_apart(kind, masks, spatial_dims, spaced, black_border, plain_tensor(out, "out"))
        return out
    if is_traced(masks):
        operator = getattr(torch.ops.chdt, kind.operator)
        return operator(masks, spatial_dims, spaced, black_border)  # type: ignore[no-any-return]
    return _answers_apart(kind, masks, spatial_dims, spaced, black_border, None)  # type: ignore[no-any-return]
