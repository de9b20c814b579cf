"""The training loop: one device or several, with checkpoints and exact resume."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal, NoReturn

import keras
import numpy as np
import tensorflow as tf

from tf_seq2seq.checks import check_flag, check_integer
from tf_seq2seq.errors import InputError, Interrupted
from tf_seq2seq.losses import token_cross_entropy, token_mask
from tf_seq2seq.metrics import Perplexity, perplexity
from tf_seq2seq.training.callbacks import get_states, set_states
from tf_seq2seq.training.checkpoint import (
    MODEL,
    Saved,
    assign,
    compiled_metrics,
    model_variables,
    training_variables,
)
from tf_seq2seq.training.faults import (
    Termination,
    check_space,
    explain_failed_write,
    open_checkpoint,
)

SECONDS_BETWEEN_CHECKPOINTS = 60.0
"""The shortest time between two checkpoints with `checkpoint_every="auto"`."""

SHARE_OF_CHECKPOINTS = 0.03
"""The largest share of the time that checkpoints may take with `checkpoint_every="auto"`."""

NO_BATCHES = "The evaluation needs at least one batch, but the dataset is empty."


@dataclasses.dataclass
class History:
    """The record of a training run; `plotting.learning_curves` plots it.

    Attributes:
        history: values of the loss and the metrics by name, one per epoch; the names of those on
            the dev set start with `val_`. Keras' `History` has the same attribute.
        step_losses: cross-entropy per target word in nats, for each training step, before its
            update. It is computed without label smoothing.
        seconds: duration up to the last checkpoint, excluding interruptions.
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
    checkpoint_every: int | Literal["auto"] | None = None,
    keep_checkpoints: int = 2,
    keep_weights: int = 0,
    callbacks: Iterable[keras.callbacks.Callback] = (),
) -> History:
    """Train a compiled model with checkpoints, exact resume and Keras' callbacks.

    Unlike `keras.Model.fit`, it resumes in the middle of an epoch, carries a model's state from
    batch to batch, and trains several replicas as one device would. The gradients of the replicas
    are summed before they are clipped by `global_clipnorm`, and `SequenceCrossEntropy` divides by
    the number of words on all replicas, so each word has the same weight on every replica.

    A model that carries a state from batch to batch, such as a `LanguageModel` (truncated
    backpropagation through time), has a method `initial_state(batch_size)`, and its call takes
    `(inputs, state)` and returns `(logits, state)`. The state is zero at the start of an epoch;
    row `i` of a batch continues row `i` of the previous batch.

    On a GPU, XLA compiles the training step, which makes it several times as fast. Compiling takes
    half a minute or more for each batch shape, so use few shapes (see `data.batches`) or, for a
    short run, `compile(jit_compile=False)`. XLA's dropout masks differ from TensorFlow's. With
    several replicas, training does not use XLA. With `compile(steps_per_execution=n)`, the host
    fetches the losses and calls the callbacks every n steps.

    Checkpoints are written atomically, with the SHA-256 checksums of their files, and older ones
    are removed only afterwards. A training run that is killed at any moment therefore resumes as if
    it had not been interrupted; on a CPU, its weights are the same to the last bit. If a checkpoint
    is damaged, a warning names it, and the one before it is used. If the next checkpoint will not
    fit on the disk, a warning says how much space is needed and how much is free.

    On SIGTERM, which a preemptible machine receives before it is reclaimed, `fit` finishes the
    step, writes a checkpoint and raises `Interrupted`. This works only in the main thread.

    EarlyStopping, ReduceLROnPlateau, ModelCheckpoint and SwapEMAWeights resume with their state. So
    do other callbacks that have two methods: `get_state()`, which returns JSON values and NumPy
    arrays, nested in lists and in dictionaries with string keys, and `set_state(state)`, which is
    called after `on_train_begin` and, in the middle of an epoch, after `on_epoch_begin`.

    Args:
        model: a model compiled with an optimizer and a loss, inside the scope of the strategy.
        train: batches `(inputs, labels)` of known cardinality, `labels` int
            `(batch, target_length)`. Under a strategy they are the global batches.
        dev: batches for evaluation after each epoch, or None.
        epochs: number of passes over `train`, including those of an interrupted run; at least 0.
        directory: the folder for the checkpoints; created if missing.
        resume: whether to continue from the checkpoint in `directory`, if there is one, instead
            of starting from the first batch. Weights, optimizer, random seeds, metrics, carried
            state, the callbacks' state, `stop_training` and the position in the data then come from
            the checkpoint.
        checkpoint_every: number of steps between checkpoints within an epoch, at least 1; "auto" to
            write one every minute, or less often if checkpoints would take more than 3% of the
            time; None to write one only after each epoch.
        keep_checkpoints: number of most recent checkpoints to keep, at least 1. The disk must have
            room for one more.
        keep_weights: number of most recent epochs whose weights are also kept, for
            `Checkpoint(directory).average_weights(model)`.
        callbacks: Keras callbacks.

    Returns:
        The `History`, including that of an interrupted run.

    Raises:
        InputError: if the model is not compiled, an argument is out of range, the cardinality of
            `train` is unknown, the directory cannot be written to, all checkpoints are damaged or
            the last one does not fit the model, the disk is full or the loss or a weight is NaN or
            infinite (the previous checkpoint is kept), or the optimizer clips by `clipnorm` or
            `clipvalue` or scales the loss on several replicas.
        Interrupted: on SIGTERM, once a checkpoint is written.
    """
    epochs = check_integer("epochs", epochs, minimum=0)
    resume = check_flag("resume", resume)
    if checkpoint_every not in (None, "auto"):
        checkpoint_every = check_integer("checkpoint_every", checkpoint_every, minimum=1)
    keep_checkpoints = check_integer("keep_checkpoints", keep_checkpoints, minimum=1)
    keep_weights = check_integer("keep_weights", keep_weights, minimum=0)
    callbacks = list(callbacks)
    if not model.compiled:
        raise InputError(
            "The model has no loss and no optimizer to train with: call `compile` first."
        )
    steps = int(train.cardinality())
    if steps < 1:
        raise InputError(
            "`train` must have a known, finite number of batches, at least one; set it with "
            "`tf.data.experimental.assert_cardinality`."
        )
    termination = Termination()
    checkpoint = open_checkpoint(directory, keep_checkpoints)
    run = _Run(model, train, checkpoint, keep_weights, callbacks, termination)
    epoch, step = run.restore() if resume else run.begin()
    run.check_space()
    hooks = keras.callbacks.CallbackList(
        callbacks, add_progbar=True, model=model, verbose=1, epochs=epochs, steps=steps
    )
    model.stop_training, logs = run.stopped, None
    with termination:
        hooks.on_train_begin()
        if step:  # before restoring, which overwrites what the callbacks change here
            hooks.on_epoch_begin(epoch)
        run.restore_callbacks()
        while epoch < epochs and (step or not model.stop_training):
            if not step:
                hooks.on_epoch_begin(epoch)
            while step < steps and not (step and model.stop_training):
                hooks.on_train_batch_begin(step)
                count = min(model.steps_per_execution, steps - step)
                if isinstance(checkpoint_every, int):
                    count = min(count, checkpoint_every - step % checkpoint_every)
                logs = run.take_steps(count)
                step = len(run.losses)
                hooks.on_train_batch_end(step - 1, logs)
                if termination:
                    run.interrupt(epoch, step)
                if step < steps and run.is_due(checkpoint_every, step):
                    run.save(epoch, step)
            logs = run.logs()
            if dev is not None:
                logs |= {f"val_{name}": value for name, value in run.evaluate(dev).items()}
                if termination:  # the evaluation ended early: repeat it after resuming
                    run.interrupt(epoch, step)
            run.begin_epoch()
            for name, value in logs.items():
                run.history.history.setdefault(name, []).append(value)
            epoch, step = epoch + 1, 0
            # Before the checkpoint, so that it includes what callbacks have changed.
            hooks.on_epoch_end(epoch - 1, logs)
            run.save(epoch, step)
            if termination:
                run.interrupt(epoch, step)
        hooks.on_train_end(logs)
    return run.history


