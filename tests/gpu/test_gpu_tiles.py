"""Images of which a program does a tile, as of large ones: here small ones are done so, and get the same answers."""

import pytest
import torch
from wing import assert_same, called_there

from chdt import distance_transform, expected_size_loss, flip_sizes, object_size, sampled_gradient
from chdt.gpu import whole_images
from chdt.gpu.reading import grid_of

OPTIONS = {
    "plain": {},
    "border": {"black_border": True},
    "spacing": {"spacing": (2.5, 1.0, 0.7)},
    "equal": {"spacing": 2.5, "black_border": True},
    "each": {"spacing": torch.tensor([[0.7, 0.7, 0.7], [2.5, 1.0, 0.9]]), "black_border": True},
}


def options_of(name, dims):
    options = {**OPTIONS[name], "spatial_dims": dims}
    if isinstance(options.get("spacing"), tuple):
        options["spacing"] = options["spacing"][:dims]
    if isinstance(options.get("spacing"), torch.Tensor):
        options["spacing"] = options["spacing"][:, :dims]
    return options


@pytest.fixture
def in_tiles(monkeypatch):
    monkeypatch.setattr(whole_images, "MOST_PIXELS", 0)


def logits_of(*grid):
    logits = 2 + 2 * torch.randn((2, *grid), generator=torch.Generator().manual_seed(0))
    logits[0] += 3
    return logits


def derivatives(logits, sizes, **options):
    logits = logits.detach().clone().requires_grad_()
    value = expected_size_loss(logits, sizes, generator=torch.Generator().manual_seed(2), reduction="none", **options)
    value.sum().backward()
    return value.detach(), logits.grad


SIZES = torch.tensor([2.0, 6.0])

# Around tiles, and each option with one, two and three dims or some of them.
CASES = [
    ((513,), "plain"),
    ((9,), "each"),
    ((17, 33), "plain"),
    ((5, 7), "border"),
    ((5, 7), "spacing"),
    ((4, 5), "each"),
    ((2, 17, 3), "plain"),
    ((3, 4, 2), "spacing"),
    ((2, 3, 3), "border"),
    ((1, 6), "equal"),
]


@pytest.mark.parametrize(("grid", "name"), CASES, ids=str)
def test_functions_of_masks(in_tiles, grid, name):
    for function in (distance_transform, object_size, flip_sizes):
        assert_same(function, logits_of(*grid) > 0, **options_of(name, len(grid)))


@pytest.mark.parametrize(("grid", "name"), CASES, ids=str)
def test_the_loss(in_tiles, grid, name):
    options, logits = options_of(name, len(grid)), logits_of(*grid)
    assert_same(derivatives, logits, SIZES, **options)
    assert_same(sampled_gradient, torch.where(logits > 0, 1, -1), SIZES, **options)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_several_samples_nan_and_weights(in_tiles, dtype):
    logits = logits_of(4, 5)[[0, 1, 1, 0]].to(dtype)
    logits[1, 2, 2] = logits[2, 1, 1] = torch.nan
    sizes, weight = torch.tensor([2.0, 4.0, torch.nan, 2.0]), torch.tensor([0.5, 1.0, 0.0, 2.0])
    value, gradient = called_there(derivatives, logits, sizes, weight=weight, n_samples=3)
    assert value.isnan().tolist() == [False, True, False, False]
    assert gradient.isnan().nonzero().tolist() == [[1, 2, 2]]
    host = derivatives(logits[[0, 3]], sizes[[0, 3]], weight=weight[[0, 3]], n_samples=3)
    torch.testing.assert_close(value[0], host[0][0], rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.int8, torch.bfloat16, torch.float64])
def test_dtypes_strides_and_invalid_values(in_tiles, dtype):
    masks = (2 * (logits_of(6, 5) > 0).to(torch.int8) - 1).to(dtype)
    for function in (distance_transform, object_size, flip_sizes):
        assert_same(function, masks.mT)
        wrong = masks.clone()
        wrong[1, 2, 3] = 0
        with pytest.raises(ValueError, match=r"masks\[1, 2, 3\] is 0"):
            called_there(function, wrong)


def test_a_program_does_an_image_up_to_so_many_pixels():
    masks = torch.ones(1, 63, 65)
    assert whole_images.fits(grid_of(masks, 2))
    assert not whole_images.fits(grid_of(masks, 2, black_border=True))


def test_an_empty_batch(in_tiles):
    for function in (distance_transform, object_size, flip_sizes):
        assert_same(function, torch.ones(0, 4, 5), black_border=True)
    assert_same(derivatives, torch.zeros(0, 4, 5), torch.zeros(0), n_samples=2)
