"""The loop of a search, which drops the rows of the batch that are finished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tf_seq2seq.layers.loop import compiled_by_xla
from tf_seq2seq.search.steps import map_rows

FEW = 16
"""Fewer rows than this take as long as one, because a product must read the whole matrix anyway."""


def loop_over_rows(
    step: Callable[[tf.Tensor, Any, Any], tuple[Any, Sequence[tf.Tensor]]],
    live: Any,
    memory: Any,
    outputs: Sequence[tuple[tf.DType, int]],
    *,
    finished: Callable[[Any], tf.Tensor],
    results: Callable[[Any], Any],
    take: Callable[[Any, tf.Tensor], Any],
    batch_size: tf.Tensor | int,
    max_length: tf.Tensor | int,
    drops: bool,
    width: int = 1,
) -> tuple[tf.Tensor, Any, list[tf.Tensor]]:
    """Take steps until all rows are finished, at least one and at most `max_length`.

    As soon as half of the rows are finished, they are dropped: the next steps are taken with the
    others only.

    Args:
        step: a function `(t, live, memory) -> (live, outputs)` for `n` rows.
        live: a nested structure of tensors that change from step to step, for each of the `n` rows
            one or several rows; see `take`.
        memory: a nested structure of tensors `(n, ...)` that no step changes; may contain None.
        outputs: the dtype and the rank of each output of a step, `(n, ...)`.
        finished: returns which rows of `live` are finished, bool `(n,)`.
        results: returns the tensors `(n, ...)` of `live` to keep when a row is dropped.
        take: returns `live` with the rows at some places, int32 `(n,)`, only.
        batch_size: the number of rows at first; may be 0.
        max_length: the maximum number of steps.
        drops: whether to drop rows.
        width: the number of rows that `step` computes with for each of the `n` rows.

    Returns:
        `(t, results, outputs)`: the number of steps, the results of all rows, and the outputs of
        all steps, each `(t, batch_size, ...)`, zero for rows that had been dropped.
    """

    def take_steps(start, live, memory, least):
        """Take steps until at most `least` rows are unfinished."""
        # In XLA, all sizes are fixed.
        size = {"size": max_length} if compiled_by_xla() else {"size": 0, "dynamic_size": True}
        arrays = [
            tf.TensorArray(dtype, element_shape=[None] * rank, **size) for dtype, rank in outputs
        ]

        def unfinished(t, live, arrays):
            left = tf.reduce_sum(tf.cast(~finished(live), tf.int32))
            # Always take the first step, so that the results of an empty batch have the right rank.
            return (t == 0) | ((t < max_length) & (left > least))

        def body(t, live, arrays):
            live, values = step(t, live, memory)
            pairs = zip(arrays, values, strict=True)
            return t + 1, live, [array.write(t - start, value) for array, value in pairs]

        t, live, arrays = tf.while_loop(unfinished, body, (start, live, arrays))
        return t, live, [array.stack() for array in arrays]

    if not drops:
        t, live, values = take_steps(tf.constant(0), live, memory, 0)
        return t, results(live), values

    # None cannot be a variable of a loop.
    parts, structure = [x for x in tf.nest.flatten(memory) if x is not None], memory
    pieces = [
        tf.TensorArray(
            dtype, 0, dynamic_size=True, infer_shape=False, element_shape=[None] * (rank + 1)
        )
        for dtype, rank in outputs
    ]

    def any_left(t, number, rows, *_):
        return (t == 0) | ((t < max_length) & (tf.size(rows) > 0))

    def steps_and_drop(t, number, rows, parts, live, found, pieces):
        present, count = iter(parts), tf.size(rows)
        memory = tf.nest.map_structure(lambda x: None if x is None else next(present), structure)
        least = tf.where(count * width < FEW, 0, count // 2)
        t, live, values = take_steps(t, live, memory, least)
        places = tf.tensor_scatter_nd_update(
            tf.fill([batch_size], count), rows[:, None], tf.range(count)
        )
        pairs = zip(pieces, values, strict=True)
        pieces = [piece.write(number, _spread(value, places)) for piece, value in pairs]
        found = tf.nest.map_structure(
            lambda old, new: tf.tensor_scatter_nd_update(old, rows[:, None], new),
            found,
            results(live),
        )
        left = tf.cast(tf.where(~finished(live))[:, 0], tf.int32)
        rows, parts = map_rows(lambda tensor: tf.gather(tensor, left), (rows, parts))
        return t, number + 1, rows, parts, take(live, left), found, pieces

    zero = tf.constant(0)
    first = (zero, zero, tf.range(batch_size), parts, live, results(live), pieces)
    t, *_, found, pieces = tf.while_loop(
        any_left, steps_and_drop, first, tf.nest.map_structure(_any_number_of_rows, first)
    )
    return t, found, [piece.concat() for piece in pieces]


def _spread(values, places):
    """Return the outputs of the whole batch.

    Args:
        values: `(t, n, ...)`.
        places: int32 `(batch_size,)`, the place of each row among the `n`; `n` if it was dropped.
    """
    padding = [[0, 0], [0, 1], *[[0, 0]] * (values.shape.rank - 2)]
    return tf.gather(tf.pad(values, padding), places, axis=1)


def _any_number_of_rows(variable):
    """Return the shape invariant of a variable of a loop whose number of rows changes."""
    if isinstance(variable, tf.TensorArray):
        return tf.TensorShape(None)
    shape = tf.convert_to_tensor(variable).shape
    return tf.TensorShape([None]).concatenate(shape[1:]) if shape.rank else shape
