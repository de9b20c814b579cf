"""Copy and reverse corpora."""

import hashlib
from collections import Counter

import numpy as np
import pytest
from helpers import defaults

from tf_seq2seq.data.synthetic.copy_reverse import copy_corpus, reverse_corpus
from tf_seq2seq.errors import InputError

SMALL = {"train": 300, "dev": 40, "test": 40}


def test_copy_and_reverse():
    for source, target in copy_corpus(**SMALL).train:
        assert target == source
    for source, target in reverse_corpus(**SMALL).train:
        assert target.split() == source.split()[::-1]


def test_symbols_and_lengths_are_those_requested():
    corpus = copy_corpus(alphabet=("ab", "c"), lengths=(3, 6), train=60, dev=0, test=10)
    for part in corpus:
        for source in part.source:
            assert set(source.split()) <= {"ab", "c"}
            assert 3 <= len(source.split()) <= 6


def test_lengths_are_equally_frequent_if_there_are_enough_strings():
    corpus = copy_corpus("abcdefghij", lengths=(1, 5), train=4_010, dev=0, test=0)
    counts = Counter(len(source.split()) for source in corpus.train.source)
    assert counts == {1: 10, 2: 100, 3: 1_000, 4: 1_450, 5: 1_450}


@pytest.mark.parametrize("make", [copy_corpus, reverse_corpus])
def test_the_seed_decides(make):
    assert make(**SMALL, seed=3) == make(**SMALL, seed=3)
    assert make(**SMALL, seed=3) != make(**SMALL, seed=4)


def test_parts_are_disjoint_and_have_the_requested_sizes():
    corpus = copy_corpus(alphabet="ab", lengths=(1, 9), train=800, dev=100, test=122)
    assert [len(part) for part in corpus] == [800, 100, 122]
    strings = [source for part in corpus for source in part.source]
    assert len(set(strings)) == len(strings) == 2**10 - 2  # every possible string


def test_numpy_integers_are_accepted():
    sizes = np.array([2, 3, 20, 4, 5, 1])
    made = copy_corpus("abc", sizes[:2].tolist(), *sizes[2:])
    assert made == copy_corpus("abc", (2, 3), 20, 4, 5, seed=1)
    assert copy_corpus("abc", (np.int64(2), np.int32(3)), 20, 4, 5) == made


# A deliberate change of these corpora also changes figures of the README and of docs/results.md.
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (copy_corpus, "80fe2490cce2d9d9d45947b702ffc2b95d36ee6a6689e639cce66aeb96651df0"),
        (reverse_corpus, "32664b1aed558ffd9f5ff3461919b0432fdcff8a9bf660d992e4acbcf643ee24"),
    ],
)
def test_the_default_corpus_has_not_changed(make, expected):
    lines = ("\t".join(pair) + "\n" for part in make() for pair in part)
    assert hashlib.sha256("".join(lines).encode()).hexdigest() == expected


def test_long_strings():
    corpus = reverse_corpus(lengths=(50, 60), train=20, dev=5, test=5)
    assert min(len(source.split()) for source in corpus.train.source) >= 50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alphabet": "a"}, "at least two different symbols, each a string, got 'a'"),
        ({"alphabet": "aba"}, "at least two different symbols, each a string, got 'aba'"),
        ({"alphabet": (1, 2)}, r"each a string, got \(1, 2\)"),
        ({"alphabet": 5}, "each a string, got 5"),
        ({"alphabet": ("a", "b c")}, "nonempty symbols without spaces"),
        ({"alphabet": ("a", " b")}, "nonempty symbols without spaces"),
        ({"alphabet": ("a", "")}, "nonempty symbols without spaces"),
        ({"lengths": 5}, r"`lengths` must be a pair \(minimum, maximum\), got 5"),
        ({"lengths": (1, 2, 3)}, r"must be a pair \(minimum, maximum\), got \(1, 2, 3\)"),
        ({"lengths": (0, 3)}, r"`lengths\[0\]` must be an integer of at least 1, got 0"),
        ({"lengths": (4, 3)}, r"`lengths\[1\]` must be an integer of at least 4, got 3"),
        ({"lengths": (1, 2.5)}, r"`lengths\[1\]` must be an integer of at least 1, got 2.5"),
        ({"train": -1}, "`train` must be an integer of at least 0, got -1"),
        ({"dev": True}, "`dev` must be an integer of at least 0, got True"),
        ({"seed": -1}, "`seed` must be an integer of at least 0, got -1"),
        ({"alphabet": "ab", "lengths": (1, 3), "train": 20}, "but there are only 14"),
    ],
)
def test_arguments_that_are_not_valid(arguments, message):
    with pytest.raises(InputError, match=message):
        copy_corpus(**{**SMALL, "dev": 0, "test": 0, **arguments})


@pytest.mark.parametrize("make", [copy_corpus, reverse_corpus])
def test_the_defaults(make):
    sizes = {"train": 10_000, "dev": 500, "test": 500}
    assert defaults(make) == {"alphabet": "abcdefghij", "lengths": (1, 10), **sizes, "seed": 1}
