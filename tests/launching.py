"""For processes of their own: a parallel kernel of Numba, and with it one of Numba's threading layers."""

import os
import sys

import numba
import numpy as np


@numba.njit(parallel=True, nogil=True, cache=True)  # between the many processes that launch it
def doubled(values):
    """Twice the values."""
    result = np.empty_like(values)
    for i in numba.prange(values.size):
        result[i] = 2 * values[i]
    return result


def launch():
    """Start the layer that NUMBA_THREADING_LAYER names, or end the process where it is not to be had."""
    try:
        doubled(np.arange(10_000))
    except ValueError as error:
        print("skip", error)
        sys.exit()
    assert numba.threading_layer() == os.environ["NUMBA_THREADING_LAYER"]
