"""The corpus: sizes, reproducibility, lengths, and the text made from it."""

import hashlib
import itertools
import re
from collections import Counter

import numpy as np
import pytest
from helpers import defaults

from tf_seq2seq.data.synthetic.corpus import generate, synthetic_corpus, synthetic_text
from tf_seq2seq.data.synthetic.grammar import count_chinese, count_english
from tf_seq2seq.errors import InputError


def sha256(lines) -> str:
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


# A deliberate change of the grammar changes these two hashes. It also changes the figures of the
# README and of docs/results.md, and calls for another export of the committed model, whose tests
# translate sentences of this corpus.
def test_the_default_corpus_has_not_changed(corpus):
    lines = ("\t".join(pair) for part in corpus for pair in part)
    assert sha256(lines) == "1f45f7fd5bcf417a548a2ccdf1d0cda12d9044e8f33285c5583b322f93bcdb9f"
    assert synthetic_corpus(seed=1, train=0, dev=0, test=500).test == corpus.test


def test_the_default_text_has_not_changed(text):
    assert (
        sha256(line for part in text for line in part)
        == "7a43030fe82ce3f69cd3fcd926df8d8f5c5a6587716d8e2c56f206befe077d32"
    )


def test_sizes_and_disjointness(corpus):
    assert [len(part) for part in corpus] == [25_000, 500, 500]
    for side in ("source", "target"):
        sentences = [sentence for part in corpus for sentence in getattr(part, side)]
        assert len(set(sentences)) == len(sentences)


def test_the_seed_decides():
    def corpus(seed):
        return synthetic_corpus(seed=seed, train=500, dev=30, test=20)

    assert [len(part) for part in corpus(5)] == [500, 30, 20]
    assert corpus(5) == corpus(5)
    assert corpus(5) != corpus(6)


def test_more_training_pairs_keep_dev_and_test(corpus):
    small = synthetic_corpus(train=100)
    assert (small.dev, small.test) == (corpus.dev, corpus.test)
    assert small.train == corpus.train[:100]


@pytest.mark.parametrize("count", [50_000, pytest.param(200_000, marks=pytest.mark.slow)])
def test_the_grammar_writes_many_distinct_pairs(count):
    examples = list(itertools.islice(generate(1), count))
    for sentences in ([e.source for e in examples], [e.target for e in examples]):
        assert len(set(sentences)) == count


def test_lengths(corpus):
    english = sorted(map(count_english, corpus.train.source))
    chinese = sorted(map(count_chinese, corpus.train.target))
    assert english[0] == 3 and chinese[0] >= 3
    assert english[-1] <= 40 and chinese[-1] <= 40
    assert 8 <= english[len(english) // 2] <= 14
    assert english[int(0.99 * len(english))] >= 25


@pytest.mark.parametrize(("seed", "times"), [(1, 30), (2, 25)])
def test_no_word_is_rare_in_training(seed, times, corpus):
    train = (corpus if seed == 1 else synthetic_corpus(seed)).train[:20_000]
    counts = Counter(word for source in train.source for word in re.findall(r"\w+", source.lower()))
    assert not {word: count for word, count in counts.items() if count < times}


def test_numpy_integers_are_accepted():
    numbers = np.array([3, 4, 2, 1])
    assert synthetic_corpus(*numbers) == synthetic_corpus(3, 4, 2, 1)


@pytest.mark.parametrize("make", [synthetic_corpus, synthetic_text])
@pytest.mark.parametrize("argument", ["seed", "train", "dev", "test"])
@pytest.mark.parametrize("value", [-1, 1.0, True, "3"])
def test_arguments_that_are_not_valid(make, argument, value):
    sizes = {"train": 1, "dev": 1, "test": 1}
    with pytest.raises(InputError, match=f"`{argument}` must be an integer of at least 0, got "):
        make(**sizes | {argument: value})


def test_the_text_is_the_english_in_the_format_of_the_penn_treebank(text):
    assert [len(part) for part in text] == [5_000, 500, 500]
    lines = [line for part in text for line in part]
    assert all(re.fullmatch(r"[a-z']+( [a-z']+)+", line) for line in lines)
    assert len(set(lines)) == len(lines)
    assert 40_000 < sum(len(line.split()) for line in text.train) < 60_000
    english = synthetic_corpus(train=5_000).train.source
    for line, sentence in zip(text.train, english, strict=True):
        assert line == re.sub("[.,?]", "", sentence.lower())


def test_the_text_has_no_word_outside_the_training_part(text):
    def words(lines):
        return {word for line in lines for word in line.split()}

    assert words(text.dev + text.test) <= words(text.train)


def test_the_seed_decides_the_text(text):
    assert synthetic_text(seed=2) != text
    assert synthetic_text(seed=1, train=100).test == text.test


def test_the_defaults():
    assert defaults(synthetic_corpus) == {"seed": 1, "train": 25_000, "dev": 500, "test": 500}
    assert defaults(synthetic_text) == {"seed": 1, "train": 5_000, "dev": 500, "test": 500}
