"""Step functions, the interface between a search and a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tf_seq2seq.checks import check_integer
from tf_seq2seq.errors import InputError
from tf_seq2seq.text import PAD_ID, SOS_ID

Step = Callable[..., tuple[tf.Tensor, tf.Tensor | None, Any]]
"""A function `(ids, state) -> (logits, weights, state)`, or `(ids, state, memory)` with a memory.

`ids`, int32 `(rows,)`, are the most recent ids; `logits`, `(rows, vocabulary_size)`, are those of
the next ids; `weights`, `(rows, source_length)`, are the attention weights, or None. The state is
any nested structure of tensors; its structure, shapes and dtypes must stay the same.
"""


def repeat_rows(structure: Any, times: int) -> Any:
    """Repeat each row of the tensors in a nested structure; the copies are next to each other.

    A beam search runs the model on `width` copies of each row.

    Args:
        structure: tensors whose first dimension is the rows, such as a decoder's memory. None and
            scalars are not changed.
        times: the number of copies.

    Raises:
        InputError: if `times` is not a positive integer.

    Example:

    >>> repeat_rows((tf.constant([1, 2]), None), 2)[0].numpy()
    array([1, 1, 2, 2], dtype=int32)
    """
    times = check_integer("times", times, minimum=1)
    return map_rows(lambda tensor: tf.repeat(tensor, times, axis=0), structure)


def map_rows(function: Callable[[tf.Tensor], tf.Tensor], structure: Any) -> Any:
    """Apply `function` to each tensor that has rows, but not to None or scalars."""
    return tf.nest.map_structure(
        lambda x: x if x is None or tf.convert_to_tensor(x).shape.rank == 0 else function(x),
        structure,
    )


def with_memory(step: Callable, memory: Any) -> Callable[[tf.Tensor, Any, Any], tuple]:
    """Return a step function that takes a memory, even if there is none."""
    return step if memory is not None else lambda ids, state, memory: step(ids, state)


def log_sum_exp(logits: tf.Tensor, ids: tf.Tensor | None = None) -> tf.Tensor:
    """Compute `log sum_k exp(logits_k)`: float32 `(rows,)`.

    It is `logits_m - log p_m` for any id `m`, with `p` the softmax, whose kernel is so fast that
    this takes less time than `tf.reduce_logsumexp`.

    Args:
        logits: float32 `(rows, vocabulary_size)`.
        ids: `m`, int32 `(rows,)`; they must not be improbable. None for the most probable ids.
    """
    if ids is None:
        ids = tf.argmax(logits, axis=-1, output_type=tf.int32)
    largest, probability = (
        tf.gather(each, ids, batch_dims=1) for each in (logits, tf.nn.softmax(logits))
    )
    return largest - tf.math.log(probability)


BLOCK = 32
"""The width of the blocks of `top_k`."""


def top_k(logits: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the `k` largest logits of each row and their ids, each `(rows, k)`, or all.

    The result is that of `tf.math.top_k`, which takes twice as long for a large vocabulary: the
    `k` largest logits are in the `k` blocks of ids that have the largest maxima.

    Args:
        logits: float32 `(rows, vocabulary_size)`.
        k: the number of logits.

    Example:

    >>> top_k(tf.constant([[0.0, 2.0, 1.0]]), 2)[1].numpy()
    array([[1, 2]], dtype=int32)
    """
    rows, size = tf.unstack(tf.shape(logits))
    width = size if logits.shape[1] is None else logits.shape[1]

    def in_one():
        return tuple(tf.math.top_k(logits, tf.minimum(k, size)))

    def in_blocks():
        blocks = -(-width // BLOCK)
        padding = tf.fill([rows, blocks * BLOCK - width], -float("inf"))
        blocked = tf.reshape(tf.concat([logits, padding], axis=1), [rows, blocks, BLOCK])
        _, best = tf.math.top_k(tf.reduce_max(blocked, axis=2), k)
        best = tf.sort(best)  # among equal logits, the smallest ids come first
        candidates = tf.reshape(tf.gather(blocked, best, batch_dims=1), [rows, k * BLOCK])
        largest, place = tf.math.top_k(candidates, k)
        return largest, tf.gather(best, place // BLOCK, batch_dims=1) * BLOCK + place % BLOCK

    if tf.is_tensor(width):  # that of a shortlist
        return tf.cond(width < 4 * k * BLOCK, in_one, in_blocks)
    return in_one() if width < 4 * k * BLOCK else in_blocks()


def check_size(name: str, value: Any, minimum: int) -> tf.Tensor | int:
    """Return a number of rows or ids unchanged if it is a tensor, otherwise as an `int`."""
    return value if tf.is_tensor(value) else check_integer(name, value, minimum)


def first_step(
    batch_size: tf.Tensor | int, finished: tf.Tensor | None, start: tf.Tensor | None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return `finished` and `start`, or their defaults: all False and `<sos>`."""
    if finished is None:
        finished = tf.fill([batch_size], False)
    if start is None:
        start = tf.fill([batch_size], SOS_ID)
    return finished, start


def padded_prefix(prefix: tf.Tensor | None) -> tf.Tensor | None:
    """Return `prefix` as int32 with a column of `<pad>` at the end, for `prefix_ids`."""
    if prefix is None:
        return None
    return tf.pad(tf.cast(prefix, tf.int32), [[0, 0], [0, 1]], constant_values=PAD_ID)


def prefix_ids(prefix: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
    """Return the ids of step `t`: int32 `(rows,)`, `<pad>` after the end of a prefix.

    Args:
        prefix: from `padded_prefix`.
        t: int32 scalar, the step, from 0.
    """
    return tf.gather(prefix, tf.minimum(t, tf.shape(prefix)[1] - 1), axis=1)


def checked_weights(weights: tf.Tensor | None) -> tf.Tensor:
    """Return the attention weights of a step as float32.

    Raises:
        InputError: if the step function does not return any.
    """
    if weights is None:
        raise InputError(
            "`aligned` is True, but the step function returns no attention weights: leave "
            "`aligned` out."
        )
    return tf.cast(weights, tf.float32)
