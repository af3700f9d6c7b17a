"""A network that learns from the sizes of images, most of which have no outline, on several processes.

Each process has its own part of every batch. DDP averages the gradients of the processes, so a loss that is a mean over
the images of one process alone would weigh an image by how many others of its kind are on the same process.
"""

import logging
import warnings

import numpy as np
import torch
from lightning import LightningModule, Trainer, seed_everything
from lightning.pytorch.strategies import DDPStrategy
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader, TensorDataset

from chdt import ExpectedSizeLoss, intersection_over_union, object_size, squared_size_error
from scale.store import draw_masks

OUTLINED = 8  # one image of so many has an outline
UNKNOWN = 5  # and of one of so many not even the size is known
PIXELS_ALONE = 0.5  # of the epochs learn from outlines alone: from random weights sizes say little

warnings.filterwarnings("ignore", "The '\\w+_dataloader' does not have many workers")  # the data is in memory
warnings.filterwarnings("ignore", "`isinstance\\(treespec, LeafSpec\\)` is deprecated")  # lightning's own
warnings.filterwarnings("ignore", "Using `DistributedSampler` with the dataloaders")  # it repeats no image here
logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)


def draw_images(first: int, count: int) -> TensorDataset:
    """Noisy images, masks, sizes, and for each image whether its outline and its size are known."""
    masks = torch.from_numpy(draw_masks(first, count))
    noise = np.random.default_rng(first).standard_normal(masks.shape, np.float32)
    images = masks[:, None] + 0.5 * torch.from_numpy(noise)[:, None]
    number = torch.arange(first, first + count)
    return TensorDataset(images, masks, object_size(masks), number % OUTLINED == 0, number % UNKNOWN != 0)


class FromSizes(LightningModule):
    """A small network with both losses."""

    def __init__(self, n_samples: int = 4) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.network = torch.nn.Sequential(
            torch.nn.Conv2d(1, 8, 5, padding=2), torch.nn.ReLU(), torch.nn.Conv2d(8, 1, 5, padding=2)
        )
        self.size_loss = ExpectedSizeLoss(n_samples=n_samples, reduction="sum")

    def mean_over_processes(self, total: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """What, averaged over the processes as DDP does, is the mean over the images of all of them."""
        of_all = self.trainer.strategy.reduce(weight.sum(), reduce_op="sum")
        return total * self.trainer.world_size / of_all.clamp(min=1)

    def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
        """Outlines, and after a while sizes: each counts where it is known."""
        images, masks, sizes, has_outline, has_size = batch
        logits = self.network(images)[:, 0]
        pixels = binary_cross_entropy_with_logits(logits, masks.float(), reduction="none").mean((1, 2))
        loss = self.mean_over_processes((pixels * has_outline).sum(), has_outline)
        if self.current_epoch >= PIXELS_ALONE * self.trainer.max_epochs:
            # Each process draws masks of its own, even after equal seeds.
            loss = loss + 0.01 * self.mean_over_processes(self.size_loss(logits, sizes, has_size), has_size)
        return loss

    def validation_step(self, batch: list[torch.Tensor], _: int) -> None:
        """E and IoU, over the images of all processes."""
        images, masks, *_rest = batch
        predicted = self.network(images)[:, 0] > 0
        values = {
            "E": squared_size_error(masks, predicted).mean(),
            "IoU": intersection_over_union(masks, predicted).mean(),
        }
        self.log_dict(values, batch_size=len(images), sync_dist=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(self.parameters(), lr=0.01)

    def difference_between_processes(self) -> float:
        """How far the weights of the processes are from each other: 0, or something went wrong."""
        weights = torch.cat([weight.detach().reshape(-1) for weight in self.parameters()])
        highest, lowest = (self.trainer.strategy.reduce(weights.clone(), reduce_op=end) for end in ("max", "min"))
        return float((highest - lowest).max())


def train(
    processes: int = 2, nodes: int = 1, accelerator: str = "cpu", images: int = 512, batch: int = 32, epochs: int = 10
) -> tuple[Trainer, FromSizes, list[dict[str, float]]]:
    """Train, and give E and IoU on other images before and after."""
    seed_everything(0, verbose=False)  # the same first weights and order of images everywhere
    # Every process draws all images and is given its share of their numbers. Images from disk are read where needed.
    loader = DataLoader(draw_images(0, images), batch, shuffle=True, drop_last=True)
    # As many as the processes divide: Lightning would repeat some images otherwise.
    others = DataLoader(draw_images(images, 32 * processes * nodes), batch)
    several = processes * nodes > 1
    backend = "gloo" if accelerator == "cpu" else "nccl"
    trainer = Trainer(
        accelerator=accelerator,
        devices=processes,
        num_nodes=nodes,
        strategy=DDPStrategy(process_group_backend=backend) if several else "auto",
        max_epochs=epochs,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        num_sanity_val_steps=0,
        limit_val_batches=1.0,
    )
    model = FromSizes()
    before = trainer.validate(model, others, verbose=False)[0]
    trainer.fit(model, loader)
    after = trainer.validate(model, others, verbose=False)[0]
    return trainer, model, [before, after]
