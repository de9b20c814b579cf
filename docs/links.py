"""Links and anchors of the Markdown pages: written for GitHub, and changed for the site."""

from __future__ import annotations

import re
from pathlib import Path

from mdit_py_plugins.anchors.index import slugify

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
FRONT = {"README.md": "index.md", "README.zh-CN.md": "index.zh-CN.md"}
"""Each README and the page of the site that begins with it."""
EXPLORER = "explorer"
"""The folder of the site with the translation explorer."""


def slug(heading: str) -> str:
    """Return the anchor of a heading: GitHub's, except `s1` to `s9` in the notes."""
    label = re.match(r"S\d(?=[:：])", heading)
    return label[0].lower() if label else slugify(heading)


def rewrite_links(text: str, folder: Path, depth: int, chinese: bool = False) -> str:
    """Return a page whose links to chapters and modules lead to their pages on the site.

    Args:
        text: the page, in Markdown.
        folder: the folder that its links are relative to.
        depth: the number of folders between docs/ and the page.
        chinese: lead to the Chinese pages of the chapters that have one.
    """
    up = "../" * depth

    def rewrite(match):
        label, link = match.groups()
        target, hash_sign, anchor = link.partition("#")
        path = (folder / target).resolve()
        if not path.exists() or not path.is_relative_to(ROOT):
            return match[0]  # Sphinx will report it
        match path.relative_to(ROOT).parts:
            case ("docs", *rest) if rest:
                return f"[{label}]({up}{'/'.join(rest)}{hash_sign}{anchor})"
            case (readme,) if readme in FRONT:
                return f"[{label}]({up}{FRONT[readme]}{hash_sign}{anchor})"
            case ("chapters", name) if name.endswith(".py"):
                page = f"chapters/{path.stem}.zh-CN.ipynb"
                if not (chinese and (HERE / page).exists()):
                    page = f"chapters/{path.stem}.ipynb"
                return f"[{label}]({up}{page})"
            case ("saved_models", "demo", "index.html"):
                language = "?lang=zh" if chinese else ""
                return f'<a href="{up}{EXPLORER}/index.html{language}">{label}</a>'
            case ("chapters",):
                return f"[{label}]({up}chapters.md)"
            case ("tf_seq2seq", package, *_) if (
                HERE / "api" / f"{Path(package).stem}.md"
            ).exists():
                return f"[{label}]({up}api/{Path(package).stem}.md)"
            case ("tf_seq2seq", *_):
                return f"[{label}]({up}api/tf_seq2seq.md)"
        if path.is_file():
            return f"{{download}}`{label.replace('`', '')} <{up}../{path.relative_to(ROOT)}>`"
        return label  # a folder has no page

    return re.sub(r"\[([^\]]*)\]\(((?![a-z]+:|#)[^)\s]+)\)", rewrite, text)