def evaluate(model: keras.Model, dataset: tf.data.Dataset) -> dict[str, float]:
    """Compute the loss and the compiled metrics of a model over a dataset.

    A model that carries its state runs on one device, since its batches may have a single row. Its
    metrics get one word per row, `(batch * length, 1)`, so that their values do not depend on the
    length of the batches.

    Args:
        model: a compiled model, see `fit`. Its metrics keep their state.
        dataset: batches `(inputs, labels)`, at least one.

    Returns:
        Values by name: the compiled metrics, and `loss`, the mean loss of the batches. For a model
        that carries its state, `loss` is the mean cross-entropy per word in nats.

    Raises:
        InputError: if the model is not compiled or the dataset is empty.
    """
    if not model.compiled:
        raise InputError("The model has no loss and no metrics to evaluate: call `compile` first.")
    return _evaluator(model)(dataset)


def gradient_norm(model: keras.Model, inputs: dict[str, tf.Tensor], labels: tf.Tensor) -> float:
    """Compute the norm of the gradient of the loss over all weights, in training mode.

    Args:
        model: a compiled model that does not carry a state.
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


def _after(epoch: int, step: int) -> str:
    return f"batch {step} of epoch {epoch + 1}" if step else f"epoch {epoch}"


class _Run:
    """A training run: the model, its position in the data, and its history so far."""

    def __init__(self, model, train, checkpoint, keep_weights, callbacks, termination):
        self.model = model
        self.keep_weights = keep_weights
        self.callbacks = callbacks
        self.termination = termination
        self.stopped = False
        self._saved: Saved | None = None
        self._position: tuple[int, int] | None = None  # of the last checkpoint
        self._seconds_to_save = 0.0
        self._has_space = True
        self._epoch = 0
        self.strategy = model.distribute_strategy
        self.checkpoint = checkpoint
        self.history = History()
        self._since = time.monotonic()
        self.losses: list[float] = []  # one per step of the epoch so far
        self._steps = int(train.cardinality())
        self._rows = train.element_spec[1].shape[0]  # None if batches differ
        self._dataset = self.strategy.experimental_distribute_dataset(train)
        self._train_step = _train_step(model)
        self.evaluate = _evaluator(model, termination)
        with self.strategy.scope():
            model.optimizer.build(model.trainable_variables)
        self.begin_epoch()
        # Keras creates the metrics' variables while tracing a step; a checkpoint holds them too.
        self._train_step.get_concrete_function(self._iterator, self._state)

    def begin(self) -> tuple[int, int]:
        """Start at the first batch of the first epoch; return the epoch and the step."""
        self.checkpoint.clear()
        return 0, 0

    def begin_epoch(self) -> None:
        """Prepare the next epoch."""
        self._epoch += 1
        self.model.reset_metrics()
        self.losses = []
        self._iterator = iter(self._dataset)
        self._state = ()
        if _carries_state(self.model):
            replicas = self.strategy.num_replicas_in_sync
            if self._rows is None or self._rows % replicas:
                raise InputError(
                    f"Batches of {self._rows} rows cannot carry their state on {replicas} "
                    f"replicas: give all batches of `train` the same number of rows, a multiple of "
                    f"{replicas}."
                )
            rows = self._rows // replicas
            self._state = self.strategy.run(lambda: self.model.initial_state(rows))

    def take_steps(self, count: int) -> dict[str, float]:
        """Train on the next `count` batches; return the loss and the metrics of the epoch so far.

        On SIGTERM, end after the current step. The host does not wait for a result before it
        starts the next step.
        """
        results = []
        for _ in range(count):
            *result, self._state = self._train_step(self._iterator, self._state)
            results.append(result)
            if self.termination:
                break
        for result in tf.stack(results).numpy():
            loss, word_loss = map(float, result)
            if not math.isfinite(loss):
                raise InputError(
                    f"The loss is {loss} at step {len(self.history.step_losses) + 1}, batch "
                    f"{len(self.losses) + 1} of epoch {self._epoch}: choose a lower learning rate "
                    "or clip the gradients."
                )
            self.losses.append(loss)
            self.history.step_losses.append(word_loss)
        return self.logs()

    def logs(self) -> dict[str, float]:
        """Return the loss and the metrics of the epoch so far."""
        return {"loss": float(np.mean(self.losses)), **_metrics_result(self.model)}

    def is_due(self, every: int | Literal["auto"] | None, step: int) -> bool:
        """Return whether it is time for a checkpoint within an epoch."""
        if every == "auto":
            seconds = max(SECONDS_BETWEEN_CHECKPOINTS, self._seconds_to_save / SHARE_OF_CHECKPOINTS)
            return time.monotonic() - self._since >= seconds
        return every is not None and step % every == 0

    def save(self, epoch: int, step: int) -> None:
        """Write a checkpoint from which training continues with batch `step` of `epoch`."""
        now = time.monotonic()
        self.history.seconds += now - self._since
        self._since = now
        callbacks, arrays = get_states(self.callbacks)
        progress = {
            "epoch": epoch,
            "step": step,
            "steps": self._steps,
            "history": self.history.history,
            "step_losses": self.history.step_losses,
            "seconds": self.history.seconds,
            "losses": self.losses,
            "callbacks": callbacks,
            "stopped": bool(self.model.stop_training),
        }
        arrays |= {name: v.numpy() for name, v in training_variables(self.model).items()}
        self._check_finite(arrays, epoch, step)
        for i, tensor in enumerate(tf.nest.flatten(self._state)):
            for j, part in enumerate(self.strategy.experimental_local_results(tensor)):
                arrays[f"state/{i}/replica_{j}"] = part.numpy()
        with explain_failed_write(self.checkpoint, f"The checkpoint after {_after(epoch, step)}"):
            if self.keep_weights and not step:
                self.checkpoint.keep_weights(self.model, epoch, self.keep_weights)
            self.checkpoint.save(progress, arrays)
        self._position = epoch, step
        self._seconds_to_save = time.monotonic() - now
        self.check_space()

    def _check_finite(self, arrays, epoch, step):
        """Refuse to save non-finite weights, which the loss reveals only in the next step."""
        for name, array in arrays.items():
            is_weight = name.startswith(f"{MODEL}/")
            if is_weight and not np.isfinite(array.astype("float32", copy=False)).all():
                raise InputError(
                    f"The weight {name.removeprefix(f'{MODEL}/')} is NaN or infinite after "
                    f"{_after(epoch, step)}: choose a lower learning rate or clip the gradients."
                )

    def interrupt(self, epoch: int, step: int) -> NoReturn:
        """Write a checkpoint, unless this step already has one, and raise `Interrupted`."""
        if self._position != (epoch, step):
            self.save(epoch, step)
        raise Interrupted(
            f"Training was interrupted by SIGTERM after {_after(epoch, step)}, and a checkpoint "
            f"was written to {self.checkpoint.directory}: train again with `resume` to continue."
        )

    def check_space(self) -> None:
        """Warn if the next checkpoint will not fit on the disk, but only once per shortage."""
        needed = self.checkpoint.size() or _size(training_variables(self.model))
        if self.keep_weights:
            needed += _size(model_variables(self.model))
        self._has_space = check_space(self.checkpoint.directory, needed, warn=self._has_space)

    def restore(self) -> tuple[int, int]:
        """Restore the checkpoint, if there is one; return the epoch and the step."""
        variables = training_variables(self.model)
        saved = self.checkpoint.load(variables)
        if saved is None:
            return self.begin()
        progress = saved.progress
        epoch, step = progress["epoch"], progress["step"]
        if step and progress["steps"] != self._steps:
            raise InputError(
                f"The checkpoint in {self.checkpoint.directory} is at batch {step} of "
                f"{progress['steps']}, but an epoch now has {self._steps}: resume with the data "
                "and the batch size that it was written with."
            )
        self._saved, self._position = saved, (epoch, step)
        # A shuffled dataset has a different order in each epoch: start all previous epochs, and
        # skip the previous batches of this one.
        for _ in range(epoch):
            next(self._iterator)
            self.begin_epoch()
        for _ in range(step):
            next(self._iterator)
        assign(variables, saved.arrays)
        self._restore_state(saved.arrays)
        self.history = History(progress["history"], progress["step_losses"], progress["seconds"])
        self.losses = progress["losses"]
        self.stopped = progress["stopped"]
        return epoch, step

    def restore_callbacks(self) -> None:
        """Restore the callbacks' state, and the variables that they changed in `on_train_begin`."""
        if self._saved is None:
            return
        assign(training_variables(self.model), self._saved.arrays)
        lost = set_states(self.callbacks, self._saved.progress["callbacks"], self._saved.arrays)
        if lost:
            names = ", ".join(name.partition("/")[0] for name in lost)
            warnings.warn(
                f"The checkpoint in {self.checkpoint.directory} contains the state of callbacks "
                f"that were not passed this time: {names}.",
                stacklevel=3,
            )
        self._saved = None

    def _restore_state(self, arrays):
        replicas = self.strategy.num_replicas_in_sync
        flat = tf.nest.flatten(self._state)
        parts = [[f"state/{i}/replica_{j}" for j in range(replicas)] for i in range(len(flat))]
        names = [name for name in arrays if name.startswith("state/")]
        if sorted(names) != sorted(itertools.chain(*parts)):
            raise InputError(
                f"The checkpoint in {self.checkpoint.directory} was written with a different "
                "number of devices: resume with the strategy that it was written with."
            )
        flat = [self._per_replica([arrays[name] for name in names]) for names in parts]
        self._state = tf.nest.pack_sequence_as(self._state, flat)

    def _per_replica(self, arrays):
        if len(arrays) == 1:
            return tf.constant(arrays[0])
        return self.strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(arrays[context.replica_id_in_sync_group])
        )


