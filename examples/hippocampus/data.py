"""The Lightning data module: which slices are for training, validation and test, and which m are outlined."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import torch
from lightning import LightningDataModule
from lightning.pytorch.utilities import CombinedLoader
from torch.utils.data import DataLoader, Sampler, TensorDataset

from hippocampus.slices import Slices, draw_slices, read_slices

TRAINING, VALIDATION = 0.7, 0.1  # of the slices, or of the volumes; the rest is for the test


@cache
def load(folder: Path | None) -> Slices:
    """The slices of a Decathlon folder, drawn ones without; once a process."""
    return draw_slices() if folder is None else read_slices(folder)


def split(volumes: torch.Tensor, seed: int, by_volume: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Indices for training, validation and test, in an order that depends on the seed alone.

    By volume, all slices of one are on the same side; else each slice goes its own way, as in the paper.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(volumes), generator=generator)
    names, group = volumes.unique(return_inverse=True)
    count = len(names) if by_volume else len(volumes)
    first, second = round(TRAINING * count), round((TRAINING + VALIDATION) * count)
    rank = torch.randperm(count, generator=generator)[group][order] if by_volume else torch.arange(count)
    return order[rank < first], order[(first <= rank) & (rank < second)], order[rank >= second]


class Batches(Sampler[torch.Tensor]):
    """The batches of one epoch, as indices: other ones in each epoch, and the same after a training was resumed.

    One pass over all indices, or as many passes as ``batches`` need. Lightning calls ``set_epoch``.
    """

    def __init__(self, count: int, batch_size: int, seed: int, batches: int | None = None) -> None:
        self.count, self.batch_size, self.seed, self.epoch = count, batch_size, seed, 0
        self.drawn = count if batches is None else batches * batch_size

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.drawn // self.batch_size)

    def __iter__(self) -> Iterator[torch.Tensor]:
        generator = torch.Generator().manual_seed(1_000_003 * self.seed + self.epoch)
        passes = -(-self.drawn // self.count)
        order = torch.cat([torch.randperm(self.count, generator=generator) for _ in range(passes)])
        yield from order[: self.drawn].split(self.batch_size)


class HippocampusData(LightningDataModule):
    """Slices of a Decathlon folder, or drawn ones, for both phases of the training.

    Parameters
    ----------
    folder : Path, optional
        Task04_Hippocampus, or a task laid out like it. Without it, slices are drawn.
    outlined : int
        m, the number of training images whose masks may be used. Of all others only the size may be.
    seed : int
        Decides the split, which images are outlined, and the order of the batches.
    by_volume : bool
        Whether all slices of a volume are on the same side of the split.
    batch_size : int
        Images in a training batch.
    batches : int, optional
        Make an epoch this many batches of outlined images, for the first phase. By default an epoch passes once over
        all training images, and each batch comes with half as many outlined images.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        outlined: int = 64,
        seed: int = 0,
        by_volume: bool = False,
        batch_size: int = 32,
        batches: int | None = None,
    ) -> None:
        super().__init__()
        self.folder, self.outlined, self.seed, self.by_volume = folder, outlined, seed, by_volume
        self.batch_size, self.batches = batch_size, batches
        self.slices: Slices | None = None

    def setup(self, stage: str | None = None) -> None:
        """Read or draw the slices and split them, once."""
        if self.slices is not None:
            return
        self.slices = load(self.folder)
        self.training, self.validation, self.test = split(self.slices.volumes, self.seed, self.by_volume)
        if not 0 < self.outlined <= len(self.training):
            raise ValueError(f"{self.outlined} outlined images, but there are {len(self.training)} training images")

    def part(self, indices: torch.Tensor) -> TensorDataset:
        """Images, masks and sizes of some slices."""
        images, masks, sizes, _ = self.slices
        return TensorDataset(images[indices], masks[indices], sizes[indices])

    def sizes_only(self) -> TensorDataset:
        """Images and sizes of all training slices, and their place among them; the masks stay out of reach."""
        images, _, sizes, _ = self.slices
        return TensorDataset(images[self.training], sizes[self.training], torch.arange(len(self.training)))

    def train_dataloader(self) -> DataLoader | CombinedLoader:
        """Batches of outlined images for the first phase; pairs of any and of outlined ones for the second."""
        pixels = self.part(self.training[: self.outlined])
        if self.batches is not None:
            return loader(pixels, Batches(len(pixels), self.batch_size, self.seed, self.batches))
        sizes = self.sizes_only()
        every = Batches(len(sizes), self.batch_size, self.seed)
        few = Batches(len(pixels), self.batch_size // 2, self.seed + 1, len(every))
        return CombinedLoader({"sizes": loader(sizes, every), "pixels": loader(pixels, few)}, "min_size")

    def val_dataloader(self) -> DataLoader:
        """The validation images."""
        return whole(self.part(self.validation))

    def test_dataloader(self) -> DataLoader:
        """The test images."""
        return whole(self.part(self.test))


def loader(dataset: TensorDataset, batches: Sampler[torch.Tensor]) -> DataLoader:
    """Batches picked in one go: the tensors are in memory, and worker processes would only cost time.

    Its generator is its own, as it draws from it whenever Lightning begins, and that is not the same when it goes on.
    """
    return DataLoader(dataset, sampler=batches, batch_size=None, generator=torch.Generator())


def whole(dataset: TensorDataset) -> DataLoader:
    """All of it in order, in batches that fit a cache."""
    return loader(dataset, torch.arange(len(dataset)).split(128))
