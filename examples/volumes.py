"""Whole volumes of hippocampi: a few outlined ones, and one size for each of the others. python volumes.py --help."""

import argparse
import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from hippocampus.objectives import with_noise
from hippocampus.slices import listed_volumes, normalise, read_volume
from hippocampus.training import augment, flips_of
from monai.networks.nets import UNet
from monai.transforms import ResizeWithPadOrCrop
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from chdt import intersection_over_union, mask_of_size, object_size, squared_size_error, threshold_of_size

SHAPE = (36, 52, 36)  # of about 35 x 50 x 36 voxels of 1 mm
TRAINING = 0.8  # of the volumes; the rest is for the test
FIRST_STEPS, BATCH, FEW = 400, 4, 2  # steps on outlines alone; volumes with a size in a later step, and with an outline
LEARNING_RATE, AVERAGED = 1e-3, 0.99


class Volumes(NamedTuple):
    """Images (N, 1, ...), masks (N, ...) and sizes (N,)."""

    images: torch.Tensor
    masks: torch.Tensor
    sizes: torch.Tensor


def read_volumes(folder: Path) -> Volumes:
    """All labelled volumes of a Decathlon folder, cropped or padded to SHAPE; both classes are foreground."""
    fit = ResizeWithPadOrCrop(SHAPE)
    images, masks = [], []
    for files in listed_volumes(folder):
        image, label = (read_volume(Path(files[kind])) for kind in ("image", "label"))
        images.append(np.asarray(fit(normalise(image)[None])))
        masks.append(np.asarray(fit((label > 0).astype(np.float32)[None]))[0] > 0)
    return with_sizes(torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(masks)))


def draw_volumes(count: int = 20, seed: int = 0) -> Volumes:
    """Ellipsoids in noise, where there is no data."""
    generator = torch.Generator().manual_seed(seed)
    axes = [torch.arange(side) - (side - 1) / 2 for side in SHAPE]
    places = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    radii = 4 + 8 * torch.rand(count, 3, 1, 1, 1, generator=generator)
    masks = ((places / radii) ** 2).sum(dim=1) < 1
    return with_sizes(masks[:, None] + torch.randn(count, 1, *SHAPE, generator=generator), masks)


def with_sizes(images: torch.Tensor, masks: torch.Tensor) -> Volumes:
    """Images and masks with the sizes of these."""
    return Volumes(images, masks, object_size(masks, spatial_dims=3))


def small_unet() -> nn.Module:
    """MONAI's U-Net on blocks of 2 x 2 x 2 voxels, as the slices' (`hippocampus.network`)."""
    unet = UNet(3, 8, 8, channels=(16, 32, 64), strides=(1, 2), num_res_units=1, norm=("group", {"num_groups": 4}))
    return nn.Sequential(Blocks(), unet, Voxels())


class Blocks(nn.Module):
    """Blocks of 2 x 2 x 2 voxels become channels: nothing is lost, and the full resolution is never worked on."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(B, 1, D, H, W) to (B, 8, D/2, H/2, W/2)."""
        blocks = images[:, 0].unfold(1, 2, 2).unfold(2, 2, 2).unfold(3, 2, 2)
        return blocks.flatten(4).movedim(4, 1)


class Voxels(nn.Module):
    """Blocks become voxels again."""

    def forward(self, blocks: torch.Tensor) -> torch.Tensor:
        """(B, 8, D/2, H/2, W/2) to (B, D, H, W)."""
        parts = blocks.unflatten(1, (2, 2, 2)).permute(0, 4, 1, 5, 2, 6, 3)
        return parts.flatten(5, 6).flatten(3, 4).flatten(1, 2)


def flip(volumes: torch.Tensor, flips: torch.Tensor) -> torch.Tensor:
    """Flip the volumes of a batch alike, by the first row of ``flips``: it undoes itself."""
    return volumes.flip([dim for dim, wanted in zip((-1, -2), flips[0], strict=True) if wanted])


# ------------------------------------------------------------------------------------------------ what is learnt from


