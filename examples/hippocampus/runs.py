"""Trainings by name: each lies in a folder of its own, is done once, and can be asked for again."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hippocampus.data import HippocampusData
from hippocampus.objectives import OBJECTIVES
from hippocampus.training import FirstPhase, SecondPhase, best_weights, train


@dataclass(frozen=True)
class Study:
    """What all trainings of an experiment have in common."""

    folder: Path | None  # a Decathlon task; None for drawn slices
    runs: Path  # where the trainings are kept
    by_volume: bool = False
    first_epochs: int = 60  # of the first phase, at most
    first_batches: int = 50  # an epoch of the first phase
    first_patience: int = 8
    epochs: int = 20  # of the second phase, at most
    patience: int = 5
    progress: bool = False

    @property
    def source(self) -> str:
        """Name of the data."""
        return "drawn" if self.folder is None else self.folder.resolve().name

    def home(self, outlined: int, seed: int) -> Path:
        """Folder of the trainings with the same outlined images."""
        side = "by-volume" if self.by_volume else "by-slice"
        return self.runs / f"{self.source}-{side}" / f"m{outlined}-seed{seed}"

    def data(self, outlined: int, seed: int, batches: int | None = None) -> HippocampusData:
        """The data of one training."""
        return HippocampusData(self.folder, outlined=outlined, seed=seed, by_volume=self.by_volume, batches=batches)

    def first(self, outlined: int, seed: int) -> dict[str, Any]:
        """The first phase, on outlined images."""
        torch.manual_seed(seed)
        data = self.data(outlined, seed, self.first_batches)
        return train(
            FirstPhase(seed=seed),
            data,
            self.home(outlined, seed) / "first",
            epochs=self.first_epochs,
            patience=self.first_patience,
            progress=self.progress,
        )

    def kept(self, outlined: int, seed: int, objective: str, n_samples: int) -> Path:
        """Folder of one second phase."""
        return self.home(outlined, seed) / f"{objective}-n{n_samples}-{self.epochs}epochs-patience{self.patience}"

    def second(self, outlined: int, seed: int, objective: str, n_samples: int = 8) -> dict[str, Any]:
        """The second phase, on all sizes, from where the first ended."""
        self.first(outlined, seed)
        module = SecondPhase(objective, n_samples, OBJECTIVES[objective].learning_rate, seed)
        module.start_from(best_weights(self.home(outlined, seed) / "first"))
        return train(
            module,
            self.data(outlined, seed),
            self.kept(outlined, seed, objective, n_samples),
            epochs=self.epochs,
            patience=self.patience,
            progress=self.progress,
        )