def _size(variables) -> int:
    """Return the size of variables in bytes."""
    return sum(math.prod(v.shape) * tf.as_dtype(v.dtype).size for v in variables.values())


def _train_step(model):
    strategy, optimizer = model.distribute_strategy, model.optimizer
    replicas = strategy.num_replicas_in_sync
    if replicas > 1 and (optimizer.clipnorm or optimizer.clipvalue):
        raise InputError(
            f"The optimizer has clipnorm={optimizer.clipnorm} and clipvalue={optimizer.clipvalue}, "
            "which do not work on several replicas: clip by `global_clipnorm`."
        )

    scales_loss = bool(
        isinstance(optimizer, keras.optimizers.LossScaleOptimizer) or optimizer.loss_scale_factor
    )
    if replicas > 1 and scales_loss:
        raise InputError(
            "The optimizer scales the loss, which does not work on several replicas: use "
            "mixed_bfloat16, or compile with `auto_scale_loss=False`."
        )

    def replica_step(batch, state):
        inputs, labels = batch
        with tf.GradientTape() as tape:
            logits, state = _call(model, inputs, state, training=True)
            loss = model.compute_loss(x=inputs, y=labels, y_pred=logits, training=True)
            scaled_loss = optimizer.scale_loss(loss)
        variables = model.trainable_variables
        gradients = tape.gradient(scaled_loss, variables)
        # A word that occurs twice in a batch has two slices; the norm needs their sum.
        gradients = [g if g is None else tf.convert_to_tensor(g) for g in gradients]
        if replicas > 1:
            gradients = tf.distribute.get_replica_context().all_reduce("SUM", gradients)
        if optimizer.global_clipnorm and not scales_loss:  # otherwise Keras clips after unscaling
            gradients, _ = tf.clip_by_global_norm(gradients, optimizer.global_clipnorm)
        if replicas > 1:
            # The optimizer sums over the replicas again.
            gradients = [g if g is None else g / replicas for g in gradients]
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        model.compute_metrics(inputs, labels, logits)
        return loss, *_sums(labels, logits), state

    # Keras compiles with XLA on a GPU, unless `compile` is told otherwise.
    if model.jit_compile:
        if replicas > 1:
            raise InputError(
                "A model compiled with XLA cannot be trained on several replicas: compile it with "
                "`jit_compile=False`."
            )
        replica_step = tf.function(replica_step, jit_compile=True, autograph=False)

    @tf.function(autograph=False)
    def step(iterator, state):
        loss, total, count, state = strategy.run(replica_step, args=(next(iterator), state))
        loss, total, count = (
            strategy.reduce("SUM", value, axis=None) for value in (loss, total, count)
        )
        return loss, total / tf.maximum(count, 1.0), state

    return step


