"""Square windows that grow by a frame: which hold a single background pixel, in eight images side by side.

`window_counts` builds the windows of each radius anew. Here they go from one radius to the next: a row and a column on
either side of each are added to its counts, "at least one" and "at least two". That takes as long for a large window as
for a small one, and less where all radii from the least one on are wanted.
"""

import numpy as np

from chdt.cpu.kernels.erosions import erode, exponent_towards
from chdt.cpu.kernels.jit import helper, outlined
from chdt.cpu.kernels.lanes import VECTOR_WORDS, Vector, any_set, load_words, store
from chdt.cpu.kernels.packing import WORD_BITS
from chdt.cpu.kernels.planes import (
    COLUMNS,
    INSIDE,
    Move,
    Planes,
    copy_plane,
    move_of,
    moved_higher,
    moved_lower,
    nothing_in,
    plane_at,
)
from chdt.cpu.kernels.window_counts import with_more

# The planes of a thread. Counts are pairs of planes; a window of radius r has 2 r + 1 pixels along an axis.
SQUARES, IN_ROWS, IN_COLUMNS = 0, 2, 4  # of square windows, and of those of one row and of one column
AFTER, BEFORE = 6, 7  # pixels that have r columns before them, and those that have r behind them
GRID = 8  # all pixels
FOUND, OTHER = 9, 10  # what is found, and what is worked in

BACKGROUNDS = 11  # of the images; what is left of it by 1, 2, ... erosions follows


