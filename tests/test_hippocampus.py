"""The hippocampus example, on a folder of volumes made here."""

import contextlib
import gzip
import itertools
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

pytest.importorskip("lightning")
pytest.importorskip("monai")
nibabel = pytest.importorskip("nibabel")
typer_testing = pytest.importorskip("typer.testing")

from hippocampus import __main__ as command_line  # noqa: E402
from hippocampus import experiments  # noqa: E402
from hippocampus.data import Batches, HippocampusData, load, split  # noqa: E402
from hippocampus.objectives import OBJECTIVES, Objective, margin_term, second_phase_loss, with_noise  # noqa: E402
from hippocampus.runs import Study  # noqa: E402
from hippocampus.slices import HEIGHT, WIDTH, DataError, draw_slices, read_slices  # noqa: E402
from hippocampus.training import FirstPhase, SecondPhase, best_weights, flip, train  # noqa: E402
from volumes import SHAPE, Blocks, Voxels, read_volumes  # noqa: E402

from chdt import mask_of_size, object_size  # noqa: E402

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*isinstance.treespec, LeafSpec.. is deprecated"),
    pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty"),
]

VOLUMES, DEPTH = 10, 6


@pytest.fixture
def folder(tmp_path):
    """Volumes of 34 x 44 x DEPTH: wider than a slice, and less high. The last slice of each shows too little."""
    rng = np.random.default_rng(0)
    listed = []
    for number in range(VOLUMES):
        label = np.zeros((34, 44, DEPTH), np.uint8)
        label[12:19, 10:17, :-1] = 1
        label[12:19, 17:23, :-1] = 2
        label[3, 3, -1] = 1
        image = (100 * (label > 0) + 1000 + number + rng.normal(0, 20, label.shape)).astype(np.float32)
        pair = {}
        for kind, volume in (("image", image), ("label", label)):
            pair[kind] = f"./{kind}sTr/hippocampus_{number:03d}.nii.gz"
            (tmp_path / f"{kind}sTr").mkdir(exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / pair[kind])
        listed.append(pair)
    (tmp_path / "dataset.json").write_text(json.dumps({"training": listed}))
    load.cache_clear()
    return tmp_path


# ------------------------------------------------------------------------------------------------ the data


def test_slices_are_cut(folder):
    images, masks, sizes, volumes = read_slices(folder)
    kept = VOLUMES * (DEPTH - 1)
    assert images.shape == (kept, 1, HEIGHT, WIDTH)
    assert images.dtype == torch.float32
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[12:25, 11:18] = True  # both classes; two rows more above, one column less at the left
    np.testing.assert_array_equal(masks, np.broadcast_to(expected, masks.shape))
    np.testing.assert_array_equal(sizes, np.full(kept, 8))
    np.testing.assert_array_equal(volumes, np.repeat(np.arange(VOLUMES), DEPTH - 1))
    inside, outside = images[:, 0][masks], images[:, 0, 2:46][~masks[:, 2:46]]
    assert inside.mean() > outside.mean() + 2  # image and mask lie on each other
    assert images.abs().max() <= 4


@pytest.mark.parametrize(
    ("spoil", "named", "problem"),
    [
        (lambda folder: (folder / "dataset.json").unlink(), "dataset.json", "no such file"),
        (lambda folder: (folder / "dataset.json").write_text("{}"), "dataset.json", "index of a Decathlon task"),
        (lambda folder: (folder / "dataset.json").write_text("{"), "dataset.json", "index of a Decathlon task"),
        (lambda folder: image_of(folder).unlink(), "imagesTr/hippocampus_003.nii.gz", "no such file"),
        (lambda folder: cut_off(image_of(folder)), "imagesTr/hippocampus_003.nii.gz", "read to its end"),
        (
            lambda folder: image_of(folder).write_bytes(gzip.compress(b"no")),
            "hippocampus_003.nii.gz",
            "not a NIfTI file",
        ),
        (lambda folder: save(image_of(folder), np.zeros((4, 4))), "imagesTr/hippocampus_003.nii.gz", "3 dims"),
        (lambda folder: save(image_of(folder), np.full((34, 44, DEPTH), np.nan)), "hippocampus_003", "not finite"),
        (lambda folder: save(label_of(folder), np.zeros((34, 44, 2))), "labelsTr/hippocampus_003.nii.gz", "shape"),
    ],
)
def test_broken_files_are_named(folder, spoil, named, problem):
    spoil(folder)
    with pytest.raises(DataError) as caught:
        read_slices(folder)
    assert named in str(caught.value)
    assert problem in str(caught.value)


