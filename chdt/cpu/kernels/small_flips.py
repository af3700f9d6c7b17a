"""Flips of lines and of small grids: images of few pixels eight at a time, others one by one."""

from chdt.cpu.kernels.box_erosions import list_of_image, take_ranks
from chdt.cpu.kernels.flips import FlipMemory, lay_out, write_added, write_sizes
from chdt.cpu.kernels.interleaved_images import flip_sizes_of_interleaved
from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import VECTOR_WORDS, Numbers, settle
from chdt.cpu.kernels.lines import flip_sizes_of_line
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.removed_pixel import erode_away, find_levels_of_eroded
from chdt.cpu.kernels.rows import pixels_of
from chdt.cpu.kernels.tiny_images import flip_sizes_of_eight
from chdt.cpu.kernels.writing import AnyNumbers, WriteBuffer, write_gathered

KEPT_FLIPS_PIXELS = 1 << 14  # of small grids, whose answers are kept until all are found


@helper
def _flip_sizes_of_lines(
    packed: Words, start: int, count: int, memory: FlipMemory, answers: Numbers, sizes: Numbers
) -> None:
    width, black_border = memory.layout.width, memory.planes.layout.black_border
    for line in range(count):
        at = line * width
        sizes[line] = 2 * flip_sizes_of_line(packed, start + at, width, black_border, answers, at)


@helper
def _flip_sizes_eight_at_a_time(
    packed: Words,
    start: int,
    count: int,
    tiny: bool | None,
    interleaved: bool | None,
    memory: FlipMemory,
    answers: Numbers,
    sizes: Numbers,
) -> None:
    """Of images and volumes of a word each, or of interleaved images of a few words, by what is not None."""
    pixels, planes, halves = pixels_of(memory.layout), memory.planes, memory.search.distances
    for first in range(0, count, VECTOR_WORDS):
        images, at = min(VECTOR_WORDS, count - first), first * pixels
        if tiny is not None:
            flip_sizes_of_eight(packed, start + at, images, planes, halves, answers, at)
        if interleaved is not None:
            flip_sizes_of_interleaved(packed, start + at, images, planes, halves, answers, at)
        for image in range(images):
            sizes[first + image] = 2 * halves[image]


@helper
def _counted_flip_sizes(
    packed: Words, start: int, number: int, count: int, memory: FlipMemory, answers: Numbers, sizes: Numbers
) -> None:
    """Of other small grids, one image after the other."""
    layout, pixels = memory.layout, pixels_of(memory.layout)
    for image in range(count):
        at = image * pixels
        lay_out(packed, start + at, memory)
        take_ranks(memory.lists, number + image, memory.ranks)
        largest = erode_away(memory.planes, memory.ranks)
        sizes[image] = 2 * largest
        find_levels_of_eroded(largest, memory.ranks, layout, memory.planes, memory.levels)
        write_sizes(0, layout.slabs, largest, memory, answers, at)
        write_added(largest, memory, memory.ranks, answers, at)


@helper
def small_flip_sizes(
    packed: Words,
    start: int,
    number: int,
    count: int,
    line_or_tiny: bool | None,
    interleaved: bool | None,
    counted: bool | None,
    memory: FlipMemory,
    answers: Numbers,
    sizes: Numbers,
) -> None:
    """`flip_sizes_of` of lines and of small grids, in the way of these that is not None; of others, nothing."""
    # Numba compiles none of what is for a None; but it would compile an `else` of what is not None.
    if line_or_tiny is not None:
        if memory.layout.slabs == 1 and memory.layout.rows == 1:
            _flip_sizes_of_lines(packed, start, count, memory, answers, sizes)
        else:
            _flip_sizes_eight_at_a_time(packed, start, count, line_or_tiny, None, memory, answers, sizes)
    if interleaved is not None:
        _flip_sizes_eight_at_a_time(packed, start, count, None, interleaved, memory, answers, sizes)
    if counted is not None:
        _counted_flip_sizes(packed, start, number, count, memory, answers, sizes)


@kernel
def small_flip_sizes_of(
    packed: Words,
    start: int,
    count: int,
    line_or_tiny: bool | None,
    interleaved: bool | None,
    counted: bool | None,
    memory: FlipMemory,
    buffer: WriteBuffer,
    answers: AnyNumbers,
    sizes: Numbers,
) -> None:
    """`small_flip_sizes`; answers are kept in the nearest cache until those of a few images are found."""
    pixels = pixels_of(memory.layout)
    most = buffer.numbers.size // pixels
    for first in range(0, count, most):
        images, at = min(most, count - first), first * pixels
        small_flip_sizes(
            packed,
            start + at,
            first,
            images,
            line_or_tiny,
            interleaved,
            counted,
            memory,
            buffer.numbers,
            sizes[first:],
        )
        write_gathered(buffer, images * pixels, answers, at, list_of_image(memory.lists, first))
    settle()
