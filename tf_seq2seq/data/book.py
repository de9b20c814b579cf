"""The texts of section 9.2 of the book, each with what turns it into ids."""

from __future__ import annotations

from typing import NamedTuple

from tf_seq2seq.data.corpus import Corpus, TextCorpus
from tf_seq2seq.data.public import DataDir, ptb, ted
from tf_seq2seq.data.synthetic import synthetic_corpus, synthetic_text
from tf_seq2seq.text import ChineseTokenizer, Tokenizer, WordTokenizer


class BookText(NamedTuple):
    """A text, the tokenizer that suits it, and the size of its vocabulary.

    Attributes:
        title: what a reader knows it by.
        lines: the text.
        tokenizer: cuts the text much as the book does; it has no vocabulary yet.
        book_size: how many tokens the book keeps, with the special tokens that it has.
        max_size: the same vocabulary's size with all four special tokens of this package.
    """

    title: str
    lines: TextCorpus
    tokenizer: Tokenizer
    book_size: int
    max_size: int


def book_texts(synthetic: bool = False, data_dir: DataDir = None) -> dict[str, BookText]:
    """The Penn Treebank and both sides of the TED talks, or texts of the package instead.

    Args:
        synthetic: whether to take `synthetic_text` and both sides of `synthetic_corpus`.
        data_dir: where the corpora are (see `ptb` and `ted`).

    Returns:
        The texts "ptb", "ted_en" and "ted_zh". The first is cut into words already; English is
        cut into words and punctuation marks, Chinese into characters.

    Raises:
        InputError: if a file is missing or unfit.
    """
    if synthetic:
        titles = ("English words", "English", "Chinese")
        text, pairs = synthetic_text(), synthetic_corpus()
    else:
        titles = ("Penn Treebank", "TED, English", "TED, Chinese")
        text, pairs = ptb(data_dir), ted(data_dir)
    words = WordTokenizer(split_punctuation=False)
    # The book's vocabulary of the Treebank has no <pad> and no <sos>, its two others no <pad>.
    return {
        "ptb": BookText(titles[0], text, words, 10_000, 10_002),
        "ted_en": BookText(titles[1], _side(pairs, "source"), WordTokenizer(), 10_000, 10_001),
        "ted_zh": BookText(titles[2], _side(pairs, "target"), ChineseTokenizer(), 4_000, 4_001),
    }


def _side(pairs: Corpus, side: str) -> TextCorpus:
    return TextCorpus(*(getattr(part, side) for part in pairs))
