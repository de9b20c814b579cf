"""Recurrences: the cells, a stack of them, and the loop that unfolds a step over time.

The encoder and the decoder are made of Keras' own recurrent layers, so a GPU runs them on cuDNN.
Each such layer holds a *cell* with the layer's weights; whoever needs a single step calls the cell.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

import keras
import tensorflow as tf

from tf_seq2seq.layers import fused

_LAYERS = {"simple_rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}

State = tuple[tuple[tf.Tensor, ...], ...]
"""The state of a stack: for each layer `(h,)`, or `(h, c)` of an LSTM, each `(batch, units)`."""


def check_cell(cell: str) -> str:
    """Return `cell` if it names one, or raise `ValueError`."""
    if cell not in _LAYERS:
        raise ValueError(
            f"Received an unknown `cell`: expected one of {sorted(_LAYERS)}, got {cell!r}."
        )
    return cell


def check_positive(name: str, value: int) -> int:
    """Return `value` if it is a positive integer, or raise `ValueError` naming the argument."""
    if not isinstance(value, int) or value < 1:
        raise ValueError(
            f"Received an invalid `{name}`: expected a positive integer, got {value!r}."
        )
    return value


def build_once(layer: keras.layers.Layer, *shapes) -> None:
    """Build a sub-layer, unless it was called or loaded before the layer that holds it."""
    if not layer.built:
        layer.build(*shapes)


def recurrent_layer(cell: str, units: int, name: str, dtype, go_backwards: bool = False):
    """A Keras layer that returns `(outputs, h)`, or `(outputs, h, c)` of an LSTM.

    Where the mask is False the state stands still and the output is zero.
    """
    return _LAYERS[cell](
        units,
        return_sequences=True,
        return_state=True,
        zero_output_for_mask=True,
        go_backwards=go_backwards,
        name=name,
        dtype=dtype,
    )


def state_parts(cell: str) -> int:
    """How many vectors a layer's state has: 2 (h and c) for an LSTM, else 1 (h)."""
    return 2 if cell == "lstm" else 1


@contextlib.contextmanager
def without_cudnn(layers: Iterable[keras.layers.Layer]):
    """Within this context the recurrent `layers` are traced without cuDNN.

    Keras chooses the kernel when a graph is traced, so a graph that was traced on a GPU host for
    export could not run on a CPU. The weights fit both kernels.
    """
    chosen = [(layer, layer.use_cudnn) for layer in layers if hasattr(layer, "use_cudnn")]
    try:
        for layer, _ in chosen:
            layer.use_cudnn = False
        yield
    finally:
        for layer, use_cudnn in chosen:
            layer.use_cudnn = use_cudnn


def _has_cudnn(layer) -> bool:
    return layer.use_cudnn is not False and bool(tf.config.list_logical_devices("GPU"))


def run_layer(layer, inputs, initial_state=None, mask=None):
    """Run a recurrent layer over whole sequences.

    An LSTM runs as `fused.lstm` where there is no cuDNN, with the same weights and numbers.

    Args:
        layer: a layer made by `recurrent_layer`.
        inputs: `(batch, length, features)`.
        initial_state: the layer's state before the first step, or None for zeros.
        mask: bool `(batch, length)`, or None.

    Returns:
        `(outputs, state)`: `(batch, length, units)` and the layer's state after the last step.
    """
    if isinstance(layer, keras.layers.LSTM) and not layer.go_backwards and not _has_cudnn(layer):
        cell = layer.cell
        inputs = tf.convert_to_tensor(inputs)
        if initial_state is None:
            zeros = tf.zeros([tf.shape(inputs)[0], layer.units], inputs.dtype)
            initial_state = (zeros, zeros)
        weights = (cell.kernel, cell.recurrent_kernel, cell.bias)
        return fused.lstm(inputs, initial_state, *(weight.value for weight in weights), mask)
    if initial_state is not None:
        initial_state = list(initial_state)
    outputs, *state = layer(inputs, initial_state=initial_state, mask=mask)
    return outputs, tuple(state)


def run_cell(layer, inputs, state):
    """Run one step of a recurrent layer: `(batch, features)` -> `((batch, units), state)`."""
    output, state = layer.cell(inputs, list(state))
    return output, tuple(state)


def unfold(
    step: Callable[[Any, Any], tuple[tuple[tf.Tensor, ...], Any]],
    inputs: Any,
    initial_state: Any,
    num_outputs: int,
) -> tuple[tuple[tf.Tensor, ...], Any]:
    """Unfold a step over time: `outputs_j, state_j = step(inputs_j, state_{j-1})`.

    Whatever does not depend on the step before belongs outside, into `inputs` or the closure.

    Args:
        step: a function of `inputs[:, j]` and a state; returns a tuple of `num_outputs` tensors,
            each `(batch, ...)` of the inputs' dtype, and the next state (same structure, shapes
            and dtypes).
        inputs: `(batch, length, features)`.
        initial_state: any nested structure of tensors.
        num_outputs: how many tensors a step puts out.

    Returns:
        The outputs, each `(batch, length, ...)`, and the state after the last step.
    """
    inputs = tf.convert_to_tensor(inputs)
    steps = tf.transpose(inputs, [1, 0, 2])
    length = tf.shape(steps)[0]
    arrays = tuple(tf.TensorArray(inputs.dtype, size=length) for _ in range(num_outputs))

    def body(j, state, arrays):
        outputs, state = step(steps[j], state)
        arrays = tuple(array.write(j, out) for array, out in zip(arrays, outputs, strict=True))
        return j + 1, state, arrays

    _, state, arrays = tf.while_loop(
        lambda j, *_: j < length,
        body,
        (tf.constant(0), initial_state, arrays),
        maximum_iterations=length,
    )

    def batch_major(array):
        stacked = array.stack()
        return tf.transpose(stacked, [1, 0, *range(2, stacked.shape.rank)])

    return tuple(batch_major(array) for array in arrays), state
