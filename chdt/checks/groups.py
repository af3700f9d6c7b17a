"""Images of a batch that are done at once, where each has a spacing."""

import numpy as np
import numpy.typing as npt

from chdt.checks.ranks import AXES, by_image, differ, different, is_spaced, steps_at
from chdt.checks.shape import AllSteps, Steps


def runs_of(spacing: AllSteps | None, images: int) -> list[tuple[int, int, Steps | None]]:
    """Images that follow each other and have the same spacing: the first and last of each run, as in ``range``, and it.

    It is None of those whose steps along the axes do not differ, which are done in pixels.
    """
    if not is_spaced(spacing):
        return [(0, images, None)]
    if len(spacing) == AXES:
        return [(0, images, steps_at(spacing, 0))]
    each = by_image(spacing)
    each[~differ(each)] = 0
    starts = [0, *(1 + np.flatnonzero((each[1:] != each[:-1]).any(1))).tolist()]
    ends = [*starts[1:], images]
    steps = [steps_at(spacing, image) if each[image, 0] else None for image in starts]
    return list(zip(starts, ends, steps, strict=True))


def groups_of(spacing: AllSteps, images: int, in_lists: bool) -> list[tuple[slice | npt.NDArray[np.int64], AllSteps]]:
    """All images of a batch in groups, each with its spacing, or with the spacings of its images.

    Those whose steps along the axes do not differ are one group. So are all others, if they may be done with a list of
    ranks for each (``in_lists``); else each spacing has a group.
    """
    if len(spacing) == AXES:
        return [(slice(0, images), spacing)]
    each = by_image(spacing)
    group = differ(each) * (1 if in_lists else 1 + different(spacing)[1])
    members = [np.flatnonzero(group == number) for number in range(group.max() + 1)]
    return [(slice(0, images) if len(x) == images else x, _spacing_of(each[x])) for x in members if len(x) > 0]


def _spacing_of(each: npt.NDArray[np.float64]) -> AllSteps:
    """The spacing of some images, or the spacings of each if they are not all the same."""
    return tuple((each[:1] if (each == each[0]).all() else each).reshape(-1).tolist())
