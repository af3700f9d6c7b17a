"""The examples for many processes, with two of them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

zarr = pytest.importorskip("zarr")
pq = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("distributed")
pytest.importorskip("lightning")

import dask  # noqa: E402
import pyarrow as pa  # noqa: E402
from scale.measure import (  # noqa: E402
    JOB,
    Job,
    ScaleError,
    begin,
    counts_of,
    is_done,
    job_of,
    measure_part,
    open_masks,
    part_path,
    write_whole,
)
from scale.store import draw_masks, draw_store  # noqa: E402

import chdt  # noqa: E402

EXAMPLES = Path(__file__).parents[1] / "examples"
HANG = 300  # seconds


def command(*arguments):
    return [sys.executable, "-m", "scale", *map(str, arguments)]


def environment(tmp_path):
    """The examples, and chdt wherever it comes from here."""
    root = Path(chdt.__file__).parents[1]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(EXAMPLES), str(root)]), "PYTHONWARNINGS": "default"}


def run(tmp_path, *arguments):
    return subprocess.run(
        command(*arguments),
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )


def sizes_in(folder):
    table = pq.read_table(folder).to_pydict()  # the folder, as a user would: whatever else is in it must not matter
    return table["image"], table["size"]


# ------------------------------------------------------------------------------------------------ the masks


def test_masks_depend_on_their_number_alone():
    masks = draw_masks(0, 50)
    np.testing.assert_array_equal(draw_masks(20, 10), masks[20:30])
    assert masks.any(axis=(1, 2)).all()
    assert not masks.all(axis=(1, 2)).any()
    assert len(np.unique(chdt.object_size(masks))) > 5


def test_store(tmp_path):
    draw_store(tmp_path / "masks.zarr", images=25, chunk=10)
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "masks.zarr", mode="r")[:], draw_masks(0, 25))


# ------------------------------------------------------------------------------------------------ one part


def test_parts_are_whole_chunks_and_cover_all(tmp_path):
    array = zarr.create_array(tmp_path / "a", shape=(95, 4, 4), chunks=(10, 4, 4), dtype="bool")
    for wanted, part in ((1, 10), (10, 10), (24, 20), (26, 30), (1000, 1000), (None, 4194300)):
        job = job_of("a", array, wanted)
        assert job.part == part
        assert [i for number in range(job.parts) for i in job.images(number)] == list(range(95))


def test_no_masks_wait_in_memory(tmp_path):
    """Reading a part, measuring and writing it are one task, so that masks never are the result of one."""
    draw_store(tmp_path / "a", images=95, chunk=10)
    array = open_masks(str(tmp_path / "a"))
    (tmp_path / "sizes").mkdir()
    counts = counts_of(array, job_of("a", array, 10), tmp_path / "sizes").blocks[[1, 4, 9]]
    (optimized,) = dask.optimize(counts)
    assert len(dict(optimized.__dask_graph__())) <= 2 * 3  # a second name for each of the three
    assert not any((tmp_path / "sizes").iterdir())
    assert counts.compute(scheduler="synchronous").tolist() == [10, 10, 5]
    assert sizes_in(tmp_path / "sizes")[0] == [*range(10, 20), *range(40, 50), *range(90, 95)]


def test_a_shard_is_not_read_twice(tmp_path):
    array = zarr.create_array(tmp_path / "a", shape=(95, 4, 4), chunks=(1, 4, 4), shards=(20, 4, 4), dtype="bool")
    assert job_of("a", array, 1).part == 20


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "float32"])
@pytest.mark.parametrize("grid", [(9,), (9, 12), (5, 9, 12)])
def test_one_part(tmp_path, dtype, grid):
    masks = np.random.default_rng(0).random((6, *grid)) < 0.9
    assert masks.any()
    assert not masks.all()
    values = np.where(masks, 1, -1) if dtype == "float32" else 3 * masks if dtype == "uint8" else masks
    assert measure_part(values.astype(dtype), tmp_path, 6, (2, 0, 0)) == [6]
    images, sizes = sizes_in(tmp_path)
    assert images == list(range(12, 18))
    assert sizes == chdt.object_size(masks, spatial_dims=len(grid)).tolist()


def test_what_is_no_mask_is_named(tmp_path):
    values = np.ones((5, 3, 4), np.float32)
    values[3, 1, 2] = np.nan
    with pytest.raises(ScaleError, match=r"^masks 10 to 14: .*masks\[3, 1, 2\] is nan"):
        measure_part(values, tmp_path, 5, (2, 0, 0))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_not_written_to_its_end_is_not_there(tmp_path, monkeypatch):
    def killed(*_, **__):
        raise KeyboardInterrupt

    table = pa.table({"image": [0, 1], "size": [2, 4]})
    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        write_whole(part_path(tmp_path, 0), table)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    write_whole(part_path(tmp_path, 0), table)
    assert is_done(tmp_path, 0, 2)
    assert not is_done(tmp_path, 0, 3)
    assert not is_done(tmp_path, 1, 2)
    whole = part_path(tmp_path, 0).read_bytes()
    for length in range(0, len(whole), 7):
        part_path(tmp_path, 0).write_bytes(whole[:length])
        assert not is_done(tmp_path, 0, 2)


# ------------------------------------------------------------------------------------------------ the result


@pytest.fixture
def job():
    return Job("masks.zarr", (10, 4, 4), "bool", 5)


def test_a_result_belongs_to_its_job(tmp_path, job):
    begin(job, tmp_path / "sizes")
    begin(job, tmp_path / "sizes")
    for other in (job._replace(store="other"), job._replace(shape=(11, 4, 4)), job._replace(part=10)):
        with pytest.raises(ScaleError, match="another job"):
            begin(other, tmp_path / "sizes")
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "letter.txt").touch()
    with pytest.raises(ScaleError, match="something else"):
        begin(job, tmp_path / "else")


def test_left_overs_go(tmp_path, job):
    begin(job, tmp_path)
    left_over = tmp_path / ".part-00000000.parquet.abc"
    left_over.write_bytes(b"half")
    begin(job, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [JOB]


@pytest.mark.parametrize(
    ("shape", "dtype"), [((10,), "bool"), ((2, 3, 4, 5, 6), "bool"), ((0, 4, 4), "bool"), ((2, 3, 3), "complex64")]
)
def test_what_holds_no_masks(tmp_path, shape, dtype):
    zarr.create_array(tmp_path / "a", shape=shape, chunks=tuple(max(n, 1) for n in shape), dtype=dtype)
    with pytest.raises(ScaleError, match="masks are an array of numbers or bool"):
        open_masks(str(tmp_path / "a"))


def test_no_store(tmp_path):
    with pytest.raises(ScaleError, match="no Zarr array"):
        open_masks(str(tmp_path / "nowhere"))


# ------------------------------------------------------------------------------------------------ two workers


IMAGES, CHUNK = 400, 10


@pytest.fixture
def cluster(tmp_path):
    """Address of a Dask scheduler with two workers, as it would run on other machines: they do not find the example."""
    file, logs = tmp_path / "scheduler.json", (tmp_path / "cluster.txt").open("w")
    dask = [sys.executable, "-m", "dask"]
    env = {**os.environ, "PYTHONPATH": str(Path(chdt.__file__).parents[1])}
    options = {"env": env, "cwd": tmp_path, "stdout": logs, "stderr": logs}
    here = ["--scheduler-file", file, "--host", "127.0.0.1", "--no-dashboard"]
    scheduler = subprocess.Popen([*dask, "scheduler", *here, "--port", "0"], **options)
    worker = subprocess.Popen([*dask, "worker", *here, "--nworkers", "2", "--nthreads", "1"], **options)
    try:
        until(lambda: file.exists() and file.read_text().endswith("}"))
        yield json.loads(file.read_text())["address"]
    finally:
        for process in (worker, scheduler):
            process.kill()  # its own processes notice, and end
        for process in (worker, scheduler):
            process.wait(HANG)
        logs.close()


def until(condition):
    end = time.monotonic() + HANG
    while not condition():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.05)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a chunk that never ends takes a named pipe")
def test_measure_is_killed_and_goes_on_elsewhere(tmp_path, cluster):
    store, result = tmp_path / "masks.zarr", tmp_path / "sizes"
    draw_store(store, IMAGES, CHUNK)
    parts = IMAGES // CHUNK

    # The chunk of one part never ends, so that the command is surely killed before all parts are done.
    chunk = store / "c" / str(parts // 2) / "0" / "0"
    held_back = chunk.read_bytes()
    chunk.unlink()
    os.mkfifo(chunk)
    process = subprocess.Popen(
        command("measure", store, result, "--part", CHUNK, "--workers", "2"),
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until(lambda: process.poll() is not None or len(list(result.glob("part-*"))) >= 5)
    assert process.poll() is None, "it ended by itself"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(HANG)
    chunk.unlink()
    chunk.write_bytes(held_back)

    kept, *_, cut_off, empty = done = sorted(result.glob("part-*"))
    assert 5 <= len(done) < parts
    cut_off.write_bytes(cut_off.read_bytes()[:-20])
    empty.write_bytes(b"")
    (result / ".part-00000003.parquet.half").write_bytes(kept.read_bytes()[:50])
    before = kept.stat().st_mtime_ns

    gone_on = run(tmp_path, "measure", store, result, "--part", CHUNK, "--address", cluster)
    assert gone_on.returncode == 0, gone_on.stderr
    assert gone_on.stdout == f"{IMAGES} sizes in {parts} parts: {result}\n"
    assert f"{IMAGES}/{IMAGES}" in gone_on.stderr  # the bar
    assert "Warning" not in gone_on.stderr
    images, sizes = sizes_in(result)
    assert images == list(range(IMAGES))
    assert sizes == chdt.object_size(draw_masks(0, IMAGES)).tolist()
    assert kept.stat().st_mtime_ns == before
    assert {path.name for path in result.iterdir()} == {JOB, *(part_path(result, i).name for i in range(parts))}

    # Of a store with a mask that is none, all others are measured, and what is wrong is said in one line.
    bad = zarr.create_array(tmp_path / "bad.zarr", shape=(40, 4, 4), chunks=(10, 4, 4), dtype="float32")
    bad[:] = -1
    bad[25, 1, 2] = 0
    failed = run(tmp_path, "measure", tmp_path / "bad.zarr", tmp_path / "of-bad", "--part", 10, "--address", cluster)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("scale: 1 of 4 parts failed")
    assert "masks 20 to 29: " in failed.stderr
    assert "masks[5, 1, 2] is 0.0" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert sizes_in(tmp_path / "of-bad")[0] == [*range(20), *range(30, 40)]


# ------------------------------------------------------------------------------------------------ training


def test_training_on_two_processes(tmp_path):
    done = run(tmp_path, "train", "--processes", "2", "--images", "256", "--batch", "8", "--epochs", "6")
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    first, *_, before, after, _, equal, _ = done.stdout.splitlines()
    assert first == "2 processes, 8 images a step in each, 96 steps"
    assert equal == "Weights of the processes: equal"
    assert before.split()[0] == "before"
    assert float(after.split()[2]) > float(before.split()[2]) + 0.1  # the overlap
    assert (tmp_path / "network.ckpt").exists()


PROCESSES = """
import sys
import torch
from lightning import Trainer
from lightning.pytorch.strategies import DDPStrategy
from torch.utils.data import DataLoader, TensorDataset
from chdt import sample_masks
from scale.training import FromSizes

