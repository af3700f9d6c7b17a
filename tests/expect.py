"""Whether a function says of each mask what its definition says, and leaves the masks alone."""

import functools

import numpy as np
import oracles
import torch

from chdt import distance_transform, flip_sizes, object_size

ORACLES = {
    distance_transform: oracles.fast_distances,
    object_size: oracles.fast_size,
    flip_sizes: oracles.fast_flip_sizes,
}


@functools.lru_cache(maxsize=50)  # the same masks come in many forms, one after the other
def _expected(function, pixels, shape, spatial_dims):
    return oracles.each(ORACLES[function], np.frombuffer(pixels, bool).reshape(shape), spatial_dims)


def expect(function, given, masks=None, spatial_dims=2, **options):
    """The answer, once it is right: that of the oracle for the same masks as bool, every one and every pixel."""
    masks = given if masks is None else masks
    is_tensor = isinstance(given, torch.Tensor)
    before = given.clone() if is_tensor else given.copy()
    answer = function(given, spatial_dims=spatial_dims, **options)
    masks = np.asarray(masks, bool)
    expected = _expected(function, masks.tobytes(), masks.shape, spatial_dims)
    np.testing.assert_array_equal(answer.numpy() if is_tensor else answer, expected)
    is_scalar = function is object_size and given.ndim == spatial_dims  # one array has one size, as NumPy reduces
    assert type(answer) is (torch.Tensor if is_tensor else np.int32 if is_scalar else np.ndarray)
    assert answer.dtype == (torch.int32 if is_tensor else np.int32)
    assert answer.shape == (given.shape[:-spatial_dims] if function is object_size else given.shape)
    assert torch.equal(given, before) if is_tensor else (given == before).all()
    return answer
