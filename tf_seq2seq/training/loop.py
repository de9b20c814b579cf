"""The training loop: one device or several, with checkpoints and exact resume."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from tf_seq2seq.checks import check_flag, check_integer
from tf_seq2seq.errors import InputError, Interrupted
from tf_seq2seq.models import SequenceModel
from tf_seq2seq.models.steps import carries_state, check_replicas, innermost
from tf_seq2seq.training.callbacks import check_callbacks, get_states, set_states
from tf_seq2seq.training.checkpoint import MODEL, Saved, assign, model_variables, training_variables
from tf_seq2seq.training.evaluation import evaluator, metric_values
from tf_seq2seq.training.faults import (
    Termination,
    check_space,
    explain_failed_write,
    open_checkpoint,
)
from tf_seq2seq.training.identity import compare_settings
from tf_seq2seq.training.steps import build_metrics, train_step

SECONDS_BETWEEN_CHECKPOINTS = 60.0
"""The shortest time between two checkpoints with `checkpoint_every="auto"`."""

SHARE_OF_CHECKPOINTS = 0.03
"""The largest share of the time that checkpoints may take with `checkpoint_every="auto"`."""


LEARNING_RATE = "optimizer/learning_rate"
"""The name of the optimizer's variable, unless it has a schedule."""


