"""What runs on a GPU, in Triton. Imported only where it is used, as Triton is not everywhere."""
