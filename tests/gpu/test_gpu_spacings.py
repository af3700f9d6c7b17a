"""A spacing for each image in the GPUs' wing: as in the host's."""

import pytest
import torch
from wing import DEVICE, assert_same, called_there, on_gpu, there

from chdt import distance_transform, expected_size_loss, flip_sizes, object_size, sampled_gradient
from chdt.checks import devices

MIXED = [[2.5, 1.0, 0.9], [0.7, 0.7, 0.7], [2.5, 1.0, 0.9], [1.0, 1.0, 3.0], [0.1, 0.3, 7.0], [1.0, 1.0, 1.0]]

SPACINGS = {"mixed": MIXED, "equal along all axes": [[x, x, x] for x in (1.0, 0.3, 2.5, 0.3, 7.0, 1.1)]}

each_spacing = pytest.mark.parametrize("spacing", SPACINGS.values(), ids=SPACINGS)


def masks_of(*grid):
    masks = torch.rand(6, *grid, generator=torch.Generator().manual_seed(0)) < 0.85
    masks[0], masks[3] = True, True
    masks[3].view(-1)[1] = False
    return masks


@each_spacing
@pytest.mark.parametrize(("grid", "black_border"), [((9,), False), ((5, 7), True), ((6, 1), False), ((2, 2, 2), False)])
def test_functions_of_masks(grid, spacing, black_border):
    options = {"spacing": torch.tensor(spacing)[:, : len(grid)], "spatial_dims": len(grid)}
    for function in (object_size, distance_transform, flip_sizes):
        assert_same(function, masks_of(*grid), black_border=black_border, **options)


@pytest.mark.parametrize(("spacing", "n_samples"), [("mixed", 2), ("equal along all axes", 1)])
def test_the_loss(spacing, n_samples):
    def derivatives(logits, sizes, **options):
        leaf = logits.detach().clone().requires_grad_()
        value = expected_size_loss(leaf, sizes, generator=torch.Generator().manual_seed(2), **options)
        value.sum().backward()
        return value.detach(), leaf.grad

    logits = 1 + torch.randn(6, 3, 5, generator=torch.Generator().manual_seed(1))
    sizes = torch.tensor([2.0, 0.0, 4.0, 10.0, 1.0, 2.0])
    steps = torch.tensor(SPACINGS[spacing])[:, :2]
    assert_same(derivatives, logits, sizes, spacing=steps, n_samples=n_samples, reduction="none", black_border=True)
    _, gradient = assert_same(sampled_gradient, masks_of(3, 5), sizes, spacing=steps)
    assert gradient.any()


def test_many_batch_dims_and_spacings():
    masks = torch.cat([masks_of(3, 4)] * 3).view(3, 6, 3, 4)
    spacing = torch.rand(3, 6, 2, generator=torch.Generator().manual_seed(3)) + 0.1
    assert_same(distance_transform, masks, spacing=spacing)


def test_lists_are_sent_once_and_stay_for_graphs(monkeypatch):
    """They may be forgotten otherwise, when many grids were seen; a graph reads them in every replay."""
    made = []

    def make(number):
        made.append(number)
        return [torch.full((3,), number).numpy()]

    monkeypatch.setattr(devices, "_of_graphs", {})
    (first,) = devices.lists_on(DEVICE, make, -1)
    assert first.tolist() == [-1] * 3
    assert devices._of_graphs == {}
    with monkeypatch.context() as patch:
        patch.setattr(devices, "is_captured", lambda device: True)
        assert devices.lists_on(DEVICE, make, -1)[0] is first
        with pytest.raises(RuntimeError, match="call the function once before the capture"):
            devices.lists_on(DEVICE, make, 7)
    for number in range(100):
        devices.lists_on(DEVICE, make, number)
    assert made == [-1, *range(100)]
    assert [lists.tensors[0] is first for lists in devices._of_graphs.values()] == [True]


def test_the_loss_with_a_spacing_may_become_part_of_a_graph(monkeypatch):
    """Once it was called."""
    from chdt.gpu import reading

    logits, sizes = there(torch.randn(2, 3, 4)), there(torch.full((2,), 2.0))
    spacing = torch.tensor(MIXED)[:2, :2]
    with on_gpu():
        for steps in ((0.37, 1.0), 0.41, spacing):
            expected_size_loss(logits, sizes, spacing=steps)
        for room in (devices, reading):
            monkeypatch.setattr(room, "is_captured", lambda device: True)
        for steps in ((0.37, 1.0), 0.41, spacing):
            expected_size_loss(logits, sizes, spacing=steps)
        with pytest.raises(RuntimeError, match="a spacing that was not used before"):
            expected_size_loss(logits, sizes, spacing=(0.39, 1.0))


def test_operators():
    masks, spacing = there(masks_of(3, 3)[:2]), tuple(x for steps in MIXED[:2] for x in steps)
    with on_gpu():
        torch.library.opcheck(torch.ops.chdt.object_size.default, (masks, 2, spacing))
        torch.library.opcheck(torch.ops.chdt.attainable_sizes.default, (there(torch.rand(2)), (1, 4, 5), spacing))
    mapped = called_there(torch.func.vmap(lambda x: object_size(x, spacing=(2.0, 1.0))), masks_of(3, 3))
    assert torch.equal(mapped, object_size(masks_of(3, 3), spacing=(2.0, 1.0)))
