"""Character tokenizers, for Chinese and for any text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tf_seq2seq.checks import check_flag
from tf_seq2seq.text.tokenizer import Rules, Tokenizer
from tf_seq2seq.writing_systems import writing_system

_LATIN = r"[\p{Latin}\p{Nd}]"
# Punctuation and symbols that Latin text has spaces around, unlike full-width ones.
_MARK = (
    r"[^\p{L}\p{N}\p{M}\p{Z}\p{C}"
    r"\x{3000}-\x{303F}\x{FE30}-\x{FE4F}\x{FF00}-\x{FFEF}]"
)

# Deletes all spaces except those between two Latin words or numbers, in the text before it is split
# and after the tokens are joined: tokens need no marker for a space that is always or never there.
_CLOSE_UP = ((r" ([^\p{Latin}\p{Nd}])", r"\1"), (r"((?:^|[^\p{Latin}\p{Nd}\p{M} ])\p{M}*) ", r"\1"))

# Deletes all spaces except those between two Latin words, where there may be marks on one or both
# sides of the space (the first rule) or between two spaces (the second). `\x01` keeps a space. The
# rules run twice, because a word of one letter is the end of one match and the start of the next.
_KEEP = (
    (rf"({_LATIN}\p{{M}}*{_MARK}*) ({_MARK}*{_LATIN})", "\\1\x01\\2"),
    (
        rf"({_LATIN}\p{{M}}*{_MARK}*) ({_MARK}+(?: {_MARK}+)*) ({_MARK}*{_LATIN})",
        "\\1\x01\\2\x01\\3",
    ),
)
_KEEP_BETWEEN_LATIN = (*_KEEP, *_KEEP, (" ", ""), ("\x01", " "))

_SPLIT = (
    r"(?:"
    r"\p{Nd}[\p{Nd}\p{M}]*(?:[.,]\p{Nd}[\p{Nd}\p{M}]*)*"  # 3.5
    r"|\p{Latin}[\p{Latin}\p{M}]*(?:['’-]\p{Latin}[\p{Latin}\p{M}]*)*"  # T-shirt
    r")+"
)
_RULES = Rules(
    normalize=(("▁", "_"), *_KEEP_BETWEEN_LATIN),
    # Next to a mark, a space has a marker in the mark's token. Between two words it has none.
    tokenize=((f" ({_MARK})", r"▁\1"), (f"({_MARK}) ", r"\1▁"), (_SPLIT + "|▁?[^ ]▁?", r"\0 ")),
    detokenize=(*_CLOSE_UP, ("▁", " "), *_KEEP_BETWEEN_LATIN),
)
_RULES_WITHOUT_SPACES = Rules(_CLOSE_UP, ((_SPLIT + "|[^ ]", r"\0 "),), _CLOSE_UP)


class ChineseTokenizer(Tokenizer):
    """Split text into characters, but keep Latin words and numbers whole.

    `normalize` deletes all spaces except those between two Latin words or numbers, with or without
    punctuation between them. Other spaces in Chinese text have no meaning; they come from line
    breaks and typesetting. A mark with a space is a token of its own, with `▁` for the space:
    "Row, Row" is `Row ,▁ Row`. A `▁` (U+2581) in the text itself becomes `_`.

    Args:
        lowercase: whether `normalize` lowercases Latin letters.
        keep_spaces: `False` deletes spaces next to punctuation between Latin words too ("Row,Row"),
            and uses no `▁`.

    Example:

    >>> tokens = ChineseTokenizer().tokenize(["我 买了iPhone 15。"])
    >>> print(*[token.decode() for token in tokens[0].numpy()])
    我 买 了 iPhone 15 。
    """

    def __init__(self, lowercase: bool = False, keep_spaces: bool = True):
        super().__init__(lowercase)
        self.keep_spaces = check_flag("keep_spaces", keep_spaces)

    @property
    def rules(self) -> Rules:
        """The rules for characters, Latin words and spaces."""
        return _RULES if self.keep_spaces else _RULES_WITHOUT_SPACES

    @property
    def markers(self) -> str:
        """The marker for a space; empty without `keep_spaces`."""
        return "▁" if self.keep_spaces else ""

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "keep_spaces": self.keep_spaces}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Tokenizer:
        """Create a tokenizer, without a vocabulary, from the result of `get_config`.

        A configuration without `keep_spaces` was saved before there was such an argument: spaces
        are deleted as they were then.
        """
        return cls(**{"keep_spaces": False, **config})


class CharacterTokenizer(Tokenizer):
    """Split text into characters; a space becomes the token `▁`.

    A `▁` (U+2581) in the text itself becomes `_`.

    Args:
        lowercase: whether `normalize` lowercases the text.

    Example:

    >>> tokens = CharacterTokenizer().tokenize(["to be"])
    >>> print(*[token.decode() for token in tokens[0].numpy()])
    t o ▁ b e
    """

    rules = Rules(
        normalize=(("▁", "_"),),
        tokenize=((" ", "▁"), (".", r"\0 ")),
        detokenize=((" ", ""), ("▁", " ")),
    )


def is_chinese(lines: Iterable[str]) -> bool:
    """Return whether a text is mostly Chinese (see `writing_systems.writing_system`).

    Args:
        lines: the text, any iterable of strings.

    Example:

    >>> is_chinese(["我昨天买的书很有意思。"]), is_chinese(["The book is old."])
    (True, False)
    """
    return writing_system(lines) == "Chinese"
