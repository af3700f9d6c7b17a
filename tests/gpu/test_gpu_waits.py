"""Nothing waits for the device: on tensors that have no values, as on a GPU none is known to the host.

Kernels are not launched here but counted. A value that is read raises, as there is none; what goes to the device from
the host is seen by the devices of what each operator takes and gives.
"""

import sys

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from wing import needs_gpu  # noqa: F401, and skips all of this where Triton is not

import chdt
from chdt import wings
from chdt.checks import answers, devices, masks, values

NOWHERE = torch.device("meta")


class Stub:
    """In place of a kernel."""

    def __init__(self, name, launched):
        self.name, self.launched = name, launched

    def __getitem__(self, grid):
        return lambda *args, **options: self.launched.append(self.name)


WITHOUT_LAUNCH = {"detach", "empty", "empty_like", "expand", "new_empty", "slice", "unbind", "unsqueeze", "view"}


class Crossings(TorchDispatchMode):
    """Operators that take something from one device to another."""

    def __init__(self):
        super().__init__()
        self.names, self.launches = [], 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        answers = function(*args, **(kwargs or {}))
        self.launches += function.overloadpacket.__name__ not in WITHOUT_LAUNCH
        tensors = [x for x in tree_leaves((args, kwargs, answers)) if isinstance(x, torch.Tensor)]
        if len({x.device for x in tensors if x.ndim > 0}) > 1:
            self.names.append(function.overloadpacket.__name__)
        return answers


@pytest.fixture
def launched(monkeypatch):
    """Kernels that would have been launched; and tensors without values are those of a GPU."""
    names = []
    wings._gpu_rooms()
    for name, room in list(sys.modules.items()):
        if name.startswith("chdt.gpu.") and not name.startswith("chdt.gpu.kernels"):
            for kernel in [kernel for kernel in vars(room) if kernel.endswith("_kernel")]:
                monkeypatch.setattr(room, kernel, Stub(kernel, names))
    devices.GPUS.add(NOWHERE.type)
    monkeypatch.setattr(wings, "reason_against", lambda device: None)
    for room in (answers, masks, values, chdt.metrics):
        monkeypatch.setattr(room, "check_tensor", lambda tensor, name: None)  # which refuses tensors without values
    devices._sent_lists.cache_clear()
    yield names
    devices.GPUS.discard(NOWHERE.type)
    devices._sent_lists.cache_clear()


def logits_of(*shape, dtype=torch.float32):
    return torch.empty(shape, dtype=dtype, device=NOWHERE, requires_grad=True)


SIZES = torch.empty(4, device=NOWHERE)

SMALL, LARGE = (20, 30), (80, 60)  # which a program does, and which many do

OF_EACH = torch.tensor([[2.0, 1.0], [1.0, 1.0], [0.5, 0.7], [2.0, 1.0]])

OPTIONS = [{}, {"black_border": True}, {"spacing": 0.3}, {"spacing": (2.0, 1.0)}, {"spacing": OF_EACH}]


def loss_and_gradient(logits, **options):
    chdt.expected_size_loss(logits, SIZES, **options).backward()


def threshold_and_gradient(logits, **options):
    chdt.threshold_of_size(logits, SIZES, **options).sum().backward()


FUNCTIONS = {
    "loss": loss_and_gradient,
    "weights": lambda x, **options: loss_and_gradient(x, weight=SIZES, **options),
    "another loss": lambda x, **options: loss_and_gradient(x, loss=torch.nn.SmoothL1Loss(), **options),
    "several samples": lambda x, **options: loss_and_gradient(x, n_samples=3, reduction="sum", **options),
    "sampled_gradient": lambda x, **options: chdt.sampled_gradient(x > 0, SIZES, **options),
    "threshold": threshold_and_gradient,
    "mask": lambda x, **options: chdt.mask_of_size(x, SIZES, **options),
    "distances": lambda x, **options: chdt.distance_transform(x > 0, **options),
    "out": lambda x, **options: chdt.distance_transform(x > 0, out=x.detach(), **options),
    "flips": lambda x, **options: chdt.flip_sizes(x > 0, **options),
    "sizes": lambda x, **options: chdt.object_size(x > 0, **options),
    "squared_size_error": lambda x, **options: chdt.squared_size_error(x > 0, x > 1, **options),
}


