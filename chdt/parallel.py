"""One batch over several threads, whatever process or thread the caller is in.

Kernels are serial and drop the GIL, so plain Python threads run them side by side. They live for one call only: nothing
is left that a fork could break, that could be used by two callers at once, or that could keep a process from ending.
Numba's own parallel loops offer none of this: under OpenMP a forked child dies at its first one, and under workqueue
two of them at once end the process.
"""

import _thread
from collections.abc import Callable

import numba
import torch

PIXELS_PER_THREAD = 1 << 19  # fewer are done before a thread has started
MOST_PIXELS = 1 << 22  # handed out at once: some milliseconds, after which Ctrl-C is answered
PIECES_PER_THREAD = 4  # so that one slow thread does not keep the others waiting


def thread_count() -> int:
    """As many threads as both torch and Numba were told to use."""
    try:
        numba.threading_layer()
    except ValueError:  # not launched, and asking for its number of threads would launch it
        of_numba: int = numba.config.NUMBA_NUM_THREADS
    else:
        of_numba = numba.get_num_threads()
    return min(torch.get_num_threads(), of_numba)


def share(work: Callable[[int, int], None], count: int, pixels: int, together: int = 1) -> None:
    """Call ``work(first, last)`` for pieces that cover the range ``count``, on as many threads as pay off.

    Parameters
    ----------
    work : callable
        Does the items first..last - 1. It is called from several threads at once.
    count : int
        How many items there are.
    pixels : int
        Pixels in an item, as the measure of work.
    together : int
        Pieces begin at multiples of this.
    """
    total = count * pixels
    threads = max(1, min(thread_count(), total // PIXELS_PER_THREAD))
    piece = min(MOST_PIXELS, total // (threads * PIECES_PER_THREAD)) if threads > 1 else MOST_PIXELS
    step = max(1, piece // (pixels * together)) * together
    # Taking the next number from an iterator over a range is one step under the GIL: no piece is done twice.
    starts = iter(range(0, count, step))
    errors: list[BaseException] = []

    def work_off() -> None:
        try:
            for first in starts:
                if errors:
                    break
                work(first, min(first + step, count))
        except BaseException as error:  # the caller raises it, once all threads have ended
            errors.append(error)

    def run(ended: _thread.LockType) -> None:
        work_off()
        ended.release()

    running = []
    for _ in range(min(threads, -(-count // step)) - 1):
        ended = _thread.allocate_lock()
        ended.acquire()
        try:
            _thread.start_new_thread(run, (ended,))
        except RuntimeError:  # no more threads are to be had: those that run do it all
            break
        running.append(ended)
    work_off()
    for ended in running:
        _wait_for(ended, errors)
    if errors:
        raise errors[0]


def _wait_for(ended: _thread.LockType, errors: list[BaseException]) -> None:
    """Wait even when interrupted: a thread must not write into an answer that was given back."""
    while True:
        try:
            ended.acquire()
            return
        except BaseException as error:
            errors.append(error)
