"""Weights that are cast once for all calls of a graph, instead of once in each call."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator

import keras
import tensorflow as tf

Kept = dict[tuple[int, bool, tf.DType], tf.Variable]
"""The cast weights, by the identity of the variable, whether it is transposed, and the dtype."""

_kept: contextvars.ContextVar[Kept | None] = contextvars.ContextVar("_kept", default=None)


@contextlib.contextmanager
def keeping(kept: Kept | None) -> Iterator[None]:
    """Within this context, keep the weights that `weight` casts, and use those that are kept.

    The graphs that are traced here ignore later changes of these weights.

    Args:
        kept: the weights; new ones are added. None changes nothing.
    """
    if kept is None:
        yield
        return
    token = _kept.set(kept)
    try:
        yield
    finally:
        _kept.reset(token)


def weight(
    value: tf.Tensor | keras.Variable, dtype: str | tf.DType, transposed: bool = False
) -> tf.Tensor:
    """Return a matrix for products in `dtype`: in float32, or in `dtype` if weights are kept.

    Args:
        value: float32 `(features, units)`. Only variables of Keras can be kept.
        dtype: the dtype of the products.
        transposed: whether to return the transposed matrix.
    """
    kept, dtype = _kept.get(), tf.as_dtype(dtype)
    if kept is None or not isinstance(value, keras.Variable) or dtype == tf.float32:
        # `tf.cast` alone would return a float32 variable as it is, to be read in each step.
        matrix = tf.cast(tf.convert_to_tensor(value), tf.float32)
        return tf.transpose(matrix) if transposed else matrix
    key = id(value), transposed, dtype
    if key not in kept:
        with tf.init_scope():
            matrix = tf.cast(tf.convert_to_tensor(value), dtype)
            kept[key] = tf.Variable(tf.transpose(matrix) if transposed else matrix, trainable=False)
    return tf.convert_to_tensor(kept[key])
