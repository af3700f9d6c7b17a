"""How long object_size takes."""

from benchmarks.peers import PEERS, prepare_or_skip
from benchmarks.workloads import DTYPES, THREADS, WORKLOADS


class ObjectSize:
    """Seconds a batch; "torch sum" only reads the masks."""

    params = (list(WORKLOADS), list(DTYPES), list(THREADS), list(PEERS["object_size"]))
    param_names = ("workload", "dtype", "threads", "impl")

    def setup(self, workload: str, dtype: str, threads: int, impl: str) -> None:
        self.call = prepare_or_skip("object_size", impl, WORKLOADS[workload], dtype, threads)

    def time_object_size(self, workload: str, dtype: str, threads: int, impl: str) -> None:
        self.call()
