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


Step = Callable[[tf.Tensor, Any], tuple[tf.Tensor, tf.Tensor | None, Any]]


def greedy(
    step: Step,
    initial_state: Any,
    batch_size: tf.Tensor | int,
    max_length: tf.Tensor | int,
    aligned: bool = False,
    finished: tf.Tensor | None = None,
    start: tf.Tensor | None = None,
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
        start: int32 `(batch,)`, the ids written last; None for `<sos>`.

    Returns:
        The `Sequences`. All is one graph, with a single loop.
    """
    return _write(
        step,
        initial_state,
        lambda t, logits: tf.argmax(logits, axis=-1, output_type=tf.int32),
        batch_size,
        max_length,
        aligned,
        finished,
        start,
    )


def sample(
    step: Step,
    initial_state: Any,
    batch_size: tf.Tensor | int,
    max_length: tf.Tensor | int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: tf.Tensor | int = 0,
    aligned: bool = False,
    finished: tf.Tensor | None = None,
    start: tf.Tensor | None = None,
) -> Sequences:
    """Draw an id at each step from the model's distribution, until all rows have ended.

        P(k) ~ exp(logit_k / temperature),  for the ids k that `top_k` and `top_p` leave

    Args:
        step, initial_state, batch_size, max_length, aligned, finished, start: as in `greedy`.
        temperature: below 1 the probable ids become more probable still, above 1 less; positive.
        top_k: draw from the so many most probable ids only (Fan et al. 2018).
        top_p: draw from the fewest most probable ids only that have this probability together
            (nucleus sampling; Holtzman et al. 2020); in (0, 1].
        seed: the same seed gives the same ids to the same batch.

    Returns:
        The `Sequences`; their scores are those of the model itself, at temperature 1.

    Raises:
        ValueError: if `temperature`, `top_k` or `top_p` is out of its range.
    """
    if not temperature > 0:
        raise ValueError(f"Expected a positive `temperature`, got {temperature!r}.")
    if top_k is not None and top_k < 1:
        raise ValueError(f"Expected `top_k` of 1 or more, got {top_k!r}.")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"Expected 0 < `top_p` <= 1, got {top_p!r}.")

    def draw(t, logits):
        logits /= temperature
        if top_k is not None:
            least = tf.math.top_k(logits, tf.minimum(top_k, tf.shape(logits)[1])).values[:, -1:]
            logits = tf.where(logits < least, -float("inf"), logits)
        if top_p is not None:
            descending = tf.sort(logits, direction="DESCENDING")
            probabilities = tf.nn.softmax(descending)
            # An id stays if those before it have not reached `top_p` yet; the first always does.
            before = tf.cumsum(probabilities, axis=1, exclusive=True)
            kept = tf.where(before < top_p, descending, float("inf"))
            logits = tf.where(logits < tf.reduce_min(kept, axis=1)[:, None], -float("inf"), logits)
        # The largest of logit + Gumbel noise is a draw from the softmax of the logits.
        uniform = tf.random.stateless_uniform(
            tf.shape(logits), tf.stack([tf.cast(seed, tf.int32), t]), minval=1e-20
        )
        noise = -tf.math.log(-tf.math.log(uniform))
        return tf.argmax(logits + noise, axis=-1, output_type=tf.int32)

    return _write(step, initial_state, draw, batch_size, max_length, aligned, finished, start)


def _write(
    step: Step,
    initial_state: Any,
    choose: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    batch_size,
    max_length,
    aligned: bool,
    finished: tf.Tensor | None,
    start: tf.Tensor | None,
) -> Sequences:
    """Let `choose` take an id at each step, by the step's number and its logits."""
    if finished is None:
        finished = tf.fill([batch_size], False)
    if start is None:
        start = tf.fill([batch_size], SOS_ID)
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
        chosen = choose(t, logits + allowed)
        gain = tf.gather(logits, chosen, batch_dims=1) - tf.reduce_logsumexp(logits, axis=-1)
        chosen = tf.where(finished, PAD_ID, chosen)
        scores += tf.where(finished, 0.0, gain)
        ids = ids.write(t, chosen)
        if aligned:
            weights = tf.cast(weights, tf.float32)
            alignment = alignment.write(t, tf.where(finished[:, None], 0.0, weights))
        return t + 1, chosen, finished | (chosen == EOS_ID), scores, state, ids, alignment

    first = (tf.constant(0), start, finished, tf.zeros([batch_size]), initial_state, ids, alignment)
    _, _, _, scores, _, ids, alignment = tf.while_loop(unfinished, body, first)
    ids = tf.transpose(ids.stack())
    return Sequences(
        ids,
        tf.math.count_nonzero(ids != PAD_ID, axis=1, dtype=tf.int32),
        scores,
        tf.transpose(alignment.stack(), [1, 0, 2]) if aligned else None,
    )
