"""One batch over several threads, whatever process or thread the caller is in.

Kernels are serial and drop the GIL, so plain Python threads run them side by side. They live for one call only: nothing
is left that a fork could break, that could be used by two callers at once, or that could keep a process from ending.
What they worked in is handed on to the threads of later calls, to one at a time.
Numba's own parallel loops offer none of this: under OpenMP a forked child dies at its first one, and under workqueue
two of them at once end the process.
"""

import _thread
import contextlib
from collections.abc import Callable
from typing import Any

import numba
import torch

from chdt.cpu.memory import hand_on_shelf, take_shelf

# Fewer are packed before a thread has started: within 0.1 ms on idle cores, later where threads of torch still spin.
PIXELS_PER_THREAD = 1 << 20

MOST_PIXELS = 1 << 22  # handed out at once: some milliseconds, after which Ctrl-C is answered

PIECES_PER_THREAD = 4  # so that one slow thread does not keep the others waiting

# Of each item shared among threads, how many times what packing takes; a flip moves as much memory as a scan does.
COUNTING_EFFORT, SCAN_EFFORT, CROSSING_EFFORT, JOINING_EFFORT, SLABS_EFFORT = 1, 2, 4, 4, 1

LAYING_OUT_PARTS = 16  # of what packing takes, for what takes less


def thread_count() -> int:
    """As many threads as both torch and Numba were told to use."""
    try:
        numba.threading_layer()
    except ValueError:  # not launched, and asking for its number of threads would launch it
        of_numba: int = numba.config.NUMBA_NUM_THREADS
    else:
        of_numba = numba.get_num_threads()
    return min(torch.get_num_threads(), of_numba)


def threads_for(pixels: int) -> int:
    """On how many threads it pays off to do what costs as much as packing so many pixels."""
    threads = pixels // PIXELS_PER_THREAD
    return min(threads, thread_count()) if threads > 1 else 1  # asking how many there are takes time


def is_little(pixels: int) -> bool:
    """Whether what costs as much as packing so many pixels is done at once, by the caller."""
    return pixels < min(2 * PIXELS_PER_THREAD, MOST_PIXELS)


class Pieces:
    """The items of a range, in pieces that several threads take one by one.

    Parameters
    ----------
    count : int
        How many items there are.
    pixels : int
        The cost of an item; packing one pixel is 1.
    multiple_of : int
        Pieces begin at multiples of this.
    """

    def __init__(self, count: int, pixels: int, multiple_of: int = 1) -> None:
        total = count * pixels
        threads = threads_for(total)
        piece = min(MOST_PIXELS, total // (threads * PIECES_PER_THREAD)) if threads > 1 else MOST_PIXELS
        self.count, self.step = count, max(1, piece // (pixels * multiple_of)) * multiple_of
        self.number = -(-count // self.step)
        self.threads = min(threads, self.number)  # that pay off
        # Taking the next number from an iterator over a range is one step under the GIL: no piece is done twice.
        self.starts = iter(range(0, count, self.step))

    def work_off(self, work: Callable[..., None], errors: list[BaseException], *memory: Any) -> int:
        """Call ``work(first, last, *memory)`` for pieces until none is left, or any thread fails; give how many."""
        done = 0
        for first in self.starts:
            if errors:
                break
            work(first, min(first + self.step, self.count), *memory)
            done += 1
        return done


def share(
    work: Callable[..., None],
    count: int,
    pixels: int,
    multiple_of: int = 1,
    memory: Callable[[], tuple[Any, ...]] = tuple,
) -> None:
    """`share_pieces` of a range of ``count`` items; what the others are, `Pieces` says."""
    if is_little(count * pixels):
        if count > 0:
            work(0, count, *memory())
    else:
        share_pieces(Pieces(count, pixels, multiple_of), work, memory)


def share_pieces(pieces: Pieces, work: Callable[..., None], memory: Callable[[], tuple[Any, ...]] = tuple) -> None:
    """Call ``work(first, last, *memory())`` for all pieces, on as many threads as pay off; memory as in `together`.

    It does the items first..last - 1, and is called from several threads at once.
    """
    if pieces.number > 1:
        together(lambda errors, *mine: pieces.work_off(work, errors, *mine), pieces.threads, memory)
    elif pieces.count > 0:
        work(0, pieces.count, *memory())


def together(work: Callable[..., object], threads: int, memory: Callable[[], tuple[Any, ...]] = tuple) -> None:
    """Call ``work(errors, *memory())`` on so many threads at once, the caller's among them.

    ``errors`` is empty until a thread fails: then the others are to end soon, and the caller raises the first error.
    ``memory`` gives what a thread works in. If there is none left for the caller, nothing is done; another thread
    without leaves its share to the others.
    """
    of_caller = memory()  # before a thread writes anything

    def work_in(mine: tuple[Any, ...] | None = None) -> None:
        if mine is None:
            try:
                mine = memory()
            except MemoryError:
                return
        work(team.errors, *mine)

    team = _Team(work_in)
    begun = False
    while True:  # once; again only when interrupted, to wait for the others all the same
        try:
            if not begun:
                begun = True
                for _ in range(threads - 1):
                    if not _start(team.run):
                        break
                work_in(of_caller)
            team.wait()
            break
        except BaseException as error:
            team.errors.append(error)
    if team.errors:
        raise team.errors[0]


def _start(run: Callable[[], None]) -> bool:
    """Start a thread, if there is one to be had; those that run already do its share else."""
    try:
        _thread.start_new_thread(run, ())
    except (RuntimeError, MemoryError):
        return False
    return True


class _Team:
    """The threads at work beside the caller's, who must not leave before them: they write into the caller's answer."""

    # No lock guards the list: an interrupt of the caller could leave one locked. Whoever joins is in the list before
    # looking whether the caller has ended, and the caller looks at the list after having ended.

    def __init__(self, work: Callable[[], None]) -> None:
        self.work: Callable[[], None] | None = work
        self.errors: list[BaseException] = []  # for the caller to raise
        self.working: list[object] = []
        self.is_over = False
        self.wake_up = _thread.allocate_lock()
        self.wake_up.acquire()

    def run(self) -> None:
        """What a thread beside the caller's does."""
        member = object()
        if self.join(member):
            try:
                take_shelf()
                if self.work is not None:
                    self.work()
                hand_on_shelf()
            except BaseException as error:
                self.errors.append(error)
            self.leave(member)

    def join(self, member: object) -> bool:
        """Begin, unless the caller has ended."""
        self.working.append(member)
        if self.is_over:
            self.working.remove(member)
            return False
        return True

    def leave(self, member: object) -> None:
        """End, and wake the caller."""
        self.working.remove(member)
        with contextlib.suppress(RuntimeError):  # another thread has just done so
            self.wake_up.release()

    def wait(self) -> None:
        """Let nobody begin any more, and wait for all who did."""
        self.is_over = True
        while self.working:
            self.wake_up.acquire(timeout=0.1)  # an interrupt may have swallowed the wake-up call
        # A thread that is not quite gone must not be the last to know a tensor: torch lets go of the GIL to free one,
        # and a thread that wants it back while the interpreter ends takes the whole process down.
        self.work = None
