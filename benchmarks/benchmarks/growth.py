"""How the time grows with the radius of the object, and with the density of foreground."""

from benchmarks.peers import prepare_or_skip
from benchmarks.workloads import DENSITIES, RADII

IMPLS = {
    "object_size": ("chdt", "opencv loop"),
    "distance_transform": ("chdt", "opencv loop"),
    "flip_sizes": ("chdt",),
}
CALLS = [f"{function}, {impl}" for function, impls in IMPLS.items() for impl in impls]


class Radius:
    """Seconds for an image of 2048 x 2048 with one square, one thread."""

    params = (list(RADII), CALLS)
    param_names = ("workload", "call")

    def setup(self, workload: str, call: str) -> None:
        function, impl = call.split(", ")
        self.call = prepare_or_skip(function, impl, (RADII | DENSITIES)[workload], "bool", 1)

    def time_call(self, workload: str, call: str) -> None:
        self.call()


class Density(Radius):
    """Seconds for an image of 2048 x 2048 pixels of independent noise, one thread."""

    params = (list(DENSITIES), CALLS)
