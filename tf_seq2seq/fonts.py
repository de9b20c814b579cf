"""Fonts for the labels of plots, in any script.

matplotlib takes each character from the first font of a list that has it. This module only lists
the installed families, and warns about characters that none of them has.
"""

from __future__ import annotations

import functools
import warnings

import matplotlib
from matplotlib import font_manager
from matplotlib.font_manager import FontProperties

from tf_seq2seq.files import DAMAGED

# Families with Chinese characters, sans serif first.
FAMILIES = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Noto Sans CJK JP",  # matplotlib's name for the collection of all languages
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "Heiti TC",
    "STHeiti",
    "Microsoft YaHei",
    "SimHei",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
    "Noto Serif CJK SC",
    "Noto Serif CJK JP",
    "SimSun",
    "AR PL UMing CN",
    "AR PL UKai CN",
)


def families() -> list[str]:
    """Return the families to draw labels with: matplotlib's default, then those of `FAMILIES`."""
    installed = {face.name for face in font_manager.fontManager.ttflist}
    return [*matplotlib.rcParams["font.family"], *(f for f in FAMILIES if f in installed)]


def drawable(*texts: str) -> list[str]:
    """Replace characters that no font has with boxes, and warn about them once.

    Args:
        texts: the labels of a plot.

    Returns:
        The labels, with their lengths unchanged.

    Example:

    >>> drawable("où", "cat")
    ['où', 'cat']
    """
    missing = _missing("".join(texts))
    if missing:
        _add_new_fonts()
        missing = _missing("".join(texts))
    if missing:
        _warn_once("".join(missing[:10]))
    boxes = str.maketrans(dict.fromkeys(missing, "□"))
    return [text.translate(boxes) for text in texts]


def _missing(text: str) -> list[str]:
    """Return the characters that none of the `families` has."""
    characters = sorted(set(text) - {"\n"})
    fonts = [
        font_manager.get_font(font_manager.findfont(FontProperties(family=[family])))
        for family in families()
    ]
    return [c for c in characters if not any(font.get_char_index(ord(c)) for font in fonts)]


@functools.cache
def _add_new_fonts() -> None:
    """Add fonts that were installed after matplotlib cached its list."""
    known = {face.fname for face in font_manager.fontManager.ttflist}
    for path in set(font_manager.findSystemFonts()) - known:
        try:
            font_manager.fontManager.addfont(path)
        except (*DAMAGED, RuntimeError):  # a font that matplotlib cannot read
            continue


_has_warned: list[str] = []


def _warn_once(characters: str) -> None:
    if not _has_warned:
        _has_warned.append(characters)
        warnings.warn(
            f"No installed font has the characters {characters!r}, which are drawn as boxes: "
            "install a font that has them, for instance with `apt-get install fonts-noto-cjk`.",
            stacklevel=5,
        )
