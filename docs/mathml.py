"""Formulas as MathML, which browsers draw by themselves: no script, no font and no network is needed."""

import re
from html import escape
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)
TAG = re.compile(r"\\tag\{(.*?)\}")  # the number of an equation; docutils does not know the command


def convert(node: nodes.Element, formula: str, display: bool) -> str:
    """One formula; what docutils cannot read is a warning, and shown as it is written."""
    try:
        return str(tex2mathml(formula, as_block=display))
    except MathError as error:
        logger.warning("formula %s: %s", formula, error, location=node, type="math")
        return escape(formula)


def inline_formula(self: Any, node: nodes.math) -> None:
    """A formula in a line of text."""
    self.body.append(f'<span class="math">{convert(node, node.astext(), False)}</span>')
    raise nodes.SkipNode


def displayed_formula(self: Any, node: nodes.math_block) -> None:
    """A formula of its own line, with its number if it has one. Keyboards can scroll it where it is too wide."""
    formula, tag = node.astext(), TAG.search(node.astext())
    number = f'<span class="eqno">({tag[1]})</span>' if tag else ""
    body = convert(node, TAG.sub("", formula).strip(), True)
    self.body.append(f'<div class="math" tabindex="0" role="group" aria-label="Formula">{body}{number}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the renderer, to be chosen by ``html_math_renderer``."""
    app.add_html_math_renderer("mathml", (inline_formula, None), (displayed_formula, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
