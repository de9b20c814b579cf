"""The loop that unfolds a step over time, and whether XLA compiles it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

# TensorFlow does not offer this publicly.
from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext


def compiled_by_xla() -> bool:
    """Return whether XLA is to compile the graph that is being traced."""
    return GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())


def unfold(
    step: Callable[[tf.Tensor, Any], tuple[tuple[tf.Tensor, ...], Any]],
    length: tf.Tensor | int,
    initial_state: Any,
    num_outputs: int,
    backwards: bool = False,
) -> tuple[tuple[tf.Tensor, ...], Any]:
    """Unfold a step over time: `outputs_t, state_t = step(t, state_{t-1})`.

    For speed, compute everything that does not depend on the previous step outside the loop.

    Args:
        step: a function of the time `t`, an int32 scalar, and the state. It returns a tuple of
            `num_outputs` float32 tensors and the next state (same structure, shapes and dtypes).
        length: the number of steps.
        initial_state: any nested structure of tensors.
        num_outputs: the number of tensors that a step outputs.
        backwards: whether `t` runs from `length - 1` to 0.

    Returns:
        The outputs in the order of `t`, each `(length, ...)`, and the state after the last step.

    Example:

    >>> def add(t, total):
    ...     total += tf.cast(t, tf.float32)
    ...     return (total,), total
    >>> (totals,), last = unfold(add, length=4, initial_state=tf.constant(0.0), num_outputs=1)
    >>> totals.numpy()
    array([0., 1., 3., 6.], dtype=float32)
    """
    spec = tf.TensorSpec(None, tf.float32)
    arrays, state = unfold_arrays(step, length, initial_state, [spec] * num_outputs, backwards)
    return tuple(array.stack() for array in arrays), state


def unfold_arrays(
    step: Callable[[tf.Tensor, Any], tuple[Sequence[tf.Tensor], Any]],
    length: tf.Tensor | int,
    initial_state: Any,
    specs: Sequence[tf.TensorSpec],
    backwards: bool = False,
) -> tuple[tuple[tf.TensorArray, ...], Any]:
    """Do the same as `unfold`, without copying the outputs of all steps into one tensor.

    Args:
        step, length, initial_state, backwards: see `unfold`.
        specs: the shape and the dtype of each output of a step.

    Returns:
        The outputs, each an array of `length` tensors, and the state after the last step.
    """
    arrays = tuple(
        tf.TensorArray(spec.dtype, length, element_shape=spec.shape, clear_after_read=False)
        for spec in specs
    )

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
    return arrays, state


def differentiable_once(gradients: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
    """Return gradients that are written out, and refuse to compute their gradients in turn.

    Args:
        gradients: what the function returns that a `tf.custom_gradient` returned.
    """

    def refuse(*_):
        raise NotImplementedError(
            "The fast recurrent layers have no second derivative; use the plain loops in "
            "tf_seq2seq/layers/reference.py, which do."
        )

    return tf.custom_gradient(lambda *gradients: (gradients, refuse))(*gradients)
