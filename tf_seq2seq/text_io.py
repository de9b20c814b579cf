"""Code that `Translator` and `TextModel` share: batches of strings, warnings, and files."""

from __future__ import annotations

import contextlib
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_seq2seq import strings
from tf_seq2seq.checks import check_integer
from tf_seq2seq.errors import InputError
from tf_seq2seq.files import DAMAGED, first_line, write_together
from tf_seq2seq.layers import cudnn
from tf_seq2seq.text import Tokenizer

BATCH_SIZE = 64
"""The default number of sentences in a batch."""

TEXT = tf.TensorSpec([None], tf.string, "text")
"""The input of a graph: strings `(batch,)`."""


def check_parts(model: Any, protocol: type, example: str, **tokenizers: Any) -> None:
    """Refuse a model or tokenizers of another kind, such as those of swapped arguments.

    Args:
        model: what should be a model.
        protocol: the protocol that it should follow.
        example: the name of a class that does.
        **tokenizers: what should be tokenizers, by the names of the arguments.

    Raises:
        InputError: if one of them is something else.
    """
    if not isinstance(model, protocol):
        raise InputError(f"`model` must be a {protocol.__name__} such as {example}, got {model!r}.")
    for name, tokenizer in tokenizers.items():
        check_tokenizer(name, tokenizer)


def check_tokenizer(name: str, value: Any) -> None:
    """Refuse an argument `name` that is not a tokenizer.

    Raises:
        InputError: if it is something else.
    """
    if not isinstance(value, Tokenizer):
        raise InputError(f"`{name}` must be a Tokenizer, got {value!r}.")


def compile_graph(
    function: Callable[..., dict[str, tf.Tensor]], *inputs: tf.TensorSpec
) -> tf.types.experimental.PolymorphicFunction:
    """Return a `tf.function` with one graph for all batches.

    Args:
        function: maps tensors to a dict of tensors.
        *inputs: the specs of its arguments.
    """
    # The search uses `tf.while_loop`, so there is nothing for AutoGraph to convert. Without it,
    # tracing takes seconds less, and stack traces show the original code.
    return tf.function(function, input_signature=inputs, autograph=False)


def portable_graph(
    function: Callable[..., dict[str, tf.Tensor]], *inputs: tf.TensorSpec
) -> tf.types.experimental.PolymorphicFunction:
    """Return a `tf.function` like `compile_graph`, whose graph runs on any machine."""

    def without_cudnn(*tensors):
        with cudnn.disabled():
            return function(*tensors)

    return compile_graph(without_cudnn, *inputs)


def run_in_batches(
    function: Callable[..., dict[str, tf.Tensor]],
    sentences: Sequence[str | bytes],
    batch_size: int,
    *more: Sequence[str | bytes],
    verbose: int = 0,
) -> Iterator[tuple[list[int], dict[str, np.ndarray]]]:
    """Run a graph on batches of sentences.

    Sentences of similar length share a batch, to reduce padding. Within a batch, they keep their
    order.

    Args:
        function: maps one or several string tensors `(batch,)` to a dict of tensors.
        sentences: its first argument.
        batch_size: the number of sentences in a batch.
        *more: its other arguments, each as long as `sentences`.
        verbose: 1 for a progress bar.

    Yields:
        The positions of the sentences in a batch, and the outputs for them as NumPy arrays.

    Raises:
        InputError: if `batch_size` or `verbose` is invalid.
        TypeError: if a sentence is not a string or bytes.
    """
    batch_size = check_integer("batch_size", batch_size, minimum=1)
    verbose = check_integer("verbose", verbose, minimum=0, maximum=2)
    columns = [
        [strings.utf8(text, position) for position, text in enumerate(texts)]
        for texts in (sentences, *more)
    ]
    by_length = sorted(range(len(sentences)), key=lambda i: len(columns[0][i]))
    progress = keras.utils.Progbar(len(sentences), verbose=verbose, unit_name="sentence")
    for start in range(0, len(sentences), batch_size):
        rows = sorted(by_length[start : start + batch_size])
        outputs = function(*(tf.constant([texts[i] for i in rows]) for texts in columns))
        yield rows, {name: tensor.numpy() for name, tensor in outputs.items()}
        progress.update(start + len(rows))


