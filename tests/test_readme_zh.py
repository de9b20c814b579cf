"""README.zh-CN.md says the same as README.md: the same code, figures, links and headings."""

import re

import pytest
from helpers import ROOT


def sections(name):
    """Return for each section the level of its heading, and what no translation changes."""
    text = (ROOT / name).read_text(encoding="utf-8")
    blocks = re.findall(r"^```.*?^```$", text, re.MULTILINE | re.DOTALL)
    # A heading within a block of code is none.
    text = re.sub(r"^```.*?^```$", "CODE", text, flags=re.MULTILINE | re.DOTALL)
    found = []
    for part in re.split(r"^(?=##? )", text, flags=re.MULTILINE)[1:]:
        level = len(part) - len(part.lstrip("#"))
        links = [link.replace(".zh-CN", "") for link in re.findall(r"\]\(([^)]*)\)", part)]
        prose = re.sub(r"\]\([^)]*\)", "", part)
        names = set(re.findall(r"`([^`]+)`", prose))
        found.append(
            {
                "level": level,
                "blocks": part.count("CODE"),
                # Those within the page are named after its headings.
                "links": sorted(link for link in links if link[0] != "#" and "README" not in link),
                "names": {" ".join(name.split()) for name in names},
                "figures": sorted(re.findall(r"\d+(?:[.,]\d+)*", prose)),
                # In a table and between pictures, the order does not depend on the language.
                "rows": [
                    re.findall(r"\d+(?:[.,]\d+)*", row)
                    for row in re.findall(r"^\|.*", prose, re.MULTILINE)
                ],
                "pictures": re.findall(r"!\[[^\]]*\]\(([^)]*)\)", part),
                "paragraphs": len([text for text in part.split("\n\n") if text.strip()]),
                "items": len(re.findall(r"^- ", part, re.MULTILINE)),
            }
        )
    return found, blocks


ENGLISH, CHINESE = sections("README.md"), sections("README.zh-CN.md")


def test_the_same_code():
    assert CHINESE[1] == ENGLISH[1]


def test_as_many_sections():
    assert len(CHINESE[0]) == len(ENGLISH[0]) > 10


@pytest.mark.parametrize("number", range(len(ENGLISH[0])))
@pytest.mark.parametrize("what", ENGLISH[0][0])
def test_the_same_in_each_section(number, what):
    assert CHINESE[0][number][what] == ENGLISH[0][number][what]


def links_within(name):
    """Return the links within a page, as the numbers of the headings that they lead to."""
    text = (ROOT / name).read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    slugs = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
    return [slugs.index(link) for link in re.findall(r"\]\(#([^)]*)\)", text)]


def test_links_within_the_page():
    assert links_within("README.zh-CN.md") == links_within("README.md") != []
