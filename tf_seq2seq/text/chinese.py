"""Character tokenizers, for Chinese and for any text."""

from __future__ import annotations

from collections.abc import Iterable

from tf_seq2seq.text.tokenizer import Rules, Tokenizer
from tf_seq2seq.writing import writing_system

# Spaces are kept only between two Latin words or numbers, so tokens need no marker for them: the
# same two rules delete all others, in the text before it is split and after the tokens are joined.
_CLOSE_UP = ((r" ([^\p{Latin}\p{Nd}])", r"\1"), (r"((?:^|[^\p{Latin}\p{Nd}\p{M} ])\p{M}*) ", r"\1"))


class ChineseTokenizer(Tokenizer):
    """Split text into characters, but keep Latin words and numbers whole.

    `normalize` deletes all spaces except those between two Latin words or numbers. Other spaces in
    Chinese text have no meaning; they come from line breaks and typesetting.

    Args:
        lowercase: whether `normalize` lowercases Latin letters.

    Example:

    >>> tokens = ChineseTokenizer().tokenize(["我 买了iPhone 15。"])
    >>> print(*[token.decode() for token in tokens[0].numpy()])
    我 买 了 iPhone 15 。
    """

    rules = Rules(
        normalize=_CLOSE_UP,
        tokenize=(
            (
                r"(?:"
                r"\p{Nd}[\p{Nd}\p{M}]*(?:[.,]\p{Nd}[\p{Nd}\p{M}]*)*"  # 3.5
                r"|\p{Latin}[\p{Latin}\p{M}]*(?:['’-]\p{Latin}[\p{Latin}\p{M}]*)*"  # T-shirt
                r")+|[^ ]",
                r"\0 ",
            ),
        ),
        detokenize=_CLOSE_UP,
    )


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
    """Return whether most letters of a text are Chinese characters, and it is not Japanese.

    Args:
        lines: the text, any iterable of strings.

    Example:

    >>> is_chinese(["我昨天买的书很有意思。"]), is_chinese(["The book is old."])
    (True, False)
    """
    return writing_system(lines) == "Chinese"
