"""The perplexity of a language model that looks back at the words it has just read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from tf_seq2seq.checks import check_integer, check_number, check_rate
from tf_seq2seq.errors import InputError
from tf_seq2seq.losses import token_cross_entropy, token_mask
from tf_seq2seq.metrics import perplexity
from tf_seq2seq.models import LanguageModel

FLATNESSES = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
SHARES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4)


@dataclasses.dataclass(frozen=True)
class NeuralCache:
    """A cache of the words that a trained language model has read last.

        P(w)       = (1 - lambda) P_model(w) + lambda P_cache(w)
        P_cache(w) = sum_i a_i [w_{i+1} = w],   a = softmax_i(theta h_t . h_i)

    The sums are over the last `size` positions `i` before `t`. This is attention: the state `h_t`
    is the query, the states before it are the keys, and the words that followed them are the
    values. Nothing is trained, so a perplexity with a cache is not comparable with one without.

    At the start of a text, where the cache is empty, `P` is `P_model`. Padding is neither
    predicted nor remembered.

    Args:
        size: the number of positions.
        flatness: theta, at least 0. With 0, all words in the cache count the same.
        share: lambda, at least 0 and below 1.

    Raises:
        InputError: if an argument is out of range.

    Example:

    >>> from tf_seq2seq.data import text_batches
    >>> model = LanguageModel(vocabulary_size=10, units=4)
    >>> text = text_batches([5, 6, 7] * 20, length=8)
    >>> NeuralCache(size=30, share=0.5).perplexity(model, text) < 10
    True

    Source: Grave et al. 2017, "Improving Neural Language Models with a Continuous Cache".
    """

    size: int = 2000
    flatness: float = 0.3
    share: float = 0.1

    def __post_init__(self):
        check_integer("size", self.size, minimum=1)
        check_number("flatness", self.flatness, minimum=0)
        check_rate("share", self.share)

    def perplexity(self, model: LanguageModel, dataset: Iterable) -> float:
        """Return the perplexity of a text.

        Args:
            model: a trained model.
            dataset: the batches of the text, as from `data.text_batches`. Each row has a cache of
                its own; with a single row, the cache holds all that precedes a word.

        Raises:
            InputError: if the model is not a `LanguageModel`, or the dataset is empty.
        """
        of_model, of_caches = _probabilities(model, dataset, self.size, [self.flatness])
        return _perplexity(of_model, of_caches[0], self.share)

    @classmethod
    def tuned(
        cls,
        model: LanguageModel,
        dataset: Iterable,
        size: int = 2000,
        *,
        flatnesses: Sequence[float] = FLATNESSES,
        shares: Sequence[float] = SHARES,
    ) -> NeuralCache:
        """Return the cache with the lowest perplexity on a text, such as the dev set.

        Args:
            model, dataset: as in `perplexity`.
            size: the number of positions.
            flatnesses, shares: the values to try, all in one pass over the text.

        Raises:
            InputError: as in `perplexity`, or if there is nothing to try.
        """
        caches = [[cls(size, flatness, share) for share in shares] for flatness in flatnesses]
        if not any(caches):
            raise InputError("`flatnesses` and `shares` must each have at least one value.")
        of_model, of_caches = _probabilities(model, dataset, size, flatnesses)
        found = {
            cache: _perplexity(of_model, of_cache, cache.share)
            for row, of_cache in zip(caches, of_caches, strict=True)
            for cache in row
        }
        return min(found, key=found.__getitem__)


def _perplexity(of_model, of_cache, share):
    return perplexity(-np.mean(np.log((1 - share) * of_model + share * of_cache)))


def _probabilities(model, dataset, size, flatnesses):
    """Return the probabilities of all words: `(words,)` and `(flatnesses, words)`, float64."""
    if not isinstance(model, LanguageModel):
        raise InputError(f"`model` must be a LanguageModel, got {model!r}.")

    @tf.function(reduce_retracing=True, autograph=False)
    def step(inputs, labels, state, keys, words):
        features, state = model.features(inputs, state, training=False)
        labels = tf.cast(labels, tf.int32)
        of_model = tf.exp(-token_cross_entropy(labels, model.logits(features)))
        queries = tf.cast(features, tf.float32)
        keys, words = tf.concat([keys, queries], axis=1), tf.concat([words, labels], axis=1)

        # Position i is in the cache of position t if it is one of the `size` before it.
        new, all_ = tf.shape(labels)[1], tf.shape(words)[1]
        ago = tf.range(all_ - new, all_)[:, None] - tf.range(all_)
        is_cached = (ago > 0) & (ago <= size) & (words > 0)[:, None]
        is_next = (words[:, None] == labels[:, :, None]) & is_cached
        scores = tf.matmul(queries, keys, transpose_b=True)
        is_empty = ~tf.reduce_any(is_cached, axis=-1)
        of_caches = []
        for flatness in flatnesses:
            weights = tf.where(is_cached, float(flatness) * scores, float("-inf"))
            # Of an empty cache, all weights are NaN, and none is used.
            weights = tf.nn.softmax(weights)
            of_cache = tf.reduce_sum(tf.where(is_next, weights, 0.0), axis=-1)
            of_caches.append(tf.where(is_empty, of_model, of_cache))
        is_word = token_mask(labels) > 0
        found = [tf.boolean_mask(each, is_word) for each in (of_model, *of_caches)]
        return tf.stack(found), state, keys[:, -size:], words[:, -size:]

    found, state = [], None
    for inputs, labels in dataset:
        if state is None:
            rows = tf.shape(inputs)[0]
            state = model.initial_state(rows)
            # The cache is padded at first, so that its shape never changes: one graph does.
            keys = tf.zeros([rows, size, model.embedding_size])
            words = tf.zeros([rows, size], tf.int32)
        values, state, keys, words = step(inputs, labels, state, keys, words)
        found.append(values.numpy())
    if not found:
        raise InputError("The text needs at least one batch, but the dataset is empty.")
    of_model, *of_caches = np.concatenate(found, axis=1).astype(np.float64)
    return of_model, of_caches
