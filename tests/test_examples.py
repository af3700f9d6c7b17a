"""The examples run as a user would run them, and the exact derivative of one of them is what it says."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from printed import assert_printed

from chdt import object_size

pytest.importorskip("matplotlib")
pytest.importorskip("nibabel")

ROOT = Path(__file__).parents[1]
PNG = b"\x89PNG\r\n"


def run(tmp_path, name, *arguments):
    """On one thread: networks this small wait for more threads, twice as long where tests run side by side."""
    command, env = [sys.executable, str(ROOT / "examples" / name), *arguments], {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600, check=False)


def load(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def monai():
    return pytest.importorskip("monai")


def test_quickstart(tmp_path):
    done = run(tmp_path, "quickstart.py", "--output", "picture.png")
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert done.stdout.count(": equal\n") == 3
    assert (tmp_path / "picture.png").read_bytes().startswith(PNG)


def test_millimetres(tmp_path):
    done = run(tmp_path, "millimetres.py", "--output", "picture.png")
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    rows = [line.split()[-2:] for line in done.stdout.splitlines()[1:4]]
    assert rows == [["8", "22.4"], ["10", "20.0"], ["6", "20.0"]]
    assert (tmp_path / "picture.png").read_bytes().startswith(PNG)


def test_gradient_samples(tmp_path):
    """It prints what docs/training.md shows, and the error falls as it should."""
    done = run(tmp_path, "gradient_samples.py")
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    table = r"^  draws .*\n(?:[ \d.]+\n){4}"
    printed = re.search(table, done.stdout, re.MULTILINE)[0]
    assert_printed(printed, re.search(table, (ROOT / "docs" / "training.md").read_text(), re.MULTILINE)[0])
    rows = [[float(number) for number in row.split()] for row in printed.splitlines()[1:]]
    assert [row[0] for row in rows] == [1, 8, 64, 512]
    for _, error, expected, ratio in rows:
        assert error == pytest.approx(expected, rel=0.05)
        assert ratio == pytest.approx(1, abs=0.05)
    assert (tmp_path / "gradient_samples.png").read_bytes().startswith(PNG)


@pytest.mark.usefixtures("monai")
def test_monai_sizes(tmp_path):
    """Sizes help."""
    done = run(tmp_path, "monai_sizes.py", "--epochs", "30", "--output", "picture.png")
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    outlines, both = (
        float(number) for number in re.findall(r"^3 outlines.* Dice (0\.\d+)$", done.stdout, re.MULTILINE)
    )
    assert 0.7 < outlines < both
    assert (tmp_path / "picture.png").read_bytes().startswith(PNG)


@pytest.mark.usefixtures("monai")
def test_monai_arms(tmp_path):
    done = run(tmp_path, "monai_arms.py", "--epochs", "2", "--seeds", "1", "--output", "table.csv")
    assert done.returncode == 0, done.stderr
    header, *rows = (tmp_path / "table.csv").read_text().splitlines()
    assert header == "epochs,seed,arm,Dice,E"
    assert len(rows) == len({row.split(",")[2] for row in rows}) == 5


@pytest.mark.usefixtures("monai")
def test_images_with_a_size_have_no_outline():
    """What the loader gives of them is turned and flipped, and the size is still that of the object."""
    example = load("monai_sizes")
    items = example.make_images(6, 0)
    (batch,) = example.loader(items, 6)
    sizes = object_size(batch["label"].as_tensor()[:, 0] > 0)
    assert sorted(sizes.tolist()) == sorted(batch["size"].tolist()) == sorted(item["size"] for item in items)
    assert len(set(sizes.tolist())) > 2
    (batch,) = example.loader([{"image": item["image"], "size": item["size"]} for item in items], 6)
    assert set(batch) == {"image", "size"}


@pytest.mark.usefixtures("monai")
def test_volumes(tmp_path):
    pytest.importorskip("lightning")
    arguments = ["--outlined", "4", "--steps", "2", "--epochs", "1", "--output", "table.csv"]
    done = run(tmp_path, "volumes.py", *arguments)
    assert done.returncode == 0, done.stderr
    header, *rows = (tmp_path / "table.csv").read_text().splitlines()
    assert header == "m,seed,arm,epochs,test_E,test_IoU"
    assert [row.split(",")[2] for row in rows][:2] == ["start", "outlines"]
    assert len(rows) == 5


def test_moved_square(tmp_path):
    """It prints what docs/experiments.md shows, so the loss of drawn masks never made the square larger."""
    done = run(tmp_path, "moved_square.py")
    assert done.returncode == 0, done.stderr
    assert_printed(done.stdout, table_of("moved square"))
    rows = [[float(cell) for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines()[2:]]
    assert {value for wanted, *drawn, _, _ in rows if wanted > 10 for value in drawn} == {10}
    assert all(values == [wanted] * 4 for wanted, *values in rows if wanted < 10)


def table_of(name):
    """What stands between two marks of docs/experiments.md."""
    page = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    return page.partition(f"<!-- {name} -->\n\n")[2].partition("\n<!--")[0]


def test_output_that_cannot_be_written(tmp_path):
    done = run(tmp_path, "gradient_samples.py", "--output", "nowhere/picture.png")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("gradient_samples.py: nowhere")
    assert "Traceback" not in done.stderr


# ------------------------------------------------------------------------------------------------ figure 3


@pytest.fixture(scope="module")
def example():
    return load("gradient_samples")


@pytest.fixture(scope="module")
def small(example):
    """A grid of 3 x 3 with two certain pixels, by the functions of the example."""
    logits = torch.tensor([[0.5, torch.inf, -1.0], [1.0, 2.0, -torch.inf], [0.0, -0.5, 1.5]])
    masks, likely = example.possible_masks(torch.sigmoid(logits).double())
    size = torch.tensor(4)
    return masks, likely, size, *example.exact_derivative(masks, likely, size)


def test_exact_derivative(example, small):
    """Mean and variance are those of (21) over all masks that can be drawn, certain pixels included."""
    masks, likely, size, exact, variance = small
    assert len(masks) == len(masks.unique(dim=0)) == 2**7
    torch.testing.assert_close(likely.sum(), torch.tensor(1.0, dtype=torch.float64))
    samples = example.sampled(masks, size)
    mean = torch.einsum("n,nhw->hw", likely, samples)
    torch.testing.assert_close(mean, exact, atol=1e-10, rtol=0)
    torch.testing.assert_close(torch.einsum("n,nhw->hw", likely, (samples - mean) ** 2), variance, atol=1e-10, rtol=0)
    assert exact[0, 1] != 0 != exact[1, 2]  # the certain ones
    example.check(masks, likely, size, exact)


@pytest.mark.parametrize("pixel", [(0, 0), (0, 1), (1, 2), (2, 2)])
def test_a_wrong_derivative_ends_the_example(example, small, pixel):
    masks, likely, size, exact, _ = small
    wrong = exact.clone()
    wrong[pixel] += 1e-6
    with pytest.raises(SystemExit, match="wrong by 1.0e-06"):
        example.check(masks, likely, size, wrong)


@pytest.mark.parametrize(
    "mistake",
    [lambda gradient, _: -gradient, lambda gradient, _: gradient.roll(1, -1), lambda gradient, masks: gradient * masks],
    ids=["sign", "pixel", "one side"],
)
def test_a_wrong_sample_ends_the_example(example, small, mistake, monkeypatch):
    masks, likely, size, exact, _ = small
    right = example.sampled_gradient
    monkeypatch.setattr(example, "sampled_gradient", lambda y, s: (None, mistake(right(y, s)[1], y)))
    with pytest.raises(SystemExit, match="wrong by"):
        example.check(masks, likely, size, exact)
