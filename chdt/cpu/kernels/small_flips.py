"""Flips of small grids: lines, images of few pixels eight at a time, others one by one.

Answers are kept in the nearest cache until those of a few images are found.
"""

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
def line_or_tiny_flip_sizes(
    packed: Words, start: int, count: int, memory: FlipMemory, answers: Numbers, sizes: Numbers
) -> None:
    """`flip_sizes_of` of lines, and of images and volumes of a word each."""
    layout, pixels, halves = memory.layout, pixels_of(memory.layout), memory.search.distances
    if layout.slabs == 1 and layout.rows == 1:
        black_border = memory.planes.layout.black_border
        for line in range(count):
            at = line * pixels
            sizes[line] = 2 * flip_sizes_of_line(packed, start + at, layout.width, black_border, answers, at)
        return
    for first in range(0, count, VECTOR_WORDS):
        images, at = min(VECTOR_WORDS, count - first), first * pixels
        flip_sizes_of_eight(packed, start + at, images, memory.planes, halves, answers, at)
        for image in range(images):
            sizes[first + image] = 2 * halves[image]


@helper
def interleaved_flip_sizes(
    packed: Words, start: int, count: int, memory: FlipMemory, answers: Numbers, sizes: Numbers
) -> None:
    """`flip_sizes_of` of images of a few words each."""
    pixels, halves = pixels_of(memory.layout), memory.search.distances
    for first in range(0, count, VECTOR_WORDS):
        images, at = min(VECTOR_WORDS, count - first), first * pixels
        flip_sizes_of_interleaved(packed, start + at, images, memory.planes, halves, answers, at)
        for image in range(images):
            sizes[first + image] = 2 * halves[image]


@helper
def small_flip_sizes(
    packed: Words, start: int, number: int, count: int, memory: FlipMemory, answers: Numbers, sizes: Numbers
) -> None:
    """`flip_sizes_of` of small grids."""
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


@kernel
def small_flip_sizes_of(
    packed: Words, start: int, count: int, memory: FlipMemory, buffer: WriteBuffer, answers: AnyNumbers, sizes: Numbers
) -> None:
    """`flip_sizes_of` of small grids; answers are kept in the nearest cache until those of a few are found."""
    pixels = pixels_of(memory.layout)
    most = buffer.numbers.size // pixels
    for first in range(0, count, most):
        images, at = min(most, count - first), first * pixels
        small_flip_sizes(packed, start + at, first, images, memory, buffer.numbers, sizes[first:])
        write_gathered(buffer, images * pixels, answers, at, list_of_image(memory.lists, first))
    settle()


@kernel
def line_or_tiny_flip_sizes_of(
    packed: Words, start: int, count: int, memory: FlipMemory, buffer: WriteBuffer, answers: AnyNumbers, sizes: Numbers
) -> None:
    """`small_flip_sizes_of` of lines, and of images and volumes of a word each: apart, as they are compiled longest."""
    pixels = pixels_of(memory.layout)
    most = buffer.numbers.size // pixels
    for first in range(0, count, most):
        images, at = min(most, count - first), first * pixels
        line_or_tiny_flip_sizes(packed, start + at, images, memory, buffer.numbers, sizes[first:])
        write_gathered(buffer, images * pixels, answers, at, 0)
    settle()


@kernel
def interleaved_flip_sizes_of(
    packed: Words, start: int, count: int, memory: FlipMemory, buffer: WriteBuffer, answers: AnyNumbers, sizes: Numbers
) -> None:
    """`small_flip_sizes_of` of images of a few words each: apart, for the same reason."""
    pixels = pixels_of(memory.layout)
    most = buffer.numbers.size // pixels
    for first in range(0, count, most):
        images, at = min(most, count - first), first * pixels
        interleaved_flip_sizes(packed, start + at, images, memory, buffer.numbers, sizes[first:])
        write_gathered(buffer, images * pixels, answers, at, 0)
    settle()
