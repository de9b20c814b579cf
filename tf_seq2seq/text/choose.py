"""The choice of a tokenizer for a text."""

from __future__ import annotations

from collections.abc import Iterable

from tf_seq2seq.strings import check_not_one_string
from tf_seq2seq.text.chinese import ChineseTokenizer, is_chinese
from tf_seq2seq.text.subwords import SubwordTokenizer
from tf_seq2seq.text.tokenizer import Tokenizer, tokenize_lines
from tf_seq2seq.text.vocabulary import MOST_DISTINCT, SPECIALS, check_max_size, count_tokens
from tf_seq2seq.text.words import WordTokenizer, has_elision


def tokenizer_for(
    lines: Iterable[str], max_size: int | None = 8000, lowercase: bool = False
) -> Tokenizer:
    """Choose a tokenizer for a text; call its `adapt` next, with the same `max_size`.

    Chinese is split into characters. Other text is split into words if a vocabulary of words would
    leave at most one token in a thousand unknown, and into subwords otherwise. Tokens beyond
    `max_size` count as unknown, and so do those that occur only once, because their share is that
    of new tokens in other text (Good 1953). The limit is this low because a sentence has ten tokens
    or more: one unknown token in a hundred would affect at least one sentence in ten.

    Args:
        lines: the text, or a representative part of it.
        max_size: the maximum number of tokens, including the four special ones; `None` for no
            limit.
        lowercase: whether the tokenizer's `normalize` lowercases the text.

    Returns:
        A `ChineseTokenizer`, `WordTokenizer` or `SubwordTokenizer` without a vocabulary. The last
        two split elisions in languages that have them (see `has_elision`).

    Raises:
        InputError: if `max_size` is less than 5.
        TypeError: if `lines` is a single string.

    Example:

    >>> type(tokenizer_for(["我昨天买的书很有意思。"])).__name__
    'ChineseTokenizer'
    """
    check_not_one_string("lines", lines)
    max_size = check_max_size(max_size)
    lines = list(lines)
    if is_chinese(lines):
        return ChineseTokenizer(lowercase)
    elision = has_elision(lines)
    tokenizer = WordTokenizer(lowercase, elision=elision)
    dropped: list[int] = []
    words = count_tokens(
        tokenize_lines(lines, tokenizer.tokenize),
        MOST_DISTINCT if max_size is None else max(MOST_DISTINCT, 2 * max_size),
        drop=lambda rare: dropped.append(sum(rare.values())),
    )
    counts = sorted(words.values(), reverse=True)
    limit = None if max_size is None else max_size - len(SPECIALS)
    known = sum(count for count in counts[:limit] if count > 1)
    if known >= 0.999 * (words.total() + sum(dropped)) > 0:
        return tokenizer
    return SubwordTokenizer(lowercase, elision)
