"""Splitting a stream of pairs into parts."""

import itertools

import numpy as np
import pytest

from tf_seq2seq.data.synthetic.parts import check_sizes, deal
from tf_seq2seq.errors import InputError

PAIRS = [("a", "A"), ("b", "B"), ("c", "C"), ("d", "D")]


def test_test_and_dev_come_first():
    corpus = deal(PAIRS, train=1, dev=1, test=2)
    assert list(corpus.test) == PAIRS[:2]
    assert list(corpus.dev) == PAIRS[2:3]
    assert list(corpus.train) == PAIRS[3:]


def test_an_endless_stream_is_read_as_far_as_needed():
    pairs = ((str(number), str(number)) for number in itertools.count())
    deal(pairs, train=3, dev=2, test=1)
    assert next(pairs) == ("6", "6")


def test_empty_parts():
    assert [len(part) for part in deal(PAIRS, train=0, dev=0, test=0)] == [0, 0, 0]
    assert [len(part) for part in deal(PAIRS, train=4, dev=0, test=0)] == [4, 0, 0]


def test_too_few_pairs():
    message = r"Expected 5 distinct pairs \(train=3, dev=1, test=1\), but there are only 4"
    with pytest.raises(InputError, match=message):
        deal(PAIRS, train=3, dev=1, test=1)


def test_sizes_become_plain_integers():
    sizes = check_sizes(np.int64(3), np.uint8(0), 2)
    assert sizes == (3, 0, 2)
    assert [type(size) for size in sizes] == [int, int, int]


@pytest.mark.parametrize("name", ["train", "dev", "test"])
@pytest.mark.parametrize("value", [-1, 2.0, False, None])
def test_sizes_that_are_not_valid(name, value):
    sizes = {"train": 1, "dev": 1, "test": 1, name: value}
    with pytest.raises(InputError, match=f"`{name}` must be an integer of at least 0, got {value}"):
        check_sizes(**sizes)