rank_file = sys.argv[1]

class Probe(FromSizes):
    def training_step(self, batch, _):
        numbers, weight = batch
        drawn = sample_masks(torch.zeros(4, 8, 8))
        mean = self.mean_over_processes((self.one * numbers * weight).sum(), weight)
        torch.save((numbers, weight, drawn, float(mean.detach())), rank_file + str(self.global_rank))
        return mean

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1.0)

    def __init__(self):
        super().__init__()
        self.network = None
        self.one = torch.nn.Parameter(torch.tensor(1.0))

torch.manual_seed(0)
numbers = torch.arange(1.0, 9.0)
weight = (numbers < 4) | (numbers == 8)  # 1, 2, 3 and 8: the processes have different numbers of them
trainer = Trainer(accelerator="cpu", devices=2, strategy=DDPStrategy(process_group_backend="gloo"), max_steps=1,
                  logger=False, enable_checkpointing=False, enable_model_summary=False, enable_progress_bar=False)
model = Probe()
trainer.fit(model, DataLoader(TensorDataset(numbers, weight), 4))
torch.save(1 - model.one.detach(), rank_file + "gradient" + str(model.global_rank))
"""


def test_means_are_those_of_all_processes(python, tmp_path):
    """Value and gradient, though each process knows the sizes of fewer or more images; and each draws its own masks."""
    torch = pytest.importorskip("torch")
    python(PROCESSES, tmp_path / "rank", PYTHONPATH=environment(tmp_path)["PYTHONPATH"])
    (numbers, weight, drawn, mean), (others, other_weight, other_drawn, other_mean) = (
        torch.load(tmp_path / f"rank{rank}") for rank in (0, 1)
    )
    assert sorted(torch.cat([numbers, others]).tolist()) == list(range(1, 9))
    assert weight.sum() != other_weight.sum()
    assert (mean + other_mean) / 2 == (1 + 2 + 3 + 8) / 4
    for rank in (0, 1):
        assert torch.load(tmp_path / f"rankgradient{rank}") == (1 + 2 + 3 + 8) / 4
    assert not torch.equal(drawn, other_drawn)
