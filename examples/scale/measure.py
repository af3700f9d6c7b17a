"""Sizes of all masks of a Zarr array, on a Dask cluster, as a folder of Parquet files that can be gone on with.

A part is a run of masks. One task reads it, measures it and writes its file, so no masks wait in memory for another
task. The file gets its name when it is whole and on the disk; until then it has one that nobody reads.
"""

import contextlib
import json
import logging
import math
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import zarr
from distributed import Client, LocalCluster, as_completed, futures_of
from tqdm import tqdm

import chdt

PART = 1 << 26  # pixels, about: as bool or 8-bit integers that many bytes
PARTS_AT_ONCE = 10_000  # that the scheduler knows of
JOB = "_job.json"  # readers of Parquet folders pass over names that begin like this


class ScaleError(Exception):
    """What is wrong with the store, the result or the cluster, in words for who gave them."""


class Job(NamedTuple):
    """What is measured, and in which parts: written beside the result, so that it is not gone on with otherwise."""

    store: str
    shape: tuple[int, ...]  # (images, height, width), a line or a volume in place of the image likewise
    dtype: str
    part: int  # images

    @property
    def parts(self) -> int:
        """How many there are."""
        return -(-self.shape[0] // self.part)

    def images(self, number: int) -> range:
        """Those of a part."""
        return range(number * self.part, min((number + 1) * self.part, self.shape[0]))


# ------------------------------------------------------------------------------------------------ one part


def part_path(folder: Path, number: int) -> Path:
    """Where the sizes of a part are once they are whole."""
    return folder / f"part-{number:08d}.parquet"


def is_done(folder: Path, number: int, images: int) -> bool:
    """Whether the file of a part is there, can be read and holds so many sizes."""
    try:
        metadata = pq.read_metadata(part_path(folder, number))
    except (OSError, pa.ArrowException):
        return False
    return bool(metadata.num_rows == images)


def write_whole(path: Path, table: pa.Table) -> None:
    """Write a Parquet file that is there as a whole or not at all, whoever is killed and whoever else writes it."""
    passing = path.with_name(f".{path.name}.{uuid.uuid4().hex}")  # a worker that was lost may still be writing its own
    try:
        with passing.open("wb") as file:
            pq.write_table(table, file, compression="zstd", write_page_checksum=True)
            file.flush()
            os.fsync(file.fileno())
        passing.replace(path)
    finally:
        passing.unlink(missing_ok=True)


def measure_part(masks: npt.NDArray[Any], folder: Path, part: int, block_id: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Measure the masks of one part, write their sizes, give how many they are."""
    if masks.dtype.kind != "f":  # labels: what is above 0 is the object. Floats must be -1 and +1, which chdt checks
        masks = masks > 0
    first = block_id[0] * part
    try:
        sizes = chdt.object_size(masks, spatial_dims=masks.ndim - 1)
    except ValueError as error:
        raise ScaleError(f"masks {first} to {first + len(masks) - 1}: {error}") from None
    columns = {"image": np.arange(first, first + len(masks), dtype=np.int64), "size": sizes}
    write_whole(part_path(folder, block_id[0]), pa.table(columns))
    return np.array([len(masks)])


# ------------------------------------------------------------------------------------------------ all of them


def open_masks(store: str) -> zarr.Array:
    """The array, once it can hold masks."""
    try:
        array = zarr.open_array(store, mode="r")
    except (OSError, ValueError, KeyError) as error:
        raise ScaleError(f"{store}: no Zarr array ({error})") from error
    if not 2 <= array.ndim <= 4 or 0 in array.shape or array.dtype.kind not in "biuf":
        raise ScaleError(
            f"{store}: masks are an array of numbers or bool of shape (images, height, width), a line or a volume in "
            f"place of an image likewise, and not empty; this has shape {array.shape} and dtype {array.dtype}"
        )
    return array


def job_of(store: str, array: zarr.Array, part: int | None) -> Job:
    """The parts: of whole chunks, so that none is read twice."""
    chunk = (array.shards or array.chunks)[0]
    wanted = part or max(1, PART // math.prod(array.shape[1:]))
    return Job(store, array.shape, str(array.dtype), max(1, round(wanted / chunk)) * chunk)


def as_json(job: Job) -> str:
    """What is written beside the result."""
    return json.dumps(job._asdict())


def begin(job: Job, folder: Path) -> None:
    """Make the folder of the result, or see that it is one of this job."""
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / JOB
    if written.exists():
        before = Job(**{**(found := json.loads(written.read_text())), "shape": tuple(found["shape"])})
        differing = [
            f"{name} {a!r} there, {b!r} here" for name, a, b in zip(Job._fields, before, job, strict=True) if a != b
        ]
        if differing:
            raise ScaleError(f"{folder}: holds sizes of another job ({'; '.join(differing)}): choose another folder")
    elif any(folder.iterdir()):
        raise ScaleError(f"{folder}: holds something else: choose another folder, or an empty one")
    else:
        passing = folder / f".{JOB}.{uuid.uuid4().hex}"
        passing.write_text(as_json(job))
        passing.replace(written)
    for left_over in folder.glob(".part-*"):  # of a run that was killed
        left_over.unlink(missing_ok=True)


def send_this_package(client: Client) -> None:
    """Let scheduler and workers elsewhere have the code of their tasks; chdt and the rest must be there."""
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory() as folder:
        client.upload_file(shutil.make_archive(f"{folder}/{here.name}", "zip", here.parent, here.name))


@contextlib.contextmanager
def cluster_at(address: str | None, workers: int, memory: str) -> Iterator[Client]:
    """A client of the cluster at that address, or of one on this machine that lives as long as the client."""
    if address is not None:
        try:
            client = Client(address, timeout=20)
        except (OSError, TimeoutError, ValueError) as error:
            raise ScaleError(f"{address}: no Dask scheduler answers there ({error})") from error
        with client:
            send_this_package(client)
            yield client
        return
    # One thread each: then a part at a time is all that a worker holds. What goes wrong is told in one line below.
    options = {"memory_limit": memory, "dashboard_address": None, "silence_logs": logging.CRITICAL}
    local = LocalCluster(n_workers=workers, threads_per_worker=1, **options)
    with local, Client(local) as client:
        yield client


def counts_of(array: zarr.Array, job: Job, folder: Path) -> da.Array:
    """How many masks each part has, as a Dask array with a block for each: to compute a block is to do the part."""
    masks = da.from_zarr(array, chunks=(job.part, *job.shape[1:]), inline_array=True)
    return masks.map_blocks(
        measure_part,
        folder=folder.resolve(),
        part=job.part,
        drop_axis=list(range(1, masks.ndim)),
        chunks=(1,),
        meta=np.empty(0, np.int64),
    )


def measure(store: str, folder: Path, client: Client, part: int | None = None, progress: bool = True) -> Job:
    """Write the sizes of all masks that have none in the folder yet."""
    array = open_masks(store)
    job = job_of(store, array, part)
    begin(job, folder)
    left = [number for number in range(job.parts) if not is_done(folder, number, len(job.images(number)))]
    images_left = sum(len(job.images(number)) for number in left)

    counts = counts_of(array, job, folder)
    errors: list[BaseException] = []
    shown = tqdm(total=job.shape[0], initial=job.shape[0] - images_left, unit=" masks", disable=not progress)
    with shown as bar:
        for start in range(0, len(left), PARTS_AT_ONCE):
            for done in as_completed(futures_of(client.persist(counts.blocks[left[start : start + PARTS_AT_ONCE]]))):
                error = done.exception()
                if error is None:
                    bar.update(int(done.result()[0]))
                else:
                    errors.append(error)
    if errors:
        raise ScaleError(f"{len(errors)} of {job.parts} parts failed, the same command tries them again: {errors[0]}")
    return job
