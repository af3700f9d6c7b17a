"""The seeds of draws, from torch's generators."""

import torch

LARGEST_SEED = (1 << 63) - 1

STEP = 0x1E3779B97F4A7C15  # from the seeds of one process to those of the next


def seeds_for(count: int, generator: torch.Generator | None) -> torch.Tensor:
    """One seed for each draw: see `draw_seeds`."""
    if generator is None and torch.compiler.is_compiling():
        # Checkpointing saves the generator of the device that an operator's tensors are on, so it is given one.
        like = torch.empty(count, dtype=torch.int64, device="cpu")
        return torch.ops.chdt.draw_seeds(like)  # type: ignore[no-any-return]
    return draw_seeds(count, generator)


def draw_seeds(count: int, generator: torch.Generator | None) -> torch.Tensor:
    """One seed for each draw, from the generator or from torch's own: int64, on the host.

    Processes that train together often have equal seeds, but should not draw with equal noise: unless a generator was
    given, each makes other seeds of what torch's gives it.
    """
    if generator is not None:
        return torch.randint(LARGEST_SEED, (count,), generator=generator, device=generator.device).cpu()
    seeds = torch.randint(LARGEST_SEED, (count,), device="cpu")
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        seeds = (seeds + torch.distributed.get_rank() * STEP % LARGEST_SEED) & LARGEST_SEED
    return seeds
