"""The tokenizer that suits a text."""

from __future__ import annotations

import collections
from collections.abc import Iterable

from tf_seq2seq.text.chinese import ChineseTokenizer, is_chinese
from tf_seq2seq.text.subwords import SubwordTokenizer
from tf_seq2seq.text.tokenizer import Tokenizer, tokenize_lines
from tf_seq2seq.text.words import WordTokenizer


def tokenizer_for(lines: Iterable[str]) -> Tokenizer:
    """Chooses a tokenizer that suits a text, and leaves it to be adapted.

    Chinese is cut into characters. Other text is cut into words if its vocabulary is closed, and
    into subwords if more than one token in a hundred is a word that occurs nowhere else.

    Args:
        lines: the text, or a part that stands for it.

    Returns:
        A `ChineseTokenizer`, `WordTokenizer` or `SubwordTokenizer` without a vocabulary.
    """
    lines = list(lines)
    if is_chinese(lines):
        return ChineseTokenizer()
    words = collections.Counter()
    for tokens in tokenize_lines(lines, WordTokenizer().tokenize):
        words.update(tokens)
    singles = sum(count == 1 for count in words.values())
    return SubwordTokenizer() if 100 * singles > words.total() else WordTokenizer()
