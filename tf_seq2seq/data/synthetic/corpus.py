"""The synthetic corpus: English-Chinese sentence pairs written by a synchronous grammar.

It needs no download, and shows on a small scale what makes translating English into Chinese hard:
time and place move before the verb, relative clauses before the noun, questions keep the word order
of statements, nouns take measure words, verbs take particles, and the translation of many English
words (old, play, light, bank, wear, lose) depends on their neighbors.

The Chinese is a function of the English: no sentence has two translations. `lexicon` lists the
words, `phrases` combines them, and `constructions` writes the sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tf_seq2seq.data.corpus import Corpus, TextCorpus
from tf_seq2seq.data.synthetic.constructions import grammar
from tf_seq2seq.data.synthetic.grammar import Example
from tf_seq2seq.data.synthetic.parts import deal


def synthetic_corpus(seed: int = 1, train: int = 25_000, dev: int = 500, test: int = 500) -> Corpus:
    """Write a corpus of English-Chinese sentence pairs.

    Args:
        seed: the same seed gives the same corpus.
        train: number of training pairs.
        dev: number of development pairs.
        test: number of test pairs. No sentence of either language occurs twice, within a part or
            across parts.

    Returns:
        The corpus: English source sentences and Chinese target sentences of 3 to 40 tokens each.

    Raises:
        InputError: if the seed or a size is negative, or the grammar has fewer pairs.

    Example:

    >>> corpus = synthetic_corpus(train=3, dev=0, test=0)
    >>> list(corpus.train)[1]
    ('Please repair the camera tomorrow morning.', '明天上午请把照相机修好。')
    """
    pairs = ((example.source, example.target) for example in generate(seed))
    return deal(pairs, train, dev, test)


def synthetic_text(
    seed: int = 1, train: int = 5_000, dev: int = 500, test: int = 500
) -> TextCorpus:
    """Write the English side of `synthetic_corpus` in the format of the Penn Treebank.

    Lines are in lower case without punctuation, one sentence a line, words separated by single
    spaces. By default the training part has about 47,000 words.

    Args:
        seed: the same seed gives the same text.
        train: number of training lines.
        dev: number of development lines.
        test: number of test lines. No line occurs twice, within a part or across parts.

    Returns:
        The text, with 2 to 39 words a line.

    Raises:
        InputError: if the seed or a size is negative, or the grammar has fewer sentences.

    Example:

    >>> synthetic_text(train=3, dev=0, test=0).train[1]
    'please repair the camera tomorrow morning'
    """
    corpus = synthetic_corpus(seed, train, dev, test)
    return TextCorpus(*(tuple(map(_words, part.source)) for part in corpus))


def generate(seed: int = 1) -> Iterator[Example]:
    """Yield the pairs of the corpus one by one, each with the name of its construction."""
    return grammar.generate(seed)


def _words(sentence: str) -> str:
    return re.sub(r"[.,?]", "", sentence).lower()
