"""The fake model returns logits of the ids in `guesses` for any inputs."""

import numpy as np
import pytest

from tf_seq2seq import InputError
from tf_seq2seq.evaluation import accuracy_by_position


def measure(sources, labels, guesses, align, num_parts):
    def model(inputs):
        np.testing.assert_array_equal(inputs["source"], sources)
        return np.eye(10)[np.array(guesses)]

    batch = {"source": np.array(sources)}, np.array(labels)
    return accuracy_by_position(model, [batch], align, num_parts)


def copied(source, target):
    return [(i, i) for i in range(len(source))]


def test_by_the_place_of_the_source_token():
    source, labels = [[5, 6, 7, 8, 3]], [[8, 7, 6, 5, 3]]
    guesses = [[8, 7, 6, 9, 3]]  # wrong is what says the first source token
    accuracy = measure(source, labels, guesses, lambda source, _: [(i, 3 - i) for i in range(4)], 4)
    np.testing.assert_array_equal(accuracy, [0, 1, 1, 1])


def test_sentences_of_several_lengths_share_the_parts():
    source = [[5, 6, 7, 8, 3], [5, 6, 3, 0, 0]]
    guesses = [[5, 9, 7, 8, 3], [9, 6, 9, 9, 9]]
    accuracy = measure(source, source, guesses, copied, 2)
    np.testing.assert_allclose(accuracy, [1 / 3, 1])


def test_neither_eos_nor_padding_is_aligned():
    seen = []

    def align(source, target):
        seen.append((source.tolist(), target.tolist()))
        return []

    measure([[5, 6, 3, 0]], [[7, 3, 0, 0]], [[7, 3, 0, 0]], align, 2)
    assert seen == [([5, 6], [7])]


def test_a_part_without_a_token_is_not_a_number():
    accuracy = measure([[5, 3]], [[5, 3]], [[5, 3]], copied, 3)
    np.testing.assert_array_equal(accuracy, [1, np.nan, np.nan])


def test_parts_out_of_range():
    with pytest.raises(InputError, match="`num_parts` must be an integer of at least 1, got 0"):
        measure([[5, 3]], [[5, 3]], [[5, 3]], copied, 0)
