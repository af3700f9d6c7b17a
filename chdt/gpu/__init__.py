"""The wing of GPUs: the functions of the host's wing under the same names, in Triton, for tensors that are on one."""
