"""Processes and threads of all kinds, under each threading layer of Numba: nothing hangs, crashes or is left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import chdt

LAYERS = ["omp", "workqueue", "tbb"]
long = pytest.mark.long
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

BEGIN = """
import multiprocessing, os, signal, sys, threading, time
import numba, numpy as np, torch
from chdt import distance_transform, expected_size_loss, flip_sizes, object_size
from chdt.cpu import threads as parallel
from chdt import intersection_over_union, sample_masks, sampled_gradient
from launching import doubled, launch
from strategies import random_masks

parallel.thread_count = lambda: 4  # however few cores
parallel.PIXELS_PER_THREAD >>= 2  # and for smaller batches
FUNCTIONS = distance_transform, object_size, flip_sizes
BATCHES = [random_masks(shape, 0.97, seed) for seed, shape in
           enumerate([(400, 70, 75), (2000, 48, 32), (3, 300, 320), (900, 16, 16), (1, 70, 75)])]


def answers():
    return [function(masks) for masks in BATCHES for function in FUNCTIONS]


def expect(expected):
    for answer, known in zip(answers(), expected, strict=True):
        np.testing.assert_array_equal(answer, known)


def in_child(work):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def run(code, folder, timeout=300, **env):
    """What a process prints, its exit status, and whether any process of its session outlived it."""
    script = folder / "script.py"
    script.write_text(code)
    path = os.pathsep.join(map(str, [Path(chdt.__file__).parents[1], Path(__file__).parent]))
    with subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": path, **env},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            printed, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    for _ in range(100):  # helpers of multiprocessing end a moment after their parent
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return printed, process.returncode, False
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    return printed, process.returncode, True


def expect_run(code, folder, layer, status=0, **options):
    # PyPI's tbb lies where the dynamic linker does not look.
    found = {"LD_LIBRARY_PATH": str(Path(sys.prefix) / "lib")} if layer == "tbb" else {}
    printed, ended, left = run(BEGIN + code, folder, NUMBA_THREADING_LAYER=layer, **found, **options)
    if printed.startswith("skip"):
        pytest.skip(printed)
    assert ended == status, printed
    assert not left, "a process outlived its parent"


@pytest.mark.parametrize("layer", LAYERS)
def test_forks(tmp_path, layer):
    """Before and after the parent's first call, from a thread, and of a child; beside a parallel kernel of Numba."""
    expect_run(
        """
def child_first():
    expected = answers()
    expect(expected)

in_child(child_first)
launch()
expected = answers()
in_child(lambda: expect(expected))
in_child(lambda: in_child(lambda: expect(expected)))
thread = threading.Thread(target=in_child, args=(lambda: expect(expected),))
thread.start()
expect(expected)
thread.join()
expect(expected)
""",
        tmp_path,
        layer,
    )


@pytest.mark.parametrize(("layer", "forks"), [("omp", 10), *(pytest.param(layer, 300, marks=long) for layer in LAYERS)])
def test_forks_while_other_threads_call(tmp_path, layer, forks):
    """The child has none of these threads, and nothing of theirs that it could wait for."""
    expect_run(
        f"""
launch()
expected, is_over = answers(), threading.Event()


def call():
    while not is_over.is_set():
        expect(expected)


threads = [threading.Thread(target=call) for _ in range(4)]
for thread in threads:
    thread.start()
for _ in range({forks}):
    in_child(lambda: expect(expected))
is_over.set()
for thread in threads:
    thread.join()
expect(expected)
""",
        tmp_path,
        layer,
        timeout=1500,
    )


def test_torch_in_a_forked_child(tmp_path):
    """Its own threads are not in the child, where it waits for them unless it is told to use one thread.

    Masks do without torch's threads; losses, metrics and an `out` with strides do not.
    """
    expect_run(
        """
torch.set_num_threads(4)
logits = torch.randn(2000, 48, 32, generator=torch.Generator().manual_seed(0))
masks, sizes = torch.where(logits > 0, 1.0, -1.0), torch.full((2000,), 6.0)
leaf = logits.clone().requires_grad_()


def without_threads():
    return [function(batch) for batch in (masks, masks.transpose(1, 2)) for function in FUNCTIONS]


def with_threads():
    leaf.grad = None
    expected_size_loss(leaf, sizes, generator=torch.Generator().manual_seed(1)).backward()
    strided = torch.empty((2000, 32, 48), dtype=torch.int64).transpose(1, 2)
    return [
        leaf.grad,
        sample_masks(logits, generator=torch.Generator().manual_seed(1)),
        *sampled_gradient(masks, sizes),
        intersection_over_union(masks, -masks),
        distance_transform(masks, out=strided),
    ]


def arrays(tensors):
    return [tensor.numpy().copy() for tensor in tensors]


alone, together = arrays(without_threads()), arrays(with_threads())


def child():
    for answer, known in zip(without_threads(), alone, strict=True):
        np.testing.assert_array_equal(answer, known)
    torch.set_num_threads(1)
    for answer, known in zip(with_threads(), together, strict=True):
        np.testing.assert_array_equal(answer, known)


in_child(child)
child()
""",
        tmp_path,
        "omp",
    )


