"""Update the catalogs that hold the chapters' text in Chinese:    make catalogs

    python tools/catalogs.py                all catalogs
    python tools/catalogs.py ch08_1         those of the chapters whose names begin like this;
                                            creates the missing ones

A catalog is docs/locale/zh_CN/LC_MESSAGES/NAME.po, in the format of gettext. A message is a
heading, a paragraph, an item of a list, a table or an indented block of a chapter. When a message
changes, its translation is marked as fuzzy. The page shows it in English, as it does a new one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jupytext
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po
from markdown_it import MarkdownIt
from notebooks import CHAPTERS, PAGES, ROOT, notebook_of

CATALOGS = ROOT / "docs" / "locale" / "zh_CN" / "LC_MESSAGES"
PARSER = MarkdownIt().enable("table")
# Without the dates and the addresses that Babel would write.
HEADER = """msgid ""
msgstr ""
"Language: zh_CN\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


class Block(NamedTuple):
    """A piece of Markdown that is translated as a whole."""

    start: int
    """Its first line."""
    end: int
    """The line after its last."""
    message: str
    """Its text; that of a paragraph is one line, however it was wrapped."""
    prefix: str
    """What precedes the text: the marks of a heading or an item, or the indentation."""

    def lines(self, text: str) -> list[str]:
        """Return the lines of the block with another text."""
        first, *others = text.split("\n")
        indent = " " * len(self.prefix)
        return [self.prefix + first, *((indent + line).rstrip() for line in others)]


def blocks(text: str) -> Iterator[Block]:
    """Yield the blocks of a text in Markdown, from top to bottom."""
    lines = text.split("\n")
    end_of_table = 0
    for token in PARSER.parse(text):
        if token.map is None or token.map[0] < end_of_table:
            continue
        start, end = token.map
        if token.type == "inline":
            first = token.content.partition("\n")[0]
            prefix = lines[start][: lines[start].index(first)]
            yield Block(start, end, " ".join(token.content.split()), prefix)
        elif token.type == "code_block":
            yield Block(start, end, token.content.rstrip("\n"), " " * 4)
        elif token.type == "table_open":
            end_of_table = end
            yield Block(start, end, "\n".join(lines[start:end]).rstrip(), "")


def messages(notebook: Any) -> list[str]:
    """Return the messages of a chapter, in its order."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return [block.message for text in texts for block in blocks(text)]


def translate(text: str, catalog: Catalog) -> str:
    """Return a text in Markdown with those of its blocks translated that a catalog has."""
    lines = text.split("\n")
    for block in reversed(list(blocks(text))):
        entry = catalog.get(block.message)
        if entry and entry.string and not entry.fuzzy:
            lines[block.start : block.end] = block.lines(entry.string)
    return "\n".join(lines)


def entries(catalog: Catalog) -> list[Message]:
    """Return the messages of a catalog with their translations, without its header."""
    return [entry for entry in catalog if entry.id]


def path_of(name: str) -> Path:
    """Return the path of a chapter's catalog."""
    return CATALOGS / f"{name}.po"


def read(name: str) -> Catalog:
    """Return the catalog of a chapter; an empty one if it has none."""
    path = path_of(name)
    if not path.exists():
        return Catalog("zh_CN", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, "zh_CN", abort_invalid=True)


def update(catalog: Catalog, notebook: Any) -> None:
    """Give a catalog the messages of a chapter, and mark changed ones as fuzzy."""
    template = Catalog()
    for message in messages(notebook):
        template.add(message)
    catalog.update(template)


def write(catalog: Catalog, name: str) -> None:
    """Write the catalog of a chapter."""
    for entry in entries(catalog):
        # Babel takes each percent sign and each brace for a place that a program fills in.
        entry.flags -= {"python-format", "python-brace-format"}
    CATALOGS.mkdir(parents=True, exist_ok=True)
    with path_of(name).open("wb") as file:
        file.write(HEADER.encode())
        write_po(file, catalog, width=96, omit_header=True)


def write_pages() -> None:
    """Write the Chinese pages, with what the cells print and plot on the English ones."""
    for path in sorted(CATALOGS.glob("*.po")):
        notebook = jupytext.read(PAGES / f"{path.stem}.ipynb")
        catalog = read(path.stem)
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = translate(cell.source, catalog)
        first = notebook.cells[0]
        first.source = first.source.replace("[Open in Colab]", "[在 Colab 中打开]")
        first.source = first.source.replace(f"/{path.stem}.ipynb)", f"/{path.stem}.zh-CN.ipynb)")
        page = PAGES / f"{path.stem}.zh-CN.ipynb"
        text = jupytext.writes(notebook, fmt="ipynb")
        # Sphinx reads pages again whose files are newer.
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def main(beginnings: list[str]) -> None:
    """Update the catalogs of the chapters whose names begin with some words; all without words."""
    if beginnings:
        scripts = [path for path in CHAPTERS if path.stem.startswith(tuple(beginnings))]
    else:
        scripts = [path for path in CHAPTERS if path_of(path.stem).exists()]
    if not scripts:
        raise SystemExit(f"No chapter begins with {' or '.join(beginnings)}.")
    for script in scripts:
        catalog = read(script.stem)
        update(catalog, notebook_of(script))
        write(catalog, script.stem)
        missing = sum(not entry.string for entry in entries(catalog))
        fuzzy = sum(entry.fuzzy for entry in entries(catalog))
        print(
            f"{script.stem}: {len(catalog)} messages, {missing} not translated, {fuzzy} fuzzy, "
            f"{len(catalog.obsolete)} obsolete"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
