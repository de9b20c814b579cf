"""Fast loops for GRU and LSTM layers on a CPU, with gradients that are written out.

`run_layer` in `recurrent.py` uses these functions unless the layer runs on cuDNN. They take the
weights of the Keras layer and compute the same results. The forward loop runs the equations in
`cells.py`; only the gradients are defined here.

They are fast because the loops compute only what depends on the previous step. In the backward
pass, everything that depends only on the forward pass is computed for all steps at once, the loop
has one product and a few additions per step, and the gradient of a matrix, which is a sum over all
steps, is a single product.

Time is the first axis here, `(length, batch, ...)`, so that each step is a contiguous block of
memory. There is no second derivative.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tf_seq2seq.layers.linear import multiplier, product
from tf_seq2seq.layers.loop import differentiable_once, unfold


def gru(
    cell_step: Callable,
    from_inputs: tf.Tensor,
    state: tuple[tf.Tensor, ...],
    recurrent_kernel: tf.Tensor,
    recurrent_bias: tf.Tensor,
    keep: tf.Tensor | None,
    dtype: str | tf.DType,
) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
    """Run a GRU over whole sequences.

    Args:
        cell_step: `cells.gru`.
        from_inputs: `W x_t + b` for all steps, float32 `(length, batch, 3 * units)`.
        state: `(h,)`, float32 `(batch, units)`.
        recurrent_kernel: `U`, float32 `(units, 3 * units)`.
        recurrent_bias: `b_U`, float32 `(3 * units,)`.
        keep: float32 `(length, batch, 1)`, 1 to take a step and 0 to keep the state as it is; None
            to take all steps.
        dtype: the dtype of the products; everything else is float32.

    Returns:
        `(outputs, (h,))`: all states, float32 `(length, batch, units)`, and the last one.
    """
    length, units = tf.shape(from_inputs)[0], recurrent_kernel.shape[0]

    @tf.custom_gradient
    def run(from_inputs, h_0, kernel, bias):
        u = tf.cast(kernel, dtype)
        u_transposed = tf.transpose(u)  # once, instead of in each step of the backward pass
        times_u = multiplier(u, dtype)

        def step(t, state):
            (h,) = state
            from_state = times_u(h) + bias
            (new_h,) = cell_step(from_inputs[t], from_state, state)
            new_h = _update(new_h, h, keep, t)
            return (new_h, from_state), (new_h,)

        (hs, from_states), (h,) = unfold(step, length, (h_0,), num_outputs=2)

        def gradient(d_hs, d_h):
            x_z, x_r, x_n = tf.split(from_inputs, 3, axis=-1)
            u_z, u_r, u_n = tf.split(from_states, 3, axis=-1)
            z, r = tf.sigmoid(x_z + u_z), tf.sigmoid(x_r + u_r)
            n = tf.tanh(x_n + r * u_n)
            previous_h = tf.concat([h_0[None], hs[:-1]], axis=0)
            # The derivatives of h_t with respect to h_{t-1}, x_n, and [u_z ; u_r ; u_n].
            by_h, by_n = z, (1.0 - z) * (1.0 - n**2)
            by_u = [(previous_h - n) * z * (1.0 - z), by_n * u_n * r * (1.0 - r), by_n * r]
            by_u = tf.concat(by_u, axis=-1)
            if keep is not None:
                by_h, by_n, by_u = 1.0 + keep * (z - 1.0), keep * by_n, keep * by_u

            def back(t, state):
                d_h = state[0] + d_hs[t]
                d_u = by_u[t] * tf.concat([d_h] * 3, axis=-1)
                return (d_h,), (d_h * by_h[t] + product(d_u, u_transposed, dtype),)

            (sum_d_hs,), (d_h,) = unfold(back, length, (d_h,), num_outputs=1, backwards=True)
            d_us = by_u * tf.concat([sum_d_hs] * 3, axis=-1)
            d_inputs = tf.concat([d_us[..., : 2 * units], by_n * sum_d_hs], axis=-1)
            d_kernel = _sum_of_products(previous_h, d_us, dtype)
            d_bias = tf.reduce_sum(d_us, axis=[0, 1])
            return differentiable_once([d_inputs, d_h, d_kernel, d_bias])

        return (hs, h), gradient

    outputs, h = run(from_inputs, *state, recurrent_kernel, recurrent_bias)
    return outputs, (h,)


def lstm(
    cell_step: Callable,
    from_inputs: tf.Tensor,
    state: tuple[tf.Tensor, ...],
    recurrent_kernel: tf.Tensor,
    recurrent_bias: None,
    keep: tf.Tensor | None,
    dtype: str | tf.DType,
) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
    """Run an LSTM over whole sequences.

    Args:
        cell_step: `cells.lstm`.
        from_inputs: `W x_t + b` for all steps, float32 `(length, batch, 4 * units)`.
        state: `(h, c)`, each float32 `(batch, units)`.
        recurrent_kernel: `U`, float32 `(units, 4 * units)`.
        recurrent_bias: None, because an LSTM has only one bias.
        keep: float32 `(length, batch, 1)`, 1 to take a step and 0 to keep the state as it is; None
            to take all steps.
        dtype: the dtype of the products; everything else is float32.

    Returns:
        `(outputs, (h, c))`: all `h`, float32 `(length, batch, units)`, and the last state.
    """
    length = tf.shape(from_inputs)[0]

    @tf.custom_gradient
    def run(from_inputs, h_0, c_0, kernel):
        u = tf.cast(kernel, dtype)
        u_transposed = tf.transpose(u)  # once, instead of in each step of the backward pass

        def step(t, state):
            h, c = state
            from_state = product(h, u, dtype)
            new_h, new_c = cell_step(from_inputs[t], from_state, state)
            new_h, new_c = _update(new_h, h, keep, t), _update(new_c, c, keep, t)
            return (new_h, new_c, from_state), (new_h, new_c)

        (hs, cs, from_states), (h, c) = unfold(step, length, (h_0, c_0), num_outputs=3)

        def gradient(d_hs, d_h, d_c):
            i, f, g, o = tf.split(from_inputs + from_states, 4, axis=-1)
            i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
            previous_h = tf.concat([h_0[None], hs[:-1]], axis=0)
            previous_c = tf.concat([c_0[None], cs[:-1]], axis=0)
            tanh_c = tf.tanh(cs)
            # The derivatives of c_t with respect to c_{t-1}, and of h_t with respect to c_t. Then
            # those with respect to [u_i ; u_f ; u_g ; u_o]: of c_t for the first three, of h_t for
            # u_o.
            c_by_c, h_by_c = f, o * (1.0 - tanh_c**2)
            by_u = [g * i * (1.0 - i), previous_c * f * (1.0 - f), i * (1.0 - g**2)]
            by_u = tf.concat([*by_u, tanh_c * o * (1.0 - o)], axis=-1)
            if keep is not None:
                c_by_c, h_by_c, by_u = 1.0 + keep * (f - 1.0), keep * h_by_c, keep * by_u

            def back(t, state):
                d_h, d_c = state
                d_h += d_hs[t]
                d_c += d_h * h_by_c[t]
                d_u = by_u[t] * tf.concat([d_c, d_c, d_c, d_h], axis=-1)
                previous_d_h = product(d_u, u_transposed, dtype)
                if keep is not None:
                    previous_d_h += (1.0 - keep[t]) * d_h
                return (d_u,), (previous_d_h, d_c * c_by_c[t])

            (d_us,), (d_h, d_c) = unfold(back, length, (d_h, d_c), num_outputs=1, backwards=True)
            d_kernel = _sum_of_products(previous_h, d_us, dtype)
            return differentiable_once([d_us, d_h, d_c, d_kernel])

        return (hs, h, c), gradient

    outputs, h, c = run(from_inputs, *state, recurrent_kernel)
    return outputs, (h, c)


def _update(new, old, keep, t):
    """Return the new state of the rows that take step `t`, and the old state of the others."""
    return new if keep is None else old + keep[t] * (new - old)


def _sum_of_products(a, b, dtype):
    """Return the sum over time of `a_t^T b_t`, computed as one product."""
    a = tf.reshape(a, [-1, a.shape[-1]])
    b = tf.reshape(b, [-1, b.shape[-1]])
    return product(a, b, dtype, transpose_a=True)
