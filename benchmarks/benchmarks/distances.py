"""How long distance_transform takes."""

from benchmarks.peers import PEERS, prepare_or_skip
from benchmarks.workloads import DTYPES, THREADS, WORKLOADS


class DistanceTransform:
    """Seconds a batch; "torch copy" only reads the masks and writes as many numbers as there are distances."""

    params = (list(WORKLOADS), list(DTYPES), list(THREADS), list(PEERS["distance_transform"]))
    param_names = ("workload", "dtype", "threads", "impl")

    def setup(self, workload: str, dtype: str, threads: int, impl: str) -> None:
        self.call = prepare_or_skip("distance_transform", impl, WORKLOADS[workload], dtype, threads)

    def time_distance_transform(self, workload: str, dtype: str, threads: int, impl: str) -> None:
        self.call()
