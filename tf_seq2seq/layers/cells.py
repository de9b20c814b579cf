"""The recurrent cells: the equations of one step, and a registry.

A cell takes a linear map of the input, `W x_t + b`, and a linear map of the state, `U h_{t-1} +
b_U`, and computes the next state from them. The first map does not depend on other steps and is
computed for all steps at once, before the loop; only the second is computed inside the loop.

To add a cell, write its equation, choose or write the Keras layer that holds its weights, and add
an entry to `CELLS`. TensorFlow differentiates the equation; a gradient that is written out, in an
`Operation`, is faster. Each entry needs a layer class that no other entry uses, because a layer
finds its entry by its class.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import keras
import tensorflow as tf

from tf_seq2seq.checks import check_choice
from tf_seq2seq.layers.operation import Backward, Forward, Operation

CellState = tuple[tf.Tensor, ...]
"""The state of one layer: `(h,)`, or `(h, c)` for an LSTM, each `(batch, units)`."""


def simple_rnn(from_input: tf.Tensor, from_state: tf.Tensor, state: CellState) -> CellState:
    """Compute a step of the simple RNN.

        h_t = tanh(W x_t + U h_{t-1} + b)

    Args:
        from_input: `W x_t + b`, float32 `(batch, units)`.
        from_state: `U h_{t-1}`, float32 `(batch, units)`.
        state: `(h_{t-1},)`, float32 `(batch, units)`.

    Returns:
        `(h_t,)`, float32 `(batch, units)`.

    Example:

    >>> zeros = tf.zeros([1, 2])
    >>> (h,) = simple_rnn(tf.constant([[0.6, 0.5]]), zeros, (zeros,))
    >>> h.numpy().round(4)
    array([[0.537 , 0.4621]], dtype=float32)

    Source: the book, section 8.1.
    """
    return (tf.tanh(from_input + from_state),)


def gru(from_input: tf.Tensor, from_state: tf.Tensor, state: CellState) -> CellState:
    """Compute a step of the gated recurrent unit, in the form that cuDNN and Keras use.

        z_t = sigmoid(x_z + u_z)            update gate: how much of the old state to keep
        r_t = sigmoid(x_r + u_r)            reset gate: how much of it the candidate sees
        n_t = tanh(x_n + r_t u_n)           the candidate
        h_t = z_t h_{t-1} + (1 - z_t) n_t

    Args:
        from_input: `[x_z ; x_r ; x_n] = W x_t + b`, float32 `(batch, 3 * units)`.
        from_state: `[u_z ; u_r ; u_n] = U h_{t-1} + b_U`, float32 `(batch, 3 * units)`.
        state: `(h_{t-1},)`, float32 `(batch, units)`.

    Returns:
        `(h_t,)`, float32 `(batch, units)`.

    Source: Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder for
    Statistical Machine Translation", with the reset gate applied after the product.
    """
    return _GRU()(from_input, from_state, *state)


class _GRU(Operation):
    cheap = True

    def forward(self, from_input, from_state, h):
        x_z, x_r, x_n = tf.split(from_input, 3, axis=-1)
        u_z, u_r, u_n = tf.split(from_state, 3, axis=-1)
        z, r = tf.sigmoid(x_z + u_z), tf.sigmoid(x_r + u_r)
        n = tf.tanh(x_n + r * u_n)
        return Forward((n + z * (h - n),), kept=(h, z, r, n, u_n))

    def backward(self, kept, d):
        h, z, r, n, u_n = kept
        d_z = _of_sigmoid(z, d * (h - n))
        d_n = _of_tanh(n, d - d * z)
        d_r = _of_sigmoid(r, d_n * u_n)
        d_from_input = tf.concat([d_z, d_r, d_n], axis=-1)
        return Backward((d_from_input, tf.concat([d_z, d_r, d_n * r], axis=-1), d * z))


def lstm(from_input: tf.Tensor, from_state: tf.Tensor, state: CellState) -> CellState:
    """Compute a step of the long short-term memory (LSTM).

        i_t, f_t, o_t = sigmoid(x_i + u_i), sigmoid(x_f + u_f), sigmoid(x_o + u_o)
        g_t = tanh(x_g + u_g)
        c_t = f_t c_{t-1} + i_t g_t
        h_t = o_t tanh(c_t)

    Args:
        from_input: `[x_i ; x_f ; x_g ; x_o] = W x_t + b`, float32 `(batch, 4 * units)`.
        from_state: `[u_i ; u_f ; u_g ; u_o] = U h_{t-1}`, float32 `(batch, 4 * units)`.
        state: `(h_{t-1}, c_{t-1})`, each float32 `(batch, units)`.

    Returns:
        `(h_t, c_t)`, each float32 `(batch, units)`.

    Source: Hochreiter and Schmidhuber 1997, "Long Short-Term Memory"; Gers et al. 2000, "Learning
    to Forget"; the book, section 8.2.
    """
    return _LSTM()(from_input, from_state, *state)


class _LSTM(Operation):
    cheap = True

    def forward(self, from_input, from_state, h, c):
        i, f, g, o = tf.split(from_input + from_state, 4, axis=-1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        new_c = f * c + i * g
        tanh_c = tf.tanh(new_c)
        return Forward((o * tanh_c, new_c), kept=(c, i, f, g, o, tanh_c))

    def backward(self, kept, d_h, d_c):
        c, i, f, g, o, tanh_c = kept
        d_c += _of_tanh(tanh_c, d_h * o)
        d_i, d_f, d_g = _of_sigmoid(i, d_c * g), _of_sigmoid(f, d_c * c), _of_tanh(g, d_c * i)
        d = tf.concat([d_i, d_f, d_g, _of_sigmoid(o, d_h * tanh_c)], axis=-1)
        return Backward((d, d, None, d_c * f))


def _of_sigmoid(y, d):
    """Return the gradient of `x`, for `y = sigmoid(x)`."""
    return tf.raw_ops.SigmoidGrad(y=y, dy=d)


def _of_tanh(y, d):
    """Return the gradient of `x`, for `y = tanh(x)`."""
    return tf.raw_ops.TanhGrad(y=y, dy=d)


@dataclasses.dataclass(frozen=True)
class Cell:
    """The registry entry of a cell.

    Attributes:
        layer: the Keras layer that holds the weights. It takes the arguments of
            `keras.layers.SimpleRNN`, and its `cell` has a `kernel` (W), a `recurrent_kernel` (U)
            and a `bias`: `(n,)` for b alone, or `(2, n)` for b and b_U.
        step: the equation, `(W x_t + b, U h_{t-1} + b_U, state) -> state`. The first tensor of a
            state is `h`, the output.
        state_parts: the number of tensors in the state of a layer.
        cudnn: the name of the cell in cuDNN, see `cudnn.py`; None if cuDNN does not have it.
    """

    layer: type[keras.layers.RNN]
    step: Callable[[tf.Tensor, tf.Tensor, CellState], CellState]
    state_parts: int = 1
    cudnn: str | None = None


CELLS = {
    "simple_rnn": Cell(keras.layers.SimpleRNN, simple_rnn),
    "gru": Cell(keras.layers.GRU, gru, cudnn="gru"),
    "lstm": Cell(keras.layers.LSTM, lstm, state_parts=2, cudnn="lstm"),
}


def check_cell(cell: str) -> str:
    """Return `cell` if it is a key of `CELLS`.

    Raises:
        InputError: if it is not.
    """
    return check_choice("cell", cell, tuple(CELLS))


def cell_of(layer: keras.layers.RNN) -> Cell:
    """Return the registry entry of a Keras layer."""
    return next(cell for cell in CELLS.values() if type(layer) is cell.layer)
