"""Floor 5: from a translator or a language model to a SavedModel that TensorFlow Serving serves.

What is exported needs TensorFlow and TensorFlow Text to run, not this package. A translator:

| signature         | output            | dtype   | shape                    | meaning             |
|-------------------|-------------------|---------|--------------------------|---------------------|
| `serving_default` | `translation`     | string  | `[batch]`                | found greedily      |
|                   | `score`           | float32 | `[batch]`                | log P, nats         |
| `beam`            | `translations`    | string  | `[batch, n_best]`        | the best first      |
|                   | `scores`          | float32 | `[batch, n_best]`        | log P, nats         |
|                   | `translation`     | string  | `[batch]`                | the best            |
| `align`           | `translation`     | string  | `[batch]`                |                     |
|                   | `score`           | float32 | `[batch]`                | log P, nats         |
|                   | `source_tokens`   | string  | `[batch, source]`        | as the encoder read |
|                   | `source_length`   | int32   | `[batch]`                | `<eos>` included    |
|                   | `target_tokens`   | string  | `[batch, target]`        | as the decoder wrote|
|                   | `target_length`   | int32   | `[batch]`                | `<eos>` included    |
|                   | `alignment`       | float32 | `[batch, target, source]`| attention weights   |
| `score`           | `log_probability` | float32 | `[batch]`                | of `target`, nats   |
|                   | `tokens`          | int32   | `[batch]`                | `<eos>` included    |
| `encode`          | `context`         | float32 | `[batch, units]`         | `c = h_T`           |

A language model (a `TextModel`):

| signature         | output            | dtype   | shape     | meaning                        |
|-------------------|-------------------|---------|-----------|--------------------------------|
| `serving_default` | `log_probability` | float32 | `[batch]` | of the line and its end, nats  |
|                   | `tokens`          | int32   | `[batch]` | of the line, `<eos>` included  |
|                   | `perplexity`      | float32 | `[batch]` | of a token                     |
| `generate`        | `generated`       | string  | `[batch]` | the text and how it goes on    |
|                   | `log_probability` | float32 | `[batch]` | of what was written, nats      |

The input of each is `text`, string `[batch]`; `score` has a second, `target`, of the same shape.
`align` exists for models with attention only. Rows are filled with empty strings and zeros up to
the batch's longest; the lengths tell how much of a row is its own. Where `beam` finds fewer than
`n_best` translations, the others are empty and have the lowest score that a float32 can have.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import fcntl
import importlib.metadata
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tf_seq2seq.errors import DISK_FAULTS, InputError
from tf_seq2seq.layers.recurrent import without_cudnn
from tf_seq2seq.serving import warmup
from tf_seq2seq.text_model import TextModel
from tf_seq2seq.translator import Translator

# What a rename to a name that is taken ends with.
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)
_PACKAGES = ("tf_seq2seq", "tensorflow", "tensorflow-text", "keras")


def export(
    exported: Translator | TextModel,
    directory: str | Path,
    version: int | None = None,
    *,
    replace: bool = False,
    sentences: Sequence[str] = (),
    card: Mapping[str, Any] | None = None,
    **search: Any,
) -> Path:
    """Write a translator or a language model as a SavedModel, `directory/version`.

    The server polls the directory, and a folder that it finds half written fails for good. So the
    model is written into a hidden folder beside it and renamed.

    Args:
        exported: a `Translator` or a `TextModel`.
        directory: the model's folder in a model repository, such as `saved_models/en_zh`.
        version: a positive integer; the next free one if None.
        replace: whether a version that exists may be replaced. A server that has loaded it does
            not notice: what is being served gets a new version instead.
        sentences: real sentences, some of which the server runs through every signature before it
            serves the version (`warmup.choose`); without any it serves at once, and the first
            requests wait.
        card: what people should know of the model: languages, data, metric with its signature,
            labels. Goes with the form of the model, versions of packages and the commit into
            `assets.extra/model.json`.
        **search: of a translator, how the signatures `beam` and `align` search: see
            `Translator.signatures`.

    Returns:
        The path of the version's folder.

    Raises:
        InputError: if the version exists, or is no positive integer.
        OSError: if the disk is full or the folder cannot be written; what was there stays.
        TypeError: if the card holds what JSON cannot.
    """
    if version is not None and (type(version) is not int or version < 1):
        raise InputError(f"A version is a positive integer, got {version!r}.")
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    if version is not None and (directory / str(version)).exists() and not replace:
        raise _exists(directory / str(version))
    about = _card(exported, directory.name, card or {})
    signatures = exported.signatures(**search)
    with _hidden_folder(directory) as hidden:
        model = hidden / "model"
        try:
            _save(exported, signatures, model)
            if sentences:
                warmup.write(model, warmup.choose(sentences), directory.name)
            (model / "assets.extra").mkdir(exist_ok=True)
            (model / "assets.extra" / "model.json").write_text(about, encoding="utf-8")
        except tf.errors.OpError as error:
            # What the system said to TensorFlow is in its message alone.
            code = next((code for code in DISK_FAULTS if os.strerror(code) in str(error)), None)
            if code is None:
                raise
            raise OSError(code, os.strerror(code), str(directory)) from error
        if version is None:
            return _move_to_next_version(model, directory)
        target = directory / str(version)
        if replace and target.exists():
            target.rename(hidden / str(version))
        try:
            return model.rename(target)
        except OSError as error:
            if error.errno in _TAKEN:
                raise _exists(target) from error
            raise


@contextlib.contextmanager
def _hidden_folder(directory: Path) -> Iterator[Path]:
    """A folder to write in, locked as long as it is used.

    The folders of exporters that were killed are cleared away, and a version that one of them was
    about to replace is put back.
    """
    with contextlib.ExitStack() as stack:
        with _locked(directory):
            for left in directory.glob(".writing-*"):
                with contextlib.suppress(BlockingIOError), _locked(left, wait=False):
                    _clear(left)
            hidden = Path(tempfile.mkdtemp(prefix=".writing-", dir=directory))
            stack.enter_context(_locked(hidden))
        try:
            yield hidden
        finally:
            _clear(hidden)


def _clear(hidden: Path) -> None:
    for version in versions(hidden):
        if not (hidden.parent / str(version)).exists():
            (hidden / str(version)).rename(hidden.parent / str(version))
    shutil.rmtree(hidden, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path, wait: bool = True) -> Iterator[None]:
    """Keeps others from locking the folder, until the process ends at the latest."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)


