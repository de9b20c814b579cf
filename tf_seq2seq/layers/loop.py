"""The loop that unfolds a step over time, and whether XLA compiles it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

# There is no public function for this.
from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext


def compiled_by_xla() -> bool:
    """Return whether XLA is to compile the graph that is being traced."""
    return GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())


UNROLLED = 4
"""The number of steps in a turn of an unrolled loop."""


def unfold(
    step: Callable[[tf.Tensor, Any], tuple[tuple[tf.Tensor, ...], Any]],
    length: tf.Tensor | int,
    initial_state: Any,
    num_outputs: int,
    backwards: bool = False,
    unroll: bool = False,
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
        unroll: whether XLA may take several steps in each turn of the loop, and write their outputs
            at once. It is for loops whose gradient is written out: TensorFlow's own would take
            longer.

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

    def run(start, turns, steps, state):
        """Take `turns * steps` steps after `start` steps."""

        def body(turn, state, arrays):
            outputs = []
            for i in range(steps):
                done = start + turn * steps + i
                output, state = step(length - 1 - done if backwards else done, state)
                outputs.append(output)
            if backwards:
                outputs.reverse()
            place = turns - 1 - turn if backwards else turn
            parts = zip(*outputs, strict=True)
            written = (part[0] if steps == 1 else tf.stack(part) for part in parts)
            arrays = tuple(
                array.write(place, out) for array, out in zip(arrays, written, strict=True)
            )
            return turn + 1, state, arrays

        arrays = tuple(tf.TensorArray(tf.float32, turns) for _ in range(num_outputs))
        _, state, arrays = tf.while_loop(
            lambda turn, *_: turn < turns,
            body,
            (tf.constant(0), state, arrays),
            maximum_iterations=turns,
        )
        return tuple(array.stack() if steps == 1 else array.concat() for array in arrays), state

    if not (unroll and compiled_by_xla()):
        return run(0, length, 1, initial_state)
    turns = length // UNROLLED
    outputs, state = run(0, turns, UNROLLED, initial_state)
    rest, state = run(turns * UNROLLED, length - turns * UNROLLED, 1, state)
    pairs = zip(rest, outputs, strict=True) if backwards else zip(outputs, rest, strict=True)
    return tuple(tf.concat(pair, axis=0) for pair in pairs), state
