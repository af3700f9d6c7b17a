"""One batch over several threads: every piece once, errors and interrupts, forks, and other people's threads."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading

import numba
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import random_masks

from chdt import distance_transform, flip_sizes, object_size
from chdt.cpu import memory
from chdt.cpu import threads as parallel
from chdt.cpu.route import CUT_MIN_PIXELS
from chdt.cpu.threads import PIXELS_PER_THREAD, share

MUCH = 64 * PIXELS_PER_THREAD  # pixels, enough for any number of threads


@pytest.fixture
def threads(monkeypatch):
    """Set how many threads there are to use, however few cores."""

    def use(count):
        monkeypatch.setattr(parallel, "thread_count", lambda: count)

    return use


class Pieces:
    """Work that remembers what it was asked to do, and by whom."""

    def __init__(self):
        self.pieces, self.callers, self.lock = [], set(), threading.Lock()

    def __call__(self, first, last):
        with self.lock:
            self.pieces.append((first, last))
            self.callers.add(threading.get_ident())


class Meeting:
    """Nobody goes on from his first call before this many threads have come."""

    def __init__(self, threads):
        self.barrier, self.came = threading.Barrier(threads), set()

    def __call__(self):
        if threading.get_ident() not in self.came:
            self.came.add(threading.get_ident())
            self.barrier.wait(timeout=60)


def expect_once(pieces, count, together):
    """The pieces cover the range, each item once, and begin at multiples."""
    pieces = sorted(pieces)
    assert [first for first, _ in pieces] == [0, *(last for _, last in pieces[:-1])][: len(pieces)]
    assert all(first < last for first, last in pieces)
    assert all(first % together == 0 for first, _ in pieces)
    assert (pieces[-1][1] if pieces else 0) == count


# ------------------------------------------------------------------------------------------------ pieces


@pytest.mark.parametrize("count", [0, 1, 2, 7, 64, 1000, 100_003])
@pytest.mark.parametrize("pixels", [1, 64, 4096, 1 << 20, 1 << 26])
@pytest.mark.parametrize("together", [1, 3, 64])
@pytest.mark.parametrize("thread_count", [1, 2, 5])
def test_every_item_once(threads, count, pixels, together, thread_count):
    if count * pixels > 1 << 36:
        pixels = 1 << 16  # a million pieces take a while
    threads(thread_count)
    work = Pieces()
    share(work, count, pixels, together)
    expect_once(work.pieces, count, together)


@given(
    count=st.integers(0, 5000),
    pixels=st.integers(1, 1 << 22),
    together=st.integers(1, 100),
    thread_count=st.integers(1, 8),
)
def test_any_items_once(count, pixels, together, thread_count):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel, "thread_count", lambda: thread_count)
        work = Pieces()
        share(work, count, pixels, together)
    expect_once(work.pieces, count, together)
    assert len(work.callers) <= thread_count


@pytest.mark.parametrize("thread_count", [2, 3, 7])
def test_as_many_threads_as_there_are(threads, thread_count):
    threads(thread_count)
    meeting = Meeting(thread_count)
    share(lambda first, last: meeting(), 1000, MUCH // 1000)
    assert len(meeting.came) == thread_count
    assert threading.get_ident() in meeting.came


def test_little_work_starts_no_thread(threads, monkeypatch):
    threads(8)
    monkeypatch.setattr(parallel._thread, "start_new_thread", refuse_to_start)
    work = Pieces()
    share(work, 100, PIXELS_PER_THREAD // 100)
    assert work.callers == {threading.get_ident()}


def refuse_to_start(*_):
    raise AssertionError("a thread was started")


def test_one_item_starts_no_thread(threads, monkeypatch):
    threads(8)
    monkeypatch.setattr(parallel._thread, "start_new_thread", refuse_to_start)
    work = Pieces()
    share(work, 1, MUCH)
    assert work.pieces == [(0, 1)]


def test_one_thread_is_none_started(monkeypatch):
    before = torch.get_num_threads()
    monkeypatch.setattr(parallel._thread, "start_new_thread", refuse_to_start)
    masks = np.ones((300, 100, 100), bool)
    try:
        torch.set_num_threads(1)
        for function in distance_transform, object_size, flip_sizes:
            function(masks)
        work = Pieces()
        share(work, 1000, MUCH // 1000)
        assert work.callers == {threading.get_ident()}
    finally:
        torch.set_num_threads(before)


def test_without_more_threads_the_caller_does_it_all(threads, monkeypatch):
    def start_new_thread(*_):
        raise RuntimeError("can't start new thread")

    threads(4)
    monkeypatch.setattr(parallel._thread, "start_new_thread", start_new_thread)
    work = Pieces()
    share(work, 1000, MUCH // 1000)
    expect_once(work.pieces, 1000, 1)
    assert work.callers == {threading.get_ident()}


def test_the_same_answer_on_any_number_of_threads(threads):
    masks = random_masks((1000, 61, 67), 0.97)
    answers = []
    for thread_count in 1, 2, 5:
        threads(thread_count)
        answers.append([function(masks) for function in (distance_transform, object_size, flip_sizes)])
    for others in answers[1:]:
        for one, other in zip(answers[0], others, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("spacing", [None, (3, 1, 1)])
def test_the_same_volume_on_any_number_of_threads(threads, spacing):
    volume = random_masks((130, 127, 129), 0.9999, spatial_dims=3)
    volume[20:110, 5:90, 30:100] = True
    volume[60:63, 40, 64] = False
    assert volume.size >= CUT_MIN_PIXELS
    answers = []
    for thread_count in 1, 2, 3, 5:
        threads(thread_count)
        functions = (distance_transform, object_size, flip_sizes)
        answers.append([function(volume, spatial_dims=3, spacing=spacing) for function in functions])
    assert (answers[0][2] > answers[0][1]).any()
    for others in answers[1:]:
        for one, other in zip(answers[0], others, strict=True):
            np.testing.assert_array_equal(one, other)


def test_memory_is_handed_on_to_the_threads_of_the_next_call(threads, monkeypatch):
    threads(3)
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 3)
    memory._spare.clear()

    def make(_):
        return np.zeros(8)

    def memories():
        meeting, used = Meeting(3), {}

        def work(first, last, memory):
            meeting()
            used.setdefault(threading.get_ident(), memory)

        share(work, 1000, MUCH // 1000, memory=lambda: (memory.reused(make, "handed on"),))
        assert len({id(memory) for memory in used.values()}) == 3  # nobody shares
        return list(used.values())  # kept alive, so that no address is used twice

    first, second = memories(), memories()
    assert {id(memory) for memory in first} == {id(memory) for memory in second}


def test_no_more_memory_is_kept_than_threads_can_be(threads, monkeypatch):
    threads(3)
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 1)
    memory._spare.clear()
    meeting = Meeting(3)
    share(lambda first, last: meeting(), 1000, MUCH // 1000)
    assert len(memory._spare) == 1  # of two


# ------------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize("by_caller", [True, False])
def test_an_error_reaches_the_caller_once_all_have_ended(threads, by_caller):
    threads(4)
    begun, ended, caller, meeting = [], [], threading.get_ident(), Meeting(4)

    def work(first, last):
        begun.append(first)
        try:
            meeting()
            if (threading.get_ident() == caller) == by_caller:
                raise ValueError(f"piece {first}")
        finally:
            ended.append(first)

    with pytest.raises(ValueError, match="piece"):
        share(work, 100_000, MUCH // 100_000)
    assert sorted(begun) == sorted(ended)
    now = len(begun)
    share(Pieces(), 100_000, MUCH // 100_000)
    assert len(begun) == now  # nobody works on
    assert now < 100_000


def test_after_an_error_no_piece_is_begun(threads):
    threads(1)
    begun = []

    def work(first, last):
        begun.append(first)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        share(work, 1000, MUCH // 1000)
    assert begun == [0]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
@pytest.mark.parametrize("by_caller", [True, False])
def test_any_exception_reaches_the_caller(threads, error, by_caller):
    threads(2)
    caller, meeting = threading.get_ident(), Meeting(2)

    def work(first, last):
        meeting()
        if (threading.get_ident() == caller) == by_caller:
            raise error

    with pytest.raises(error):
        share(work, 1000, MUCH // 1000)
    again = Pieces()
    share(again, 1000, MUCH // 1000)
    expect_once(again.pieces, 1000, 1)


class LockThatLetsGo:
    """A lock whose second acquisition, the one that waits, first lets go of those who are held up."""

    def __init__(self, let_go):
        self.lock, self.let_go, self.taken = threading.Lock(), let_go, False
        self.release = self.lock.release

    def acquire(self, timeout=-1):
        if self.taken:
            self.let_go.set()
        self.taken = True
        return self.lock.acquire(timeout=timeout)


def interrupted_share(line):
    """Raise KeyboardInterrupt at the nth line that the caller executes in `share`, with two more threads at work.

    Give whether there were as many lines, and the pieces that were done after `share` had given control back.
    """
    caller, let_go, begun, done, threads, lines = threading.get_ident(), threading.Event(), {}, [], [], 0
    start_new_thread, before = parallel._thread.start_new_thread, sys.gettrace()

    def start_and_wait_until_at_work(function, arguments):
        at_work, ended = threading.Event(), threading.Event()

        def run():
            begun[threading.get_ident()] = at_work
            function(*arguments)
            at_work.set()
            ended.set()

        threads.append(ended)
        number = start_new_thread(run, ())
        at_work.wait(timeout=60)
        return number

    def work(first, last):
        if threading.get_ident() != caller:
            begun[threading.get_ident()].set()
            let_go.wait(timeout=60)
        done.append(first)

    def interrupt(frame, event, argument):
        nonlocal lines
        if frame.f_code.co_filename != parallel.__file__:
            return None
        lines += event == "line"
        if event == "line" and lines == line:
            raise KeyboardInterrupt
        return interrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel, "thread_count", lambda: 3)
        patch.setattr(parallel._thread, "start_new_thread", start_and_wait_until_at_work)
        patch.setattr(parallel._thread, "allocate_lock", lambda: LockThatLetsGo(let_go))
        with contextlib.suppress(KeyboardInterrupt):
            try:
                sys.settrace(interrupt)
                share(work, 12, PIXELS_PER_THREAD)
            finally:
                sys.settrace(before)
        done_then = list(done)
    let_go.set()
    for ended in threads:
        assert ended.wait(timeout=60)
    return lines >= line, done[len(done_then) :]


def test_an_interrupt_at_any_line_leaves_no_thread_at_work():
    # A thread must not write into an answer that was given back.
    late, line = {}, 0
    while True:
        line += 1
        was_interrupted, done_late = interrupted_share(line)
        if done_late:
            late[line] = done_late
        if not was_interrupted:
            break
    assert line > 30
    assert not late
    work = Pieces()
    share(work, 1000, MUCH // 1000)
    expect_once(work.pieces, 1000, 1)


# ------------------------------------------------------------------------------------------------ a process of its own

BEGIN = """
import os, signal, sys, threading
import numpy as np
import torch
from chdt import distance_transform, flip_sizes, object_size
from chdt.cpu import threads as parallel
from chdt.cpu.route import CUT_MIN_PIXELS
from strategies import random_masks

