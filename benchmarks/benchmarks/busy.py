"""How long calls take while other processes keep every core busy.

With as many others as cores, half of the time is a call's fair share. Threads that wait for each other by spinning get
far less.
"""

import os
import subprocess
import sys

from benchmarks.peers import PEERS, prepare, use_threads
from benchmarks.workloads import WORKLOADS

FUNCTIONS = tuple(PEERS)
BUSY_WORKLOADS = ("slices 6103x48x32", "1 x 4096x4096")


class Busy:
    """Seconds of a call on all cores, alone and beside a busy process for each of them."""

    params = (FUNCTIONS, BUSY_WORKLOADS, (0, os.cpu_count() or 1))
    param_names = ("function", "workload", "others")

    def setup(self, function: str, workload: str, others: int) -> None:
        use_threads("chdt", os.cpu_count() or 1)
        self.call = prepare(function, "chdt", WORKLOADS[workload], "float32")
        self.others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(others)]

    def teardown(self, function: str, workload: str, others: int) -> None:
        for process in self.others:
            process.kill()
            process.wait()

    def time_call(self, function: str, workload: str, others: int) -> None:
        self.call()
