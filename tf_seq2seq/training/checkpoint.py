"""Write the state of a training run to a directory and read it back."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import keras
import numpy as np

from tf_seq2seq.checks import check_integer
from tf_seq2seq.errors import InputError
from tf_seq2seq.files import (
    DAMAGED,
    first_line,
    remove_folder,
    write_atomically,
    write_folder_atomically,
)
from tf_seq2seq.training.identity import compare_settings

FORMAT = 4
"""Version of the file format: increase it with every change, so that older files are refused."""

ARRAYS, PROGRESS, CHECKSUMS = "arrays.npz", "progress.json", "SHA256SUMS"
"""The files of a checkpoint; `sha256sum -c SHA256SUMS` checks them too."""

MODEL, METRICS, OPTIMIZER = "model", "metrics", "optimizer"


Position = tuple[int, int]  # epoch and step


class Saved(NamedTuple):
    """The content of a checkpoint.

    Attributes:
        progress: JSON values, including `epoch` and `step`, where training continues.
        arrays: NumPy arrays by name.
    """

    progress: dict[str, Any]
    arrays: dict[str, np.ndarray]

    def to_bytes(self) -> bytes:
        """Return the content as bytes, to send it to another process."""
        stream = io.BytesIO()
        _write(stream, self.arrays)
        progress = json.dumps(self.progress).encode()
        return len(progress).to_bytes(8, "big") + progress + stream.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Saved:
        """Return what `to_bytes` was given."""
        end = 8 + int.from_bytes(content[:8], "big")
        return cls(json.loads(content[8:end]), _read(io.BytesIO(content[end:])))


def model_variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Name the variables of a model by the attributes that lead to them.

    A name such as `model/encoder/words/embedding/embeddings` depends on the model alone.
    `Variable.path` doesn't: Keras numbers layers without a name (`dense`, `dense_1`) throughout the
    process, and two layers with the same name have the same path.

    Args:
        model: a built model, compiled or not.

    Returns:
        The variables by name, in the order of `model.variables`.

    Raises:
        InputError: if two variables cannot be told apart by name.

    Example:

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    >>> list(model_variables(model))
    ['model/layers/1/kernel', 'model/layers/1/bias']
    """
    skipped = [*model.metrics, getattr(model, "optimizer", None)]
    return _in_order(MODEL, model.variables, _walk(MODEL, model, {id(part) for part in skipped}))


def training_variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Name the variables of a compiled model, of its metrics and of its optimizer.

    Args:
        model: a compiled model whose metrics and optimizer are built.

    Returns:
        The variables by name, those of `model_variables` first. An optimizer's variable is named
        after the weight it belongs to: `optimizer/momentums/encoder/words/embedding/embeddings`.

    Raises:
        InputError: if two variables cannot be told apart by name.
    """
    named = model_variables(model)
    name_of = {id(variable): name for name, variable in named.items()}
    weights = [name_of[id(variable)] for variable in model.trainable_variables]
    labels = [name.removeprefix(f"{MODEL}/") for name in weights]
    seen = set(name_of)
    metrics = [
        found
        for metric in compiled_metrics(model)
        for found in _walk(f"{METRICS}/{metric.name}", metric, seen)
    ]
    optimizer = list(_walk(OPTIMIZER, model.optimizer, seen, labels))
    others = {id(v): v for v in [*model.metrics_variables, *model.optimizer.variables]}
    rest = [variable for key, variable in others.items() if key not in name_of]
    return named | _in_order("other", rest, [*metrics, *optimizer])


def compiled_metrics(model: keras.Model) -> list[keras.metrics.Metric]:
    """Return the metrics of a model one by one; Keras wraps the compiled ones in one metric."""
    return [part for metric in model.metrics for part in getattr(metric, "metrics", [metric])]


_CONTAINERS = (
    keras.layers.Layer,
    keras.metrics.Metric,
    keras.optimizers.Optimizer,
    keras.random.SeedGenerator,
)
_KERAS_LISTS = ("_trainable_variables", "_non_trainable_variables", "_variables")


def _walk(
    name: str, item: Any, seen: set[int], labels: list[str] | None = None
) -> Iterator[tuple[str, keras.Variable]]:
    """Yield each variable below `item` once, with its name; `labels` name the items of lists."""
    if id(item) in seen:
        return
    seen.add(id(item))
    if isinstance(item, keras.Variable):
        yield name, item
    elif isinstance(item, dict):
        for key, child in item.items():
            yield from _walk(f"{name}/{key}", child, seen, labels)
    elif isinstance(item, list | tuple):
        keys = labels if labels and len(labels) == len(item) else range(len(item))
        for key, child in zip(keys, item, strict=True):
            yield from _walk(f"{name}/{key}", child, seen, labels)
    elif isinstance(item, _CONTAINERS):
        for key, child in _attributes(item):
            if key == "_trainable_variables":  # of a layer without an attribute for a weight
                for variable in child:
                    yield from _walk(f"{name}/{variable.name}", variable, seen)
            else:
                yield from _walk(f"{name}/{key.lstrip('_')}", child, seen, labels)


def _attributes(item) -> list[tuple[str, Any]]:
    """Return attributes by name: the public ones, the private ones, then Keras' own lists."""

    def rank(pair):
        return pair[0].startswith("_") + (pair[0] in _KERAS_LISTS)

    # TensorFlow's attributes start with `_self_`.
    return sorted((p for p in vars(item).items() if not p[0].startswith("_self_")), key=rank)


