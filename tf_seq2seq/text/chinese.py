"""Characters: of Chinese text, and of any text."""

from __future__ import annotations

from collections.abc import Iterable

from tf_seq2seq.text.tokenizer import Rules, Tokenizer

# A space is kept only between two Latin words or numbers, and so need not be marked: the same
# two rules close up the text before it is cut, and the tokens after they were joined.
_CLOSE_UP = ((r" ([^\p{Latin}\p{Nd}])", r"\1"), (r"((?:^|[^\p{Latin}\p{Nd}\p{M} ])\p{M}*) ", r"\1"))


class ChineseTokenizer(Tokenizer):
    """Every character a token, but Latin words and numbers whole.

    `normalize` deletes all spaces but those between two Latin words or numbers, where alone they
    mean something in Chinese text: they come from line breaks and typesetting otherwise.

    Args:
        lowercase: whether `normalize` turns Latin letters into lower case.

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
    """Every character a token; a space is the token `▁`.

    A `▁` (U+2581) in the text itself becomes `_`.

    Args:
        lowercase: whether `normalize` turns the text into lower case.

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
    """Whether most letters of a text are Chinese characters."""
    letters = "".join(lines)
    chinese = sum("\u4e00" <= letter <= "\u9fff" for letter in letters)
    return 2 * chinese > sum(map(str.isalpha, letters))
