"""How weights start where it is not Keras' way."""

from __future__ import annotations

import keras


def draw_glorot_uniform(model: keras.Model) -> None:
    """Draw all matrices of a model from Glorot's uniform distribution, as TensorFlow 1 did.

        w ~ U(-a, a),   a = sqrt(6 / (rows + columns))

    Keras draws embeddings from `U(-0.05, 0.05)` and recurrent kernels as orthogonal matrices.

    Args:
        model: a built model; its vectors stay.

    Source: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward
    neural networks".
    """
    draw = keras.initializers.GlorotUniform()
    for weight in model.trainable_weights:
        if len(weight.shape) == 2:
            weight.assign(draw(weight.shape))