def image_of(folder):
    return folder / "imagesTr" / "hippocampus_003.nii.gz"


def label_of(folder):
    return folder / "labelsTr" / "hippocampus_003.nii.gz"


def save(path, volume):
    nibabel.save(nibabel.Nifti1Image(volume.astype(np.float32), np.eye(4)), path)


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-100])


def test_no_foreground_at_all(folder):
    for number in range(VOLUMES):
        save(folder / "labelsTr" / f"hippocampus_{number:03d}.nii.gz", np.zeros((34, 44, DEPTH)))
    with pytest.raises(DataError, match="no volume with enough foreground"):
        read_slices(folder)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("by_volume", [False, True])
def test_split(by_volume, seed):
    volumes = torch.arange(700) // 7
    parts = split(volumes, seed, by_volume)
    assert sorted(torch.cat(parts).tolist()) == list(range(700))
    assert [len(part) for part in parts] == [490, 70, 140]
    shared = [set(volumes[a].tolist()) & set(volumes[b].tolist()) for a, b in itertools.combinations(parts, 2)]
    assert any(shared) is not by_volume
    again, other = split(volumes, seed, by_volume), split(volumes, seed + 1, by_volume)
    assert all(torch.equal(a, b) for a, b in zip(parts, again, strict=True))
    assert not torch.equal(parts[0], other[0])


def test_outlined_images_are_training_images_and_grow_with_m(folder):
    few, many = (HippocampusData(folder, outlined=m, batches=3, batch_size=4) for m in (4, 12))
    for data in (few, many):
        data.setup()
    assert torch.equal(many.training[:4], few.training[:4])
    images = torch.cat([batch[0] for batch in few.train_dataloader()])
    allowed = few.slices.images[few.training[:4]]
    assert len(images) == 12
    assert all((image == allowed).flatten(1).all(dim=1).any() for image in images)


def test_too_many_outlined_images(folder):
    with pytest.raises(ValueError, match="51 outlined images, but there are 35 training images"):
        HippocampusData(folder, outlined=51).setup()


def test_batches_depend_on_seed_and_epoch_alone():
    batches = Batches(10, 4, seed=1)
    first = [batch.tolist() for batch in batches]
    assert sorted(itertools.chain(*first)) == list(range(10))
    assert [batch.tolist() for batch in batches] == first
    batches.set_epoch(1)
    assert [batch.tolist() for batch in batches] != first
    few = Batches(3, 4, 0, batches=5)
    assert len(few) == 5
    assert [len(batch) for batch in few] == [4] * 5


def test_drawn_slices_are_no_matter_of_a_threshold():
    slices = draw_slices(200)
    assert slices.images.shape[1:] == (1, HEIGHT, WIDTH)
    assert len(slices.sizes.unique()) > 4
    assert torch.equal(slices.sizes, object_size(slices.masks).float())
    overlaps = []
    for threshold in torch.linspace(-3, 3, 25):
        found = slices.images[:, 0] > threshold
        union = (found | slices.masks).sum((1, 2))
        overlaps.append(((found & slices.masks).sum((1, 2)) / union.clamp(min=1)).mean())
    assert max(overlaps) < 0.6
    assert torch.equal(draw_slices(200).images, slices.images)


# ------------------------------------------------------------------------------------------------ the training


def test_flip_undoes_itself():
    images = torch.rand(8, 1, 6, 4)
    flips = torch.tensor([[bool(k & 1), bool(k & 2)] for k in range(8)])
    flipped = flip(images, flips)
    assert not torch.equal(flipped, images)
    assert torch.equal(flip(flipped, flips), images)
    assert torch.equal(flip(images, flips)[1], images[1].flip(-2))


