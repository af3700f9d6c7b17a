"""What stands for no pixel, in the place of the index of one."""

# What a threshold is at no pixel: the index that stands for it.
ABOVE_ALL, BELOW_ALL = -1, -2
