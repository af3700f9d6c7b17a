"""The host's wing: a packed batch in, an answer out, by kernels of Numba on several threads."""
