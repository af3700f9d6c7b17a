"""The dtypes of masks, sizes and answers, and the unsigned integers that have as many bits."""

import numpy as np
import torch

WORD_OF_SIZE = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}

SAME_SIZE = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}

TENSOR_DTYPES = (
    torch.bool, torch.int8, torch.int16, torch.int32, torch.int64,
    torch.float16, torch.bfloat16, torch.float32, torch.float64,
)  # fmt: skip

UNSIGNED_TENSORS = (torch.uint8, torch.uint16, torch.uint32, torch.uint64)

NUMBERS = TENSOR_DTYPES + UNSIGNED_TENSORS

FLOATS = (np.float32, np.float64, torch.float32, torch.float64)

FLOAT_DIGITS = {torch.float16: 11, torch.bfloat16: 8, torch.float32: 24, torch.float64: 53}  # bits of a significand
