"""Beam search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from tf_seq2seq.checks import check_flag, check_number
from tf_seq2seq.errors import InputError
from tf_seq2seq.search.constraints import NO_CONSTRAINTS, Constraints, check_constraints
from tf_seq2seq.search.options import LengthPenalty, check_length_penalty, check_widths
from tf_seq2seq.search.results import Hypotheses
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
    repeat_rows,
    with_memory,
)
from tf_seq2seq.text import EOS_ID, PAD_ID


def beam(
    step: Step,
    initial_state: Any,
    batch_size: tf.Tensor | int,
    max_length: tf.Tensor | int,
    *,
    width: int,
    n_best: int = 1,
    length_penalty: LengthPenalty = 0.0,
    coverage_penalty: float = 0.0,
    source_mask: tf.Tensor | None = None,
    memory: Any = None,
    aligned: bool = False,
    finished: tf.Tensor | None = None,
    start: tf.Tensor | None = None,
    constraints: Constraints = NO_CONSTRAINTS,
    prefix: tf.Tensor | None = None,
) -> Hypotheses:
    """Follow the `width` most probable prefixes of each row in parallel.

        score(y) = log P(y) / lp(y) + beta sum_j log min(sum_i alpha_ij, 1)
        lp(y)    = ((5 + |y|) / 6)^alpha,   or |y|: the mean log probability of an id

    with alpha_ij the attention weight of source position j at step i.

    At each step, every hypothesis is extended by every id. Among the `width` best extensions, those
    that end are set aside; among all that do not end, the `width` best are followed. A row is done
    as soon as `width` hypotheses have ended, or no live hypothesis can still score higher than the
    `n_best` that have ended. A hypothesis that is cut off at `max_length` ranks below all that have
    ended. The result of a row does not depend on the other rows.

    Args:
        step: a step function for `batch_size * width` rows, where the hypotheses of a row are next
            to each other. Without a `memory`, tensors that it closes over must have this many rows
            too: see `repeat_rows`.
        initial_state: the state of `batch_size` rows before the first step. The first dimension of
            each tensor is the rows, which are reordered with the hypotheses; scalars are shared by
            all rows.
        batch_size: the number of rows, an integer or a scalar tensor; may be 0.
        max_length: the maximum number of ids in a sequence, including `<eos>`, an integer or a
            scalar tensor; at least 1.
        width: the number of hypotheses per row. With 1, the result is the same as that of `greedy`.
        n_best: the number of hypotheses to return, at most `width`.
        length_penalty: alpha, 0 for none, or `"average"`. Without it, short sequences tend to win,
            because longer ones are less probable.
        coverage_penalty: beta, 0 for none. It ranks a hypothesis lower if its attention skipped
            source positions. It needs attention weights.
        source_mask: bool `(batch, source_length)`, False at padding, for `coverage_penalty`.
        memory: tensors that all steps share, such as the encoder outputs: any nested structure
            whose first dimension is the `batch_size` rows. If it is given, even as an empty tuple,
            the step function takes it as a third argument, with one row for each `width` rows of
            the state, and rows that are done are dropped: the step function must then work for any
            number of rows.
        aligned, constraints, prefix: as in `greedy`. All hypotheses of a row begin with its prefix.
        finished, start: as in `greedy`, of `batch_size` rows.

    Returns:
        The `Hypotheses`.

    Raises:
        InputError: if an argument is invalid.

    Source: Graves 2012, "Sequence Transduction with Recurrent Neural Networks"; Wu et al. 2016,
    "Google's Neural Machine Translation System", section 7 (penalties).

    Example, a model that prefers id 5 to id 4 and ends after it:

    >>> def step(ids, state):
    ...     logits = tf.where(ids[:, None] == 2, [[0.0, 0, 0, 0, 1, 2]], [[0.0, 0, 0, 9, 0, 0]])
    ...     return logits, None, state
    >>> beam(step, (), 1, max_length=3, width=2, n_best=2).ids.numpy()
    array([[[5, 3], [4, 3]]], dtype=int32)
    """
    batch_size = check_size("batch_size", batch_size, minimum=0)
    max_length = check_size("max_length", max_length, minimum=1)
    aligned, constraints = check_flag("aligned", aligned), check_constraints(constraints)
    width, n_best = check_widths("width", width, n_best)
    coverage_penalty = check_number("coverage_penalty", coverage_penalty, minimum=0)
    if coverage_penalty and (source_mask is None or not aligned):
        raise InputError(
            f"A `coverage_penalty` of {coverage_penalty!r} needs `aligned=True` and a "
            "`source_mask`: pass both, or a penalty of 0."
        )
    rescale, take_step = _length_penalty(length_penalty), with_memory(step, memory)
    finished, start = first_step(batch_size, finished, start)
    coverage: tuple[tf.Tensor, ...] = ()
    if coverage_penalty:
        coverage = (tf.repeat(tf.zeros_like(source_mask, tf.float32), width, axis=0),)
    # At first, all hypotheses of a row are the same; only one of them may be extended.
    log_p = tf.tile(tf.where(tf.range(width) == 0, 0.0, -float("inf"))[None], [batch_size, 1])
    hypotheses = _Hypotheses(
        ids=tf.repeat(start, width),
        state=repeat_rows(initial_state, width),
        memories=constraints.begin(batch_size * width, max_length),
        coverage=coverage,
    )
    live = _Live(finished, tf.zeros_like(start), log_p, _Ended.none(batch_size, n_best), hypotheses)

    def body(t, live, memory):
        memory, mask, prefix = memory
        old = live.hypotheses
        logits, weights, state = take_step(old.ids, old.state, memory)
        logits = tf.cast(logits, tf.float32)
        # At most half of the candidates end, since each hypothesis has one <eos>.
        candidates = 2 * width
        best, ids = constraints.best(old.memories, t, logits, candidates)
        total = log_sum_exp(logits, None if constraints.chosen() else ids[:, 0])
        if prefix is not None:
            forced = tf.repeat(prefix_ids(prefix, t), width)
            best, ids = _forced(forced, logits, best, ids)
        log_p = _by_row(best - total[:, None], width) + live.log_p[:, :, None]
        log_p, place = tf.math.top_k(_joined(log_p), candidates)
        parent = place // tf.shape(ids)[1]
        ids = tf.gather(_joined(_by_row(ids, width)), place, batch_dims=1)
        ends = ids == EOS_ID

        score = log_p / rescale(t + 1)
        if aligned:
            weights = checked_weights(weights)
        covered = tuple(each + weights for each in old.coverage)
        for each in covered:
            penalty = tf.math.log(tf.clip_by_value(_by_row(each, width), 1e-9, 1.0))
            penalty = tf.reduce_sum(tf.where(mask[:, None], penalty, 0.0), axis=2)
            score += coverage_penalty * tf.gather(penalty, parent, batch_dims=1)
        new = ends & (tf.range(candidates) < width) & (log_p > -float("inf"))
        new &= ~live.done[:, None]
        score = tf.where(new, score, -float("inf"))
        ended = live.ended.merge(_Ended(score, log_p, tf.fill(tf.shape(parent), t + 1), parent))
        count = live.count + tf.math.count_nonzero(new, axis=1, dtype=tf.int32)

        log_p, kept = tf.math.top_k(tf.where(ends, -float("inf"), log_p), width)
        parent, ids = (tf.gather(each, kept, batch_dims=1) for each in (parent, ids))
        path = (parent, ids, _by_row(weights, width)) if aligned else (parent, ids)
        # An upper bound on the scores of live hypotheses: they lose no more probability, and are
        # divided by the largest length penalty.
        hope = log_p[:, 0] / rescale(max_length)
        done = live.done | (count >= width) | (hope <= ended.score[:, -1])
        state, memories, covered = _take((state, old.memories, covered), parent, width)
        ids = tf.reshape(ids, [-1])
        new = _Hypotheses(ids, state, constraints.extend(memories, t, ids), covered)
        return _Live(done, count, log_p, ended, new), path

    def take(live, places):
        *of_rows, hypotheses = live
        of_rows = map_rows(lambda tensor: tf.gather(tensor, places), of_rows)
        every = tf.tile(tf.range(width)[None], [tf.size(places), 1])
        return _Live(*of_rows, _take(hypotheses, every, width, places))

    t, (ended, live_log_p), path = loop_over_rows(
        body,
        live,
        (memory, source_mask, padded_prefix(prefix)),
        ((tf.int32, 2), (tf.int32, 2), (tf.float32, 3))[: 3 if aligned else 2],
        finished=lambda live: live.done,
        results=lambda live: (live.ended, live.log_p),
        take=take,
        batch_size=batch_size,
        max_length=max_length,
        drops=memory is not None,
        width=width,
    )

    # If too few have ended, add hypotheses that were cut off.
    place = tf.range(n_best)
    missing = place >= ended.count[:, None]
    cut = tf.where(missing, place - ended.count[:, None], 0)
    cut_log_p = tf.gather(live_log_p, cut, batch_dims=1)
    log_p = tf.where(missing, cut_log_p, ended.log_p)
    score = tf.where(missing, cut_log_p / rescale(t), ended.score)
    length = tf.where(missing, t, ended.length)
    hypothesis = tf.where(missing, cut, ended.hypothesis)
    # A row that was finished before the search has one hypothesis, without ids.
    empty = finished[:, None]
    log_p, score = (
        tf.where(empty, tf.where(place == 0, 0.0, -float("inf")), each) for each in (log_p, score)
    )
    length = tf.where(empty | (score == -float("inf")), 0, length)
    ids, alignment = _follow_back(path, hypothesis, length, ~missing)
    return Hypotheses(ids, length, score, log_p, alignment)


class _Hypotheses(NamedTuple):
    """The hypotheses that are followed, `width` for each of the `n` rows that are not done.

    Attributes:
        ids: int32 `(n * width,)`, the most recent ids.
        state: the state of the step function.
        memories: the memories of the constraints.
        coverage: `(n * width, source_length)`, the sum of the attention weights so far; an empty
            tuple without a coverage penalty.
    """

    ids: tf.Tensor
    state: Any
    memories: tuple[Any, ...]
    coverage: tuple[tf.Tensor, ...]


class _Live(NamedTuple):
    """The rows that are not done.

    Attributes:
        done: bool `(n,)`.
        count: int32 `(n,)`, the number of hypotheses that have ended.
        log_p: float32 `(n, width)`, of the hypotheses that are followed, in descending order.
        ended: the best that have ended.
        hypotheses: those that are followed.
    """

    done: tf.Tensor
    count: tf.Tensor
    log_p: tf.Tensor
    ended: _Ended
    hypotheses: _Hypotheses


def _forced(forced, logits, best, ids):
    """Return the logits and the ids of candidates, only one where an id is forced.

    Args:
        forced: int32 `(rows,)`, the ids that must follow; `<pad>` where any may.
        logits: `(rows, vocabulary_size)`.
        best, ids: the candidates of all rows, `(rows, n)`.
    """
    is_free = forced[:, None] == PAD_ID
    logit = tf.gather(logits, forced, batch_dims=1)[:, None]
    only = tf.where(tf.range(tf.shape(ids)[1]) == 0, logit, -float("inf"))
    return tf.where(is_free, best, only), tf.where(is_free, ids, forced[:, None])


def _by_row(tensor, width):
    """Reshape `(n * width, size)` to `(n, width, size)`."""
    return tf.reshape(tensor, [-1, width, tf.shape(tensor)[1]])


def _joined(tensor):
    """Reshape `(n, width, size)` to `(n, width * size)`."""
    _, width, size = tf.unstack(tf.shape(tensor))
    return tf.reshape(tensor, [-1, width * size])


def _take(structure, hypothesis, width, rows=None):
    """Take hypotheses from tensors `(n * width, ...)`.

    Args:
        structure: the tensors.
        hypothesis: int32 `(m, width)`, the hypotheses to take from each row.
        width: the number of hypotheses of each row.
        rows: int32 `(m,)`, the rows to take them from; None for all `n` rows.
    """
    if rows is None:
        rows = tf.range(tf.shape(hypothesis)[0])
    places = tf.reshape(rows[:, None] * width + hypothesis, [-1])
    return map_rows(lambda tensor: tf.gather(tensor, places), structure)


class _Ended(NamedTuple):
    """The best hypotheses that have ended, each `(batch, n)`, in descending order.

    Attributes:
        score, log_p, length: as in `Hypotheses`; the score is minus infinity if there is none.
        hypothesis: the live hypothesis that `<eos>` was appended to, below `width`.
    """

    score: tf.Tensor
    log_p: tf.Tensor
    length: tf.Tensor
    hypothesis: tf.Tensor

    @classmethod
    def none(cls, batch_size, n):
        nothing, zero = tf.fill([batch_size, n], -float("inf")), tf.zeros([batch_size, n], tf.int32)
        return cls(nothing, nothing, zero, zero)

    @property
    def count(self):
        return tf.math.count_nonzero(self.score > -float("inf"), axis=1, dtype=tf.int32)

    def merge(self, others: _Ended) -> _Ended:
        """Return the `n` best of both."""
        together = [tf.concat(pair, axis=1) for pair in zip(self, others, strict=True)]
        _, best = tf.math.top_k(together[0], tf.shape(self.score)[1])
        return _Ended(*(tf.gather(each, best, batch_dims=1) for each in together))


def _length_penalty(option: LengthPenalty) -> Callable[[Any], tf.Tensor]:
    """Return lp as a function of |y|."""
    alpha = check_length_penalty(option)
    if alpha == "average":
        return lambda length: tf.cast(length, tf.float32)
    return lambda length: ((5.0 + tf.cast(length, tf.float32)) / 6.0) ** alpha


def _follow_back(path, hypothesis, length, ended):
    """Collect the ids and weights of hypotheses, from the last step to the first.

    Args:
        path: tensors indexed by step. For each live hypothesis, int32 `(batch, width)`, the
            hypothesis of the row that it extends, and its last id; and, if there are any, the
            attention weights `(batch, width, source_length)` of the extended hypotheses.
        hypothesis: int32 `(batch, n)`, the live hypotheses at the last step.
        length: int32 `(batch, n)`.
        ended: bool `(batch, n)`, whether an `<eos>` follows the live hypothesis.

    Returns:
        `(ids, alignment)` of `Hypotheses`.
    """
    parents, ids, *weights = path
    longest = tf.maximum(tf.reduce_max(length), 1)
    outputs = [tf.TensorArray(tf.int32, longest, element_shape=[None] * 2)]
    outputs += [tf.TensorArray(tf.float32, longest, element_shape=[None] * 3) for _ in weights]

    def body(t, hypothesis, outputs):
        def taken(tensor):
            return tf.gather(tensor[t], hypothesis, batch_dims=1)

        written = t < length
        last = ended & (t == length - 1)
        chosen = tf.where(last, EOS_ID, taken(ids))
        hypothesis = tf.where(last | ~written, hypothesis, taken(parents))
        values = [tf.where(written, chosen, PAD_ID)]
        values += [tf.where(written[:, :, None], taken(each), 0.0) for each in weights]
        outputs = [array.write(t, value) for array, value in zip(outputs, values, strict=True)]
        return t - 1, hypothesis, outputs

    first = (longest - 1, hypothesis, outputs)
    _, _, outputs = tf.while_loop(lambda t, *_: t >= 0, body, first)
    all_ids, *alignment = (output.stack() for output in outputs)
    return (
        tf.transpose(all_ids, [1, 2, 0]),
        tf.transpose(alignment[0], [1, 2, 0, 3]) if alignment else None,
    )
