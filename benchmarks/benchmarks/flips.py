"""How long flip_sizes takes, and how long one transform a flip."""

from benchmarks.peers import ONE_TRANSFORM_A_FLIP, PEERS, prepare, prepare_or_skip, use_threads
from benchmarks.workloads import DTYPES, THREADS, WORKLOADS

FEW_SLICES = WORKLOADS["slices 6103x48x32"]._replace(count=8)


class FlipSizes:
    """Seconds a batch; "torch copy" only reads the masks and writes as many numbers as there are flips."""

    params = (
        list(WORKLOADS),
        list(DTYPES),
        list(THREADS),
        [impl for impl in PEERS["flip_sizes"] if impl not in ONE_TRANSFORM_A_FLIP],
    )
    param_names = ("workload", "dtype", "threads", "impl")

    def setup(self, workload: str, dtype: str, threads: int, impl: str) -> None:
        self.call = prepare_or_skip("flip_sizes", impl, WORKLOADS[workload], dtype, threads)

    def time_flip_sizes(self, workload: str, dtype: str, threads: int, impl: str) -> None:
        self.call()


class FlipSizesOfEightSlices:
    """Seconds for the first eight slices, one thread: against those that do one transform for each of 1536 flips."""

    params = (["chdt", *ONE_TRANSFORM_A_FLIP],)
    param_names = ("impl",)

    def setup(self, impl: str) -> None:
        use_threads(impl, 1)
        self.call = prepare("flip_sizes", impl, FEW_SLICES, "bool")

    def time_flip_sizes(self, impl: str) -> None:
        self.call()
