"""flip_sizes: the size after flipping one pixel, for every pixel at once (y with pixel i flipped, in 21)."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from chdt.checks.answers import answer_into, check_out, deliver, new_answer
from chdt.checks.masks import ArrayOrTensor, grid_shape
from chdt.checks.spacing import Spacing, spacing_of
from chdt.checks.tracing import is_traced
from chdt.cpu.flips import flip_sizes_into, spaced_flip_sizes
from chdt.cpu.packed import PackedMasks, pack_masks


def flip_sizes(
    masks: ArrayOrTensor,
    *,
    spatial_dims: int = 2,
    spacing: Spacing | None = None,
    black_border: bool = False,
    out: ArrayOrTensor | None = None,
) -> ArrayOrTensor:
    """Size of the object after flipping each single pixel: entry i is the size of the mask with only pixel i flipped.

    Parameters
    ----------
    masks : ndarray or Tensor, shape (..., H, W), or as many of the last dims as ``spatial_dims``
        ±1 of any signed integer or float dtype, or bool; +1 (True) is foreground. Pixels outside the grid are not
        background.
    spatial_dims : {1, 2, 3}
        How many trailing dims form the grid.
    spacing : float or sequence of float, optional
        How far apart pixels are, along each spatial dim or along all of them. Sizes are then float32, in its units.
    black_border : bool
        Whether pixels outside the grid are background.
    out : ndarray or Tensor, shape (..., H, W), optional
        Where to write the answer: of the kind of the masks and on their device, of any integer or float dtype that
        holds 2·max(H, W), float32 or float64 with a spacing. It must not overlap the masks. If it is not contiguous,
        the answer is made first and then copied.

    Returns
    -------
    int32 ndarray or Tensor, or out, shape (..., H, W)
        Sizes in pixels as `object_size` gives them, on the device of the masks: at most 2 where a mask has no
        foreground; where it has no background, twice the distance to the farthest corner. Float32 with a spacing. No
        gradient.

    Raises
    ------
    TypeError
        Masks or ``out`` are neither array nor dense tensor, or of an unfit dtype; a spacing that is not made of
        numbers.
    ValueError
        A mask value other than ±1 (its first index is named), an empty grid, fewer dims than the grid has; a spacing
        that is not from 1e-25 to 1e25, or has another number of dims; ``out`` is of another shape or device, too
        narrow, read-only, or overlaps the masks or itself. Nothing is written then.

    See Also
    --------
    object_size : the size without any flip.

    Notes
    -----
    The g(y with i flipped) of equation (21) of Baručić and Kybic (2022), for all pixels i and exactly, in about the
    time of two or three distance transforms, more where images are tiny or have hardly any background; by definition it
    takes one transform a pixel.

    Examples
    --------
    A square of 3 by 3 pixels has size 4. Without its centre it has size 2; adding a pixel does not change it.

    >>> import numpy as np
    >>> from chdt import flip_sizes
    >>> mask = np.zeros((5, 6), dtype=bool)
    >>> mask[1:4, 1:4] = True
    >>> flip_sizes(mask)
    array([[4, 4, 4, 4, 4, 4],
           [4, 2, 2, 2, 4, 4],
           [4, 2, 2, 2, 4, 4],
           [4, 2, 2, 2, 4, 4],
           [4, 4, 4, 4, 4, 4]], dtype=int32)

    Filling the hole in an object that the border cuts on three sides makes it grow from 4 to 10.

    >>> mask = np.ones((5, 7), dtype=bool)
    >>> mask[:, 5:] = mask[2, 1] = False
    >>> int(flip_sizes(mask)[2, 1])
    10
    """
    spaced = spacing_of(spacing, spatial_dims)
    if out is None and is_traced(masks):
        return torch.ops.chdt.flip_sizes(masks, spatial_dims, spaced, black_border)  # type: ignore[no-any-return]
    shape = grid_shape(masks, spatial_dims)
    largest = 2 * shape.cap
    if spaced is None and not black_border:
        answer = new_answer(masks, tuple(masks.shape), largest) if out is None else answer_into(out, masks, largest)
        flip_sizes_into(pack_masks(masks, spatial_dims, shape=shape), answer.words)
        return answer.finish()  # type: ignore[no-any-return]
    if out is not None:
        check_out(out, masks, largest if spaced is None else None)
    packed: PackedMasks = pack_masks(masks, spatial_dims, black_border, shape)
    sizes: npt.NDArray[Any]
    if spaced is None or len(set(spaced)) == 1:
        sizes = np.empty((packed.images, *packed.shape), np.int32)
        flip_sizes_into(packed, sizes.reshape(-1).view(np.uint32))
        if spaced is not None:
            sizes = np.multiply(sizes, spaced[0], dtype=np.float64).astype(np.float32)
    else:
        sizes = spaced_flip_sizes(packed, spaced)
    return deliver(packed.inside(sizes).reshape(tuple(masks.shape)), masks, out)  # type: ignore[no-any-return]