@dataclasses.dataclass
class History:
    """The record of a training run; `plotting.learning_curves` plots it.

    Attributes:
        history: values of the loss and the metrics by name, one per epoch; the names of those on
            the dev set start with `val_`. Keras' `History` has the same attribute. The `loss` of a
            `LanguageModel` is what it minimizes, by default summed over the words of a row, and its
            `val_loss` the cross-entropy per word, as in `evaluate`: compare perplexities.
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
    settings: Mapping[str, Any] | None = None,
    checkpoint_every: int | Literal["auto"] | None = None,
    keep_checkpoints: int = 2,
    keep_weights: int = 0,
    callbacks: Iterable[keras.callbacks.Callback] = (),
) -> History:
    """Train a compiled model with checkpoints, exact resume and Keras' callbacks.

    Unlike `keras.Model.fit`, it resumes in the middle of an epoch, carries a model's state from
    batch to batch, and trains several replicas as one device would. The gradients of the replicas
    are summed before they are clipped, and `SequenceCrossEntropy` divides by the number of words on
    all replicas, so each word has the same weight on every replica.

    For the rest it does what `keras.Model.fit` does: the same hooks of the callbacks in the same
    order with the same logs, scaling of the loss, accumulation of gradients, averaged weights
    (`use_ema`), `stop_training`, `run_eagerly` and `steps_per_execution`. It ends with an error at
    a loss that is not finite, unless a callback such as TerminateOnNaN ends the run; no checkpoint
    is then written.

    A model that carries a state from batch to batch, such as a `LanguageModel` (truncated
    backpropagation through time), has a method `initial_state(batch_size)`, and its call takes
    `(inputs, state)` and returns `(logits, state)`. The state is zero at the start of an epoch;
    row `i` of a batch continues row `i` of the previous batch.

    On a GPU, XLA compiles the training step, which makes it several times as fast. Compiling takes
    half a minute or more for each batch shape, so use few shapes (see `data.batches`) or, for a
    short run, `compile(jit_compile=False)`. XLA's dropout masks differ from TensorFlow's. With
    several replicas, training does not use XLA. With `compile(steps_per_execution=n)`, the host
    fetches the losses and calls the callbacks every n steps, and at each checkpoint.

    Checkpoints are written atomically, with the SHA-256 checksums of their files, and older ones
    are removed only afterwards. A training run that is killed at any moment therefore resumes as if
    it had not been interrupted; on a CPU, its weights are the same to the last bit. If a checkpoint
    is damaged, a warning names it, and the one before it is used. If the next checkpoint will not
    fit on the disk, a warning says how much space is needed and how much is free. With `use_ema`,
    checkpoints contain the weights in training and their averages, which replace them at the end.

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
        directory: the folder for the checkpoints; created if missing. Those of an earlier run are
            removed when the first new one is written, unless it is resumed.
        resume: whether to continue from the checkpoint in `directory`, if there is one, instead
            of starting from the first batch. Weights, optimizer, random seeds, metrics, carried
            state, the callbacks' state, `stop_training` and the position in the data then come from
            the checkpoint. A learning rate comes from it too, but a schedule from the compiled
            model; a warning says if either is another than before.
        settings: what must be the same in a run that is resumed, such as hyperparameters and a
            `fingerprint` of the data, as JSON values by name. `epochs` and `learning_rate` may
            change. None for no comparison.
        checkpoint_every: number of steps between checkpoints within an epoch, at least 1; "auto" to
            write one every minute, or less often if checkpoints would take more than 3% of the
            time; None to write one only after each epoch.
        keep_checkpoints: number of most recent checkpoints to keep, at least 1. The disk must have
            room for one more.
        keep_weights: number of most recent epochs whose weights are also kept, for
            `Checkpoint(directory).average_weights(model)`.
        callbacks: Keras callbacks, except BackupAndRestore, whose work `resume` does.

    Returns:
        The `History`, including that of an interrupted run.

    Raises:
        InputError: if the model is not compiled or overrides `train_step` or `test_step`, an
            argument is out of range, the batches are not pairs or the cardinality of `train` is
            unknown, the directory cannot be written to, all checkpoints are damaged or the last one
            does not fit the model, the disk is full or the loss or a weight is NaN or infinite (the
            previous checkpoint is kept), or the optimizer has `gradient_accumulation_steps` or
            `ema_overwrite_frequency` on several replicas, where Keras cannot apply them.
        Interrupted: on SIGTERM, once a checkpoint is written.
    """
    epochs = check_integer("epochs", epochs, minimum=0)
    resume = check_flag("resume", resume)
    if checkpoint_every not in (None, "auto"):
        checkpoint_every = check_integer("checkpoint_every", checkpoint_every, minimum=1)
    keep_checkpoints = check_integer("keep_checkpoints", keep_checkpoints, minimum=1)
    keep_weights = check_integer("keep_weights", keep_weights, minimum=0)
    callbacks = check_callbacks(callbacks)
    _check_training(model, train, dev)
    termination = Termination()
    checkpoint = open_checkpoint(directory, keep_checkpoints)
    hooks = keras.callbacks.CallbackList(
        callbacks,
        add_history=True,
        add_progbar=True,
        model=model,
        verbose=1,
        epochs=epochs,
        steps=int(train.cardinality()),
    )
    run = _Run(model, train, hooks, checkpoint, keep_weights, termination, settings)
    if resume:
        run.restore()
    else:
        run.announce_removal()
    run.check_space()
    with termination, run.explain_interrupt():
        run.begin()
        while run.epoch < epochs and (run.step or not run.stopped):
            _train_epoch(run, dev, checkpoint_every)
        if epochs and isinstance(model.optimizer, keras.optimizers.Optimizer):
            model.optimizer.finalize_variable_values(model.trainable_variables)
        hooks.on_train_end(run.epoch_logs)
    return run.history


def _train_epoch(run: _Run, dev, checkpoint_every) -> None:
    """Train to the end of the epoch, evaluate and write a checkpoint, with Keras' hooks."""
    model, hooks = run.model, run.hooks
    if not run.step:
        hooks.on_epoch_begin(run.epoch)
    while run.step < run.steps and not (run.step and model.stop_training):
        begin, count = run.step, model.steps_per_execution
        if isinstance(checkpoint_every, int):
            count = min(count, checkpoint_every - begin % checkpoint_every)
        hooks.on_train_batch_begin(begin)
        logs = run.take_steps(min(count, run.steps - begin))
        # Keras numbers the last batches as if `steps_per_execution` of them were left.
        end = run.step if run.step < run.steps else begin + count
        hooks.on_train_batch_end(end - 1, logs)
        run.check_losses()
        run.check_termination()
        if run.is_due(checkpoint_every):
            run.save()
    logs = run.logs()
    if dev is not None:
        logs |= {f"val_{name}": value for name, value in run.evaluate(dev, hooks).items()}
        run.check_termination()  # the evaluation ended early: repeat it after resuming
    run.epoch_logs = logs
    # Before the checkpoint, so that it includes what callbacks have changed.
    hooks.on_epoch_end(run.epoch, logs)
    for name, values in model.history.history.items():  # callbacks may have added some
        run.history.history.setdefault(name, []).append(values[-1])
    run.next_epoch()
    run.save()
    run.check_termination()