def _in_order(group, variables, walked) -> dict[str, keras.Variable]:
    """Return `variables` by name, or by Keras' path if no attribute leads to them."""
    names = {id(variable): name for name, variable in walked}
    named: dict[str, keras.Variable] = {}
    for variable in variables:
        name = names.get(id(variable), f"{group}/{variable.path}")
        if named.setdefault(name, variable) is not variable:
            raise InputError(
                f"Two variables are named {name!r}, and a checkpoint could not tell "
                "them apart: give their layers or metrics different names."
            )
    return named


def assign(variables: Mapping[str, keras.Variable], arrays: Mapping[str, np.ndarray]) -> None:
    """Assign to each variable the array of the same name; ignore other arrays."""
    for name, variable in variables.items():
        variable.assign(arrays[name])


class Checkpoint:
    """The latest checkpoints of a training run, in a directory.

    Each checkpoint is a folder such as `epoch-2-step-400`, which is written atomically and contains
    the SHA-256 checksums of its files. Older checkpoints are removed only afterwards: if the
    process or the disk fails, the previous checkpoint is still complete. A checkpoint that does not
    match its checksums is skipped in favor of the one before it.

    Args:
        directory: where the folders are; created by the first `save`.
        keep: number of most recent checkpoints to keep, at least 1.

    Raises:
        InputError: if `keep` is out of range.

    Example:

    >>> checkpoint = Checkpoint(tmp_path / "run")
    >>> checkpoint.save({"epoch": 1, "step": 0}, {"model/bias": np.zeros(3)})
    >>> checkpoint.load().progress
    {'epoch': 1, 'step': 0}
    """

    def __init__(self, directory: str | Path, keep: int = 2):
        self.keep = check_integer("keep", keep, minimum=1)
        self.directory = Path(directory)

    @property
    def folders(self) -> list[Path]:
        """The folders of the checkpoints, oldest first."""
        folders = self.directory.glob("epoch-*-step-*")
        return sorted((f for f in folders if _position(f) and f.is_dir()), key=_position)

    def size(self) -> int:
        """Return the size of the last checkpoint in bytes; 0 without one."""
        return sum(file.stat().st_size for f in self.folders[-1:] for file in f.iterdir())

    def _older_format(self) -> list[Path]:
        """Return the files of format 1."""
        return [*self.directory.glob("checkpoint.json"), *self.directory.glob("epoch-*-step-*.npz")]

    def _kept_weights(self) -> list[Path]:
        """Return the files of `keep_weights`, oldest first."""
        return sorted(self.directory.glob("weights-of-epoch-*.npz"))

    def clear(self, keep: Position | None = None) -> None:
        """Remove the files of an earlier run, so that a new run isn't resumed from them.

        Args:
            keep: the epoch and step of the new run's first checkpoint, which is kept with the
                weights of that epoch; None to remove everything.
        """
        kept = {self._folder(keep), self._weights(keep[0])} if keep else set()
        for path in [*reversed(self.folders), *self._older_format(), *self._kept_weights()]:
            if path in kept:
                continue
            if path.is_dir():
                remove_folder(path)
            else:
                path.unlink()

    def _folder(self, position: Position) -> Path:
        return self.directory / "epoch-{}-step-{}".format(*position)

    def _weights(self, epoch: int) -> Path:
        return self.directory / f"weights-of-epoch-{epoch:05}.npz"

    def remove_unfinished(self) -> None:
        """Remove what a killed process left half written or half removed."""
        for pattern in (
            *(".epoch-*-step-*-*", ".weights-of-epoch-*.npz-*"),
            *(".trial-*", ".checkpoint.json-*"),  # the last one from format 1
        ):
            for path in self.directory.glob(pattern):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    def make_directory(self) -> None:
        """Create the directory if it is missing.

        Raises:
            OSError: if it cannot be created.
        """
        self.directory.mkdir(parents=True, exist_ok=True)

    def try_writing(self) -> None:
        """Write a small file and remove it again.

        Raises:
            OSError: if the disk is full or can't be written to.
        """
        with tempfile.NamedTemporaryFile(prefix=".trial-", dir=self.directory) as file:
            file.write(bytes(4096))
            file.flush()

    def save(self, progress: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Write a checkpoint, then remove the ones it makes unnecessary.

        The last `keep` are kept. Checkpoints of later steps are removed: they are damaged or come
        from an epoch that is being repeated.

        Args:
            progress: JSON values, including `epoch` and `step`, where training continues,
                which should differ from those of the previous checkpoint.
            arrays: NumPy arrays by name, such as the values of `training_variables`.

        Raises:
            OSError: if the disk is full or can't be written to; the previous checkpoint remains.
        """
        folder = self._folder((progress["epoch"], progress["step"]))
        try:
            self.make_directory()
            with write_folder_atomically(folder) as new:
                with (new / ARRAYS).open("wb") as stream:
                    _write(stream, arrays)
                content = {"format": FORMAT, "progress": progress}
                (new / PROGRESS).write_text(json.dumps(content), encoding="utf-8")
                sums = [f"{_checksum(new / name)}  {name}\n" for name in (ARRAYS, PROGRESS)]
                (new / CHECKSUMS).write_text("".join(sums), encoding="utf-8")
        except OSError as error:  # it may lack the file's name, or name a hidden one
            raise OSError(error.errno, error.strerror, str(folder)) from error
        older = [other for other in self.folders if _position(other) < _position(folder)]
        kept = {folder, *older[len(older) - self.keep + 1 :]}
        for other in self.folders:
            if other not in kept:
                remove_folder(other)

    def load(
        self,
        variables: Mapping[str, keras.Variable] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> Saved | None:
        """Read the last checkpoint that is not damaged.

        If later ones are damaged, a warning names them.

        Args:
            variables: the variables that it must fit, by name: those of a training run
                (`training_variables`) or of a model alone (`model_variables`); None for no check.
            settings: those of the training run that resumes from it (see `fit`); None for no check.

        Returns:
            Its content, or None if there is no checkpoint.

        Raises:
            InputError: if the checkpoint doesn't fit the variables, was written with other settings
                or has a different format, or if all checkpoints are damaged.
        """
        damaged: list[str] = []
        try:
            for folder in reversed(self.folders):
                try:
                    _verify(folder)
                except DAMAGED as error:
                    damaged.append(f"{folder.name} is damaged ({first_line(error)})")
                    continue
                saved = _read_checkpoint(folder)
                compare_settings(saved.progress.get("settings"), settings)
                if variables is not None:
                    _check_fit(variables, saved.arrays)
                if damaged:
                    warnings.warn(
                        f"In {self.directory}, {' and '.join(damaged)}: the previous checkpoint, "
                        f"{folder.name}, is used instead.",
                        stacklevel=2,
                    )
                return saved
            if damaged:
                raise ValueError(" and ".join(damaged))
            if self._older_format():
                _check_format(1)
            return None
        except DAMAGED as error:
            raise InputError(
                f"The checkpoint in {self.directory} cannot be used: {first_line(error)}. Start "
                "again without `resume`, or resume with the settings and the "
                "version of the package that wrote it."
            ) from error

    def restore_weights(self, model: keras.Model) -> dict[str, Any]:
        """Assign the checkpoint's weights to a model.

        Args:
            model: a model built with the same settings, compiled or not.

        Returns:
            The progress of the training run, including `epoch` and `step`, where it would continue.

        Raises:
            InputError: if there is no checkpoint, it doesn't fit the model or it is damaged.
        """
        variables = model_variables(model)
        saved = self.load(variables)
        if saved is None:
            raise InputError(f"There is no checkpoint in {self.directory}: train first.")
        assign(variables, saved.arrays)
        return saved.progress

    def keep_weights(self, model: keras.Model, epoch: int, most: int) -> None:
        """Write the weights of a model after an epoch, for `average_weights`.

        Args:
            model: the model.
            epoch: number of the epoch, at least 1.
            most: number of epochs whose weights are kept, at least 1; older ones are removed.

        Raises:
            InputError: if an argument is out of range.
            OSError: if the disk is full or can't be written to.
        """
        epoch = check_integer("epoch", epoch, minimum=1)
        most = check_integer("most", most, minimum=1)
        variables = model_variables(model)
        file = self._weights(epoch)
        try:
            self.make_directory()
            with write_atomically(file) as hidden, hidden.open("wb") as stream:
                _write(stream, {name: variable.numpy() for name, variable in variables.items()})
        except OSError as error:  # it may lack the file's name, or name a hidden one
            raise OSError(error.errno, error.strerror, str(file)) from error
        # A run that was resumed from an earlier epoch repeats the later ones.
        until = [path for path in self._kept_weights() if path <= file]
        for path in {*self._kept_weights()} - {*until[-most:]}:
            path.unlink()

    def average_weights(self, model: keras.Model) -> int:
        """Set the weights of a model to the mean of those kept after the last epochs.

        Args:
            model: a model built with the same settings as the trained one, compiled or not.

        Returns:
            The number of epochs that were averaged.

        Raises:
            InputError: if no weights were kept, they don't fit the model or they are damaged.

        Source: Junczys-Dowmunt et al. 2016, "Is Neural Machine Translation Ready for Deployment?";
        averaging along the optimizer's path: Polyak and Juditsky 1992.
        """
        files = self._kept_weights()
        if not files:
            raise InputError(
                f"There are no weights to average in {self.directory}: train with `keep_weights`, "
                "the number of epochs whose weights are kept."
            )
        variables = model_variables(model)
        floats = {n for n, v in variables.items() if keras.backend.is_float_dtype(v.dtype)}
        sums = dict.fromkeys(floats, np.zeros(()))
        for file in files:
            try:
                arrays = _read(file)
                _check_fit(variables, arrays)
            except DAMAGED as error:
                raise InputError(
                    f"The weights in {file} cannot be averaged: {first_line(error)}. Remove the "
                    "file or train again."
                ) from error
            sums = {name: total + arrays[name].astype("float64") for name, total in sums.items()}
        # Random seeds cannot be averaged: keep those of the last epoch.
        assign(variables, arrays | {name: total / len(files) for name, total in sums.items()})
        return len(files)


def _position(folder: Path) -> tuple[int, ...]:
    """Return the epoch and step of a checkpoint's folder; () for any other folder."""
    match = re.fullmatch(r"epoch-(\d+)-step-(\d+)", folder.name)
    return tuple(map(int, match.groups())) if match else ()


def _checksum(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _verify(folder: Path) -> None:
    """Compare the files of a checkpoint with their checksums.

    Raises:
        ValueError, OSError: if one differs or is missing.
    """
    lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    expected = {name: checksum for checksum, _, name in (line.partition("  ") for line in lines)}
    for name in (ARRAYS, PROGRESS):
        if name not in expected:
            raise ValueError(f"{CHECKSUMS} has no checksum for {name}")
        if _checksum(folder / name) != expected[name]:
            raise ValueError(f"{name} does not match its checksum")


def _read_checkpoint(folder: Path) -> Saved:
    content = json.loads((folder / PROGRESS).read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{PROGRESS} is damaged")
    _check_format(content.get("format"))
    progress = dict(content["progress"])
    if missing := {"epoch", "step"} - set(progress):
        raise ValueError(f"{PROGRESS} has no {' and no '.join(sorted(missing))}")
    return Saved(progress, _read(folder / ARRAYS))


def _write(stream: BinaryIO, arrays: Mapping[str, np.ndarray]) -> None:
    # NumPy's archives don't support bfloat16: write its bits, with the dtype in the array's name.
    plain = {"format": np.array(FORMAT)}
    for name, array in arrays.items():
        array = np.asarray(array)
        if array.dtype.isbuiltin == 1:
            plain[name] = array
        else:
            plain[f"{name}:{array.dtype.name}"] = array.view(f"u{array.dtype.itemsize}")
    np.savez(stream, allow_pickle=False, **plain)


def _read(file: Path | BinaryIO) -> dict[str, np.ndarray]:
    with np.load(file) as content:
        _check_format(content["format"].item() if "format" in content else None)
        arrays = {}
        for stored in content:
            if stored != "format":
                name, _, dtype = stored.partition(":")
                arrays[name] = content[stored].view(dtype) if dtype else content[stored]
        return arrays


def _check_format(version: Any) -> None:
    if version != FORMAT:
        written = "an older format" if version is None else f"format {version}"
        raise ValueError(f"it was written in {written}, but this version reads format {FORMAT}")


def _check_fit(variables: Mapping[str, keras.Variable], arrays: Mapping[str, np.ndarray]) -> None:
    """Compare names, shapes and dtypes in the groups (model, metrics, optimizer) of `variables`.

    Raises:
        ValueError: if they differ; the message names the first variable that does.
    """
    for name, variable in variables.items():
        if name not in arrays:
            raise ValueError(f"it lacks the variable {name!r}, which the model has")
        here = tuple(variable.shape), keras.backend.standardize_dtype(variable.dtype)
        there = arrays[name].shape, arrays[name].dtype.name
        if here != there:
            raise ValueError(
                f"its variable {name!r} has the shape {there[0]} and the type {there[1]}, but the "
                f"model's has the shape {here[0]} and the type {here[1]}"
            )
    groups = {_group(name) for name in variables}
    for name in arrays:
        if name not in variables and _group(name) in groups:
            raise ValueError(f"it has a variable {name!r} that the model doesn't have")


def _group(name: str) -> str:
    return name.partition("/")[0]
