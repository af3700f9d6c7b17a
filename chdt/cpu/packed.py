"""A batch of masks, checked and packed: one bit a pixel."""

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chdt.checks.answers import STAGED
from chdt.checks.masks import AnyMasks, as_words, flat_view, grid_shape, invalid_value
from chdt.checks.shape import Shape
from chdt.cpu.kernels.packing import WORD_BITS, Words, copy_images, pack, packed_words, surround
from chdt.cpu.strided import USUAL_BYTES, pack_values
from chdt.cpu.threads import Pieces, is_little, share_pieces


class PackedMasks(NamedTuple):
    """A checked batch, one bit a pixel."""

    bits: Words  # as `pack` writes them
    batch: tuple[int, ...]  # shape of the batch dims
    shape: Shape  # of each, with the border
    border: Shape = Shape(0, 0, 0)  # pixels of background that were added on either side of each axis
    black_border: bool = False  # whether pixels outside are background without having been added

    @property
    def images(self) -> int:
        """How many masks there are."""
        return math.prod(self.batch)

    def some(self, images: slice | npt.NDArray[np.int64]) -> "PackedMasks":
        """Some of the masks, as a batch of one dim."""
        if isinstance(images, slice) and images == slice(0, self.images):
            return self
        chosen = np.arange(self.images)[images]
        bits = np.zeros(packed_words(chosen.size * self.shape.pixels), np.uint64)
        copy_images(self.bits, self.shape.pixels, chosen, bits)
        return self._replace(bits=bits, batch=(len(chosen),))

    def inside(self, answers: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Answers of shape (images, depth, height, width) without those of the border."""
        inner = (slice(more, side - more) for side, more in zip(self.shape, self.border, strict=True))
        return answers[(slice(None), *inner)]


def _nothing(*_: int) -> None:
    """Is done."""


class Packing(NamedTuple):
    """A batch whose pieces threads pack, maybe on their way to something else."""

    packed: PackedMasks
    pieces: Pieces = Pieces(0, 1)  # that are left
    work: Callable[[int, int], None] = _nothing  # packs words first..last - 1
    check: Callable[[], None] = _nothing  # raises if there was a value that no mask has

    def finish(self) -> PackedMasks:
        """Pack what is left."""
        share_pieces(self.pieces, self.work)
        self.check()
        return self.packed


def begin_packing(
    masks: AnyMasks,
    spatial_dims: int,
    black_border: bool = False,
    shape: Shape | None = None,
    name: str = "masks",
) -> Packing:
    """Check the values of a batch of masks and pack it, with a border of one pixel of background if wanted.

    Much that lies in memory in reading order, and needs no border, is left to the caller. ``shape`` is that of the
    grid, where it is known already; ``name`` is what users call the masks.
    """
    shape = shape or grid_shape(masks, spatial_dims, name)
    values, foreground, background = as_words(masks)
    bits = np.empty(packed_words(values.size), np.uint64)
    bits[values.size // WORD_BITS :] = 0
    packed = PackedMasks(bits, tuple(masks.shape[: masks.ndim - spatial_dims]), shape)
    flat = flat_view(values)
    if flat is None:
        if not pack_values(values, foreground, background, bits):
            raise invalid_value(masks, _first_invalid(values, foreground, background), name)
        packing = Packing(packed)
    elif is_little(values.nbytes // USUAL_BYTES):
        found = pack(flat, foreground, background, bits, 0)
        if found >= 0:
            raise invalid_value(masks, found, name)
        packing = Packing(packed)
    else:
        packing = _in_pieces(masks, packed, flat, foreground, background, name)
    if not black_border:
        return packing
    packing.finish()
    border, whole = Shape(int(spatial_dims > 2), int(spatial_dims > 1), 1), shape.with_border(spatial_dims)
    target = np.zeros(packed_words(packed.images * whole.pixels), np.uint64)
    surround(bits, packed.images, shape, border, target)
    return Packing(packed._replace(bits=target, shape=whole, border=border))


def _in_pieces(
    masks: AnyMasks, packed: PackedMasks, flat: npt.NDArray[Any], foreground: Any, background: Any, name: str
) -> Packing:
    """The packing of a batch whose values are these, in reading order: nothing is packed yet."""
    invalid: list[int] = []

    def work(first: int, last: int) -> None:
        at = first * WORD_BITS
        found = pack(flat[at : last * WORD_BITS], foreground, background, packed.bits, at)
        if found >= 0:
            invalid.append(at + found)

    def check() -> None:
        if invalid:
            raise invalid_value(masks, min(invalid), name)

    pieces = Pieces(-(-flat.size // WORD_BITS), WORD_BITS * flat.itemsize // USUAL_BYTES)
    return Packing(packed, pieces, work, check)


def pack_masks(
    masks: AnyMasks,
    spatial_dims: int,
    black_border: bool = False,
    shape: Shape | None = None,
    name: str = "masks",
) -> PackedMasks:
    """`begin_packing`, and finish."""
    return begin_packing(masks, spatial_dims, black_border, shape, name).finish()


def _first_invalid(values: npt.NDArray[Any], foreground: Any, background: Any) -> int:
    """The place in reading order of the first value that is neither of the two; there must be one."""
    start = 0
    pieces: Iterable[Any] = np.nditer(values, ["external_loop", "buffered"], order="C", buffersize=STAGED)
    for piece in pieces:
        wrong = (piece != foreground) & (piece != background)
        if wrong.any():
            return start + int(wrong.argmax())
        start += len(piece)
    raise AssertionError("all values are valid")
