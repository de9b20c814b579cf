"""A Dense layer whose bias gets an accurate gradient in half precision."""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class Dense(keras.layers.Dense):
    """Keras' Dense layer, with the gradient of its bias summed in float32.

        y = activation(W x + b),    d_b = sum_rows d_(W x + b)

    On a CPU, TensorFlow's gradient of a bias adds bfloat16 rows one by one in bfloat16. If all rows
    have the same sign, more than half of the sum of 1,000 rows is lost, and nine tenths of the sum
    of 5,000. The gradients of logits are such rows, since they contain the probabilities of words.
    A product with ones adds them in float32.
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        outputs = ops.matmul(inputs, self.kernel)
        if self.bias is not None:
            outputs = with_bias(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)


def with_bias(outputs: tf.Tensor, bias: tf.Tensor | keras.Variable) -> tf.Tensor:
    """Add a bias `(units,)` to `(..., units)`; see `Dense` for its gradient."""

    @tf.custom_gradient
    def add(outputs, bias):
        def gradient(d):
            rows = tf.reshape(d, [-1, d.shape[-1]])
            ones = tf.ones([1, tf.shape(rows)[0]], d.dtype)
            return d, tf.matmul(ones, rows)[0]

        return tf.nn.bias_add(outputs, bias), gradient

    return add(outputs, tf.cast(tf.convert_to_tensor(bias), outputs.dtype))
