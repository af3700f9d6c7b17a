"""The vector operations: what is compiled does what the Python bodies say."""

import numba
import numpy as np
import pytest

from chdt.cpu.kernels import lanes
from chdt.cpu.kernels.jit import kernel
from chdt.cpu.kernels.writing import any_numbers

pytestmark = pytest.mark.kernels

RNG = np.random.default_rng(0)
DTYPES = [np.uint8, np.uint16, np.uint32]
VECTOR_WORDS = np.array([0, 1, 2**63, 2**64 - 1, 0x0123456789ABCDEF], np.uint64)


def numbers(dtype, count=200):
    return RNG.integers(0, np.iinfo(dtype).max, count, dtype=dtype, endpoint=True)


def python_body(name):
    """The Python body of an operation, which the decorator puts aside: from a copy of the module without the JIT."""
    return getattr(PLAIN, name)


@pytest.fixture(scope="module", autouse=True)
def _plain():
    import importlib.util

    disabled, numba.config.DISABLE_JIT = numba.config.DISABLE_JIT, True
    try:
        spec = importlib.util.spec_from_file_location("chdt_plain_lanes", lanes.__file__)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        numba.config.DISABLE_JIT = disabled
    global PLAIN
    PLAIN = module


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["minimum", "maximum"])
def test_choice(name, dtype):
    operation = getattr(lanes, name)

    @kernel
    def run(a, b, answer):
        lanes_of_a, lanes_of_b = lanes.load_pixels(a, 3), lanes.load_pixels(b, 70)
        lanes.store(answer, 1, operation(lanes_of_a, lanes_of_b))

    a, b, answer = numbers(dtype), numbers(dtype), np.zeros(66, dtype)
    run(a, b, answer)
    assert (answer[1:65] == python_body(name)(a[3:67], b[70:134])).all()
    assert answer[0] == answer[65] == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", [np.uint8, np.uint16, np.uint32, np.uint64])
def test_stores_widen_and_narrow(dtype, target):
    @kernel
    def run(a, answer):
        lanes.store(answer, 2, lanes.load_pixels(a, 0))

    a, answer = numbers(dtype), np.zeros(68, target)
    run(a, answer)
    assert (answer[2:66] == a[:64].astype(target)).all()
    assert not answer[[0, 1, 66, 67]].any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_for_all_lanes(dtype):
    like = dtype(0)

    @kernel
    def run(word, a, answers):
        d = lanes.load_pixels(a, 0)
        lanes.store(answers, 0, lanes.spread(word, like, like + 5))
        lanes.store(answers, 64, lanes.choose(word, d, d + 1))
        lanes.store(answers, 128, lanes.fill(7, like))
        lanes.store(answers, 192, lanes.rising(3, like))
        lanes.store(answers, 256, lanes.falling(3, like))
        lanes.store(answers, 320, lanes.rotate(d, 1))
        lanes.store(answers, 384, lanes.rotate(d, -32))
        lanes.store(answers, 448, lanes.where_less(d, lanes.fill(7, like), d + 1, d))

    a = numbers(dtype)
    for word in VECTOR_WORDS:
        answers = np.zeros(512, dtype)
        run(word, a, answers)
        d = a[:64]
        expected = [
            PLAIN.spread(word, like, dtype(5)),
            PLAIN.choose(word, d, d + dtype(1)),
            PLAIN.fill(7, like),
            PLAIN.rising(3, like),
            PLAIN.falling(3, like),
            PLAIN.rotate(d, 1),
            PLAIN.rotate(d, -32),
            PLAIN.where_less(d, PLAIN.fill(7, like), d + dtype(1), d),
        ]
        assert (answers.reshape(8, 64) == np.array(expected, dtype)).all()


@pytest.mark.parametrize("dtype", [*DTYPES, np.uint64])
def test_comparisons(dtype):
    equal = lanes.equal_bits

    @kernel
    def run(a, at, value):
        return equal(a, at, value)

    a = RNG.integers(0, 3, 200).astype(dtype)
    for at in (0, 1, 77):
        assert run(a, at, dtype(1)) == PLAIN.equal_bits(a, at, dtype(1))


def test_words():
    counting, less, any_set = lanes.counting, lanes.less_bits, lanes.any_set
    count_bits, lowest_bit, leading_zeros = lanes.count_bits, lanes.lowest_bit, lanes.leading_zeros

    @kernel
    def run(words, answer):
        v = lanes.load_words(words, 0)
        lanes.store(answer, 0, (v >> np.uint64(3)) * np.uint64(5) ^ (v << np.uint64(1)) & ~v | v + v - np.uint64(1))
        lanes.store(answer, 8, counting(words[1]))
        return less(v, lanes.load_words(words, 8)), any_set(v), any_set(v & ~v)

    @kernel
    def of_one(word):
        return count_bits(word), lowest_bit(word), leading_zeros(word)

    words, answer = numbers(np.uint64, 16), np.zeros(16, np.uint64)
    v = words[:8]
    assert run(words, answer) == (PLAIN.less_bits(v, words[8:]), True, False)
    three, five, one = np.uint64(3), np.uint64(5), np.uint64(1)
    assert (answer[:8] == ((v >> three) * five ^ (v << one) & ~v | v + v - one)).all()
    assert (answer[8:] == PLAIN.counting(words[1])).all()
    for word in VECTOR_WORDS:
        assert of_one(word) == (PLAIN.count_bits(word), PLAIN.lowest_bit(word), PLAIN.leading_zeros(word))


