"""Large images in bands, scanned independently once it is known how far background is outside of each."""

from chdt.cpu.kernels.erosions import exponent_towards
from chdt.cpu.kernels.jit import helper, kernel
from chdt.cpu.kernels.lanes import BLOCK, Number, Numbers, fill, load_pixels, maximum, minimum, store
from chdt.cpu.kernels.packing import Words
from chdt.cpu.kernels.rows import STEPS, RowLayout, ScanMemory, row_at
from chdt.cpu.kernels.two_passes import scan_down, scan_up

# edges[FIRST] holds the distances of each band's first slab to background in the band and below it, edges[LAST] those
# of its last slab to background in the band and above it. They are found band by band, then joined.
FIRST, LAST = 0, 1


@helper
def edge_at(layout: RowLayout, side: int, band: int) -> int:
    """Where among the edges that of a band begins."""
    return (side * layout.bands + band) * layout.rows * layout.pitch


@helper
def _copy_slab(source: Numbers, source_at: int, target: Numbers, target_at: int, layout: RowLayout) -> None:
    for row in range(layout.rows):
        for x in range(0, layout.blocks * BLOCK, BLOCK):
            at = row * layout.pitch + x
            store(target, target_at + at, load_pixels(source, source_at + at))


@helper
def _clear_slab(rows: Numbers, target: int, layout: RowLayout, cap: Number) -> None:
    for row in range(layout.rows):
        for x in range(0, layout.blocks * BLOCK, BLOCK):
            store(rows, target + row * layout.pitch + x, fill(cap, cap))


@kernel
def find_edges(packed: Words, start: int, images: int, first: int, last: int, scan: ScanMemory) -> None:
    """The edges of bands first..last - 1, each by itself."""
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

    That is the minimum of all distances within as many steps along the axes of a slab, plus ``slabs``: one axis after
    the other, by powers of two as `exponent_towards` allows them.
    """
    layout, walls, cap, rows = scan.layout, scan.walls, scan.cap, scan.rows
    source, target = 0, 1
    for axis in range(2):
        radius = min(slabs, (layout.width if axis == 0 else layout.rows) - 1)
        done = 0
        while done < radius:
            exponent = min(exponent_towards(radius, done), STEPS - 1)  # walls are as wide as a block, and no wider
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
def join_edges(scan: ScanMemory) -> None:
    """Let every edge know of all the bands before it."""
    layout, _, _, _, rows, _, edges = scan
    for side in range(2):
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
    """Find and join all edges, where an image has several bands."""
    if scan.layout.bands > 1:
        find_edges(packed, start, images, 0, scan.layout.bands, scan)
        join_edges(scan)


@helper
def scan_band(packed: Words, start: int, images: int, band: int, scan: ScanMemory) -> int:
    """Leave the distances of a band in ``rows``, and give how many slabs it has; its edges must be there."""
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
