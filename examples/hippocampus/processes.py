"""Several trainings at a time, each in a process of its own, and none of them left when the command is ended."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import torch


def begin_worker() -> None:
    """One thread to compute, and one that waits for the parent to end: however that comes, the worker ends too."""
    torch.set_num_threads(1)
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """A parent that is terminated cannot tell its workers, and the pool's own would go on, then wait for ever."""
    multiprocessing.parent_process().join()
    os._exit(1)  # trainings are kept as they go, so nothing is lost


def in_processes(function: Callable[..., Any], jobs: Iterable[tuple[Any, ...]], processes: int) -> list[Any]:
    """Answers of a function to all jobs, in their order, each process on one thread."""
    if processes == 1:
        return [function(*job) for job in jobs]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, begin_worker) as pool:
        return list(pool.map(function, *zip(*jobs, strict=True)))
