"""Floor 5: from a translator or a language model to a SavedModel that TensorFlow Serving serves.

What is exported needs TensorFlow and TensorFlow Text to run, not this package. A translator:

| signature         | output          | dtype   | shape                     | meaning              |
|-------------------|-----------------|---------|---------------------------|----------------------|
| `serving_default` | `translation`   | string  | `[batch]`                 | the translations     |
|                   | `score`         | float32 | `[batch]`                 | log probability, nats|
| `align`           |                 |         |                           | the above, and       |
|                   | `source_tokens` | string  | `[batch, source]`         | as the encoder read  |
|                   | `source_length` | int32   | `[batch]`                 | `<eos>` included     |
|                   | `target_tokens` | string  | `[batch, target]`         | as the decoder wrote |
|                   | `target_length` | int32   | `[batch]`                 | `<eos>` included     |
|                   | `alignment`     | float32 | `[batch, target, source]` | attention weights    |

A language model (a `TextModel`):

| signature         | output            | dtype   | shape     | meaning                            |
|-------------------|-------------------|---------|-----------|-----------------------------------|
| `serving_default` | `log_probability` | float32 | `[batch]` | of the line and its end, nats      |
|                   | `tokens`          | int32   | `[batch]` | of the line, `<eos>` included      |
|                   | `perplexity`      | float32 | `[batch]` | of a token                         |
| `generate`        | `generated`       | string  | `[batch]` | the text and how it goes on        |
|                   | `log_probability` | float32 | `[batch]` | of what was written, nats          |

The input of each is `text`, string `[batch]`; `align` exists for models with attention only.
Rows are filled with empty strings and zeros up to the batch's longest; the lengths tell how much
of a row is its own.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path

import tensorflow as tf

from tf_seq2seq.errors import InputError
from tf_seq2seq.layers.recurrence import without_cudnn
from tf_seq2seq.text_model import TextModel
from tf_seq2seq.translator import Translator

_TEXT = tf.TensorSpec([None], tf.string, "text")


def export(
    exported: Translator | TextModel,
    directory: str | Path,
    version: int | None = None,
    *,
    replace: bool = False,
) -> Path:
    """Write a translator or a language model as a SavedModel, `directory/version`.

    The server polls the directory, and a folder that it finds half written fails for good. So the
    model is written into a hidden folder beside it and renamed.

    Args:
        exported: a `Translator` or a `TextModel`.
        directory: the model's folder in a model repository, such as `saved_models/en_zh`.
        version: a positive integer; the next free one if None.
        replace: whether a version that exists may be replaced.

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
    if version is None:
        version = 1 + max(versions(directory), default=0)
    target = directory / str(version)
    if target.exists() and not replace:
        raise InputError(
            f"{target} exists already; choose another version, or None for the next free one."
        )
    hidden = Path(tempfile.mkdtemp(prefix=".writing-", dir=directory))
    try:
        _save(exported, hidden / "model")
        if replace and target.exists():
            target.rename(hidden / "replaced")
        (hidden / "model").rename(target)
    except tf.errors.ResourceExhaustedError as error:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target)) from error
    finally:
        if (hidden / "replaced").exists() and not target.exists():
            (hidden / "replaced").rename(target)
        shutil.rmtree(hidden, ignore_errors=True)
    return target


def versions(directory: str | Path) -> list[int]:
    """The versions of a model that a folder of a model repository holds, ascending."""
    return sorted(
        int(path.name)
        for path in Path(directory).glob("[0-9]*")
        if path.is_dir() and path.name.isascii() and path.name.isdecimal()
    )


def _save(exported: Translator | TextModel, path: Path) -> None:
    model = exported.model
    with without_cudnn(model.recurrent_layers):
        signatures = {
            name: tf.function(graph, input_signature=[_TEXT]).get_concrete_function()
            for name, graph in exported.signatures.items()
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
