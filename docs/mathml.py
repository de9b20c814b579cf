"""Equations as MathML, which browsers draw themselves, without a script from another host."""

from __future__ import annotations

import re

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml


def mathml(tex: str, as_block: bool = False) -> str:
    """Return the MathML of an equation.

    Raises:
        docutils.utils.math.MathError: if it has a command that docutils does not know.
    """
    found = tex2mathml(tex.replace(r"\dots", r"\ldots"), as_block=as_block)
    # Docutils leaves these marks in names and texts, and its table needs a style sheet.
    found = re.sub(r"\\(&amp;|[_%#$^{}])", r"\1", found)
    return found.replace("<mtd>", '<mtd style="text-align: left">')


def show_inline(translator, node) -> None:
    """Write an equation within a sentence, and leave out its child, which is the source."""
    translator.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def show_block(translator, node) -> None:
    """Write an equation that stands by itself."""
    translator.body.append(f'<div class="math">{mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode
