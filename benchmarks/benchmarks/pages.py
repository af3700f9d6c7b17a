"""Tables that scripts write into pages, between two marks."""

import re


def with_table(page: str, mark: str, table: str, name: str) -> str:
    """The text of a page with a table in place of what is between its marks; ``name`` is for the error."""
    marks = re.compile(rf"(?<=<!-- {mark} -->\n).*?(?=<!-- /{mark} -->)", re.DOTALL)
    if len(marks.findall(page)) != 1:
        raise ValueError(f"{name} should have <!-- {mark} --> and <!-- /{mark} --> once")
    return marks.sub(lambda _: table, page)
