"""A training step over the next batch, on one device or several, as one graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tf_seq2seq.losses import token_cross_entropy, token_mask, words_of
from tf_seq2seq.models import steps


def train_step(model: keras.Model) -> Callable[[Any, Any], tuple[tf.Tensor, tf.Tensor, Any]]:
    """Return a function that trains a model on the next batch of an iterator.

    Args:
        model: a compiled model, see `fit`.

    Returns:
        A function from `(iterator, state)` to the loss, the cross-entropy per target word in nats,
        and the next state. With `compile(run_eagerly=True)` it is not a graph.
    """
    strategy = model.distribute_strategy

    def replica_step(batch, state):
        inputs, labels = batch
        loss, logits, state = steps.train_step(model, inputs, labels, state)
        return loss, *token_sums(labels, logits), state

    # Keras compiles with XLA on a GPU, unless `compile` is told otherwise.
    if model.jit_compile:
        replica_step = tf.function(replica_step, jit_compile=True, autograph=False)

    def step(iterator, state):
        loss, total, count, state = strategy.run(replica_step, args=(next(iterator), state))
        loss, total, count = (
            strategy.reduce("SUM", value, axis=None) for value in (loss, total, count)
        )
        return loss, total / tf.maximum(count, 1.0), state

    return step if model.run_eagerly else tf.function(step, autograph=False)


def token_sums(labels: tf.Tensor, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the summed cross-entropy of all target words, in nats, and their number."""
    words, weights = words_of(labels, logits, token_mask(labels))
    return tf.reduce_sum(token_cross_entropy(words, logits) * weights), tf.reduce_sum(weights)


def build_metrics(model: keras.Model, dataset: tf.data.Dataset) -> None:
    """Create the variables of the metrics, which Keras otherwise does in the first step.

    Args:
        model: a compiled model.
        dataset: batches `(inputs, labels)`; a batch of zeros of the same kind is evaluated.
    """

    def evaluate():
        inputs, labels = tf.nest.map_structure(
            lambda spec: tf.zeros([size or 1 for size in spec.shape], spec.dtype),
            dataset.element_spec,
        )
        if steps.carries_state(model):
            logits = model(inputs, model.initial_state(tf.shape(inputs)[0])).logits
            model.compute_metrics(inputs, labels, logits)
        else:
            steps.test_step(model, inputs, labels)

    model.distribute_strategy.run(evaluate)
    model.reset_metrics()