def test_margin_is_what_the_threshold_0_keeps_away_from():
    """Large logits of the true size cost nothing; one pixel of a neighbour's size costs what its logit says."""
    logits = torch.full((1, 8, 8), -20.0)
    logits[:, 2:5, 2:5] = 20.0  # size 4
    assert margin_term(logits, torch.tensor([4.0])) < 1e-6
    torch.testing.assert_close(margin_term(logits, torch.tensor([6.0])), torch.tensor(20.0))
    torch.testing.assert_close(margin_term(logits, torch.tensor([2.0])), torch.tensor(20.0))


def test_noise_draws_masks_with_the_chances_of_their_logits():
    torch.manual_seed(0)
    logits = torch.tensor([[-2.0, 0.0, 1.0, 60.0]])
    noisy = with_noise(logits, 40_000)
    assert noisy.shape == (40_000, 1, 4)
    assert noisy.isfinite().all()
    torch.testing.assert_close((noisy > 0).float().mean(dim=0), logits.sigmoid(), atol=0.01, rtol=0)


@pytest.mark.parametrize(("cut_from", "source"), [("memory", "earlier"), ("current", "logits"), ("average", "earlier")])
@pytest.mark.parametrize("calibrated", [False, True])
def test_own_masks(cut_from, source, calibrated):
    torch.manual_seed(0)
    given = {
        name: torch.nn.functional.avg_pool2d(9 * torch.randn(5, 16, 16), 5, 1, 2) for name in ("logits", "earlier")
    }
    sizes = object_size(given[source] > 0.5)
    objective = Objective("", masks=1, calibrated=calibrated, cut_from=cut_from)
    loss = second_phase_loss(objective, images=None, sizes=sizes, n_samples=1, **given)
    masks = given[source] > 0 if not calibrated else mask_of_size(given[source], sizes)
    assert calibrated == torch.equal(object_size(masks), sizes)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(given["logits"], masks.float())
    torch.testing.assert_close(loss, expected)


def test_only_the_network_that_learns_sees_augmented_images(folder, monkeypatch):
    seen = {"network": [], "average": []}
    data = HippocampusData(folder, outlined=8, batch_size=16)
    data.setup()
    batch = next(iter(data.train_dataloader()))[0]
    module = SecondPhase("teacher", 2)
    for name, images in seen.items():
        getattr(module, name).register_forward_pre_hook(lambda _, given, images=images: images.append(given[0]))
    module.training_step(batch, 0)
    assert torch.equal(seen["average"][0], batch["sizes"][0])
    assert [len(images) for images in seen["network"]] == [len(batch["sizes"][0]), len(batch["pixels"][0])]
    shown = {float(image.double().sum()) for image in torch.cat([batch["sizes"][0], batch["pixels"][0]])}
    assert not shown & {float(image.double().sum()) for image in torch.cat(seen["network"])}


def test_what_needs_no_others_does_not_look_at_them(folder, monkeypatch):
    monkeypatch.setattr(SecondPhase, "from_others", None)
    data = HippocampusData(folder, outlined=8, batch_size=16)
    data.setup()
    assert SecondPhase("pixels").training_step(next(iter(data.train_dataloader()))[0], 0) > 0
    needing = {name for name, objective in OBJECTIVES.items() if objective.needs_others}
    assert needing == OBJECTIVES.keys() - {"pixels"}


def test_whole_volumes(folder):
    images, masks, sizes = read_volumes(folder)
    assert images.shape == (VOLUMES, 1, *SHAPE)
    assert torch.equal(sizes, object_size(masks, spatial_dims=3))
    assert set(sizes.tolist()) == {6}  # of DEPTH slices all but one, padded to more: 5 thick
    assert images[:, 0][masks].mean() > images[:, 0][~masks].mean() + 1
    volumes = torch.randn(3, 1, *SHAPE)
    assert torch.equal(Voxels()(Blocks()(volumes)), volumes[:, 0])


