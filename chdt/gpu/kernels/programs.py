"""What part of the work a program does."""

import triton
import triton.language as tl


@triton.jit
def number_of(program):
    """Which part to do: the one that a program which does several of them says, else that of this program."""
    return tl.program_id(0).to(tl.int64) if program is None else program
