"""Running text for a language model: a stream of ids, cut into consecutive batches."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from tf_seq2seq.checks import check_integer
from tf_seq2seq.errors import InputError
from tf_seq2seq.files import in_chunks
from tf_seq2seq.strings import check_not_one_string
from tf_seq2seq.text import EOS_ID, Tokenizer


def encode_text(lines: Iterable[str], tokenizer: Tokenizer) -> np.ndarray:
    """Encode a text as one stream of ids, with `<eos>` at the end of each line.

    Args:
        lines: the text, any iterable of strings.
        tokenizer: a tokenizer with a vocabulary.

    Returns:
        int32 `(ids,)`.

    Raises:
        InputError: if there are no lines.
        TypeError: if `lines` is a single string.

    Example:

    >>> tokenizer = s2s.text.WordTokenizer()
    >>> tokenizer.set_vocabulary(s2s.text.Vocabulary(["to", "be"]))
    >>> encode_text(["to be", "be"], tokenizer)
    array([4, 5, 3, 5, 3], dtype=int32)

    Source:
        The book, section 9.2 (row 9-3).
    """
    check_not_one_string("lines", lines)
    pieces = []
    for chunk in in_chunks(lines):
        ids = tokenizer.encode(chunk)
        ends = tf.fill([len(chunk), 1], EOS_ID)
        pieces.append(tf.concat([ids, ends], axis=1).flat_values.numpy())
    if not pieces:
        raise InputError("The text has no lines: pass at least one.")
    return np.concatenate(pieces)


def text_batches(ids: np.ndarray, batch_size: int = 1, length: int = 35) -> tf.data.Dataset:
    """Cut a stream of ids into batches in which each row continues that of the previous batch.

    The stream is cut into `batch_size` rows, and the rows into batches of `length` columns. The
    label of each id is the next id. Up to `batch_size` ids at the end, which do not fill a column,
    are left out; the last batch may be narrower.

    Args:
        ids: int `(ids,)`.
        batch_size: the number of rows. With 1, every id except the first is a label, and its
            context is all of the preceding text.
        length: the number of columns, which is the number of steps of truncated backpropagation.

    Returns:
        A dataset of `(inputs, labels)`, each int32 `(batch_size, length)`, in order.

    Raises:
        InputError: if the stream is too short for one column of labels, or an argument is not a
            positive integer.

    Example:

    >>> for inputs, labels in text_batches(np.arange(8), batch_size=2, length=3):
    ...     print(inputs.numpy().tolist(), labels.numpy().tolist())
    [[0, 1, 2], [3, 4, 5]] [[1, 2, 3], [4, 5, 6]]

    Source:
        The book, section 9.2.
    """
    batch_size = check_integer("batch_size", batch_size, minimum=1)
    length = check_integer("length", length, minimum=1)
    columns = (len(ids) - 1) // batch_size
    if columns < 1:
        raise InputError(
            f"A text of {len(ids)} ids does not fill {batch_size} rows: lower `batch_size` or "
            "pass more text."
        )
    ids = np.asarray(ids, np.int32)
    inputs = ids[: batch_size * columns].reshape(batch_size, columns)
    labels = ids[1 : batch_size * columns + 1].reshape(batch_size, columns)
    # `batch` groups along the first axis, so transpose to make that the columns.
    dataset = tf.data.Dataset.from_tensor_slices((inputs.T, labels.T)).batch(length)

    @tf.autograph.experimental.do_not_convert
    def rows(*columns):
        return tuple(tf.ensure_shape(tf.transpose(each), [batch_size, None]) for each in columns)

    return dataset.map(rows).prefetch(tf.data.AUTOTUNE)
