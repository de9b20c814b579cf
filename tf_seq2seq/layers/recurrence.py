"""Recurrences over whole sequences: Keras' recurrent layers, and how they are run.

The encoder and the decoder are made of Keras' own recurrent layers, so a GPU runs them on cuDNN. A
CPU runs the same weights by `fused.py`. Whoever needs a single step takes the layer's `Cell`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import keras
import tensorflow as tf

from tf_seq2seq.layers import fused
from tf_seq2seq.layers.cells import Cell

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


def run_layer(layer, inputs, initial_state=None, mask=None, context=None):
    """Run a recurrent layer over whole sequences.

    A GRU or an LSTM without cuDNN runs by `fused`, with the same weights and numbers.

    Args:
        layer: a layer made by `recurrent_layer`.
        inputs: `(batch, length, features)`.
        initial_state: the layer's state before the first step, or None for zeros.
        mask: bool `(batch, length)`, or None.
        context: `(batch, context_size)`, which goes into every step behind the inputs; or None.

    Returns:
        `(outputs, state)`: `(batch, length, units)` and the layer's state after the last step. A
        layer that goes backwards puts its outputs out in the order in which it made them.
    """
    if isinstance(layer, (keras.layers.GRU, keras.layers.LSTM)) and not _has_cudnn(layer):
        return _run_fused(layer, inputs, initial_state, mask, context)
    if context is not None:
        context = tf.repeat(tf.cast(context, inputs.dtype)[:, None], tf.shape(inputs)[1], axis=1)
        inputs = tf.concat([inputs, context], axis=-1)
    if initial_state is not None:
        initial_state = list(initial_state)
    outputs, *state = layer(inputs, initial_state=initial_state, mask=mask)
    return outputs, tuple(state)


def _run_fused(layer, inputs, initial_state, mask, context):
    dtype, cell = layer.compute_dtype, Cell(layer)
    xs = tf.transpose(inputs, [1, 0, 2])
    keep = None if mask is None else tf.cast(tf.transpose(mask)[:, :, None], tf.float32)
    if layer.go_backwards:
        xs, keep = tf.reverse(xs, [0]), None if keep is None else tf.reverse(keep, [0])
    if context is None:
        from_inputs = cell.from_inputs(xs)
    else:
        # What is the same in all steps is multiplied once.
        of_inputs, of_context = cell.from_inputs.split(xs.shape[-1])
        from_inputs = of_inputs(xs) + of_context(context)
    if initial_state is None:
        zeros = tf.zeros([tf.shape(xs)[1], layer.units])
        initial_state = (zeros,) * (2 if isinstance(layer, keras.layers.LSTM) else 1)
    state = tuple(tf.cast(part, tf.float32) for part in initial_state)
    recurrent = cell.from_state
    if isinstance(layer, keras.layers.LSTM):
        outputs, state = fused.lstm(from_inputs, state, recurrent.kernel, keep, dtype)
    else:
        weights = (recurrent.kernel, recurrent.bias)
        outputs, state = fused.gru(from_inputs, state, *weights, keep, dtype)
    if keep is not None:
        outputs *= keep
    outputs = tf.transpose(tf.cast(outputs, dtype), [1, 0, 2])
    return outputs, tuple(tf.cast(part, dtype) for part in state)


def run_cell(layer, inputs, state):
    """Run one step of a recurrent layer: `(batch, features)` -> `((batch, units), state)`."""
    cell = Cell(layer)
    new_state = cell(cell.from_inputs(inputs), tuple(tf.cast(part, tf.float32) for part in state))
    state = tuple(tf.cast(new, old.dtype) for new, old in zip(new_state, state, strict=True))
    return tf.cast(state[0], layer.compute_dtype), state
