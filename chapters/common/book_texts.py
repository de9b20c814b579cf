"""The texts of section 9.2 of the book, each with a tokenizer that turns it into ids."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tf_seq2seq import data
from tf_seq2seq.text import ChineseTokenizer, Tokenizer, WordTokenizer


class BookText(NamedTuple):
    """A text, the tokenizer that suits it, and the size of its vocabulary.

    Attributes:
        title: the name to print.
        lines: the text.
        tokenizer: splits the text much as the book does; it has no vocabulary yet.
        book_size: the size of the book's vocabulary, with its special tokens.
        max_size: the size of the same vocabulary with all four special tokens of this package.
    """

    title: str
    lines: data.TextCorpus
    tokenizer: Tokenizer
    book_size: int
    max_size: int


def book_texts(synthetic: bool = False, data_dir: Path | None = None) -> dict[str, BookText]:
    """Return the Penn Treebank and both sides of the TED talks, or synthetic texts instead.

    Args:
        synthetic: whether to use synthetic texts, which need no download.
        data_dir: the folder of the corpora (see `data.public_corpus`).

    Returns:
        The texts "ptb", "ted_en" and "ted_zh". The first is already split into words; English is
        split into words and punctuation marks, Chinese into characters.

    Raises:
        InputError: if a file is missing or damaged.
    """
    if synthetic:
        titles = ("English words", "English", "Chinese")
        text, pairs = data.synthetic_text(), data.synthetic_corpus()
    else:
        titles = ("Penn Treebank", "TED, English", "TED, Chinese")
        text, pairs = data.public_text("ptb", data_dir), data.public_corpus("ted", data_dir)
    words = WordTokenizer(split_punctuation=False)
    characters = ChineseTokenizer(keep_spaces=False)  # docs/results.md was measured with it
    # The book's vocabulary of the Treebank has no <pad> and no <sos>, its other two no <pad>.
    return {
        "ptb": BookText(titles[0], text, words, 10_000, 10_002),
        "ted_en": BookText(titles[1], _side(pairs, "source"), WordTokenizer(), 10_000, 10_001),
        "ted_zh": BookText(titles[2], _side(pairs, "target"), characters, 4_000, 4_001),
    }


def _side(pairs: data.Corpus, side: str) -> data.TextCorpus:
    return data.TextCorpus(*(getattr(part, side) for part in pairs))
