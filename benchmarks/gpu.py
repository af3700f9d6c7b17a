"""How long calls take on a GPU, beside what else could be done there, in one run: docs/benchmarks_gpu.md.

python benchmarks/gpu.py --output docs/benchmarks_gpu.md   # a few minutes; without a GPU it says what is not measured
python benchmarks/gpu.py --rounds 5                        # prints, and takes seconds
python benchmarks/gpu.py --rehearse                        # without a GPU: whether all of it runs; times mean nothing
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

import chdt
from chdt.checks.devices import GPUS

SHAPES = ((32, 512, 512), (16, 512, 512), (1024, 48, 32), (32, 48, 32), (4, 64, 64, 64))

REHEARSED = {shape: (2, *(6 if side < 64 else 8 for side in shape[1:])) for shape in SHAPES}  # tiny, by the interpreter

EXPERIMENTS = (32, 48, 32)  # a batch of the experiments (figure 5)

CHANCES = 1 << 24  # of pixels that are drawn on both, to count those that differ

CLAIMS = (  # function, shape, at most so many times the time of a peer; None stands for microseconds
    ("distance_transform", (32, 512, 512), 3, "copy_"),
    ("distance_transform", (1024, 48, 32), 3, "copy_"),
    ("object_size", (32, 512, 512), 2, "sum"),
    ("flip_sizes", (32, 512, 512), 2.5, "distance_transform"),
    ("loss and gradient", (16, 512, 512), 3, "cross entropy and gradient"),
    ("loss and gradient", (32, 48, 32), 150, None),
    ("loss and gradient", (32, 512, 512), 1 / 20, "loss by way of the host"),
    ("step with sizes", (32, 48, 32), 1.03, "step with outlines"),
)

TITLE = "# On a GPU\n"

NOT_MEASURED = f"""{TITLE}
**Not measured yet.** The kernels of [chdt/gpu](architecture.md) have not yet run on a card. They were compiled ahead of
time and run by Triton's interpreter, which says whether they are right and nothing of how fast they are. So there is no
figure here, and no claim. On a machine with a GPU,

```bash
# CUDA's torch brings Triton
pip install -c constraints.txt -e ".[benchmarks,examples]"
python benchmarks/gpu.py --output docs/benchmarks_gpu.md
```

writes this page anew, with the name of the card: medians of times by CUDA events, in one run with `copy_` and `sum` as
bounds, binary cross entropy with its gradient, the way through the host, and SciPy and OpenCV with the copies; a step
of the experiments' training; and how many pixels are drawn otherwise than on the host.

What can be counted without a card, for a batch of any number of images: the loss with its gradient is 11 launches
where images have up to 4,096 pixels, with the border (1 kernel of chdt, which does an image a program, whatever the
number of samples, and 10 operators of torch, of which only two are done for each pixel), and 19 where they have more.
Of bool masks, `distance_transform`, `object_size` and `flip_sizes` are 1 launch each, or 3, 4 and 9; `mask_of_size`,
with sizes on the GPU, is 17, or 61. By the shapes of what is read and written, without what is looked up again, the
loss of large images moves at least 60 bytes a pixel, 80 where they have more than 2¹⁵ pixels. A CUDA graph launches all
at once.

These are the goals that the script holds times against:

"""


class Timed(NamedTuple):
    """What is timed, on masks of one shape."""

    name: str
    call: Callable[[], Any]


def masks_and_logits(shape: tuple[int, ...], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Discs of many sizes in noise, float32 of -1 and +1, and logits that such masks are drawn from."""
    generator = torch.Generator(device).manual_seed(0)
    sides = [torch.arange(side, device=device).view([-1 if i == axis else 1 for i in range(len(shape) - 1)]) - side / 2
             for axis, side in enumerate(shape[1:])]  # fmt: skip
    away = sum(side.float() ** 2 for side in sides).sqrt()
    radii = torch.rand(shape[0], generator=generator, device=device) * min(shape[1:]) / 2
    logits = radii.view(-1, *[1] * (len(shape) - 1)) - away
    logits += 0.5 * torch.randn(shape, generator=generator, device=device)
    return torch.where(logits > 0, 1.0, -1.0), logits


