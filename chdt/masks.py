"""What counts as a mask, and the one place where it is looked at: values, dtype, shape, layout, device, ``out``.

A mask holds +1 or -1, so each of its values is one of two bit patterns, whatever the dtype. Read as unsigned integers
of the same size, all dtypes are the same to the kernels, and comparing with both patterns finds every invalid value.
"""

import functools
import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch._C._functorch import is_functorch_wrapped_tensor
from torch._subclasses import FakeTensor
from torch._subclasses.functional_tensor import FunctionalTensor

from chdt.bitplanes import WORD, Words, pack, packed_words, surround
from chdt.parallel import share

ArrayOrTensor = TypeVar("ArrayOrTensor", npt.NDArray[Any], torch.Tensor)
AnyMasks = npt.NDArray[Any] | torch.Tensor

WORD_OF_SIZE = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
SAME_SIZE = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
TENSOR_DTYPES = (
    torch.bool, torch.int8, torch.int16, torch.int32, torch.int64,
    torch.float16, torch.bfloat16, torch.float32, torch.float64,
)  # fmt: skip
UNSIGNED_TENSORS = (torch.uint8, torch.uint16, torch.uint32, torch.uint64)
NUMBERS = TENSOR_DTYPES + UNSIGNED_TENSORS
MOST_WORK: Any = 10_000  # to find out whether strided arrays overlap; beyond it they count as overlapping
USUAL_BYTES = 4  # of a pixel: narrower ones are packed as many times faster
LARGEST_INT32 = 2**31 - 1
STAGED = 1 << 16  # pixels that are copied at a time where a mask is not contiguous


class Shape(NamedTuple):
    """Of a grid: an image is a volume of one slice, and a line is one of one row."""

    depth: int
    height: int
    width: int

    @property
    def pixels(self) -> int:
        """How many there are."""
        return self.depth * self.height * self.width

    @property
    def without_single_pixels(self) -> "Shape":
        """The same grid with its axes of one pixel first: no distance is along them."""
        return Shape(*(1, 1, 1, *(side for side in self if side > 1))[-3:])

    @property
    def cap(self) -> int:
        """The distance where there is no background: the largest side, which no distance in the grid reaches."""
        return max(self)


