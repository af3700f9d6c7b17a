"""The README's code runs as it stands, and prints what the README says."""

import contextlib
import io
import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_readme():
    blocks = re.findall(r"^```(python|text)\n(.*?)^```$", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    namespace, printed = {}, ""
    for language, text in blocks:
        if language == "text":
            assert printed == text
            continue
        with contextlib.redirect_stdout(io.StringIO()) as output:
            exec(compile(text, str(README), "exec"), namespace)
        printed = output.getvalue()
    assert [language for language, _ in blocks].count("text") == 1
    assert "loss" in namespace