LOADER = """
class Masks(torch.utils.data.Dataset):
    def __len__(self):
        return len(BATCHES)

    def __getitem__(self, index):
        return [function(torch.from_numpy(BATCHES[index])) for function in FUNCTIONS]


def load(workers, method):
    options = {"multiprocessing_context": method, "persistent_workers": True, "timeout": 250} if workers else {}
    loader = torch.utils.data.DataLoader(Masks(), num_workers=workers, batch_size=None, **options)
    for _ in range(2):  # persistent workers go on
        loaded = [answer for answers in loader for answer in answers]
        for answer, known in zip(loaded, expected, strict=True):
            np.testing.assert_array_equal(answer, known)


def work(queue):
    queue.put([int(answer.sum()) for answer in answers()])


def in_process(method):
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    process = context.Process(target=work, args=(queue,))
    process.start()
    assert queue.get(timeout=250) == [int(answer.sum()) for answer in expected]
    process.join(250)
    assert process.exitcode == 0
"""


@pytest.mark.parametrize(
    ("layer", "methods"),
    [("omp", ["fork"]), *(pytest.param(layer, ["fork", "spawn", "forkserver"], marks=long) for layer in LAYERS)],
)
def test_workers(tmp_path, layer, methods):
    """Of multiprocessing and of data loaders: none, two, eight."""
    expect_run(
        LOADER
        + f"""
if __name__ == "__main__":
    launch()
    expected = answers()
    for method in {methods!r}:
        in_process(method)
        for workers in 0, 2, 8:
            load(workers, method)
    expect(expected)
""",
        tmp_path,
        layer,
        timeout=1500,
    )


@pytest.mark.parametrize("layer", ["omp", *(pytest.param(layer, marks=long) for layer in LAYERS[1:])])
@pytest.mark.parametrize("end", ["return", "sys.exit(0)", "os._exit(0)", "os.kill(os.getpid(), signal.SIGTERM)"])
def test_the_process_ends_while_calls_run(tmp_path, end, layer):
    code = f"""
launch()
running = threading.Event()

def forever():
    while True:
        object_size(BATCHES[0])
        running.set()
        flip_sizes(BATCHES[0])

for _ in range(3):
    threading.Thread(target=forever, daemon=True).start()
running.wait(250)

def finish():
    {end}

finish()
"""
    expect_run(code, tmp_path, layer, status=-signal.SIGTERM if "SIGTERM" in end else 0)


def test_the_process_ends_while_workers_call(tmp_path):
    expect_run(
        LOADER
        + """
if __name__ == "__main__":
    expected = answers()
    loader = torch.utils.data.DataLoader(Masks(), num_workers=2, batch_size=None, persistent_workers=True, timeout=250)
    next(iter(loader))
    sys.exit()
""",
        tmp_path,
        "omp",
    )


@pytest.mark.parametrize(
    ("layer", "calls"), [("omp", 200), *(pytest.param(layer, 10_000, marks=long) for layer in LAYERS)]
)
def test_many_threads(tmp_path, layer, calls):
    """Sixteen, with different functions and shapes, beside one that launches parallel kernels of Numba."""
    expect_run(
        f"""
launch()
logits = torch.randn(20, 48, 32, generator=torch.Generator().manual_seed(0))


def loss_of(logits):
    leaf = logits.clone().requires_grad_()
    generator = torch.Generator().manual_seed(1)
    expected_size_loss(leaf, torch.full((20,), 6.0), generator=generator).backward()
    return leaf.grad.numpy()


WORK = [(function, masks) for function in FUNCTIONS for masks in BATCHES] + [(loss_of, logits)]
expected = [function(masks) for function, masks in WORK]
found = torch.get_num_threads(), numba.get_num_threads()
done, errors, numbers = [], [], iter(range({calls}))


def call():
    try:
        for number in numbers:
            function, masks = WORK[number * 7 % len(WORK)]
            np.testing.assert_array_equal(function(masks), expected[number * 7 % len(WORK)])
            done.append(number)
    except BaseException as error:
        errors.append(error)


threads = [threading.Thread(target=call) for _ in range(16)]
for thread in threads:
    thread.start()
while any(thread.is_alive() for thread in threads):
    assert (doubled(np.arange(10_000)) == 2 * np.arange(10_000)).all()
    time.sleep(0.01)
assert not errors, errors
assert sorted(done) == list(range({calls}))
assert (torch.get_num_threads(), numba.get_num_threads()) == found
""",
        tmp_path,
        layer,
        timeout=3000,
    )