@pytest.mark.parametrize("name", OBJECTIVES)
def test_objectives_have_gradients(name):
    torch.manual_seed(0)
    logits = torch.randn(4, 12, 8, requires_grad=True)
    loss = second_phase_loss(
        OBJECTIVES[name],
        logits,
        torch.randn(4, 12, 8),
        torch.full((4,), 4.0),
        n_samples=2,
        earlier=torch.randn(4, 12, 8),
    )
    if name == "pixels":  # its only term is not for images without outlines
        assert loss == 0
    else:
        loss.backward()
        assert logits.grad.isfinite().all()
        assert logits.grad.any()


def first_phase(folder, home, epochs=1):
    torch.manual_seed(0)
    data = HippocampusData(folder, outlined=8, batch_size=4, batches=2)
    module = FirstPhase()
    before = [weights.clone() for weights in module.network.parameters()]
    return before, module, train(module, data, home, epochs=epochs, patience=9)


def second_phase(folder, start, home, epochs=1, objective="calibrated"):
    module = SecondPhase(objective, 2)
    module.start_from(best_weights(start))
    before = [weights.clone() for weights in module.network.parameters()]
    data = HippocampusData(folder, outlined=8, batch_size=16)
    return before, module, train(module, data, home, epochs=epochs, patience=9)


def test_each_phase_learns(folder, tmp_path):
    data = HippocampusData(folder, outlined=8, batch_size=16)
    data.setup()
    size_batch, pixel_batch = (next(iter(data.train_dataloader()))[0][name] for name in ("sizes", "pixels"))
    for module, batch in (
        (FirstPhase(), pixel_batch),
        (SecondPhase("size", 2, learning_rate=1e-3), {"sizes": size_batch}),
    ):
        optimizer = module.configure_optimizers()
        before = [weights.clone() for weights in module.network.parameters()]
        module.training_step(batch, 0).backward()
        optimizer.step()
        changed = [not torch.equal(a, b) for a, b in zip(before, module.network.parameters(), strict=True)]
        assert all(changed)
        averaged = [weights.clone() for weights in module.average.parameters()]
        module.on_train_batch_end()
        assert any(not torch.equal(a, b) for a, b in zip(averaged, module.average.parameters(), strict=True))


def test_masks_of_other_images_stay_out_of_reach(folder):
    data = HippocampusData(folder, outlined=8)
    data.setup()
    for batch, _, _ in data.train_dataloader():
        assert [part.dtype for part in batch["sizes"]] == [torch.float32, torch.float32, torch.int64]
        assert batch["sizes"][1].ndim == 1


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("phase", ["first", "calibrated", "teacher+margin"])
def test_resumed_training_ends_as_one_that_was_not_stopped(folder, tmp_path, monkeypatch, phase):
    first_phase(folder, tmp_path / "start")

    def run(home):
        if phase == "first":
            return first_phase(folder, home, epochs=4)[2]
        return second_phase(folder, tmp_path / "start", home, epochs=4, objective=phase)[2]

    kind = FirstPhase if phase == "first" else SecondPhase
    step = kind.training_step

    def stopping(self, batch, number):
        if self.current_epoch == 2 and number == 1:
            raise StoppedError
        return step(self, batch, number)

    whole = run(tmp_path / "whole")
    monkeypatch.setattr(kind, "training_step", stopping)
    with pytest.raises(StoppedError):
        run(tmp_path / "stopped")
    monkeypatch.setattr(kind, "training_step", step)
    assert not (tmp_path / "stopped" / "result.json").exists()
    resumed = run(tmp_path / "stopped")
    assert resumed == whole
    assert whole["epochs"] == 4
    for name in ("validation.csv", "result.json"):
        assert (tmp_path / "stopped" / name).read_text() == (tmp_path / "whole" / name).read_text()
    a, b = best_weights(tmp_path / "stopped"), best_weights(tmp_path / "whole")
    assert all(torch.equal(a[name], b[name]) for name in b)


def test_what_is_done_is_not_done_again(folder, tmp_path, monkeypatch):
    _, _, result = first_phase(folder, tmp_path / "run")
    monkeypatch.setattr(FirstPhase, "training_step", None)
    assert first_phase(folder, tmp_path / "run")[2] == result


