"""
A few outlines and many sizes, with MONAI
=========================================

A U-Net learns from 3 outlined images and from 20 of which only the size of the object is known.

Images, transforms, loader, network and metric are MONAI's. For an image without an outline, `chdt.mask_of_size` cuts
what the network says at the threshold that gives the true size, and the network learns from that mask. The same network
stands beside it, trained on the outlines alone for as long.

To run it::

    python examples/monai_sizes.py
    python examples/monai_sizes.py --epochs 90 --seed 1 --output FILE
"""

import argparse
from collections.abc import Callable, Iterable
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from monai.data import DataLoader, Dataset, create_test_image_2d
from monai.metrics import DiceMetric
from monai.networks.nets import UNet
from monai.transforms import Compose, EnsureChannelFirstd, NormalizeIntensityd, RandFlipd, RandRotate90d
from monai.utils import set_determinism
from torch.nn.functional import binary_cross_entropy_with_logits

from chdt import mask_of_size, object_size

OUTLINED, SIZED, TESTED = 3, 20, 40  # images
SIDE, NOISE = 96, 1.0  # of an image: its pixels a side, and the deviation of its noise; the object is brighter by 1
EPOCHS, FOUND = 60, 0.5  # passes over the images with a size; the share of them after which their sizes come in

# %%
# Images
# ------
# One disc each, of any place and size, in much noise. Flips and quarter turns leave its size as it is.
# Crops, zooms and other rotations change it, and to measure it again takes an outline, which there is none of.


def make_images(count: int, seed: int) -> list[dict[str, Any]]:
    """Noisy images of a disc with label and size."""
    random = np.random.RandomState(seed)
    items = []
    for _ in range(count):
        image, label = create_test_image_2d(SIDE, SIDE, num_objs=1, num_seg_classes=1, random_state=random)
        image = (image + random.normal(0, NOISE, image.shape)).astype(np.float32)
        items.append({"image": image, "label": label.astype(np.float32), "size": int(object_size(label > 0))})
    return items


def loader(items: list[dict[str, Any]], batch_size: int, augmented: bool = True) -> DataLoader:
    """Batches of images, with what is known of them."""
    both = {"keys": ["image", "label"], "allow_missing_keys": True}
    transforms = [EnsureChannelFirstd(**both, channel_dim="no_channel"), NormalizeIntensityd("image")]
    if augmented:
        transforms += [RandFlipd(**both, prob=0.5, spatial_axis=axis) for axis in (0, 1)]
        transforms += [RandRotate90d(**both, prob=0.5)]
    return DataLoader(Dataset(items, Compose(transforms)), batch_size=batch_size, shuffle=augmented)


# %%
# Training
# --------
# The mask of a network that has found nothing yet is a mask of nothing, so the sizes come in after half of the epochs.


def own_masks(logits: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
    """Cross-entropy against what the network itself says, cut so that the object has the true size."""
    return binary_cross_entropy_with_logits(logits, mask_of_size(logits, sizes).float())


def train(
    from_sizes: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None, epochs: int = EPOCHS, seed: int = 0
) -> torch.nn.Module:
    """Learn from outlined images, and by some loss from others with sizes, or, without one, from outlines alone."""
    set_determinism(seed)
    outlined = make_images(OUTLINED, 3 * seed)
    sized = [{"image": item["image"], "size": item["size"]} for item in make_images(SIZED, 3 * seed + 1)]
    network = UNet(2, in_channels=1, out_channels=1, channels=(8, 16, 32, 64), strides=(2, 2, 2), num_res_units=2)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    with_outlines, with_sizes = loader(outlined, OUTLINED), loader(sized, 4)
    for epoch in range(epochs):
        for few, many in zip(cycle(with_outlines), with_sizes, strict=False):
            loss = binary_cross_entropy_with_logits(network(few["image"]), few["label"])
            if from_sizes and epoch >= FOUND * epochs:
                loss = loss + from_sizes(network(many["image"]).squeeze(1), many["size"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return network.eval()


@torch.no_grad()
def dice(network: torch.nn.Module, items: list[dict[str, Any]]) -> float:
    """Mean Dice."""
    metric = DiceMetric()
    for batch in loader(items, 20, augmented=False):
        metric(network(batch["image"]) > 0, batch["label"])
    return float(metric.aggregate())


# %%
# Both
# ----


def draw(networks: Iterable[torch.nn.Module], items: list[dict[str, Any]], output: Path) -> None:
    """Test images, their true outlines, and those that the networks find."""
    figure, axes = plt.subplots(1, len(items), figsize=(3 * len(items), 3.4), layout="constrained")
    batch = next(iter(loader(items, len(items), augmented=False)))
    for axis, image, label in zip(axes, batch["image"], batch["label"], strict=True):
        axis.imshow(image[0], cmap="gray")
        axis.contour(label[0], [0.5], colors="white")
        for colour, network in zip(("tab:orange", "tab:cyan"), networks, strict=True):
            axis.contour(network(image[None])[0, 0].detach(), [0], colors=colour)
        axis.set_axis_off()
    figure.suptitle("true: white; from outlines: orange; from outlines and sizes: blue")
    figure.savefig(output)


def main() -> None:
    """Train both, print the Dice of each, and draw some test images."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("monai_sizes.png"), help="where the picture goes")
    arguments = parser.parse_args()
    networks = {
        f"{OUTLINED} outlines": train(None, arguments.epochs, arguments.seed),
        f"{OUTLINED} outlines, {SIZED} sizes": train(own_masks, arguments.epochs, arguments.seed),
    }
    tested = make_images(TESTED, 3 * arguments.seed + 2)
    for name, network in networks.items():
        print(f"{name:<22}Dice {dice(network, tested):.3f}")
    draw(networks.values(), tested[:4], arguments.output)


if __name__ == "__main__":
    main()
