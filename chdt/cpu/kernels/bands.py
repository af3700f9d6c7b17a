"""Large images in bands, scanned independently once the distances to background outside of each are known."""

from chdt.cpu.kernels.erosions import exponent_towards
from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import BLOCK, Number, Numbers, fill, load_pixels, maximum, minimum, store
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.rows import STEPS, RowLayout, ScanMemory, row_at
from chdt.cpu.kernels.two_passes import scan_down, scan_up

# edges[FIRST]: a band's first slab, and its distances to background in the band and below. edges[LAST]: its last slab,
# and its distances to background in the band and above. Each band finds its own, then they are joined.
FIRST, LAST = 0, 1

SIDES = 2


@helper
def edge_at(layout: RowLayout, side: int, band: int) -> int:
    """Index in the edges of the slab of a band; ``side`` is FIRST or LAST."""
    return (side * layout.bands + band) * layout.rows * layout.pitch


@helper
def _copy_slab(source: Numbers, source_at: int, target: Numbers, target_at: int, layout: RowLayout) -> None:
    for row in range(layout.rows):
        for x in range(0, layout.blocks * BLOCK, BLOCK):
            at = row * layout.pitch + x
            store(target, target_at + at, load_pixels(source, source_at + at))


@helper
def _clear_slab(rows: Numbers, target: int, layout: RowLayout, cap: Number) -> None:
    """Fill a slab with the cap: no background there."""
    for row in range(layout.rows):
        for x in range(0, layout.blocks * BLOCK, BLOCK):
            store(rows, target + row * layout.pitch + x, fill(cap, cap))


@kernel
def find_edges(packed: Words, start: int, images: int, first: int, last: int, scan: ScanMemory) -> None:
    """Write the edges of bands first..last - 1, from background in the band alone: a scan of each."""
    layout, cap, rows, edges = scan.layout, scan.cap, scan.rows, scan.edges
    for band in range(first, last):
        begin, end = band * layout.band, min(layout.slabs, (band + 1) * layout.band)
        count = end - begin
        _clear_slab(rows, row_at(layout, -1, 0), layout, cap)
        _clear_slab(rows, row_at(layout, count, 0), layout, cap)
        scan_up(packed, start, images, begin, end, scan)
        _copy_slab(rows, row_at(layout, 0, 0), edges, edge_at(layout, FIRST, band), layout)
        scan_down(count, scan)
        _copy_slab(rows, row_at(layout, count - 1, 0), edges, edge_at(layout, LAST, band), layout)


@helper
def _propagate_slab(slabs: int, scan: ScanMemory) -> int:
    """Propagate slab 0 across ``slabs`` slabs; return the slab of the band, 0 or 1, that holds the result.

    Each result is ``slabs`` plus the minimum over a window of the slab that reaches as many pixels to either side. One
    axis after the other, in steps of powers of two: see `exponent_towards`. Slab 1 is overwritten.
    """
    layout, walls, cap, rows = scan.layout, scan.walls, scan.cap, scan.rows
    source, target = 0, 1
    for axis in range(2):
        radius = min(slabs, (layout.width if axis == 0 else layout.rows) - 1)
        done = 0
        while done < radius:
            exponent = min(exponent_towards(radius, done), STEPS - 1)  # walls are for steps within a block
            for row in range(layout.rows):
                for x in range(0, layout.blocks * BLOCK, BLOCK):
                    at = row_at(layout, source, row) + x
                    d = load_pixels(rows, at)
                    if axis == 0:
                        before, behind = (
                            load_pixels(rows, at - (1 << exponent)),
                            load_pixels(rows, at + (1 << exponent)),
                        )
                        if layout.blocks == 1:
                            before = maximum(before, load_pixels(walls, exponent * BLOCK))
                            behind = maximum(behind, load_pixels(walls, (STEPS + exponent) * BLOCK))
                        d = minimum(d, minimum(before, behind))
                    else:
                        if row >= 1 << exponent:
                            d = minimum(d, load_pixels(rows, at - (layout.pitch << exponent)))
                        if row + (1 << exponent) < layout.rows:
                            d = minimum(d, load_pixels(rows, at + (layout.pitch << exponent)))
                    store(rows, row_at(layout, target, row) + x, d)
            source, target = target, source
            done += 1 << exponent
    for row in range(layout.rows):
        for x in range(0, layout.blocks * BLOCK, BLOCK):
            at = row_at(layout, source, row) + x
            store(rows, at, minimum(load_pixels(rows, at), fill(layout.cap - slabs, cap)) + slabs)
    return source


@kernel
def join_edges(first: int, last: int, scan: ScanMemory) -> None:
    """Lower every edge, of sides first..last - 1, to its distances to background in all bands beyond.

    `find_edges` must be done.
    """
    layout, rows, edges = scan.layout, scan.rows, scan.edges
    for side in range(first, last):
        for number in range(1, layout.bands):
            band = number if side == LAST else layout.bands - 1 - number
            before = band - 1 if side == LAST else band + 1
            count = min(layout.slabs, (band + 1) * layout.band) - band * layout.band
            _copy_slab(edges, edge_at(layout, side, before), rows, row_at(layout, 0, 0), layout)
            moved = row_at(layout, _propagate_slab(count, scan), 0)
            for row in range(layout.rows):
                for x in range(0, layout.blocks * BLOCK, BLOCK):
                    at = row * layout.pitch + x
                    edge = edge_at(layout, side, band) + at
                    store(edges, edge, minimum(load_pixels(edges, edge), load_pixels(rows, moved + at)))


@helper
def prepare_bands(packed: Words, start: int, images: int, scan: ScanMemory) -> None:
    """Write all edges of a block of images, if they have several bands: a first scan of the images."""
    if scan.layout.bands > 1:
        find_edges(packed, start, images, 0, scan.layout.bands, scan)
        join_edges(0, SIDES, scan)


@helper
def scan_band(packed: Words, start: int, images: int, band: int, scan: ScanMemory) -> int:
    """Write the distances of a band into ``scan.rows``; give how many slabs it has. The joined edges must be there."""
    layout, cap, rows, edges = scan.layout, scan.cap, scan.rows, scan.edges
    first, last = band * layout.band, min(layout.slabs, (band + 1) * layout.band)
    if layout.bands > 1:
        above, below = row_at(layout, -1, 0), row_at(layout, last - first, 0)
        if band > 0:
            _copy_slab(edges, edge_at(layout, LAST, band - 1), rows, above, layout)
        else:
            _clear_slab(rows, above, layout, cap)
        if band + 1 < layout.bands:
            _copy_slab(edges, edge_at(layout, FIRST, band + 1), rows, below, layout)
        else:
            _clear_slab(rows, below, layout, cap)
    scan_up(packed, start, images, first, last, scan)
    scan_down(last - first, scan)
    return last - first
