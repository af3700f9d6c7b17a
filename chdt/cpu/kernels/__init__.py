"""What Numba compiles: one idea a file. Kernels take plain arrays that were checked, and know nothing of torch."""
