"""Every public function, called once with tensors: for tests that walk through all of them."""

from types import SimpleNamespace

import torch

import chdt

CALLS = {
    "ExpectedSizeLoss": lambda given: chdt.ExpectedSizeLoss(n_samples=2)(given.logits, given.sizes, given.weight),
    "distance_transform": lambda given: chdt.distance_transform(given.masks),
    "expected_size_loss": lambda given: chdt.expected_size_loss(given.logits, given.sizes, weight=given.weight),
    "flip_sizes": lambda given: chdt.flip_sizes(given.masks),
    "intersection_over_union": lambda given: chdt.intersection_over_union(given.masks, given.others),
    "mask_of_size": lambda given: chdt.mask_of_size(given.logits, given.sizes),
    "object_size": lambda given: chdt.object_size(given.masks),
    "sample_masks": lambda given: chdt.sample_masks(given.logits),
    "sampled_gradient": lambda given: chdt.sampled_gradient(given.masks, given.sizes),
    "squared_error": lambda given: chdt.squared_error(given.sizes, given.weight),
    "squared_size_error": lambda given: chdt.squared_size_error(given.masks, given.others),
    "threshold_of_size": lambda given: chdt.threshold_of_size(given.logits, given.sizes),
}


def given_tensors(kind=lambda tensor: tensor, shape=(2, 9, 12), dtype=torch.float32):
    """Masks, logits, sizes and weights, each made something of by ``kind``; always the same."""
    generator = torch.Generator("cpu").manual_seed(0)

    def foreground():
        return torch.randn(shape, generator=generator, device="cpu", dtype=torch.float32) > -1.3

    tensors = {
        "masks": foreground() if dtype == torch.bool else (2 * foreground().to(torch.int8) - 1).to(dtype),
        "others": foreground(),
        "logits": torch.randn(shape, generator=generator, device="cpu", dtype=torch.float32),
        "sizes": torch.arange(shape[0], device="cpu", dtype=torch.float32) * 2,
        "weight": torch.ones(shape[0], device="cpu", dtype=torch.float32),
    }
    return SimpleNamespace(**{name: kind(tensor) for name, tensor in tensors.items()})


def called(name, given):
    """The answers of one function, as a tuple of tensors, after the same seed each time."""
    torch.manual_seed(1)
    answers = CALLS[name](given)
    return answers if isinstance(answers, tuple) else (answers,)
