"""threshold_of_size and mask_of_size: the thresholds and masks that the definition gives, with a gradient."""

import numpy as np
import oracles
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from chdt import mask_of_size, object_size, threshold_of_size
from chdt.cpu import threads

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
BOTH = [threshold_of_size, mask_of_size]


def size_of(mask, black_border=False):
    """Size of one mask by definition; a border of background is one more ring of pixels."""
    return oracles.size(np.pad(mask, 1) if black_border else mask)


def threshold(logits, size, black_border=False):
    """The largest logit v for which ``logits >= v`` has at least this size."""
    if size == 0:
        return np.inf
    enough = [v for v in np.unique(logits) if size_of(logits >= v, black_border) >= size]
    return max(enough, default=-np.inf)


def attainable(logits, black_border=False):
    """The sizes of all masks ``logits > t``: also none, and all pixels but those of -inf."""
    return {0} | {int(size_of(logits > t, black_border)) for t in (-np.inf, *np.unique(logits))}


def grids(most=6):
    return st.integers(1, 3).flatmap(
        lambda dims: hnp.arrays(
            np.float64,
            st.tuples(*[st.integers(1, most if dims < 3 else 3)] * dims),
            elements=st.integers(-3, 3).map(float) | st.floats(-4, 4, width=16) | st.sampled_from([np.inf, -np.inf]),
        )
    )


@given(grids(), st.booleans(), st.sampled_from(DTYPES))
def test_by_definition(values, black_border, dtype):
    logits = torch.from_numpy(values).to(dtype)
    values, most = logits.double().numpy(), 2 * max(values.shape)
    sizes = torch.arange(0, most + 3, 2)
    got = threshold_of_size(
        logits.expand(len(sizes), *logits.shape), sizes, spatial_dims=values.ndim, black_border=black_border
    )
    assert got.dtype == dtype
    assert got.tolist() == [threshold(values, int(s), black_border) for s in sizes]


