"""No kernel reads or writes outside of its memory: every buffer ends, or begins, at a page that must not be touched.

Whatever touches such a page ends the process, so all of it runs in one of its own: `guarded.py`.
"""

import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="protects pages as Linux does")

RUN = "import sys\nimport guarded\nguarded.main(sys.argv[1])"


@pytest.mark.parametrize("amount", ["few", pytest.param("many", marks=pytest.mark.long)])
def test_guarded_buffers(python, amount):
    assert python(RUN, amount, timeout=3000).startswith("ok")


def test_a_guard_ends_the_process(python):
    with pytest.raises(AssertionError, match="exit status -11"):
        python(RUN, "break")
