"""Everything that is timed: chdt, others that give the same answers, and bounds, work that no answer can do without.

Each is a function of masks and of memory for the answer, and is given both as it likes them best, before the clock
starts: SciPy takes bool, OpenCV takes the same bytes as 0 and 1, so neither pays for converting -1 and +1. `prepare`
makes sure that it gives chdt's answer. OpenCV is imported by those who run it: to import it can change how threads
behave in the whole process.
"""

import functools
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage

import chdt
from benchmarks.workloads import EDGE_CASES, Masks, Workload, masks_of, tensor_of

# ------------------------------------------------------------------------------------------------ distance_transform


def chdt_distances(masks: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Distances of a batch, into memory that is there."""
    return chdt.distance_transform(masks, spatial_dims=masks.ndim - 1, out=out)


def chdt_new_distances(masks: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Distances of a batch, into new memory."""
    return chdt.distance_transform(masks, spatial_dims=masks.ndim - 1)


def scipy_distances(masks: Masks, out: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """One call an image, the way everybody writes it."""
    for mask, distances in zip(masks, out, strict=True):
        ndimage.distance_transform_cdt(mask, metric="chessboard", distances=distances)
    return out


def scipy_batch_distances(masks: Masks, out: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """One call for all images: a grid of one dim more, in which no step leads from image to image."""
    neighbours = np.zeros((3,) * masks.ndim, dtype=bool)
    neighbours[1] = True
    ndimage.distance_transform_cdt(masks, metric=neighbours, distances=out)
    return out


def opencv_distances(masks: npt.NDArray[np.uint8], out: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """One call an image; it has no integer answers for this distance."""
    import cv2

    for mask, distances in zip(masks, out, strict=True):
        cv2.distanceTransform(mask, cv2.DIST_C, cv2.DIST_MASK_3, distances)
    return out


def torch_copy(masks: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Read every mask and write every answer, nothing else."""
    return out.copy_(masks)


def torch_erosions(masks: torch.Tensor) -> Iterator[torch.Tensor]:
    """The masks, 0 and 1, eroded by 0, 1, 2, ... pixels for as long as anything is left.

    How it is done where there is nothing but torch: a minimum over 3 x 3 pixels is a maximum of negatives.
    """
    pool = getattr(torch.nn.functional, f"max_pool{masks.ndim - 1}d")
    eroded = masks
    for _ in range(max(masks.shape[1:])):
        yield eroded
        if not eroded.any():
            return
        eroded = -pool(-eroded[:, None], 3, stride=1, padding=1)[:, 0]


def torch_distances(masks: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """How many erosions a pixel outlives."""
    out.zero_()
    for eroded in torch_erosions(masks):
        out += eroded
    return out


# ------------------------------------------------------------------------------------------------ object_size


def torch_sizes(masks: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Twice as many erosions as something of the mask outlives."""
    return sum(2 * eroded.flatten(1).amax(1) for eroded in torch_erosions(masks))


def chdt_sizes(masks: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Sizes of a batch."""
    return chdt.object_size(masks, spatial_dims=masks.ndim - 1)


def scipy_sizes(masks: Masks, out: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """One transform an image, then the maximum of each."""
    return 2 * scipy_distances(masks, out).reshape(len(out), -1).max(axis=1)


def scipy_batch_sizes(masks: Masks, out: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """One transform for all images, then the maximum of each."""
    return 2 * scipy_batch_distances(masks, out).reshape(len(out), -1).max(axis=1)


def opencv_sizes(masks: npt.NDArray[np.uint8], out: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """One transform and one maximum an image, while its distances are still near."""
    import cv2

    distances = out[0]
    sizes = np.empty(len(masks))
    for i, mask in enumerate(masks):
        cv2.distanceTransform(mask, cv2.DIST_C, cv2.DIST_MASK_3, distances)
        sizes[i] = 2 * cv2.minMaxLoc(distances)[1]
    return sizes


def torch_sum(masks: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Read every mask, nothing else."""
    return masks.sum(tuple(range(1, masks.ndim)))


# ------------------------------------------------------------------------------------------------ flip_sizes


def chdt_flips(masks: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """All flips of a batch, into memory that is there."""
    return chdt.flip_sizes(masks, spatial_dims=masks.ndim - 1, out=out)


def chdt_new_flips(masks: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """All flips of a batch, into new memory."""
    return chdt.flip_sizes(masks, spatial_dims=masks.ndim - 1)


def scipy_batch_flips(masks: Masks, out: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """One transform a flip; all flips of an image in one call."""
    pixels = masks[0].size
    distances = np.empty((pixels, *masks[0].shape), np.int32)
    for mask, sizes in zip(masks, out, strict=True):
        flipped = np.repeat(mask[None], pixels, axis=0)
        flipped.reshape(pixels, pixels)[np.diag_indices(pixels)] ^= True
        sizes[...] = scipy_batch_sizes(flipped, distances).reshape(sizes.shape)
    return out


def opencv_flips(masks: npt.NDArray[np.uint8], out: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """One transform a flip, one call a flip."""
    import cv2

    distances, largest = np.empty(masks[0].shape, np.float32), 2 * max(masks[0].shape)
    for mask, sizes in zip(masks, out, strict=True):
        image = mask.copy()
        for i in np.ndindex(image.shape):
            image[i] ^= 1
            cv2.distanceTransform(image, cv2.DIST_C, cv2.DIST_MASK_3, distances)
            sizes[i] = min(2 * cv2.minMaxLoc(distances)[1], largest)
            image[i] ^= 1
    return out


# ------------------------------------------------------------------------------------------------ all of them


class Peer(NamedTuple):
    """A function that is timed, and what it is given."""

    run: Callable[[Any, Any], Any]
    masks: Callable[[Workload, str], Any]
    out: Callable[[tuple[int, ...]], Any]  # memory for its answer
    any_dtype: bool = False  # it takes masks of the dtype that was asked for
    any_threads: bool = True
    is_bound: bool = False  # it gives no answer


@functools.lru_cache(maxsize=2)
def _integers(shape: tuple[int, ...]) -> npt.NDArray[np.int32]:
    return np.zeros(shape, np.int32)


@functools.lru_cache(maxsize=2)
def _bytes(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.zeros(shape, dtype=torch.uint8)


@functools.lru_cache(maxsize=2)
def _floats(shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    return np.zeros(shape, np.float32)


def _of_torch(run: Callable[[Any, Any], Any], is_bound: bool = False) -> Peer:
    return Peer(run, tensor_of, lambda shape: torch.from_numpy(_integers(shape)), any_dtype=True, is_bound=is_bound)


def _of_scipy(run: Callable[[Any, Any], Any]) -> Peer:
    return Peer(run, lambda workload, _: masks_of(workload), _integers, any_threads=False)


def _of_pooling(run: Callable[[Any, Any], Any]) -> Peer:
    return Peer(run, lambda workload, _: torch.from_numpy(masks_of(workload)).float(), _floats_of_torch)


def _floats_of_torch(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.from_numpy(_floats(shape))


def _of_opencv(run: Callable[[Any, Any], Any]) -> Peer:
    return Peer(run, lambda workload, _: masks_of(workload).view(np.uint8), _floats)


PEERS = {
    "object_size": {
        "chdt": _of_torch(chdt_sizes),
        "torch sum": _of_torch(torch_sum, is_bound=True),
        "torch max_pool": _of_pooling(torch_sizes),
        "opencv loop": _of_opencv(opencv_sizes),
        "scipy batch": _of_scipy(scipy_batch_sizes),
        "scipy loop": _of_scipy(scipy_sizes),
    },
    "distance_transform": {
        "chdt": _of_torch(chdt_distances),
        "chdt into uint8": Peer(chdt_distances, tensor_of, _bytes, any_dtype=True),
        "chdt without out": _of_torch(chdt_new_distances),
        "torch copy": _of_torch(torch_copy, is_bound=True),
        "torch max_pool": _of_pooling(torch_distances),
        "opencv loop": _of_opencv(opencv_distances),
        "scipy batch": _of_scipy(scipy_batch_distances),
        "scipy loop": _of_scipy(scipy_distances),
    },
    "flip_sizes": {
        "chdt": _of_torch(chdt_flips),
        "chdt without out": _of_torch(chdt_new_flips),
        "torch copy": _of_torch(torch_copy, is_bound=True),
        "distance_transform": _of_torch(chdt_distances, is_bound=True),
        "opencv loop": _of_opencv(opencv_flips),
        "scipy batch": _of_scipy(scipy_batch_flips),
    },
}


ONE_TRANSFORM_A_FLIP = ("opencv loop", "scipy batch")
MOST_FLIPS = 48 * 32
MOST_POOLED = 64 * 64


def impossible(function: str, impl: str, workload: Workload, dtype: str, threads: int) -> str | None:
    """Why this combination is not measured, if it is not: what makes no difference to a peer is measured once."""
    peer = PEERS[function][impl]
    if threads > (os.cpu_count() or 1):
        return f"{threads} threads need as many cores"
    if threads > 1 and not peer.any_threads:
        return f"{impl} uses one thread"
    if impl.startswith("opencv") and len(workload.grid) != 2:
        return f"{impl} knows images only"
    if impl == "torch max_pool" and workload.pixels > MOST_POOLED:
        return f"{impl} erodes all masks as often as the largest object needs"
    if impl == "chdt into uint8" and max(workload.grid) > 255:
        return "uint8 does not hold these distances"
    if function == "flip_sizes" and impl in ONE_TRANSFORM_A_FLIP and workload.pixels > MOST_FLIPS:
        return f"{impl} would take hours"
    if dtype != "bool" and not peer.any_dtype:
        return f"{impl} is given the dtype that it likes best"
    return None


def use_threads(impl: str, threads: int) -> None:
    """Have this many threads do the work from now on."""
    torch.set_num_threads(threads)  # chdt keeps to it
    if impl.startswith("opencv"):
        import cv2

        cv2.setNumThreads(threads)


@functools.lru_cache(maxsize=1)
def prepare(function: str, impl: str, workload: Workload, dtype: str) -> Callable[[], Any]:
    """A call that does all of the work once; one before was checked, and left everything warm.

    The last one is kept, because asv asks for it again before every sample.
    """
    call = _call_of(function, impl, workload, dtype)
    if PEERS[function][impl].is_bound:
        call()
    else:
        for masks in (*EDGE_CASES[len(workload.grid)], workload):
            check(function, impl, masks, dtype)
    return call


def _call_of(function: str, impl: str, workload: Workload, dtype: str) -> Callable[[], Any]:
    peer = PEERS[function][impl]
    return functools.partial(peer.run, peer.masks(workload, dtype), peer.out(workload.shape))


def prepare_or_skip(function: str, impl: str, workload: Workload, dtype: str, threads: int) -> Callable[[], Any]:
    """What asv's setups do: `prepare`, with that many threads, or have asv skip the benchmark."""
    if reason := impossible(function, impl, workload, dtype, threads):
        raise NotImplementedError(reason)
    use_threads(impl, threads)
    return prepare(function, impl, workload, dtype)


def check(function: str, impl: str, workload: Workload, dtype: str) -> None:
    """Raise an error if the answer is not chdt's, up to what stands for "no background": -1 or something huge."""
    expected = getattr(chdt, function)(masks_of(workload), spatial_dims=len(workload.grid))
    PEERS[function][impl].out(workload.shape)[...] = 7  # whoever used this memory before may have left the answer
    answer = np.asarray(_call_of(function, impl, workload, dtype)())
    largest = max(workload.grid) * (1 if function == "distance_transform" else 2)
    answer = np.where((answer < 0) | (answer > largest), largest, answer)
    if not np.array_equal(answer, expected):
        raise AssertionError(f"{impl} and chdt differ in {function} of {workload.name}, {dtype}")