@helper
def _move_by(planes: Planes, bits: int) -> Move:
    """A move by any number of bits, whatever leaves its row included: it has no patterns."""
    shift = bits % WORD_BITS
    return Move(bits // WORD_BITS * planes.layout.interleaved, np.uint64(shift), shift != 0, 0, 0, 0)


@outlined
def start_windows(planes: Planes) -> None:
    """Leave the counts of windows of radius 0, which are a pixel each."""
    layout = planes.layout
    for counts in (SQUARES, IN_ROWS, IN_COLUMNS):
        copy_plane(planes, plane_at(layout, BACKGROUNDS), plane_at(layout, counts))
        for at in range(0, layout.plane_words, VECTOR_WORDS):
            store(planes.words, plane_at(layout, counts + 1) + at, nothing_in(planes))
    for plane in (AFTER, BEFORE, GRID):
        for at in range(0, layout.plane_words, VECTOR_WORDS):
            store(planes.words, plane_at(layout, plane) + at, load_words(planes.patterns, INSIDE + at))


@helper
def _grow_rows(planes: Planes, radius: int) -> None:
    """Let windows of one row grow to this radius, and leave where they may get pixels from."""
    layout, patterns, words = planes.layout, planes.patterns, planes.words
    after_at, before_at = plane_at(layout, AFTER), plane_at(layout, BEFORE)
    background_at = plane_at(layout, BACKGROUNDS)
    one_at, two_at = plane_at(layout, IN_ROWS), plane_at(layout, IN_ROWS + 1)
    a_column, columns = move_of(layout, COLUMNS, 0), _move_by(planes, radius)
    # In place, so begin where nothing comes from.
    for at in range(layout.plane_words - VECTOR_WORDS, -1, -VECTOR_WORDS):
        keep = load_words(patterns, a_column.keep_higher + at % a_column.period)
        store(words, after_at + at, moved_higher(planes, after_at, at, a_column) & keep)
    for at in range(0, layout.plane_words, VECTOR_WORDS):
        keep = load_words(patterns, a_column.keep_lower + at % a_column.period)
        before = moved_lower(planes, before_at, at, a_column) & keep
        store(words, before_at + at, before)
        one, two = load_words(words, one_at + at), load_words(words, two_at + at)
        from_before = moved_higher(planes, background_at, at, columns) & load_words(words, after_at + at)
        one, two = with_more(one, two, from_before)
        one, two = with_more(one, two, moved_lower(planes, background_at, at, columns) & before)
        store(words, one_at + at, one)
        store(words, two_at + at, two)


@helper
def _grow_columns(planes: Planes, radius: int) -> None:
    """Let windows of one column grow to this radius."""
    layout, words = planes.layout, planes.words
    background_at, rows = plane_at(layout, BACKGROUNDS), _move_by(planes, radius * layout.pitch)
    one_at, two_at = plane_at(layout, IN_COLUMNS), plane_at(layout, IN_COLUMNS + 1)
    for at in range(0, layout.plane_words, VECTOR_WORDS):
        one, two = load_words(words, one_at + at), load_words(words, two_at + at)
        one, two = with_more(one, two, moved_higher(planes, background_at, at, rows))
        one, two = with_more(one, two, moved_lower(planes, background_at, at, rows))
        store(words, one_at + at, one)
        store(words, two_at + at, two)


@helper
def _with_both_sides(
    planes: Planes, counts: tuple[Vector, Vector], sides: int, at: int, move: Move, keep: tuple[Vector, Vector]
) -> tuple[Vector, Vector]:
    """The counts of eight words of windows that get those in planes ``sides``, moved towards both ends."""
    one_at, two_at = plane_at(planes.layout, sides), plane_at(planes.layout, sides + 1)
    one, two = counts
    two = two | (moved_higher(planes, two_at, at, move) & keep[0])
    one, two = with_more(one, two, moved_higher(planes, one_at, at, move) & keep[0])
    two = two | (moved_lower(planes, two_at, at, move) & keep[1])
    return with_more(one, two, moved_lower(planes, one_at, at, move) & keep[1])


@outlined
def grow_windows(planes: Planes, radius: int) -> bool:
    """Let all windows grow to this radius from one less; say whether any square one holds a single pixel."""
    layout, words = planes.layout, planes.words
    _grow_rows(planes, radius)
    if radius > 1:
        _grow_columns(planes, radius - 1)  # those beside a square are as high as it was
    one_at, two_at, grid_at = plane_at(layout, SQUARES), plane_at(layout, SQUARES + 1), plane_at(layout, GRID)
    columns, rows = _move_by(planes, radius), _move_by(planes, radius * layout.pitch)
    anywhere, alone = ~nothing_in(planes), nothing_in(planes)
    for at in range(0, layout.plane_words, VECTOR_WORDS):
        after = load_words(words, plane_at(layout, AFTER) + at)
        before = load_words(words, plane_at(layout, BEFORE) + at)
        counts = load_words(words, one_at + at), load_words(words, two_at + at)
        counts = _with_both_sides(planes, counts, IN_COLUMNS, at, columns, (after, before))
        one, two = _with_both_sides(planes, counts, IN_ROWS, at, rows, (anywhere, anywhere))
        if layout.black_border:  # windows that reach out of the grid hold more
            within = moved_higher(planes, grid_at, at, rows) & moved_lower(planes, grid_at, at, rows)
            two = two | ~(within & after & before)
        store(words, one_at + at, one)
        store(words, two_at + at, two)
        alone = alone | (one & ~two & load_words(words, grid_at + at))
    return any_set(alone)  # type: ignore[no-any-return]


@outlined
def find_alone(planes: Planes, radius: int) -> bool:
    """Leave in plane FOUND the background pixels that are alone in a window of this radius; say if there are any."""
    layout, words = planes.layout, planes.words
    one_at, two_at, grid_at = plane_at(layout, SQUARES), plane_at(layout, SQUARES + 1), plane_at(layout, GRID)
    found_at, target_at = plane_at(layout, FOUND), plane_at(layout, OTHER)
    for at in range(0, layout.plane_words, VECTOR_WORDS):
        centres = load_words(words, one_at + at) & ~load_words(words, two_at + at) & load_words(words, grid_at + at)
        store(words, found_at + at, centres)
    # A pixel is alone in a window if the window around it holds the centre of one with a single background pixel.
    done, source_at = 0, found_at
    while done < radius:
        exponent = exponent_towards(radius, done)
        erode(planes, exponent, source_at, target_at, target_at)  # of a plane of one slice, in one pass
        source_at, target_at = target_at, source_at
        done += 1 << exponent
    found = nothing_in(planes)
    for at in range(0, layout.plane_words, VECTOR_WORDS):
        alone = load_words(words, source_at + at) & load_words(words, plane_at(layout, BACKGROUNDS) + at)
        store(words, found_at + at, alone)
        found |= alone
    return any_set(found)  # type: ignore[no-any-return]
