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

    def save(self, name: str, progress: dict[str, Any], arrays: Sequence[np.ndarray]) -> None:
        """Write a checkpoint and remove the one before.

        Args:
            name: of the new file, without ending; another than the last one's.
            progress: what JSON can hold.
            arrays: the rest.

        Raises:
            OSError: if the disk is full or cannot be written; the checkpoint before stays.
        """
        file = self.directory / f"{name}.npz"
        try:
            np.savez(file, *arrays)
        except OSError as error:  # which does not say where
            raise OSError(error.errno, error.strerror, str(file)) from error
        new = self._index.with_suffix(".new")
        new.write_text(json.dumps({"arrays": file.name, "progress": progress}))
        new.replace(self._index)
        for path in self.directory.glob("*.npz"):
            if path != file:
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
        except (OSError, ValueError, KeyError, TypeError, AttributeError, BadZipFile) as error:
            reason = str(error).strip().partition("\n")[0]
            raise InputError(
                f"The checkpoint in {self.directory} cannot be used ({reason}); start anew without "
                "--resume, or with the settings that it was written with."
            ) from error

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