@given(grids(), st.booleans(), st.sampled_from(DTYPES))
def test_masks_have_the_size_wherever_a_threshold_gives_it(values, black_border, dtype):
    logits = torch.from_numpy(values).to(dtype)
    values, options = logits.double().numpy(), {"spatial_dims": values.ndim, "black_border": black_border}
    sizes = torch.arange(0, 2 * max(values.shape) + 3, 2)
    masks = mask_of_size(logits.expand(len(sizes), *logits.shape), sizes, **options)
    assert masks.dtype == torch.bool
    there_are = attainable(values, black_border)
    for mask, size in zip(masks.numpy(), sizes.tolist(), strict=True):
        got = size_of(mask, black_border)
        assert abs(got - size) == min(abs(s - size) for s in there_are), (values, size, got)
        assert not (mask & (values == -np.inf)).any()
        # It is cut at a threshold: no pixel outside is above one inside.
        if mask.any() and not mask.all():
            assert values[mask].min() > values[~mask].max()
        if size_of(values > 0, black_border) == size:
            np.testing.assert_array_equal(mask, values > 0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "grid",
    [
        (63,),
        (64,),
        (65,),
        (129,),
        (5000,),
        (48, 32),
        (65, 63),
        (64, 128),
        (20, 1024),
        (1, 70),
        (70, 1),
        (9, 10, 70),
        (70, 3, 4),
    ],
)
def test_around_words_and_pages(grid, dtype):
    """Against sizes of masks, which have tests of their own."""
    dims = len(grid)
    logits = torch.randn((3, *grid), generator=torch.Generator().manual_seed(0)).to(dtype)
    for r in {1, 2, 3, min(grid), max(grid) // 2, max(grid) - 1, max(grid)} - {0}:
        for black_border in (False, True):
            options = {"spatial_dims": dims, "black_border": black_border}
            t = threshold_of_size(logits, torch.full((3,), 2 * r), **options)
            at_least = logits >= t.view(-1, *[1] * dims)
            above = logits > t.view(-1, *[1] * dims)
            finite = t > -torch.inf
            assert (object_size(at_least, **options)[finite] >= 2 * r).all()
            assert (object_size(above, **options) < 2 * r).all()
            if not finite.all():
                assert black_border
                assert 2 * r > min(grid) + 1


def weakest_pixel(values, radius):
    """The first weakest pixel of the first best window, by a filter of grey values."""
    least = ndimage.minimum_filter(values, 2 * radius + 1, mode="constant", cval=np.inf)
    centre = np.unravel_index(np.argmax(least), values.shape)
    window = tuple(slice(max(0, c - radius), c + radius + 1) for c in centre)
    inside = np.full(values.shape, np.inf)
    inside[window] = values[window]
    return int(np.argmin(inside))


@pytest.mark.parametrize("steps", [None, 3, 0.5], ids=["no ties", "few ties", "many ties"])
@pytest.mark.parametrize("grid", [(3000,), (48, 32), (130, 190), (256, 256), (35, 50, 36), (1, 70, 66)])
def test_the_first_weakest_pixel(grid, steps):
    """Of many windows, few of which are looked into, and of many that are as good: against a filter of grey values."""
    rng = np.random.default_rng(0)
    values = ndimage.gaussian_filter(rng.standard_normal(grid), 2.0) * 10
    values = values.astype(np.float32) if steps is None else (np.round(values * steps) / steps).astype(np.float32)
    assert steps is None or (values == 0).any()
    values[(values == 0) & (rng.random(grid) < 0.5)] = -0.0
    radii = [r for r in (0, 1, 3, 7, 8, 20, 33, 100, max(grid) - 1) if r < max(grid)]
    logits = torch.from_numpy(values).expand(len(radii), *grid).clone().requires_grad_()
    threshold_of_size(logits, 2 * torch.tensor(radii) + 2, spatial_dims=len(grid)).sum().backward()
    found = logits.grad.flatten(1).argmax(1).tolist()
    assert found == [weakest_pixel(values, radius) for radius in radii]


def test_a_ramp():
    """The last window that is looked into is the best one each time."""
    values = torch.arange(60.0 * 70).view(60, 70)
    for logits in (values, -values, values.T, values.flip(0)):
        leaf = logits.clone().requires_grad_()
        threshold_of_size(leaf, torch.tensor(12)).backward()
        assert leaf.grad.argmax() == weakest_pixel(logits.numpy(), 5)


def test_odd_and_fractional_sizes_are_rounded():
    logits = torch.randn(8, 9, 9, generator=torch.Generator().manual_seed(0))
    sizes = torch.tensor([0.0, 0.9, 1.0, 2.9, 3.0, 6.99, 7.0, 1e9])
    rounded = torch.tensor([0, 0, 2, 2, 4, 6, 8, 20])
    for function in BOTH:
        torch.testing.assert_close(function(logits, sizes), function(logits, rounded), rtol=0, atol=0)
    whole = torch.tensor([0, 1, 2, 3, 4, 5, 7, 2**31 - 1], dtype=torch.int32)
    torch.testing.assert_close(
        threshold_of_size(logits, whole), threshold_of_size(logits, torch.tensor([0, 2, 2, 4, 4, 6, 8, 20]))
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_gradient_is_one_at_the_weakest_pixel_of_the_best_window(dtype):
    logits = torch.tensor([[0, 0, 0, 0, 0], [0, 3, 2, 3, 0], [0, 3, 3, 2, 0], [0, 3, 3, 3, 0], [0, 0, 0, 0, 0]])
    logits = logits.to(dtype).expand(4, 5, 5).clone().requires_grad_()
    threshold_of_size(logits, torch.tensor([0, 2, 4, 14])).backward(torch.tensor([1, 2, 3, 4], dtype=dtype))
    expected = torch.zeros(4, 5, 5, dtype=dtype)
    expected[1, 1, 1], expected[2, 1, 2] = 2, 3  # the first of those that are equal; no gradient at inf
    assert torch.equal(logits.grad, expected)


def test_gradcheck():
    logits = torch.randn(3, 7, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    sizes = torch.tensor([2, 4, 8])
    assert torch.autograd.gradcheck(lambda x: threshold_of_size(x, sizes), logits)
    assert torch.autograd.gradgradcheck(lambda x: threshold_of_size(x, sizes) ** 2, logits)


@pytest.mark.parametrize("wanted", [6, 8, 12, 14])
def test_the_margin_makes_objects_grow_and_shrink(wanted):
    logits = torch.full((1, 24, 24), -4.0)
    logits[:, 7:16, 7:16] = 4.0
    logits += 0.1 * torch.randn(1, 24, 24, generator=torch.Generator().manual_seed(0))
    assert object_size(logits > 0).item() == 10
    logits.requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=0.1)
    size = torch.tensor([wanted])
    for _ in range(600):
        optimizer.zero_grad()
        enough, too_much = threshold_of_size(logits, size), threshold_of_size(logits, size + 2)
        torch.nn.functional.softplus(torch.stack([-enough, too_much])).sum().backward()
        optimizer.step()
    assert abs(object_size(logits > 0).item() - wanted) < abs(10 - wanted)


def test_nan():
    """The threshold of such an image is NaN, with a gradient at the NaN, as NaN comes out of torch's own losses."""
    logits = torch.zeros(3, 5, 5)
    logits[1, 2, 3] = torch.nan
    logits[1, 4, 4] = -torch.nan
    leaf = logits.clone().requires_grad_()
    thresholds = threshold_of_size(leaf, torch.tensor([2, 2, 4]))
    assert thresholds.isnan().tolist() == [False, True, False]
    thresholds.sum().backward()
    assert leaf.grad[1].nonzero().tolist() == [[2, 3]]
    for black_border in (False, True):  # also of sizes that no mask has, and that none has within a border
        for size in (8, 10, 12, 100):
            sizes = torch.full((3,), size)
            assert threshold_of_size(logits, sizes, black_border=black_border).isnan().tolist() == [False, True, False]
            assert not mask_of_size(logits, sizes, black_border=black_border)[1].any()
    for images in (logits, logits.expand(40, 3, 5, 5)):
        assert (threshold_of_size(images, torch.zeros(images.shape[:-2])) == torch.inf).all()
    masks = mask_of_size(logits, torch.tensor([2, 2, 4]))
    assert not masks[1].any()
    assert masks[2].all() or object_size(masks[2]) in (0, 10)


def test_shapes():
    logits = torch.randn(2, 3, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    for dims in (1, 2, 3):
        sizes = torch.full(logits.shape[: 5 - dims], 4)
        assert threshold_of_size(logits, sizes, spatial_dims=dims).shape == sizes.shape
        masks = mask_of_size(logits, sizes, spatial_dims=dims)
        assert masks.shape == logits.shape
        thresholds = threshold_of_size(logits, sizes, spatial_dims=dims)
        for index in np.ndindex(sizes.shape):
            assert threshold_of_size(logits[index], sizes[index], spatial_dims=dims) == thresholds[index]
            assert torch.equal(mask_of_size(logits[index], sizes[index], spatial_dims=dims), masks[index])
    assert threshold_of_size(logits[0, 0], torch.full((4,), 2)).shape == (4,)
    assert threshold_of_size(logits[0, 0, 0], torch.tensor(2)).shape == ()
    for function, shape in (threshold_of_size, (0,)), (mask_of_size, (0, 5, 6)):
        assert function(logits[:0, 0, 0], torch.zeros(0)).shape == shape


@pytest.mark.parametrize("function", BOTH)
def test_layouts(function):
    logits = torch.randn(12, 20, 30, generator=torch.Generator().manual_seed(0))
    sizes = torch.full((12,), 6)
    expected = function(logits, sizes)
    last = logits.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    for same in (last, logits.flip(0).flip(0), torch.cat([logits, logits], 2)[:, :, :30]):
        assert torch.equal(function(same, sizes), expected)


@pytest.mark.parametrize("spacing", [None, (1.0, 1.3), [[1.0, 1.0], [2.0, 1.3], [0.5, 1.0]]])
@pytest.mark.parametrize("grid", [(48, 32), (7, 9)])
def test_images_that_are_repeated(grid, spacing):
    """Several sizes of each, by `expand`: as if each were an image of its own."""
    generator = torch.Generator().manual_seed(0)
    spacing = None if spacing is None else torch.tensor(spacing).expand(4, 3, 2).unsqueeze(2).expand(4, 3, 2, 2)
    three, one = torch.randn(3, 1, *grid, generator=generator), torch.randn(*grid, generator=generator)
    for logits in (three, one):
        images, sizes = logits.expand(4, 3, 2, *grid), torch.randint(0, 24, (4, 3, 2), generator=generator)
        thresholds = threshold_of_size(images, sizes, spacing=spacing)
        assert torch.equal(thresholds, threshold_of_size(images.contiguous(), sizes, spacing=spacing))
        assert thresholds.is_contiguous()


@pytest.mark.parametrize("function", BOTH)
def test_the_same_for_any_number_of_threads(function, monkeypatch):
    logits = torch.randn(50, 48, 32, generator=torch.Generator().manual_seed(0))
    sizes = torch.arange(50)
    expected = function(logits, sizes)
    monkeypatch.setattr(threads, "thread_count", lambda: 3)
    monkeypatch.setattr(threads, "PIXELS_PER_THREAD", 1000)
    assert torch.equal(function(logits, sizes), expected)


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize(
    ("logits", "sizes", "error", "message"),
    [
        (np.zeros((2, 3, 3)), torch.zeros(2), TypeError, "logits must be a torch tensor"),
        (torch.zeros(2, 3, 3, dtype=torch.int32), torch.zeros(2), TypeError, "float16, bfloat16, float32 or float64"),
        (torch.zeros(2, 3, 3), [1, 2], TypeError, "sizes must be a torch tensor"),
        (torch.zeros(2, 3, 3), torch.zeros(3), ValueError, r"sizes have shape \(3,\)"),
        (torch.zeros(2, 3, 3), torch.tensor([1.0, -2.0]), ValueError, r"sizes\[1\] is -2"),
        (torch.zeros(2, 3, 3), torch.tensor([torch.nan, 2.0]), ValueError, r"sizes\[0\] is nan"),
        (torch.zeros(2, 3, 0), torch.zeros(2), ValueError, "logits of shape .* no pixels"),
        (torch.zeros(3), torch.zeros(()), ValueError, "logits of shape .* fewer"),
    ],
)
def test_refused(function, logits, sizes, error, message):
    with pytest.raises(error, match=message):
        function(logits, sizes)


@pytest.mark.filterwarnings("default")  # torch's own, while it compiles
@pytest.mark.parametrize("function", BOTH)
def test_compiled_mapped_and_exported(function):
    logits, sizes = torch.randn(4, 20, 30, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 2, 6, 90])
    expected = function(logits, sizes)
    for backend in ("eager", "aot_eager", "inductor"):
        torch._dynamo.reset()
        assert torch.equal(torch.compile(function, fullgraph=True, backend=backend)(logits, sizes), expected)
    assert torch.equal(torch.func.vmap(function)(logits, sizes), expected)
    assert torch.equal(
        torch.func.vmap(function, in_dims=(2, None), out_dims=0)(logits.movedim(0, 2), sizes[2]),
        function(logits, sizes[2].expand(4)),
    )

    class Module(torch.nn.Module):
        def forward(self, x, s):
            return function(x, s)

    assert torch.equal(torch.export.export(Module(), (logits, sizes)).module()(logits, sizes), expected)


def test_compiled_gradient():
    logits, sizes = torch.randn(4, 20, 30, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 2, 6, 90])
    expected = torch.func.grad(lambda x: threshold_of_size(x, sizes)[1:3].sum())(logits)
    assert expected.count_nonzero() == 2
    leaf = logits.clone().requires_grad_()
    torch.compile(lambda x: threshold_of_size(x, sizes)[1:3].sum(), fullgraph=True, backend="aot_eager")(
        leaf
    ).backward()
    assert torch.equal(leaf.grad, expected)


@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
def test_opcheck(spatial_dims):
    logits = torch.randn(2, 3, 4, 5)
    radii = torch.ones(logits.shape[: 4 - spatial_dims], dtype=torch.int64)
    torch.library.opcheck(torch.ops.chdt.weakest_pixels, (logits, radii[..., None], spatial_dims, None, False))
    torch.library.opcheck(torch.ops.chdt.mask_of_size, (logits, radii, spatial_dims, None, True))
    torch.library.opcheck(torch.ops.chdt.mask_of_size, (logits, radii, spatial_dims, [3.0, 1.0, 2.0], True))


@pytest.mark.parametrize("function", [threshold_of_size, mask_of_size])
def test_logits_that_torch_negates_later(function):
    logits, sizes = torch.randn(3, 7, 9), torch.tensor([2, 4, 6])
    assert torch.equal(function(torch._neg_view(-logits), sizes), function(logits, sizes))


@pytest.mark.parametrize("images", [1, 100])
@pytest.mark.parametrize("dtype", DTYPES)
def test_padding_of_minus_inf_is_never_foreground(dtype, images):
    """Not even where what is inside is too small for the size: no threshold lies below -inf."""
    logits = torch.randn((images, 20, 20), generator=torch.Generator().manual_seed(0)).to(dtype)
    inside = torch.zeros(20, 20, dtype=torch.bool)
    inside[:4, :12] = True
    logits = logits.masked_fill(~inside, -torch.inf)
    for size in (2, 8, 10, 24, 40, 42):
        for options in ({}, {"black_border": True}, {"spacing": (1.0, 2.0)}):
            masks = mask_of_size(logits, torch.full((images,), size), **options)
            assert masks.any()
            assert not masks[:, ~inside].any()
        if size >= 10:
            assert torch.equal(mask_of_size(logits, torch.full((images,), size)), inside.expand_as(logits))


@pytest.mark.parametrize(
    "size",
    [
        torch.tensor(2**63 - 1),
        torch.tensor(2**64 - 1, dtype=torch.uint64),
        torch.tensor(2**16 - 1, dtype=torch.uint16),
        torch.tensor(1e300, dtype=torch.float64),
    ],
    ids=str,
)
def test_no_size_is_too_large(size):
    """Warnings are errors here, and nothing overflows."""
    logits = torch.randn(5, 6)
    for options in ({}, {"spacing": (1, 2)}):
        assert threshold_of_size(logits, size, **options) == -torch.inf
        assert mask_of_size(logits, size, **options).all()
