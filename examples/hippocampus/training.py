"""The two phases of the training, and the one function that runs either of them, or goes on where it was stopped."""

import csv
import json
import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, TQDMProgressBar
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from chdt import intersection_over_union, squared_size_error
from hippocampus.data import HippocampusData
from hippocampus.network import small_unet
from hippocampus.objectives import OBJECTIVES, second_phase_loss

AVERAGED = 0.99  # of the averaged network stays at each step
REMEMBERED = 0.8  # of what the network said about an image before, each time it sees the image

warnings.filterwarnings("ignore", "The '\\w+_dataloader' does not have many workers")  # the data is in memory
warnings.filterwarnings("ignore", "`isinstance\\(treespec, LeafSpec\\)` is deprecated")  # lightning's own
warnings.filterwarnings("ignore", "Checkpoint directory .* exists and is not empty")  # that is how it goes on
logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)


def flips_of(images: torch.Tensor) -> torch.Tensor:
    """For each image whether to flip its rows and its columns, at random."""
    return torch.rand(len(images), 2, device=images.device) < 0.5


def flip(images: torch.Tensor, flips: torch.Tensor) -> torch.Tensor:
    """Flip each image as it was drawn; doing it again undoes it."""
    for dim in (-1, -2):
        wanted = flips[:, dim].view(-1, *[1] * (images.ndim - 1))
        images = torch.where(wanted, images.flip(dim), images)
    return images


def augment(images: torch.Tensor) -> torch.Tensor:
    """Each image with another contrast, another brightness, and more or less noise."""
    contrast = torch.empty(len(images), 1, 1, 1, device=images.device).uniform_(0.7, 1.4)
    brightness = torch.empty_like(contrast).uniform_(-0.3, 0.3)
    strength = torch.empty_like(contrast).uniform_(0, 0.3)
    return images * contrast + brightness + strength * torch.randn_like(images)


class Segmentation(LightningModule):
    """A network whose predictions come from the running average of its weights, which are steadier than the last."""

    def __init__(self, learning_rate: float = 1e-3, seed: int = 0) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.network = small_unet()
        self.average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(AVERAGED))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (B, H, W) of images (B, 1, H, W), for predictions."""
        return self.average(images)[:, 0]

    def start_from(self, weights: dict[str, torch.Tensor]) -> None:
        """Begin with the averaged network of another training."""
        self.network.load_state_dict(weights)
        self.average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(AVERAGED))

    def pixel_loss(self, images: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        """Equation (6), with random flips."""
        flips = flips_of(images)
        return binary_cross_entropy_with_logits(self.network(flip(images, flips))[:, 0], flip(masks, flips).float())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam, for all that is learnt."""
        return torch.optim.AdamW(self.network.parameters(), self.hparams.learning_rate)

    def on_train_epoch_start(self) -> None:
        """What an epoch draws depends on its number alone, so that a training that was stopped goes on as it would."""
        torch.manual_seed(1_000_003 * self.hparams.seed + self.current_epoch)

    def on_train_batch_end(self, *_: Any) -> None:
        """Average the weights."""
        self.average.update_parameters(self.network)

    def validation_step(self, batch: list[torch.Tensor], _: int) -> None:
        """Error of the sizes (22) and overlap (23)."""
        images, masks, _ = batch
        predicted = self(images) > 0
        values = {
            "E": squared_size_error(masks, predicted).mean(),
            "IoU": intersection_over_union(masks, predicted).mean(),
        }
        self.log_dict(values, prog_bar=True, batch_size=len(images), on_epoch=True, on_step=False)

    test_step = validation_step


class FirstPhase(Segmentation):
    """Learn from the outlined images."""

    def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
        """Pixel-wise loss."""
        images, masks, _ = batch
        return self.pixel_loss(images, masks)


