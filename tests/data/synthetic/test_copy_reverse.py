"""Copy and reverse corpora."""

from collections import Counter

import pytest

from tf_seq2seq.data.synthetic.copy_reverse import copy_corpus, reverse_corpus
from tf_seq2seq.errors import InputError

SMALL = {"train": 300, "dev": 40, "test": 40}


def test_copy_and_reverse():
    for source, target in copy_corpus(**SMALL).train:
        assert target == source
    for source, target in reverse_corpus(**SMALL).train:
        assert target.split() == source.split()[::-1]


def test_symbols_and_lengths_are_the_chosen_ones():
    corpus = copy_corpus(alphabet=("ab", "c"), lengths=(3, 6), train=60, dev=0, test=10)
    for part in corpus:
        for source in part.source:
            assert set(source.split()) <= {"ab", "c"}
            assert 3 <= len(source.split()) <= 6


def test_lengths_are_equally_frequent_where_there_are_enough_strings():
    corpus = copy_corpus("abcdefghij", lengths=(1, 5), train=4_010, dev=0, test=0)
    counts = Counter(len(source.split()) for source in corpus.train.source)
    assert counts == {1: 10, 2: 100, 3: 1_000, 4: 1_450, 5: 1_450}


@pytest.mark.parametrize("make", [copy_corpus, reverse_corpus])
def test_same_seed_same_corpus(make):
    assert make(**SMALL, seed=3) == make(**SMALL, seed=3)
    assert make(**SMALL, seed=3) != make(**SMALL, seed=4)


def test_parts_are_disjoint_and_of_the_asked_sizes():
    corpus = copy_corpus(alphabet="ab", lengths=(1, 9), train=800, dev=100, test=122)
    assert [len(part) for part in corpus] == [800, 100, 122]
    strings = [source for part in corpus for source in part.source]
    assert len(set(strings)) == len(strings) == 2**10 - 2  # every string there is


def test_long_strings():
    corpus = reverse_corpus(lengths=(50, 60), train=20, dev=5, test=5)
    assert min(len(source.split()) for source in corpus.train.source) >= 50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alphabet": "a"}, "two or more different symbols, got 'a'"),
        ({"alphabet": "aba"}, "two or more different symbols, got 'aba'"),
        ({"alphabet": ("a", "b c")}, "hold no space"),
        ({"alphabet": ("a", "")}, "hold no space"),
        ({"lengths": (0, 3)}, r"`lengths` as \(least, greatest\), 1 or more, got \(0, 3\)"),
        ({"lengths": (4, 3)}, r"got \(4, 3\)"),
        ({"train": -1}, "`train` to be a number of pairs, zero or more, got -1"),
        ({"alphabet": "ab", "lengths": (1, 3), "train": 20}, "only 14 could be generated"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        copy_corpus(**{**SMALL, "dev": 0, "test": 0, **arguments})
