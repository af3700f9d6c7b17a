"""Distances, sizes and flips in the GPUs' wing by brute force; layouts, errors, and what a graph leaves out."""

import numpy as np
import oracles
import pytest
import torch
from calls import given_tensors
from strategies import all_but, objects, random_masks
from wing import called_there, on_gpu, there

from chdt import distance_transform, flip_sizes, mask_of_size, object_size, threshold_of_size
from chdt.checks.shape import Shape

FUNCTIONS = [distance_transform, object_size, flip_sizes]
PLAIN = {distance_transform: oracles.distances, object_size: oracles.size, flip_sizes: oracles.flip_sizes}
FAST = {**PLAIN, object_size: oracles.fast_size, flip_sizes: oracles.fast_flip_sizes}
SPACED = {
    distance_transform: oracles.spaced_distances,
    object_size: oracles.spaced_size,
    flip_sizes: oracles.spaced_flip_sizes,
}

each_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)


def with_border(oracle):
    """The same with pixels of background around the grid."""

    def bordered(mask, *spacing):
        answers = oracle(np.pad(mask, 1), *spacing)
        return answers[(slice(1, -1),) * mask.ndim] if np.ndim(answers) else answers

    return bordered


def expect(function, masks, spatial_dims=2, oracle=None, dtype=int, **options):
    answers = called_there(function, torch.from_numpy(masks), spatial_dims=spatial_dims, **options)
    expected = oracles.each(oracle or PLAIN[function], masks, spatial_dims, dtype)
    np.testing.assert_array_equal(answers.numpy(), expected)
    assert answers.dtype == (torch.float32 if dtype is np.float32 else torch.int32)


@each_function
@pytest.mark.parametrize("shape", [(2, 17, 9), (1, 16, 33), (2, 3, 70)])
def test_images_of_several_tiles(function, shape):
    oracle = FAST[function]
    expect(function, random_masks(shape, 0.93), oracle=oracle)
    expect(function, objects(shape[1:], 3)[None], oracle=oracle)


@each_function
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 4, 1, 7), (1, 1, 3, 3)])
def test_volumes(function, shape):
    expect(function, random_masks(shape, 0.9, spatial_dims=3), 3)
    expect(function, all_but(shape[1:], (0, 0, 1))[None], 3)


@each_function
@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
@pytest.mark.parametrize(("spacing", "odd"), [((0.7, 0.7, 0.7), 0), ((2.5, 1, 1), 1), ((0.3, 0.9, 4), 0)], ids=str)
def test_spacing(function, spatial_dims, spacing, odd):
    black_border = spatial_dims % 2 == odd  # in turn
    shape, steps = (2, 3, 4, 6)[: spatial_dims + 1], spacing[:spatial_dims]
    masks = random_masks(shape, 0.85, spatial_dims=spatial_dims)
    masks[0] = True
    oracle = with_border(SPACED[function]) if black_border else SPACED[function]
    expect(
        function, masks, spatial_dims, lambda mask: oracle(mask, steps), np.float32,
        spacing=steps, black_border=black_border,
    )  # fmt: skip


@each_function
@pytest.mark.parametrize("shape", [(2, 7), (2, 4, 6), (2, 3, 4, 5)], ids=str)
def test_black_border(function, shape):
    spatial_dims = len(shape) - 1
    masks = random_masks(shape, 0.9, spatial_dims=spatial_dims)
    masks[0] = True
    expect(function, masks, spatial_dims, with_border(PLAIN[function]), black_border=True)


@pytest.mark.parametrize(("length", "dtype"), [(1 << 15, torch.int32), ((1 << 15) + 1, torch.int64)])
def test_the_largest_table_of_32_bits(length, dtype):
    """Which masks without foreground fill to the last bit."""
    from chdt.gpu.box_sums import box_sums, index_bits_of

    shape = Shape(1, 1, length)
    counted = np.arange(length) + (1 << index_bits_of(shape))
    with on_gpu():
        table = box_sums(there(torch.zeros((1, *shape), dtype=torch.int8)), shape).cpu()
    assert table.dtype == dtype
    np.testing.assert_array_equal(table.view(-1).numpy(), np.cumsum(counted))


