"""The training loop: on one device or many, watched, interrupted and resumed."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tf_seq2seq.errors import InputError
from tf_seq2seq.losses import token_cross_entropy, token_mask
from tf_seq2seq.metrics import perplexity
from tf_seq2seq.training.checkpoint import Checkpoint


@dataclasses.dataclass
class History:
    """How a training went; `plotting.learning_curves` draws it.

    Attributes:
        history: the loss and the metrics by name, a value for each epoch; those of the dev set
            begin with `val_`. (Keras' `History` has the same attribute.)
        step_losses: the cross-entropy of a target word, in nats, in each training step, before its
            update.
        seconds: how long it took, up to the last checkpoint and without the interruptions.
    """

    history: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    step_losses: list[float] = dataclasses.field(default_factory=list)
    seconds: float = 0.0


def fit(
    model: keras.Model,
    train: tf.data.Dataset,
    dev: tf.data.Dataset | None = None,
    *,
    epochs: int,
    directory: str | Path,
    resume: bool = False,
    checkpoint_every: int | None = None,
    keep_weights: int = 0,
    callbacks: Iterable[keras.callbacks.Callback] = (),
) -> History:
    """Train a compiled model with Keras' progress bar and callbacks, checkpoints and resume.

    Made for what `keras.Model.fit` does not do: it goes on in the middle of an epoch, it carries
    the state of a model from batch to batch, and under a strategy it trains as one device would:
    the gradients of the replicas are summed before the optimizer's `global_clipnorm` looks at
    them, and a loss that divides by the count of all replicas (`SequenceCrossEntropy`) makes a
    word weigh the same wherever it fell.

    A model that carries a state (a `LanguageModel`; truncated back-propagation through time) has
    a method `initial_state(batch_size)`, and its call takes `(inputs, state)` and returns
    `(logits, state)`. The state is zero at the start of an epoch; row `i` of a batch goes on
    where row `i` of the batch before ended.

    Args:
        model: a model compiled with an optimizer and a loss, inside the scope of the strategy.
        train: batches `(inputs, labels)` of known cardinality, `labels` int
            `(batch, target_length)`. Under a strategy they are the global ones.
        dev: batches to evaluate on after each epoch, or None.
        epochs: passes over `train`, those of an interrupted run included.
        directory: where the checkpoint is kept; made if it is not there.
        resume: go on from the checkpoint in `directory`, if there is one, instead of starting
            anew. Weights, optimizer, random seeds, metrics, carried state and the place in the
            data are those at the checkpoint.
        checkpoint_every: write a checkpoint after so many steps, and not only after each epoch.
        keep_weights: also keep the weights after each of so many last epochs, for
            `Checkpoint(directory).average_weights(model)`.
        callbacks: Keras callbacks. Those that keep a state of their own begin anew on resuming.

    Returns:
        The `History`, that of an interrupted run included.

    Raises:
        InputError: if the checkpoint does not fit the model or is damaged, or if the loss is no
            longer a number, the checkpoint before being kept.
        ValueError: if the dataset's cardinality is unknown or the optimizer clips by `clipnorm`
            or `clipvalue`, which replicas cannot do together.
    """
    steps = int(train.cardinality())
    if steps < 1:
        raise ValueError("`train` must have a known, finite number of batches, at least one.")
    run = _Run(model, train, Checkpoint(directory))
    epoch, step = run.restore() if resume else run.begin()
    callbacks = keras.callbacks.CallbackList(
        callbacks, add_progbar=True, model=model, verbose=1, epochs=epochs, steps=steps
    )
    model.stop_training = False
    callbacks.on_train_begin()
    while epoch < epochs and not model.stop_training:
        callbacks.on_epoch_begin(epoch)
        while step < steps:
            callbacks.on_train_batch_begin(step)
            logs = run.step()
            callbacks.on_train_batch_end(step, logs)
            step += 1
            if checkpoint_every and step % checkpoint_every == 0 and step < steps:
                run.save(epoch, step)
        logs = run.end_epoch()
        if dev is not None:
            logs |= {f"val_{name}": value for name, value in run.evaluate(dev).items()}
        for name, value in logs.items():
            run.history.history.setdefault(name, []).append(value)
        epoch, step = epoch + 1, 0
        # Before the checkpoint, which so holds a learning rate that they have changed.
        callbacks.on_epoch_end(epoch - 1, logs)
        if keep_weights:
            run.checkpoint.keep_weights(model, epoch, keep_weights)
        run.save(epoch, step)
    callbacks.on_train_end()
    return run.history


def evaluate(model: keras.Model, dataset: tf.data.Dataset) -> dict[str, float]:
    """Loss and metrics of a compiled model over a dataset, under the model's strategy.

    The figures of a model that carries its state are sums over its words: they do not depend on
    how long the batches are. It runs on one device, since its batches may have a single row.

    Args:
        model: a compiled model, see `fit`.
        dataset: batches `(inputs, labels)`.

    Returns:
        The values by name: of a model that carries a state `loss`, the cross-entropy of a word in
        nats, and `perplexity`; of any other the mean `loss` of a batch and its metrics.
    """
    return _evaluator(model)(dataset)


def gradient_norm(model: keras.Model, inputs, labels) -> float:
    """Length of the loss's gradient, that of all weights together, in training mode.

    Args:
        model: a compiled model that carries no state.
        inputs, labels: a batch, see `fit`.
    """
    with tf.GradientTape() as tape:
        logits = model(inputs, training=True)
        loss = model.compute_loss(x=inputs, y=labels, y_pred=logits, training=True)
    gradients = tape.gradient(loss, model.trainable_variables)
    return float(tf.linalg.global_norm([tf.convert_to_tensor(g) for g in gradients]))


def _carries_state(model) -> bool:
    return hasattr(model, "initial_state")


def _call(model, inputs, state, training):
    if _carries_state(model):
        return model(inputs, state, training=training)
    return model(inputs, training=training), state


class _Run:
    """A training on its way: the model, its place in the data, and what has been seen so far."""

    def __init__(self, model, train, checkpoint):
        self.model = model
        self.strategy = model.distribute_strategy
        self.checkpoint = checkpoint
        self.history = History()
        self._since = time.monotonic()
        self.losses: list[float] = []  # of the epoch's steps so far
        self._steps = int(train.cardinality())
        self._rows = train.element_spec[1].shape[0]  # None if batches differ
        self._dataset = self.strategy.experimental_distribute_dataset(train)
        self._train_step = _train_step(model)
        self.evaluate = _evaluator(model)
        with self.strategy.scope():
            model.optimizer.build(model.trainable_variables)
        self._begin_epoch()
        # Keras makes its metrics when a step is traced, and a checkpoint holds theirs too.
        self._train_step.get_concrete_function(self._iterator, self._state)

    def begin(self) -> tuple[int, int]:
        """Start at the first batch of the first epoch: returns epoch and step."""
        self.checkpoint.clear()
        return 0, 0

    def _begin_epoch(self):
        self.model.reset_metrics()
        self.losses = []
        self._iterator = iter(self._dataset)
        self._state = ()
        if _carries_state(self.model):
            replicas = self.strategy.num_replicas_in_sync
            if self._rows is None or self._rows % replicas:
                raise InputError(
                    f"Batches of {self._rows} rows cannot carry their state on {replicas} "
                    f"replicas: give `train` one batch size, a multiple of {replicas}."
                )
            rows = self._rows // replicas
            self._state = self.strategy.run(lambda: self.model.initial_state(rows))

    def step(self) -> dict[str, float]:
        """Train on the next batch; returns the epoch's loss and metrics so far."""
        loss, cost, self._state = self._train_step(self._iterator, self._state)
        loss = float(loss)
        if not math.isfinite(loss):
            raise InputError(
                f"The loss is {loss} in step {len(self.history.step_losses) + 1}; choose a lower "
                "learning rate or clip the gradients."
            )
        self.losses.append(loss)
        self.history.step_losses.append(float(cost))
        return self._logs()

    def _logs(self):
        metrics = self.model.get_metrics_result()
        metrics.pop("loss", None)  # Keras' own, which weighs the batches by their rows
        metrics = {name: float(value) for name, value in metrics.items()}
        return {"loss": float(np.mean(self.losses)), **metrics}

    def end_epoch(self) -> dict[str, float]:
        """The epoch's loss and metrics; the next step begins a new epoch."""
        logs = self._logs()
        self._begin_epoch()
        return logs

    def save(self, epoch: int, step: int) -> None:
        """Write a checkpoint that goes on with batch `step` of `epoch`."""
        now = time.monotonic()
        self.history.seconds += now - self._since
        self._since = now
        progress = {
            "epoch": epoch,
            "step": step,
            "steps": self._steps,
            "history": self.history.history,
            "step_losses": self.history.step_losses,
            "seconds": self.history.seconds,
            "losses": self.losses,
        }
        state = [
            part.numpy()
            for tensor in tf.nest.flatten(self._state)
            for part in self.strategy.experimental_local_results(tensor)
        ]
        arrays = [variable.numpy() for variable in _variables(self.model)]
        self.checkpoint.save(progress, arrays + state)

    def restore(self) -> tuple[int, int]:
        """Bring everything to where the checkpoint is: returns epoch and step."""
        variables = _variables(self.model)
        saved = self.checkpoint.load([variable.shape for variable in variables])
        if saved is None:
            return self.begin()
        progress = saved.progress
        epoch, step = progress["epoch"], progress["step"]
        if step and progress.get("steps") != self._steps:
            raise InputError(
                f"The checkpoint in {self.checkpoint.directory} stands at batch {step} of "
                f"{progress.get('steps')}, but the epochs now have {self._steps}; resume with the "
                "data and the batch size that it was written with."
            )
        # A dataset that shuffles orders each epoch anew: the epochs before are begun, and the
        # batches before are read, as they were.
        for _ in range(epoch):
            next(self._iterator)
            self._begin_epoch()
        for _ in range(step):
            next(self._iterator)
        for variable, array in zip(variables, saved.arrays, strict=False):
            variable.assign(array)
        self._restore_state(saved.arrays[len(variables) :])
        self.history = History(
            progress["history"], progress["step_losses"], progress.get("seconds", 0.0)
        )
        self.losses = progress["losses"]
        return epoch, step

    def _restore_state(self, arrays):
        replicas = self.strategy.num_replicas_in_sync
        flat = tf.nest.flatten(self._state)
        if len(arrays) != replicas * len(flat):
            raise InputError(
                f"The checkpoint in {self.checkpoint.directory} was written with another number "
                "of devices; resume with the strategy that it was written with."
            )
        parts = iter(arrays)
        flat = [
            self.strategy.experimental_distribute_values_from_function(
                lambda _: tf.constant(next(parts))
            )
            if replicas > 1
            else tf.constant(next(parts))
            for _ in flat
        ]
        self._state = tf.nest.pack_sequence_as(self._state, flat)


def _variables(model) -> list[keras.Variable]:
    """All variables of a compiled model, of its metrics and of its optimizer."""
    variables = [*model.variables, *model.metrics_variables, *model.optimizer.variables]
    return list({id(variable): variable for variable in variables}.values())


def _train_step(model):
    strategy, optimizer = model.distribute_strategy, model.optimizer
    replicas = strategy.num_replicas_in_sync
    if replicas > 1 and (optimizer.clipnorm or optimizer.clipvalue):
        raise ValueError(
            "Replicas clip their gradients together by `global_clipnorm` only; the optimizer has "
            f"clipnorm={optimizer.clipnorm}, clipvalue={optimizer.clipvalue}."
        )

    def replica_step(batch, state):
        inputs, labels = batch
        with tf.GradientTape() as tape:
            logits, state = _call(model, inputs, state, training=True)
            loss = model.compute_loss(x=inputs, y=labels, y_pred=logits, training=True)
        variables = model.trainable_variables
        gradients = tape.gradient(loss, variables)
        # A word that occurs twice in a batch has two slices, of which a norm must see the sum.
        gradients = [g if g is None else tf.convert_to_tensor(g) for g in gradients]
        if replicas > 1:
            gradients = tf.distribute.get_replica_context().all_reduce("SUM", gradients)
        if optimizer.global_clipnorm:
            gradients, _ = tf.clip_by_global_norm(gradients, optimizer.global_clipnorm)
        if replicas > 1:
            # The optimizer will sum over the replicas once more.
            gradients = [g if g is None else g / replicas for g in gradients]
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        model.compute_metrics(inputs, labels, logits)
        return loss, *_sums(labels, logits), state

    @tf.function
    def step(iterator, state):
        loss, total, count, state = strategy.run(replica_step, args=(next(iterator), state))
        loss, total, count = (
            strategy.reduce("SUM", value, axis=None) for value in (loss, total, count)
        )
        return loss, total / tf.maximum(count, 1.0), state

    return step


def _sums(labels, logits):
    """Cross-entropy of all target words together, in nats, and how many they are."""
    mask = token_mask(labels)
    return tf.reduce_sum(token_cross_entropy(labels, logits) * mask), tf.reduce_sum(mask)


def _evaluator(model) -> Callable[[tf.data.Dataset], dict[str, float]]:
    """`evaluate` for a model, traced once for all datasets of a kind."""
    return _stream_evaluator(model) if _carries_state(model) else _batch_evaluator(model)


def _batch_evaluator(model):
    strategy = model.distribute_strategy

    def replica_step(batch):
        inputs, labels = batch
        logits = model(inputs, training=False)
        model.compute_metrics(inputs, labels, logits)
        return model.compute_loss(x=inputs, y=labels, y_pred=logits, training=False)

    @tf.function(reduce_retracing=True)
    def step(batch):
        return strategy.reduce("SUM", strategy.run(replica_step, args=(batch,)), axis=None)

    def evaluate(dataset):
        kept = [(variable, variable.numpy()) for variable in model.metrics_variables]
        model.reset_metrics()
        batches = strategy.experimental_distribute_dataset(dataset)
        losses = [float(step(batch)) for batch in batches]
        metrics = {name: float(value) for name, value in model.get_metrics_result().items()}
        for variable, value in kept:
            variable.assign(value)
        return {**metrics, "loss": float(np.mean(losses))}

    return evaluate


def _stream_evaluator(model):
    @tf.function(reduce_retracing=True)
    def step(inputs, labels, state):
        logits, state = model(inputs, state, training=False)
        return *_sums(labels, logits), state

    def evaluate(dataset):
        state, total, count = None, 0.0, 0.0
        for inputs, labels in dataset:
            if state is None:
                state = model.initial_state(tf.shape(inputs)[0])
            batch_total, batch_count, state = step(inputs, labels, state)
            total, count = total + float(batch_total), count + float(batch_count)
        loss = total / max(count, 1.0)
        return {"loss": loss, "perplexity": perplexity(loss)}

    return evaluate
