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
                "rows": len(re.findall(r"^\|", part, re.MULTILINE)),
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
@pytest.mark.parametrize("what", ["level", "blocks", "links", "names", "figures", "rows", "items"])
def test_the_same_in_each_section(number, what):
    assert CHINESE[0][number][what] == ENGLISH[0][number][what]


def test_links_within_the_page():
    text = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = re.findall(r"\]\(#([^)]*)\)", text)
    assert links
    assert set(links) <= slugs
