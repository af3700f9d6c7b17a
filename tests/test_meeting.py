"""What threads that meet in a kernel do at once, and how they wait for each other."""

import threading

import numpy as np
import pytest

from chdt.cpu.kernels.jit import kernel
from chdt.cpu.kernels.meeting import (
    ITEMS_BEGUN,
    ITEMS_DONE,
    STAGE,
    add_at_once,
    begin,
    finish,
    is_done,
    raise_at_once,
    read_anew,
)

pytestmark = pytest.mark.kernels

THREADS = 4


@kernel
def take_numbers(numbers, index, taken):
    for k in range(taken.size):
        taken[k] = add_at_once(numbers, index, 1)


@kernel
def raise_to(numbers, index, values, before):
    for k in range(values.size):
        before[k] = raise_at_once(numbers, index, values[k])


@kernel
def read(numbers, index):
    return read_anew(numbers, index)


@kernel
def do_items(progress, stage, count, items, times):
    first = begin(progress, stage, items)
    while first < count:
        last = min(first + items, count)
        for item in range(first, last):
            times[item] += 1
        finish(progress, stage, last - first)
        first = begin(progress, stage, items)
    return is_done(progress, stage, count)


@kernel
def wait(progress, stage, items):
    return is_done(progress, stage, items)


@kernel
def finish_items(progress, stage, items):
    finish(progress, stage, items)


def side_by_side(work):
    """Call work(0), work(1), ... on a thread each."""
    threads = [threading.Thread(target=work, args=(k,)) for k in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)


def test_each_number_is_taken_once():
    numbers, taken = np.zeros(20, np.int64), np.full((THREADS, 20_000), -1)
    take_numbers(numbers, 0, taken[0, :0])  # compiled
    side_by_side(lambda k: take_numbers(numbers, 7, taken[k]))
    np.testing.assert_array_equal(np.sort(taken, axis=None), np.arange(taken.size))
    assert (np.diff(taken) > 0).all()
    assert numbers[7] == taken.size
    assert not np.delete(numbers, 7).any()


def test_the_largest_number_stays():
    numbers, before = np.zeros(20, np.int64), np.empty((THREADS, 20_000), np.int64)
    values = np.random.default_rng(0).permutation(before.size).reshape(before.shape) - 1000
    raise_to(numbers, 0, values[0, :0], before[0, :0])
    side_by_side(lambda k: raise_to(numbers, 3, values[k], before[k]))
    assert numbers[3] == values.max() == read(numbers, 3)
    assert (np.diff(before) >= 0).all()
    assert (before[:, 1:] >= np.maximum.accumulate(values, axis=1)[:, :-1]).all()


@pytest.mark.parametrize("stage", [0, 2])
@pytest.mark.parametrize("items", [1, 3, 1000])
def test_every_item_is_done_once(stage, items):
    count, progress = 1000, np.zeros(3 * STAGE, np.int64)
    times, done = np.zeros(count, np.int64), []
    do_items(progress.copy(), stage, 0, items, times)
    side_by_side(lambda k: done.append(do_items(progress, stage, count, items, times)))
    assert (times == 1).all()
    assert done == [True] * THREADS
    assert progress[stage * STAGE + ITEMS_DONE] == count
    assert progress[stage * STAGE + ITEMS_BEGUN] >= count


def test_waiting_ends():
    progress = np.zeros(2 * STAGE, np.int64)
    assert wait(progress, 1, 0)
    assert not wait(progress, 1, 3)  # after some time, as nobody is at work
    finish_items(progress, 1, 2)
    assert not wait(progress, 1, 3)
    seen = []

    def work(k):
        if k == 0:
            finish_items(progress, 1, 1)
        else:
            while not wait(progress, 1, 3):
                pass
            seen.append(k)

    side_by_side(work)
    assert len(seen) == THREADS - 1
    assert not progress[:STAGE].any()
