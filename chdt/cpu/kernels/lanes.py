"""Many numbers in one register: the vector type that the kernels are written in.

``Lanes(uint8, 64)`` is 64 pixels side by side, ``Lanes(uint64, 8)`` is 8 words of a bit plane. The operators
``& | ~ + - << >>`` work lane by lane, between lanes or with a number for all of them. LLVM turns each into the widest
instructions that the processor has, so the kernels need no luck with automatic vectorisation, and no remainder loops.

Each function below has two bodies. The Python one says what it does, on plain NumPy arrays; it is what runs when
Numba's JIT is disabled. The other one emits it.
"""

import functools
import operator
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, register_model

from chdt.cpu.kernels.jit import helper

Vector = Any  # Lanes in a kernel, an array without the JIT
Word = Any  # 64 bits: a numpy.uint64, which no operator with a Python int may turn into something else
Number = Any  # of any unsigned dtype
Numbers = npt.NDArray[Any]

BLOCK = 64  # lanes of a vector of pixels: as many as a word has bits
VECTOR_WORDS = 8  # lanes of a vector of words
WIDEST = 64  # bytes: the widest register there is, and a cache line


class Lanes(types.Type):
    """Numba's type of a vector: ``count`` numbers of ``dtype``."""

    def __init__(self, dtype: types.Integer, count: int) -> None:
        self.dtype, self.count = dtype, count
        super().__init__(name=f"Lanes({dtype}, {count})")


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
    """A vector is an LLVM vector."""

    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, ir.VectorType(ir.IntType(lanes.dtype.bitwidth), lanes.count))


def emitted(emitter: Callable[..., Any]) -> Callable[[Callable[..., Any]], Any]:
    """Give a Python function the body that ``emitter`` emits; without the JIT it keeps its own."""

    def decorate(function: Callable[..., Any]) -> Any:
        return function if numba.config.DISABLE_JIT else intrinsic(prefer_literal=True)(emitter)

    return decorate


# ------------------------------------------------------------------------------------------------ pieces of IR

INT32 = ir.IntType(32)


def _indices(numbers: list[int]) -> ir.Constant:
    return ir.Constant(ir.VectorType(INT32, len(numbers)), numbers)


def _resized(builder: Any, value: Any, bits: int) -> Any:
    """The integer, or the vector of integers, with this many bits each."""
    vector = isinstance(value.type, ir.VectorType)
    element = value.type.element if vector else value.type
    wanted = ir.IntType(bits)
    target = ir.VectorType(wanted, value.type.count) if vector else wanted
    if element.width == bits:
        return value
    return builder.zext(value, target) if element.width < bits else builder.trunc(value, target)


def _splat(builder: Any, number: Any, lanes: Lanes) -> Any:
    """All lanes hold the number."""
    vector = ir.VectorType(ir.IntType(lanes.dtype.bitwidth), lanes.count)
    number = _resized(builder, number, lanes.dtype.bitwidth)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.Constant(INT32, 0))
    return builder.shuffle_vector(first, first, _indices([0] * lanes.count))


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any, vector: ir.VectorType) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def _bits_to_lanes(builder: Any, word: Any) -> Any:
    return builder.bitcast(word, ir.VectorType(ir.IntType(1), BLOCK))


# ------------------------------------------------------------------------------------------------ operators

OPERATORS = {
    operator.and_: "and_",
    operator.iand: "and_",
    operator.or_: "or_",
    operator.ior: "or_",
    operator.add: "add",
    operator.iadd: "add",
    operator.sub: "sub",
    operator.isub: "sub",
    operator.mul: "mul",
    operator.xor: "xor",
    operator.lshift: "shl",
    operator.rshift: "lshr",
}


