"""Floor 3: how a model is fitted, so that a long training can be watched and interrupted."""

from __future__ import annotations

import json
import math
from pathlib import Path
from zipfile import BadZipFile

import keras
import numpy as np
import tensorflow as tf

from tf_seq2seq.errors import InputError

History = dict[str, list[float]]


def fit(
    model: keras.Model,
    train: tf.data.Dataset,
    dev: tf.data.Dataset,
    *,
    epochs: int,
    directory: str | Path,
    resume: bool = False,
) -> History:
    """Train a compiled model with Keras' progress bar, and a checkpoint after each epoch.

    Args:
        model: a compiled model.
        train: batches to train on.
        dev: batches to evaluate after each epoch.
        epochs: passes over `train`, those of an interrupted run included.
        directory: where the checkpoint is kept; made if it is not there.
        resume: go on from the checkpoint in `directory`, if there is one, instead of starting anew.
            The shuffling of `train` begins its series of orders anew.

    Returns:
        The metrics by name, a value for each epoch, those of an interrupted run included.

    Raises:
        InputError: if the checkpoint does not fit the model or is damaged, or if the loss is no
            longer a number, the epoch before being kept.
    """
    checkpoint = Checkpoint(directory)
    if resume:
        checkpoint.restore(model)
    else:
        checkpoint.clear()
    model.fit(
        train,
        validation_data=dev,
        epochs=epochs,
        initial_epoch=checkpoint.epochs,
        callbacks=[checkpoint],
        shuffle=False,  # The dataset shuffles by itself.
    )
    return checkpoint.history


class Checkpoint(keras.callbacks.Callback):
    """Keeps weights, optimizer, random seeds and history of the last epoch in a directory.

    The variables go into a new file, and then `checkpoint.json`, which names it, is replaced in
    one stroke: whenever the process or the disk gives up, the epoch before is still whole.

    Args:
        directory: made if it is not there.
    """

    def __init__(self, directory: str | Path):
        super().__init__()
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.history: History = {}

    @property
    def epochs(self) -> int:
        """How many epochs the history holds."""
        return max(map(len, self.history.values()), default=0)

    @property
    def _index(self) -> Path:
        return self.directory / "checkpoint.json"

    def clear(self) -> None:
        """Forget an earlier run, so that it cannot be resumed in this one's place."""
        self._index.unlink(missing_ok=True)

    def restore(self, model: keras.Model) -> None:
        """Bring a compiled model, and the history, to where the checkpoint is, if there is one.

        Raises:
            InputError: if the checkpoint does not fit the model or is damaged.
        """
        if not self._index.exists():
            return
        try:
            content = json.loads(self._index.read_text())
            history = {name: list(values) for name, values in content["history"].items()}
            model.optimizer.build(model.trainable_variables)
            variables = _variables(model)
            with np.load(self.directory / content["variables"]) as arrays:
                if [arrays[name].shape for name in arrays] != [v.shape for v in variables]:
                    raise ValueError("it was written by another model")
                for variable, name in zip(variables, arrays, strict=True):
                    variable.assign(arrays[name])
            self.history = history
        except (OSError, ValueError, KeyError, TypeError, AttributeError, BadZipFile) as error:
            reason = str(error).strip().partition("\n")[0]
            raise InputError(
                f"The checkpoint in {self.directory} cannot be used ({reason}); start anew without "
                "--resume, or with the settings that it was written with."
            ) from error

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        if not math.isfinite(logs.get("loss", 0.0)):
            raise InputError(
                f"The loss is {logs['loss']} in epoch {epoch + 1}; choose a lower learning rate "
                "or clip the gradients."
            )
        for name, value in logs.items():
            self.history.setdefault(name, []).append(float(value))
        file = self.directory / f"epoch-{epoch + 1}.npz"
        try:
            np.savez(file, *(variable.numpy() for variable in _variables(self.model)))
        except OSError as error:  # which does not say where
            raise OSError(error.errno, error.strerror, str(file)) from error
        new = self._index.with_suffix(".new")
        new.write_text(json.dumps({"variables": file.name, "history": self.history}, indent=2))
        new.replace(self._index)
        for path in self.directory.glob("epoch-*.npz"):
            if path != file:
                path.unlink()


def _variables(model: keras.Model) -> list[keras.Variable]:
    """All variables of a compiled model and its optimizer but those of the metrics."""
    metrics = set(map(id, model.metrics_variables))
    return [v for v in (*model.variables, *model.optimizer.variables) if id(v) not in metrics]
