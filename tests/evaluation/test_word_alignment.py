import numpy as np
import pytest
import tensorflow as tf

from tf_seq2seq import InputError
from tf_seq2seq.data import synthetic_corpus
from tf_seq2seq.evaluation import WordAligner
from tf_seq2seq.text import ChineseTokenizer, WordTokenizer

# "the black cat sleeps", "the white cat eats" and so on, and what each word means.
SOURCE = [[4, 5, 7, 9], [4, 6, 7, 10], [4, 5, 8, 10], [4, 6, 8, 9], [4, 8, 9], [4, 7, 10]]
MEANS = {4: 14, 5: 15, 6: 16, 7: 17, 8: 18, 9: 19, 10: 20}


def aligner(source, target):
    return WordAligner(tf.ragged.constant(source, tf.int32), tf.ragged.constant(target, tf.int32))


def test_finds_translations_whatever_their_order():
    # The target sentences run backwards.
    align = aligner(SOURCE, [[MEANS[x] for x in reversed(sentence)] for sentence in SOURCE])
    assert align(np.array([4, 5, 7, 9]), np.array([19, 17, 15, 14])) == [
        (3, 0),
        (2, 1),
        (1, 2),
        (0, 3),
    ]
    assert align(np.array([9, 4]), np.array([14, 19])) == [(1, 0), (0, 1)]


def test_one_iteration_equals_a_manual_computation():
    # All pairs are equally likely at first, so each target word counts 1/2 for each of its two
    # possible sources: t(14 | 4) = (1/2 + 1/2) / 2 = 1/2, t(15 | 4) = 1/4, t(14 | 5) = 1/2.
    align = WordAligner(
        tf.ragged.constant([[4, 5], [4, 6]]), tf.ragged.constant([[14, 15], [14, 16]]), 1
    )
    keys = [(4, 14), (4, 15), (4, 16), (5, 14), (5, 15), (6, 14), (6, 16)]
    np.testing.assert_array_equal(align._keys, [x << 32 | y for x, y in keys])
    expected = [1 / 2, 1 / 4, 1 / 4, 1 / 2, 1 / 2, 1 / 2, 1 / 2]
    np.testing.assert_allclose(align._target_given_source, expected)
    np.testing.assert_allclose(align._source_given_target, [1 / 2] * 3 + [1 / 4, 1 / 2] * 2)


def test_no_link_for_a_word_that_occurs_twice():
    align = aligner(SOURCE, [[MEANS[x] for x in sentence] for sentence in SOURCE])
    assert align(np.array([4, 7, 4, 9]), np.array([14, 17, 19])) == [(1, 1), (3, 2)]
    assert align(np.array([4, 7, 9]), np.array([14, 17, 14, 19])) == [(1, 1), (2, 3)]


def test_no_link_for_words_that_never_met():
    align = aligner(SOURCE, [[MEANS[x] for x in sentence] for sentence in SOURCE])
    assert align(np.array([4, 99]), np.array([14, 98])) == [(0, 0)]
    assert align(np.array([99]), np.array([98])) == []
    assert align(np.array([5]), np.array([16])) == []  # black and white never did


def test_links_of_the_synthetic_corpus():
    pairs = synthetic_corpus(train=3000, dev=0, test=0).train
    english, chinese = WordTokenizer(), ChineseTokenizer()
    english.adapt(pairs.source)
    chinese.adapt(pairs.target)
    align = WordAligner(english.encode(pairs.source), chinese.encode(pairs.target))
    source = "She repaired an old phone yesterday afternoon."
    target = "她昨天下午修了一部旧手机。"
    links = align(english.encode([source])[0].numpy(), chinese.encode([target])[0].numpy())
    words = english.tokenize([source]).to_list()[0]
    found = {(words[i].decode(), target[j]) for i, j in links}
    assert {("She", "她"), ("repaired", "修"), ("old", "旧"), ("yesterday", "昨")} <= found


def test_iterations_out_of_range():
    source = tf.ragged.constant([[4]], tf.int32)
    with pytest.raises(InputError, match="`iterations` must be an integer of at least 1, got 0"):
        WordAligner(source, source, iterations=0)
