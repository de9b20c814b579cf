"""The choice of a tokenizer for a text."""

from __future__ import annotations

import collections
from collections.abc import Iterable

from tf_seq2seq.strings import check_not_one_string
from tf_seq2seq.text.chinese import ChineseTokenizer, is_chinese
from tf_seq2seq.text.subwords import SubwordTokenizer
from tf_seq2seq.text.tokenizer import Tokenizer, tokenize_lines
from tf_seq2seq.text.words import WordTokenizer


def tokenizer_for(lines: Iterable[str]) -> Tokenizer:
    """Choose a tokenizer for a text; call its `adapt` next.

    Chinese is split into characters. Other text is split into subwords if more than 1% of its
    tokens are words that occur only once, and into words otherwise.

    Args:
        lines: the text, or a representative part of it.

    Returns:
        A `ChineseTokenizer`, `WordTokenizer` or `SubwordTokenizer` without a vocabulary.

    Raises:
        TypeError: if `lines` is a single string.

    Example:

    >>> type(tokenizer_for(["我昨天买的书很有意思。"])).__name__
    'ChineseTokenizer'
    """
    check_not_one_string("lines", lines)
    lines = list(lines)
    if is_chinese(lines):
        return ChineseTokenizer()
    words: collections.Counter[str] = collections.Counter()
    for tokens in tokenize_lines(lines, WordTokenizer().tokenize):
        words.update(tokens)
    singles = sum(count == 1 for count in words.values())
    return SubwordTokenizer() if 100 * singles > words.total() else WordTokenizer()