def evaluate(model: keras.Model, dataset: tf.data.Dataset) -> dict[str, float]:
    """Compute the loss and the compiled metrics of a model over a dataset.

    A model that carries its state runs on one device, since its batches may have a single row. Its
    metrics get one word per row, `(batch * length, 1)`, so that their values do not depend on the
    length of the batches.

    Args:
        model: a compiled model, see `fit`. Its metrics keep their state.
        dataset: batches `(inputs, labels)`, at least one.

    Returns:
        Values by name: the compiled metrics, and `loss`, the mean loss of the batches, which Keras
        weights by their numbers of rows. For a model that carries its state, `loss` is the mean
        cross-entropy per word in nats.

    Raises:
        InputError: if the model is not compiled or overrides `test_step`, or if the dataset is
            empty or does not have pairs.
    """
    if not model.compiled:
        raise InputError("The model has no loss and no metrics to evaluate: call `compile` first.")
    _check_steps(model, "test_step")
    _check_pairs("dataset", dataset)
    return evaluator(model)(dataset)


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


def _check_training(model, train, dev) -> None:
    """Refuse a model or data that cannot be trained with."""
    if not model.compiled:
        raise InputError(
            "The model has no loss and no optimizer to train with: call `compile` first."
        )
    _check_steps(model, "train_step", "test_step")
    check_replicas(model)
    if int(train.cardinality()) < 1:
        raise InputError(
            "`train` must have a known, finite number of batches, at least one; set it with "
            "`tf.data.experimental.assert_cardinality`."
        )
    _check_pairs("train", train)
    _check_pairs("dev", dev)


def _check_steps(model, *names) -> None:
    for name in names:
        known = getattr(keras.Model, name), getattr(SequenceModel, name)
        if getattr(type(model), name) not in known:
            raise InputError(
                f"{type(model).__name__} defines its own `{name}`, which only Keras' `fit` and "
                "`evaluate` call: override `compute_loss` or `compute_metrics` instead."
            )


def _check_pairs(name, dataset) -> None:
    spec = getattr(dataset, "element_spec", None)
    if isinstance(spec, tuple) and len(spec) != 2:
        raise InputError(
            f"The batches of `{name}` must be pairs `(inputs, labels)`, got {len(spec)} parts: "
            "leave sample weights out, or use Keras' `fit` and `evaluate`."
        )


def _after(epoch: int, step: int) -> str:
    return f"batch {step} of epoch {epoch + 1}" if step else f"epoch {epoch}"


