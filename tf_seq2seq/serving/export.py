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

import datetime
import errno
import importlib.metadata
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tf_seq2seq.errors import InputError
from tf_seq2seq.layers.recurrence import without_cudnn
from tf_seq2seq.serving import warmup
from tf_seq2seq.text_model import TextModel
from tf_seq2seq.translator import Translator

_DISK_FAULTS = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EIO,
)


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
        replace: whether a version that exists may be replaced.
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
    """
    if version is not None and (type(version) is not int or version < 1):
        raise InputError(f"A version is a positive integer, got {version!r}.")
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    if version is not None and (directory / str(version)).exists() and not replace:
        raise _exists(directory / str(version))
    signatures = exported.signatures(**search)
    hidden = Path(tempfile.mkdtemp(prefix=".writing-", dir=directory))
    model = hidden / "model"
    try:
        _save(exported, signatures, model)
        if sentences:
            warmup.write(model, warmup.choose(sentences), directory.name)
        _write_card(exported, model, directory.name, card or {})
        if version is None:
            return _move_to_next_version(model, directory)
        target = directory / str(version)
        if replace and target.exists():
            target.rename(hidden / "replaced")
        try:
            model.rename(target)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
                raise _exists(target) from error
            raise
        return target
    except tf.errors.OpError as error:
        # What the system said to TensorFlow is in its message alone.
        code = next((code for code in _DISK_FAULTS if os.strerror(code) in str(error)), None)
        if code is None:
            raise
        raise OSError(code, os.strerror(code), str(directory)) from error
    finally:
        if (hidden / "replaced").exists() and not (directory / str(version)).exists():
            (hidden / "replaced").rename(directory / str(version))
        shutil.rmtree(hidden, ignore_errors=True)


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
    while True:
        target = directory / str(1 + max(versions(directory), default=0))
        try:
            return model.rename(target)
        except OSError as error:
            # Another export may have taken the number in the meantime.
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise


def _save(exported: Translator | TextModel, signatures: Mapping[str, Any], path: Path) -> None:
    model = exported.model
    with without_cudnn(model.recurrent_layers):
        signatures = {
            name: function.get_concrete_function() for name, function in signatures.items()
        }
    for name, function in signatures.items():
        _check_portable(name, function)

    module = tf.Module()
    # The C++ loader finds a variable only where it hangs on the module as a tf.Variable of its
    # own; by way of a Keras model the Python loader finds it and the server does not.
    module.weights = [weight.value for weight in model.weights]
    module.tokenizers = exported.tokenizers
    tf.saved_model.save(module, os.fspath(path), signatures=signatures)


def _check_portable(name: str, function) -> None:
    """A stock server has neither cuDNN on a CPU host nor XLA."""
    graph = function.graph.as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    foreign = sorted({node.op for node in nodes if node.op.startswith(("Cudnn", "Xla"))})
    if any(f.attr["_XlaMustCompile"].b for f in graph.library.function):
        foreign.append("jit_compile=True")
    if foreign:
        raise ValueError(
            f"The signature {name!r} holds {', '.join(foreign)}, which a stock server cannot run; "
            "build the model's layers without cuDNN and without jit_compile."
        )


def _write_card(exported, model: Path, name: str, card: Mapping[str, Any]) -> None:
    packages = ("tensorflow", "tensorflow-text", "keras")
    text = json.dumps(
        {
            "name": name,
            **card,
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "commit": _commit(),
            "packages": {package: importlib.metadata.version(package) for package in packages},
            "weights": exported.model.count_params(),
            "model": keras.saving.serialize_keras_object(exported.model),
        },
        ensure_ascii=False,
        indent=2,
    )
    (model / "assets.extra").mkdir(exist_ok=True)
    (model / "assets.extra" / "model.json").write_text(text + "\n", encoding="utf-8")


def _commit() -> str | None:
    """The commit of this package, if it lies in a checkout."""
    command = ["git", "-C", os.fspath(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
