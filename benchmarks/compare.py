"""Compare chdt with its peers in one process, turn by turn, and print the result as Markdown.

In each round all that are compared have one turn after the other, so that a machine that slows down slows all of them
down; ratios are taken within rounds.
"""

import argparse
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from benchmarks.busy import BUSY_WORKLOADS, Busy
from benchmarks.busy import FUNCTIONS as BUSY_FUNCTIONS
from benchmarks.flips import FEW_SLICES
from benchmarks.growth import CALLS
from benchmarks.pages import describe_versions
from benchmarks.peers import ONE_TRANSFORM_A_FLIP, PEERS, impossible, prepare, use_threads
from benchmarks.training import BATCHES, LOSSES, TrainingStep, ValueAndGradient
from benchmarks.workloads import DENSITIES, DTYPES, RADII, SMALL_WORKLOADS, THREADS, WORKLOADS, Workload, tensor_of

Name = TypeVar("Name")
Seconds = npt.NDArray[np.float64]  # one number for each round

# ------------------------------------------------------------------------------------------------ measuring


class Effort(NamedTuple):
    """How long to measure."""

    rounds: int
    turn: float  # seconds; a call that takes longer is made twice, see `_take_turn`
    pause: float = 0.03  # seconds before a turn: OpenMP's threads go on spinning for a while after their work


class Group(NamedTuple):
    """What is compared with each other, for each dtype and peer."""

    function: str
    workload: Workload
    threads: int

    def members(self) -> Iterator[tuple[str, str]]:
        """Names of peer and dtype; a peer whose time does not depend on the dtype comes once."""
        for impl, dtype in itertools.product(PEERS[self.function], DTYPES):
            # Those that use one thread whatever they are told have their turn beside others with more threads, too.
            masks = self.masks_for(impl)
            if impossible(self.function, impl, masks, dtype, threads=1) is None:
                yield impl, dtype

    def masks_for(self, impl: str) -> Workload:
        """As many of the masks as can be waited for."""
        if self.function != "flip_sizes" or impl not in ONE_TRANSFORM_A_FLIP:
            return self.workload
        return self.workload._replace(count=min(self.workload.count, FEW_SLICES.count))


class Measured(NamedTuple):
    """Seconds an image, by peer and dtype."""

    group: Group
    seconds: dict[tuple[str, str], Seconds]

    def of(self, impl: str, dtype: str) -> Seconds | None:
        """One of them, None if it was not measured."""
        return self.seconds.get((impl, dtype if PEERS[self.group.function][impl].any_dtype else "bool"))


def measure(group: Group, effort: Effort) -> Measured:
    """One turn each, round after round."""
    calls = {}
    for impl, dtype in group.members():
        use_threads(impl, group.threads)
        masks = group.masks_for(impl)
        calls[impl, dtype] = prepare(group.function, impl, masks, dtype), masks.count
    seconds = take_turns({name: call for name, (call, _) in calls.items()}, effort)
    return Measured(group, {name: seconds[name] / images for name, (_, images) in calls.items()})


def take_turns(calls: dict[Name, Callable[[], Any]], effort: Effort) -> dict[Name, Seconds]:
    """Seconds of each call in every round."""
    seconds: dict[Name, list[float]] = {name: [] for name in calls}
    for _ in range(effort.rounds):
        for name, call in calls.items():
            time.sleep(effort.pause)
            seconds[name].append(_take_turn(call, effort.turn))
    return {name: np.array(turns) for name, turns in seconds.items()}


def measure_losses(threads: int, effort: Effort) -> dict[str, dict[str, Seconds]]:
    """Seconds of value and gradient, and of a step of training, with each loss."""
    effort = effort._replace(pause=0)  # as in training, where one call follows another
    measured = {}
    for batch in BATCHES:
        calls = {}
        for loss in LOSSES:
            benchmark = ValueAndGradient()
            benchmark.setup(batch, threads, loss)
            calls[loss] = benchmark.time_value_and_gradient
        measured[f"value and gradient of {batch} slices"] = take_turns(calls, effort)
    steps = {}
    for loss in LOSSES:
        step = TrainingStep()
        step.setup(threads, loss)
        steps[loss] = step.time_step
    measured["training step of a small U-Net, 32 slices"] = take_turns(steps, effort)
    return measured


LONG = 4.0  # seconds of a call that is not made again


