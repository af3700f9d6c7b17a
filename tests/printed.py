"""Whether a program prints what a page shows."""

import re

import pytest

DECIMAL = re.compile(r"\d+\.\d+")


def assert_printed(printed, shown):
    """Equal, but for a tenth of the decimal numbers: machines round differently, and training adds that up."""
    assert DECIMAL.sub("0.0", printed) == DECIMAL.sub("0.0", shown)
    numbers = [[float(number) for number in DECIMAL.findall(text)] for text in (printed, shown)]
    assert numbers[0] == pytest.approx(numbers[1], rel=0.1)
