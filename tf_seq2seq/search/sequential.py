"""Search with one sequence per row: greedy, sampled and forced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tf_seq2seq.checks import check_flag, check_integer
from tf_seq2seq.layers.loop import compiled_by_xla
from tf_seq2seq.search.constraints import NO_CONSTRAINTS, Constraints, check_constraints
from tf_seq2seq.search.options import check_sampling
from tf_seq2seq.search.results import Sequences
from tf_seq2seq.search.steps import Step, check_size, checked_weights, first_step
from tf_seq2seq.text import EOS_ID, PAD_ID


def greedy(
    step: Step,
    initial_state: Any,
    batch_size: tf.Tensor | int,
    max_length: tf.Tensor | int,
    *,
    aligned: bool = False,
    finished: tf.Tensor | None = None,
    start: tf.Tensor | None = None,
    constraints: Constraints = NO_CONSTRAINTS,
) -> Sequences:
    """Take the most probable id at each step, until all rows have ended.

    The result of a row does not depend on the other rows.

    On a GPU, this is much faster in a `tf.function` with `jit_compile=True`, which compiles a
    program for each batch size. `max_length` must then be an integer, and all results have this
    length.

    Args:
        step: a step function, see `Step`.
        initial_state: the state before the first step, any nested structure of tensors.
        batch_size: the number of rows, an integer or a scalar tensor; may be 0.
        max_length: the maximum number of ids in a row, including `<eos>`, an integer or a scalar
            tensor; at least 1.
        aligned: whether to return the attention weights of the steps.
        finished: bool `(batch,)`, True for rows to leave empty; None if there are none.
        start: int32 `(batch,)`, the ids that precede the first step; None for `<sos>`.
        constraints: the ids to forbid.

    Returns:
        The `Sequences`.

    Raises:
        InputError: if an argument is invalid.

    Example, a model that counts:

    >>> def count(ids, state):
    ...     return tf.one_hot(ids + 1, 10), None, state
    >>> greedy(count, (), 2, max_length=3, start=tf.constant([3, 5])).ids.numpy()
    array([[4, 5, 6], [6, 7, 8]], dtype=int32)
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
        constraints,
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
    constraints: Constraints = NO_CONSTRAINTS,
) -> Sequences:
    """Draw an id at each step from the model's distribution, until all rows have ended.

        P(k) ~ exp(logit_k / temperature),  over the ids k that `top_k` and `top_p` allow

    Args:
        step, initial_state, batch_size, max_length, aligned, finished, start, constraints: as in
            `greedy`.
        temperature: positive; below 1 it favors probable ids, above 1 it flattens the distribution.
        top_k: sample from the `top_k` most probable ids; None for all.
        top_p: sample from the smallest set of most probable ids whose probabilities add up to at
            least `top_p`, in (0, 1]; None for all.
        seed: an int32 integer or scalar tensor; the same seed gives the same ids for the same
            batch.

    Returns:
        The `Sequences`. Their scores are those of the model at temperature 1.

    Raises:
        InputError: if an argument is invalid.

    Source: Fan et al. 2018, "Hierarchical Neural Story Generation" (`top_k`); Holtzman et al. 2020,
    "The Curious Case of Neural Text Degeneration" (`top_p`, nucleus sampling).
    """
    temperature, top_k, top_p = check_sampling(temperature, top_k, top_p)
    if not tf.is_tensor(seed):
        seed = check_integer("seed", seed, tf.int32.min, tf.int32.max)

    def draw(t, logits):
        logits /= temperature
        if top_k is not None or top_p is not None:
            order = tf.argsort(logits, direction="DESCENDING", stable=True)
            rank = tf.argsort(order)
        if top_k is not None:
            logits = tf.where(rank < top_k, logits, -float("inf"))
        if top_p is not None and top_p < 1:
            probabilities = tf.nn.softmax(tf.gather(logits, order, batch_dims=1))
            # Keep an id if those before it add up to less than `top_p`; always keep the first.
            before = tf.cumsum(probabilities, axis=1, exclusive=True)
            logits = tf.where(tf.gather(before, rank, batch_dims=1) < top_p, logits, -float("inf"))
        # The Gumbel-max trick: the argmax of logits plus Gumbel noise is a draw from the softmax.
        uniform = tf.random.stateless_uniform(
            tf.shape(logits), tf.stack([tf.cast(seed, tf.int32), t]), minval=1e-20
        )
        noise = -tf.math.log(-tf.math.log(uniform))
        return tf.argmax(logits + noise, axis=-1, output_type=tf.int32)

    return _write(
        step, initial_state, draw, batch_size, max_length, aligned, finished, start, constraints
    )