class _Run:
    """A training run: the model, its position in the data, and its history so far."""

    def __init__(self, model, train, hooks, checkpoint, keep_weights, termination, settings):
        self.model = model
        self.hooks = hooks
        self.checkpoint = checkpoint
        self.keep_weights = keep_weights
        self.termination = termination
        self.settings = settings
        self.strategy = model.distribute_strategy
        self.steps = int(train.cardinality())
        self.epoch, self.step = 0, 0
        self.stopped = False  # by a callback
        self.history = History()
        self.epoch_logs: dict[str, float] | None = None
        self.evaluate = evaluator(model, termination)
        self._rate = _learning_rate(model.optimizer)
        self._diverged = ""
        self._saved: Saved | None = None
        self._position: tuple[int, int] | None = None  # of the last checkpoint
        self._seconds_to_save = 0.0
        self._has_space = True
        self._since = time.monotonic()
        self._rows = train.element_spec[1].shape[0]  # None if batches differ
        self._dataset = self.strategy.experimental_distribute_dataset(train)
        self._train_step = train_step(model)
        with self.strategy.scope():
            model.optimizer.build(model.trainable_variables)
        self._rewind()
        # Keras creates the metrics' variables in the first step; a checkpoint holds them too.
        if model.run_eagerly:
            build_metrics(model, train)
        else:
            self._train_step.get_concrete_function(self._iterator, self._state)

    def next_epoch(self) -> None:
        """Go to the first batch of the next epoch."""
        self.epoch, self.step = self.epoch + 1, 0
        self.stopped = bool(self.model.stop_training)
        self._rewind()

    def _rewind(self):
        self.model.reset_metrics()
        self._iterator = iter(self._dataset)
        self._state = ()
        if carries_state(self.model):
            replicas = self.strategy.num_replicas_in_sync
            if self._rows is None or self._rows % replicas:
                raise InputError(
                    f"Batches of {self._rows} rows cannot carry their state on {replicas} "
                    f"replicas: give all batches of `train` the same number of rows, a multiple of "
                    f"{replicas}."
                )
            rows = self._rows // replicas
            self._state = self.strategy.run(lambda: self.model.initial_state(rows))

    def announce_removal(self) -> None:
        """Say which checkpoint of an earlier run will be removed."""
        if self.checkpoint.folders:
            print(
                f"{self.checkpoint.directory} has the checkpoint "
                f"{self.checkpoint.folders[-1].name} of an earlier training run, which is removed "
                "when the first new one is written: stop now to keep it."
            )

    @contextlib.contextmanager
    def explain_interrupt(self) -> Iterator[None]:
        """Say in a `KeyboardInterrupt` from which checkpoint the run can be resumed."""
        try:
            yield
        except KeyboardInterrupt as error:
            if self._position is not None:
                how = (
                    f"after a checkpoint, that of {_after(*self._position)}, was written to "
                    f"{self.checkpoint.directory}: train again with `resume` to continue from it."
                )
            else:
                kept = ", and that of an earlier run is kept" if self.checkpoint.folders else ""
                how = f"before its first checkpoint was written{kept}: train again from the start."
            raise KeyboardInterrupt(f"Training was interrupted {how}") from error

    def begin(self) -> None:
        """Call the callbacks' first hooks, and restore their state from the checkpoint."""
        self.model.stop_training = self.stopped
        self.hooks.on_train_begin()
        if self.step:  # before restoring, which overwrites what the callbacks change here
            self.hooks.on_epoch_begin(self.epoch)
        if self._saved is not None:
            self._restore_callbacks(self._saved)
            self._saved = None

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
            self.step += 1
            self.history.step_losses.append(word_loss)
            if not math.isfinite(loss) and not self._diverged:
                self._diverged = (
                    f"The loss is {loss} at step {len(self.history.step_losses)}, batch "
                    f"{self.step} of epoch {self.epoch + 1}"
                )
        return self.logs()

    def logs(self) -> dict[str, float]:
        """Return the mean loss and the metrics of the epoch so far."""
        return metric_values(self.model)

    def check_losses(self) -> None:
        """Refuse a loss that is not finite, unless a callback has ended the training run."""
        if self._diverged and not self.model.stop_training:
            raise InputError(
                f"{self._diverged}: choose a lower learning rate or clip the gradients."
            )

    def is_due(self, every: int | Literal["auto"] | None) -> bool:
        """Return whether it is time for a checkpoint within an epoch."""
        if self.step == self.steps:
            return False
        if every == "auto":
            seconds = max(SECONDS_BETWEEN_CHECKPOINTS, self._seconds_to_save / SHARE_OF_CHECKPOINTS)
            return time.monotonic() - self._since >= seconds
        return every is not None and self.step % every == 0

    def save(self) -> None:
        """Write a checkpoint from which training continues with the next batch."""
        if self._diverged:
            warnings.warn(f"{self._diverged}: no checkpoint is written after it.", stacklevel=4)
            return
        epoch, step = self.epoch, self.step
        now = time.monotonic()
        self.history.seconds += now - self._since
        self._since = now
        callbacks, arrays = get_states(self.hooks.callbacks)
        progress = {
            "epoch": epoch,
            "step": step,
            "steps": self.steps,
            "history": self.history.history,
            "step_losses": self.history.step_losses,
            "seconds": self.history.seconds,
            "learning_rate": self._rate,
            "callbacks": callbacks,
            "stopped": bool(self.model.stop_training),
            "settings": None if self.settings is None else dict(self.settings),
        }
        arrays |= {name: v.numpy() for name, v in training_variables(self.model).items()}
        self._check_finite(arrays, epoch, step)
        for i, tensor in enumerate(tf.nest.flatten(self._state)):
            for j, part in enumerate(self.strategy.experimental_local_results(tensor)):
                arrays[f"state/{i}/replica_{j}"] = part.numpy()
        is_first = self._position is None
        what = f"The checkpoint after {_after(epoch, step)}"
        with explain_failed_write(self.checkpoint, what, resumable=not is_first):
            if self.keep_weights and not step:
                self.checkpoint.keep_weights(self.model, epoch, self.keep_weights)
            self.checkpoint.save(progress, arrays)
            if is_first:
                self.checkpoint.clear(before=(epoch, step))
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

    def check_termination(self) -> None:
        """On SIGTERM, write a checkpoint, unless this step has one, and raise `Interrupted`."""
        if not self.termination:
            return
        if self._position != (self.epoch, self.step):
            self.save()
        raise Interrupted(
            f"Training was interrupted by SIGTERM after {_after(self.epoch, self.step)}, and a "
            f"checkpoint was written to {self.checkpoint.directory}: train again with `resume` to "
            "continue."
        )

    def check_space(self) -> None:
        """Warn if the next checkpoint will not fit on the disk, but only once per shortage."""
        needed = self.checkpoint.size() or _size(training_variables(self.model))
        if self.keep_weights:
            needed += _size(model_variables(self.model))
        self._has_space = check_space(self.checkpoint.directory, needed, warn=self._has_space)

    def restore(self) -> None:
        """Restore the checkpoint, if there is one."""
        variables = training_variables(self.model)
        saved = self.checkpoint.load(variables, self.settings)
        if saved is None:
            print(f"{self.checkpoint.directory} has no checkpoint: training starts from the start.")
            return
        progress = saved.progress
        for name in compare_settings(progress.get("settings"), self.settings):
            before, now = progress["settings"].get(name), self.settings.get(name)
            print(f"Training is resumed with {name}={now}, after {name}={before}.")
            if name == "learning_rate" and LEARNING_RATE in variables:  # not a schedule
                saved.arrays[LEARNING_RATE] = variables[LEARNING_RATE].numpy()
                progress["learning_rate"] = self._rate
        epoch, step = progress["epoch"], progress["step"]
        if step and progress["steps"] != self.steps:
            raise InputError(
                f"The checkpoint in {self.checkpoint.directory} is at batch {step} of "
                f"{progress['steps']}, but an epoch now has {self.steps}: resume with the data "
                "and the batch size that it was written with."
            )
        self._saved, self._position = saved, (epoch, step)
        # A shuffled dataset has a different order in each epoch: start all previous epochs, and
        # skip the previous batches of this one.
        for _ in range(epoch):
            next(self._iterator)
            self.next_epoch()
        for _ in range(step):
            next(self._iterator)
        assign(variables, saved.arrays)
        self._restore_state(saved.arrays)
        self._compare_rates(progress.get("learning_rate"))
        self.step = step
        self.stopped = progress["stopped"]
        self.history = History(progress["history"], progress["step_losses"], progress["seconds"])
        if epoch:
            self.epoch_logs = {name: values[-1] for name, values in progress["history"].items()}

    def _compare_rates(self, saved):
        """Warn if the model is compiled with another learning rate than that of the checkpoint."""
        compiled, used = self._rate, _learning_rate(self.model.optimizer)
        if saved is None or compiled == saved:
            return
        is_schedule = any(isinstance(rate, str) for rate in compiled)
        if not is_schedule:
            self._rate = saved
        if used != compiled:
            what_follows = (
                "the rate in the checkpoint is used; pass a LearningRateScheduler to change it"
            )
        elif is_schedule:
            what_follows = "it is used from here on"
        else:  # the model was not compiled again
            return
        saved, compiled = (", ".join(map(str, rates)) for rates in (saved, compiled))
        warnings.warn(
            f"The model was compiled with a learning rate of {saved} when the checkpoint in "
            f"{self.checkpoint.directory} was written, and is now compiled with {compiled}: "
            f"{what_follows}.",
            stacklevel=4,
        )

    def _restore_callbacks(self, saved):
        """Restore the callbacks' state, and the variables that they changed in the first hooks."""
        assign(training_variables(self.model), saved.arrays)
        lost = set_states(self.hooks.callbacks, saved.progress["callbacks"], saved.arrays)
        if lost:
            names = ", ".join(name.partition("/")[0] for name in lost)
            warnings.warn(
                f"The checkpoint in {self.checkpoint.directory} contains the state of callbacks "
                f"that were not passed this time: {names}.",
                stacklevel=4,
            )

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
        for state, (first, *_) in zip(flat, parts, strict=True):
            shape = tuple(self.strategy.experimental_local_results(state)[0].shape)
            if arrays[first].shape != shape:
                raise InputError(
                    f"The checkpoint in {self.checkpoint.directory} has a state of the shape "
                    f"{arrays[first].shape}, but the state is {shape} now: resume with the batch "
                    "size that it was written with."
                )
        flat = [self._per_replica([arrays[name] for name in names]) for names in parts]
        self._state = tf.nest.pack_sequence_as(self._state, flat)

    def _per_replica(self, arrays):
        if len(arrays) == 1:
            return tf.constant(arrays[0])
        return self.strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(arrays[context.replica_id_in_sync_group])
        )


def _learning_rate(optimizer) -> list[float | str]:
    """Return the learning rate, or a description of the schedule, of each optimizer."""
    rates = []
    for each in innermost(optimizer):
        with warnings.catch_warnings(action="ignore"):  # of Keras, against saving a lambda
            rate = each.get_config().get("learning_rate")
        if isinstance(rate, dict):
            config = rate["config"]  # of a function, its name
            if isinstance(config, dict):
                config = ", ".join(f"{name}={value}" for name, value in config.items())
            rate = f"{rate['class_name']}({config})"
        rates.append(rate)
    return rates


def _size(variables) -> int:
    """Return the size of variables in bytes."""
    return sum(math.prod(v.shape) * tf.as_dtype(v.dtype).size for v in variables.values())
