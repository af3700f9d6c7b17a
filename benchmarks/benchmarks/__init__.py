"""Benchmarks of chdt, one module per question; workloads.py has the masks, peers.py the others that are timed."""
