"""The example monai_sizes.py with several losses of the sizes, for several seeds: python monai_arms.py --help."""

import argparse
import csv
from itertools import product
from pathlib import Path

import torch
from monai_sizes import EPOCHS, TESTED, dice, loader, make_images, own_masks, train
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from chdt import expected_size_loss, squared_size_error, threshold_of_size


def own_masks_at_0(logits: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
    """Self-training: the sizes are not looked at."""
    return binary_cross_entropy_with_logits(logits, (logits > 0).float())


def expected(logits: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
    """The expected size loss."""
    return 0.001 * expected_size_loss(logits, sizes, n_samples=8)


def margin(logits: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
    """The thresholds of the true size, around 0."""
    return 0.05 * (softplus(-threshold_of_size(logits, sizes)) + softplus(threshold_of_size(logits, sizes + 2))).mean()


ARMS = {
    "outlines": None,
    "own masks at 0": own_masks_at_0,
    "expected size loss": expected,
    "margin": margin,
    "own masks of true size": own_masks,
}


@torch.no_grad()
def size_error(network: torch.nn.Module, seed: int) -> float:
    """Mean squared error of the sizes on test images (22)."""
    errors = [
        squared_size_error(batch["label"] > 0, network(batch["image"]) > 0)
        for batch in loader(make_images(TESTED, seed), 20, augmented=False)
    ]
    return float(torch.cat(errors).float().mean())


def main() -> None:
    """Train all, seed by seed, and write a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--output", type=Path, default=Path("monai_arms.csv"), help="where the table goes")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with arguments.output.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ("epochs", "seed", "arm", "Dice", "E"))
        writer.writeheader()
        for seed, arm in product(arguments.seeds, arguments.arms):
            network, test = train(ARMS[arm], arguments.epochs, seed), 3 * seed + 2
            overlap, error = dice(network, make_images(TESTED, test)), size_error(network, test)
            row = {"epochs": arguments.epochs, "seed": seed, "arm": arm}
            row |= {"Dice": round(overlap, 4), "E": round(error, 2)}
            writer.writerow(row)
            print(*row.values(), flush=True)


if __name__ == "__main__":
    main()