def _write(
    step: Step,
    initial_state: Any,
    choose: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    batch_size,
    max_length,
    aligned: bool,
    finished: tf.Tensor | None,
    start: tf.Tensor | None,
    constraints: Constraints,
    given: bool = False,
) -> Sequences:
    """Take the id that `choose` returns at each step, until all rows have ended.

    Args:
        choose: maps the step `t` and its logits `(batch, vocabulary_size)` to int32 `(batch,)`.
        given: whether `choose` returns `<pad>` after the end of a sequence.
    """
    batch_size = check_size("batch_size", batch_size, minimum=0)
    max_length = check_size("max_length", max_length, minimum=1)
    aligned, constraints = check_flag("aligned", aligned), check_constraints(constraints)
    finished, start = first_step(batch_size, finished, start)
    # In XLA, all sizes are fixed.
    size = {"size": max_length} if compiled_by_xla() else {"size": 0, "dynamic_size": True}
    ids = tf.TensorArray(tf.int32, element_shape=[None], **size)
    alignment = tf.TensorArray(tf.float32, element_shape=[None, None], **size)

    def unfinished(t, previous, finished, *_):
        # Always take the first step, so that the results of an empty batch have the right rank.
        return (t == 0) | ((t < max_length) & ~tf.reduce_all(finished))

    def body(t, previous, finished, scores, state, memories, ids, alignment):
        logits, weights, state = step(previous, state)
        logits = tf.cast(logits, tf.float32)
        chosen = choose(t, constraints.apply(memories, t, logits))
        if given:  # given sequences may end without <eos>
            finished |= chosen == PAD_ID
        gain = tf.gather(logits, chosen, batch_dims=1) - tf.reduce_logsumexp(logits, axis=-1)
        chosen = tf.where(finished, PAD_ID, chosen)
        scores += tf.where(finished, 0.0, gain)
        memories = constraints.extend(memories, t, chosen)
        ids = ids.write(t, chosen)
        if aligned:
            weights = tf.where(finished[:, None], 0.0, checked_weights(weights))
            alignment = alignment.write(t, weights)
        finished |= chosen == EOS_ID
        return t + 1, chosen, finished, scores, state, memories, ids, alignment

    scores, memories = tf.zeros([batch_size]), constraints.begin(batch_size, max_length)
    first = (tf.constant(0), start, finished, scores, initial_state, memories, ids, alignment)
    _, _, _, scores, _, _, ids, alignment = tf.while_loop(unfinished, body, first)
    ids = tf.transpose(ids.stack())
    return Sequences(
        ids,
        tf.math.count_nonzero(ids != PAD_ID, axis=1, dtype=tf.int32),
        scores,
        tf.transpose(alignment.stack(), [1, 0, 2]) if aligned else None,
    )


def forced(
    step: Step,
    initial_state: Any,
    target: tf.Tensor,
    *,
    aligned: bool = False,
    start: tf.Tensor | None = None,
) -> Sequences:
    """Score given sequences, and compute the attention weights of their steps.

    Args:
        step, initial_state, aligned, start: as in `greedy`.
        target: integers `(batch, length)`, padded with `<pad>`; `length` is at least 1. If a row
            ends with `<eos>`, its score is the log probability of the complete sequence.

    Returns:
        The `Sequences`. Their ids are those of `target`, up to the length of the longest row.

    Raises:
        InputError: if an argument is invalid.
    """
    target = tf.cast(target, tf.int32)
    batch_size, length = tf.unstack(tf.shape(target))
    return _write(
        step,
        initial_state,
        lambda t, logits: target[:, t],
        batch_size,
        length,
        aligned,
        target[:, 0] == PAD_ID,
        start,
        NO_CONSTRAINTS,
        given=True,
    )
