"""A training run: its model, its position in the data, its history and its checkpoints."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
import warnings
from collections.abc import Iterator
from typing import Literal

import numpy as np
import tensorflow as tf

from tf_seq2seq.data.epochs import start_at
from tf_seq2seq.errors import InputError, Interrupted
from tf_seq2seq.models.steps import carries_state, innermost
from tf_seq2seq.training.callbacks import get_states, set_states
from tf_seq2seq.training.checkpoint import (
    MODEL,
    OPTIMIZER,
    Saved,
    assign,
    model_variables,
    training_variables,
)
from tf_seq2seq.training.evaluation import evaluator, metric_values
from tf_seq2seq.training.faults import check_space, explain_failed_write
from tf_seq2seq.training.identity import compare_settings
from tf_seq2seq.training.steps import build_metrics, train_step
from tf_seq2seq.training.workers import SameData, Workers

SECONDS_BETWEEN_CHECKPOINTS = 60.0
"""The shortest time between two checkpoints with `checkpoint_every="auto"`."""

SHARE_OF_CHECKPOINTS = 0.03
"""The largest share of the time that checkpoints may take with `checkpoint_every="auto"`."""

EXPLODED = 1000.0
"""A cross-entropy per word, in nats, that no training run recovers from; guessing gives log V."""


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


class Run:
    """A training run: the model, its position in the data, and its history so far."""

    def __init__(self, model, train, hooks, checkpoint, keep_weights, termination, settings):
        self.model = model
        self.hooks = hooks
        self.checkpoint = checkpoint
        self.keep_weights = keep_weights
        self.termination = termination
        self.settings = settings
        self.workers = Workers(model.distribute_strategy)
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
        self._sharing = self.workers.sharing(train)
        self.same_data = SameData(self.workers, "training data")
        self._train = train
        self._dataset = self.workers.distribute(train, self.same_data.note)
        self._train_step = train_step(model)
        with self.workers.strategy.scope():
            model.optimizer.build(model.trainable_variables)
        self._initial_state = tf.function(
            lambda rows: self.workers.strategy.run(lambda: model.initial_state(rows)),
            autograph=False,
        )
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
        """Start an epoch, at the batch `step` if the dataset can do that."""
        self.model.reset_metrics()
        start_at(self._train, self.epoch, self.step)
        self._iterator = iter(self._dataset)
        self._state = ()
        if carries_state(self.model):
            if self._rows is None or self._rows % self._sharing:
                raise InputError(
                    f"Batches of {self._rows} rows cannot carry their state on {self._sharing} "
                    f"replicas: give all batches of `train` the same number of rows, a multiple of "
                    f"{self._sharing}."
                )
            self._state = self._initial_state(self._rows // self._sharing)

    @property
    def _directory(self) -> str:
        """The directory of the checkpoints, for messages."""
        return self.workers.name(self.checkpoint.directory)

    def _say(self, message):
        if self.workers.is_chief:
            print(message)

    def _warn(self, message):
        if self.workers.is_chief:
            warnings.warn(message, stacklevel=5)

    def announce_removal(self) -> None:
        """Say which checkpoint of an earlier run will be removed."""
        if self.checkpoint.folders:
            self._say(
                f"{self.checkpoint.directory} has the checkpoint "
                f"{self.checkpoint.folders[-1].name} of an earlier training run, which will be "
                "removed when the first new one is written: stop now to keep it."
            )

    @contextlib.contextmanager
    def explain_interrupt(self) -> Iterator[None]:
        """Say in a `KeyboardInterrupt` from which checkpoint the run can be resumed."""
        try:
            yield
        except KeyboardInterrupt as error:
            if self._position is not None:
                how = (
                    f", and the last checkpoint, after {_after(*self._position)}, is in "
                    f"{self._directory}: train again with `resume` to continue from it."
                )
            else:
                kept = ", and that of an earlier run is kept" if self.checkpoint.folders else ""
                how = f" before its first checkpoint was written{kept}: train again from the start."
            raise KeyboardInterrupt(f"Training was interrupted{how}") from error

    def begin(self) -> None:
        """Call the callbacks' first hooks, and restore their state from the checkpoint."""
        self.model.stop_training = self.stopped
        self.hooks.on_train_begin()
        if self.step:  # before restoring, which overwrites what the callbacks change here
            self.hooks.on_epoch_begin(self.epoch)
        if self._saved is not None:
            self._restore_callbacks(self._saved)
            self._saved = None
        self.agree()

    def take_steps(self, count: int) -> dict[str, float]:
        """Train on the next `count` batches; return the loss and the metrics of the epoch so far.

        On SIGTERM, end after the current step. The host does not wait for a result before it
        starts the next step.
        """
        results = []
        for _ in range(count):
            *result, self._state = self._train_step(self._iterator, self._state)
            results.append(result)
            if self.termination and self.workers.count == 1:
                break
        for result in tf.stack(results).numpy():
            loss, word_loss = map(float, result)
            self.step += 1
            self.history.step_losses.append(word_loss)
            found = None
            if not math.isfinite(loss):
                found = f"The loss is {loss}"
            elif word_loss > EXPLODED:
                found = f"The loss has exploded to {word_loss:.4g} nats per word"
            if found and not self._diverged:
                self._diverged = (
                    f"{found} at step {len(self.history.step_losses)}, batch {self.step} of epoch "
                    f"{self.epoch + 1}"
                )
        return self.logs()

    def logs(self) -> dict[str, float]:
        """Return the mean loss and the metrics of the epoch so far."""
        return metric_values(self.model)

    def check_losses(self) -> None:
        """Refuse a loss that is NaN, infinite or too large, unless a callback has ended the run."""
        if self._diverged and not self.model.stop_training:
            raise InputError(
                f"{self._diverged}: choose a lower learning rate or clip the gradients."
            )

    def _is_due(self, every: int | Literal["auto"] | None) -> bool:
        """Return whether it is time for a checkpoint within an epoch, which the chief decides."""
        if self.step == self.steps or not self.workers.is_chief:
            return False
        if every == "auto":
            seconds = max(SECONDS_BETWEEN_CHECKPOINTS, self._seconds_to_save / SHARE_OF_CHECKPOINTS)
            return time.monotonic() - self._since >= seconds
        return every is not None and self.step % every == 0

    def save(self) -> None:
        """Write a checkpoint from which training continues with the next batch."""
        if self._diverged:
            self._warn(f"{self._diverged}: no checkpoint is written after it.")
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
            "settings": self.settings,
        }
        arrays |= {name: v.numpy() for name, v in training_variables(self.model).items()}
        self._check_finite(arrays, epoch, step)
        for i, tensor in enumerate(tf.nest.flatten(self._state)):
            arrays[f"state/{i}"] = self.workers.gather(tensor)
        is_first = self._position is None
        what = f"The checkpoint after {_after(epoch, step)}"
        if self.workers.is_chief:
            with explain_failed_write(self.checkpoint, what, resumable=not is_first):
                if self.keep_weights and not step:
                    self.checkpoint.keep_weights(self.model, epoch, self.keep_weights)
                self.checkpoint.save(progress, arrays)
                if is_first:
                    self.checkpoint.clear(keep=(epoch, step))
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

    def agree(self, checkpoint_every: int | Literal["auto"] | None = None) -> tuple[bool, bool]:
        """Return whether a worker has received SIGTERM, and whether it is time for a checkpoint.

        If a callback has ended the training of one worker, end that of all.
        """
        terminated, due, stopped = self.workers.any(
            bool(self.termination), self._is_due(checkpoint_every), bool(self.model.stop_training)
        )
        self.model.stop_training = stopped
        return terminated, due

    def terminate(self) -> None:
        """Write a checkpoint, unless this step has one, and raise `Interrupted`."""
        if self._position != (self.epoch, self.step):
            self.save()
        how = (
            f"a checkpoint was written to {self._directory}: train again with `resume` to continue"
        )
        if self._diverged:
            how = f"no checkpoint was written, because of an earlier error: {self._diverged}"
        raise Interrupted(
            f"Training was interrupted by SIGTERM after {_after(self.epoch, self.step)}, and {how}."
        )

    def check_space(self) -> None:
        """Warn if the next checkpoint will not fit on the disk, but only once per shortage."""
        if not self.workers.is_chief:
            return
        if self._position is None:  # checkpoints of an earlier run may differ in size
            needed = _size(training_variables(self.model))
        else:
            needed = self.checkpoint.size()
        if self.keep_weights:
            needed += _size(model_variables(self.model))
        self._has_space = check_space(self.checkpoint.directory, needed, warn=self._has_space)

    def restore(self) -> None:
        """Restore the checkpoint, if there is one."""
        variables = training_variables(self.model)
        saved = self._load(variables)
        if saved is None:
            self._say(
                f"{self.checkpoint.directory} has no checkpoint: training starts from scratch."
            )
            return
        progress = saved.progress
        for name in compare_settings(progress.get("settings"), self.settings):
            before, now = progress["settings"].get(name), self.settings.get(name)
            self._say(f"Training is resumed with {name}={now} instead of {before}.")
            if name == "learning_rate" and (rates := _rates(variables)):  # not a schedule
                saved.arrays.update((rate, variables[rate].numpy()) for rate in rates)
                progress["learning_rate"] = self._rate
        epoch, step = progress["epoch"], progress["step"]
        if step and progress["steps"] != self.steps:
            raise InputError(
                f"The checkpoint in {self._directory} is at batch {step} of "
                f"{progress['steps']}, but an epoch now has {self.steps}: resume with the data "
                "and the batch size that it was written with."
            )
        self._saved, self._position = saved, (epoch, step)
        self._go_to(epoch, step)
        assign(variables, saved.arrays)
        self._restore_state(saved.arrays)
        self._compare_rates(progress.get("learning_rate"))
        self.stopped = progress["stopped"]
        self.history = History(progress["history"], progress["step_losses"], progress["seconds"])
        if epoch:
            self.epoch_logs = {name: values[-1] for name, values in progress["history"].items()}
        if epoch or step:
            self._say(f"Training continues after {_after(epoch, step)}.")

    def _go_to(self, epoch: int, step: int) -> None:
        """Let the next batch be `step` of `epoch`."""
        self.epoch, self.step = epoch, step
        if start_at(self._train, epoch, step):
            self._rewind()
            return
        # Another shuffled dataset has a different order in each epoch: start all previous epochs,
        # and skip the previous batches of this one.
        for _ in range(epoch):
            next(self._iterator)
            self._rewind()
        for _ in range(step):
            next(self._iterator)

    def _load(self, variables) -> Saved | None:
        """Return the content of the last checkpoint, which only the chief can read."""
        content = b""
        if self.workers.is_chief:
            saved = self.checkpoint.load(variables, self.settings)
            if self.workers.count == 1:
                return saved
            content = b"" if saved is None else saved.to_bytes()
        content = self.workers.broadcast(content)
        return Saved.from_bytes(content) if content else None

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
        self._warn(
            f"The model was compiled with a learning rate of {saved} when the checkpoint in "
            f"{self._directory} was written, and is now compiled with {compiled}: "
            f"{what_follows}."
        )

    def _restore_callbacks(self, saved):
        """Restore the callbacks' state, and the variables that they changed in the first hooks."""
        assign(training_variables(self.model), saved.arrays)
        lost = set_states(self.hooks.callbacks, saved.progress["callbacks"], saved.arrays)
        if lost:
            names = ", ".join(name.partition("/")[0] for name in lost)
            self._warn(  # as the chief, which has all of them
                f"The checkpoint in {self.checkpoint.directory} contains the state of callbacks "
                f"that were not passed this time: {names}."
            )

    def _restore_state(self, arrays):
        flat = tf.nest.flatten(self._state)
        rows = [arrays[f"state/{i}"] for i in range(len(flat))]
        for state, saved in zip(flat, rows, strict=True):
            local = self.workers.strategy.experimental_local_results(state)[0].shape
            shape = local[0] * self.workers.replicas, *local[1:]
            if saved.shape != shape:
                raise InputError(
                    f"The checkpoint in {self._directory} has a state of the shape "
                    f"{saved.shape}, but the state is {shape} now: resume with the batch size that "
                    "it was written with."
                )
        self._state = tf.nest.pack_sequence_as(
            self._state, [self.workers.scatter(each) for each in rows]
        )


def _after(epoch: int, step: int) -> str:
    return f"batch {step} of epoch {epoch + 1}" if step else f"epoch {epoch}"


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


def _rates(variables) -> list[str]:
    """Return the names of the learning rates, of which an optimizer around another has two."""
    return [n for n in variables if n.startswith(OPTIMIZER) and n.endswith("/learning_rate")]


def _size(variables) -> int:
    """Return the size of variables in bytes."""
    return sum(math.prod(v.shape) * tf.as_dtype(v.dtype).size for v in variables.values())
