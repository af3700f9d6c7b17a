"""Where an answer goes: into new memory or into ``out``, which is checked before anything is written."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from chdt.checks.advice import type_name
from chdt.checks.dtypes import FLOAT_DIGITS, FLOATS, NUMBERS, SAME_SIZE, WORD_OF_SIZE
from chdt.checks.masks import AnyMasks, check_tensor, host_array
from chdt.checks.tracing import has_no_values

MOST_WORK: Any = 10_000  # to find out whether strided arrays overlap; beyond it they count as overlapping

LARGEST_INT32 = 2**31 - 1

STAGED = 1 << 16  # pixels that are copied at a time where a mask is not contiguous


Copy = Callable[[npt.NDArray[Any], npt.NDArray[Any]], None]  # of a contiguous source to a target of any strides


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
    if isinstance(masks, torch.Tensor):
        tensor = torch.from_numpy(answers)
        return tensor if masks.is_cpu else tensor.to(masks.device)
    return answers[()] if answers.ndim == 0 else answers  # a scalar, as NumPy's own reductions give


def has_strided_integers(out: AnyMasks, array: npt.NDArray[Any]) -> bool:
    """Whether an ``out`` that was checked, and its memory, holds integers as kernels write them, but with strides."""
    return _holds_integers(out, array) and not array.flags.c_contiguous


def _holds_integers(out: AnyMasks, array: npt.NDArray[Any]) -> bool:
    # NumPy knows no bfloat16: that memory is one of integers.
    return array.dtype.kind in "iu" and array.dtype.isnative and out.dtype != torch.bfloat16


def answer_into(out: AnyMasks, array: npt.NDArray[Any] | None, largest: int, copy: Copy) -> Answer:
    """An answer in ``out``, whose memory `check_out` gave, and which holds the integers up to ``largest``.

    Kernels write one contiguous answer. ``copy(source, target)`` takes it to memory of any strides.
    """
    if array is None:  # on another device, or negated later
        host = np.empty(tuple(out.shape), np.int32 if largest <= LARGEST_INT32 else np.int64)
        assert isinstance(out, torch.Tensor)
        return Answer(host.reshape(-1).view(WORD_OF_SIZE[host.itemsize]), lambda: out.copy_(torch.from_numpy(host)))
    if array.flags.c_contiguous:
        return _answer_in_place(out, array)
    if isinstance(out, torch.Tensor):
        between: AnyMasks = torch.empty(out.shape, dtype=out.dtype, device="cpu")
    else:
        between = np.empty(out.shape, out.dtype)
    source = host_array(between) if isinstance(between, torch.Tensor) else between
    return _copied(_answer_in_place(between, source), source, array, out, copy)


def _copied(answer: Answer, source: npt.NDArray[Any], target: npt.NDArray[Any], out: AnyMasks, copy: Copy) -> Answer:
    """An answer in ``source`` that is taken to the memory of ``out``."""

    def finish() -> AnyMasks:
        answer.finish()
        copy(source, target)
        return written(out)

    return Answer(answer.words, finish)


def written(out: AnyMasks) -> AnyMasks:
    """An ``out`` that was written in place; autograd is told, as by any in-place operator of torch."""
    if isinstance(out, torch.Tensor) and not out.is_inference():
        torch.autograd.graph.increment_version(out)
    return out


def lengths_into(masks: AnyMasks, out: AnyMasks | None, copy: Copy) -> Answer:
    """A float32 answer, new or in ``out``: its words are the bits of float32 numbers."""
    if out is not None:
        array = check_out(out, masks, None)
        if array is not None and array.dtype == np.float32 and array.dtype.isnative:
            if array.flags.c_contiguous:
                return Answer(array.reshape(-1).view(np.uint32), lambda: written(out))
            between = np.empty(array.shape, np.float32)
            return _copied(Answer(between.reshape(-1).view(np.uint32), lambda: between), between, array, out, copy)
    host = np.empty(tuple(masks.shape), np.float32)
    return Answer(host.reshape(-1).view(np.uint32), lambda: deliver(host, masks, out))


def _answer_in_place(out: AnyMasks, array: npt.NDArray[Any]) -> Answer:
    words = array.reshape(-1).view(WORD_OF_SIZE[array.itemsize])
    is_integer = _holds_integers(out, array)
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
        return written(out)

    return Answer(words, finish)


def check_out(out: AnyMasks, masks: AnyMasks, largest: int | None) -> npt.NDArray[Any] | None:
    """``out`` must be memory of its own that can hold the integers up to ``largest``, or float32 where it is None.

    Give its memory, None where it is not to be had.
    """
    if isinstance(out, torch.Tensor) and (has_no_values(masks) or has_no_values(out)):
        raise ValueError("out cannot be written while torch exports or transforms a function: leave it out")
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
        if not _holds_lengths(out.dtype):
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
        if not out.is_cpu:
            return None  # computed on the host and copied, so any overlap with the masks is harmless
        array = host_array(out)
    else:
        array = np.asarray(out)
    if not array.flags.writeable:
        raise ValueError("out is read-only")
    if _overlaps_itself(array):
        raise ValueError(f"out has strides {array.strides}: some of its elements are the same memory; pass out.copy()")
    if _share_memory(out, array, masks):
        raise ValueError("out and masks overlap in memory: pass an array of its own")
    return None if isinstance(out, torch.Tensor) and out.is_neg() else array  # torch negates what is in it later


def _holds_lengths(dtype: Any) -> bool:
    """Whether the dtype holds float32 lengths, in whichever order its bytes are."""
    return dtype in FLOATS or (isinstance(dtype, np.dtype) and dtype.newbyteorder("=") in FLOATS)


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


def _share_memory(out: AnyMasks, array: npt.NDArray[Any], masks: AnyMasks) -> bool:
    if isinstance(out, torch.Tensor) and isinstance(masks, torch.Tensor):  # mostly, and known sooner than by NumPy
        ours, theirs = out.data_ptr(), masks.data_ptr()
        is_apart = ours + out.nbytes <= theirs or theirs + masks.nbytes <= ours
        if is_apart and out.is_contiguous() and masks.is_contiguous():
            return False
    other = host_array(masks) if isinstance(masks, torch.Tensor) else masks
    try:
        return np.shares_memory(array, other, max_work=MOST_WORK)
    except np.exceptions.TooHardError:
        return True