def test_words_from_several_places():
    gather_words, eight, joined = lanes.gather_words, lanes.eight, lanes.joined
    lanes_before, lanes_behind = lanes.lanes_before, lanes.lanes_behind

    @kernel
    def run(words, places, answer):
        first, second = lanes.load_words(words, 0), lanes.load_words(words, 8)
        lanes.store(answer, 0, gather_words(words, lanes.load_words(places, 0)))
        lanes.store(answer, 8, eight(words[3]))
        lanes.store(answer, 16, lanes_before(first, second))
        lanes.store(answer, 24, lanes_behind(first, second))
        return joined(first & second)

    words, answer = numbers(np.uint64, 16), np.zeros(32, np.uint64)
    places = np.array([3, 0, 15, 7, 7, 8, 1, 12], np.uint64)
    assert run(words, places, answer) == PLAIN.joined(words[:8] & words[8:])
    expected = [
        PLAIN.gather_words(words, places),
        PLAIN.eight(words[3]),
        PLAIN.lanes_before(words[:8], words[8:]),
        PLAIN.lanes_behind(words[:8], words[8:]),
    ]
    assert (answer.reshape(4, 8) == np.array(expected)).all()
    assert (answer[:8] == words[places]).all()
    assert (answer[16:24] == words[7:15]).all()
    assert (answer[24:] == words[1:9]).all()


@pytest.mark.parametrize("target", [np.uint8, np.uint16, np.uint32, np.uint64])
@pytest.mark.parametrize("written", ["store_any", "stream_any"])
def test_numbers_of_any_width(target, written):
    write, store_any, settle, address_of = getattr(lanes, written), lanes.store_any, lanes.settle, lanes.address_of

    @kernel
    def run(a, answer, at):
        write(answer, at, lanes.load_pixels(a, 1))
        store_any(answer, 3, a[0])
        settle()
        return address_of(answer)

    a, answer = numbers(np.uint8), lanes.aligned(256, 9, target)
    assert run(a, any_numbers(answer), 64) == PLAIN.address_of(answer) == answer.ctypes.data
    expected = np.full(256, 9, target)
    getattr(PLAIN, written)(any_numbers(expected), 64, a[1:65])
    PLAIN.store_any(any_numbers(expected), 3, a[0])
    assert (expected[64:128] == a[1:65]).all()
    assert (answer == expected).all()


@pytest.mark.parametrize("dtype", [*DTYPES, np.uint64])
def test_transpose_square(dtype):
    transpose_square = lanes.transpose_square

    @kernel
    def run(source, target):
        transpose_square(source, 5, 11, target, 3, 9)

    source, target = numbers(dtype), np.full(80, 7, dtype)
    expected = target.copy()
    np.lib.stride_tricks.as_strided(expected[3:], (8, 8), (9 * target.itemsize, target.itemsize))[...] = (
        np.lib.stride_tricks.as_strided(source[5:], (8, 8), (target.itemsize, 11 * target.itemsize))
    )
    run(source, target)
    assert (target == expected).all()
    by_python = np.full(80, 7, dtype)
    PLAIN.transpose_square(source, 5, 11, by_python, 3, 9)
    assert (by_python == expected).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_chances(dtype):
    drawn_bits, nan_bits = lanes.drawn_bits, lanes.nan_bits

    @kernel
    def run(chances, numbers, answer):
        for k in range(len(answer)):
            answer[k] = drawn_bits(lanes.load_words(numbers, 8 * k), chances, 8 * k)
        return nan_bits(chances, 0)

    # Each chance with the numbers next to it, and with others, so that a unit more or less shows.
    chances = np.concatenate([RNG.random(40), 1 - RNG.random(8) * 1e-15, RNG.random(8) * 1e-15, [0, 1]])
    chances = np.repeat(chances.astype(dtype), 5)
    scaled = [int(float(chance) * 2**53) for chance in chances]
    most = 2**53 - 1
    near = [min(max(x + k % 5 - 2, 0), most) if k % 5 < 4 else int(RNG.integers(most)) for k, x in enumerate(scaled)]
    chances, near, scaled = (x[: len(x) // 8 * 8] for x in (chances, near, scaled))
    answer = np.zeros(len(near) // 8, np.uint64)
    assert run(chances, np.array(near, np.uint64), answer) == PLAIN.nan_bits(chances, 0) == 0
    expected = [n < x for n, x in zip(near, scaled, strict=True)]
    assert 0.2 < np.mean(expected) < 0.8
    assert np.unpackbits(answer.astype(np.uint8), bitorder="little").tolist() == expected
    for k in range(len(answer)):
        assert PLAIN.drawn_bits(np.array(near[8 * k : 8 * k + 8], np.uint64), chances, 8 * k) == answer[k]
    chances[[5, 63]] = np.nan
    expected[5] = expected[63] = False
    assert run(chances, np.array(near, np.uint64), answer) == PLAIN.nan_bits(chances, 0) == 1 << 5 | 1 << 63
    assert np.unpackbits(answer.astype(np.uint8), bitorder="little").tolist() == expected


@pytest.mark.parametrize("dtype", [*DTYPES, np.uint64])
def test_aligned(dtype):
    memory = lanes.aligned(100, 3, dtype)
    assert memory.ctypes.data % 64 == 0
    assert memory.shape == (100,)
    assert (memory == 3).all()
