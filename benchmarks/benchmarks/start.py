"""How long importing chdt takes, and the first call in a process.

Each sample is a Python process of its own; starting Python itself is not counted.
"""

import numpy as np

import chdt

FUNCTIONS = ("object_size", "distance_transform", "flip_sizes")


class Import:
    """Seconds to import chdt, and of them what its dependencies take."""

    params = (["import numba, numpy, torch", "import chdt"],)
    param_names = ("statement",)

    def timeraw_import(self, statement: str) -> str:
        return statement


class FirstCall:
    """Seconds of the first call of a function, on a few small masks, after chdt was imported.

    Its kernels come from Numba's cache, or, where that is empty, are compiled.
    """

    params = (FUNCTIONS, ["warm", "empty"])
    param_names = ("function", "cache")
    rounds = 1
    repeat = (1, 5, 60.0)
    timeout = 600

    def setup(self, function: str, cache: str) -> None:
        getattr(chdt, function)(-np.ones((4, 48, 32), np.float32))  # leaves its kernels in the cache

    def timeraw_first_call(self, function: str, cache: str) -> tuple[str, str]:
        empty = """
            import os, tempfile
            folder = tempfile.TemporaryDirectory()
            os.environ["NUMBA_CACHE_DIR"] = folder.name
        """
        imports = """
            import numpy, chdt
            masks = -numpy.ones((4, 48, 32), numpy.float32)
        """
        return f"chdt.{function}(masks)", (empty if cache == "empty" else "") + imports
