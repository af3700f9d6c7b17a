"""Indices that stand for no pixel, where one is chosen for its logit."""

# What a threshold is at no pixel: the index that stands for it.
ABOVE_ALL, BELOW_ALL = -1, -2
