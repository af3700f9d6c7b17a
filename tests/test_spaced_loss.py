"""The loss, its gradient, thresholds and the metric with a spacing and a border: by enumeration and by definition."""

import numpy as np
import oracles
import pytest
import torch
from strategies import every_mask, objects

from chdt import (
    ExpectedSizeLoss,
    distance_transform,
    expected_size_loss,
    flip_sizes,
    mask_of_size,
    object_size,
    sampled_gradient,
    squared_size_error,
    threshold_of_size,
)
from chdt.cpu import route
from chdt.cpu.draws import masks_from_seed
from chdt.seeds import seeds_for

BORDERS = pytest.mark.parametrize("black_border", [False, True])


@pytest.fixture(params=["counted", "crossed"])
def way(request):
    """Both ways to distances: by erosions in small grids, and axis by axis in large ones."""
    limit = route.SMALL_MAX_SIDE_PIXELS if request.param == "counted" else 0
    with route.overridden(SMALL_MAX_SIDE_PIXELS=limit):
        yield request.param


def size_by_definition(mask, spacing, black_border):
    return float(oracles.spaced_size(np.pad(mask, 1) if black_border else mask, spacing))


@BORDERS
@pytest.mark.parametrize(
    ("grid", "spacing"),
    [((3, 4), (3, 1)), ((2, 5), (0.1, 0.3)), ((4, 3), (np.pi, np.sqrt(2))), ((2, 2, 3), (5, 0.8, 0.8)), ((9,), (0.7,))],
)
def test_unbiased(way, grid, spacing, black_border):
    """The mean of (21) over all masks is the derivative of the expected loss, written out as the sum that it is."""
    masks, size = every_mask(grid), 1.3
    pixels = masks[0].size
    torch.manual_seed(0)
    chances = torch.sigmoid(torch.randn(pixels, dtype=torch.float64)).requires_grad_()
    foreground = torch.from_numpy(masks.reshape(-1, pixels))
    weights = torch.where(foreground, chances, 1 - chances).prod(1)
    sizes = torch.tensor([size_by_definition(mask, spacing, black_border) for mask in masks], dtype=torch.float64)
    exact = (weights * (size - sizes) ** 2).sum()
    (expected,) = torch.autograd.grad(exact, chances)
    targets = torch.full((len(masks),), size, dtype=torch.float64)
    options = {"spatial_dims": len(grid), "spacing": spacing, "black_border": black_border}
    losses, gradient = sampled_gradient(torch.from_numpy(masks), targets, **options)
    weights = weights.detach()
    torch.testing.assert_close((weights * losses).sum(), exact.detach(), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close((weights @ gradient.reshape(-1, pixels)), expected, rtol=1e-10, atol=1e-10)


@BORDERS
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_draws_are_those_without_spacing(way, black_border, dtype):
    torch.manual_seed(0)
    logits = torch.randn(6, 12, 9).to(dtype).requires_grad_()
    sizes = torch.arange(6.0)
    weight = torch.tensor([1.0, 0, 2, 3, 1, 1])
    options = {"spacing": (2.5, 1), "black_border": black_border}
    generator = torch.Generator().manual_seed(5)
    values = expected_size_loss(
        logits, sizes, weight=weight, n_samples=3, reduction="none", generator=generator, **options
    )
    (gradient,) = torch.autograd.grad(values.sum(), logits)
    seeds = seeds_for(3, torch.Generator().manual_seed(5), torch.device("cpu"))
    double = dtype == torch.float64
    expected, slope = torch.zeros_like(values), torch.zeros(logits.shape, dtype=values.dtype)
    for k in range(3):
        samples = masks_from_seed(logits.detach(), seeds[k : k + 1])
        losses, of_sample = sampled_gradient(samples, sizes.double() if double else sizes, **options)
        expected += losses / 3 * weight
        slope += of_sample / 3 * weight[:, None, None]
    chances = torch.sigmoid(logits.detach().to(values.dtype))
    torch.testing.assert_close(values, expected)
    torch.testing.assert_close(gradient, (slope * chances * (1 - chances)).to(dtype))
    assert (gradient[1] == 0).all()


def test_spacing_one_is_no_spacing(way):
    logits = torch.randn(5, 10, 12)
    for black_border in (False, True):
        values = []
        for spacing in (None, 1, (1, 1 + 1e-9)):
            torch.manual_seed(1)
            values.append(expected_size_loss(logits, torch.ones(5), spacing=spacing, black_border=black_border))
        assert values[0] == values[1] == values[2]


@BORDERS
def test_a_spacing_for_each_image(way, black_border):
    spacing = torch.tensor([[2.5, 1], [1, 1], [2.5, 1], [0.3, 0.7], [0.3, 0.7], [2, 2]], dtype=torch.float64)
    masks = np.stack([objects((12, 9), 2, seed) for seed in range(6)])
    for function in (distance_transform, object_size, flip_sizes):
        together = function(masks, spacing=spacing, black_border=black_border)
        assert together.dtype == np.float32
        for image, number in enumerate(spacing):
            alone = function(masks[image], spacing=tuple(number.tolist()), black_border=black_border)
            np.testing.assert_array_equal(together[image], alone)
        grouped = function(
            masks.reshape(2, 3, 12, 9), spacing=spacing.reshape(2, 3, 2).numpy(), black_border=black_border
        )
        np.testing.assert_array_equal(grouped.reshape(together.shape), together)
    sizes = torch.arange(6.0)
    losses, gradient = sampled_gradient(
        torch.from_numpy(masks), sizes, spacing=spacing.tolist(), black_border=black_border
    )
    noisy = torch.randn(6, 12, 9)
    options = {"black_border": black_border}
    thresholds = threshold_of_size(noisy, sizes, spacing=spacing, **options)
    wanted = mask_of_size(noisy, sizes, spacing=spacing, **options)
    errors = squared_size_error(torch.from_numpy(masks), noisy > 0, spacing=spacing, **options)
    for image, number in enumerate(spacing.tolist()):
        alone = {"spacing": number, **options}
        loss, slope = sampled_gradient(torch.from_numpy(masks[image]), sizes[image], **alone)
        assert loss == losses[image]
        assert torch.equal(slope, gradient[image])
        assert threshold_of_size(noisy[image], sizes[image], **alone) == thresholds[image]
        assert torch.equal(mask_of_size(noisy[image], sizes[image], **alone), wanted[image])
        assert squared_size_error(torch.from_numpy(masks[image]), noisy[image] > 0, **alone) == errors[image]


def test_each_image_draws_as_in_the_whole_batch():
    logits, spacing = torch.randn(4, 12, 9), torch.tensor([[2.5, 1], [1, 1], [0.3, 0.7], [2.5, 1]])
    values = expected_size_loss(
        logits, torch.ones(4), spacing=spacing, reduction="none", generator=torch.Generator().manual_seed(5)
    )
    samples = masks_from_seed(logits, seeds_for(1, torch.Generator().manual_seed(5), torch.device("cpu")))
    assert torch.equal(values, sampled_gradient(samples, torch.ones(4), spacing=spacing)[0])
    module = ExpectedSizeLoss(reduction="none", generator=torch.Generator().manual_seed(5))
    assert torch.equal(module(logits, torch.ones(4), spacing=spacing), values)


def test_an_image_with_a_wrong_value_is_named_by_its_place_in_the_batch():
    masks = np.ones((4, 3, 5), np.float32)
    masks[3, 1, 2] = 0
    for function in (distance_transform, object_size, flip_sizes):
        with pytest.raises(ValueError, match=r"masks\[3, 1, 2\]"):
            function(masks, spacing=np.array([[1, 2], [2, 1], [1, 2], [3, 1]]))


@pytest.mark.parametrize(
    ("spacing", "message"),
    [
        (np.ones((3, 2)), r"shape \(3, 2\), but there are images of shape \(4,\)"),
        (np.ones((4, 3)), r"shape \(4, 3\), but there are images|3 numbers"),
        ([[1, 2], [1, 0], [1, 1], [1, 1]], r"spacing\[1, 1\] is 0"),
        (torch.tensor([[1, 2], [1, 1], [torch.nan, 1], [1, 1]]), r"spacing\[2, 0\] is nan"),
    ],
)
def test_a_bad_spacing_of_images(spacing, message):
    with pytest.raises(ValueError, match=message):
        object_size(np.ones((4, 3, 5), bool), spacing=spacing)
    with pytest.raises(ValueError, match=message):
        expected_size_loss(torch.zeros(4, 3, 5), torch.zeros(4), spacing=spacing)


@BORDERS
@pytest.mark.parametrize(
    ("grid", "spacing"),
    [
        ((7, 9), (3, 1)),
        ((7, 9), (0.3, 0.7)),
        ((4, 5, 6), (5, 0.8, 0.8)),
        ((20,), (1.7,)),
        ((1, 9), (2, 1)),
        ((5, 5), 2),
    ],
)
def test_thresholds_by_trying_each(grid, spacing, black_border):
    torch.manual_seed(0)
    options = {"spatial_dims": len(grid), "spacing": spacing, "black_border": black_border}
    logits = torch.randn(grid)
    cuts = logits.reshape(-1).sort().values
    sizes = object_size(logits > cuts.reshape(-1, *[1] * len(grid)), **options)
    largest = object_size(torch.ones(grid, dtype=torch.bool), **options)
    assert len(sizes.unique()) > 2
    for size in [*sizes.unique(), largest, largest * 2]:
        found = threshold_of_size(logits, size, **options)
        if size == 0 or size > largest:
            assert found == (torch.inf if size == 0 else -torch.inf)
        else:
            assert found == cuts[sizes < size][0]
        if size in sizes:
            assert object_size(mask_of_size(logits, size, **options), **options) == size


def test_errors_are_in_units_of_the_spacing():
    target = torch.from_numpy(objects((12, 9), 2))
    for options in ({"spacing": (2.5, 1)}, {"spacing": (2.5, 1), "black_border": True}, {"black_border": True}):
        expected = (object_size(target, **options) - object_size(~target, **options)).float() ** 2
        assert squared_size_error(target, ~target, **options) == expected


@BORDERS
def test_compiled_exported_and_mapped(black_border):
    options = {"spacing": (2.5, 1.0), "black_border": black_border}
    logits, sizes = torch.randn(4, 10, 11), torch.ones(4)
    compiled = torch.compile(
        lambda a, s: expected_size_loss(a, s, reduction="none", **options), fullgraph=True, backend="aot_eager"
    )
    for batch in (logits, torch.randn(4, 14, 11)):
        torch.manual_seed(3)
        expected = expected_size_loss(batch, sizes, reduction="none", **options)
        torch.manual_seed(3)
        assert torch.equal(compiled(batch, sizes), expected)
    exported = torch.export.export(ExpectedSizeLoss(**options), (logits, sizes)).module()
    torch.manual_seed(3)
    expected = expected_size_loss(logits, sizes, **options)
    torch.manual_seed(3)
    assert torch.equal(exported(logits, sizes), expected)
    mapped = torch.func.vmap(lambda y, s: sampled_gradient(y, s, **options)[1])(logits > 0, sizes)
    assert torch.equal(mapped, sampled_gradient(logits > 0, sizes, **options)[1])
    mapped = torch.func.vmap(lambda a, s: threshold_of_size(a, s, **options))(logits, sizes)
    assert torch.equal(mapped, threshold_of_size(logits, sizes, **options))
    each = torch.rand(4, 2) + 0.1
    batches = torch.rand(3, 4, 8, 9) < 0.8
    for function in (object_size, flip_sizes):
        mapped = torch.func.vmap(lambda masks, function=function: function(masks, spacing=each))(batches)
        assert torch.equal(mapped, function(batches, spacing=each))


def test_a_spacing_in_a_tensor_that_torch_maps_or_exports_is_refused():
    masks, each = torch.rand(4, 8, 9) < 0.8, torch.rand(4, 2) + 0.1
    with pytest.raises(TypeError, match="cannot be read while torch exports or transforms .* give one positive number"):
        torch.func.vmap(lambda mask, spacing: object_size(mask, spacing=spacing))(masks, each)

    class Sizes(torch.nn.Module):
        def forward(self, masks, spacing):
            return object_size(masks, spacing=spacing)

    with pytest.raises(TypeError, match="cannot be read while torch exports or transforms"):
        torch.export.export(Sizes(), (masks, each))


def test_a_size_beyond_the_grid_is_warned_of_in_units():
    with pytest.warns(UserWarning, match="at most 24"):
        expected_size_loss(torch.zeros(4, 5), torch.tensor(25.0), spacing=(3, 1))


def test_volumes_of_scanners_in_millimetres():
    """Arrays as SimpleITK gives them: dims in z, y, x order, spacing in x, y, z order."""
    z, y, x = np.ogrid[:6, :14, :16]
    for get_spacing in ((0.8, 0.8, 5.0), (1.5, 1.5, 2.0)):
        spacing = get_spacing[::-1]
        volume = ((z - 3) * spacing[0]) ** 2 + ((y - 7) * spacing[1]) ** 2 + ((x - 8) * spacing[2]) ** 2 < 5.1**2
        size = float(object_size(volume, spatial_dims=3, spacing=spacing))
        assert size == size_by_definition(volume, spacing, False)
        assert 4 < size < 2 * 5.1  # millimetres: a box within a ball is smaller than the ball
        assert size != float(object_size(volume, spatial_dims=3))
