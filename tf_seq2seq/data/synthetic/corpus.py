"""The synthetic corpus: English-Chinese sentence pairs from a synchronous grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tf_seq2seq.data.corpus import Corpus, TextCorpus
from tf_seq2seq.data.synthetic.constructions import grammar
from tf_seq2seq.data.synthetic.grammar import Example
from tf_seq2seq.data.synthetic.parts import deal


def synthetic_corpus(seed: int = 1, train: int = 25_000, dev: int = 500, test: int = 500) -> Corpus:
    """English-Chinese sentence pairs from the grammar of this module.

    Args:
        seed: the same seed gives the same corpus.
        train: number of training pairs.
        dev: number of development pairs.
        test: number of test pairs. No sentence of either language occurs twice, within a part or
            across parts.

    Returns:
        The corpus: English source sentences, Chinese target sentences, of 3 to 40 tokens each.

    Raises:
        InputError: if a size is negative, or more than the grammar can write.
    """
    pairs = ((example.source, example.target) for example in generate(seed))
    return deal(pairs, train, dev, test)


def synthetic_text(
    seed: int = 1, train: int = 5_000, dev: int = 500, test: int = 500
) -> TextCorpus:
    """The English of `synthetic_corpus` in the form of the Penn Treebank's language model data.

    Lower case, without punctuation, one sentence a line, its words separated by single spaces. The
    training part has about 47,000 words by default.

    Args:
        seed: the same seed gives the same text.
        train: number of training lines.
        dev: number of development lines.
        test: number of test lines. No line occurs twice, within a part or across parts.

    Returns:
        The text, of 2 to 39 words a line.

    Raises:
        InputError: if a size is negative, or more than the grammar can write.

    Example:

    ```python
    synthetic_text().train[0]  # "his parents repair watches and computers"
    ```
    """
    corpus = synthetic_corpus(seed, train, dev, test)
    return TextCorpus(*(tuple(map(_words, part.source)) for part in corpus))


def generate(seed: int = 1) -> Iterator[Example]:
    """Yields the pairs of the corpus one by one, each with the name of its construction."""
    return grammar.generate(seed)


def _words(sentence: str) -> str:
    return re.sub(r"[.,?]", "", sentence).lower()
