"""Recurrent layers for whole sequences and for single steps.

The encoder and the decoder consist of Keras' recurrent layers, which hold the weights. `cudnn.py`
runs them on a GPU and `bptt.py` elsewhere. For single steps, use a `Recurrence`.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tf_seq2seq.errors import InputError
from tf_seq2seq.layers import bptt, cudnn
from tf_seq2seq.layers.cells import CELLS, CellState, cell_of
from tf_seq2seq.layers.linear import Linear

State = tuple[CellState, ...]
"""The state of a stack: for each layer `(h,)`, or `(h, c)` for an LSTM, each `(batch, units)`."""


def build_once(layer: keras.layers.Layer, *shapes) -> None:
    """Build a sublayer, unless it is built already because it was called or loaded on its own.

    If it is not trainable, freeze the weights of its sublayers too.

    Args:
        layer: the sublayer.
        *shapes: the arguments of its `build`.
    """
    if not layer.built:
        layer.build(*shapes)
    if not layer.trainable:  # Keras does not tell sublayers that the constructor created
        for weight in layer.weights:
            weight.trainable = False


def check_policy(dtype: str | keras.DTypePolicy) -> None:
    """Check that recurrent layers support a dtype policy.

    Raises:
        InputError: if they cannot.
    """
    policy = keras.dtype_policies.get(dtype)
    if (
        policy.quantization_mode is not None
        or policy.compute_dtype == "float64"  # the loops compute in float32
        or policy.variable_dtype == "bfloat16"  # TensorFlow cannot make orthogonal matrices in it
    ):
        raise InputError(
            "`dtype` must be 'float32', 'float16', 'mixed_float16' or 'mixed_bfloat16' for a "
            f"recurrent layer, got {policy.name!r}; set it by this argument or by "
            "`keras.config.set_dtype_policy`."
        )


def describe_shapes(value: object) -> str:
    """Describe a nested structure of tensors by their shapes, for a message.

    Example:

    >>> describe_shapes(((tf.zeros([2, 3]),), 1))
    '((a tensor of shape (2, 3),), 1)'
    """
    if isinstance(value, list | tuple):
        return f"({', '.join(map(describe_shapes, value))}{',' * (len(value) == 1)})"
    shape = getattr(value, "shape", None)
    return repr(value) if shape is None else f"a tensor of shape {tuple(shape)}"


def check_ids(name: str, ids: Any) -> None:
    """Check that ids have one row for each sentence, and that a row has at least one id.

    Args:
        name: the argument's name, for the message.
        ids: any tensor, array or Keras input.

    Raises:
        InputError: if it is something else, does not have two dimensions, or has the length 0.

    Example:

    >>> check_ids("source", np.array([5, 6, 3]))
    Traceback (most recent call last):
    tf_seq2seq.errors.InputError: `source` must be ids (batch, length), got a tensor of shape (3,).
    """
    if isinstance(ids, tf.RaggedTensor):
        raise InputError(
            f"`{name}` must be ids (batch, length), padded on the right with 0, got a ragged "
            "tensor: convert it with `to_tensor()`."
        )
    if not hasattr(ids, "shape") or tf.TensorShape(ids.shape).rank not in (2, None):
        raise InputError(f"`{name}` must be ids (batch, length), got {describe_shapes(ids)}.")
    if tf.TensorShape(ids.shape)[1:] == [0]:
        raise InputError(
            f"`{name}` has the length 0: pass at least one id for each sentence, such as that of "
            "<eos>."
        )


def check_rows(**tensors: tf.Tensor) -> None:
    """Check that tensors have the same number of rows, as far as it is known.

    Args:
        **tensors: tensors by argument name.

    Raises:
        InputError: if the numbers differ.
    """
    rows = {name: tensor.shape[0] for name, tensor in tensors.items()}
    if len(set(rows.values()) - {None}) > 1:
        counts = ", ".join(f"{count} in `{name}`" for name, count in rows.items())
        raise InputError(f"The numbers of rows differ: {counts}; pass one row for each sentence.")


def recurrent_layer(
    cell: str, units: int, name: str, dtype: str | keras.DTypePolicy, go_backwards: bool = False
) -> keras.layers.RNN:
    """Create a Keras layer that returns `(outputs, *state)`.

    Where the mask is False, the state does not change and the output is zero.

    Args:
        cell: a key of `CELLS`.
        units: width of the state.
        name: the layer's name.
        dtype: the layer's dtype policy.
        go_backwards: whether to read from the end to the start.

    Raises:
        InputError: if recurrent layers do not support the dtype policy.
    """
    check_policy(dtype)
    layer = CELLS[cell].layer(
        units,
        return_sequences=True,
        return_state=True,
        zero_output_for_mask=True,
        go_backwards=go_backwards,
        name=name,
        dtype=dtype,
    )
    # `run_layer` decides about cuDNN, so XLA can compile the layer. Keras sees to it by itself only
    # if it finds no GPU.
    layer.use_cudnn, layer.supports_jit = False, True
    return layer


class Recurrence:
    """A recurrent layer for a loop over single steps; the constructor reads the weights once.

    Args:
        layer: a built layer made by `recurrent_layer`.
        recurrent_kernel: `U`, if it is not that of the layer.

    Attributes:
        from_input: the `Linear` map `W x + b`.
        from_state: the `Linear` map `U h + b_U`.
    """

    def __init__(self, layer: keras.layers.RNN, recurrent_kernel: tf.Tensor | None = None):
        weights = layer.cell
        if recurrent_kernel is None:
            recurrent_kernel = weights.recurrent_kernel
        bias, state_bias = tf.convert_to_tensor(weights.bias), None
        if len(bias.shape) == 2:
            bias, state_bias = tf.unstack(bias)
        self.from_input = Linear(weights.kernel, bias, layer.compute_dtype)
        self.from_state = Linear(recurrent_kernel, state_bias, layer.compute_dtype)
        self._step = cell_of(layer).step

    def __call__(self, from_input: tf.Tensor, state: CellState) -> CellState:
        """Take one step.

        Args:
            from_input: `W x_t + b`, float32 `(batch, n * units)`.
            state: the state before the step, each part float32 `(batch, units)`.

        Returns:
            The state after the step.
        """
        return self._step(from_input, self.from_state(state[0]), state)


def run_layer(
    layer: keras.layers.RNN,
    inputs: tf.Tensor,
    initial_state: CellState | None = None,
    mask: tf.Tensor | None = None,
    context: tf.Tensor | None = None,
    training: bool | None = None,
    recurrent_kernel: tf.Tensor | None = None,
) -> tuple[tf.Tensor, CellState]:
    """Run a recurrent layer over whole sequences.

    Cells that cuDNN has use it on a GPU, unless XLA compiles the graph. The weights and the results
    are the same.

    Args:
        layer: a layer made by `recurrent_layer`.
        inputs: `(batch, length, features)`.
        initial_state: the layer's state before the first step, or None for zeros.
        mask: bool `(batch, length)`, or None.
        context: `(batch, context_size)`, appended to the input of each step; or None.
        training: whether to store what a fast gradient needs.
        recurrent_kernel: `U`, float32 `(units, n * units)`, if it is not that of the layer, such as
            one of which weights are dropped.

    Returns:
        `(outputs, state)`: `(batch, length, units)`, in the order of the inputs even if the layer
        goes backwards, and the layer's state after the last step.
    """
    cell, dtype = cell_of(layer), layer.compute_dtype
    if initial_state is None:
        zeros = tf.zeros([tf.shape(inputs)[0], layer.units], dtype)
        initial_state = (zeros,) * cell.state_parts
    if cell.cudnn is None or not cudnn.usable():
        recurrence = Recurrence(layer, recurrent_kernel)
        return _run_loop(layer, recurrence, inputs, initial_state, mask, context, training)
    if context is not None:
        context = tf.repeat(tf.cast(context, inputs.dtype)[:, None], tf.shape(inputs)[1], axis=1)
        inputs = tf.concat([inputs, context], axis=-1)
    return cudnn.run(cell.cudnn, layer, inputs, initial_state, mask, recurrent_kernel)


def _run_loop(layer, recurrence, inputs, initial_state, mask, context, training):
    dtype = layer.compute_dtype
    # Time is the first axis in the loop, so that each step is a contiguous block of memory.
    xs = tf.transpose(inputs, [1, 0, 2])
    masks = [] if mask is None else [tf.cast(tf.transpose(mask)[:, :, None], tf.float32)]
    if layer.go_backwards:
        xs, masks = tf.reverse(xs, [0]), [tf.reverse(mask, [0]) for mask in masks]
    if context is None:
        from_inputs = recurrence.from_input(xs)
    else:
        # The context is the same in all steps, so it is multiplied once.
        of_inputs, of_context = recurrence.from_input.split(xs.shape[-1])
        from_inputs = of_inputs(xs) + of_context(context)

    def step(from_input, masks, state):
        new_state = recurrence(from_input, state)
        for mask in masks:
            pairs = zip(new_state, state, strict=True)
            new_state = tuple(old + mask * (new - old) for new, old in pairs)
        return new_state[:1], new_state

    state = tuple(tf.cast(part, tf.float32) for part in initial_state)
    (outputs,), state = bptt.run(step, from_inputs, masks, state, 1, training)
    for mask in masks:
        outputs *= mask
    if layer.go_backwards:
        outputs = tf.reverse(outputs, [0])
    outputs = tf.transpose(tf.cast(outputs, dtype), [1, 0, 2])
    return outputs, tuple(tf.cast(part, dtype) for part in state)
