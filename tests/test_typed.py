"""The file that type checkers read uses all of the public API, and runs."""

import ast
import importlib.util
import inspect
from pathlib import Path

import numpy as np
import torch

import chdt

TYPED = Path(__file__).parent / "typed" / "public_api.py"


def test_nothing_public_is_missing():
    tree = ast.parse(TYPED.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    called = [(node.func.id, node) for node in calls if isinstance(node.func, ast.Name)]
    for name in chdt.__all__:
        given = {keyword.arg for function, node in called if function == name for keyword in node.keywords}
        options = inspect.signature(getattr(chdt, name)).parameters.values()
        assert name in dict(called), name
        assert given == {option.name for option in options if option.kind == option.KEYWORD_ONLY}, name


def test_it_runs():
    spec = importlib.util.spec_from_file_location("public_api", TYPED)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    masks = np.zeros((2, 5, 6), bool)
    masks[0, 1:4, 1:4] = True
    tensors = torch.from_numpy(masks)
    assert module.of_arrays(masks).tolist() == module.of_tensors(tensors).tolist() == [4, 0]
    assert torch.equal(torch.from_numpy(module.of_either(masks)), module.of_either(tensors))
    assert module.version == chdt.__version__
    module.of_losses(torch.zeros(2, 5, 6), torch.tensor([4.0, 0.0]), torch.ones(2))
    module.of_thresholds(torch.zeros(2, 5, 6), torch.tensor([4.0, 0.0]))
    module.of_metrics(tensors, tensors)
