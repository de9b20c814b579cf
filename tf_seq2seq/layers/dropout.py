"""Dropout with fewer random bits."""

from __future__ import annotations

import keras
import tensorflow as tf

RANDOM_BITS = 16
"""Random bits per element of a mask; rates are rounded to multiples of `2^-RANDOM_BITS`."""


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout`, with masks that take half the time.

        y = x m / (1 - rate),   m = 0 with probability `rate`, else 1

    Keras draws 32 random bits for each element of a mask, this layer 16. The arguments are the
    same, but not the masks.

    Example:

    >>> y = Dropout(0.5, seed=1)(np.ones([1, 4], "float32"), training=True)
    >>> sorted(set(y.numpy().flatten().tolist()))
    [0.0, 2.0]

    Source: Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting".
    """

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not training or not self.rate:
            return inputs
        inputs = tf.convert_to_tensor(inputs)
        outputs = inputs * self._factors(self._mask_shape(tf.shape(inputs)), inputs.dtype)
        outputs.set_shape(inputs.shape)
        return outputs

    def _mask_shape(self, shape):
        """Return the shape of the inputs, except where `noise_shape` has another size."""
        if self.noise_shape is None:
            return shape
        sizes = zip(self.noise_shape, tf.unstack(shape), strict=True)
        return tf.stack([size if fixed is None else fixed for fixed, size in sizes])

    def _factors(self, shape, dtype):
        """Return 0 or `1 / (1 - rate)` at random."""
        size = tf.reduce_prod(shape)
        seed = tf.cast(self.seed_generator.next(), tf.int32)
        pairs = tf.random.stateless_uniform(
            [(size + 1) // 2], seed, minval=None, maxval=None, dtype=tf.uint32, alg="philox"
        )
        numbers = tf.reshape(tf.reshape(tf.bitcast(pairs, tf.uint16), [-1])[:size], shape)
        dropped = min(round(self.rate * 2**RANDOM_BITS), 2**RANDOM_BITS - 1)
        kept = tf.cast(numbers >= tf.constant(dropped, tf.uint16), dtype)
        return kept * tf.constant(1.0 / (1.0 - self.rate), dtype)