def _define(python: Callable[..., Any], instruction: str) -> None:
    @infer_global(python)
    class Typing(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            if len(args) == 2 and isinstance(args[0], Lanes) and isinstance(args[1], Lanes | types.Integer):
                return signature(args[0], *args)
            return None

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        right = args[1] if isinstance(sig.args[1], Lanes) else _splat(builder, args[1], sig.args[0])
        return getattr(builder, instruction)(args[0], right)

    lower_builtin(python, Lanes, Lanes)(emit)
    lower_builtin(python, Lanes, types.Integer)(emit)


for _python, _instruction in OPERATORS.items():
    _define(_python, _instruction)


@infer_global(operator.invert)
class _Invert(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        return signature(args[0], *args) if isinstance(args[0], Lanes) else None


@lower_builtin(operator.invert, Lanes)
def _emit_invert(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.not_(args[0])


def _emit_choice(comparison: str) -> Callable[..., Any]:
    def emitter(typing: Any, a: Any, b: Any) -> Any:
        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return builder.select(builder.icmp_unsigned(comparison, *args), *args)

        return a(a, b), emit

    return emitter


@emitted(_emit_choice("<"))
def minimum(a: Any, b: Any) -> Any:
    """The smaller one, lane by lane."""
    return np.minimum(a, b)


@emitted(_emit_choice(">"))
def maximum(a: Any, b: Any) -> Any:
    """The larger one, lane by lane."""
    return np.maximum(a, b)


def _emit_where_less(typing: Any, a: Any, b: Any, then: Any, otherwise: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(builder.icmp_unsigned("<", *args[:2]), *args[2:])

    return a(a, b, then, otherwise), emit


@emitted(_emit_where_less)
def where_less(a: Any, b: Any, then: Any, otherwise: Any) -> Any:
    """The lanes of ``then`` where ``a`` is less than ``b``, those of ``otherwise`` elsewhere."""
    return np.where(a < b, then, otherwise)


# ------------------------------------------------------------------------------------------------ memory


def aligned(count: int, fill_value: Any, dtype: Any) -> Any:
    """A filled array that begins where a vector may: one that straddles two cache lines is read twice."""
    dtype = np.dtype(dtype)
    spare = WIDEST // dtype.itemsize
    # Zeros are to be had for nothing until they are touched.
    memory = np.full(count + spare, fill_value, dtype) if fill_value else np.zeros(count + spare, dtype)
    first = -(memory.ctypes.data // dtype.itemsize) % spare
    return memory[first : first + count]


def _emit_address(typing: Any, array: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.ptrtoint(data, ir.IntType(64))

    return types.int64(array), emit


@emitted(_emit_address)
def address_of(array: Any) -> Any:
    """Where in memory an array begins."""
    return array.ctypes.data


def _emit_load(count: int) -> Callable[..., Any]:
    def emitter(typing: Any, array: Any, index: Any) -> Any:
        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            vector = context.get_value_type(sig.return_type)
            where = _pointer(context, builder, sig.args[0], args[0], args[1], vector)
            return builder.load(where, align=array.dtype.bitwidth // 8)

        return Lanes(array.dtype, count)(array, types.intp), emit

    return emitter


@emitted(_emit_load(BLOCK))
def load_pixels(array: Any, index: Any) -> Any:
    """The 64 numbers from ``index`` on."""
    return array[index : index + BLOCK].copy()


@emitted(_emit_load(VECTOR_WORDS))
def load_words(array: Any, index: Any) -> Any:
    """The 8 words from ``index`` on."""
    return array[index : index + VECTOR_WORDS].copy()


def _emit_gather(typing: Any, array: Any, indices: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        gathered = ir.Constant(context.get_value_type(indices), ir.Undefined)
        for lane in range(indices.count):
            number = ir.Constant(INT32, lane)
            where = builder.gep(data, [builder.extract_element(args[1], number)])
            gathered = builder.insert_element(gathered, builder.load(where), number)
        return gathered

    return indices(array, indices), emit


@emitted(_emit_gather)
def gather_words(array: Any, indices: Any) -> Any:
    """A word from each of 8 places."""
    return array[indices.astype(np.int64)]


def _emit_eight(typing: Any, number: Any) -> Any:
    lanes = Lanes(types.uint64, VECTOR_WORDS)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _splat(builder, args[0], lanes)

    return lanes(number), emit


@emitted(_emit_eight)
def eight(number: Any) -> Any:
    """Eight times the number."""
    return np.full(VECTOR_WORDS, number, np.uint64)


def _emit_store(typing: Any, array: Any, index: Any, lanes: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        values = _resized(builder, args[2], array.dtype.bitwidth)
        where = _pointer(context, builder, sig.args[0], args[0], args[1], values.type)
        builder.store(values, where, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(array, types.intp, lanes), emit


@emitted(_emit_store)
def store(array: Any, index: Any, lanes: Any) -> None:
    """Write the lanes from ``index`` on, widened or narrowed to the array's dtype."""
    array[index : index + len(lanes)] = lanes


def _emit_transpose(typing: Any, source: Any, at: Any, step: Any, target: Any, to: Any, pitch: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        row = ir.VectorType(context.get_value_type(source.dtype), SQUARE)
        size = source.dtype.bitwidth // 8

        def place_of(array: int, index: int) -> Any:  # of a row of the square
            begin, apart = args[array + 1], args[array + 2]
            index_in_array = builder.add(begin, builder.mul(apart, ir.Constant(apart.type, index)))
            return _pointer(context, builder, sig.args[array], args[array], index_in_array, row)

        rows = [builder.load(place_of(0, index), align=size) for index in range(SQUARE)]
        for apart, upper, lower in TRANSPOSING:
            for first in (index for index in range(SQUARE) if not index & apart):
                pair = rows[first], rows[first + apart]
                rows[first] = builder.shuffle_vector(*pair, _indices(upper))
                rows[first + apart] = builder.shuffle_vector(*pair, _indices(lower))
        for index in range(SQUARE):
            builder.store(rows[index], place_of(3, index), align=size)
        return context.get_dummy_value()

    return types.none(source, types.intp, types.intp, target, types.intp, types.intp), emit


SQUARE = 8  # numbers along a side


def _exchange(apart: int) -> tuple[int, list[int], list[int]]:
    """A step of transposing: the lanes that two rows so far apart take, of both.

    Of each square of twice that side, the upper right quarter and the lower left one change places.
    """
    lanes = range(SQUARE)
    upper = [lane + SQUARE - apart if lane & apart else lane for lane in lanes]
    return apart, upper, [number + apart for number in upper]


TRANSPOSING = [_exchange(4), _exchange(2), _exchange(1)]


@emitted(_emit_transpose)
def transpose_square(source: Any, at: Any, step: Any, target: Any, to: Any, pitch: Any) -> None:
    """Write 8 rows of 8 numbers, ``step`` apart from ``at`` on, as columns: rows ``pitch`` apart from ``to`` on."""
    for index in range(SQUARE):
        first = to + index * pitch
        target[first : first + SQUARE] = source[at + index : at + index + SQUARE * step : step]


def _emit_store_any(past_caches: bool) -> Callable[..., Any]:
    def emitter(typing: Any, numbers: Any, index: Any, lanes: Any) -> Any:
        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            array = context.make_array(numbers)(context, builder, args[0])
            width = builder.extract_value(array.shape, 1)
            where = builder.gep(array.data, [builder.mul(args[1], width)])
            done, nowhere = builder.append_basic_block(), builder.append_basic_block()
            choice = builder.switch(width, nowhere)
            for number_bytes in NUMBER_BYTES:
                case = builder.append_basic_block()
                choice.add_case(ir.Constant(ir.IntType(64), number_bytes), case)
                builder.position_at_end(case)
                values = _resized(builder, args[2], 8 * number_bytes)
                pointer = builder.bitcast(where, values.type.as_pointer())
                stored = builder.store(values, pointer, align=WIDEST if past_caches else number_bytes)
                if past_caches:
                    stored.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(INT32, 1)]))
                builder.branch(done)
            builder.position_at_end(nowhere)
            builder.unreachable()
            builder.position_at_end(done)
            return context.get_dummy_value()

        return types.none(numbers, types.intp, lanes), emit

    return emitter


NUMBER_BYTES = (1, 2, 4, 8)


@emitted(_emit_store_any(past_caches=False))
def store_any(numbers: Any, index: Any, lanes: Any) -> None:
    """Write lanes, or one number, from ``index`` on into numbers that are rows of 1, 2, 4 or 8 bytes."""
    numbers.view(f"u{numbers.shape[1]}")[index : index + np.size(lanes), 0] = lanes


@emitted(_emit_store_any(past_caches=True))
def stream_any(numbers: Any, index: Any, lanes: Any) -> None:
    """The same past the caches, where a cache line begins; other threads may see it only after `settle`."""
    numbers.view(f"u{numbers.shape[1]}")[index : index + np.size(lanes), 0] = lanes


def _emit_settle(typing: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.none(), emit


@emitted(_emit_settle)
def settle() -> None:
    """Let other threads see all that was written so far before anything that is written later."""


def _emit_prefetch(count: int) -> Callable[..., Any]:
    def emitter(typing: Any, array: Any, index: Any) -> Any:
        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            data = context.make_array(sig.args[0])(context, builder, args[0]).data
            first = builder.bitcast(builder.gep(data, [args[1]]), ir.IntType(8).as_pointer())
            kind = ir.FunctionType(ir.VoidType(), [first.type, INT32, INT32, INT32])
            prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
            hints = [ir.Constant(INT32, x) for x in (0, 2, 1)]  # to read, not too near, data
            for line in range(0, max(1, count * array.dtype.bitwidth // 8), WIDEST):
                builder.call(prefetch, [builder.gep(first, [ir.Constant(INT32, line)]), *hints])
            return context.get_dummy_value()

        return types.none(array, types.intp), emit

    return emitter


@emitted(_emit_prefetch(1))
def prefetch(array: Any, index: Any) -> None:
    """Ask for the cache line of an element, which may lie behind the end, long before it is read."""


@emitted(_emit_prefetch(BLOCK))
def prefetch_pixels(array: Any, index: Any) -> None:
    """Ask for every cache line of the 64 numbers from ``index`` on, likewise.

    A processor that sees one line of four asked for takes that for the pattern, and fetches no others by itself.
    """


# ------------------------------------------------------------------------------------------------ bits and lanes


def _emit_equal_bits(typing: Any, array: Any, index: Any, value: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        lanes = Lanes(array.dtype, BLOCK)
        where = _pointer(context, builder, sig.args[0], args[0], args[1], context.get_value_type(lanes))
        numbers = builder.load(where, align=array.dtype.bitwidth // 8)
        found = builder.icmp_unsigned("==", numbers, _splat(builder, args[2], lanes))
        return builder.bitcast(found, ir.IntType(BLOCK))

    return types.uint64(array, types.intp, array.dtype), emit


@emitted(_emit_equal_bits)
def equal_bits(array: Any, index: Any, value: Any) -> Any:
    """A word with the bits of those of the 64 numbers from ``index`` on that equal ``value``."""
    return np.packbits(array[index : index + BLOCK] == value, bitorder="little").view(np.uint64)[0]


def _emit_spread(typing: Any, word: Any, on: Any, off: Any) -> Any:
    lanes = Lanes(on, BLOCK)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(_bits_to_lanes(builder, args[0]), *(_splat(builder, x, lanes) for x in args[1:]))

    return lanes(types.uint64, on, on), emit


@emitted(_emit_spread)
def spread(word: Any, on: Any, off: Any) -> Any:
    """``on`` in the lanes whose bit is set in the word, ``off`` in the others."""
    return np.where(_bits(word), on, off).astype(np.asarray(on).dtype)


def _emit_choose(typing: Any, word: Any, a: Any, b: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(_bits_to_lanes(builder, args[0]), args[1], args[2])

    return b(types.uint64, b, b), emit


@emitted(_emit_choose)
def choose(word: Any, a: Any, b: Any) -> Any:
    """The lanes of ``a`` whose bit is set in the word, those of ``b`` elsewhere."""
    return np.where(_bits(word), a, b)


def _bits(word: Any) -> Any:
    return np.unpackbits(np.array([word], np.uint64).view(np.uint8), bitorder="little").astype(bool)


def _emit_rotate(typing: Any, lanes: Any, by: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        order = [(lane - by.literal_value) % lanes.count for lane in range(lanes.count)]
        return builder.shuffle_vector(args[0], args[0], _indices(order))

    return lanes(lanes, by), emit


@emitted(_emit_rotate)
def rotate(lanes: Any, by: Any) -> Any:
    """Lane j takes what lane j - by held; ``by`` is a literal."""
    return np.roll(lanes, by)


@helper
def largest_everywhere(lanes: Any) -> Any:
    """The largest number in all of 64 lanes."""
    lanes = maximum(lanes, rotate(lanes, 1))
    lanes = maximum(lanes, rotate(lanes, 2))
    lanes = maximum(lanes, rotate(lanes, 4))
    lanes = maximum(lanes, rotate(lanes, 8))
    lanes = maximum(lanes, rotate(lanes, 16))
    return maximum(lanes, rotate(lanes, 32))


def _emit_run(first: int) -> Callable[..., Any]:
    def emitter(typing: Any, a: Any, b: Any) -> Any:
        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return builder.shuffle_vector(*args, _indices(list(range(first, first + a.count))))

        return a(a, b), emit

    return emitter


@emitted(_emit_run(VECTOR_WORDS - 1))
def lanes_before(before: Any, words: Any) -> Any:
    """Of 16 words in two vectors, those one before the second eight."""
    return np.concatenate([before, words])[VECTOR_WORDS - 1 : -1]


@emitted(_emit_run(1))
def lanes_behind(words: Any, behind: Any) -> Any:
    """Of 16 words in two vectors, those one behind the first eight."""
    return np.concatenate([words, behind])[1 : VECTOR_WORDS + 1]


def _emit_fill(typing: Any, number: Any, like: Any) -> Any:
    lanes = Lanes(like, BLOCK)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _splat(builder, args[0], lanes)

    return lanes(number, like), emit


@emitted(_emit_fill)
def fill(number: Any, like: Any) -> Any:
    """64 times the number, in the dtype of ``like``."""
    return np.full(BLOCK, number, np.asarray(like).dtype)


def _emit_lane(typing: Any, lanes: Any, index: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.extract_element(args[0], args[1])

    return lanes.dtype(lanes, types.intp), emit


@emitted(_emit_lane)
def lane(lanes: Any, index: Any) -> Any:
    """The number in one lane."""
    return lanes[index]


def _emit_widened(typing: Any, narrow: Any, like: Any) -> Any:
    lanes = Lanes(like, BLOCK)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _resized(builder, args[0], like.bitwidth)

    return lanes(narrow, like), emit


@emitted(_emit_widened)
def widened(narrow: Any, like: Any) -> Any:
    """The lanes in the dtype of ``like``."""
    return narrow.astype(np.asarray(like).dtype)


def _emit_steps(numbers: list[int]) -> Callable[..., Any]:
    def emitter(typing: Any, first: Any, like: Any) -> Any:
        lanes = Lanes(like, BLOCK)

        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return builder.add(_splat(builder, args[0], lanes), ir.Constant(context.get_value_type(lanes), numbers))

        return lanes(first, like), emit

    return emitter


@emitted(_emit_steps(list(range(BLOCK))))
def rising(first: Any, like: Any) -> Any:
    """``first``, ``first`` + 1, ... from the lowest lane up, in the dtype of ``like``."""
    return (first + np.arange(BLOCK)).astype(np.asarray(like).dtype)


@emitted(_emit_steps(list(range(BLOCK))[::-1]))
def falling(last: Any, like: Any) -> Any:
    """..., ``last`` + 1, ``last`` up to the highest lane, in the dtype of ``like``."""
    return (last + np.arange(BLOCK)[::-1]).astype(np.asarray(like).dtype)


# ------------------------------------------------------------------------------------------------ chances


def _emit_nan_bits(typing: Any, array: Any, index: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector = ir.VectorType(context.get_value_type(array.dtype), BLOCK)
        where = _pointer(context, builder, sig.args[0], args[0], args[1], vector)
        numbers = builder.load(where, align=array.dtype.bitwidth // 8)
        return builder.bitcast(builder.fcmp_unordered("uno", numbers, numbers), ir.IntType(BLOCK))

    return types.uint64(array, types.intp), emit


@emitted(_emit_nan_bits)
def nan_bits(array: Any, index: Any) -> Any:
    """A word with the bits of those of the 64 floats from ``index`` on that are NaN."""
    return np.packbits(np.isnan(array[index : index + BLOCK]), bitorder="little").view(np.uint64)[0]


def _emit_drawn_bits(typing: Any, numbers: Any, array: Any, index: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        words = context.get_value_type(numbers)
        chances = ir.VectorType(context.get_value_type(array.dtype), VECTOR_WORDS)
        doubles = ir.VectorType(ir.DoubleType(), VECTOR_WORDS)

        def all_of(vector: ir.VectorType, number: Any) -> ir.Constant:
            return ir.Constant(vector, [number] * VECTOR_WORDS)

        def double(bits: Any, exponent: int) -> Any:  # 2^exponent plus what the bits say
            return builder.bitcast(builder.or_(bits, all_of(words, (exponent + 1023) << 52)), doubles)

        where = _pointer(context, builder, sig.args[1], args[1], args[2], chances)
        loaded = builder.load(where, align=array.dtype.bitwidth // 8)
        scaled = loaded if chances == doubles else builder.fpext(loaded, doubles)
        scaled = builder.fmul(scaled, all_of(doubles, 2.0**CHANCE_BITS))
        # The upper and the lower half of a number as doubles, then their sum: AVX2 converts no words of 64 bits.
        more = builder.add(args[0], all_of(words, 1))
        upper = builder.fsub(double(builder.lshr(more, all_of(words, 32)), 84), all_of(doubles, 2.0**84 + 2.0**52))
        lower = double(builder.and_(more, all_of(words, (1 << 32) - 1)), 52)
        found = builder.fcmp_ordered("<=", builder.fadd(upper, lower), scaled)
        return _resized(builder, builder.bitcast(found, ir.IntType(VECTOR_WORDS)), BLOCK)

    return types.uint64(numbers, array, types.intp), emit


CHANCE_BITS = 53  # of a double's significand


@emitted(_emit_drawn_bits)
def drawn_bits(numbers: Any, array: Any, index: Any) -> Any:
    """A word with the bits of those of the 8 floats in [0, 1] from ``index`` on that numbers of 53 bits are below.

    Floats are taken times 2^53 and rounded down; number < floor(x) is number + 1 <= x. No number is below NaN.
    """
    scaled = array[index : index + VECTOR_WORDS].astype(np.float64) * 2.0**CHANCE_BITS
    return np.uint64(np.packbits(numbers + np.uint64(1) <= scaled, bitorder="little")[0])


def _emit_counting(typing: Any, first: Any) -> Any:
    lanes = Lanes(types.uint64, VECTOR_WORDS)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        steps = ir.Constant(context.get_value_type(lanes), list(range(VECTOR_WORDS)))
        return builder.add(_splat(builder, args[0], lanes), steps)

    return lanes(types.uint64), emit


@emitted(_emit_counting)
def counting(first: Any) -> Any:
    """Eight words: ``first``, ``first`` + 1, ..."""
    return np.uint64(first) + np.arange(VECTOR_WORDS, dtype=np.uint64)


def _emit_less_bits(typing: Any, a: Any, b: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bits = builder.bitcast(builder.icmp_unsigned("<", *args), ir.IntType(a.count))
        return _resized(builder, bits, BLOCK)

    return types.uint64(a, b), emit


@emitted(_emit_less_bits)
def less_bits(a: Any, b: Any) -> Any:
    """A word with the bits of the lanes in which ``a`` is less than ``b``."""
    return np.uint64(int.from_bytes(np.packbits(a < b, bitorder="little").tobytes(), "little"))


# ------------------------------------------------------------------------------------------------ single words


def _emit_unary(instruction: str) -> Callable[..., Any]:
    def emitter(typing: Any, word: Any) -> Any:
        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            flag = () if instruction == "ctpop" else (ir.Constant(ir.IntType(1), 0),)
            return getattr(builder, instruction)(args[0], *flag)

        return types.int64(types.uint64), emit

    return emitter


@emitted(_emit_unary("ctpop"))
def count_bits(word: Any) -> Any:
    """How many bits are set."""
    return int(word).bit_count()


@emitted(_emit_unary("cttz"))
def lowest_bit(word: Any) -> Any:
    """Index of the lowest bit set, 64 if there is none."""
    return BLOCK if word == 0 else (int(word) & -int(word)).bit_length() - 1


@emitted(_emit_unary("ctlz"))
def leading_zeros(word: Any) -> Any:
    """How many zeros stand above the highest bit set, 64 if there is none."""
    return BLOCK - int(word).bit_length()


def _emit_any(typing: Any, lanes: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        whole = ir.IntType(lanes.count * lanes.dtype.bitwidth)
        return builder.icmp_unsigned("!=", builder.bitcast(args[0], whole), ir.Constant(whole, 0))

    return types.boolean(lanes), emit


@emitted(_emit_any)
def any_set(lanes: Any) -> Any:
    """Whether a bit of any lane is set."""
    return bool(np.any(lanes))


def _emit_joined(typing: Any, lanes: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        numbers = [builder.extract_element(args[0], ir.Constant(INT32, lane)) for lane in range(lanes.count)]
        return functools.reduce(builder.or_, numbers)

    return lanes.dtype(lanes), emit


@emitted(_emit_joined)
def joined(lanes: Any) -> Any:
    """The bits that are set in any lane."""
    return np.bitwise_or.reduce(lanes)
