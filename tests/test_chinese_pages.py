"""Each page in Chinese says the same as that in English: code, figures, links, equations."""

import re

import pytest
from helpers import ROOT
from pages import FENCED, FIGURE, code_spans, links, links_to_english_pages, place

PAGES = [path for path in ROOT.rglob("*.zh-CN.md") if path.name != "index.zh-CN.md"]
PAIRS = {
    page.relative_to(ROOT).as_posix(): (page.with_name(page.name.replace(".zh-CN", "")), page)
    for page in sorted(PAGES)
    if not {".venv", "build"} & {*page.relative_to(ROOT).parts}
}


def sections(page):
    """Return for each section the level of its heading, and what no translation changes."""
    text = page.read_text(encoding="utf-8")
    blocks = FENCED.findall(text)
    # A heading within a block of code is none.
    text = FENCED.sub("CODE", text)
    itself = place(page, "#")
    found = []
    for part in re.split(r"^(?=#+ )", text, flags=re.MULTILINE)[1:]:
        equations = re.findall(r"\$\$\n(.*?)\n\$\$", part, re.DOTALL)
        prose = re.sub(r"\$\$\n.*?\n\$\$", "", part, flags=re.DOTALL)
        prose = re.sub(r"\]\([^)]*\)", "", prose)
        found.append(
            {
                "level": len(part) - len(part.lstrip("#")),
                "blocks": part.count("CODE"),
                "anchors": re.findall(r'<a id="(.*?)"></a>', part),
                "equations": equations,
                "formulas": set(re.findall(r"\$([^$\n]+)\$", prose)),
                # Each version links to the other.
                "links": sorted(link for link in links(page, part) if link != itself),
                # Error messages and examples, which readers search for.
                "quotes": sorted(re.findall(r'"([^"]+)"', re.sub(r"`[^`]*`", "", prose))),
                "names": code_spans(prose),
                "figures": sorted(FIGURE.findall(prose)),
                # In a table and between pictures, the order does not depend on the language.
                "rows": [FIGURE.findall(row) for row in re.findall(r"^\|.*", prose, re.MULTILINE)],
                "pictures": re.findall(r"!\[[^\]]*\]\(([^)]*)\)", part),
                "paragraphs": len([text for text in part.split("\n\n") if text.strip()]),
                "items": len(re.findall(r"^(?:-|\d+\.) ", part, re.MULTILINE)),
            }
        )
    return found, blocks


READ = {name: (sections(english), sections(chinese)) for name, (english, chinese) in PAIRS.items()}


def test_these_pages_exist_in_both_languages():
    names = {name.replace(".zh-CN.md", "") for name in PAIRS}
    assert names >= {
        "README",
        *(f"docs/{name}" for name in ("faq", "guide", "migration", "notes", "serving")),
    }


@pytest.mark.parametrize("name", PAIRS)
def test_the_same_code(name):
    english, chinese = READ[name]
    assert chinese[1] == english[1]


@pytest.mark.parametrize("name", PAIRS)
def test_as_many_sections(name):
    english, chinese = READ[name]
    assert len(chinese[0]) == len(english[0]) > 5


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("what", READ["README.zh-CN.md"][0][0][0])
def test_the_same_in_each_section(name, what):
    english, chinese = READ[name]
    for number, (section, translation) in enumerate(zip(english[0], chinese[0], strict=True)):
        assert translation[what] == section[what], f"section {number}"


@pytest.mark.parametrize("name", PAIRS)
def test_each_links_to_the_other(name):
    english, chinese = PAIRS[name]
    assert f"]({chinese.name})" in english.read_text(encoding="utf-8")
    assert f"]({english.name})" in chinese.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAIRS)
def test_it_links_to_chinese_pages_where_there_are_some(name):
    _, chinese = PAIRS[name]
    assert not links_to_english_pages(chinese, chinese.read_text(encoding="utf-8"))