def masks_at_0(source: torch.Tensor, sizes: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """Self-training: own masks, whatever their size."""
    return binary_cross_entropy_with_logits(logits, (source > 0).float())


def masks_of_true_size(source: torch.Tensor, sizes: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """Own masks of the averaged network, cut at the true size."""
    return binary_cross_entropy_with_logits(logits, mask_of_size(source, sizes, spatial_dims=3).float())


def masks_and_margin(source: torch.Tensor, sizes: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """The same, and the margin of thresholds with noise."""
    noisy = with_noise(logits, 4)
    sizes_of_all = sizes.expand(noisy.shape[:2])
    reached, exceeded = (threshold_of_size(noisy, sizes_of_all + more, spatial_dims=3) for more in (0, 2))
    margin = (softplus(-reached) + softplus(exceeded)).mean()
    return masks_of_true_size(source, sizes, logits) + 0.1 * margin


ARMS: dict[str, Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor] | None] = {
    "outlines": None,
    "own masks at 0": masks_at_0,
    "own masks of true size": masks_of_true_size,
    "own masks of true size + margin": masks_and_margin,
}


# ------------------------------------------------------------------------------------------------ training


class Learner:
    """A network, its average and its optimiser."""

    def __init__(self, weights: dict[str, torch.Tensor] | None = None) -> None:
        self.network = small_unet()
        if weights:
            self.network.load_state_dict(weights)
        self.average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(AVERAGED))
        self.optimizer = torch.optim.AdamW(self.network.parameters(), LEARNING_RATE)

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """What the network says of images with other contrasts, noise and flips."""
        flips = flips_of(images)
        return flip(self.network(augment_volumes(flip(images, flips))), flips)

    def step(self, loss: torch.Tensor) -> None:
        """Learn, and average."""
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.average.update_parameters(self.network)


def augment_volumes(images: torch.Tensor) -> torch.Tensor:
    """The slices' augmentation, a volume as one long image."""
    return augment(images.flatten(2, 3)).view_as(images)


def picks(count: int, batch: int) -> Iterator[torch.Tensor]:
    """Endless batches of indices, pass after pass."""
    left = torch.empty(0, dtype=torch.int64)
    while True:
        while len(left) < batch:
            left = torch.cat([left, torch.randperm(count)])
        yield left[:batch]
        left = left[batch:]


def from_outlines(learner: Learner, data: Volumes, chosen: torch.Tensor) -> torch.Tensor:
    """Cross-entropy on outlined volumes."""
    return binary_cross_entropy_with_logits(learner.logits(data.images[chosen]), data.masks[chosen].float())


def study(data: Volumes, outlined: int, seed: int, steps: int, epochs: int, arms: list[str]) -> list[dict[str, Any]]:
    """A row for the start, and one for each way to go on from it: the averaged network after the last step."""
    order = torch.randperm(len(data.images), generator=torch.Generator().manual_seed(seed))
    training, test = order.split([cut := round(TRAINING * len(order)), len(order) - cut])
    torch.manual_seed(seed)
    start = Learner()
    few = picks(outlined, FEW)
    for _ in range(steps):
        start.step(from_outlines(start, data, training[next(few)]))
    rows = [row_of(start, data, test, m=outlined, seed=seed, arm="start", epochs=0)]
    for arm in arms:
        torch.manual_seed(seed)
        learner, from_others = Learner(start.average.module.state_dict()), ARMS[arm]
        few, many = picks(outlined, FEW), picks(len(training), BATCH)
        for _ in range(epochs * len(training) // BATCH):
            loss = from_outlines(learner, data, training[next(few)])
            if from_others:
                chosen = training[next(many)]
                with torch.no_grad():
                    source = learner.average(data.images[chosen])
                loss = loss + from_others(source, data.sizes[chosen], learner.logits(data.images[chosen]))
            learner.step(loss)
        rows.append(row_of(learner, data, test, m=outlined, seed=seed, arm=arm, epochs=epochs))
    return rows


@torch.no_grad()
def row_of(learner: Learner, data: Volumes, test: torch.Tensor, **about: Any) -> dict[str, Any]:
    """Errors on test volumes, by the averaged network."""
    found = torch.cat([learner.average(data.images[part]) > 0 for part in test.split(8)])
    error = squared_size_error(data.masks[test], found, spatial_dims=3).mean()
    overlap = intersection_over_union(data.masks[test], found, spatial_dims=3).mean()
    row = {**about, "test_E": round(float(error), 3), "test_IoU": round(float(overlap), 4)}
    print(*row.values(), flush=True)
    return row


def main() -> None:
    """Train, and write a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="Task04_Hippocampus of the Medical Segmentation Decathlon")
    parser.add_argument("--outlined", "-m", type=int, nargs="+", default=[8], help="how many volumes")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--steps", type=int, default=FIRST_STEPS, help="of the first phase, on outlines alone")
    parser.add_argument("--epochs", type=int, default=10, help="of the second phase, over all training volumes")
    parser.add_argument("--output", type=Path, default=Path("volumes.csv"), help="where the table goes")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data = read_volumes(arguments.data) if arguments.data else draw_volumes()
    rows = []
    for outlined in arguments.outlined:
        for seed in arguments.seeds:
            rows += study(data, outlined, seed, arguments.steps, arguments.epochs, arguments.arms)
    with arguments.output.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