class SecondPhase(Segmentation):
    """Learn from the sizes of all training images.

    Parameters
    ----------
    objective : str
        One of `OBJECTIVES`.
    n_samples : int
        How many masks the expected size loss draws for each image.
    """

    def __init__(self, objective: str = "size", n_samples: int = 8, learning_rate: float = 1e-3, seed: int = 0) -> None:
        super().__init__(learning_rate, seed)
        self.save_hyperparameters()
        self.objective = OBJECTIVES[objective]
        self.memory: torch.Tensor | None = None  # of what the network said about each training image, (N, H, W)

    def on_fit_start(self) -> None:
        """Remember what the network says before it learns, averaged over all flips."""
        if self.memory is None and self.objective.remembers:
            images = self.trainer.datamodule.sizes_only().tensors[0]
            self.memory = torch.cat([self.over_all_flips(part.to(self.device)) for part in images.split(128)]).half()

    @torch.no_grad()
    def over_all_flips(self, images: torch.Tensor) -> torch.Tensor:
        """Mean of the logits over the four ways to flip an image."""
        ways = [
            torch.tensor([[a, b]], dtype=torch.bool, device=images.device) for a in (False, True) for b in (False, True)
        ]
        return torch.stack([flip(self(flip(images, way.expand(len(images), 2))), way) for way in ways]).mean(dim=0)

    @torch.no_grad()
    def earlier(self, images: torch.Tensor, index: torch.Tensor, logits: torch.Tensor) -> torch.Tensor | None:
        """What the average says of some images, or what is remembered of them and brought up to date with logits."""
        if self.objective.cut_from == "average":
            return self(images)
        if self.memory is None:
            return None
        self.memory = self.memory.to(logits.device)
        if self.objective.masks:
            self.memory[index] = self.memory[index].lerp(logits.detach().half(), 1 - REMEMBERED)
        return self.memory[index].float()

    def from_others(self, images: torch.Tensor, sizes: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        """The terms of the objective that need no outlines."""
        flips = flips_of(images)
        seen = augment(images) if self.objective.augmented else images
        logits = flip(self.network(flip(seen, flips))[:, 0], flips)
        earlier = self.earlier(images, index, logits)
        return second_phase_loss(
            self.objective, logits, images[:, 0], sizes, n_samples=self.hparams.n_samples, earlier=earlier
        )

    def training_step(self, batch: dict[str, list[torch.Tensor]], _: int) -> torch.Tensor:
        """All terms of the objective."""
        loss = self.from_others(*batch["sizes"]) if self.objective.needs_others else 0
        if self.objective.pixels:
            images, masks, _ = batch["pixels"]
            seen = augment(images) if self.objective.augmented else images
            loss = loss + self.objective.pixels * self.pixel_loss(seen, masks)
        return loss

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what is remembered."""
        checkpoint["memory"] = self.memory

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Get it back."""
        self.memory = checkpoint["memory"]


class Best(Callback):
    """Keeps a table of all validations, from the one before the first step on, and the weights at the lowest E.

    Lightning's own logger would begin a new table, and its checkpoints leave out the start, which may be the best.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: list[dict[str, float]] = []

    def on_validation_end(self, trainer: Trainer, module: Segmentation) -> None:
        """Add a row."""
        if trainer.sanity_checking and self.rows:  # of a training that goes on
            return
        epoch = 0 if trainer.sanity_checking else trainer.current_epoch + 1
        row = {"epoch": epoch, **{name: float(trainer.callback_metrics[name]) for name in ("E", "IoU")}}
        if not self.rows or row["E"] < min(earlier["E"] for earlier in self.rows):
            torch.save(module.average.module.state_dict(), self.folder / "best.pt")
        self.rows.append(row)
        write_csv(self.folder / "validation.csv", self.rows)

    def state_dict(self) -> dict[str, Any]:
        """The table, for a checkpoint."""
        return {"rows": self.rows}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The table up to a checkpoint."""
        self.rows = state["rows"]


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    """A table with a header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def trainer_for(folder: Path, epochs: int, patience: int, progress: bool) -> Trainer:
    """Lightning's trainer, which validates before the first step and after each epoch."""
    return Trainer(
        devices=1,
        max_epochs=epochs,
        num_sanity_val_steps=-1,
        logger=False,
        enable_model_summary=False,
        enable_progress_bar=progress,
        callbacks=[
            Best(folder),
            EarlyStopping("E", patience=patience),
            ModelCheckpoint(folder, "last", save_on_train_epoch_end=True, enable_version_counter=False),
            *([TQDMProgressBar()] if progress else []),
        ],
    )


def train(
    module: Segmentation, data: HippocampusData, folder: Path, *, epochs: int, patience: int, progress: bool = False
) -> dict[str, Any]:
    """Train until validation E has not improved for ``patience`` epochs; give what is in ``result.json``.

    A training that was stopped goes on after its last whole epoch; one that is done is not done again.
    """
    done = folder / "result.json"
    if done.is_file():
        return json.loads(done.read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    trainer = trainer_for(folder, epochs, patience, progress)
    last = folder / "last.ckpt"
    trainer.fit(module, data, ckpt_path=last if last.is_file() else None)
    rows = next(callback.rows for callback in trainer.callbacks if isinstance(callback, Best))
    result = {"epochs": len(rows) - 1, "validation": min(rows, key=lambda row: row["E"])}
    result["last"] = trainer.test(module, data, verbose=False)[0]
    module.start_from(best_weights(folder))
    result["test"] = trainer.test(module, data, verbose=False)[0]
    part = folder / "result.part"
    part.write_text(json.dumps(result, indent=1), encoding="utf-8")
    part.replace(done)  # at once: half a result would not be done again
    last.unlink()
    return result


def best_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The network that a training kept, on whatever device it was trained."""
    return torch.load(folder / "best.pt", map_location="cpu", weights_only=True)


def read_csv(path: Path) -> list[dict[str, float]]:
    """The numbers of a table."""
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
