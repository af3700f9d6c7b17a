"""Flips of a few images, in the one of five ways that is theirs; and the steps where all threads share an image."""

from chdt.cpu.kernels.bands import prepare_bands
from chdt.cpu.kernels.crossed_maxima import CrossedScan, find_largest_codes, write_maxima
from chdt.cpu.kernels.crossing import crossed_codes
from chdt.cpu.kernels.flips import FlipMemory, find_levels_of_image, raise_sizes, write_sizes
from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import Numbers
from chdt.cpu.kernels.maxima import clear_maxima, find_maxima, finish_maxima
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.rows import ScanMemory, pixels_of
from chdt.cpu.kernels.small_flips import small_flip_sizes


@helper
def _flip_sizes_by_maxima(packed: Words, start: int, image: int, memory: FlipMemory, answers: Numbers, at: int) -> int:
    """Write the sizes of an image whose maxima are there, from ``at`` on; give that without any flip."""
    largest = find_levels_of_image(image, memory, memory.ranks)
    write_sizes(0, memory.layout.slabs, largest, memory, answers, at)
    raise_sizes(packed, start, largest, memory, answers, at)
    return 2 * largest


@helper
def _large_flip_sizes(
    packed: Words, start: int, count: int, scan: ScanMemory, memory: FlipMemory, answers: Numbers, sizes: Numbers
) -> None:
    """`flip_sizes_of` of large grids, whose narrow images are scanned side by side."""
    layout, pixels = memory.layout, pixels_of(memory.layout)
    for first in range(0, count, layout.images):
        images = min(layout.images, count - first)
        prepare_bands(packed, start + first * pixels, images, scan)
        clear_maxima(layout, memory.maxima, scan.cap)
        find_maxima(packed, start + first * pixels, images, 0, layout.bands, scan, memory.maxima)
        finish_maxima(images, scan, memory.maxima)
        for image in range(images):
            at = (first + image) * pixels
            sizes[first + image] = _flip_sizes_by_maxima(packed, start + at, image, memory, answers, at)


@helper
def _crossed_flip_sizes(
    packed: Words, start: int, count: int, scan: CrossedScan, memory: FlipMemory, answers: Numbers, sizes: Numbers
) -> None:
    """`flip_sizes_of` of large grids with a spacing."""
    layout, pixels = memory.layout, pixels_of(memory.layout)
    for image in range(count):
        at = image * pixels
        crossed_codes(packed, start + at, scan.crossing, scan.memory)
        for i in range(scan.found.size):
            scan.found[i] = 0
        find_largest_codes(0, layout.slabs * layout.rows, layout, scan.memory, scan.found)
        write_maxima(layout, scan, memory.maxima)
        sizes[image] = _flip_sizes_by_maxima(packed, start + at, 0, memory, answers, at)


@kernel
def flip_sizes_of(
    packed: Words,
    start: int,
    number: int,
    count: int,
    line_or_tiny: bool | None,
    interleaved: bool | None,
    counted: bool | None,
    scan: ScanMemory | None,
    crossed: CrossedScan | None,
    memory: FlipMemory,
    answers: Numbers,
    sizes: Numbers,
) -> None:
    """Write the sizes after every single flip of ``count`` images whose packed bits begin at ``start``.

    They are in reading order; ``sizes`` gets the size of each image without any flip. Of the five ways, all but one are
    None: ``counted`` is for small grids but those before, ``scan`` for large ones, or ``crossed`` if these have a
    spacing. With a spacing, sizes are twice the ranks of largest distances; ``number`` is that of the first image among
    the lists.
    """
    small_flip_sizes(packed, start, number, count, line_or_tiny, interleaved, counted, memory, answers, sizes)
    if crossed is not None:
        _crossed_flip_sizes(packed, start, count, crossed, memory, answers, sizes)
    if scan is not None:
        _large_flip_sizes(packed, start, count, scan, memory, answers, sizes)


# The steps of a large grid, where an image is large enough for several threads.
@kernel
def maxima_of_bands(packed: Words, start: int, first: int, last: int, scan: ScanMemory, maxima: Numbers) -> None:
    """Write the maxima of bands first..last - 1 of an image, whose edges must be there."""
    clear_maxima(scan.layout, maxima, scan.cap)
    find_maxima(packed, start, 1, first, last, scan, maxima)


@kernel
def levels_of(scan: ScanMemory, memory: FlipMemory) -> int:
    """Write the levels of an image from the maxima of all bands; give half of its size."""
    finish_maxima(1, scan, memory.maxima)
    return find_levels_of_image(0, memory, memory.ranks)


# The same with a spacing.
@kernel
def levels_of_crossed(scan: CrossedScan, memory: FlipMemory) -> int:
    """Write the levels of an image from its largest codes; give the rank of its largest distance."""
    write_maxima(memory.layout, scan, memory.maxima)
    return find_levels_of_image(0, memory, memory.ranks)
