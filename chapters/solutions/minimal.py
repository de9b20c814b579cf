"""Solutions of the exercises of `minimal.py`."""

import functools
import runpy
from pathlib import Path

import numpy as np
import tensorflow as tf

import tf_seq2seq as s2s


@functools.cache
def trained():
    """Run the chapter, which takes a minute, and return its variables."""
    return runpy.run_path(str(Path(__file__).parents[1] / "minimal.py"))


def right(chapter, pairs):
    """Return how many percent of some sentences are translated without an error."""
    sources, references = zip(*pairs, strict=True)
    translations, _ = chapter["translate"](sources)
    return 100 * sum(t == r for t, r in zip(translations, references, strict=True)) / len(pairs)


def exercise_1(chapter=None, count=100):
    """1%: a mean of all words does not say which of them is next."""
    chapter = chapter or trained()
    names = chapter["translate"].__globals__
    additive = names["additive_attention"]

    def equal_shares(state, memory, is_word, *weights):
        alpha = tf.cast(is_word, memory.dtype)
        alpha /= tf.reduce_sum(alpha, axis=-1, keepdims=True)
        return tf.reduce_sum(alpha[:, :, None] * memory, axis=1), alpha

    names["additive_attention"] = equal_shares
    try:
        return right(chapter, chapter["test"][:count])
    finally:
        names["additive_attention"] = additive


def dot_attention(state, memory, is_word):
    """Return the context and the shares, as `additive_attention` does."""
    scores = tf.reduce_sum(memory * state[:, None], axis=-1)
    alpha = tf.nn.softmax(tf.where(is_word, scores, -1e9), axis=-1)
    return tf.reduce_sum(alpha[:, :, None] * memory, axis=1), alpha


def exercise_2():
    """It needs no weights, and agrees with `DotAttention` of the package."""
    rng = np.random.default_rng(1)
    state = rng.normal(size=(2, 6)).astype("float32")
    memory = rng.normal(size=(2, 4, 6)).astype("float32")
    is_word = np.array([[True] * 4, [True, True, False, False]])
    both = dot_attention(state, memory, is_word), s2s.DotAttention()(state, memory, is_word)
    return max(float(tf.reduce_max(tf.abs(a - b))) for a, b in zip(*both, strict=True))


def exercise_3(chapter=None, count=50):
    """None: the decoder has only seen single sentences, and ends after one, with words of both."""
    chapter = chapter or trained()
    test = chapter["test"][: 2 * count]
    pairs = zip(test[::2], test[1::2], strict=True)
    joined = [(f"{a[0]} {b[0]}", a[1] + b[1]) for a, b in pairs]
    return right(chapter, joined)