class PackedMasks(NamedTuple):
    """A checked batch, one bit a pixel."""

    words: Words
    batch: tuple[int, ...]  # shape of the batch dims
    shape: Shape  # of each, with the border
    border: Shape = Shape(0, 0, 0)  # background that was added on either side

    @property
    def images(self) -> int:
        """How many masks there are."""
        return math.prod(self.batch)

    def inside(self, answers: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Answers of shape (images, depth, height, width) without those of the border."""
        inner = (slice(more, side - more) for side, more in zip(self.shape, self.border, strict=True))
        return answers[(slice(None), *inner)]


def is_traced(masks: object) -> bool:
    """Whether this is a tensor without values of its own, while torch compiles, exports or transforms a function.

    The operators of operators.py are for these; for any other tensor they would only cost time.
    """
    return isinstance(masks, torch.Tensor) and (
        torch.compiler.is_compiling() or is_functorch_wrapped_tensor(masks) or isinstance(masks, WITHOUT_VALUES)
    )


WITHOUT_VALUES = (FakeTensor, FunctionalTensor)


# ------------------------------------------------------------------------------------------------ masks


def check_spatial_dims(spatial_dims: int) -> None:
    """A grid is a line, an image or a volume."""
    # Here and below, types in tuples: the compiler of torch 2.8 does not know unions.
    is_integer = isinstance(spatial_dims, (int, np.integer)) and not isinstance(spatial_dims, bool)
    if not is_integer or spatial_dims not in (1, 2, 3):
        raise ValueError(f"spatial_dims must be 1, 2 or 3, not {spatial_dims!r}")


def grid_shape(masks: AnyMasks, spatial_dims: int) -> Shape:
    """The shape of the grid, once it is one."""
    if isinstance(masks, torch.Tensor):
        check_tensor(masks, "masks")
    elif not isinstance(masks, np.ndarray) or isinstance(masks, np.ma.MaskedArray):
        raise TypeError(
            f"masks must be a NumPy array or a torch tensor, not {type_name(masks)}: convert with numpy.asarray(masks)"
        )
    check_spatial_dims(spatial_dims)
    shape = tuple(masks.shape)
    if len(shape) < spatial_dims:
        raise ValueError(
            f"masks of shape {shape} have {len(shape)} dims, fewer than the {spatial_dims} of the grid: "
            f"the last spatial_dims={spatial_dims} dims are the grid, all before them the batch"
        )
    grid = shape[-spatial_dims:]
    if 0 in grid:
        raise ValueError(f"masks of shape {shape} have no pixels: the grid, the last {spatial_dims} dims, is {grid}")
    return Shape(*(1, 1, *grid)[-3:])


def pack_masks(
    masks: AnyMasks, spatial_dims: int, black_border: bool = False, shape: Shape | None = None
) -> PackedMasks:
    """Check the values of a batch of masks and pack it, with a border of one pixel of background if that is wanted.

    ``shape`` is that of the grid, where it is known already.
    """
    shape = shape or grid_shape(masks, spatial_dims)
    values, foreground, background = as_words(masks)
    words = np.empty(packed_words(values.size), np.uint64)
    words[values.size // WORD :] = 0
    invalid: list[int] = []
    flat = flat_view(values)
    if flat is not None:

        def work(first: int, last: int) -> None:
            found = pack(flat[first * WORD : last * WORD], foreground, background, words, first * WORD)
            if found >= 0:
                invalid.append(first * WORD + found)

        share(work, -(-values.size // WORD), WORD * values.itemsize // USUAL_BYTES)
    else:
        # NumPy's iterator gives pieces in reading order, copied where they are not contiguous.
        start = 0
        pieces: Iterable[Any] = np.nditer(  # type: ignore[call-overload]  # NumPy's types lack "contig"
            values,
            ["external_loop", "buffered", "zerosize_ok"],
            [["readonly", "contig", "aligned"]],
            order="C",
            buffersize=STAGED,
        )
        for piece in pieces:
            found = pack(piece, foreground, background, words, start)
            if found >= 0:
                invalid.append(start + found)
                break
            start += piece.size
    if invalid:
        raise invalid_value(masks, min(invalid))
    packed = PackedMasks(words, tuple(masks.shape[: masks.ndim - spatial_dims]), shape)
    return _surrounded(packed, spatial_dims) if black_border else packed


def _surrounded(packed: PackedMasks, spatial_dims: int) -> PackedMasks:
    border = Shape(int(spatial_dims > 2), int(spatial_dims > 1), 1)
    shape = Shape(*(side + 2 * more for side, more in zip(packed.shape, border, strict=True)))
    words = np.zeros(packed_words(packed.images * shape.pixels), np.uint64)
    surround(packed.words, packed.images, packed.shape, border, words)
    return PackedMasks(words, packed.batch, shape, border)


def as_words(masks: AnyMasks) -> tuple[npt.NDArray[Any], Any, Any]:
    """The masks as unsigned integers in host memory, and what +1 and -1 look like there."""
    foreground, background = both_words(masks.dtype)
    values = host_array(masks) if isinstance(masks, torch.Tensor) else np.asarray(masks)
    return values.view(WORD_OF_SIZE[values.itemsize]), foreground, background


def host_array(tensor: torch.Tensor) -> npt.NDArray[Any]:
    """The values of a tensor in host memory; as integers where NumPy has no such dtype."""
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.detach().view(torch.int16)
    return tensor.numpy(force=True)


def flat_view(values: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """All values in reading order, where they lie in memory like that."""
    return values.reshape(-1) if values.flags.c_contiguous and values.flags.aligned else None


@functools.cache
def both_words(dtype: Any) -> tuple[Any, Any]:
    """+1 and -1, or True and False, as that many bits; for dtypes of masks only."""
    if isinstance(dtype, torch.dtype):
        if dtype not in TENSOR_DTYPES:
            raise _wrong_dtype(dtype, dtype in UNSIGNED_TENSORS)
        tensor = torch.tensor([True, False] if dtype == torch.bool else [1, -1], dtype=dtype)
        both = tensor.view(SAME_SIZE[tensor.itemsize]).numpy()
    else:
        if dtype.kind not in "bif" or dtype.itemsize not in WORD_OF_SIZE:
            raise _wrong_dtype(dtype, dtype.kind == "u")
        both = np.array([True, False] if dtype.kind == "b" else [1, -1], dtype)
    foreground, background = both.view(WORD_OF_SIZE[both.itemsize])
    return foreground, background


def check_tensor(tensor: torch.Tensor, name: str) -> None:
    """A tensor must have its values in memory, one after the other or with strides; or torch is tracing."""
    if tensor.is_nested:
        raise TypeError(f"{name} must be a dense tensor, not a nested one: convert with torch.nested.to_padded_tensor")
    if tensor.layout != torch.strided:
        raise TypeError(f"{name} must be a dense tensor, not one of layout {tensor.layout}: convert with to_dense()")
    if tensor.is_quantized:
        raise TypeError(f"{name} must not be quantized: convert with dequantize()")
    if tensor.is_meta and not is_traced(tensor):
        raise TypeError(f"{name} is a meta tensor: it has a shape, but no values")


def type_name(value: object) -> str:
    """Name of the type for an error message."""
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")


def _wrong_dtype(dtype: object, unsigned: bool) -> TypeError:
    if unsigned:
        return TypeError(f"masks of {dtype} cannot hold -1: where 0 is background, pass masks > 0")
    return TypeError(f"masks must be bool, or -1 and +1 as signed integers or floats of up to 64 bits, not {dtype}")


def invalid_value(masks: AnyMasks, index: int) -> ValueError:
    """The error for the value at this place in reading order."""
    where = tuple(int(i) for i in np.unravel_index(index, tuple(masks.shape)))
    value = masks[where].item()
    remedy = "where 0 is background, pass masks > 0" if value == 0 else "threshold them first, as in masks > 0"
    return ValueError(f"masks must hold only -1 and +1, but masks[{', '.join(map(str, where))}] is {value}: {remedy}")


# ------------------------------------------------------------------------------------------------ answers


class Answer(NamedTuple):
    """Where an answer goes."""

    words: npt.NDArray[Any]  # what kernels write: flat, contiguous, unsigned integers
    finish: Callable[[], Any]  # to be called then, gives what the caller gets


def new_answer(masks: AnyMasks, shape: tuple[int, ...], largest: int) -> Answer:
    """A new int32 answer, of the kind of the masks and on their device."""
    if largest > LARGEST_INT32:
        raise ValueError(f"answers may be up to {largest}, which int32 cannot hold: pass out of int64")
    # NumPy's memory for tensors, too: it asks Linux for huge pages, in which much of it comes several times sooner.
    # Not so for what autograd keeps: NumPy's cannot be freed without the GIL, by a thread at the end of the process.
    array = np.empty(shape, np.int32)
    return Answer(array.reshape(-1).view(np.uint32), lambda: deliver(array, masks))


def deliver(answers: npt.NDArray[Any], masks: AnyMasks, out: AnyMasks | None = None) -> Any:
    """Answers that are there, of the kind of the masks and on their device, or in an ``out`` that was checked."""
    if isinstance(out, np.ndarray):
        out[...] = answers
        return out
    answers = np.asarray(answers, order="C")
    if isinstance(out, torch.Tensor):
        return out.copy_(torch.from_numpy(answers))
    return torch.from_numpy(answers).to(masks.device) if isinstance(masks, torch.Tensor) else answers


def answer_into(out: AnyMasks, masks: AnyMasks, largest: int) -> Answer:
    """An answer in ``out``, which must be able to hold the integers up to ``largest``."""
    array = check_out(out, masks, largest)
    if array is not None and array.flags.c_contiguous:
        return _answer_in_place(out, array)
    # Kernels write one contiguous answer; any other layout, or device, is copied to.
    host = np.empty(tuple(out.shape), np.int32 if largest <= LARGEST_INT32 else np.int64)

    def finish() -> AnyMasks:
        if isinstance(out, torch.Tensor):
            out.copy_(torch.from_numpy(host))
        else:
            out[...] = host
        return out

    return Answer(host.reshape(-1).view(WORD_OF_SIZE[host.itemsize]), finish)


def _answer_in_place(out: AnyMasks, array: npt.NDArray[Any]) -> Answer:
    words = array.reshape(-1).view(WORD_OF_SIZE[array.itemsize])
    is_integer = array.dtype.kind in "iu" and array.dtype.isnative and out.dtype != torch.bfloat16
    flat: Any
    integers: Any
    if not is_integer:
        flat = out.view(-1) if isinstance(out, torch.Tensor) else np.asarray(out).reshape(-1)
        integers = flat.view(SAME_SIZE[out.itemsize]) if isinstance(out, torch.Tensor) else words
        # Made before anything is written, as there may be no memory left.
        staged = integers[:STAGED] + 0

    def finish() -> AnyMasks:
        if not is_integer:  # the integers stand where floats of the same size belong
            for start in range(0, len(flat), STAGED):
                piece = integers[start : start + STAGED]
                staged[: len(piece)] = piece
                flat[start : start + STAGED] = staged[: len(piece)]
        if isinstance(out, torch.Tensor) and not out.is_inference():
            torch.autograd.graph.increment_version(out)  # as any in-place operator of torch does
        return out

    return Answer(words, finish)


def check_out(out: AnyMasks, masks: AnyMasks, largest: int | None) -> npt.NDArray[Any] | None:
    """``out`` must be memory of its own that can hold the integers up to ``largest``, or float32 where it is None.

    Give its memory, None where it is not to be had.
    """
    kind = torch.Tensor if isinstance(masks, torch.Tensor) else np.ndarray
    if not isinstance(out, kind) or isinstance(out, np.ma.MaskedArray):
        raise TypeError(f"out must be of the kind of masks, {type_name(masks)}, not {type_name(out)}")
    if isinstance(out, torch.Tensor):
        check_tensor(out, "out")
    if out.shape != masks.shape:
        raise ValueError(f"out has shape {tuple(out.shape)}, but masks have {tuple(masks.shape)}: they must be equal")
    holds = _largest_integer(out.dtype)
    if holds is None:
        raise TypeError(f"out must be of an integer or float dtype, not {out.dtype}")
    if largest is None:
        if out.dtype not in FLOATS:
            raise TypeError(f"out must be float32 or float64, with a spacing, not {out.dtype}")
    elif holds < largest:
        raise ValueError(f"out of {out.dtype} holds integers up to {holds}, but answers may be up to {largest}")
    if isinstance(out, torch.Tensor) and isinstance(masks, torch.Tensor):
        if out.device != masks.device:
            raise ValueError(
                f"out is on {out.device}, but masks are on {masks.device}: they must be on the same device"
            )
        if out.requires_grad:
            raise ValueError("out requires grad, but sizes and distances have none: pass out.detach()")
        if out.device.type != "cpu":
            return None  # computed on the host and copied, so any overlap with the masks is harmless
        array = host_array(out)
    else:
        array = np.asarray(out)
    if not array.flags.writeable:
        raise ValueError("out is read-only")
    if _overlaps_itself(array):
        raise ValueError(f"out has strides {array.strides}: some of its elements are the same memory; pass out.copy()")
    if _share_memory(array, masks):
        raise ValueError("out and masks overlap in memory: pass an array of its own")
    return None if isinstance(out, torch.Tensor) and out.is_neg() else array  # torch negates what is in it later


@functools.cache
def _largest_integer(dtype: Any) -> int | None:
    """The largest n such that the dtype holds all of 0..n."""
    if isinstance(dtype, torch.dtype):
        if dtype in FLOAT_DIGITS:
            return 1 << FLOAT_DIGITS[dtype]
        plain = dtype in NUMBERS and dtype != torch.bool
        return torch.iinfo(dtype).max if plain else None
    if dtype.kind == "f" and dtype.itemsize in WORD_OF_SIZE:
        return 1 << (np.finfo(dtype).nmant + 1)
    return int(np.iinfo(dtype).max) if dtype.kind in "iu" else None


FLOATS = (np.float32, np.float64, torch.float32, torch.float64)
FLOAT_DIGITS = {torch.float16: 11, torch.bfloat16: 8, torch.float32: 24, torch.float64: 53}  # bits of a significand


def _overlaps_itself(array: npt.NDArray[Any]) -> bool:
    """Whether two elements may be the same memory; layouts that are not nested count as such."""
    if array.flags.c_contiguous:
        return False
    reach = array.itemsize
    steps = zip(map(abs, array.strides), array.shape, strict=True)
    for stride, size in sorted(step for step in steps if step[1] > 1):
        if stride < reach:
            return array.size > 0
        reach = stride * (size - 1) + reach
    return False


def _share_memory(array: npt.NDArray[Any], masks: AnyMasks) -> bool:
    other = host_array(masks) if isinstance(masks, torch.Tensor) else masks
    try:
        return np.shares_memory(array, other, max_work=MOST_WORK)
    except np.exceptions.TooHardError:
        return True
