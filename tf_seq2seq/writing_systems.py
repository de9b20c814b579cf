"""The writing system of a text, from the Unicode names of its letters."""

from __future__ import annotations

import collections
import re
import unicodedata
from collections.abc import Iterable

WITHOUT_SPACES = frozenset(
    ["Chinese", "Japanese", "Balinese", "Javanese", "Khmer", "Lao", "Myanmar", "Thai", "Tibetan"]
)
"""The writing systems that have no spaces between words."""

# A character of Chinese or Japanese is about a word: "用TensorFlow训练模型" is a Chinese text.
_LETTERS_PER_CHARACTER = 5


def writing_system(lines: Iterable[str]) -> str:
    """Return the writing system of most letters of a text; a Chinese character counts as five.

    Args:
        lines: the text, any iterable of strings.

    Returns:
        The script as Unicode names it, such as "Latin", "Thai" or "Devanagari"; "Chinese",
        "Japanese" (if more than a tenth of the characters are kana) or "Korean"; "mixed" if no
        writing system has more than half of the letters.

    Example:

    >>> writing_system(["我看书。"]), writing_system(["本を読む。"]), writing_system(["ฉันอ่านหนังสือ"])
    ('Chinese', 'Japanese', 'Thai')
    """
    letters: collections.Counter[str] = collections.Counter()
    for line in lines:
        letters.update(line)
    scripts: collections.Counter[str] = collections.Counter()
    for letter, count in letters.items():
        if letter.isalpha():
            scripts[script(letter)] += count
    kana = scripts.pop("Hiragana", 0) + scripts.pop("Katakana", 0)
    characters = scripts.pop("Chinese", 0)
    # A Chinese text may quote a little Japanese; a Japanese text has kana in every sentence.
    scripts["Japanese" if 9 * kana > characters else "Chinese"] = _LETTERS_PER_CHARACTER * (
        kana + characters
    )
    system, count = scripts.most_common(1)[0]
    return system if 2 * count > scripts.total() else "mixed"


def script(letter: str) -> str:
    """Return the script of a letter, as `writing_system` names it.

    Example:

    >>> script("é"), script("か"), script("字"), script("글")
    ('Latin', 'Hiragana', 'Chinese', 'Korean')
    """
    name = re.sub("^(FULL|HALF)WIDTH ", "", unicodedata.name(letter, "UNKNOWN"))
    first = re.match("[A-Z]*", name)[0].capitalize()  # type: ignore[index]
    return {"Cjk": "Chinese", "Ideographic": "Chinese", "Hangul": "Korean"}.get(first, first)
