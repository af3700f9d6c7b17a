"""Slices of 48 x 32 pixels with the outlines and sizes of their objects: cut from a Decathlon folder, or drawn."""

from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
import numpy.typing as npt
import torch
from monai.data import load_decathlon_datalist
from monai.transforms import ResizeWithPadOrCrop
from scipy.ndimage import gaussian_filter

from chdt import object_size

Array = npt.NDArray[np.generic]

HEIGHT, WIDTH = 48, 32
LEAST_FOREGROUND = 0.01  # of the pixels of a slice
CONTRAST = 4.0  # standard deviations from the mean of its volume at which a voxel is as dark or bright as any


class DataError(Exception):
    """A file that is not what it should be; the message names it."""

    def __init__(self, path: Path, problem: object) -> None:
        super().__init__(f"{path}: {problem}")


class Slices(NamedTuple):
    """Images, what is known of them, and the volume each is from."""

    images: torch.Tensor  # float32, (N, 1, HEIGHT, WIDTH)
    masks: torch.Tensor  # bool, (N, HEIGHT, WIDTH)
    sizes: torch.Tensor  # float32, (N,)
    volumes: torch.Tensor  # int64, (N,)

    def __getitem__(self, index):  # a tuple's own would give one of the four
        """The slices of an index, a list of them or a boolean mask."""
        return Slices(*(part[index] for part in self))


# ------------------------------------------------------------------------------------------------ a Decathlon folder


def listed_volumes(folder: Path) -> list[dict[str, str]]:
    """Image and label file of each volume that the folder's dataset.json lists for training."""
    index = Path(folder) / "dataset.json"
    if not index.is_file():
        raise DataError(index, "no such file; the folder should be a task of the Decathlon, such as Task04_Hippocampus")
    try:
        listed = load_decathlon_datalist(index, is_segmentation=True, data_list_key="training")
        return [{"image": str(pair["image"]), "label": str(pair["label"])} for pair in listed]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            index, "not the index of a Decathlon task, which lists images and labels in 'training'"
        ) from error


def read_volume(path: Path) -> Array:
    """The voxels of one NIfTI file."""
    if not path.is_file():
        raise DataError(path, "no such file, though dataset.json lists it")
    try:
        volume = np.asarray(nibabel.load(path).dataobj)
    except Exception as error:  # nibabel, gzip and zlib each have their own
        raise DataError(path, f"not a NIfTI file that can be read to its end ({error})") from error
    if volume.ndim != 3:
        raise DataError(path, f"a volume has 3 dims, but this has shape {volume.shape}")
    if not np.isfinite(volume).all():
        raise DataError(path, "has voxels that are not finite")
    return volume


def normalise(volume: Array) -> Array:
    """Mean 0 and standard deviation 1; scanners agree on no unit."""
    volume = volume.astype(np.float32)
    return np.clip((volume - volume.mean()) / max(volume.std(), 1e-6), -CONTRAST, CONTRAST)


def cut(volume: Array) -> Array:
    """All slices along the last axis, (n, HEIGHT, WIDTH), cropped or padded centrally."""
    fitted = ResizeWithPadOrCrop((WIDTH, HEIGHT, volume.shape[2]))(volume[None])[0]
    return np.ascontiguousarray(np.asarray(fitted).transpose(2, 1, 0))


def read_slices(folder: Path) -> Slices:
    """The slices of all listed volumes that show enough of the object; all classes of a label are foreground."""
    images, masks, volumes = [], [], []
    for number, files in enumerate(listed_volumes(folder)):
        image, label = (read_volume(Path(files[kind])) for kind in ("image", "label"))
        if image.shape != label.shape:
            raise DataError(Path(files["label"]), f"labels of shape {label.shape} for an image of shape {image.shape}")
        mask = cut((label > 0).astype(np.float32)) > 0
        kept = mask.mean(axis=(1, 2)) >= LEAST_FOREGROUND
        images.append(cut(normalise(image))[kept])
        masks.append(mask[kept])
        volumes.append(np.full(kept.sum(), number))
    if not sum(map(len, masks)):
        raise DataError(Path(folder) / "dataset.json", "lists no volume with enough foreground")
    return slices_of(np.concatenate(images), np.concatenate(masks), np.concatenate(volumes))


def slices_of(images: Array, masks: Array, volumes: Array) -> Slices:
    """Tensors of them, and their sizes."""
    masks = torch.from_numpy(masks)
    sizes = object_size(masks).float()
    return Slices(torch.from_numpy(images)[:, None], masks, sizes, torch.from_numpy(volumes))


# ------------------------------------------------------------------------------------------------ drawn slices


def draw_slices(count: int = 6000, seed: int = 0, per_volume: int = 24) -> Slices:
    """Bent blobs, brighter than what is around them, among others that are as bright but are not the object.

    Slices of one "volume" share its brightness, its contrast and its noise, as those of a patient do.
    """
    rng = np.random.default_rng(seed)
    volumes = np.arange(count) // per_volume

    def texture(scale: float) -> Array:
        noise = rng.standard_normal((count, HEIGHT, WIDTH), np.float32)
        smooth = gaussian_filter(noise, (0, scale, scale), truncate=3)
        return smooth / smooth.std()

    def each(low: float, high: float) -> Array:
        return rng.uniform(low, high, (count, 1, 1)).astype(np.float32)

    def each_volume(low: float, high: float) -> Array:
        return rng.uniform(low, high, (volumes[-1] + 1, 1, 1)).astype(np.float32)[volumes]

    def blob(away: float) -> Array:
        y = np.arange(HEIGHT, dtype=np.float32)[:, None] - HEIGHT / 2 + each(-5, 5)
        x = np.arange(WIDTH, dtype=np.float32) - WIDTH / 2 + each(-3, 3) + away
        angle = each(-0.6, 0.6)
        along, across = y * np.cos(angle) - x * np.sin(angle), y * np.sin(angle) + x * np.cos(angle)
        return np.hypot(along / each(6, 16), (across + each(-0.02, 0.02) * along**2) / each(2.5, 8))

    masks = blob(0) + 0.2 * texture(3.5) + 0.08 * texture(0.8) < 1
    decoys = (blob(13) + 0.3 * texture(2) < 0.5) & ~masks
    tissue = gaussian_filter((masks - 0.6 * decoys).astype(np.float32), (0, 0.8, 0.8))
    images = 0.6 * texture(5) + 0.4 * texture(1.5) + each_volume(1.0, 2.0) * tissue + 0.35 * texture(0.4)
    images = images * each_volume(0.7, 1.4) + each_volume(-0.5, 0.5)
    kept = masks.mean(axis=(1, 2)) >= LEAST_FOREGROUND
    return slices_of(np.clip(images, -CONTRAST, CONTRAST)[kept], masks[kept], volumes[kept])