@pytest.mark.parametrize("layer", ["workqueue", *(pytest.param(layer, marks=long) for layer in ("omp", "tbb"))])
def test_calls_from_inside_a_parallel_kernel(tmp_path, layer):
    """By the thread that launched it, between its loops, and by all of its threads at once."""
    expect_run(
        """
launch()
expected, errors = answers(), []


def call():
    try:
        expect(expected)
    except BaseException as error:
        errors.append(error)
    return 1


@numba.njit(parallel=True)
def total(count):
    values = np.ones(1000)
    for i in numba.prange(values.size):
        values[i] += 1
    with numba.objmode(one="int64"):
        one = call()
    result = 0
    for i in numba.prange(count):
        with numba.objmode(here="int64"):
            here = call()
        result += here
    return result + one * values.sum()


numba.set_num_threads(4)
assert total(4) == 4 + 2000
assert not errors, errors
assert (doubled(np.arange(10_000)) == 2 * np.arange(10_000)).all()
assert numba.get_num_threads() == 4
expect(expected)
""",
        tmp_path,
        layer,
        NUMBA_NUM_THREADS="4",
    )


def test_calls_from_a_backward_thread(tmp_path):
    """Autograd goes on in threads of its own where a backward pass runs deep inside of others."""
    expect_run(
        """
logits, threads = torch.randn(20, 48, 32, generator=torch.Generator().manual_seed(0)), []


def loss_of():
    leaf = logits.clone().requires_grad_()
    expected_size_loss(leaf, torch.full((20,), 6.0), generator=torch.Generator().manual_seed(1)).backward()
    return leaf.grad


class Deep(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, depth):
        ctx.depth = depth
        return x.clone()

    @staticmethod
    def backward(ctx, upstream):
        with torch.enable_grad():
            if ctx.depth > 0:
                Deep.apply(torch.zeros(3, requires_grad=True), ctx.depth - 1).sum().backward()
            else:
                threads.append(threading.get_ident())
                expect(expected)
                assert torch.equal(loss_of(), gradient)
        return upstream, None


expected, gradient = answers(), loss_of()
for depth in 0, 100:
    Deep.apply(torch.zeros(3, requires_grad=True), depth).sum().backward()
assert threads[0] == threading.get_ident() != threads[1]
time.sleep(1)  # torch ends the process by an abort, with or without chdt, while a thread of its own winds up
""",
        tmp_path,
        "omp",
    )


def test_ctrl_c_while_a_large_batch_is_done(tmp_path):
    """The call ends long before all of the batch is done, and what is called next is right."""
    expect_run(
        """
signal.signal(signal.SIGINT, signal.default_int_handler)
expected = answers()
large = np.tile(BATCHES[0], (100, 1, 1))
out = np.empty(large.shape, np.int32)
for function in distance_transform, flip_sizes:
    out[...] = 7_000_000

    def interrupt_once_it_has_begun():
        while out[0, 0, 0] == 7_000_000:
            time.sleep(0.0005)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=interrupt_once_it_has_begun)
    thread.start()
    try:
        function(large, out=out)
    except KeyboardInterrupt:
        assert (out[-1] == 7_000_000).all()
    else:
        raise AssertionError("not interrupted")
    thread.join()
    expect(expected)
""",
        tmp_path,
        "omp",
    )


def test_ctrl_c_while_a_batch_without_out_is_done(tmp_path):
    """The signal comes with the second piece, and no other is begun."""
    expect_run(
        """
import chdt.cpu.derivative, chdt.cpu.draws, chdt.cpu.sizes

parallel.thread_count = lambda: 1
signal.signal(signal.SIGINT, signal.default_int_handler)
logits = torch.randn(4000, 48, 32).requires_grad_()
masks, sizes = torch.where(logits.detach() > 0, 1.0, -1.0), torch.full((4000,), 6.0)
share, expected = parallel.share, answers()


def interrupted(work, count, *others):
    done = []

    def counted(first, last, *memory):
        if len(done) == 1:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        work(first, last, *memory)
        done.append(last - first)

    try:
        share(counted, count, *others)
    finally:
        finished.append(sum(done) / count)


for module, call in [
    (chdt.cpu.sizes, lambda: object_size(masks.repeat(10, 1, 1))),
    (chdt.cpu.derivative, lambda: expected_size_loss(logits, sizes, n_samples=20)),
    (chdt.cpu.derivative, lambda: sampled_gradient(masks.repeat(4, 1, 1), sizes.repeat(4))),
    (chdt.cpu.draws, lambda: sample_masks(logits.detach().repeat(10, 1, 1))),
]:
    finished = []
    module.share = interrupted
    try:
        call()
    except KeyboardInterrupt:
        assert len(finished) == 1 and 0 < finished[0] < 0.5, finished
    else:
        raise AssertionError(f"not interrupted: {finished}")
    finally:
        module.share = share
    assert torch.isfinite(expected_size_loss(logits, sizes))
    expect(expected)
""",
        tmp_path,
        "omp",
    )
