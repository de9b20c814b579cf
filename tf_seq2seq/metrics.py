"""Metrics over the target words, ignoring padding: perplexity and token accuracy."""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tf_seq2seq.losses import most_probable, token_cross_entropy, token_mask, words_of


def perplexity(loss: float) -> float:
    """Return the perplexity `exp(loss)`, or infinity if it overflows.

    Args:
        loss: a mean cross-entropy, in nats.

    Example:

    >>> round(perplexity(math.log(5)), 6)
    5.0
    """
    try:
        return math.exp(loss)
    except OverflowError:
        return math.inf


class _TokenMean(keras.metrics.Metric):
    """Mean over all target words since the last reset, regardless of how they are batched."""

    # By this attribute, EarlyStopping and ModelCheckpoint know which values are better.
    _direction: str

    def __init__(self, name: str, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def token_values(self, labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """Return the quantity to average, float32 of the shape of `labels`."""
        raise NotImplementedError(f"{type(self).__name__} does not define `token_values`.")

    def update_state(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> None:
        labels = ops.cast(y_true, "int32")
        weights = token_mask(labels)
        if sample_weight is not None:
            sample_weight = ops.cast(sample_weight, "float32")
            if len(sample_weight.shape) == 1:  # one for each sentence
                sample_weight = sample_weight[:, None]
            weights *= sample_weight
        labels, weights = words_of(labels, y_pred, weights)
        self.total.assign_add(ops.sum(self.token_values(labels, y_pred) * weights))
        self.count.assign_add(ops.sum(weights))

    def result(self) -> tf.Tensor:
        return ops.divide_no_nan(self.total, self.count)


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class Perplexity(_TokenMean):
    """Compute the exponential of the mean cross-entropy per target word, without label smoothing.

        perplexity = exp(-1/n sum_{i,j} log p(y_ij))

    Args:
        name: the name of the metric.

    Update arguments:
        y_true: int `(batch, target_length)`, padded with 0.
        y_pred: logits `(batch, target_length, vocabulary_size)`, or those of the words without
            padding, `(words, vocabulary_size)`, row by row.
        sample_weight: the weight of each sentence, `(batch,)`, or of each word,
            `(batch, target_length)`; None for equal weights.

    Example:

    >>> metric = Perplexity()
    >>> metric.update_state(np.array([[4, 3, 0]]), np.zeros((1, 3, 5), "float32"))
    >>> float(metric.result())
    5.0
    """

    _direction = "down"

    def __init__(self, name: str = "perplexity", **kwargs: Any):
        super().__init__(name=name, **kwargs)

    def token_values(self, labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        return token_cross_entropy(labels, logits)

    def result(self) -> tf.Tensor:
        return ops.exp(super().result())


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class TokenAccuracy(_TokenMean):
    """Compute the fraction of target words that the model ranks first, given the true prefix.

    Args:
        name: the name of the metric.

    Update arguments:
        y_true: int `(batch, target_length)`, padded with 0.
        y_pred: see `Perplexity`.
        sample_weight: see `Perplexity`.

    Example:

    >>> metric = TokenAccuracy()
    >>> metric.update_state(np.array([[1, 2, 0]]), np.eye(3)[[[1, 1, 1]]])
    >>> float(metric.result())
    0.5
    """

    _direction = "up"

    def __init__(self, name: str = "token_accuracy", **kwargs: Any):
        super().__init__(name=name, **kwargs)

    def token_values(self, labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        best = ops.cast(most_probable(logits), "int32")
        return ops.cast(ops.equal(best, labels), "float32")
