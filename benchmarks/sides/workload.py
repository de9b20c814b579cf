"""Sentences as long as those of Multi30k, of words that mean nothing; needs only NumPy."""

import collections
import json
import re
from pathlib import Path

import numpy as np

FIRST_WORD = 4

# The number of the 29,000 German sentences with 2, 3, 4 ... words and punctuation marks, and of the
# pairs in which the English sentence has 8 words less, 7 less ... than the German one.
SOURCE_LENGTHS = (
    *(3, 1, 23, 143, 564, 1419, 2137, 2759, 3142, 3165, 2881, 2563, 2207, 1760, 1468, 1175, 892),
    *(711, 494, 379, 323, 231, 136, 121, 91, 46, 44, 34, 22, 20, 12, 5, 11, 8, 4),
)
DIFFERENCES = (
    *(31, 59, 140, 280, 584, 1169, 2112, 3659, 5873, 6258, 4412, 2392, 1100, 525, 199, 103, 42),
)


def lengths(count, seed):
    """Return numbers of words of source and target, int `(2, count)`."""
    rng = np.random.default_rng(seed)

    def draw(counts, first):
        return first + rng.choice(len(counts), count, p=np.array(counts) / sum(counts))

    source = draw(SOURCE_LENGTHS, 2)
    return np.stack([source, np.maximum(source + draw(DIFFERENCES, -8), 1)])


def word(id):
    return f"w{id}"


def words(size):
    """Return the words of a vocabulary of `size` ids, in the order of the ids."""
    return [word(id) for id in range(FIRST_WORD, size)]


def sentences(lengths, vocabulary_size, seed):
    """Return a sentence of each length."""
    rng = np.random.default_rng(seed)
    ids = np.split(
        rng.integers(FIRST_WORD, vocabulary_size, lengths.sum()), np.cumsum(lengths)[:-1]
    )
    return [" ".join(map(word, each)) for each in ids]


def pairs(c, count, corpus=None):
    """Return the sources and the targets of a number of sentence pairs for a model.

    Args:
        c: the configuration.
        count: the number of pairs; None for all of a corpus.
        corpus: a file of sources and one of targets, line by line, of which the first pairs are
            taken, with the most frequent words as the vocabulary; None for meaningless sentences.
    """
    sizes = c.source_vocabulary, c.target_vocabulary
    if corpus:
        return [_read(file, size, count) for file, size in zip(corpus, sizes, strict=True)]
    return [
        sentences(side, size, seed)
        for seed, (side, size) in enumerate(zip(lengths(count, 0), sizes, strict=True), 1)
    ]


def _read(file, vocabulary_size, count):
    """Return the first lines of a file, with the words of the vocabulary replaced by `word`."""
    text = Path(file).read_text(encoding="utf-8").lower().splitlines()[:count]
    lines = [re.findall(r"\w+|[^\w\s]", line) for line in text]
    frequent = collections.Counter(each for line in lines for each in line).most_common()
    names = {
        each: word(id)
        for id, (each, _) in enumerate(frequent[: vocabulary_size - FIRST_WORD], FIRST_WORD)
    }
    return [" ".join(names.get(each, "<unk>") for each in line) for line in lines]


def write_pairs(file, sides):
    """Write pairs of sentences as JSON."""
    Path(file).write_text(json.dumps(sides))


def read_pairs(file):
    """Return the sides of the pairs."""
    return json.loads(Path(file).read_text())