@pytest.mark.parametrize("options", OPTIONS, ids=["plain", "border", "equal", "unequal", "each"])
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("grid", [SMALL, LARGE])
def test_nothing_is_read_or_sent(launched, grid, name, options):
    """But the lists of a spacing, by the first call with it."""
    FUNCTIONS[name](logits_of(4, *grid), **options)
    with Crossings() as crossings:
        FUNCTIONS[name](logits_of(4, *grid), **options)
    assert crossings.names == []
    assert launched


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_nothing_is_read_or_sent_of_other_dtypes(launched, dtype):
    with Crossings() as crossings:
        for name in ("loss", "threshold", "mask", "several samples"):
            FUNCTIONS[name](logits_of(4, 5, 6, dtype=dtype).mT)
        masks = chdt.sample_masks(logits_of(4, 5, 6, dtype=dtype))
        chdt.intersection_over_union(masks > 0, masks > 1)
    assert crossings.names == []
    assert masks.dtype == dtype


def test_masks_are_read_once_to_raise(launched, monkeypatch):
    """And not under capture, when there is nobody to tell."""
    with pytest.raises(RuntimeError, match="meta"):
        chdt.object_size(logits_of(4, 5, 6))
    monkeypatch.setattr("chdt.gpu.reading.is_captured", lambda device: True)
    with Crossings() as crossings:
        for function in (chdt.object_size, chdt.flip_sizes, chdt.distance_transform):
            function(logits_of(4, 5, 6))
        chdt.intersection_over_union(logits_of(4, 5, 6), logits_of(4, 5, 6))
    assert crossings.names == []


def test_what_is_on_the_host_is_sent(launched):
    """So that the test above can fail."""
    with Crossings() as crossings:
        chdt.expected_size_loss(logits_of(2, 5, 6), torch.tensor([2.0, 4.0]))
        chdt.expected_size_loss(logits_of(2, 5, 6), SIZES[:2], generator=torch.Generator().manual_seed(0))
    assert crossings.names == ["_to_copy"] * 2


OF_TILES = ["sum_lines", "sum_lines", "distances"]  # the sums, and what is looked up in them

OF_FLIPS = [*OF_TILES, "levels", "add"]

OF_THRESHOLD = ["window_minima", "window_minima", "best_centres", "weakest_pixels"]

CUT_WHOLE = ["cut", "whole_images", "whole_images", "choose"]

LAUNCHES = {  # of images, bool masks: kernels, those of torch; and of large ones. docs/benchmarks_gpu.md says them
    "loss": (["whole_images"], 10, ["draw", *OF_FLIPS, "differences"], 12),
    "several samples": (["whole_images"], 9, 3 * ["draw", *OF_FLIPS, "differences"], 13),
    "weights": (["whole_images"], 26, ["draw", *OF_FLIPS, "differences"], 28),
    "sampled_gradient": (["whole_images"], 5, [*OF_FLIPS, "differences"], 9),
    "threshold": (["whole_weakest_pixels"], 27, OF_THRESHOLD, 42),
    "mask": (["whole_weakest_pixels", *CUT_WHOLE], 12, 2 * OF_THRESHOLD + ["cut", *OF_TILES, *OF_TILES, "choose"], 46),
    "distances": (["whole_images"], 0, OF_TILES, 0),
    "sizes": (["whole_images"], 0, OF_TILES, 1),
    "flips": (["whole_images"], 0, [*OF_FLIPS, "raise"], 3),
}


@pytest.mark.parametrize("name", LAUNCHES)
@pytest.mark.parametrize("options", OPTIONS[:2], ids=["plain", "border"])
@pytest.mark.parametrize("is_large", [False, True])
def test_launches(launched, name, options, is_large):
    logits = logits_of(4, *LARGE) if is_large else logits_of(4, *SMALL)
    with Crossings() as called:
        FUNCTIONS[name](logits, **options)
    own, others = LAUNCHES[name][2 * is_large :][:2]
    assert launched == [f"{kernel}_kernel" for kernel in own]
    of_masks = name in ("distances", "sizes", "flips", "sampled_gradient")  # which are made of logits here
    draws = 3 if name == "several samples" else 1
    assert called.launches - of_masks <= others + draws * is_large * len(options)  # each gets its border