def test_the_start_may_be_best(folder, tmp_path, monkeypatch):
    first_phase(folder, tmp_path / "start")
    monkeypatch.setattr(
        SecondPhase, "configure_optimizers", lambda self: torch.optim.SGD(self.network.parameters(), 0.1, maximize=True)
    )
    _, _, result = second_phase(folder, tmp_path / "start", tmp_path / "run", epochs=2)
    assert result["validation"]["epoch"] == 0
    a, b = best_weights(tmp_path / "start"), best_weights(tmp_path / "run")
    assert all(torch.equal(a[name], b[name]) for name in b)


# ------------------------------------------------------------------------------------------------ the commands


def test_experiments_end_in_tables_and_pictures(folder, tmp_path):
    study = Study(folder, tmp_path / "runs", first_epochs=1, first_batches=2, epochs=1, patience=1)
    results = tmp_path / "results"
    rows = experiments.figure5(study, results, seed=0, rounds=1)
    assert [row["draws"] for row in rows] == [0, 1, 2, 4, 8]
    rows = experiments.figure6(study, results, seed=0, processes=1, outlined=8)
    assert len(rows) == 4 * 2
    rows = experiments.figure7(study, results, [16], [0, 1], processes=1)
    assert [(row["m"], row["seed"], row["objective"]) for row in rows[:3]] == [
        (16, 0, "start"),
        (16, 0, "sharp"),
        (16, 0, "teacher+margin"),
    ]
    (row, *_) = experiments.summary(rows)[2::3]
    assert (row["m"], row["objective"], row["seeds"]) == (16, "teacher+margin", 2)
    rows = experiments.compare_objectives(study, results, [8], [0], processes=1)
    assert [row["objective"] for row in rows] == ["start", *OBJECTIVES]
    rows = experiments.sharpness(study, results, 8, 0)
    assert rows[-1]["factor"] == float("inf")
    assert (results / "sharpness.csv").read_text().count("\n") == 1 + len(rows)
    for name in ("figure5", "figure6", "figure7", "objectives"):
        assert (results / f"{name}.csv").read_text().count("\n") > 3
        assert (results / f"{name}.png").stat().st_size > 5000


WORKERS = """
import time
from hippocampus.processes import in_processes

def work(number):
    print("at work", flush=True)
    time.sleep(600)

if __name__ == "__main__":
    in_processes(work, [(0,), (1,)], 2)
"""


def test_workers_end_with_a_command_that_is_terminated(tmp_path):
    script = tmp_path / "command.py"
    script.write_text(WORKERS)
    command = subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,
        text=True,
    )
    try:
        assert [command.stdout.readline() for _ in range(2)] == ["at work\n"] * 2
        command.terminate()
        rest, _ = command.communicate(timeout=60)  # until nobody is left who could write: the workers can, too
        assert rest == ""
        assert command.returncode == -signal.SIGTERM
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(command.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "--objective", "magic"], "'magic' is not one of"),
        (["train", "-m", "0"], "Invalid value for '--outlined' / '-m'"),
        (["train", "--draws", "many"], "Invalid value for '--draws' / '-n'"),
        (["figure8"], "No such command 'figure8'"),
    ],
)
def test_wrong_arguments(arguments, said):
    result = typer_testing.CliRunner().invoke(command_line.app, arguments, env={"TERMINAL_WIDTH": "400"})
    assert result.exit_code == 2
    assert said in result.output


def test_wrong_data_is_one_line(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["hippocampus", "train", "--data", str(folder), "--runs", str(tmp_path / "runs")])
    with pytest.raises(SystemExit) as caught:
        command_line.main()
    assert caught.value.code == "hippocampus: 64 outlined images, but there are 35 training images"
    image_of(folder).unlink()
    load.cache_clear()
    with pytest.raises(SystemExit) as caught:
        command_line.main()
    assert str(caught.value.code).endswith("hippocampus_003.nii.gz: no such file, though dataset.json lists it")


def test_help_names_all_commands():
    said = typer_testing.CliRunner().invoke(command_line.app, ["--help"]).output
    assert all(name in said for name in ("train", "figure5", "figure6", "figure7", "objectives", "sharpness"))
