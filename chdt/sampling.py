"""sample_masks: random masks, each pixel foreground with the chance that its logit stands for (8)."""

import torch

from chdt.checks.masks import plain_tensor
from chdt.checks.tracing import is_traced, unscriptable
from chdt.checks.values import check_generator, check_logits
from chdt.seeds import seeds_for
from chdt.wings import masks_from_seed


@unscriptable
def sample_masks(logits: torch.Tensor, *, generator: torch.Generator | None = None) -> torch.Tensor:
    """Draw a random mask: each pixel is +1 with the chance that its logit stands for, and -1 otherwise.

    Parameters
    ----------
    logits : Tensor, any shape
        The output a of a network, float16, bfloat16, float32 or float64. ±inf is certain.
    generator : torch.Generator, optional
        Where the seed of the draw comes from; by default torch's own, of the GPU where logits are on one, so that
        ``torch.manual_seed`` makes it reproducible.

    Returns
    -------
    Tensor, shape and dtype of logits
        ±1, on the device of the logits. No gradient. The same for any number of threads.

    Raises
    ------
    TypeError
        Not a tensor of these dtypes; a generator that is none.
    ValueError
        A logit is NaN (its first index is named). On a GPU, which would have to be waited for, it is drawn as NaN.

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
    logits = plain_tensor(logits, "logits")
    check_logits(logits)
    check_generator(generator)
    seed = seeds_for(1, generator, logits.device)
    if is_traced(logits) or is_traced(seed):
        return torch.ops.chdt.masks_from_seed(logits, seed)  # type: ignore[no-any-return]
    return masks_from_seed(logits, seed)
