"""The examples run as a user would run them, and the exact derivative of one of them is what it says."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from printed import assert_printed

pytest.importorskip("matplotlib")
pytest.importorskip("nibabel")

ROOT = Path(__file__).parents[1]
PNG = b"\x89PNG\r\n"


def run(tmp_path, name, *arguments):
    command = [sys.executable, str(ROOT / "examples" / name), *arguments]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)


def test_quickstart(tmp_path):
    done = run(tmp_path, "quickstart.py", "--output", "picture.png")
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert done.stdout.count(": equal\n") == 3
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


def test_output_that_cannot_be_written(tmp_path):
    done = run(tmp_path, "gradient_samples.py", "--output", "nowhere/picture.png")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("gradient_samples.py: nowhere")
    assert "Traceback" not in done.stderr


# ------------------------------------------------------------------------------------------------ figure 3


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("gradient_samples", ROOT / "examples" / "gradient_samples.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
