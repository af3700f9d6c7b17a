"""The seeds of draws, from torch's generators."""

import torch

from chdt.checks.devices import GPUS, sent

LARGEST_SEED = (1 << 63) - 1

STEP = 0x1E3779B97F4A7C15  # from the seeds of one process to those of the next


def seeds_for(count: int, generator: torch.Generator | None, device: torch.device) -> torch.Tensor:
    """One seed for each draw of what is on this device: see `draw_seeds`."""
    if generator is None and torch.compiler.is_compiling():
        # Checkpointing saves the generator of the device that an operator's tensors are on, so it is given one.
        like = torch.empty(count, dtype=torch.int64, device=_place_of(device))
        return torch.ops.chdt.draw_seeds(like)  # type: ignore[no-any-return]
    return draw_seeds(count, generator, device)


def draw_seeds(count: int, generator: torch.Generator | None, device: torch.device) -> torch.Tensor:
    """One seed for each draw, from the generator or from torch's own: int64, on the host, or on the device if a GPU.

    There they are drawn by the GPU itself, of whose generator CUDA graphs know: each replay draws others.

    Processes that train together often have equal seeds, but should not draw with equal noise: unless a generator was
    given, each makes other seeds of what torch's gives it.
    """
    place = _place_of(device)
    if generator is not None:
        seeds = torch.randint(LARGEST_SEED, (count,), generator=generator, device=generator.device)
        return sent(seeds, place, "a generator")
    seeds = torch.randint(LARGEST_SEED, (count,), device=place)
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        seeds = (seeds + torch.distributed.get_rank() * STEP % LARGEST_SEED) & LARGEST_SEED
    return seeds


def _place_of(device: torch.device) -> torch.device:
    """Where seeds are."""
    return device if device.type in GPUS else torch.device("cpu")
