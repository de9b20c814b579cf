"""The fast path of the LSTM on a CPU: one loop for a whole layer, its gradient written by hand.

`run_layer` in `recurrence.py` takes this road where there is no GPU (on a GPU Keras' layer runs on
cuDNN). The weights are those of a `keras.layers.LSTM`, and so are the numbers.

What makes it fast: nothing is computed inside the loop that can be computed outside. The inputs
meet the kernel in one product for all time steps. On the way back, all that depends on the forward
pass alone is worked out for all steps at once, the loop is left with a product and a few additions
a step, and the gradients of the weights are one product each instead of a sum over the steps.
"""

from __future__ import annotations

import tensorflow as tf


def lstm(inputs, state, kernel, recurrent_kernel, bias, mask=None):
    """Run an LSTM over whole sequences.

        [i_t ; f_t ; g_t ; o_t] = W x_t + U h_{t-1} + b
        c_t = sigmoid(f_t) c_{t-1} + sigmoid(i_t) tanh(g_t)
        h_t = sigmoid(o_t) tanh(c_t)

    Where the mask is False, `c` and `h` stand still and the output is zero.

    Args:
        inputs: `(batch, length, features)`. In half precision (bfloat16) the products are computed
            in it, and everything else in float32.
        state: `(h, c)`, each `(batch, units)`.
        kernel: `W`, `(features, 4 * units)`.
        recurrent_kernel: `U`, `(units, 4 * units)`.
        bias: `b`, `(4 * units,)`.
        mask: bool `(batch, length)`, or None for all True.

    Returns:
        `(outputs, (h, c))`: `(batch, length, units)` and the state after the last step, all of the
        inputs' dtype. There is no second derivative.

    Source: Hochreiter and Schmidhuber 1997, Gers et al. 2000; the book, section 8.2.
    """
    dtype = inputs.dtype
    xs = tf.transpose(inputs, [1, 0, 2])
    keep = None if mask is None else tf.cast(tf.transpose(mask)[:, :, None], tf.float32)
    # The closure takes no gradient but by these arguments, which are plain float32 tensors.
    arguments = (*state, kernel, recurrent_kernel, bias)
    hs, h, c = _lstm(xs, keep, *(tf.cast(argument, tf.float32) for argument in arguments))
    return tf.transpose(hs, [1, 0, 2]), (tf.cast(h, dtype), tf.cast(c, dtype))


def _lstm(xs, keep, h_0, c_0, kernel, recurrent_kernel, bias):
    """The same, with time first."""
    dtype, units = xs.dtype, recurrent_kernel.shape[0]
    length, batch_size = tf.shape(xs)[0], tf.shape(xs)[1]
    masked = keep is not None

    def product(a, b, **transposed):
        return tf.cast(tf.matmul(tf.cast(a, dtype), tf.cast(b, dtype), **transposed), tf.float32)

    @tf.custom_gradient
    def run(xs, h_0, c_0, kernel, recurrent_kernel, bias):
        u = tf.cast(recurrent_kernel, dtype)
        flat_xs = tf.reshape(xs, [-1, kernel.shape[0]])
        from_inputs = product(flat_xs, kernel) + bias
        from_inputs = tf.reshape(from_inputs, [length, batch_size, 4 * units])

        def step(t, h, c, hs, cs, zs):
            z = from_inputs[t] + product(h, u)
            _, _, g, _ = tf.split(z, 4, axis=1)
            i, f, _, o = tf.split(tf.sigmoid(z), 4, axis=1)
            new_c = f * c + i * tf.tanh(g)
            new_h = o * tf.tanh(new_c)
            if masked:
                new_c = c + keep[t] * (new_c - c)
                new_h = h + keep[t] * (new_h - h)
            return t + 1, new_h, new_c, hs.write(t, new_h), cs.write(t, new_c), zs.write(t, z)

        arrays = [tf.TensorArray(tf.float32, length) for _ in range(3)]
        _, h, c, hs, cs, zs = tf.while_loop(
            lambda t, *_: t < length, step, (0, h_0, c_0, *arrays), maximum_iterations=length
        )
        hs, cs, zs = hs.stack(), cs.stack(), zs.stack()

        def gradient(d_outputs, d_h, d_c):
            i, f, g, o = tf.split(zs, 4, axis=2)
            i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
            previous_h = tf.concat([h_0[None], hs[:-1]], axis=0)
            previous_c = tf.concat([c_0[None], cs[:-1]], axis=0)
            # Of a masked step the state that is kept is another, but then its gradient is 0.
            tanh_c = tf.tanh(cs)
            c_by_h = o * (1.0 - tanh_c**2)
            by_c = [g * i * (1.0 - i), previous_c * f * (1.0 - f), i * (1.0 - g**2)]
            z_by_c_and_h = tf.concat([*by_c, tanh_c * o * (1.0 - o)], axis=2)
            d_hs = tf.cast(d_outputs, tf.float32)
            if masked:
                d_hs *= keep

            def back(t, d_h, d_c, d_zs):
                d_h += d_hs[t]
                if masked:
                    stay_h, stay_c = (1.0 - keep[t]) * d_h, (1.0 - keep[t]) * d_c
                    d_h, d_c = keep[t] * d_h, keep[t] * d_c
                d_c += d_h * c_by_h[t]
                d_z = z_by_c_and_h[t] * tf.concat([d_c, d_c, d_c, d_h], axis=1)
                d_h, d_c = product(d_z, u, transpose_b=True), d_c * f[t]
                if masked:
                    d_h, d_c = d_h + stay_h, d_c + stay_c
                return t - 1, d_h, d_c, d_zs.write(t, d_z)

            _, d_h, d_c, d_zs = tf.while_loop(
                lambda t, *_: t >= 0,
                back,
                (length - 1, d_h, d_c, tf.TensorArray(tf.float32, length)),
                maximum_iterations=length,
            )
            d_zs = tf.reshape(d_zs.stack(), [-1, 4 * units])
            d_xs = tf.cast(product(d_zs, kernel, transpose_b=True), dtype)
            return (
                tf.reshape(d_xs, tf.shape(xs)),
                d_h,
                d_c,
                product(flat_xs, d_zs, transpose_a=True),
                product(tf.reshape(previous_h, [-1, units]), d_zs, transpose_a=True),
                tf.reduce_sum(d_zs, axis=0),
            )

        outputs = tf.cast(hs * keep if masked else hs, dtype)
        return (outputs, h, c), gradient

    return run(xs, h_0, c_0, kernel, recurrent_kernel, bias)
