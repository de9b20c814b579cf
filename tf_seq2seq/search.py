"""Floor 3: search, from a step function to sequences.

A step function is anything that maps `(ids, state)` to `(logits, weights, state)`: the ids written
last, `(batch,)`, and any nested structure of tensors to the logits of the next ids, the attention
weights (or None) and the next state. A `Seq2Seq` model is made one by `decoder.step`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from tf_seq2seq.text import EOS_ID, PAD_ID, SOS_ID


class Sequences(NamedTuple):
    """What a search found.

    Attributes:
        ids: int32 `(batch, length)`; each row ends with `<eos>` (unless it was cut off at the
            maximum length) and is filled with `<pad>`. `length` is the longest row's.
        lengths: int32 `(batch,)`, ids of each row, `<eos>` included.
        scores: float32 `(batch,)`, log probability of each row, in nats.
        alignment: float32 `(batch, length, source_length)`, the attention weights of each step,
            zero where `ids` is padding; None if the steps gave none.
    """

    ids: tf.Tensor
    lengths: tf.Tensor
    scores: tf.Tensor
    alignment: tf.Tensor | None


def greedy(
    step: Callable[[tf.Tensor, Any], tuple[tf.Tensor, tf.Tensor | None, Any]],
    initial_state: Any,
    batch_size: tf.Tensor | int,
    max_length: tf.Tensor | int,
    aligned: bool = False,
    finished: tf.Tensor | None = None,
) -> Sequences:
    """Write the most probable id at each step, until all rows have ended.

    A row's result does not depend on the other rows: what has ended stays as it is.

    Args:
        step: a step function, see above.
        initial_state: the state before the first step; its structure, shapes and dtypes stay.
        batch_size: number of rows; may be 0.
        max_length: no row gets longer, `<eos>` included; at least 1.
        aligned: whether the steps give attention weights.
        finished: bool `(batch,)`, rows that have nothing to write and take no time; None for none.

    Returns:
        The `Sequences`. All is one graph, with a single loop.
    """
    if finished is None:
        finished = tf.fill([batch_size], False)
    ids = tf.TensorArray(tf.int32, size=0, dynamic_size=True, element_shape=[None])
    alignment = tf.TensorArray(tf.float32, size=0, dynamic_size=True, element_shape=[None, None])

    def unfinished(t, previous, finished, *_):
        # The first step is always taken, so that an empty batch has results of full rank.
        return (t == 0) | ((t < max_length) & ~tf.reduce_all(finished))

    def body(t, previous, finished, scores, state, ids, alignment):
        logits, weights, state = step(previous, state)
        logits = tf.cast(logits, tf.float32)
        # Neither <pad> nor <sos> is ever a word of a sentence.
        allowed = tf.tensor_scatter_nd_update(
            tf.zeros(tf.shape(logits)[1]), [[PAD_ID], [SOS_ID]], [-float("inf")] * 2
        )
        best = tf.argmax(logits + allowed, axis=-1, output_type=tf.int32)
        gain = tf.gather(logits, best, batch_dims=1) - tf.reduce_logsumexp(logits, axis=-1)
        best = tf.where(finished, PAD_ID, best)
        scores += tf.where(finished, 0.0, gain)
        ids = ids.write(t, best)
        if aligned:
            weights = tf.cast(weights, tf.float32)
            alignment = alignment.write(t, tf.where(finished[:, None], 0.0, weights))
        return t + 1, best, finished | (best == EOS_ID), scores, state, ids, alignment

    start = (
        tf.constant(0),
        tf.fill([batch_size], SOS_ID),
        finished,
        tf.zeros([batch_size]),
        initial_state,
        ids,
        alignment,
    )
    _, _, _, scores, _, ids, alignment = tf.while_loop(unfinished, body, start)
    ids = tf.transpose(ids.stack())
    return Sequences(
        ids,
        tf.math.count_nonzero(ids != PAD_ID, axis=1, dtype=tf.int32),
        scores,
        tf.transpose(alignment.stack(), [1, 0, 2]) if aligned else None,
    )