def all_timed(shape: tuple[int, ...], device: torch.device) -> Iterator[Timed]:
    """Calls and their peers."""
    dims = len(shape) - 1
    masks, logits = masks_and_logits(shape, device)
    out = torch.empty(shape, dtype=torch.int32, device=device)
    sizes, leaf = chdt.object_size(masks, spatial_dims=dims).float(), logits.clone().requires_grad_()

    def gradient_of(loss: Callable[[], torch.Tensor]) -> Callable[[], None]:
        def call() -> None:
            leaf.grad = None
            loss().backward()

        return call

    def by_host() -> None:
        there = logits.cpu().detach().requires_grad_()
        chdt.expected_size_loss(there, sizes.cpu(), spatial_dims=dims).backward()
        there.grad.to(device)

    labels = (masks > 0).float()
    yield Timed("copy_", lambda: out.copy_(masks))
    yield Timed("sum", lambda: masks.flatten(1).sum(1))
    yield Timed("distance_transform", lambda: chdt.distance_transform(masks, spatial_dims=dims, out=out))
    yield Timed("object_size", lambda: chdt.object_size(masks, spatial_dims=dims))
    yield Timed("flip_sizes", lambda: chdt.flip_sizes(masks, spatial_dims=dims, out=out))
    cross_entropy = torch.nn.functional.binary_cross_entropy_with_logits
    yield Timed("cross entropy and gradient", gradient_of(lambda: cross_entropy(leaf, labels)))
    yield Timed("loss and gradient", gradient_of(lambda: chdt.expected_size_loss(leaf, sizes, spatial_dims=dims)))
    yield Timed("sample_masks", lambda: chdt.sample_masks(logits))
    yield Timed("threshold_of_size", lambda: chdt.threshold_of_size(logits, sizes, spatial_dims=dims))
    yield Timed("mask_of_size", lambda: chdt.mask_of_size(logits, sizes, spatial_dims=dims))
    yield Timed("loss by way of the host", by_host)
    yield Timed(
        "distances by way of the host", lambda: chdt.distance_transform(masks.cpu(), spatial_dims=dims).to(device)
    )
    yield from copied_peers(masks)


def steps_of_experiments(device: torch.device, rehearsed: bool) -> Iterator[Timed]:
    """A step of the experiments' training from outlines, and one from sizes with one sample (figure 5)."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
    try:
        from hippocampus.training import FirstPhase, SecondPhase
    except ImportError as error:
        print(f"no step of the experiments: {error}")
        return
    images = torch.randn(2 if rehearsed else EXPERIMENTS[0], 1, *EXPERIMENTS[1:], device=device)
    masks, _ = masks_and_logits((len(images), *EXPERIMENTS[1:]), device)
    sizes, index = chdt.object_size(masks).float(), torch.arange(len(images), device=device)
    outlined = FirstPhase().to(device), [images, masks > 0, sizes]
    sized = SecondPhase("size", 1).to(device), {"sizes": [images, sizes, index]}
    for name, (module, batch) in (("step with outlines", outlined), ("step with sizes", sized)):
        optimizer = module.configure_optimizers()

        def step(module: Any = module, batch: Any = batch, optimizer: torch.optim.Optimizer = optimizer) -> None:
            loss = module.training_step(batch, 0)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            module.on_train_batch_end()

        yield Timed(name, step)


def drawn_otherwise(device: torch.device, count: int) -> str:
    """How many pixels are drawn otherwise than on the host, with the same seed: where a sigmoid rounds otherwise."""
    logits = 3 * torch.randn(count, generator=torch.Generator().manual_seed(0))
    host, there = (
        chdt.sample_masks(x, generator=torch.Generator().manual_seed(1)).cpu() for x in (logits, logits.to(device))
    )
    unequal = (torch.sigmoid(logits) != torch.sigmoid(logits.to(device)).cpu()).sum().item()
    return (
        f"Of {count} logits, the chances of {unequal} are rounded otherwise than on the host, "
        f"and {int((host != there).sum())} pixels are drawn otherwise with the same seed.\n"
    )


def copied_peers(masks: torch.Tensor) -> Iterator[Timed]:
    """Distances from SciPy and OpenCV, image by image, with the copies there and back."""

    def scipy() -> None:
        from scipy.ndimage import distance_transform_cdt

        images = (masks > 0).cpu().numpy()
        torch.from_numpy(np.stack([distance_transform_cdt(x, metric="chessboard") for x in images])).to(masks.device)

    def opencv() -> None:
        import cv2

        images = (masks > 0).byte().cpu().numpy()
        torch.from_numpy(np.stack([cv2.distanceTransform(x, cv2.DIST_C, 3) for x in images])).to(masks.device)

    yield Timed("SciPy's distances, with copies", scipy)
    if masks.ndim == 3:
        yield Timed("OpenCV's distances, with copies", opencv)


def microseconds(call: Callable[[], Any], rounds: int) -> float:
    """The median time of a call, by CUDA events; of fewer calls where they take long."""
    call()
    torch.cuda.synchronize()
    began = time.perf_counter()
    call()
    torch.cuda.synchronize()
    rounds = max(3, min(rounds, int(2 / max(time.perf_counter() - began, 1e-6))))
    times = []
    for _ in range(rounds):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        call()
        end.record()
        end.synchronize()
        times.append(1000 * start.elapsed_time(end))
    return statistics.median(times)


def microseconds_of_one(call: Callable[[], Any], _: int) -> float:
    """The time of a single call, by the host's clock: of a rehearsal."""
    began = time.perf_counter()
    call()
    return 1e6 * (time.perf_counter() - began)


