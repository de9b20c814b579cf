"""Floor 1: what a progress bar shows: perplexity and token accuracy, padding left out."""

from __future__ import annotations

import math

import keras
from keras import ops

from tf_seq2seq.losses import token_cross_entropy, token_mask


def perplexity(loss: float) -> float:
    """`exp(loss)` of a mean cross-entropy in nats; infinite where no float can hold it."""
    try:
        return math.exp(loss)
    except OverflowError:
        return math.inf


class _TokenMean(keras.metrics.Metric):
    """Mean over all target words seen since the last reset, however they were batched."""

    def __init__(self, name, **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def token_values(self, labels, logits):
        """The quantity to average: float32 `(batch, target_length)`."""
        raise NotImplementedError(f"{type(self).__name__} gives no `token_values`.")

    def update_state(self, y_true, y_pred, sample_weight=None):
        labels = ops.cast(y_true, "int32")
        mask = token_mask(labels)
        self.total.assign_add(ops.sum(self.token_values(labels, y_pred) * mask))
        self.count.assign_add(ops.sum(mask))

    def result(self):
        return ops.divide_no_nan(self.total, self.count)


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class Perplexity(_TokenMean):
    """`exp` of the mean cross-entropy (in nats, never smoothed) of a target word.

    Update arguments:
        y_true: int `(batch, target_length)`, padded with 0.
        y_pred: logits `(batch, target_length, vocabulary_size)`.
    """

    def __init__(self, name="perplexity", **kwargs):
        super().__init__(name=name, **kwargs)

    def token_values(self, labels, logits):
        return token_cross_entropy(labels, logits)

    def result(self):
        return ops.exp(super().result())


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class TokenAccuracy(_TokenMean):
    """Share of the target words that are the most probable ones, the true words before them given.

    Update arguments:
        y_true: int `(batch, target_length)`, padded with 0.
        y_pred: logits `(batch, target_length, vocabulary_size)`.
    """

    def __init__(self, name="token_accuracy", **kwargs):
        super().__init__(name=name, **kwargs)

    def token_values(self, labels, logits):
        best = ops.cast(ops.argmax(logits, axis=-1), "int32")
        return ops.cast(ops.equal(best, labels), "float32")
