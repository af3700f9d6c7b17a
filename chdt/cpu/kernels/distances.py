"""Distances of large grids: scanned band by band, written in reading order."""

from chdt.cpu.kernels.bands import prepare_bands, scan_band
from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import BLOCK, load_pixels, settle
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.rows import ScanMemory, pixels_of, row_at
from chdt.cpu.kernels.writing import AnyNumbers, WriteBuffer, gather, lanes_before_line, write_any, write_gathered


@helper
def _write_long_rows(slabs: int, scan: ScanMemory, buffer: WriteBuffer, answers: AnyNumbers, at: int) -> None:
    """Write the distances of a band whose rows have several blocks into ``answers``, from ``at`` on."""
    layout, rows = scan.layout, scan.rows
    lines = slabs * layout.rows
    past_caches = buffer.past_caches and layout.width % BLOCK == 0 and lanes_before_line(answers, at) == 0
    for row in range(lines):
        source = row_at(layout, 0, row)
        # The last vector of a row may write into the next row, which is overwritten later.
        width = layout.width if row + 1 < lines else layout.width // BLOCK * BLOCK
        for x in range(0, width, BLOCK):
            write_any(answers, at + x, load_pixels(rows, source + x), past_caches)
        for x in range(width, layout.width):
            write_any(answers, at + x, rows[source + x], False)
        at += layout.width


@helper
def _write_band(
    band: int, slabs: int, images: int, scan: ScanMemory, buffer: WriteBuffer, answers: AnyNumbers, first: int
) -> None:
    """Write the distances of a band of a block of images; the answers of the first image begin at ``first``."""
    layout, rows = scan.layout, scan.rows
    first += band * layout.band * layout.rows * layout.width
    if layout.blocks > 1:
        _write_long_rows(slabs, scan, buffer, answers, first)
        return
    at, gathered = first, 0
    for image in range(images):
        position = first + image * pixels_of(layout)
        if position != at + gathered:
            write_gathered(buffer, gathered, answers, at, 0)
            at, gathered = position, 0
        for row in range(slabs * layout.rows):
            d = load_pixels(rows, row_at(layout, 0, row) + image * layout.width)
            at, gathered = gather(buffer, gathered, d, layout.width, answers, at, 0)
    write_gathered(buffer, gathered, answers, at, 0)


@kernel
def distances_of(
    packed: Words, start: int, count: int, scan: ScanMemory, buffer: WriteBuffer, answers: AnyNumbers
) -> None:
    """Write the distances of ``count`` images whose packed bits begin at ``start``, in reading order."""
    layout = scan.layout
    pixels = pixels_of(layout)
    for first in range(0, count, layout.images):
        images = min(layout.images, count - first)
        begin = start + first * pixels
        prepare_bands(packed, begin, images, scan)
        for band in range(layout.bands):
            slabs = scan_band(packed, begin, images, band, scan)
            _write_band(band, slabs, images, scan, buffer, answers, first * pixels)
    settle()


@kernel
def distances_of_bands(
    packed: Words, start: int, first: int, last: int, scan: ScanMemory, buffer: WriteBuffer, answers: AnyNumbers
) -> None:
    """Write the distances of bands first..last - 1 of one image into its answers. Its joined edges must be there."""
    for band in range(first, last):
        slabs = scan_band(packed, start, 1, band, scan)
        _write_band(band, slabs, 1, scan, buffer, answers, 0)
    settle()
