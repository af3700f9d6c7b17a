"""Compile every kernel of the GPUs' wing for some GPUs, without one; print the registers and spills of each, as JSON.

python tests/gpu/compile_kernels.py cuda:90 hip:gfx942
"""

import inspect
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from chdt.gpu import whole_images as launching
from chdt.gpu.box_sums import IMAGE_TILE, LINE_TILE, VOLUME_TILE
from chdt.gpu.kernels import (
    box_sums,
    cuts,
    differences,
    distances,
    drawing,
    flips,
    programs,
    reading,
    weakest_pixels,
    whole_images,
    whole_weakest_pixels,
    window_minima,
)

WHOLE = (whole_images.whole_images_kernel, whole_weakest_pixels.whole_weakest_pixels_kernel)

MODULES = (
    box_sums,
    cuts,
    differences,
    distances,
    drawing,
    flips,
    reading,
    programs,
    weakest_pixels,
    whole_images,
    whole_weakest_pixels,
    window_minima,
)

LONG = {"lines", "lines_an_image", "pixels", "part"}  # 64 bits
INTEGERS = {"foreground": "*i8", "masks": "*i8", "left_out": "*i8"} | dict.fromkeys(
    ("seeds", "radii", "found", "centres", "nans", "invalid", "numbers", "last", "asked"), "*i64"
)
OTHERS = dict.fromkeys(
    ("steps", "distances", "maxima", "ranks", "levels", "added", "sizes", "list_of", "answers", "scratch"), "*i32"
)
TILES = [dict(zip(("ROWS", "COLUMNS"), tile, strict=True)) for tile in (LINE_TILE, IMAGE_TILE, VOLUME_TILE)]
TILE = TILES[1]


def launches():
    """Kernels, what else their arguments are, and the constants: each that is launched somewhere, the widest last."""
    for table in ("*i32", "*i64"):
        for along, lines, block in ((1, 4, 128), (0, 32, 32)):
            constants = {"ALONG": along, "LINES": lines, "BLOCK": block}
            yield box_sums.sum_lines_kernel, {"table": table}, {"FIRST": 0, **constants}
            for marks in ("*i8", "*i32"):
                yield box_sums.sum_lines_kernel, {"table": table, "foreground": marks}, {"FIRST": 1, **constants}
        for dims, spaced in ((1, False), (2, False), (2, True), (3, True)):
            constants = {"SPACED": spaced, "DIMS": dims, **TILES[dims - 1]}
            for wanted in ("distances", "sizes", "maxima"):
                yield distances.distances_kernel, {"table": table}, {"WANTED": wanted, **constants}
            yield flips.add_kernel, {"table": table}, constants
    for spaced in (False, True):
        yield flips.levels_kernel, {}, {"SPACED": spaced, "PLACES": 64, "BLOCK": 32}
    yield flips.raise_kernel, {}, TILE
    for floats in ("*fp32", "*fp64"):
        for drawn in (False, True):
            names = ("losses", "chances", "gradient", "sums", "values")
            constants = {"DRAWN": drawn, "LEAVES_OUT": drawn, **TILE}
            yield differences.differences_kernel, dict.fromkeys(names, floats), constants
        for masks in ("*i8", "*i32", "*i64"):
            words = dict.fromkeys(("foreground", "background", "unknown"), "i64" if masks == "*i64" else "i32")
            yield drawing.draw_kernel, {"chances": floats, "masks": masks, **words}, {"BLOCK": 1024}
        for along, lines, block in ((1, 4, 256), (0, 32, 32)):
            constants = {"ALONG": along, "LINES": lines, "BLOCK": block}
            yield window_minima.window_minima_kernel, dict.fromkeys(("minima", "spare"), floats), constants
        both = dict.fromkeys(("minima", "largest"), floats)
        yield weakest_pixels.best_centres_kernel, both, {"BLOCK": 512}
    yield from launches_of_whole_images()
    for logits, wide in (("*fp16", "*fp32"), ("*bf16", "*fp32"), ("*fp32", "*fp32"), ("*fp64", "*fp64")):
        given = {"logits": logits, "largest": wide}
        yield weakest_pixels.weakest_pixels_kernel, given, {"PARTS": 128, "BLOCK": 512}
    for logits, wide in (("*bf16", "*fp32"), ("*fp32", "*fp32"), ("*fp64", "*fp64")):
        yield cuts.cut_kernel, {"logits": logits, "above": "*i8", "at_least": "*i8"}, {"BLOCK": 512}
        spaced, dims = wide == logits, 2 + (wide == "*fp64")
        sizes = {"smaller": "*i32", "larger": "*i32", "sizes": "*fp64", "logits": logits}
        yield cuts.choose_kernel, sizes, {"SPACED": spaced, "BLOCK": 512}
        given = {"logits": logits, "minima": wide, "best": wide}
        constants = {"SPACED": spaced, "DIMS": dims, "LINES": 16, "ALONG_BLOCK": 32, "BLOCK": 512}
        yield whole_weakest_pixels.whole_weakest_pixels_kernel, given, constants
    for words in ("*i8", "*i16", "*i32", "*i64"):
        both = dict.fromkeys(("foreground", "background"), "i64")
        for marks in ("*i8", "*i32"):
            yield reading.read_kernel, {"words": words, "masks": marks, **both}, {"BLOCK": 1024}


