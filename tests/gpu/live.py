"""How much memory tensors take at a time."""

import gc

from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Live(TorchDispatchMode):
    """Counts the bytes of tensors that operators of torch make, if they have at least so many: the most at once."""

    def __init__(self, *given, least=0):
        super().__init__()
        self.least = least
        self.known = {self.key(tensor) for tensor in given}
        self.living = {}
        self.most = 0

    @staticmethod
    def key(tensor):
        return tensor.untyped_storage()._cdata

    def __enter__(self):
        gc.freeze()  # or each collection takes long
        return super().__enter__()

    def __exit__(self, *error):
        super().__exit__(*error)
        gc.unfreeze()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        answers = function(*args, **(kwargs or {}))
        gc.collect()  # Triton's interpreter leaves circles that hold what it was called with
        self.living = {key: (ref, size) for key, (ref, size) in self.living.items() if not ref.expired()}
        for tensor in tree_leaves(answers):
            if hasattr(tensor, "untyped_storage") and self.key(tensor) not in self.known:
                storage = tensor.untyped_storage()
                if storage.nbytes() >= self.least:
                    self.living[self.key(tensor)] = StorageWeakRef(storage), storage.nbytes()
        self.most = max(self.most, sum(size for _, size in self.living.values()))
        return answers
