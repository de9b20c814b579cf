"""The training loss: cross-entropy over the target words, ignoring padding."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tf_seq2seq.checks import check_choice, check_rate
from tf_seq2seq.errors import InputError
from tf_seq2seq.text import PAD_ID


def token_cross_entropy(
    labels: tf.Tensor, logits: tf.Tensor, label_smoothing: float = 0.0
) -> tf.Tensor:
    """Compute the cross-entropy of each target word, in nats.

        -sum_k q_k log p_k,   q_k = (1 - epsilon) [k = label] + epsilon / V

    Args:
        labels: int `(batch, target_length)`, or any other shape.
        logits: `(batch, target_length, V)`. Half precision is computed in float32.
        label_smoothing: epsilon, in [0, 1).

    Returns:
        float32 `(batch, target_length)`, including padding; NaN where the label is not in [0, V).

    Raises:
        ValueError: if the shape of `labels` is not that of `logits` without the last axis.

    Source: label smoothing is from Szegedy et al. 2016, "Rethinking the Inception Architecture for
    Computer Vision", section 7.

    Example:

    >>> float(token_cross_entropy([[1]], [[[0.0, 0.0]]])[0, 0])  # log 2
    0.693...
    """
    labels, logits = tf.convert_to_tensor(labels), tf.convert_to_tensor(logits)
    logits.shape[:-1].assert_is_compatible_with(labels.shape)
    labels_of_rows = tf.cast(tf.reshape(labels, [-1]), tf.int64)
    loss = _cross_entropy(labels_of_rows, _rows(logits), label_smoothing)
    return tf.reshape(loss, tf.shape(labels))


def most_probable(logits: tf.Tensor) -> tf.Tensor:
    """Return the ids with the highest logits, int64 of the shape `(...)`.

    Args:
        logits: `(..., V)`.
    """
    logits = tf.convert_to_tensor(logits)
    return tf.reshape(_most_probable(tf.cast(_rows(logits), tf.float32)), tf.shape(logits)[:-1])


def _rows(logits):
    return tf.reshape(logits, [-1, tf.shape(logits)[-1]])


def _most_probable(rows):
    return tf.argmax(rows, axis=-1)


def _cross_entropy(labels, logits, label_smoothing):
    """Map `(n,)` and `(n, V)` to `(n,)`; TensorFlow's own operation is slow on a CPU.

    On a CPU, the time depends on the number of passes over the logits. A graph computes equal parts
    only once: the softmax is also that of the gradient, and the most probable word that of
    `TokenAccuracy`. They give the logarithm of the sum, `log sum_k exp l_k = l_best - log p_best`.
    """
    of_the_label = 1.0 - label_smoothing

    @tf.custom_gradient
    def cross_entropy(logits):
        logits_32 = tf.cast(logits, tf.float32)
        best = _most_probable(logits_32)
        p_best = tf.gather(tf.nn.softmax(logits_32), best, batch_dims=1)
        log_total = tf.gather(logits_32, best, batch_dims=1) - tf.math.log(p_best)
        loss = of_the_label * (log_total - tf.gather(logits_32, labels, batch_dims=1))
        if label_smoothing:
            loss += label_smoothing * (log_total - tf.reduce_mean(logits_32, axis=-1))

        def gradient(d):  # d (p_k - q_k)
            # Computed from the argument rather than from the values above, so that the gradient
            # is differentiable too.
            d_logits = d[:, None] * tf.nn.softmax(tf.cast(logits, tf.float32))
            if label_smoothing:
                size = tf.cast(tf.shape(logits)[1], tf.float32)
                d_logits -= label_smoothing / size * d[:, None]
            places = tf.stack([tf.range(tf.size(labels, tf.int64)), labels], axis=1)
            d_logits = tf.tensor_scatter_nd_sub(d_logits, places, of_the_label * d)
            return tf.cast(d_logits, logits.dtype)

        return loss, gradient

    # For an index out of range, a CPU raises an error but a GPU does not.
    is_id = (labels >= 0) & (labels < tf.shape(logits, tf.int64)[1])
    return tf.where(is_id, cross_entropy(logits), float("nan"))


def token_mask(labels: tf.Tensor) -> tf.Tensor:
    """Return float32 1 where `labels` is a word (including `<eos>`), and 0 where it is padding.

    Args:
        labels: int, any shape.
    """
    return ops.cast(ops.not_equal(labels, PAD_ID), "float32")


def words_of(
    labels: tf.Tensor, logits: tf.Tensor, weights: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the labels and the weights that belong to the logits.

    Args:
        labels: int `(batch, target_length)`, padded with 0.
        logits: `(batch, target_length, V)`, or those of the words alone, `(words, V)`, row by row.
        weights: `(batch, target_length)`.

    Returns:
        The labels and the weights, `(batch, target_length)` or `(words,)`.
    """
    if len(logits.shape) == len(labels.shape) + 1:
        return labels, weights
    is_word = tf.not_equal(labels, PAD_ID)
    return tf.boolean_mask(labels, is_word), tf.boolean_mask(weights, is_word)


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class SequenceCrossEntropy(keras.losses.Loss):
    """Average the cross-entropy of the target words over the global batch, ignoring padding.

        loss = sum_{i,j} -sum_k q_ijk log p_ijk / n

    `i` runs over the sentences and `j` over the words of a sentence; `p` is the softmax of `y_pred`
    and `q` the smoothed label (see `token_cross_entropy`). `n` is the number of target words or of
    sentences. Under a `tf.distribute` strategy, `n` includes all replicas, so that the losses of
    the replicas add up to the loss of the global batch.

    Args:
        average: what `n` counts: `"tokens"`, or `"sentences"` as in the book (section 9.3),
            where the gradient grows with the length of the sentences.
        label_smoothing: the probability mass that is spread evenly over all words, in [0, 1).
        name: the name of the loss.

    Call arguments:
        y_true: int `(batch, target_length)`, padded with 0.
        y_pred: logits `(batch, target_length, vocabulary_size)`, or those of the words without
            padding, `(words, vocabulary_size)`, row by row.

    Returns:
        float32 scalar, in nats.

    Raises:
        InputError: if an argument is out of range.

    Example:

    >>> loss = SequenceCrossEntropy()
    >>> logits = np.zeros((1, 3, 5), "float32")  # each of 5 words has the probability 1/5
    >>> float(loss(np.array([[4, 3, 0]]), logits))  # log 5; the padding doesn't count
    1.609...
    """

    def __init__(self, average: str = "tokens", label_smoothing: float = 0.0, name: str = "loss"):
        # Keras also casts the labels, and half precision would round the ids.
        super().__init__(name=name, reduction=None, dtype="float32")
        self.average = check_choice("average", average, ("tokens", "sentences"))
        self.label_smoothing = check_rate("label_smoothing", label_smoothing)

    def __call__(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: None = None
    ) -> tf.Tensor:
        if sample_weight is not None:
            raise InputError(
                "SequenceCrossEntropy gives all target words the same weight: leave "
                "`sample_weight` and `class_weight` out."
            )
        # Keras would cast the labels to float32; the graph would then compute the cross-entropy
        # twice, here and for the metrics.
        return self.call(y_true, y_pred)

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        labels = ops.cast(y_true, "int32")
        mask = token_mask(labels)
        words, weights = words_of(labels, y_pred, mask)
        total = ops.sum(token_cross_entropy(words, y_pred, self.label_smoothing) * weights)
        per_sentence = self.average == "sentences"
        count = ops.sum(ops.max(mask, axis=1) if per_sentence else mask)
        return total / ops.maximum(_sum_over_replicas(count), 1.0)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "average": self.average, "label_smoothing": self.label_smoothing}


def _sum_over_replicas(value):
    replica = tf.distribute.get_replica_context()
    if replica is None or replica.num_replicas_in_sync == 1:
        return value
    return replica.all_reduce(tf.distribute.ReduceOp.SUM, value)