def launches_of_whole_images():
    """Those of small images, each kind of what is given and wanted at least once."""
    for given, item, wanted, dims, spaced in (
        ("truths", "*i8", "sizes", 2, False),
        ("words", "*i16", "distances", 3, True),
        ("words", "*i64", "flips", 3, True),
        ("words", "*i32", "differences", 1, False),
        ("chances", "*fp64", "differences", 2, True),
        ("chances", "*fp32", "differences", 1, False),
        ("chances", "*fp32", "differences", 2, False),
        ("chances", "*fp32", "differences", 3, True),
    ):
        floats = item if given == "chances" else "*fp32"
        types = {"given": item, "answers": floats if wanted == "differences" else "*i32"}
        types |= dict.fromkeys(("losses", "sums", "values"), floats) | dict.fromkeys(
            ("foreground", "background"), "i64"
        )
        lines, block = launching.LINE_TILE if dims == 1 else launching.OTHER_TILE
        constants = {"GIVEN": given, "WANTED": wanted, "LEAVES_OUT": given == "chances", "SPACED": spaced}
        tiles = {"DIMS": dims, **TILES[dims - 1], "SUM_LINES": lines, "SUM_BLOCK": block}
        yield whole_images.whole_images_kernel, types, {**constants, **tiles, "PLACES": 64, "AT_ONCE": 32}


def type_of(name, given):
    """The type of an argument: as given, or as it always is."""
    if name == "count":
        return "fp32"
    return given.get(name) or INTEGERS.get(name) or OTHERS.get(name) or ("i64" if name in LONG else "i32")


def compiled(kernel, given, constants, target):
    """The kernel for a target."""
    constants = {"program": None, **constants} if "program" in kernel.arg_names else constants
    positions = {(kernel.arg_names.index(name),): value for name, value in constants.items()}
    signature = {name: "constexpr" if name in constants else type_of(name, given) for name in kernel.arg_names}
    source = ASTSource(fn=kernel, signature=signature, constexprs=positions)
    options = {"num_warps": launching.WARPS} if kernel in WHOLE else {}
    return triton.compile(source, target=target, options=options)


def with_ones_and_none(kernel, given, constants):
    """The form for arguments that are 1, as Triton makes constants of these, and for arrays that are left out."""
    ones = {
        parameter.name: 1
        for parameter in kernel.params
        if parameter.name not in constants
        and type_of(parameter.name, given) in ("i32", "i64")
        and not parameter.do_not_specialize
    }
    unused = () if constants.get("SPACED", True) else ("steps", "ranks", "list_of", "last")
    unused += () if constants.get("DRAWN", True) else ("chances", "left_out")
    return {**constants, **ones, **{name: None for name in unused if name in kernel.arg_names}}


def resources(kernel):
    """Registers of a thread, and bytes that do not fit in them."""
    if "amdgcn" in kernel.asm:
        # Scalars that do not fit into their own registers are kept in those of vectors, which are counted.
        found = dict(re.findall(r"\.(vgpr_count|private_segment_fixed_size):\s+(\d+)", kernel.asm["amdgcn"]))
        return int(found["vgpr_count"]), int(found["private_segment_fixed_size"])
    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(kernel.asm["cubin"])
        file.flush()
        said = subprocess.run([tool, "-res-usage", file.name], capture_output=True, text=True, check=True).stdout
    registers, stack = re.search(r"REG:(\d+) STACK:(\d+)", said).groups()
    return int(registers), int(stack)


def names_of_kernels():
    """Of all kernels that there are."""
    found = [name for module in MODULES for name in vars(module) if name.endswith("_kernel")]
    assert len(list(Path(inspect.getfile(box_sums)).parent.glob("[a-z]*.py"))) == len(MODULES)
    return sorted(set(found))


def main(targets):
    """Compile and print."""
    answers = []
    for target in targets:
        kind, _, arch = target.partition(":")
        gpu = GPUTarget("cuda", int(arch), 32) if kind == "cuda" else GPUTarget("hip", arch, 64)
        every = list(launches())
        for number, (kernel, given, constants) in enumerate(every):
            last = all(kernel is not other for other, _, _ in every[number + 1 :])
            forms = [constants] if last else []  # the widest, which is enough for all targets but the first
            if target == targets[0]:
                forms.append(with_ones_and_none(kernel, given, constants))
            for form in forms:
                registers, spilled = resources(compiled(kernel, given, form, gpu))
                answers.append([target, kernel.__name__, {**given, **form}, registers, spilled])
    print(json.dumps({"kernels": names_of_kernels(), "compiled": answers}))


if __name__ == "__main__":
    main(sys.argv[1:])