parallel.thread_count = lambda: 4  # however few cores
parallel.PIXELS_PER_THREAD >>= 2  # and for smaller batches
FUNCTIONS = distance_transform, object_size, flip_sizes

def answers(masks):
    return [function(masks) for function in FUNCTIONS]

def expect(masks, expected):
    for answer, known in zip(answers(masks), expected, strict=True):
        np.testing.assert_array_equal(answer, known)

masks = random_masks((400, 70, 75), 0.97)
if __name__ == "__main__":  # but not in each worker that is spawned
    expected = answers(masks)
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals to threads")
def test_ctrl_c(python):
    # The signal may come while the caller works or while it waits: it answers once all threads have ended.
    python(
        BEGIN
        + """
signal.signal(signal.SIGINT, signal.default_int_handler)  # who is started in the background may have it ignored
main = threading.main_thread()
for by_caller in True, False:
    begun, ended, came = [], [], set()
    meeting, sent = threading.Barrier(4), threading.Lock()

    def work(first, last):
        me = threading.current_thread()
        if me is not main:
            begun.append(first)
        if me.ident not in came:
            came.add(me.ident)
            meeting.wait(timeout=60)
        if (me is main) == by_caller and sent.acquire(blocking=False):
            signal.pthread_kill(main.ident, signal.SIGINT)
        if me is not main:
            ended.append(first)

    try:
        parallel.share(work, 100_000, 1 << 20)
    except KeyboardInterrupt:
        assert sorted(begun) == sorted(ended)
    else:
        raise AssertionError("not interrupted")
    expect(masks, expected)
"""
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child(python):
    python(
        BEGIN
        + """
import numba

@numba.njit(parallel=True)
def total(values):
    result = 0
    for i in numba.prange(values.size):
        result += values[i]
    return result

total(np.arange(1000))  # somebody else's threads
torch.ones(1000, 1000) @ torch.ones(1000, 1000)
expect(masks, expected)
child = os.fork()
if child == 0:
    code = 1
    try:
        expect(masks, expected)
        code = 0
    finally:
        os._exit(code)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
expect(masks, expected)
"""
    )


DATASET = """
class Masks(torch.utils.data.Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        some = torch.from_numpy(masks[index * 60 : (index + 1) * 60])
        return [function(some) for function in FUNCTIONS]
"""


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_workers_of_a_data_loader_and_of_a_pool(python, method):
    python(
        BEGIN
        + DATASET
        + f"""
import multiprocessing

if __name__ == "__main__":
    loader = torch.utils.data.DataLoader(Masks(), num_workers=2, multiprocessing_context={method!r}, timeout=200)
    count = 0
    for index, loaded in enumerate(loader):
        for answer, known in zip(loaded, expected, strict=True):
            np.testing.assert_array_equal(answer[0], known[index * 60 : (index + 1) * 60])
            count += 1
    assert count == 18
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        for part in pool.map_async(answers, [masks[:200], masks[200:]], chunksize=1).get(timeout=200):
            for answer, known in zip(part, expected, strict=True):
                assert answer.shape[0] == 200
        np.testing.assert_array_equal(part[0], expected[0][200:])
"""
    )


@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_many_threads_beside_parallel_kernels_of_numba(python, layer):
    python(
        BEGIN
        + """
from launching import doubled, launch

launch()

errors, meeting = [], threading.Barrier(9)

def call():
    try:
        meeting.wait(timeout=60)
        for _ in range(5):
            expect(masks, expected)
    except BaseException as error:
        errors.append(error)

threads = [threading.Thread(target=call) for _ in range(8)]
for thread in threads:
    thread.start()
meeting.wait(timeout=60)
for _ in range(50):  # one thread launches parallel kernels meanwhile: workqueue allows no more
    assert (doubled(np.arange(10_000)) == 2 * np.arange(10_000)).all()
for thread in threads:
    thread.join()
assert not errors, errors
""",
        NUMBA_THREADING_LAYER=layer,
    )


def test_thread_counts_are_left_as_found_and_heeded(python):
    python(
        """
import numpy as np, numba, torch
from chdt import distance_transform, flip_sizes, object_size
from chdt.cpu.threads import thread_count

masks = np.ones((400, 70, 75), bool)
masks[:, 3, 4] = False

def call():
    for function in distance_transform, object_size, flip_sizes:
        function(masks)

def layer():
    try:
        return numba.threading_layer()
    except ValueError:
        return None

torch.ones(1000, 1000) @ torch.ones(1000, 1000)
for threads in 3, 1, 2:
    torch.set_num_threads(threads)
    call()
    assert torch.get_num_threads() == threads
    assert thread_count() == threads, thread_count()
assert layer() is None, "Numba's own threads were started"

@numba.njit(parallel=True)
def total(values):
    result = 0
    for i in numba.prange(values.size):
        result += values[i]
    return result

total(np.arange(1000))
assert layer() is not None
torch.set_num_threads(4)
for threads in 4, 2, 1:
    numba.set_num_threads(threads)
    call()
    assert numba.get_num_threads() == threads
    assert torch.get_num_threads() == 4
    assert thread_count() == threads
""",
        NUMBA_NUM_THREADS=4,
    )


def test_a_limit_on_numbas_threads_before_any_launch(python):
    assert python("from chdt.cpu.threads import thread_count; print(thread_count())", NUMBA_NUM_THREADS=1) == "1"
