"""What the GPUs' wing takes of memory beside its answers: at most 16 bytes a pixel and 8 a line, as the docs say."""

import pytest
import torch
from live import Live
from torch.utils._pytree import tree_leaves
from wing import on_gpu, there

import chdt
from chdt.gpu import box_sums

MOST_BYTES = 16  # for each pixel, with those of the border

SHAPE = (1, 14, 30)  # one tile of a kernel, with a border, too

GIVEN = there(torch.randn(SHAPE, generator=torch.Generator().manual_seed(0)))

FLOATS = [torch.bfloat16, torch.float64]


def most_bytes(function, *args, kept=0, **options):
    """For each pixel, beside the answer, while it is computed; what is less than a byte a pixel is left out."""
    given = [there(x) for x in args]
    padded = SHAPE[0] * (SHAPE[1] + 2) * (SHAPE[2] + 2)
    pixels = padded if options.get("black_border") else GIVEN.numel()
    with on_gpu(), Live(*given, least=GIVEN.numel()) as live:
        answer = function(*given, **options)
    own = {live.key(x): x.nbytes for x in tree_leaves(answer) if x.nbytes >= GIVEN.numel()}
    lines = sum(side + 2 for side in SHAPE[1:]) + 3  # with slabs, and one number for the image
    return (live.most - kept - sum(own.values()) - 8 * lines) / pixels


@pytest.fixture(autouse=True, params=["tiles", "whole images"])
def _way(monkeypatch, request):
    if request.param == "tiles":
        monkeypatch.setattr(box_sums, "MOST_INDEX_BITS", 3)  # sums of 64 bits


OPTIONS = [{}, {"black_border": True}, {"spacing": 2.0}, {"spacing": (2.0, 1.0), "black_border": True}]

each_option = pytest.mark.parametrize("options", OPTIONS, ids=str)


def test_the_count_is_one():
    def kept(x):
        first = x + 1
        second = first * 2
        del first
        return second.double() + 1

    pixels = GIVEN.numel()
    with Live(GIVEN) as live:
        kept(GIVEN)
    assert live.most == pixels * (4 + 8 + 8)


@each_option
@pytest.mark.parametrize("dtype", [torch.bool, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("function", [chdt.distance_transform, chdt.flip_sizes, chdt.object_size])
def test_functions_of_masks(function, dtype, options):
    masks = GIVEN > -1 if dtype == torch.bool else torch.where(GIVEN > -1, 1, -1).to(dtype)
    assert most_bytes(function, masks, **options) <= MOST_BYTES
    if function is not chdt.object_size:
        out = torch.empty(SHAPE, dtype=torch.float32)
        masks = masks.mT.contiguous().mT
        assert most_bytes(lambda x, y, **options: function(x, out=y, **options), masks, out, **options) <= MOST_BYTES


@each_option
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n_samples", [1, 3])
def test_the_loss(dtype, n_samples, options):
    sizes, kept = torch.full(SHAPE[:1], 4.0), GIVEN.numel() * max(4, dtype.itemsize)  # for the backward pass

    def loss(logits, sizes, **options):
        return chdt.expected_size_loss(logits, sizes, n_samples=n_samples, **options)

    for logits in (GIVEN.to(dtype), GIVEN.to(dtype).mT.contiguous().mT):
        leaf = logits.requires_grad_()
        assert most_bytes(loss, leaf, sizes, kept=kept, **options) <= MOST_BYTES


@each_option
@pytest.mark.parametrize("dtype", FLOATS)
def test_thresholds(dtype, options):
    sizes = torch.full(SHAPE[:1], 4.0)
    for logits in (GIVEN.to(dtype), GIVEN.to(dtype).mT.contiguous().mT):
        for function in (chdt.threshold_of_size, chdt.mask_of_size):
            assert most_bytes(function, logits, sizes, **options) <= MOST_BYTES