def _sums(labels, logits):
    """Return the summed cross-entropy of all target words, in nats, and their number."""
    mask = token_mask(labels)
    return tf.reduce_sum(token_cross_entropy(labels, logits) * mask), tf.reduce_sum(mask)


def _metrics_result(model) -> dict[str, float]:
    """Return the compiled metrics, without Keras' mean loss, which weights batches by rows."""
    metrics = model.get_metrics_result()
    return {name: float(value) for name, value in metrics.items() if name != "loss"}


@contextlib.contextmanager
def _fresh_metrics(model) -> Iterator[None]:
    """Reset the metrics, and restore their state at the end of the context."""
    kept = [(variable, variable.numpy()) for variable in model.metrics_variables]
    model.reset_metrics()
    try:
        yield
    finally:
        model.reset_metrics()  # including those created in the meantime
        for variable, value in kept:
            variable.assign(value)


def _evaluator(
    model, termination: Termination | None = None
) -> Callable[[tf.data.Dataset], dict[str, float]]:
    """Return `evaluate` for a model; it is traced once per kind of dataset.

    On SIGTERM it ends early and returns meaningless values.
    """
    make = _stream_evaluator if _carries_state(model) else _batch_evaluator
    return make(model, Termination() if termination is None else termination)


def _batch_evaluator(model, termination):
    strategy = model.distribute_strategy

    def replica_step(batch):
        inputs, labels = batch
        logits = model(inputs, training=False)
        model.compute_metrics(inputs, labels, logits)
        return model.compute_loss(x=inputs, y=labels, y_pred=logits, training=False)

    @tf.function(autograph=False)
    def step(batch):
        return strategy.reduce("SUM", strategy.run(replica_step, args=(batch,)), axis=None)

    def evaluate(dataset):
        with _fresh_metrics(model):
            batches = strategy.experimental_distribute_dataset(dataset)
            # Trace once for the dataset, not for each batch shape.
            graph = step.get_concrete_function(batches.element_spec)
            losses = []
            for batch in batches:
                losses.append(float(graph(batch)))
                if termination:
                    break
            if not losses:
                raise InputError(NO_BATCHES)
            return {**_metrics_result(model), "loss": float(np.mean(losses))}

    return evaluate


def _stream_evaluator(model, termination):
    @tf.function(reduce_retracing=True, autograph=False)
    def step(inputs, labels, state):
        logits, state = model(inputs, state, training=False)
        # Keras' metrics average over rows, regardless of their length: here a row is one word.
        labels = tf.reshape(labels, [-1, 1])
        logits = tf.reshape(logits, [-1, 1, logits.shape[-1]])
        model.compute_metrics(inputs, labels, logits)
        return *_sums(labels, logits), state

    def evaluate(dataset):
        state, total, count = None, 0.0, 0.0
        with _fresh_metrics(model):
            for inputs, labels in dataset:
                if state is None:
                    state = model.initial_state(tf.shape(inputs)[0])
                batch_total, batch_count, state = step(inputs, labels, state)
                total, count = total + float(batch_total), count + float(batch_count)
                if termination:
                    break
            if state is None:
                raise InputError(NO_BATCHES)
            values = _metrics_result(model)
        loss = total / max(count, 1.0)
        # The float32 sums of the metric round differently for batches of a different length.
        values |= {
            metric.name: perplexity(loss)
            for metric in compiled_metrics(model)
            if type(metric) is Perplexity  # a subclass may compute something else
        }
        return {**values, "loss": loss}

    return evaluate
