"""Ranks: against the list of all distances, and windows counted pixel by pixel, to the last bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chdt.checks.ranks import is_spaced, lengths_along, ranks_of
from chdt.checks.shape import Shape

sides = st.integers(1, 9) | st.sampled_from([63, 64, 65])
numbers = st.sampled_from([0.1, 0.3, 0.7, 1.0, 1.5, 3.0, 5.0, 1e-25, 1e25, np.pi]) | st.floats(0.01, 100)


@given(shape=st.tuples(sides, sides, sides), spacing=st.tuples(numbers, numbers, numbers))
def test_against_the_definition(shape, spacing):
    ranks = ranks_of(Shape(*shape), spacing)
    lengths = [[float(np.float32(s * k)) for k in range(side)] for side, s in zip(shape, spacing, strict=True)]
    cap = float(np.float32(max(s * side for side, s in zip(shape, spacing, strict=True))))
    listed = sorted({cap}.union(*lengths))
    assert ranks.distances.dtype == np.float32
    assert ranks.distances.tolist() == listed
    assert ranks.last == len(listed) - 1
    assert len(listed) <= sum(shape)
    for side, s, steps in zip(shape, spacing, lengths, strict=True):
        places = np.searchsorted(ranks.distances, lengths_along(side, s))
        assert places.tolist() == [listed.index(length) for length in steps]
    axes = [steps for steps in reversed(lengths) if len(steps) > 1]
    for rank, distance in enumerate(listed):
        nearer = [sum(0 < length < distance for length in steps) for steps in axes]
        assert ranks.radii[rank].tolist() == nearer + [0] * (3 - len(axes))


def test_spacing_one_is_the_case_rank_equals_distance():
    ranks = ranks_of(Shape(5, 9, 7), (1, 1, 1))
    assert ranks.distances.tolist() == list(range(10))
    assert ranks.radii.tolist() == [[min(max(r - 1, 0), side - 1) for side in (7, 9, 5)] for r in range(10)]


@pytest.mark.parametrize(("spacing", "spaced"), [(None, False), ((2, 2, 2), False), ((2, 2, 1), True)])
def test_equal_steps_are_no_spacing(spacing, spaced):
    assert is_spaced(spacing) is spaced
