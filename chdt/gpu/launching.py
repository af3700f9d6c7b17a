"""How many programs a launch has, and how much each of them does."""

BLOCK = 1024  # elements of one program, where they need nothing of each other

PLACES, AT_ONCE = 64, 32  # of an axis, in a program: those whose levels it finds, and those it compares them with


def tiles_of(elements: int) -> int:
    """Programs for so many elements."""
    return -(-elements // BLOCK)
