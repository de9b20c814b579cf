"""Docstrings as reST, with equations as TeX: they are written to be read in a terminal.

    s_j = RNN(s_{j-1}, x_j),   x_j = y_{j-1}

An indented block is taken for equations if one of its columns, which three spaces or more separate,
contains nothing but symbols. The other columns are comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

GREEK = {"alpha", "beta", "epsilon", "pi"}
COMMANDS = {"sum", "exp", "log", "tanh", "cos", "min", "max"} | GREEK
NAMES = {
    *("BLEU", "chrF", "LSTM", "RNN", "activation", "columns", "context", "label", "learning_rate"),
    *(
        "logits",
        "logit",
        "loss",
        "lp",
        "mean",
        "perplexity",
        "rate",
        "rows",
        "score",
        "sigmoid",
        "size",
    ),
    *("softmax", "sqrt", "temperature"),
    *("peak", "start", "end", "warmup"),
}
WORDS = {"or", "and"}
_TOKEN = re.compile(
    r"""(?P<name>learning_rate|[A-Za-z]+)
    |(?P<index>[_^](?:\{[^}]*\}|[A-Za-z0-9]+|(?=\()))
    |(?P<arrow><-)|(?P<dots>\.\.\.)
    |(?P<rest>[\d\s.,;:()\[\]|+*/=~\-])""",
    re.VERBOSE,
)


def tex_of_block(lines: list[str]) -> list[str] | None:
    """Return the TeX of an indented block of a docstring; None if it holds no equation."""
    rows, found = [], False
    for line in lines:
        # An equation that is aligned with the others is one column.
        line = re.sub(r"\s+(=|~|<-)\s+", r" \1 ", line.strip())
        columns = []
        for column in _columns(line):
            tex = tex_of(column)
            found |= tex is not None and bool(re.search(r"=|~|<-|^-?sum", column))
            columns.append(rf"\text{{{_plain(column)}}}" if tex is None else tex)
        rows.append(r" && \quad ".join(columns))  # && leaves the right-aligned columns empty
    if not found:
        return None
    return [r"\begin{aligned}", *(rf"& {row} \\" for row in rows), r"\end{aligned}"]


def _columns(line: str) -> list[str]:
    label, rest = re.fullmatch(r"(\S+:(?=\s))?(.*)", line).groups()
    return [*([label] if label else []), *re.split(r"\s{3,}", rest.strip())]


def tex_of(equation: str) -> str | None:
    """Return the TeX of an equation; None if it contains anything but symbols."""
    parts, end = [], 0
    for token in _TOKEN.finditer(equation):
        if token.start() != end:
            return None
        end = token.end()
        part = _tex_of_token(token)
        if part is None:
            return None
        parts.append(part)
    return _roots("".join(parts)) if end == len(equation) and parts else None


def convert(lines: list[str]) -> Iterator[str]:
    """Return the lines of a docstring in reST, with its equations as `math` directives.

    Other indented blocks before the first section become literal blocks. Tables, fenced code and
    code spans are those of Markdown.
    """
    in_sections, block, block_kind = False, [], ""
    for line in [*lines, ""]:
        in_sections |= bool(re.match(r"[A-Z][a-z ]+:$", line))
        kind = _kind(line, block_kind, in_sections)
        if block_kind and kind != block_kind:
            yield from DIRECTIVES[block_kind](block)
            block = []
        if kind:
            block.append(line)
        elif block_kind != "fence":
            # After a code span, reST expects a space or a punctuation mark.
            yield re.sub(r"(`[^`]+`)(?=[=\w(])", r"\1\\ ", line)
        block_kind = kind


def _kind(line: str, before: str, in_sections: bool) -> str:
    """Return the kind of block that a line belongs to, given that of the line before."""
    if before == "fence":
        return "" if line == "```" else "fence"
    if line.startswith("```"):
        return "fence"
    if line.startswith("|"):
        return "table"
    indented = line.startswith("    ") or (before == "indented" and not line.strip())
    return "indented" if indented and not in_sections else ""


def _indented(block: list[str]) -> Iterator[str]:
    tex = tex_of_block([line for line in block if line.strip()])
    yield from [".. math::" if tex else "::", ""]
    yield from (f"    {line}" for line in tex) if tex else block
    yield ""


def _fence(block: list[str]) -> Iterator[str]:
    yield from [f".. code-block:: {block[0].removeprefix('```') or 'text'}", ""]
    yield from (f"    {line}" for line in block[1:])


def _table(block: list[str]) -> Iterator[str]:
    yield from [".. list-table::", "    :header-rows: 1", ""]
    for number, line in enumerate(block):
        if number != 1:  # the line below the header
            for i, cell in enumerate(re.split(r"(?<!\\)\|", line.strip().strip("|"))):
                yield f"    {'-' if i else '* -'} {cell.strip()}".replace("    - ", "      - ")
    yield ""


DIRECTIVES = {"indented": _indented, "fence": _fence, "table": _table}


def _tex_of_token(token: re.Match) -> str | None:
    text = token[0]
    if token["name"]:
        if len(text) == 1:
            return text
        if text in COMMANDS:
            return rf"\{text} "
        if text in WORDS:
            return rf"\ \text{{{text}}}\ "
        return rf"\operatorname{{{_plain(text)}}}" if text in NAMES else None
    if token["index"]:
        sign, index = text[0], text[1:].strip("{}")
        if sign == "^":
            index = rf"\{index}" if index in GREEK else index.replace("T", r"\top")
        return sign + (f"{{{index}}}" if index else "")
    if token["arrow"]:
        return r"\leftarrow "
    if token["dots"]:
        return r"\dots "
    return {"~": r"\sim ", "*": r"\cdot "}.get(text, text)


def _roots(tex: str) -> str:
    """Replace `sqrt(...)` by a root over the same."""
    while (start := tex.find(r"\operatorname{sqrt}(")) >= 0:
        first = start + len(r"\operatorname{sqrt}(")
        depth, end = 1, first
        while depth and end < len(tex):
            depth += {"(": 1, ")": -1}.get(tex[end], 0)
            end += 1
        tex = rf"{tex[:start]}\sqrt{{{tex[first : end - 1]}}}{tex[end:]}"
    return tex


def _plain(words: str) -> str:
    return re.sub(r"([_&%#$^{}])", r"\\\1", words.replace("`", ""))
