"""What the tests of the documentation read from pages in Markdown."""

import re

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def slugs(page) -> list[str]:
    """Return the anchor of each heading of a page, as GitHub makes them."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


def anchors(page) -> set[str]:
    """Return the anchors of a page: those given explicitly and those of its headings."""
    text = page.read_text(encoding="utf-8")
    return {*slugs(page), *re.findall(r'<a id="([^"]+)"></a>', text)}