def versions(directory: str | Path) -> list[int]:
    """The versions of a model that a folder of a model repository holds, ascending."""
    return sorted(
        int(path.name)
        for path in Path(directory).glob("[0-9]*")
        if path.is_dir() and path.name.isascii() and path.name.isdecimal()
    )


def _exists(target: Path) -> InputError:
    return InputError(
        f"{target} exists already; choose another version, or None for the next free one."
    )


def _move_to_next_version(model: Path, directory: Path) -> Path:
    number = 1 + max(versions(directory), default=0)
    while True:
        try:
            return model.rename(directory / str(number))
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            # By another export in the meantime, or by a file.
            number += 1


def _save(exported: Translator | TextModel, signatures: Mapping[str, Any], path: Path) -> None:
    model = exported.model
    with without_cudnn(model.recurrent_layers):
        signatures = {
            name: function.get_concrete_function() for name, function in signatures.items()
        }
    for name, function in signatures.items():
        if faults := faults_of_graph(function.graph.as_graph_def()):
            raise ValueError(f"The signature {name!r} cannot be served. {' '.join(faults)}")

    module = tf.Module()
    # The C++ loader finds a variable only where it hangs on the module as a tf.Variable of its
    # own; by way of a Keras model the Python loader finds it and the server does not.
    module.weights = [weight.value for weight in model.weights]
    module.tokenizers = exported.tokenizers
    tf.saved_model.save(module, os.fspath(path), signatures=signatures)


def nodes_of(graph: GraphDef) -> Iterator:
    """The nodes of a graph and of its functions."""
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def faults_of_graph(graph: GraphDef) -> list[str]:
    """A sentence for each thing in a graph that a stock server on a CPU cannot run."""
    faults = []
    for op in sorted({node.op for node in nodes_of(graph)}):
        if op.startswith("Cudnn"):
            faults.append(f"The operation {op} runs on a GPU only: export it without cuDNN.")
        elif op.startswith("Xla"):
            faults.append(f"The operation {op} is XLA's, which a stock server switches off.")
    parts = (*graph.library.function, *nodes_of(graph))
    if any(part.attr["_XlaMustCompile"].b for part in parts if "_XlaMustCompile" in part.attr):
        faults.append(
            "A function is compiled by XLA, which a stock server switches off: export it without "
            "jit_compile."
        )
    return faults


def _card(exported, name: str, card: Mapping[str, Any]) -> str:
    form = keras.saving.serialize_keras_object(exported.model)
    form.pop("compile_config", None)  # of the training, which is over
    text = json.dumps(
        {
            "name": name,
            "labels": [],
            **card,
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "commit": _commit(),
            "packages": {package: _version(package) for package in _PACKAGES},
            "weights": exported.model.count_params(),
            "model": form,
        },
        ensure_ascii=False,
        indent=2,
    )
    return text + "\n"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # run from where it lies
        return None


def _commit() -> str | None:
    """The commit of this package if it lies in a checkout of its own, `-dirty` with changes."""
    root = Path(__file__).parents[2]

    def git(*arguments):
        command = ["git", "-C", os.fspath(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")) != root.resolve():
            return None
        return git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    except (OSError, subprocess.CalledProcessError):
        return None
