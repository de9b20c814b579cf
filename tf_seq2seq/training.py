"""Floor 3: how a model is fitted, so that a long training can be interrupted and watched."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import keras
import tensorflow as tf

from tf_seq2seq.errors import InputError


def fit(
    model: keras.Model,
    train: tf.data.Dataset,
    dev: tf.data.Dataset,
    *,
    epochs: int,
    directory: str | Path,
    resume: bool = False,
) -> dict[str, list[float]]:
    """Train a compiled model with Keras' progress bar, and keep what an interrupt would lose.

    After each epoch, weights and optimizer are saved to `directory/backup` and the metrics are
    added to `directory/history.csv`.

    Args:
        model: a compiled model.
        train: batches to train on.
        dev: batches to evaluate after each epoch.
        epochs: passes over `train`, those of an interrupted run included.
        directory: made if it is not there.
        resume: go on from the last epoch that `directory` knows, instead of starting anew.

    Returns:
        The metrics by name, a value for each epoch, those of an interrupted run included.

    Raises:
        InputError: if the backup does not fit the model or is damaged.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    backup, log = directory / "backup", directory / "history.csv"
    if not resume:
        shutil.rmtree(backup, ignore_errors=True)
        log.unlink(missing_ok=True)
    callbacks = [
        keras.callbacks.BackupAndRestore(backup, delete_checkpoint=False),
        keras.callbacks.CSVLogger(log, append=resume),
    ]
    try:
        # The dataset shuffles by itself.
        model.fit(train, validation_data=dev, epochs=epochs, callbacks=callbacks, shuffle=False)
    except (ValueError, OSError, KeyError) as error:
        if resume and "backup" in str(error):
            raise InputError(
                f"The backup in {backup} cannot be used ({error}); start anew without --resume."
            ) from error
        raise
    with log.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0] if name != "epoch"}
