"""What the tests of the documentation read from pages in Markdown."""

import re

from helpers import ROOT

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)

FIGURE = re.compile(r"\d+(?:[.,]\d+)*")


def slugs(page) -> list[str]:
    """Return the anchor of each heading of a page, as GitHub makes them."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


def anchors(page) -> set[str]:
    """Return the anchors of a page: those given explicitly and those of its headings."""
    text = page.read_text(encoding="utf-8")
    return {*slugs(page), *re.findall(r'<a id="([^"]+)"></a>', text)}


def place(page, link) -> str:
    """Return where a link leads to, without the language: a file and the number of a heading."""
    path, _, anchor = link.partition("#")
    if ":" in link:
        return link
    target = (page.parent / path).resolve() if path else page
    if anchor and anchor in slugs(target):
        anchor = str(slugs(target).index(anchor))
    return f"{target.relative_to(ROOT)}#{anchor}".replace(".zh-CN", "")


def links(page, text) -> list[str]:
    """Return where the links of a text lead to, without the language."""
    return [place(page, link) for link in re.findall(r"\]\(([^)]*)\)", text)]


def links_to_english_pages(page, text) -> list[str]:
    """Return the links of a Chinese text to pages that exist in Chinese, except to its own."""
    found = []
    for link in re.findall(r"\]\(([^):#]+)", text):
        target = (page.parent / link).resolve()
        translated = target.with_name(target.name.replace(".md", ".zh-CN.md"))
        if target not in (translated, page, page.with_name(page.name.replace(".zh-CN", ""))):
            found += [link] * translated.exists()
    return found


def code_spans(text) -> set[str]:
    """Return the code spans of a text, wherever their lines are broken."""
    return {" ".join(name.split()) for name in re.findall(r"`([^`]+)`", text)}
