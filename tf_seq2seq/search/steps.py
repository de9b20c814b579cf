"""Step functions: what a search needs of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tf_seq2seq.checks import check_integer
from tf_seq2seq.errors import InputError
from tf_seq2seq.text import SOS_ID

Step = Callable[[tf.Tensor, Any], tuple[tf.Tensor, tf.Tensor | None, Any]]
"""A function `(ids, state) -> (logits, weights, state)`.

`ids` int32 `(rows,)` are the ids written last, `logits` `(rows, vocabulary_size)` those of the next
ids, and `weights` `(rows, source_length)` the attention weights, or None. The state is any nested
structure of tensors, which keeps its structure, shapes and dtypes.
"""


def repeat_rows(structure: Any, times: int) -> Any:
    """Repeat each row of the tensors in a nested structure, the copies next to each other.

    A beam search of a given width runs the model on this many rows.

    Args:
        structure: tensors with the rows as their first dimension, such as a decoder's memory.
            None and scalars stay as they are.
        times: how often.

    Example:

    >>> repeat_rows((tf.constant([1, 2]), None), 2)[0].numpy()
    array([1, 1, 2, 2], dtype=int32)
    """
    times = check_integer("times", times, minimum=1)
    return map_rows(lambda tensor: tf.repeat(tensor, times, axis=0), structure)


def map_rows(function: Callable[[tf.Tensor], tf.Tensor], structure: Any) -> Any:
    """Apply `function` to each tensor that has rows, and not to None or a scalar."""
    return tf.nest.map_structure(
        lambda x: x if x is None or tf.convert_to_tensor(x).shape.rank == 0 else function(x),
        structure,
    )


def check_size(name: str, value: Any, minimum: int) -> tf.Tensor | int:
    """Return a number of rows or of ids as it is if it is a tensor, else as an `int`."""
    return value if tf.is_tensor(value) else check_integer(name, value, minimum)


def first_step(
    batch_size: tf.Tensor | int, finished: tf.Tensor | None, start: tf.Tensor | None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return `finished` and `start`, or their defaults: no row is finished, and all start with
    `<sos>`."""
    if finished is None:
        finished = tf.fill([batch_size], False)
    if start is None:
        start = tf.fill([batch_size], SOS_ID)
    return finished, start


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
