"""Fonts for the labels of plots, in any script.

matplotlib takes each character from the first font of a list that has it. This module makes that
list for a text, and warns about characters that no installed font has.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable

import matplotlib
from matplotlib import font_manager
from matplotlib.font_manager import FontProperties

from tf_seq2seq.files import DAMAGED
from tf_seq2seq.writing_systems import script

# Families with Chinese characters, sans serif first: among the many that have them, those with the
# forms that readers of Chinese expect. For other scripts, any family with the characters will do.
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
# Families that claim every character but draw boxes or nothing; TeX's, which are not in Unicode;
# and those private to macOS, whose names begin with a period.
_NOT_FOR_TEXT = (
    *("Last Resort", "LastResort", "Adobe Blank", "Adobe NotDef"),
    *("cm", "STIXNonUnicode", "."),
)


def families(*texts: str) -> list[str]:
    """Return the families to draw texts with.

    Args:
        texts: the labels of a plot.

    Returns:
        matplotlib's default families, and those with the characters that they lack.
    """
    default = matplotlib.rcParams["font.family"]
    return [*default, *_find(texts)[0]]


def drawable(*texts: str) -> list[str]:
    """Replace characters that no font has with boxes, and warn about each of them once.

    Args:
        texts: the labels of a plot.

    Returns:
        The labels, with their lengths unchanged.

    Example:

    >>> drawable("où", "cat")
    ['où', 'cat']
    """
    missing = _find(texts)[1]
    if missing:
        _add_new_fonts()
        missing = _find(texts)[1]
    _warn_once(missing)
    boxes = str.maketrans(dict.fromkeys(missing, "□"))
    return [text.translate(boxes) for text in texts]


def _find(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return families for what the default ones lack, and the characters that none has."""
    characters = frozenset().union(*texts) - {"\n"}
    default = [FontProperties(family=[name]) for name in matplotlib.rcParams["font.family"]]
    # The last file of a family wins: a regular face, if there is one.
    faces = sorted(font_manager.fontManager.ttflist, key=_is_regular)
    files = {face.name: face.fname for face in faces if not face.name.startswith(_NOT_FOR_TEXT)}
    ranked = sorted(files.items(), key=lambda item: _rank(item[0]))
    return _find_among(characters, tuple(map(font_manager.findfont, default)), tuple(ranked))


def _is_regular(face: font_manager.FontEntry) -> bool:
    return face.style == "normal" and face.weight in ("normal", "regular", 400)


def _rank(family: str) -> tuple[int, bool, str]:
    place = FAMILIES.index(family) if family in FAMILIES else len(FAMILIES)
    return place, not family.startswith("Noto Sans"), family


@functools.lru_cache(maxsize=64)
def _find_among(
    characters: frozenset[str], default: tuple[str, ...], ranked: tuple[tuple[str, str], ...]
) -> tuple[list[str], list[str]]:
    missing = set(characters).difference(*(_drawn_by(path, characters) for path in default))
    found = []
    for family, path in ranked:
        if not missing:
            break
        drawn = _drawn_by(path, missing)
        if drawn:
            found.append(family)
            missing -= drawn
    return found, sorted(missing)


def _drawn_by(path: str, characters: Iterable[str]) -> set[str]:
    """Return those of the characters that a font has."""
    try:
        font = font_manager.get_font(path)
    except (*DAMAGED, RuntimeError):  # a font that matplotlib cannot read
        return set()
    if not font.scalable:  # emoji in color, which matplotlib cannot draw
        return set()
    return {character for character in characters if font.get_char_index(ord(character))}


@functools.cache
def _add_new_fonts() -> None:
    """Add fonts that were installed after matplotlib cached its list."""
    known = {face.fname for face in font_manager.fontManager.ttflist}
    for path in set(font_manager.findSystemFonts()) - known:
        try:
            font_manager.fontManager.addfont(path)
        except (*DAMAGED, RuntimeError):  # a font that matplotlib cannot read
            continue


_has_warned: set[str] = set()


def _warn_once(characters: list[str]) -> None:
    new = [character for character in characters if character not in _has_warned]
    if not new:
        return
    _has_warned.update(new)
    scripts = {script(character) for character in new if character.isalpha()}
    package = "fonts-noto-cjk" if scripts & _EAST_ASIAN else "fonts-noto-core"
    example = f", for instance with `apt-get install {package}`" if scripts else ""
    warnings.warn(
        f"No installed font has the characters {''.join(new[:10])!r}, which are drawn as boxes: "
        f"install a font that has them{example}.",
        stacklevel=4,
    )


_EAST_ASIAN = frozenset(("Chinese", "Hiragana", "Katakana", "Korean", "Bopomofo"))
