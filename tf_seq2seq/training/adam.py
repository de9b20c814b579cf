"""Adam with a fused update."""

from __future__ import annotations

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class FusedAdam(keras.optimizers.Adam):
    """`keras.optimizers.Adam` with one operation per variable for the whole update.

        m <- m + (1 - beta_1) (g - m)
        v <- v + (1 - beta_2) (g^2 - v)
        w <- w - learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)

    Keras computes this in a dozen operations, each of which reads and writes the memory. Arguments,
    variables and checkpoints are the same, and so are the results, except for rounding. (In
    float32, `1 - beta_2` differs from its decimal value, by 5e-5 of it for the default; the update
    changes by less than that.) With `amsgrad`, for variables in half precision, and for sparse
    gradients, this optimizer updates as Keras does.

    Example:

    >>> model = s2s.Seq2Seq(s2s.Encoder(80, 8), s2s.Decoder(60, 16))
    >>> model.compile(FusedAdam(1e-3, global_clipnorm=1.0))

    Source: Kingma and Ba 2015, "Adam: A Method for Stochastic Optimization", section 2.
    """

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        dtype = tf.as_dtype(variable.dtype)
        is_dense = isinstance(gradient, tf.Tensor)
        if self.amsgrad or not is_dense or dtype not in (tf.float32, tf.float64):
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        step = tf.cast(tf.convert_to_tensor(self.iterations) + 1, dtype)
        beta_1, beta_2 = tf.constant(self.beta_1, dtype), tf.constant(self.beta_2, dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=beta_1**step,
            beta2_power=beta_2**step,
            lr=tf.cast(learning_rate, dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.constant(self.epsilon, dtype),
            grad=tf.cast(gradient, dtype),
        )
