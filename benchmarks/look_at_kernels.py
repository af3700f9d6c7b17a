"""The machine code of the kernels that a call runs, and their names for a profiler.

    python benchmarks/look_at_kernels.py "flip_sizes(masks)" --shape 64 300 320 --kernel flip_sizes_of > flips.s
    perf record python benchmarks/look_at_kernels.py "flip_sizes(masks)" --shape 64 300 320 --repeat 50
    perf report

The first prints assembly, which it compiles anew, as Numba keeps none. The second says to ``perf``, by a file in /tmp,
where the code of each kernel lies; what is spent elsewhere is Python, torch and Numba starting, so repeat often enough.
One thread: each kernel is serial.
"""

import argparse
import os
import tempfile
from pathlib import Path

FAR = 1 << 16  # bytes of code that a kernel has at most, as far as the map is concerned


def main() -> None:
    """Make the call, and print assembly or write the map."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("call", help='Python, with chdt\'s names, numpy as np, and "masks"')
    parser.add_argument("--shape", type=int, nargs="+", default=[64, 48, 32], help="of the masks, bool")
    parser.add_argument("--density", type=float, default=0.97, help="share of foreground")
    parser.add_argument("--kernel", help="print the assembly of this one")
    parser.add_argument("--repeat", type=int, default=0, help="calls after the first one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as empty:
        if options.kernel:
            os.environ["NUMBA_CACHE_DIR"] = empty
        os.environ["NUMBA_NUM_THREADS"] = "1"
        show(options)


def show(options: argparse.Namespace) -> None:
    """The same, once it is settled where kernels are kept."""
    import numpy as np

    import chdt
    from chdt.cpu.compiled import all_kernels

    masks = np.random.default_rng(0).random(options.shape) < options.density
    names = {**vars(chdt), "np": np, "masks": masks}
    call = compile(options.call, "call", "eval")
    eval(call, names)
    kernels = {kernel.__name__: kernel for kernel in all_kernels() if kernel.overloads}
    if options.kernel:
        if options.kernel not in kernels:
            raise SystemExit(f"this call runs {', '.join(kernels)}, not {options.kernel}")
        for types, assembly in kernels[options.kernel].inspect_asm().items():
            print(f"# {types}\n{assembly}")
        return
    starts = sorted(
        (compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name), name)
        for name, kernel in kernels.items()
        for compiled in kernel.overloads.values()
    )
    ends = [start for start, _ in starts[1:]] + [starts[-1][0] + FAR]
    with Path(f"/tmp/perf-{os.getpid()}.map").open("w") as file:
        for (start, name), end in zip(starts, ends, strict=True):
            file.write(f"{start:x} {min(end - start, FAR):x} {name}\n")
    for _ in range(options.repeat):
        eval(call, names)


if __name__ == "__main__":
    main()
