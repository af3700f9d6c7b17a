"""flip_sizes: the size after flipping one pixel, for every pixel at once (y with pixel i flipped, in 21)."""

from chdt.checks.masks import ArrayOrTensor
from chdt.checks.spacing import Spacing
from chdt.checks.tracing import unscriptable
from chdt.cpu.per_pixel import FLIP_SIZES
from chdt.per_pixel import answer_pixels


@unscriptable
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
    spacing : float, or sequence, array or tensor of float, optional
        How far apart pixels are, along each spatial dim or along all of them; shape (..., spatial_dims) for a spacing
        of each image. Sizes are then float32, in its units.
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
        numbers; a ``black_border`` that is neither True nor False.
    ValueError
        A mask value other than ±1 (its first index is named), an empty grid, fewer dims than the grid has; a spacing
        that is not from 1e-25 to 1e25, or has another number of dims; ``out`` is of another shape or device, too
        narrow, read-only, or overlaps the masks or itself, or torch exports or transforms the call. Nothing is written
        then.
    RuntimeError
        Under torch.jit.trace.

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
    return answer_pixels(FLIP_SIZES, masks, spatial_dims, spacing, black_border, out)
