"""Floor 1: the training loss, cross-entropy over the target words, padding left out."""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops

from tf_seq2seq.text import PAD_ID


def token_cross_entropy(labels, logits, label_smoothing: float = 0.0):
    """Cross-entropy of each target word, in nats.

        -sum_k q_k log p_k,   q_k = (1 - epsilon) [k = label] + epsilon / V

    Args:
        labels: int `(batch, target_length)`.
        logits: `(batch, target_length, V)`. Half precision is computed in float32.
        label_smoothing: epsilon (Szegedy et al. 2016, section 7).

    Returns:
        float32 `(batch, target_length)`, padding included. It is NaN where the label is no id.

    Raises:
        ValueError: if the labels are not of the shape of the logits without their last axis.
    """
    labels, logits = tf.convert_to_tensor(labels), tf.convert_to_tensor(logits)
    logits.shape[:-1].assert_is_compatible_with(labels.shape)
    rows = tf.reshape(logits, [-1, tf.shape(logits)[-1]])
    loss = _cross_entropy(tf.cast(tf.reshape(labels, [-1]), tf.int64), rows, label_smoothing)
    return tf.reshape(loss, tf.shape(labels))


def _cross_entropy(labels, logits, label_smoothing):
    """`(n,)`, `(n, V)` -> `(n,)`; TensorFlow's own operation is slow on a CPU."""
    of_the_label = 1.0 - label_smoothing

    @tf.custom_gradient
    def cross_entropy(logits):
        logits_32 = tf.cast(logits, tf.float32)
        log_total = tf.reduce_logsumexp(logits_32, axis=-1)
        loss = of_the_label * (log_total - tf.gather(logits_32, labels, batch_dims=1))
        if label_smoothing:
            loss += label_smoothing * (log_total - tf.reduce_mean(logits_32, axis=-1))

        def gradient(d):  # d (p_k - q_k)
            # Made of the argument, and not of what is computed above, it has a gradient of its own.
            d_logits = d[:, None] * tf.nn.softmax(tf.cast(logits, tf.float32))
            if label_smoothing:
                size = tf.cast(tf.shape(logits)[1], tf.float32)
                d_logits -= label_smoothing / size * d[:, None]
            places = tf.stack([tf.range(tf.size(labels, tf.int64)), labels], axis=1)
            d_logits = tf.tensor_scatter_nd_sub(d_logits, places, of_the_label * d)
            return tf.cast(d_logits, logits.dtype)

        return loss, gradient

    # Only a CPU refuses to look up what is not there.
    is_id = (labels >= 0) & (labels < tf.shape(logits, tf.int64)[1])
    return tf.where(is_id, cross_entropy(logits), float("nan"))


def token_mask(labels):
    """float32 1 where `labels` holds a word (`<eos>` is one), 0 where it holds padding."""
    return ops.cast(ops.not_equal(labels, PAD_ID), "float32")


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class SequenceCrossEntropy(keras.losses.Loss):
    """Cross-entropy of the target words, padding left out, averaged over the global batch.

    Under a `tf.distribute` strategy the replicas' losses add up to the loss of the whole batch:
    each divides by the count of all replicas, so that a word weighs the same wherever it fell.

    Args:
        average: `"tokens"` divides the sum by the number of target words; `"sentences"` by the
            number of sentences, as the book does (section 9.3.2), which makes a gradient grow
            with the length of the sentences.
        label_smoothing: share of the probability that is spread over all words, in [0, 1).

    Call arguments:
        y_true: int `(batch, target_length)`, padded with 0.
        y_pred: logits `(batch, target_length, vocabulary_size)`.

    Returns:
        float32 scalar, in nats.

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(self, average="tokens", label_smoothing=0.0, name="loss"):
        # Keras casts the labels too, and half precision would round their ids.
        super().__init__(name=name, reduction=None, dtype="float32")
        if average not in ("tokens", "sentences"):
            raise ValueError(
                f"Received an unknown `average`: expected 'tokens' or 'sentences', got {average!r}."
            )
        if not 0.0 <= label_smoothing < 1.0:
            raise ValueError(
                f"Received an invalid `label_smoothing`: expected 0 <= value < 1, "
                f"got {label_smoothing!r}."
            )
        self.average = average
        self.label_smoothing = label_smoothing

    def __call__(self, y_true, y_pred, sample_weight=None):
        if sample_weight is not None:
            raise ValueError(
                "SequenceCrossEntropy weighs all target words alike; leave `sample_weight` out."
            )
        # Keras would take the labels through float32, and the graph would hold this cross-entropy
        # and that of the metrics as two.
        return self.call(y_true, y_pred)

    def call(self, y_true, y_pred):
        labels = ops.cast(y_true, "int32")
        mask = token_mask(labels)
        total = ops.sum(token_cross_entropy(labels, y_pred, self.label_smoothing) * mask)
        per_sentence = self.average == "sentences"
        count = ops.sum(ops.max(mask, axis=1) if per_sentence else mask)
        return total / ops.maximum(_sum_over_replicas(count), 1.0)

    def get_config(self):
        return {"name": self.name, "average": self.average, "label_smoothing": self.label_smoothing}


def _sum_over_replicas(value):
    replica = tf.distribute.get_replica_context()
    if replica is None or replica.num_replicas_in_sync == 1:
        return value
    return replica.all_reduce(tf.distribute.ReduceOp.SUM, value)
