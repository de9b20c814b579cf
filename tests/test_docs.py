"""The pages in docs/: links work, and docs/notes.md defines every label that is used."""

import re
from xml.etree import ElementTree

import pytest
from helpers import ROOT
from pages import anchors

PAGES = sorted((ROOT / "docs").glob("*.md"))
LINKS = sorted(
    {
        (page.name, link)
        for page in PAGES
        for link in re.findall(r"\]\(([^):]+)\)", page.read_text(encoding="utf-8"))
    }
)


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_links(page, link):
    path, _, anchor = link.partition("#")
    target = ROOT / "docs" / (path or page)
    assert target.exists()
    if anchor:
        assert anchor in anchors(target)


def test_the_notes_define_s1_to_s9():
    assert {f"s{number}" for number in range(1, 10)} <= anchors(ROOT / "docs" / "notes.md")


def test_the_diagrams_are_those_of_the_script(monkeypatch):
    """Draw them again with `python docs/diagrams/draw.py`."""
    monkeypatch.syspath_prepend(ROOT / "docs" / "diagrams")
    from draw import files

    drawn = files()
    assert set(drawn) == {*(ROOT / "docs" / "diagrams").glob("*.svg")}
    for path, content in drawn.items():
        ElementTree.fromstring(content)
        assert path.read_text(encoding="utf-8") == content


@pytest.mark.parametrize("language", ["", ".zh-CN"])
def test_the_notes_show_every_diagram(language):
    notes = (ROOT / "docs" / f"notes{language}.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"\]\(diagrams/(.*?)\)", notes))
    assert shown == {path.name for path in (ROOT / "docs" / "diagrams").glob("*.svg")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_github_recognizes_the_formulas(page):
    """It does so only after a space, and not before a letter or a digit."""
    text = re.sub(r"`[^`]*`", "code", page.read_text(encoding="utf-8"))
    for match in re.finditer(r"(?s)(.)\$([^$\n]+)\$(.)", text):
        before, formula, after = match.groups()
        assert before.isspace(), formula
        assert not after.isalnum(), formula


def test_a_file_that_uses_the_labels_says_where_they_are_defined():
    code = [path for room in ("tf_seq2seq", "chapters") for path in (ROOT / room).rglob("*.py")]
    assert code
    for path in (*code, ROOT / "README.md", ROOT / "docs" / "results.md"):
        text = path.read_text(encoding="utf-8")
        if re.search(r"\bS[1-9]\b", text):
            assert "notes.md" in text, path


def test_every_chapter_is_in_the_readme_and_has_a_test():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    tests = "".join(path.name for path in (ROOT / "tests" / "chapters").glob("test_*.py"))
    for chapter in (ROOT / "chapters").glob("*.py"):
        assert f"chapters/{chapter.name}" in readme
        short = re.sub(r"^(ch\d\d_\d|beyond_\d).*", r"\1", chapter.stem)
        assert short in tests or short in ("ch09_6", "ch09_7", "ch09_8"), short
