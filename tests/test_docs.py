"""The pages in docs/: links work, and docs/notes.md defines every label that is used."""

import re
from xml.etree import ElementTree

import pytest
from helpers import ROOT

from tf_seq2seq.evaluation import bleu, chrf

PAGES = sorted((ROOT / "docs").glob("*.md"))
LINKS = sorted(
    {
        (page.name, link)
        for page in PAGES
        for link in re.findall(r"\]\(([^):]+)\)", page.read_text(encoding="utf-8"))
    }
)


def anchors(page) -> set[str]:
    """Return the anchors of a page: those given explicitly and those of its headings."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)"></a>', text))


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


def contents(page) -> dict[str, object]:
    """Return what a page has in common with its translation."""
    text = page.read_text(encoding="utf-8")
    displayed = re.findall(r"\$\$\n(.*?)\n\$\$", text, re.DOTALL)
    text = re.sub(r"\$\$\n.*?\n\$\$", "", text, flags=re.DOTALL)
    links = set(re.findall(r"\]\(([^)]+)\)", text))
    return {
        "labels": re.findall(r'<a id="(.*?)"></a>', text),
        "equations": displayed,
        "formulas": set(re.findall(r"\$([^$\n]+)\$", text)),
        "links": links - {"#sources", "#资料", "notes.md", "notes.zh-CN.md"},
    }


def test_the_notes_say_the_same_in_both_languages():
    english, chinese = (contents(ROOT / "docs" / f"notes{x}.md") for x in ("", ".zh-CN"))
    assert len(english["equations"]) > 10
    assert english == chinese


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


def test_when_bleu_is_0():
    """As docs/faq.md says: nothing in common, or nothing as long as four words."""
    assert bleu(["x y z u v"], ["a b c d e"]).value == 0
    assert bleu(["a b c"], ["a b c"]).value == 0 < chrf(["a b c"], ["a b c"]).value
    assert bleu(["a b c x d e f"], ["a b c y d e f"]).value > 0  # without four in a row