def with_end(rows: tf.RaggedTensor, end: int | str, padding: int | str) -> tf.Tensor:
    """Return rows as a matrix, each followed by an end, and padded.

    `tf.concat` and `to_tensor` do the same with four times as many operations, which would be a
    tenth of those of a beam search, and are traced with each graph.

    Args:
        rows: `(batch, (length))`.
        end: what follows each row.
        padding: what follows that.

    Returns:
        `(batch, longest + 1)`; one column if the batch is empty.

    Example:

    >>> with_end(tf.ragged.constant([[1, 2], []], dtype=tf.int32), 3, 0).numpy().tolist()
    [[1, 2, 3], [3, 0, 0]]
    """
    padded = tf.pad(rows.to_tensor(padding), [[0, 0], [0, 1]], constant_values=padding)
    columns = tf.range(tf.shape(padded, rows.row_splits.dtype)[1])
    return tf.where(columns == rows.row_lengths()[:, None], tf.constant(end, rows.dtype), padded)


def warn_of_cut_offs(
    kind: str,
    texts: Sequence[str | bytes],
    positions: Sequence[int],
    cut_off: np.ndarray,
    limit: str,
    stacklevel: int,
) -> None:
    """Warn about each text of a batch that was cut off.

    Args:
        kind: a noun for the message, such as "Sentence".
        texts: all texts.
        positions: the positions of the texts in the batch.
        cut_off: bool `(batch,)`.
        limit: the limit and its value, such as "max_length=200".
        stacklevel: the number of frames to the user's code, as for `warnings.warn`.
    """
    for row in np.flatnonzero(cut_off).tolist():
        position = positions[row]
        strings.warn_of_cut_off(kind, position, texts[position], limit, stacklevel + 1)


def save_files(
    directory: str | Path,
    noun: str,
    model: keras.Model,
    parts: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> None:
    """Write a model, its tokenizers and its settings, for `load_files`.

    All files are first written under hidden names, so that existing files stay intact if the call
    is interrupted.

    Args:
        directory: created if it does not exist. The files are `model.keras`, a folder for each
            tokenizer, the other parts, and the settings as `{noun}.json`.
        noun: what the files contain, such as "translator".
        model: the Keras model.
        parts: the tokenizers by the names of their folders, and objects with a method `save` by
            the names of their files.
        settings: values that JSON can represent.
    """
    with write_together(directory) as new:
        model.save(new / "model.keras")
        for name, part in parts.items():
            part.save(new / name)
        text = json.dumps(settings, ensure_ascii=False, indent=2) + "\n"
        (new / _settings_file(noun)).write_text(text, encoding="utf-8")


def load_files(
    directory: Path, noun: str, tokenizers: Sequence[str]
) -> tuple[keras.Model, list[Tokenizer], dict[str, Any]]:
    """Read the model, the tokenizers and the settings that `save_files` wrote."""
    settings = read_settings(directory, noun)
    path = directory / "model.keras"
    if path.exists() and not zipfile.is_zipfile(path):
        raise zipfile.BadZipFile(f"{path.name} is damaged")  # Keras would say "File not found".
    model = keras.saving.load_model(path)
    return model, [Tokenizer.load(directory / name) for name in tokenizers], settings


def read_settings(directory: Path, noun: str) -> dict[str, Any]:
    """Read the settings that `save_files` wrote."""
    return json.loads((directory / _settings_file(noun)).read_text(encoding="utf-8"))


@contextlib.contextmanager
def explain_damage(directory: Path, noun: str, writer: str) -> Iterator[None]:
    """Turn errors about missing or damaged files into an `InputError`.

    Args:
        directory: the folder of the files.
        noun: what the files contain, such as "translator".
        writer: the method that writes them, such as "Translator.save".
    """
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(
            f"No {noun} in {directory}: {error.filename or error} is missing; pass the directory "
            f"that `{writer}` wrote."
        ) from error
    except DAMAGED as error:
        raise InputError(
            f"The {noun} in {directory} cannot be read ({first_line(error)}); save it again."
        ) from error


def _settings_file(noun: str) -> str:
    return f"{noun.replace(' ', '_')}.json"
