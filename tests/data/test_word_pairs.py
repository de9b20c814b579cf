import numpy as np
import tensorflow as tf

from tf_seq2seq.data.word_pairs import WordPairs, keys_of

SOURCE, TARGET = [[4, 5], [4, 6, 4]], [[14, 15, 14], [16]]


def pairs():
    return WordPairs.of(tf.ragged.constant(SOURCE), tf.ragged.constant(TARGET))


def test_every_two_words_of_a_sentence_pair_are_a_pair():
    words = pairs()
    expected = [
        (x, y)
        for source, target in zip(SOURCE, TARGET, strict=True)
        for x in source
        for y in target
    ]
    found = zip(words.source[words.at], words.target[words.at], strict=True)
    assert sorted(found) == sorted(expected)
    np.testing.assert_array_equal(words.keys, keys_of(*np.array(sorted({*expected})).T))
    flat = np.concatenate(SOURCE), np.concatenate(TARGET)
    np.testing.assert_array_equal(flat[0][words.source_slots], words.source[words.at])
    np.testing.assert_array_equal(flat[1][words.target_slots], words.target[words.at])


def test_the_probabilities_of_a_word_add_up_to_one():
    words = pairs()
    for iterations in (1, 4):
        for given, t in (
            (words.source, words.target_given_source(iterations)),
            (words.target, words.source_given_target(iterations)),
        ):
            np.testing.assert_allclose(np.bincount(given, t)[np.unique(given)], 1.0)


def test_one_iteration_equals_a_manual_computation():
    # In "4 5 | 14 15 14" each target word counts 1/2 for both sources, and in "4 6 4 | 16" the word
    # 16 counts 2/3 for 4 and 1/3 for 6.
    words = pairs()
    t = dict(zip(map(int, words.keys), words.target_given_source(1), strict=True))
    total = 1 + 1 / 2 + 2 / 3
    expected = {(4, 14): 1 / total, (4, 15): 1 / 2 / total, (4, 16): 2 / 3 / total}
    expected |= {(5, 14): 2 / 3, (5, 15): 1 / 3, (6, 16): 1.0}
    assert len(t) == len(expected)
    for (x, y), value in expected.items():
        np.testing.assert_allclose(t[x << 32 | y], value)
