"""distance_transform: the Chebyshev distance of each pixel to background (equation 3)."""

from chdt.checks.masks import ArrayOrTensor
from chdt.checks.spacing import Spacing
from chdt.checks.tracing import unscriptable
from chdt.cpu.per_pixel import DISTANCES
from chdt.per_pixel import answer_pixels


@unscriptable
def distance_transform(
    masks: ArrayOrTensor,
    *,
    spatial_dims: int = 2,
    spacing: Spacing | None = None,
    black_border: bool = False,
    out: ArrayOrTensor | None = None,
) -> ArrayOrTensor:
    """Chebyshev distance of each foreground pixel to the nearest background pixel, 0 for background.

    Parameters
    ----------
    masks : ndarray or Tensor, shape (..., H, W), or as many of the last dims as ``spatial_dims``
        ±1 of any signed integer or float dtype, or bool; +1 (True) is foreground. Pixels outside the grid are not
        background.
    spatial_dims : {1, 2, 3}
        How many trailing dims form the grid.
    spacing : float, or sequence, array or tensor of float, optional
        How far apart pixels are, along each spatial dim or along all of them; shape (..., spatial_dims) for a spacing
        of each image. Distances are then max over the dims of
        spacing times steps, float32 in the units of the spacing.
    black_border : bool
        Whether pixels outside the grid are background.
    out : ndarray or Tensor, shape (..., H, W), optional
        Where to write the answer: of the kind of the masks and on their device, of any integer or float dtype that
        holds max(H, W), float32 or float64 with a spacing. It must not overlap the masks. Memory that is there already
        makes a call much faster than memory that is new; a narrow dtype does too. If it is not contiguous, the answer
        is made first and then copied.

    Returns
    -------
    int32 ndarray or Tensor, or out, shape (..., H, W)
        Distances in pixels, on the device of the masks; float32 with a spacing. Without any background, the longest
        side everywhere, max(H, W): the smallest number that no distance in the grid reaches. With a spacing that side
        is spacing times pixels long. No gradient.

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
    scipy.ndimage.distance_transform_cdt : the same of one mask with ``metric="chessboard"``, but for -1 where there is
        no background.

    Notes
    -----
    Equation (3) of Baručić and Kybic (2022), ``d_i = min over background j of max(|i_y - j_y|, |i_x - j_x|)``, in
    volumes ``|i_z - j_z|``, too. In grids of up to 64 pixels a side the object is eroded until nothing is left,
    and each pixel's distance is how many erosions it outlives; larger ones take one scan of the rows, or slices, from
    the last to the first and one back, 64 pixels at a time.

    Examples
    --------
    >>> import numpy as np
    >>> from chdt import distance_transform
    >>> mask = np.ones((4, 7), dtype=bool)
    >>> mask[0, 1] = False
    >>> distance_transform(mask)
    array([[1, 0, 1, 2, 3, 4, 5],
           [1, 1, 1, 2, 3, 4, 5],
           [2, 2, 2, 2, 3, 4, 5],
           [3, 3, 3, 3, 3, 4, 5]], dtype=int32)

    Rows that are 2.5 times as far apart as columns:

    >>> distance_transform(mask, spacing=(2.5, 1))
    array([[1. , 0. , 1. , 2. , 3. , 4. , 5. ],
           [2.5, 2.5, 2.5, 2.5, 3. , 4. , 5. ],
           [5. , 5. , 5. , 5. , 5. , 5. , 5. ],
           [7.5, 7.5, 7.5, 7.5, 7.5, 7.5, 7.5]], dtype=float32)
    """
    return answer_pixels(DISTANCES, masks, spatial_dims, spacing, black_border, out)
