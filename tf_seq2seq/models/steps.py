"""One step of training or evaluation, on one replica: shared by Keras' `fit` and `training.fit`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from tf_seq2seq.errors import InputError
from tf_seq2seq.layers.loop import compiled_by_xla
from tf_seq2seq.text import PAD_ID


def carries_state(model: keras.Model) -> bool:
    """Return whether a model passes a state from batch to batch, such as a `LanguageModel`."""
    return hasattr(model, "initial_state")


def train_step(
    model: keras.Model, inputs: Any, labels: Any, state: Any = (), sample_weight: Any = None
) -> tuple[tf.Tensor, tf.Tensor, Any]:
    """Update the weights and the metrics of a compiled model with a replica's part of a batch.

    Gradients are summed over the replicas before they are clipped, and an embedding's gradient has
    one row per word, even if the word occurs several times. The optimizer therefore sees the
    gradient that one device would compute for the whole batch.

    Args:
        model: a compiled model, see `training.fit`.
        inputs, labels: the replica's part of a batch.
        state: the state before the batch, for a model that carries one.
        sample_weight: for the compiled loss and the weighted metrics.

    Returns:
        The replica's share of the loss; the logits, `(batch, target_length, vocabulary_size)` or,
        of the words without padding, `(words, vocabulary_size)`; and the state after the batch.
    """
    optimizer = model.optimizer
    with tf.GradientTape() as tape:
        logits, state = _call(model, inputs, labels, state, sample_weight, training=True)
        loss = _loss(model, inputs, labels, logits, sample_weight, training=True)
        scaled_loss = optimizer.scale_loss(loss)
    variables = model.trainable_variables
    gradients = tape.gradient(scaled_loss, variables)
    gradients = [g if g is None else tf.convert_to_tensor(g) for g in gradients]
    if _replicas() > 1:
        gradients = _add_up_and_clip(optimizer, gradients)
    optimizer.apply_gradients(zip(gradients, variables, strict=True))
    _update_metrics(model, inputs, labels, logits, sample_weight, loss)
    return loss, logits, state


def test_step(model: keras.Model, inputs: Any, labels: Any, sample_weight: Any = None) -> None:
    """Update the metrics of a compiled model with a replica's part of a batch."""
    logits, _ = _call(model, inputs, labels, (), sample_weight, training=False)
    loss = _loss(model, inputs, labels, logits, sample_weight, training=False)
    _update_metrics(model, inputs, labels, logits, sample_weight, loss)


def _call(model, inputs, labels, state, sample_weight, training):
    if carries_state(model):
        return model(inputs, state, training=training)
    if sample_weight is None and _needs_words_alone(model):
        return model(inputs, select=tf.not_equal(labels, PAD_ID), training=training), state
    return model(inputs, training=training), state


def _loss(model, inputs, labels, logits, sample_weight, training):
    """Compute the replica's share of the loss, directly after its call of the model."""
    added = []
    if _replicas() > 1:
        # Keras keeps the losses of `add_loss` in the model, which the replicas share. It reads them
        # after the compiled loss, for which the replicas wait until each has called the model.
        added = [each for layer in model._flatten_layers() for each in layer._get_own_losses()]
        model._clear_losses()
    loss = model.compute_loss(inputs, labels, logits, sample_weight, training=training)
    return sum(map(model._aggregate_additional_loss, added), loss)


def _needs_words_alone(model):
    """Return whether the logits of padding can be left out without changing any result.

    That saves part of the largest product, but XLA would compile the step for each number of words.
    """
    known = keras.Model.compute_loss, keras.Model.compute_metrics
    methods = model.compute_loss, model.compute_metrics
    return (
        getattr(model, "selects", False)
        and model.scores_words
        and tuple(getattr(method, "__func__", None) for method in methods) == known
        and not compiled_by_xla()
    )


def _replicas() -> int:
    return tf.distribute.get_replica_context().num_replicas_in_sync


def _sum_over_replicas(tensors):
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tensors)


def _update_metrics(model, inputs, labels, logits, sample_weight, loss):
    """Update the compiled metrics, and the mean loss, which Keras weights by rows."""
    if _replicas() > 1:
        loss = _sum_over_replicas(loss)
    rows = tf.shape(tf.nest.flatten(inputs)[0])[0]
    for metric in model.metrics:
        if metric.name == "loss":
            metric.update_state(loss, sample_weight=rows)
    model.compute_metrics(inputs, labels, logits, sample_weight)


def _add_up_and_clip(optimizer, gradients):
    """Return the replica's share of the clipped sum of the gradients, which Keras adds up again.

    Keras clips each share again, with no effect: a share never exceeds the clipped sum.
    """
    present = iter(_sum_over_replicas([g for g in gradients if g is not None]))
    gradients = [g if g is None else next(present) for g in gradients]
    scale = optimizer.scale_loss(1.0)
    for each in innermost(optimizer):
        if each.clipnorm:
            gradients = [_each(tf.clip_by_norm, g, scale * each.clipnorm) for g in gradients]
        elif each.clipvalue:
            gradients = [_each(_clip_values, g, scale * each.clipvalue) for g in gradients]
        elif each.global_clipnorm:
            gradients, _ = tf.clip_by_global_norm(gradients, scale * each.global_clipnorm)
    return [g if g is None else g / _replicas() for g in gradients]


def _each(clip, gradient, bound):
    return None if gradient is None else clip(gradient, bound)


def _clip_values(gradient, bound):
    # Infinite values must stay infinite, because they make a LossScaleOptimizer skip the step.
    finite = tf.math.is_finite(gradient)
    return tf.where(finite, tf.clip_by_value(gradient, -bound, bound), gradient)


def innermost(optimizer: keras.optimizers.Optimizer) -> Iterator[keras.optimizers.Optimizer]:
    """Yield the optimizers that others wrap to scale the loss or to divide the weights."""
    inner = getattr(optimizer, "inner_optimizer", None)
    for each in getattr(optimizer, "optimizers", [inner]):
        if each is None:
            yield optimizer
        else:
            yield from innermost(each)


def check_replicas(model: keras.Model) -> None:
    """Refuse what several replicas cannot do.

    Raises:
        InputError: if the optimizer has an option that Keras cannot apply on several replicas, or
            if the model is compiled with XLA.
    """
    replicas = model.distribute_strategy.num_replicas_in_sync
    if replicas == 1:
        return
    optimizers = list(innermost(model.optimizer))
    for each in optimizers:
        for name in ("gradient_accumulation_steps", "ema_overwrite_frequency"):
            if getattr(each, name):
                raise InputError(
                    f"The optimizer has {name}={getattr(each, name)}, which does not work on "
                    f"{replicas} replicas: leave it out or train on one device."
                )
        if len(optimizers) > 1 and (each.clipnorm or each.clipvalue or each.global_clipnorm):
            raise InputError(
                f"Several optimizers cannot clip their gradients on {replicas} replicas: leave "
                "clipping out or train on one device."
            )
    if model.jit_compile:
        raise InputError(
            "A model compiled with XLA cannot be trained on several replicas: compile it with "
            "`jit_compile=False`."
        )
