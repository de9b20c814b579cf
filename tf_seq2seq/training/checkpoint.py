"""What is kept of a training, so that it can go on where it was."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import keras
import numpy as np

from tf_seq2seq.errors import InputError

# What numpy raises for an archive that is not whole.
_DAMAGED = (OSError, EOFError, ValueError, KeyError, BadZipFile)


class Saved(NamedTuple):
    """A checkpoint's content: `progress`, which JSON can hold, and arrays in a fixed order."""

    progress: dict[str, Any]
    arrays: list[np.ndarray]


class Checkpoint:
    """Keeps the last state of a training in a directory.

    The arrays go into a new file, and then `checkpoint.json`, which names it, is replaced in one
    stroke: whenever the process or the disk gives up, the checkpoint before is still whole.

    Args:
        directory: made if it is not there.
    """

    def __init__(self, directory: str | Path):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)

    @property
    def _index(self) -> Path:
        return self.directory / "checkpoint.json"

    def clear(self) -> None:
        """Forget an earlier run, so that it cannot be resumed in this one's place."""
        self._index.unlink(missing_ok=True)
        for path in self._kept():
            path.unlink()

    def save(self, progress: dict[str, Any], arrays: Sequence[np.ndarray]) -> None:
        """Write a checkpoint and remove the one before.

        Args:
            progress: what JSON can hold; the `epoch` and the `step` with which the training goes
                on among it, which the checkpoint before does not have.
            arrays: the rest.

        Raises:
            OSError: if the disk is full or cannot be written; the checkpoint before stays.
        """
        file = self.directory / f"epoch-{progress['epoch']}-step-{progress['step']}.npz"
        _write(file, arrays)
        new = self._index.with_suffix(".new")
        new.write_text(json.dumps({"arrays": file.name, "progress": progress}))
        new.replace(self._index)
        for path in set(self.directory.glob("epoch-*-step-*.npz")) - {file}:
            path.unlink()

    def load(self, shapes: Sequence[tuple[int, ...]]) -> Saved | None:
        """Read the checkpoint, or return None if there is none.

        Args:
            shapes: those of the arrays that are expected first; more may follow.

        Raises:
            InputError: if the checkpoint does not fit `shapes` or is damaged.
        """
        if not self._index.exists():
            return None
        try:
            content = json.loads(self._index.read_text())
            with np.load(self.directory / content["arrays"]) as file:
                arrays = [file[name] for name in file]
            if [array.shape for array in arrays[: len(shapes)]] != [tuple(s) for s in shapes]:
                raise ValueError("it was written by another model")
            return Saved(dict(content["progress"]), arrays)
        except (*_DAMAGED, TypeError, AttributeError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise InputError(
                f"The checkpoint in {self.directory} cannot be used ({reason}); start anew without "
                "--resume, or with the settings that it was written with."
            ) from error

    def _kept(self) -> list[Path]:
        """The files of `keep_weights`, the oldest first."""
        return sorted(self.directory.glob("weights-of-epoch-*.npz"))

    def keep_weights(self, model: keras.Model, epoch: int, most: int) -> None:
        """Write the weights that a model has after an epoch, for `average_weights`.

        Args:
            model: the model.
            epoch: its number, from 1.
            most: of how many epochs the weights are kept; those of older ones are removed.

        Raises:
            OSError: if the disk is full or cannot be written.
        """
        file = self.directory / f"weights-of-epoch-{epoch:05}.npz"
        new = file.with_name(f".{file.name}")
        _write(new, [variable.numpy() for variable in model.variables])
        new.replace(file)
        for path in self._kept()[:-most]:
            path.unlink()

    def average_weights(self, model: keras.Model) -> int:
        """Give a model the mean of the weights that were kept after the last epochs.

        Args:
            model: of the form of the one that was trained here, compiled or not.

        Returns:
            Of how many epochs that is the mean.

        Raises:
            InputError: if no weights were kept, or they do not fit the model or are damaged.

        Source: Junczys-Dowmunt et al. 2016, "Is Neural Machine Translation Ready for Deployment?";
        as a mean along the path of the optimizer, Polyak and Juditsky 1992.
        """
        files = self._kept()
        if not files:
            raise InputError(
                f"There are no weights to average in {self.directory}: train with "
                "`keep_weights`, the number of epochs of which they are kept."
            )
        sums = [np.zeros(variable.shape) for variable in model.variables]
        for file in files:
            try:
                with np.load(file) as content:
                    arrays = [content[name] for name in content]
                if [a.shape for a in arrays] != [s.shape for s in sums]:
                    raise ValueError("they are of another model")
            except _DAMAGED as error:
                raise InputError(
                    f"The weights in {file} cannot be averaged ({error}); remove the file, or "
                    "train anew."
                ) from error
            sums = [total + array for total, array in zip(sums, arrays, strict=True)]
        for variable, total in zip(model.variables, sums, strict=True):
            variable.assign(total / len(files))
        return len(files)

    def restore_weights(self, model: keras.Model) -> dict[str, Any]:
        """Give a model the weights of the one that is or was trained here.

        Args:
            model: of the same form, compiled or not.

        Returns:
            The progress of the training: the `epoch` and the `step` that it would go on with.

        Raises:
            InputError: if there is no checkpoint, or it does not fit the model or is damaged.
        """
        # A training keeps the variables of its model before all others.
        saved = self.load([variable.shape for variable in model.variables])
        if saved is None:
            raise InputError(f"There is no checkpoint in {self.directory}: train first.")
        for variable, array in zip(model.variables, saved.arrays, strict=False):
            variable.assign(array)
        return saved.progress


def _write(file: Path, arrays: Sequence[np.ndarray]) -> None:
    try:
        np.savez(file, *arrays)
    except OSError as error:  # which does not say where
        raise OSError(error.errno, error.strerror, str(file)) from error