def _take_turn(call: Callable[[], Any], turn: float) -> float:
    """The median time of call after call; the first one counts only if it is a long one.

    It has cold caches. And in a virtual machine, memory that nobody used for a while may have been taken away, and
    comes back page by page: a sum of 37 MB took 50 ms instead of 2.
    """
    first = _time(call)
    if first > LONG:
        return first
    times = [_time(call)]
    while sum(times) < turn:
        times.append(_time(call))
    return float(np.median(times))


def _time(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure_growth(workloads: dict[str, Workload], effort: Effort) -> dict[str, dict[str, Seconds]]:
    """Seconds of each call, one thread, for images that differ in their masks alone."""
    measured = {}
    for name, workload in workloads.items():
        calls = {}
        for call in CALLS:
            function, impl = call.split(", ")
            use_threads(impl, 1)
            calls[call] = prepare(function, impl, workload, "bool")
        measured[name] = take_turns(calls, effort)
    return measured


def measure_busy(effort: Effort) -> dict[str, dict[str, Seconds]]:
    """Seconds of calls on all cores, alone and beside as many busy processes as there are cores."""
    measured: dict[str, dict[str, Seconds]] = {}
    for name, function in itertools.product(BUSY_WORKLOADS, BUSY_FUNCTIONS):
        row = measured[f"{function}, {name}"] = {}
        for heading, others in (("alone", 0), ("beside busy processes", os.cpu_count() or 1)):
            benchmark = Busy()
            benchmark.setup(function, name, others)
            try:
                calls = 10 * effort.rounds  # one by one, as it is the slowest that matters
                row[heading] = np.array([_time(benchmark.call) for _ in range(calls)])
            finally:
                benchmark.teardown(function, name, others)
    return measured


FIRST_CALL = """
import time
begin = time.perf_counter()
import numpy, torch, numba
imported = time.perf_counter()
import chdt
ready = time.perf_counter()
chdt.{function}(-numpy.ones((4, 48, 32), numpy.float32))
print(imported - begin, ready - imported, time.perf_counter() - ready)
"""

PEAK = """
import sys
import numpy, chdt

def peak():  # kB; what the resource module tells begins with the peak of the parent
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

masks = numpy.load(sys.argv[1])
for function in chdt.object_size, chdt.distance_transform, chdt.flip_sizes:
    function(masks[:, :600].copy())  # which compiles, or loads, the kernels
before = peak()
chdt.{function}(masks)
print(peak() - before)
"""


def _run(code: str, *arguments: str, **env: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env={**os.environ, **env}, capture_output=True, text=True, check=True
    )
    return [float(word) for word in done.stdout.split()]


def start_table(effort: Effort) -> str:
    """Seconds until the first answer, with kernels from the cache and compiled."""
    rows = [["first call of", "import numpy, torch, numba", "import chdt", "call, cache filled", "call, cache empty"]]
    for function in PEERS:
        code = FIRST_CALL.format(function=function)
        _run(code)
        warm = np.array([_run(code) for _ in range(effort.rounds)]).T
        with tempfile.TemporaryDirectory() as folder:
            empty = np.array([_run(code, NUMBA_CACHE_DIR=folder)[2]])
        rows.append([function, *(_spread(seconds, 1) for seconds in (*warm, empty))])
    return f"## Until the first answer, each in a new process, s\n\n{_markdown(rows)}"


def memory_table(workload: Workload) -> str:
    """What a call adds to the peak of a process, answer included."""
    rows = [["function", "dtype", "MB of masks", "MB of the answer", "MB more at the peak"]]
    with tempfile.TemporaryDirectory() as folder:
        for dtype in DTYPES:
            masks = tensor_of(workload, dtype).numpy()
            file = Path(folder) / f"{dtype}.npy"
            np.save(file, masks)
            for function in PEERS:
                answer = masks.size * 4 / 1e6 if function != "object_size" else 0
                (more,) = _run(PEAK.format(function=function), str(file))
                row = [function, dtype, f"{masks.nbytes / 1e6:.0f}", f"{answer:.0f}", f"{more * 1024 / 1e6:.0f}"]
                rows.append(row)
    return f"## Memory, {workload.name}\n\n{_markdown(rows)}"


# ------------------------------------------------------------------------------------------------ telling


def written_by_others(output: Path) -> str:
    """The last section of a report that is there, which cliffs.py writes."""
    before = output.read_text(encoding="utf-8") if output.exists() else ""
    _, heading, section = before.partition("\n## Cliffs\n")
    return heading + section


def describe_machine(effort: Effort) -> str:
    """Where and with what this was measured, and how to read it."""
    return f"""\
{describe_versions()}

Cells are medians of {effort.rounds} rounds, quartiles in parentheses, and then how many times chdt's time that is, by \
the median of the ratios within a round. SciPy and OpenCV are given bool masks whatever the dtype of the others; SciPy \
uses one thread.
"""


def table_of(function: str, results: list[Measured]) -> str:
    """All that was measured for one function."""
    unit = "µs an image" if function == "flip_sizes" else "ns a pixel"
    rows = [["masks", "threads", "dtype", *PEERS[function]]]
    for result in results:
        if result.group.function != function:
            continue
        workload = result.group.workload
        scale = 1e6 if function == "flip_sizes" else 1e9 / workload.pixels
        for dtype in DTYPES:
            row = [workload.name, str(result.group.threads), dtype]
            row += [_cell(result.of(impl, dtype), result.of("chdt", dtype), scale) for impl in PEERS[function]]
            rows.append(row)
    return f"## {function}, {unit}\n\n{_markdown(rows)}"


def losses_table(by_threads: dict[int, dict[str, dict[str, Seconds]]]) -> str:
    """All losses, in milliseconds and as multiples of cross-entropy."""
    rows = [["what", "threads", *LOSSES]]
    for threads, measured in by_threads.items():
        for what, seconds in measured.items():
            row = [what, str(threads)]
            rows.append(row + [_cell(seconds[loss], seconds[LOSSES[0]], 1e3) for loss in LOSSES])
    return f"## expected_size_loss, ms; and how many times cross-entropy's time that is\n\n{_markdown(rows)}"


def growth_table(measured: dict[str, dict[str, Seconds]]) -> str:
    """Milliseconds by radius and density."""
    rows = [["masks of 2048 x 2048", *CALLS]]
    for name, seconds in measured.items():
        rows.append([name] + [_cell(seconds[call], seconds[call], 1e3) for call in CALLS])
    return f"## Growth with the radius of the object and with density, one thread, bool, ms\n\n{_markdown(rows)}"


def busy_table(measured: dict[str, dict[str, Seconds]]) -> str:
    """Calls beside busy processes; half of the time is the fair share of a call."""
    rows = [["call, float32, all cores", "alone, ms", "beside, ms", "times as long", "slowest call, times as long"]]
    for name, row in measured.items():
        alone, beside = row["alone"], row["beside busy processes"]
        typical = np.median(alone)
        ratios = [_number(np.median(beside) / typical), _number(beside.max() / typical)]
        rows.append([name, _spread(alone, 1e3), _spread(beside, 1e3), *ratios])
    return f"## Beside a busy process for each core\n\n{_markdown(rows)}"


def pictures(results: list[Measured], growth: dict[str, dict[str, Seconds]], output: Path) -> str:
    """Draw them beside the output, and give the Markdown that shows them."""
    from pictures import draw_growth, draw_sizes, draw_threads

    folder = output.parent / "images"
    folder.mkdir(parents=True, exist_ok=True)
    for dims in (2, 3):
        sizes: dict[str, dict[str, dict[int, float]]] = {function: {} for function in PEERS}
        for result in results:
            group = result.group
            if group.threads == 1 and len(group.workload.grid) == dims:
                for (impl, dtype), seconds in result.seconds.items():
                    if dtype == "bool":  # of several batches of the same grid, the first one
                        of_impl = sizes[group.function].setdefault(impl, {})
                        of_impl.setdefault(group.workload.pixels, float(np.median(seconds)))
        draw_sizes(sizes, folder / f"benchmarks_{'images' if dims == 2 else 'volumes'}.png")
    threads: dict[str, dict[int, float]] = {}
    for result in results:
        group = result.group
        if group.workload.name in BUSY_WORKLOADS:
            line = threads.setdefault(f"{group.function}, {group.workload.name}", {})
            line[group.threads] = float(np.median(result.of("chdt", "float32"))) * group.workload.count
    draw_threads(threads, folder / "benchmarks_threads.png")
    for workloads, prefix, name in ((RADII, "radius ", "radius"), (DENSITIES, "density ", "density")):
        x = [float(each.removeprefix(prefix)) for each in workloads]
        by_call = {call: (x, [float(np.median(growth[each][call])) for each in workloads]) for call in CALLS}
        draw_growth(by_call, name, folder / f"benchmarks_{name}.png")
    return """\
## Pictures

![Nanoseconds a pixel of all functions and peers, by the size of the images](images/benchmarks_images.png)

![The same for volumes](images/benchmarks_volumes.png)

![Milliseconds by the radius of the object: chdt's hardly change](images/benchmarks_radius.png)

![Milliseconds by the density of the foreground](images/benchmarks_density.png)

![Milliseconds by the number of threads](images/benchmarks_threads.png)
"""


def _cell(seconds: Seconds | None, of_chdt: Seconds | None, scale: float) -> str:
    if seconds is None or of_chdt is None:
        return ""
    ratio = "" if seconds is of_chdt else f", {_number(np.median(seconds / of_chdt))}×"
    return _spread(seconds, scale) + ratio


def _spread(seconds: Seconds, scale: float) -> str:
    low, median, high = np.quantile(seconds * scale, (0.25, 0.5, 0.75))
    return f"{_number(median)} ({_number(low)}–{_number(high)})"


def _number(x: float) -> str:
    """Three digits, at most three of them behind the point."""
    return f"{x:.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}" if x >= 1 else f"{x:.3f}"


def _markdown(rows: list[list[str]]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


# The sentences to be checked: function, number of the workload, peer, dtype, and what is said of them.
CLAIMS = (
    ("object_size", 0, "torch sum", "float32", "against `masks.sum((1, 2))`, which reads the masks"),
    ("object_size", 0, "opencv loop", "float32", "faster than OpenCV"),
    ("object_size", 0, "scipy batch", "float32", "faster than SciPy in one call"),
    ("object_size", 0, "scipy loop", "float32", "faster than SciPy in a loop"),
    ("object_size", 1, "opencv loop", "float32", "faster than OpenCV"),
    ("object_size", 2, "opencv loop", "float32", "faster than OpenCV"),
    ("distance_transform", 0, "torch copy", "float32", "against `copy_` into the same int32 memory"),
    ("distance_transform", 0, "opencv loop", "float32", "faster than OpenCV"),
    ("distance_transform", 0, "scipy batch", "float32", "faster than SciPy in one call"),
    ("distance_transform", 0, "scipy loop", "float32", "faster than SciPy in a loop"),
    ("distance_transform", 0, "chdt into uint8", "bool", "into uint8, against int32"),
    ("distance_transform", 1, "opencv loop", "float32", "faster than OpenCV"),
    ("distance_transform", 2, "opencv loop", "float32", "faster than OpenCV"),
    ("distance_transform", 6, "scipy loop", "float32", "faster than SciPy"),
    ("object_size", 6, "scipy loop", "float32", "faster than SciPy"),
    ("flip_sizes", 0, "torch copy", "float32", "against `copy_` into the same int32 memory"),
    ("flip_sizes", 0, "opencv loop", "float32", "faster than OpenCV, one transform a flip"),
    ("flip_sizes", 0, "scipy batch", "float32", "faster than SciPy, one transform a flip"),
    ("flip_sizes", 1, "distance_transform", "float32", "against one distance_transform"),
    ("flip_sizes", 2, "distance_transform", "float32", "against one distance_transform"),
    ("object_size", 8, "opencv loop", "float32", "faster than OpenCV"),
    ("distance_transform", 8, "opencv loop", "float32", "faster than OpenCV"),
    ("flip_sizes", 8, "distance_transform", "float32", "against one distance_transform"),
)


def claims(workloads: list[Workload], thread_counts: list[int], results: list[Measured]) -> list[list[str]]:
    """What is said of chdt, and what was measured: the rows of a table."""
    by_group = {result.group: result for result in results}
    rows = [["claim", "masks", "dtype", *(f"measured, threads: {n}" for n in thread_counts)]]
    for function, number, impl, dtype, claim in CLAIMS:
        if number >= len(workloads) or Group(function, workloads[number], thread_counts[0]) not in by_group:
            continue
        row = [f"{function}: {claim}", workloads[number].name, dtype]
        for threads in thread_counts:
            result = by_group[Group(function, workloads[number], threads)]
            row.append(_speed(result.of("chdt", dtype), result.of(impl, dtype)))
        rows.append(row)
    return rows


PEER = re.compile(r"(?:faster than|against) (?:one )?(?P<peer>`[^`]*`|\w+)")


def in_short(rows: list[list[str]]) -> str:
    """The claims in a sentence for each function, over all masks: of the first number of threads."""
    measured: dict[tuple[str, str, str], list[float]] = {}
    for claim, _, _, cell, *_ in rows[1:]:
        function, _, said = claim.partition(": ")
        peer = PEER.match(said)
        number, _, how = cell.partition(" times ")
        if peer is not None and how:
            speed = "times as fast as" if how.startswith("as fast") else "times the time of"
            measured.setdefault((function, peer["peer"], speed), []).append(float(number))
    lines = dict.fromkeys((function for function, _, _ in measured), "")
    for (function, peer, speed), numbers in measured.items():
        low, high = _number(min(numbers)), _number(max(numbers))
        lines[function] += f"; {low if low == high else f'{low} to {high}'} {speed} {peer}"
    said = "".join(f"- `{function}`: {line.removeprefix('; ')}.\n" for function, line in lines.items())
    return (
        f"## In short\n\nOn {rows[0][3].partition(': ')[2]} thread, over the masks [below](#claim-measured):\n\n{said}"
    )


def _speed(of_chdt: Seconds | None, seconds: Seconds | None) -> str:
    if of_chdt is None or seconds is None:
        return ""
    low, median, high = np.quantile(of_chdt / seconds, (0.25, 0.5, 0.75))
    if median < 0.8:
        return f"{_number(1 / median)} times as fast ({_number(1 / high)}–{_number(1 / low)})"
    return f"{_number(median)} times its time ({_number(low)}–{_number(high)})"


# ------------------------------------------------------------------------------------------------ the command


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small masks, few rounds: only to see whether it runs")
    parser.add_argument(
        "--masks",
        nargs="+",
        metavar="NAME",
        help="only the tables of these masks, such as '1 x 4096x4096', and no pictures",
    )
    parser.add_argument("--rounds", type=int, default=15, help="turns that each peer has (default: %(default)s)")
    possible = [n for n in THREADS if n <= (os.cpu_count() or 1)]
    parser.add_argument("--threads", type=int, nargs="+", default=possible, help="numbers of threads (default: all)")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write the Markdown there, too, and pictures beside it"
    )
    args = parser.parse_args()

    workloads = list((SMALL_WORKLOADS if args.quick else WORKLOADS).values())
    effort = Effort(rounds=2, turn=0.001, pause=0) if args.quick else Effort(args.rounds, turn=0.03)
    unknown = set(args.masks or ()) - {workload.name for workload in workloads}
    if unknown:
        parser.error(f"no masks named {min(unknown)!r}, but {', '.join(repr(w.name) for w in workloads)}")
    chosen = [workload for workload in workloads if not args.masks or workload.name in args.masks]
    # Workloads come last: their masks are drawn once.
    groups = [Group(f, w, n) for w, f, n in itertools.product(chosen, PEERS, args.threads)]
    results = []
    for i, group in enumerate(groups):
        print(
            f"{i + 1}/{len(groups)}: {group.function}, {group.workload.name}, {group.threads} threads", file=sys.stderr
        )
        results.append(measure(group, effort))

    rows = claims(workloads, args.threads, results)
    parts = [describe_machine(effort), in_short(rows), f"## Claim, measured\n\n{_markdown(rows)}"]
    parts += [table_of(function, results) for function in PEERS]
    if not args.masks:
        print("losses", file=sys.stderr)
        parts.append(losses_table({threads: measure_losses(threads, effort) for threads in args.threads}))
        print("growth", file=sys.stderr)
        growth = measure_growth(RADII | DENSITIES, effort)
        parts.append(growth_table(growth))
        print("busy, start, memory", file=sys.stderr)
        parts += [busy_table(measure_busy(effort)), start_table(effort), memory_table(workloads[2])]
        if args.output:
            parts.insert(2, pictures(results, growth, args.output))
    report = f"# chdt and its peers, on {os.cpu_count()} cores\n\n" + "\n".join(parts)
    print(report, end="")
    if args.output:
        args.output.write_text(report + written_by_others(args.output), encoding="utf-8")


if __name__ == "__main__":
    main()
