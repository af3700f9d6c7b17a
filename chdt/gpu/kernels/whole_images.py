"""Small images, a program each: all that other kernels do one after the other, from what is given to what is wanted.

Each stage is the kernel of large images, for one part after the other of this image. What threads of a program have
written others read in the next stage: a barrier between them has all wait, and what was done to memory before it, by
atomic operations, too, is seen by all threads of the program behind it. Programs share nothing, so that is enough.
"""

import triton
import triton.language as tl

from chdt.gpu.kernels.box_sums import sum_lines_kernel, tile_of, without_border
from chdt.gpu.kernels.differences import differences_kernel
from chdt.gpu.kernels.distances import distances_kernel
from chdt.gpu.kernels.drawing import is_drawn, load_seed
from chdt.gpu.kernels.flips import add_kernel, levels_kernel, raise_kernel
from chdt.gpu.kernels.reading import first_invalid


@triton.jit
def mark_tile(
    program,
    given,
    seeds,
    draw,
    foreground,
    background,
    invalid,
    marks,
    depth,
    height,
    width,
    border_z,
    border_y,
    border_x,
    GIVEN: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """Mark foreground by -1 and background, also that of the border, by 0: as chances draw, or truths or words say."""
    image, z, y, x = tile_of(program, depth, height, width, ROWS, COLUMNS)
    pixel, inside = without_border(image, z, y, x, depth, height, width, border_z, border_y, border_x)
    value = tl.load(given + pixel, mask=inside, other=0)
    if GIVEN == "chances":
        is_foreground = is_drawn(value, load_seed(seeds, draw), pixel)
    elif GIVEN == "truths":
        is_foreground = value != 0
    else:
        word = value.to(tl.int64)
        is_foreground = word == foreground
        none = tl.num_programs(0).to(tl.int64) * (depth * height * width)
        wrong = tl.min(tl.min(first_invalid(word, foreground, background, pixel, inside, none), 1), 0)
        if wrong < none:
            tl.atomic_min(invalid, wrong, sem="relaxed")
    at = image * (depth * height * width) + (z * height + y[:, None]) * width + x[None, :]
    there = (y[:, None] < height) & (x[None, :] < width)
    tl.store(marks + at, -(is_foreground & inside).to(tl.int32), mask=there)


@triton.jit
def clear(numbers, count, BLOCK: tl.constexpr):
    """Set so many numbers to 0."""
    first = 0
    while first < count:
        place = first + tl.arange(0, BLOCK)
        tl.store(numbers + place, place * 0, mask=place < count)
        first += BLOCK


@triton.jit
def sum_axis(
    marks,
    table,
    lines,
    inner,
    length,
    pixels,
    index_bits,
    FIRST: tl.constexpr,
    ALONG: tl.constexpr,
    LINES: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """`sum_lines_kernel` for all lines of an image."""
    done = 0
    while done < tl.cdiv(lines, LINES):
        sum_lines_kernel(done, marks, table, lines, inner, length, pixels, index_bits, FIRST, ALONG, LINES, BLOCK)
        done += 1
    tl.debug_barrier()


@triton.jit(do_not_specialize=["step"])  # a 1 would be a constant, which a loop cannot change
def whole_images_kernel(
    given,
    seeds,
    foreground,
    background,
    invalid,
    scratch,
    answers,
    times,
    losses,
    columns,
    sums,
    values,
    left_out,
    draws,
    count,
    steps,
    ranks,
    list_of,
    each,
    depth,
    height,
    width,
    border_z,
    border_y,
    border_x,
    cap,
    step,
    longest,
    index_bits,
    GIVEN: tl.constexpr,
    WANTED: tl.constexpr,
    LEAVES_OUT: tl.constexpr,
    SPACED: tl.constexpr,
    DIMS: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    SUM_LINES: tl.constexpr,
    SUM_BLOCK: tl.constexpr,
    PLACES: tl.constexpr,
    AT_ONCE: tl.constexpr,
):
    """The sizes, distances, flips or differences of losses that are WANTED, of what is GIVEN: chances, truths or words.

    Differences are those of all ``draws``, and the gradient may take the place of the chances if it is one. ``scratch``
    has two numbers for each pixel, with the border, and for each slab, row and column, and one for each image.
    """
    image = tl.program_id(0).to(tl.int64)
    images = tl.num_programs(0).to(tl.int64)
    pixels = depth * height * width
    lines = depth + height + width
    marks = scratch + image * 0
    table = marks + images * pixels
    maxima = table + images * pixels
    levels = maxima + images * lines
    sizes = levels + images * lines
    if WANTED == "sizes":
        sizes = answers
    if WANTED == "differences":
        tl.store(values + image, 0.0)
    tiles = depth * tl.cdiv(height, ROWS) * tl.cdiv(width, COLUMNS)
    slabs_of_lines = 3 * tl.cdiv(longest, PLACES)
    first = image * pixels
    draw = 0
    while draw < draws:
        done = 0
        while done < tiles:
            mark_tile(
                image * tiles + done, given, seeds, draw, foreground, background, invalid, marks,
                depth, height, width, border_z, border_y, border_x, GIVEN, ROWS, COLUMNS,
            )  # fmt: skip
            done += 1
        if WANTED != "distances":
            tl.store(sizes + image, 0)
            clear(maxima + image * lines, lines, AT_ONCE)
        tl.debug_barrier()

        sum_axis(marks + first, table + first, depth * height, 1, width, pixels, index_bits, 1, 1, SUM_LINES, SUM_BLOCK)
        if DIMS > 1:
            sum_axis(marks + first, table + first, depth * width, width, height, pixels, index_bits, 0, 0, 32, 32)
        if DIMS > 2:
            sum_axis(
                marks + first, table + first, height * width, height * width, depth, pixels, index_bits, 0, 0, 32, 32
            )

        done = 0
        while done < tiles:
            distances_kernel(
                image * tiles + done, table, steps, list_of, each, answers, maxima, sizes, times,
                depth, height, width, border_z, border_y, border_x, cap, step,
                "maxima" if WANTED == "flips" or WANTED == "differences" else WANTED, SPACED, DIMS, ROWS, COLUMNS,
            )  # fmt: skip
            done += 1

        if WANTED == "flips" or WANTED == "differences":
            tl.debug_barrier()
            done = 0
            while done < slabs_of_lines:
                levels_kernel(
                    image * slabs_of_lines + done, maxima, ranks, list_of, each, levels, depth, height, width, longest,
                    SPACED, PLACES, AT_ONCE,
                )  # fmt: skip
                done += 1
            done = 0
            while done < tiles:
                add_kernel(
                    image * tiles + done, table, steps, list_of, each, sizes, marks,
                    depth, height, width, cap, step, index_bits, SPACED, DIMS, ROWS, COLUMNS,
                )  # fmt: skip
                done += 1
            tl.debug_barrier()
            done = 0
            while done < tiles:
                if WANTED == "flips":
                    raise_kernel(
                        image * tiles + done, levels, marks, answers, times,
                        depth, height, width, border_z, border_y, border_x, ROWS, COLUMNS,
                    )  # fmt: skip
                else:
                    differences_kernel(
                        image * tiles + done, sizes, levels, marks, losses, columns, given, answers, sums, values,
                        left_out, draw, draws, count, depth, height, width, border_z, border_y, border_x,
                        GIVEN == "chances", LEAVES_OUT, ROWS, COLUMNS,
                    )  # fmt: skip
                done += 1
            tl.debug_barrier()
        draw += 1
