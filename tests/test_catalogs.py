"""The chapters in Chinese: complete, with the figures, code, equations and links of the scripts."""

import re

import pytest
from helpers import ROOT
from pages import FIGURE, code_spans, links, links_to_english_pages

for module in ("babel", "jupytext", "markdown_it", "nbclient"):
    pytest.importorskip(module, reason="the extra `notebooks` is not installed")

NAMES = sorted(path.stem for path in (ROOT / "docs" / "locale").rglob("*.po"))
EXAMPLE = """\
# A title

A paragraph
of two lines.

    x_t = y   an equation
          z

1. The first
   item.
2. The second.

| a | b |
|---|---|
| c | d |

The end."""


@pytest.fixture
def catalogs(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    import catalogs

    return catalogs


@pytest.fixture
def catalog(catalogs):
    """The catalog of the example, in which each translation is the text in capitals."""
    catalog = catalogs.Catalog(fuzzy=False)
    for block in catalogs.blocks(EXAMPLE):
        catalog.add(block.message, block.message.upper())
    return catalog


def notebook(*texts):
    from nbformat.v4 import new_markdown_cell, new_notebook

    return new_notebook(cells=[new_markdown_cell(text) for text in texts])


def unchanged(chapter, text):
    """Return what no translation changes: figures, code, symbols of equations and links."""
    prose = re.sub(r"\]\([^)]*\)", "]", text)
    return {
        "figures": sorted(FIGURE.findall(prose)),
        "code": code_spans(prose),
        "options": set(re.findall(r"--[a-z-]+", text)),
        "symbols": set(re.findall(r"[A-Za-z]+'?_(?:\{[^}]*\}|[A-Za-z0-9]+)", prose)),
        "equals signs": prose.count("="),
        "brackets": [prose.count(bracket) for bracket in "[]{}"],
        "lines of a table": [line.count("|") for line in text.split("\n") if "|" in line],
        "links": sorted(links(chapter, text)),
    }


def test_these_chapters_are_translated():
    patterns = ("ch*.py", "beyond_*.py")
    chapters = {path.stem for each in patterns for path in (ROOT / "chapters").glob(each)}
    assert {*NAMES} >= {"minimal", "quickstart"} | chapters


@pytest.mark.parametrize("name", NAMES)
def test_complete(catalogs, name):
    (script,) = (path for path in catalogs.CHAPTERS if path.stem == name)
    catalog = catalogs.read(name)
    found = {entry.id: entry for entry in catalogs.entries(catalog)}
    needed = catalogs.messages(catalogs.notebook_of(script))
    assert [*found] == [*dict.fromkeys(needed)], "run `make catalogs`, then translate"
    assert [id for id, entry in found.items() if not entry.string] == []
    assert [id for id, entry in found.items() if entry.fuzzy] == []
    assert [*catalog.obsolete] == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_else_differs(catalogs, name):
    script = ROOT / "chapters" / f"{name}.py"
    for entry in catalogs.entries(catalogs.read(name)):
        assert unchanged(script, entry.string) == unchanged(script, entry.id), entry.id
        assert not links_to_english_pages(script, entry.string)


def test_a_translation(catalogs, catalog):
    assert (
        catalogs.translate(EXAMPLE, catalog)
        == """\
# A TITLE

A PARAGRAPH OF TWO LINES.

    X_T = Y   AN EQUATION
          Z

1. THE FIRST ITEM.
2. THE SECOND.

| A | B |
|---|---|
| C | D |

THE END."""
    )


def test_another_wrapping_changes_nothing(catalogs, catalog):
    catalogs.update(catalog, notebook(EXAMPLE.replace("paragraph\nof", "paragraph of")))
    assert not any(entry.fuzzy for entry in catalogs.entries(catalog))
    assert "A PARAGRAPH OF TWO LINES." in catalogs.translate(EXAMPLE, catalog)


def test_a_changed_paragraph_is_fuzzy_and_shown_in_english(catalogs, catalog):
    changed = EXAMPLE.replace("two lines", "three lines").replace("The end.", "")
    catalogs.update(catalog, notebook(changed, "A new cell is not translated."))
    fuzzy = [entry.id for entry in catalogs.entries(catalog) if entry.fuzzy]
    assert fuzzy == ["A paragraph of three lines."]
    assert not catalog.get("A new cell is not translated.").string
    assert [*catalog.obsolete] == ["The end."]
    translation = catalogs.translate(changed, catalog)
    assert "A paragraph\nof three lines." in translation and "THE FIRST" in translation


def test_a_catalog_is_written_as_it_was_read(catalogs, tmp_path, monkeypatch):
    before = catalogs.path_of("minimal").read_text(encoding="utf-8")
    catalog = catalogs.read("minimal")
    catalogs.update(catalog, catalogs.notebook_of(ROOT / "chapters" / "minimal.py"))
    monkeypatch.setattr(catalogs, "CATALOGS", tmp_path)
    catalogs.write(catalog, "minimal")
    assert (tmp_path / "minimal.po").read_text(encoding="utf-8") == before


def test_a_translated_change_leaves_no_trace(catalogs, catalog, tmp_path, monkeypatch):
    monkeypatch.setattr(catalogs, "CATALOGS", tmp_path)
    catalogs.update(catalog, notebook(EXAMPLE.replace("two lines", "three lines")))
    catalogs.write(catalog, "example")
    path = catalogs.path_of("example")
    text = path.read_text(encoding="utf-8")
    assert text.count("#, fuzzy") == 1
    path.write_text(text.replace("#, fuzzy\n", ""), encoding="utf-8")
    catalogs.write(catalogs.read("example"), "example")
    assert "#" not in path.read_text(encoding="utf-8")


def test_a_page_keeps_its_outputs(catalogs, tmp_path, monkeypatch):
    import jupytext
    from nbformat.v4 import new_code_cell, new_output

    page = notebook("# Ids\n\nText.\n\n[Open in Colab](https://host/minimal.ipynb)")
    page.cells.append(new_code_cell("print(1)", outputs=[new_output("stream", text="1\n")]))
    jupytext.write(page, tmp_path / "minimal.ipynb")
    monkeypatch.setattr(catalogs, "PAGES", tmp_path)
    monkeypatch.setattr(catalogs, "CATALOGS", tmp_path)
    catalog = catalogs.Catalog(fuzzy=False)
    catalog.add("Ids", "编号")
    catalogs.write(catalog, "minimal")
    catalogs.write_pages()
    first, code = jupytext.read(tmp_path / "minimal.zh-CN.ipynb").cells
    assert first.source == "# 编号\n\nText.\n\n[在 Colab 中打开](https://host/minimal.zh-CN.ipynb)"
    assert code.outputs[0].text == "1\n"