def measured(rounds: int, device: torch.device) -> dict[tuple[int, ...], dict[str, float]]:
    """Microseconds of every call, for each shape; answers are compared with the host's first."""
    rehearsed = device.type == "cpu"
    timed_by = microseconds_of_one if rehearsed else microseconds
    times: dict[tuple[int, ...], dict[str, float]] = {}
    for shape in SHAPES:
        size = REHEARSED[shape] if rehearsed else shape
        dims, (masks, _) = len(shape) - 1, masks_and_logits(size, device)
        for function in (chdt.distance_transform, chdt.object_size, chdt.flip_sizes):
            assert torch.equal(function(masks, spatial_dims=dims).cpu(), function(masks.cpu(), spatial_dims=dims))
        calls = [*all_timed(size, device), *(steps_of_experiments(device, rehearsed) if shape == EXPERIMENTS else ())]
        times[shape] = {timed.name: timed_by(timed.call, rounds) for timed in calls}
    return times


def goals(times: dict[tuple[int, ...], dict[str, float]] | None) -> str:
    """A table of what is to be reached, and what was."""
    lines = ["| what | masks | at most | measured |", "|---|---|---|---|"]
    for name, shape, most, peer in CLAIMS:
        limit = f"{most} µs" if peer is None else f"{most:.3g} times {peer}"
        found = "not yet"
        if times is not None:
            if name not in times[shape]:
                continue
            value = times[shape][name] / (1 if peer is None else times[shape][peer])
            found = f"{value:.3g}{' µs' if peer is None else ''}"
        lines.append(f"| {name} | {' x '.join(map(str, shape))} | {limit} | {found} |")
    return "\n".join(lines) + "\n"


def page(times: dict[tuple[int, ...], dict[str, float]] | None, device: torch.device) -> str:
    """The page, for what was measured or where nothing was."""
    if times is None:
        return NOT_MEASURED + goals(None)
    card = torch.cuda.get_device_name() if device.type == "cuda" else "A rehearsal"
    said = f"{card}; torch {torch.__version__}, chdt {chdt.__version__}."
    parts = [TITLE, f"{said} Medians by CUDA events, in microseconds, all in one run.\n", goals(times)]
    names = dict.fromkeys(name for of_shape in times.values() for name in of_shape)
    heads = [" x ".join(map(str, shape)) for shape in times]
    rows = [f"| what | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for name in names:
        cells = [f"{of_shape[name]:.4g}" if name in of_shape else "" for of_shape in times.values()]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return (
        "\n".join([*parts, "\n".join(rows)])
        + "\n\n"
        + drawn_otherwise(device, CHANCES if device.type == "cuda" else 5000)
    )


def main() -> None:
    """Measure, print, and write where that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200, help="calls of which the median is taken")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--output", type=Path, help="the page to write")
    kind.add_argument("--rehearse", action="store_true", help="run all of it under Triton's interpreter, on tiny masks")
    chosen = parser.parse_args()
    device = torch.device("cuda")
    if chosen.rehearse:
        os.environ["TRITON_INTERPRET"] = "1"  # read when a kernel is decorated
        device = torch.device("cpu")
        GPUS.add(device.type)  # its tensors are taken for those of a GPU
    there = chosen.rehearse or torch.cuda.is_available()
    text = page(measured(chosen.rounds, device) if there else None, device)
    print("All of it runs." if chosen.rehearse else text)
    if chosen.output:
        chosen.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
