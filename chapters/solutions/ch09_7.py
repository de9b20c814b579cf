"""Solutions of the exercises of chapter 9-7."""

import numpy as np
import tensorflow as tf

import tf_seq2seq as s2s
from solutions._strings import exact_match


def exercise_1(units=8):
    """The weights are 1/T each, whatever the query and the weights of the layer are."""
    memory = np.tile(np.random.default_rng(1).normal(size=(1, 1, 6)), (1, 4, 1))
    query = np.random.default_rng(2).normal(size=(1, 5))
    _, weights = s2s.BahdanauAttention(units)(query, memory)
    return weights.numpy()[0]


class CosineAttention(s2s.Attention):
    """The score is the cosine of query and memory, times a factor."""

    def score(self, query, keys, factor=8.0):
        query, keys = (tf.math.l2_normalize(x, axis=-1) for x in (query, keys))
        return factor * tf.reduce_sum(query[:, None] * keys, axis=-1)


def exercise_2():
    """The score does not depend on the length of the vectors, unlike a dot product."""
    query, memory = np.array([[1.0, 0.0]]), np.array([[[1.0, 0.0], [9.0, 9.0]]])
    _, cosine = CosineAttention()(query, memory)
    _, dot = s2s.DotAttention()(query, memory)
    return cosine.numpy()[0], dot.numpy()[0]


def exercise_3(train=4000, **sizes):
    """Nearly all with attention, and none without: Keras warns that the encoder has no gradient."""
    corpus = s2s.data.reverse_corpus("abcdefgh", lengths=(1, 8), train=train, dev=100, test=200)
    attention = {"attention": s2s.BahdanauAttention(32)}
    return {
        "attention": exact_match(corpus, decoder=attention, bridge="zeros", **sizes),
        "no attention": exact_match(corpus, bridge="zeros", **sizes),
    }
