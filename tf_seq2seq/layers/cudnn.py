"""GRU and LSTM layers on cuDNN, NVIDIA's library for GPUs.

`run_layer` in `recurrent.py` uses these functions where `usable` is true. They take the weights of
the Keras layer and compute what the loops of `bptt.py` compute. Keras also uses cuDNN, but does
not support empty rows or padding before a word, and makes the host wait for the GPU to check for
them.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator

import keras
import tensorflow as tf

from tf_seq2seq.layers.loop import compiled_by_xla

_enabled = contextvars.ContextVar("_enabled", default=True)


@contextlib.contextmanager
def disabled() -> Iterator[None]:
    """Trace graphs without cuDNN within this context.

    The kernel is chosen when a graph is traced, so a graph that was traced on a machine with a GPU
    would not run on a CPU. The weights are the same for all kernels.
    """
    token = _enabled.set(False)
    try:
        yield
    finally:
        _enabled.reset(token)


def usable() -> bool:
    """Return whether to use cuDNN: there is a GPU, and the graph is not compiled by XLA."""
    return _enabled.get() and bool(tf.config.list_logical_devices("GPU")) and not compiled_by_xla()


Weights = tuple[tf.Tensor, tf.Tensor, tf.Tensor]
"""The kernel `W`, the recurrent kernel `U` and the bias of a layer, in float32."""


def gru_parameters(weights: Weights) -> list[tf.Tensor]:
    """Return the weights of a GRU in cuDNN's order, with the gates r, z, n."""

    def reorder(kernel):
        z, r, n = tf.split(kernel, 3, axis=-1)
        return tf.concat([r, z, n], axis=-1)

    kernel, recurrent_kernel, bias = map(reorder, weights)
    return [tf.transpose(kernel), tf.transpose(recurrent_kernel), bias]


def lstm_parameters(weights: Weights) -> list[tf.Tensor]:
    """Return the weights of an LSTM in cuDNN's order, with its second bias."""
    kernel, recurrent_kernel, bias = weights
    return [tf.transpose(kernel), tf.transpose(recurrent_kernel), tf.zeros_like(bias), bias]


PARAMETERS = {"gru": gru_parameters, "lstm": lstm_parameters}


def run(
    mode: str,
    layer: keras.layers.RNN,
    inputs: tf.Tensor,
    initial_state: tuple[tf.Tensor, ...],
    mask: tf.Tensor | None,
    recurrent_kernel: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
    """Run a layer over whole sequences.

    Args:
        mode: a key of `PARAMETERS`.
        layer: the built Keras layer that holds the weights.
        inputs: `(batch, length, features)`.
        initial_state: the state before the first step, each part `(batch, units)`.
        mask: bool `(batch, length)`, False at the positions to skip; None to take all steps.
        recurrent_kernel: `U`, if it is not that of the layer.

    Returns:
        `(outputs, state)`: `(batch, length, units)`, zero where `mask` is False, in the order of
        the inputs even if the layer goes backwards; and the state after the last step. All are in
        the layer's compute dtype.
    """
    # TensorFlow 2.21 computes wrong gradients in bfloat16. Float32 is just as fast, because its
    # products run in TensorFloat-32.
    dtype = tf.float16 if layer.compute_dtype == "float16" else tf.float32
    inputs, *state = (tf.cast(part, dtype) for part in (inputs, *initial_state))
    parameters = PARAMETERS[mode](_weights(layer, recurrent_kernel))
    parameters = tf.concat([tf.reshape(part, [-1]) for part in parameters], axis=0)
    parameters = tf.cast(parameters, dtype)

    def results():
        if mask is None:
            lengths = tf.fill(tf.shape(inputs)[:1], tf.shape(inputs)[1])
            outputs, new_state = _run(mode, parameters, _reversed(layer, inputs), state, lengths)
            return _reversed(layer, outputs), *new_state
        lengths, places, order = _reading_order(mask, layer.go_backwards)
        # cuDNN needs at least one word per row.
        words = _permute(inputs, order, places)
        outputs, new_state = _run(mode, parameters, words, state, tf.maximum(lengths, 1))
        outputs = _permute(outputs, places, order) * tf.cast(mask, dtype)[:, :, None]
        read = (lengths > 0)[:, None]
        return outputs, *(tf.where(read, *parts) for parts in zip(new_state, state, strict=True))

    def nothing():
        return tf.zeros([*tf.unstack(tf.shape(inputs)[:2]), layer.units], dtype), *state

    # cuDNN rejects a batch without rows or steps.
    outputs, *new_state = tf.cond(tf.size(inputs) > 0, results, nothing)
    outputs, *new_state = (tf.cast(part, layer.compute_dtype) for part in (outputs, *new_state))
    return outputs, tuple(new_state)


def _run(mode, parameters, inputs, state, lengths):
    """Run the first `lengths` steps of each row."""
    outputs, *new_state, _, _ = tf.raw_ops.CudnnRNNV3(
        input=inputs,
        input_h=state[0][:, None],
        input_c=state[1][:, None] if len(state) == 2 else tf.zeros([], inputs.dtype),
        params=parameters,
        sequence_lengths=lengths,
        rnn_mode=mode,
        time_major=False,
    )
    return outputs, [part[:, 0] for part in new_state[: len(state)]]


def _reversed(layer, x):
    return tf.reverse(x, [1]) if layer.go_backwards else x


def _weights(layer, recurrent_kernel):
    cell = layer.cell
    if recurrent_kernel is None:
        recurrent_kernel = cell.recurrent_kernel
    weights = (cell.kernel, recurrent_kernel, cell.bias)
    return tuple(tf.cast(tf.convert_to_tensor(weight), tf.float32) for weight in weights)


def _reading_order(mask, backwards):
    """Find the permutation that moves the words to the front, in reading order.

    Returns:
        `(lengths, places, order)`: the number of words `(batch,)`, the new place of each position
        `(batch, length)`, and the position at each new place `(batch, length)`.
    """
    words, others = tf.cast(mask, tf.int32), tf.cast(~mask, tf.int32)
    lengths = tf.reduce_sum(words, axis=1)
    seen = tf.cumsum(words, axis=1)
    place_of_word = lengths[:, None] - seen if backwards else seen - 1
    places = tf.where(mask, place_of_word, lengths[:, None] + tf.cumsum(others, axis=1) - 1)
    batch_size, length = tf.unstack(tf.shape(mask))
    rows = tf.range(batch_size)[:, None] * length
    positions = tf.tile(tf.range(length), [batch_size])
    order = tf.scatter_nd(tf.reshape(rows + places, [-1, 1]), positions, [batch_size * length])
    return lengths, places, tf.reshape(order, [batch_size, length])


@tf.custom_gradient
def _permute(x, order, inverse):
    """Return `x[b, order[b, t]]`; TensorFlow's gradient of a gather would use atomic adds."""

    def gradient(d):
        return tf.gather(d, inverse, batch_dims=1), None, None

    return tf.gather(x, order, batch_dims=1), gradient
