"""Whether torch only traces a call: then there are no values to look at."""

import torch
from torch._C._functorch import is_functorch_wrapped_tensor
from torch._subclasses import FakeTensor
from torch._subclasses.functional_tensor import FunctionalTensor


def is_traced(masks: object) -> bool:
    """Whether this is a tensor without values of its own, while torch compiles, exports or transforms a function.

    The operators of operators.py are for these; for any other tensor they would only cost time.
    """
    return isinstance(masks, torch.Tensor) and (
        torch.compiler.is_compiling() or is_functorch_wrapped_tensor(masks) or isinstance(masks, WITHOUT_VALUES)
    )


WITHOUT_VALUES = (FakeTensor, FunctionalTensor)