@each_function
@pytest.mark.parametrize("layout", ["transposed", "stepped", "expanded", "negated", "conjugated"])
def test_layouts(function, layout):
    masks = torch.from_numpy(random_masks((3, 4, 5), 0.8))
    signs = torch.where(masks, 1.0, -1.0)
    if layout == "transposed":
        given = signs.permute(2, 0, 1).contiguous().permute(1, 2, 0)
    elif layout == "stepped":
        given = torch.zeros(3, 8, 10)[:, ::2, ::2].copy_(signs)
    elif layout == "expanded":
        given = signs[:1].expand(3, 4, 5)
    elif layout == "negated":
        given = torch._neg_view(-signs)
    else:
        given = torch.complex(signs, -signs).conj().imag  # negated when it is read
    foreground = (given > 0).numpy()
    np.testing.assert_array_equal(called_there(function, given).numpy(), oracles.each(PLAIN[function], foreground))


@pytest.mark.parametrize(("function", "value"), [(distance_transform, 0), (object_size, 2), (flip_sizes, -3)])
def test_the_first_invalid_value_is_named(function, value):
    masks = torch.ones(3, 40, 30, dtype=torch.int16)  # several programs read them
    masks[1, 5, 7] = masks[2, 0, 0] = value
    with pytest.raises(ValueError, match=rf"masks\[1, 5, 7\] is {value}"):
        called_there(function, masks)
    with pytest.raises(ValueError, match=r"masks\[1, 7, 5\]"):
        called_there(function, masks.transpose(1, 2))


@pytest.mark.parametrize("function", [threshold_of_size, mask_of_size])
def test_logits_that_torch_negates_later(function):
    given = given_tensors(shape=(2, 3, 4))
    logits, sizes = given.logits, given.sizes
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        plain = logits.to(dtype)
        assert called_there(function, torch._neg_view(-plain), sizes).equal(called_there(function, plain, sizes))


@each_function
def test_nothing_is_checked_in_a_graph(function, monkeypatch):
    """What is not +1 is background then."""
    monkeypatch.setattr("chdt.gpu.reading.is_captured", lambda device: True)
    masks = torch.ones(5, 6)
    masks[1, 2] = 0
    expected = PLAIN[function]((masks == 1).numpy())
    np.testing.assert_array_equal(called_there(function, masks).numpy(), expected)


@pytest.mark.parametrize("function", [distance_transform, flip_sizes])
def test_nothing_is_written_where_masks_are_invalid(function):
    out = there(torch.full((4, 5), 7))
    with on_gpu(), pytest.raises(ValueError, match="must hold only"):
        function(there(torch.zeros(4, 5)), out=out)
    assert (out == 7).all()


def test_windows_that_reach_far_beyond_a_wide_image(monkeypatch):
    """So far that a row above it, times the width, is beyond 32 bits."""
    monkeypatch.setattr("chdt.gpu.box_sums.IMAGE_TILE", (2, 1 << 16))  # one program
    masks = np.ones((1, 2, 49_152), bool)
    masks[0, 0, 0] = False
    expect(distance_transform, masks, oracle=oracles.fast_distances)


def test_images_that_are_too_large():
    """Before anything is computed; thresholds, too, for which no table is made."""
    from chdt.gpu.reading import grid_of
    from chdt.gpu.sizes import sizes_of_masks
    from chdt.gpu.thresholds import weakest_pixels_of_ranks

    for shape in (Shape(2, 1 << 15, 1 << 15), Shape(1, 1, 1 << 30)):
        masks = torch.zeros(1, dtype=torch.bool).expand(1, *shape)
        logits, ranks = torch.zeros(1).expand(1, *shape), torch.ones((1, 1), dtype=torch.int64)
        with pytest.raises(ValueError, match=r"images on a GPU may have up to 2147482624 pixels"):
            grid_of(masks, 3)
        with pytest.raises(ValueError, match=r"images on a GPU may have up to 2147482624 pixels"):
            sizes_of_masks(masks, 3, None, False)
        with pytest.raises(ValueError, match=r"images on a GPU may have up to 2147482624 pixels"):
            weakest_pixels_of_ranks(logits, ranks, 3, None, False)
