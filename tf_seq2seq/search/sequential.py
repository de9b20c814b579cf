"""Search with one sequence per row: greedy, sampled and forced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from tf_seq2seq.checks import check_flag, check_integer
from tf_seq2seq.layers.loop import compiled_by_xla
from tf_seq2seq.search.constraints import NO_CONSTRAINTS, Constraints, check_constraints
from tf_seq2seq.search.options import check_sampling
from tf_seq2seq.search.results import Sequences
from tf_seq2seq.search.rows import loop_over_rows
from tf_seq2seq.search.steps import (
    Step,
    check_size,
    checked_weights,
    first_step,
    log_sum_exp,
    map_rows,
    padded_prefix,
    prefix_ids,
    with_memory,
)
from tf_seq2seq.text import EOS_ID, PAD_ID


def greedy(
    step: Step,
    initial_state: Any,
    batch_size: tf.Tensor | int,
    max_length: tf.Tensor | int,
    *,
    memory: Any = None,
    aligned: bool = False,
    finished: tf.Tensor | None = None,
    start: tf.Tensor | None = None,
    constraints: Constraints = NO_CONSTRAINTS,
    prefix: tf.Tensor | None = None,
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
        memory: tensors that all steps share, such as the encoder outputs: any nested structure
            whose first dimension is the rows. If it is given, even as an empty tuple, the step
            function takes it as a third argument, and rows that have ended are dropped: the step
            function gets fewer and fewer rows, so it must not close over tensors of all rows.
        aligned: whether to return the attention weights of the steps.
        finished: bool `(batch,)`, True for rows to leave empty; None if there are none.
        start: int32 `(batch,)`, the ids that precede the first step; None for `<sos>`.
        constraints: the ids to forbid after the prefix.
        prefix: integers `(batch, length)`, padded with `<pad>`: the ids with which each sequence
            begins, and which count for its score and its length; None if there are none.

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
        lambda t, logits, memories: constraints.argmax(memories, t, logits),
        batch_size,
        max_length,
        aligned,
        finished,
        start,
        constraints,
        memory=memory,
        prefix=prefix,
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

    def draw(t, logits, memories):
        logits = constraints.apply(memories, t, logits) / temperature
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
    choose: Callable[[tf.Tensor, tf.Tensor, tuple], tf.Tensor],
    batch_size,
    max_length,
    aligned: bool,
    finished: tf.Tensor | None,
    start: tf.Tensor | None,
    constraints: Constraints,
    given: bool = False,
    memory: Any = None,
    prefix: tf.Tensor | None = None,
) -> Sequences:
    """Take the id that `choose` returns at each step, until all rows have ended.

    Args:
        choose: maps the step `t`, its logits `(batch, vocabulary_size)` and the memories of the
            constraints to int32 `(batch,)`.
        given: whether `choose` returns `<pad>` after the end of a sequence.
        memory: as in `greedy`; if it is not None, `choose` must work for any rows.
        prefix: as in `greedy`.
    """
    batch_size = check_size("batch_size", batch_size, minimum=0)
    max_length = check_size("max_length", max_length, minimum=1)
    aligned, constraints = check_flag("aligned", aligned), check_constraints(constraints)
    finished, start = first_step(batch_size, finished, start)
    take_step = with_memory(step, memory)

    def body(t, live, memory):
        memory, prefix = memory
        logits, weights, state = take_step(live.ids, live.state, memory)
        logits, finished = tf.cast(logits, tf.float32), live.finished
        chosen = choose(t, logits, live.memories)
        if prefix is not None:
            forced = prefix_ids(prefix, t)
            chosen = tf.where(forced == PAD_ID, chosen, forced)
        if given:  # given sequences may end without <eos>
            finished |= chosen == PAD_ID
        gain = tf.gather(logits, chosen, batch_dims=1) - log_sum_exp(logits)
        chosen = tf.where(finished, PAD_ID, chosen)
        outputs = [chosen]
        if aligned:
            outputs.append(tf.where(finished[:, None], 0.0, checked_weights(weights)))
        live = _Live(
            chosen,
            finished | (chosen == EOS_ID),
            live.scores + tf.where(finished, 0.0, gain),
            state,
            constraints.extend(live.memories, t, chosen),
        )
        return live, outputs

    memories = constraints.begin(batch_size, max_length)
    _, scores, (ids, *alignment) = loop_over_rows(
        body,
        _Live(start, finished, tf.zeros([batch_size]), initial_state, memories),
        (memory, padded_prefix(prefix)),
        ((tf.int32, 1), (tf.float32, 2))[: 2 if aligned else 1],
        finished=lambda live: live.finished,
        results=lambda live: live.scores,
        take=lambda live, places: map_rows(lambda tensor: tf.gather(tensor, places), live),
        batch_size=batch_size,
        max_length=max_length,
        drops=memory is not None and not compiled_by_xla(),
    )
    ids = tf.transpose(ids)
    return Sequences(
        ids,
        tf.math.count_nonzero(ids != PAD_ID, axis=1, dtype=tf.int32),
        scores,
        tf.transpose(alignment[0], [1, 0, 2]) if aligned else None,
    )


class _Live(NamedTuple):
    """The rows that are not finished.

    Attributes:
        ids: int32 `(rows,)`, the most recent ids.
        finished: bool `(rows,)`.
        scores: float32 `(rows,)`, the log probabilities.
        state: the state of the step function.
        memories: the memories of the constraints.
    """

    ids: tf.Tensor
    finished: tf.Tensor
    scores: tf.Tensor
    state: Any
    memories: tuple[Any, ...]


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
        lambda t, logits, memories: target[:, t],
        batch_size,
        length,
        aligned,
        target[:, 0] == PAD_ID,
        start,
        NO_CONSTRAINTS,
        given=True,
    )
