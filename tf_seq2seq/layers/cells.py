"""The cells: the equations of one step, and the loop that unfolds a step over time.

A cell takes what the inputs give, `W x_t + b`, and what the state gives, `U h_{t-1} + b_U`, and
makes the next state of both. The first half waits for no other step, so it is computed for all
steps at once, before the loop; only the second half is computed inside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


def simple_rnn(from_inputs, from_state):
    """The simple recurrence, `h_t = tanh(W x_t + U h_{t-1} + b)` (the book, section 8.1).

    Args:
        from_inputs: `W x_t + b`, `(batch, units)`.
        from_state: `U h_{t-1}`, `(batch, units)`.

    Returns:
        `h_t`, `(batch, units)`.
    """
    return tf.tanh(from_inputs + from_state)


def gru(from_inputs, from_state, h):
    """The gated recurrent unit, in the form that cuDNN and Keras compute.

        z_t = sigmoid(x_z + u_z)            how much of the old state stays
        r_t = sigmoid(x_r + u_r)            how much of it the candidate sees
        n_t = tanh(x_n + r_t u_n)           the candidate
        h_t = z_t h_{t-1} + (1 - z_t) n_t

    Args:
        from_inputs: `[x_z ; x_r ; x_n] = W x_t + b`, `(batch, 3 * units)`.
        from_state: `[u_z ; u_r ; u_n] = U h_{t-1} + b_U`, `(batch, 3 * units)`.
        h: `h_{t-1}`, `(batch, units)`.

    Returns:
        `h_t`, `(batch, units)`.

    Source: Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder", with the
    reset gate behind the product.
    """
    x_z, x_r, x_n = tf.split(from_inputs, 3, axis=-1)
    u_z, u_r, u_n = tf.split(from_state, 3, axis=-1)
    z, r = tf.sigmoid(x_z + u_z), tf.sigmoid(x_r + u_r)
    n = tf.tanh(x_n + r * u_n)
    return n + z * (h - n)


def lstm(from_inputs, from_state, c):
    """The long short-term memory.

        i_t, f_t, o_t = sigmoid(x_i + u_i), sigmoid(x_f + u_f), sigmoid(x_o + u_o)
        g_t = tanh(x_g + u_g)
        c_t = f_t c_{t-1} + i_t g_t
        h_t = o_t tanh(c_t)

    Args:
        from_inputs: `[x_i ; x_f ; x_g ; x_o] = W x_t + b`, `(batch, 4 * units)`.
        from_state: `[u_i ; u_f ; u_g ; u_o] = U h_{t-1}`, `(batch, 4 * units)`.
        c: `c_{t-1}`, `(batch, units)`.

    Returns:
        `(h_t, c_t)`, each `(batch, units)`.

    Source: Hochreiter and Schmidhuber 1997, Gers et al. 2000; the book, section 8.2.
    """
    i, f, g, o = tf.split(from_inputs + from_state, 4, axis=-1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(c), c


class Linear:
    """`W x + b` for a loop: the weights are read, cast and transposed once, where it is made.

    What goes in and what comes out is float32. In half precision the product alone is computed in
    it, and the gradients of `W` from all steps are added up in float32.

    Args:
        kernel: `W` (transposed, as Keras has it), `(features, units)`.
        bias: `b`, `(units,)`, or None.
        dtype: the dtype of the products.
    """

    def __init__(self, kernel, bias, dtype):
        self.kernel = tf.cast(kernel, tf.float32)
        self.bias = None if bias is None else tf.cast(bias, tf.float32)
        self.dtype = tf.as_dtype(dtype)
        self._times_kernel = times(self.kernel, self.dtype)

    @classmethod
    def of(cls, dense: keras.layers.Dense) -> Linear:
        """The linear part of a Dense layer."""
        bias = dense.bias.value if dense.use_bias else None
        return cls(dense.kernel.value, bias, dense.compute_dtype)

    def split(self, features: int) -> tuple[Linear, Linear]:
        """The map of a joined vector as two, `W [x ; y] + b = (W_x x + b) + W_y y`.

        Args:
            features: width of `x`.
        """
        of_x, of_y = tf.split(self.kernel, [features, self.kernel.shape[0] - features])
        return Linear(of_x, self.bias, self.dtype), Linear(of_y, None, self.dtype)

    def __call__(self, x):
        """`(..., features)` -> `(..., units)`."""
        features, units = self.kernel.shape
        shape = [*tf.unstack(tf.shape(x))[:-1], units]
        if features == 0:  # a product over nothing aborts the process in oneDNN
            y = tf.zeros(shape)
        else:
            y = self._times_kernel(tf.reshape(tf.cast(x, tf.float32), [-1, features]))
        if self.bias is not None:
            y += self.bias
        return tf.reshape(y, shape)


def product(a, b, dtype, **transposed):
    """The product of two matrices, computed in `dtype`; float32 comes out."""
    return tf.cast(tf.matmul(tf.cast(a, dtype), tf.cast(b, dtype), **transposed), tf.float32)


def times(matrix, dtype):
    """The function `x -> x @ matrix` for a loop, in float32 with the product computed in `dtype`.

    It has a matrix at hand for the way back too, `d @ matrix^T`, where TensorFlow multiplies a
    transposed matrix in every step, at half the speed if it has few rows.
    """
    ahead = tf.stop_gradient(tf.cast(matrix, dtype))
    back = tf.transpose(ahead)

    @tf.custom_gradient
    def run(x, matrix):
        def gradient(d):
            return product(d, back, dtype), product(x, d, dtype, transpose_a=True)

        return product(x, ahead, dtype), gradient

    return lambda x: run(x, matrix)


class Cell:
    """A recurrent layer of Keras taken apart, for a loop of one's own.

    Attributes:
        from_inputs: the `Linear` map `W x + b`.
        from_state: the `Linear` map `U h + b_U`.
    """

    def __init__(self, layer):
        cell = layer.cell
        bias, state_bias = cell.bias.value, None
        self._is_gru = isinstance(layer, keras.layers.GRU)
        if self._is_gru:
            bias, state_bias = tf.unstack(tf.convert_to_tensor(bias))
        self.from_inputs = Linear(cell.kernel.value, bias, layer.compute_dtype)
        self.from_state = Linear(cell.recurrent_kernel.value, state_bias, layer.compute_dtype)

    def __call__(self, from_inputs, state):
        """One step: `W x + b` of the step and the state before it -> the state after it.

        Args:
            from_inputs: float32 `(batch, n * units)`.
            state: `(h,)`, or `(h, c)` of an LSTM, each float32 `(batch, units)`.
        """
        from_state = self.from_state(state[0])
        if len(state) == 2:
            return lstm(from_inputs, from_state, state[1])
        if self._is_gru:
            return (gru(from_inputs, from_state, state[0]),)
        return (simple_rnn(from_inputs, from_state),)


def unfold(
    step: Callable[[tf.Tensor, Any], tuple[tuple[tf.Tensor, ...], Any]],
    length: tf.Tensor | int,
    initial_state: Any,
    num_outputs: int,
    backwards: bool = False,
) -> tuple[tuple[tf.Tensor, ...], Any]:
    """Unfold a step over time: `outputs_t, state_t = step(t, state_{t-1})`.

    Whatever does not depend on the step before belongs outside the loop.

    Args:
        step: a function of the time `t` and of a state; returns a tuple of `num_outputs` float32
            tensors and the next state (same structure, shapes and dtypes).
        length: the number of steps.
        initial_state: any nested structure of tensors.
        num_outputs: how many tensors a step puts out.
        backwards: whether `t` runs from `length - 1` to 0.

    Returns:
        The outputs in the order of `t`, each `(length, ...)`, and the state after the last step.
    """
    arrays = tuple(tf.TensorArray(tf.float32, length) for _ in range(num_outputs))

    def body(done, state, arrays):
        t = length - 1 - done if backwards else done
        outputs, state = step(t, state)
        arrays = tuple(array.write(t, out) for array, out in zip(arrays, outputs, strict=True))
        return done + 1, state, arrays

    _, state, arrays = tf.while_loop(
        lambda done, *_: done < length,
        body,
        (tf.constant(0), initial_state, arrays),
        maximum_iterations=length,
    )
    return tuple(array.stack() for array in arrays), state
