"""Running text for a language model: one long stream of ids, cut into batches that follow on."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from tf_seq2seq.errors import InputError
from tf_seq2seq.files import in_chunks
from tf_seq2seq.text import EOS_ID, Tokenizer


def encode_text(lines: Iterable[str], tokenizer: Tokenizer) -> np.ndarray:
    """Encodes a text as one stream of ids, with `<eos>` at the end of each line (book, 9.2.1).

    Args:
        lines: the text, any iterable of strings.
        tokenizer: its tokenizer.

    Returns:
        int32 `(ids,)`.

    Raises:
        InputError: if there is no line.
    """
    pieces = []
    for chunk in in_chunks(lines):
        ids = tokenizer.encode(chunk)
        ends = tf.fill([len(chunk), 1], EOS_ID)
        pieces.append(tf.concat([ids, ends], axis=1).flat_values.numpy())
    if not pieces:
        raise InputError("The text holds no line: give at least one.")
    return np.concatenate(pieces)


def text_batches(ids: np.ndarray, batch_size: int = 1, length: int = 35) -> tf.data.Dataset:
    """Cuts a stream of ids into batches of which each row goes on where it left off.

    The stream is cut into `batch_size` pieces, one under the other, and these into batches of
    `length` columns. Each label is the id that follows. What does not fill a row up is left out,
    `batch_size` ids at the most; the last batch may be narrower.

    Args:
        ids: int `(ids,)`.
        batch_size: the rows of a batch. With 1 every id but the first is a label, each with all
            of the text before it.
        length: the columns of a batch, through which a truncated back-propagation goes.

    Returns:
        A dataset of `(inputs, labels)`, each int32 `(batch_size, length)`, in order.

    Raises:
        InputError: if the stream is too short for one column of labels.

    Example:

    >>> for inputs, labels in text_batches(np.arange(8), batch_size=2, length=3):
    ...     print(inputs.numpy().tolist(), labels.numpy().tolist())
    [[0, 1, 2], [3, 4, 5]] [[1, 2, 3], [4, 5, 6]]
    """
    columns = (len(ids) - 1) // batch_size
    if columns < 1:
        raise InputError(
            f"A text of {len(ids)} ids does not fill {batch_size} rows: lower the batch size or "
            "give more text."
        )
    ids = np.asarray(ids, np.int32)
    inputs = ids[: batch_size * columns].reshape(batch_size, columns)
    labels = ids[1 : batch_size * columns + 1].reshape(batch_size, columns)
    # With columns first, a batch is a batch of columns.
    dataset = tf.data.Dataset.from_tensor_slices((inputs.T, labels.T)).batch(length)
    return dataset.map(
        lambda inputs, labels: (
            tf.ensure_shape(tf.transpose(inputs), [batch_size, None]),
            tf.ensure_shape(tf.transpose(labels), [batch_size, None]),
        )
    ).prefetch(tf.data.AUTOTUNE)
