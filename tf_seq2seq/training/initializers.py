"""Initialize weights differently from Keras' defaults."""

from __future__ import annotations

import math
from collections.abc import Callable

import keras

from tf_seq2seq.checks import check_number


def draw_uniform(model: keras.Model, limit: float) -> None:
    """Draw all matrices of a model from `U(-limit, limit)`, as the book's language model does.

    Args:
        model: a built model; its vectors, such as biases, keep their values.
        limit: the largest weight, greater than 0.

    Raises:
        InputError: if `limit` is out of range.
    """
    limit = check_number("limit", limit, above=0)
    _draw(model, lambda rows, columns: limit)


def draw_glorot_uniform(model: keras.Model) -> None:
    """Draw all matrices of a model from Glorot's uniform distribution, as TensorFlow 1 did.

        w ~ U(-a, a),   a = sqrt(6 / (rows + columns))

    Keras draws embeddings from `U(-0.05, 0.05)`, and recurrent kernels as orthogonal matrices.

    Args:
        model: a built model; its vectors, such as biases, keep their values.

    Source: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward
    neural networks".
    """
    _draw(model, lambda rows, columns: math.sqrt(6 / (rows + columns)))


def _draw(model: keras.Model, limit: Callable[[int, int], float]) -> None:
    # A Keras initializer draws the same matrix each time it is called for the same shape.
    seed = keras.random.SeedGenerator()
    for weight in model.trainable_weights:
        if len(weight.shape) == 2:
            largest = limit(*weight.shape)
            weight.assign(keras.random.uniform(weight.shape, -largest, largest, seed=seed))
