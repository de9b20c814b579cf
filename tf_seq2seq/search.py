"""Floor 3: search, from a step function to sequences.

A step function is anything that maps `(ids, state)` to `(logits, weights, state)`: the ids written
last, `(rows,)`, and any nested structure of tensors to the logits of the next ids,
`(rows, vocabulary_size)`, the attention weights, `(rows, source_length)` or None, and the next
state. `LanguageModel.step` is one, `Seq2Seq.step` and `Ensemble.step` with their memory filled in.

    greedy    the most probable id at each step
    sample    an id drawn at each step
    beam      the best of several hypotheses that are followed side by side
    forced    the score of sequences that are given
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tf_seq2seq.text import EOS_ID, PAD_ID, SOS_ID, UNK_ID

Step = Callable[[tf.Tensor, Any], tuple[tf.Tensor, tf.Tensor | None, Any]]


def check_integer(name: str, value: Any, least: int) -> None:
    """Raise a ValueError that names what is no integer, or a lesser one."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"Expected an integer `{name}` of {least} or more, got {value!r}.")


def _weights(weights) -> tf.Tensor:
    if weights is None:
        raise ValueError(
            "The search is `aligned`, but the steps give no attention weights: leave `aligned` out."
        )
    return tf.cast(weights, tf.float32)


def _check_max_length(max_length) -> None:
    if not tf.is_tensor(max_length):
        check_integer("max_length", max_length, least=1)


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


class Hypotheses(NamedTuple):
    """The best that a beam search found for each row, in descending order of their scores.

    Attributes:
        ids: int32 `(batch, n_best, length)`; each ends with `<eos>` (unless it was cut off at the
            maximum length) and is filled with `<pad>`. `length` is that of the longest.
        lengths: int32 `(batch, n_best)`, `<eos>` included.
        scores: float32 `(batch, n_best)`, what the hypotheses are ordered by: their log
            probabilities with the penalties of length and coverage. Where fewer than `n_best`
            exist, a score of minus infinity and a length of 0.
        log_probabilities: float32 `(batch, n_best)`, in nats.
        alignment: float32 `(batch, n_best, length, source_length)`, the attention weights of each
            step, zero where `ids` is padding; None if the steps gave none.
    """

    ids: tf.Tensor
    lengths: tf.Tensor
    scores: tf.Tensor
    log_probabilities: tf.Tensor
    alignment: tf.Tensor | None

    def best(self) -> Sequences:
        """The first of each row."""
        alignment = None if self.alignment is None else self.alignment[:, 0]
        return Sequences(
            self.ids[:, 0], self.lengths[:, 0], self.log_probabilities[:, 0], alignment
        )


@dataclasses.dataclass(frozen=True)
class Constraints:
    """What a sequence may not be. `<pad>` and `<sos>` never are a part of it.

    Where nothing is left to write, the sequence ends.

    Args:
        min_length: sequences have at least so many ids before `<eos>`.
        no_repeat_ngram: no n-gram of this length occurs twice in a sequence; 0 for no such rule.
        forbid_unknown: `<unk>` is not written.

    Raises:
        ValueError: if a number is no integer of 0 or more.

    Source: Paulus et al. 2018, "A Deep Reinforced Model for Abstractive Summarization", section
    2.5, for the n-grams.
    """

    min_length: int = 0
    no_repeat_ngram: int = 0
    forbid_unknown: bool = False

    def __post_init__(self):
        for name in ("min_length", "no_repeat_ngram"):
            check_integer(name, getattr(self, name), least=0)

    def begin(self, rows: tf.Tensor, max_length: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """What has to be known of the ids written so far: a structure of tensors, by row."""
        return (tf.fill([rows, max_length], PAD_ID),) if self.no_repeat_ngram else ()

    def extend(self, written, t: tf.Tensor, ids: tf.Tensor):
        """Know of the ids that were written at step `t`, `(rows,)`."""
        return tuple(
            tf.where(tf.range(tf.shape(all_ids)[1]) == t, ids[:, None], all_ids)
            for all_ids in written
        )

    def apply(self, written, t: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """Give minus infinity to the ids that may not be written at step `t`.

        Args:
            written: from `begin` or `extend`.
            t: the number of the step, from 0.
            logits: float32 `(rows, vocabulary_size)`, or log probabilities.
        """
        never = [PAD_ID, SOS_ID] + [UNK_ID] * self.forbid_unknown
        ids = tf.range(tf.shape(logits)[1])
        forbidden = tf.reduce_any(ids[:, None] == tf.constant(never), axis=1)
        if self.min_length:
            forbidden |= (ids == EOS_ID) & (t < self.min_length)
        allowed = tf.where(forbidden, -float("inf"), logits)
        if self.no_repeat_ngram:
            allowed = self._without_repetitions(*written, t, allowed)
        if not (self.min_length or self.no_repeat_ngram or self.forbid_unknown):
            return allowed
        nothing = tf.reduce_max(allowed, axis=1, keepdims=True) == -float("inf")
        return tf.where(nothing & (ids == EOS_ID), logits, allowed)

    def _without_repetitions(self, written, t, logits):
        n, max_length = self.no_repeat_ngram, tf.shape(written)[1]
        # An n-gram that began at i ended at i + n - 1, and its last id may not come now if those
        # before it are the last n - 1 that were written.
        starts = tf.range(max_length)
        places = tf.minimum(starts[:, None] + tf.range(n), max_length - 1)
        ngrams = tf.gather(written, places, axis=1)  # (rows, max_length, n)
        last = tf.gather(written, tf.maximum(t - n + 1 + tf.range(n - 1), 0), axis=1)
        same = tf.reduce_all(ngrams[:, :, :-1] == last[:, None], axis=2) & (starts + n <= t)
        # <pad> stands for no id: it is forbidden in any case.
        repeated = tf.where(same, ngrams[:, :, -1], PAD_ID)
        rows = tf.broadcast_to(tf.range(tf.shape(written)[0])[:, None], tf.shape(repeated))
        indices = tf.stack([rows, repeated], axis=2)
        return tf.tensor_scatter_nd_min(logits, indices, tf.fill(tf.shape(repeated), -float("inf")))


NO_CONSTRAINTS = Constraints()


def greedy(
    step: Step,
    initial_state: Any,
    batch_size: tf.Tensor | int,
    max_length: tf.Tensor | int,
    aligned: bool = False,
    finished: tf.Tensor | None = None,
    start: tf.Tensor | None = None,
    constraints: Constraints = NO_CONSTRAINTS,
) -> Sequences:
    """Write the most probable id at each step, until all rows have ended.

    A row's result does not depend on the other rows: what has ended stays as it is.

    Args:
        step: a step function, see above.
        initial_state: the state before the first step, any structure of tensors (None is none);
            its structure, shapes and dtypes stay.
        batch_size: number of rows; may be 0.
        max_length: no row gets longer, `<eos>` included; at least 1.
        aligned: whether the steps give attention weights.
        finished: bool `(batch,)`, rows that have nothing to write and take no time; None for none.
        start: int32 `(batch,)`, the ids written last; None for `<sos>`.
        constraints: what may not be written.

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

        P(k) ~ exp(logit_k / temperature),  for the ids k that `top_k` and `top_p` leave

    Args:
        step, initial_state, batch_size, max_length, aligned, finished, start, constraints: as in
            `greedy`.
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
    if top_k is not None:
        check_integer("top_k", top_k, least=1)
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"Expected 0 < `top_p` <= 1, got {top_p!r}.")

    def draw(t, logits):
        logits /= temperature
        if top_k is not None or top_p is not None:
            order = tf.argsort(logits, direction="DESCENDING", stable=True)
            rank = tf.argsort(order)
        if top_k is not None:
            logits = tf.where(rank < top_k, logits, -float("inf"))
        if top_p is not None and top_p < 1:
            probabilities = tf.nn.softmax(tf.gather(logits, order, batch_dims=1))
            # An id stays if those before it have not reached `top_p` yet; the first always does.
            before = tf.cumsum(probabilities, axis=1, exclusive=True)
            logits = tf.where(tf.gather(before, rank, batch_dims=1) < top_p, logits, -float("inf"))
        # The largest of logit + Gumbel noise is a draw from the softmax of the logits.
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
    """Let `choose` take an id at each step, by the step's number and its logits.

    Args:
        given: whether `choose` gives `<pad>` where a sequence is over.
    """
    _check_max_length(max_length)
    if finished is None:
        finished = tf.fill([batch_size], False)
    if start is None:
        start = tf.fill([batch_size], SOS_ID)
    ids = tf.TensorArray(tf.int32, size=0, dynamic_size=True, element_shape=[None])
    alignment = tf.TensorArray(tf.float32, size=0, dynamic_size=True, element_shape=[None, None])

    def unfinished(t, previous, finished, *_):
        # The first step is always taken, so that an empty batch has results of full rank.
        return (t == 0) | ((t < max_length) & ~tf.reduce_all(finished))

    def body(t, previous, finished, scores, state, written, ids, alignment):
        logits, weights, state = step(previous, state)
        logits = tf.cast(logits, tf.float32)
        chosen = choose(t, constraints.apply(written, t, logits))
        if given:  # a sequence that is given may end without <eos>
            finished |= chosen == PAD_ID
        gain = tf.gather(logits, chosen, batch_dims=1) - tf.reduce_logsumexp(logits, axis=-1)
        chosen = tf.where(finished, PAD_ID, chosen)
        scores += tf.where(finished, 0.0, gain)
        written = constraints.extend(written, t, chosen)
        ids = ids.write(t, chosen)
        if aligned:
            weights = _weights(weights)
            alignment = alignment.write(t, tf.where(finished[:, None], 0.0, weights))
        finished |= chosen == EOS_ID
        return t + 1, chosen, finished, scores, state, written, ids, alignment

    scores, written = tf.zeros([batch_size]), constraints.begin(batch_size, max_length)
    first = (tf.constant(0), start, finished, scores, initial_state, written, ids, alignment)
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
    aligned: bool = False,
    start: tf.Tensor | None = None,
) -> Sequences:
    """Write the given ids: how probable are they, and where does attention look meanwhile?

    Args:
        step, initial_state, aligned, start: as in `greedy`.
        target: int32 `(batch, length)`, filled with `<pad>`; `length` is 1 or more. A row's score
            is that of a whole sequence if it ends with `<eos>`.

    Returns:
        The `Sequences`, whose ids are those of `target` up to the end of the longest row.
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


def repeat_rows(structure: Any, times: int) -> Any:
    """Each row of the tensors of a nested structure `times` times, one below the other.

    Args:
        structure: a `DecoderMemory`, say; a part that is None or a scalar stays so.
        times: how often.
    """
    return _map_rows(lambda tensor: tf.repeat(tensor, times, axis=0), structure)


def _map_rows(function, structure):
    """`function` of each tensor that has rows, and not of None or of a scalar."""
    return tf.nest.map_structure(
        lambda x: x if x is None or tf.convert_to_tensor(x).shape.rank == 0 else function(x),
        structure,
    )


def beam(
    step: Step,
    initial_state: Any,
    batch_size: tf.Tensor | int,
    max_length: tf.Tensor | int,
    *,
    width: int,
    n_best: int = 1,
    length_penalty: float | str = 0.0,
    coverage_penalty: float = 0.0,
    source_mask: tf.Tensor | None = None,
    aligned: bool = False,
    finished: tf.Tensor | None = None,
    start: tf.Tensor | None = None,
    constraints: Constraints = NO_CONSTRAINTS,
) -> Hypotheses:
    """Follow the `width` most probable beginnings of each row side by side.

        score(y) = log P(y) / lp(y) + beta sum_i log min(sum_j alpha_ij, 1)
        lp(y)    = ((5 + |y|) / 6)^alpha,   or |y|: the mean log probability of an id

    At each step every hypothesis is continued by every id. Those of the `width` best
    continuations that end are set aside, and the `width` best of the others are followed. A row is
    done when `width` hypotheses have ended, or when those under way cannot come out better than
    the `n_best` set aside. A hypothesis that is cut off at `max_length` comes after all that have
    ended. A row's result does not depend on the other rows.

    Args:
        step: a step function of `batch_size * width` rows, the hypotheses of the first row first.
            What it closes over has so many rows too: see `repeat_rows`.
        initial_state: the state of `batch_size` rows before the first step. Each tensor has the
            rows as its first dimension, by which the hypotheses are re-ordered; a scalar belongs
            to all of them.
        batch_size: number of rows; may be 0.
        max_length: no sequence gets longer, `<eos>` included; at least 1.
        width: hypotheses per row. With 1, the result is that of `greedy`.
        n_best: how many to return, at most `width`.
        length_penalty: alpha, 0 for none, or `"average"`. Without it long sequences, being less
            probable, lose against short ones.
        coverage_penalty: beta; it is for hypotheses that have ended, needs attention weights, and
            speaks for those that looked at every source position.
        source_mask: bool `(batch, source_length)`, False at padding, for `coverage_penalty`.
        aligned, constraints: as in `greedy`.
        finished, start: as in `greedy`, of `batch_size` rows.

    Returns:
        The `Hypotheses`. All is one graph, with a loop forth and one back.

    Raises:
        ValueError: if an option is out of its range.

    Source: Graves 2012, "Sequence Transduction with Recurrent Neural Networks"; the penalties are
    those of Wu et al. 2016, "Google's Neural Machine Translation System", section 7.
    """
    _check_max_length(max_length)
    if not 1 <= n_best <= width:
        raise ValueError(f"Expected 1 <= n_best <= width, got n_best={n_best} and width={width}.")
    check_penalty("coverage_penalty", coverage_penalty)
    if coverage_penalty and (source_mask is None or not aligned):
        raise ValueError(
            f"A `coverage_penalty` of {coverage_penalty!r} wants attention weights and a "
            "`source_mask`: give both, or a penalty of 0."
        )
    rescale = _length_penalty(length_penalty)
    if finished is None:
        finished = tf.fill([batch_size], False)
    if start is None:
        start = tf.fill([batch_size], SOS_ID)
    rows, offset = batch_size * width, tf.range(batch_size)[:, None] * width
    coverage = ()
    if coverage_penalty:
        mask = tf.repeat(source_mask, width, axis=0)
        coverage = (tf.zeros_like(mask, tf.float32),)
    live = _Live(
        ids=tf.repeat(start, width),
        # At first a row's hypotheses are all the same, so only one of them may be continued.
        log_p=tf.tile(tf.where(tf.range(width) == 0, 0.0, -float("inf"))[None], [batch_size, 1]),
        state=repeat_rows(initial_state, width),
        written=constraints.begin(rows, max_length),
        coverage=coverage,
    )
    ended = _Ended.none(batch_size, n_best)
    ranks = ((tf.int32, 1), (tf.int32, 1), (tf.float32, 2))[: 3 if aligned else 2]
    path = [
        tf.TensorArray(dtype, size=0, dynamic_size=True, element_shape=[None] * rank)
        for dtype, rank in ranks
    ]

    def unfinished(t, done, *_):
        return (t == 0) | ((t < max_length) & ~tf.reduce_all(done))

    def body(t, done, count, live, ended, path):
        logits, weights, state = step(live.ids, live.state)
        log_p = tf.nn.log_softmax(tf.cast(logits, tf.float32))
        vocabulary_size = tf.shape(log_p)[1]
        log_p = constraints.apply(live.written, t, log_p)
        log_p = live.log_p[:, :, None] + tf.reshape(log_p, [batch_size, width, vocabulary_size])
        # Of so many candidates at most half end, since each hypothesis has one <eos>.
        candidates = 2 * width
        log_p, place = tf.math.top_k(
            tf.reshape(log_p, [batch_size, width * vocabulary_size]), candidates
        )
        parent, ids = offset + place // vocabulary_size, place % vocabulary_size
        ends = ids == EOS_ID

        score = log_p / rescale(t + 1)
        if aligned:
            weights = _weights(weights)
        covered = tuple(each + weights for each in live.coverage)
        for each in covered:
            penalty = tf.math.log(tf.clip_by_value(each, 1e-9, 1.0))
            penalty = tf.reduce_sum(tf.where(mask, penalty, 0.0), axis=1)
            score += coverage_penalty * tf.gather(penalty, parent)
        new = ends & (tf.range(candidates) < width) & (log_p > -float("inf")) & ~done[:, None]
        ended = ended.merge(
            _Ended(
                tf.where(new, score, -float("inf")), log_p, tf.fill(tf.shape(parent), t + 1), parent
            )
        )
        count += tf.math.count_nonzero(new, axis=1, dtype=tf.int32)

        log_p, kept = tf.math.top_k(tf.where(ends, -float("inf"), log_p), width)
        parent, ids = (
            tf.reshape(tf.gather(each, kept, batch_dims=1), [rows]) for each in (parent, ids)
        )
        values = (parent, ids, weights) if aligned else (parent, ids)
        path = [array.write(t, value) for array, value in zip(path, values, strict=True)]
        state, written, covered = _map_rows(
            lambda tensor: tf.gather(tensor, parent), (state, live.written, covered)
        )
        live = _Live(ids, log_p, state, constraints.extend(written, t, ids), covered)
        # The best that can come of those under way: no more is lost, and they get long.
        hope = log_p[:, 0] / rescale(max_length)
        done |= (count >= width) | (hope <= ended.score[:, -1])
        return t + 1, done, count, live, ended, path

    first = (tf.constant(0), finished, tf.zeros_like(start), live, ended, path)
    t, _, _, live, ended, path = tf.while_loop(unfinished, body, first)

    # Where not enough have ended, those that were cut off come next.
    place = tf.range(n_best)
    missing = place >= ended.count[:, None]
    cut = tf.where(missing, place - ended.count[:, None], 0)
    cut_log_p = tf.gather(live.log_p, cut, batch_dims=1)
    log_p = tf.where(missing, cut_log_p, ended.log_p)
    score = tf.where(missing, cut_log_p / rescale(t), ended.score)
    length = tf.where(missing, t, ended.length)
    row = tf.where(missing, offset + cut, ended.row)
    # What was finished before the search has one hypothesis, without an id.
    empty = finished[:, None]
    log_p, score = (
        tf.where(empty, tf.where(place == 0, 0.0, -float("inf")), each) for each in (log_p, score)
    )
    length = tf.where(empty | (score == -float("inf")), 0, length)
    ids, alignment = _follow_back(path, row, length, ~missing)
    return Hypotheses(ids, length, score, log_p, alignment)


class _Live(NamedTuple):
    """The hypotheses that are followed, `width` for each row of the batch.

    Attributes:
        ids: int32 `(batch * width,)`, the ids written last.
        log_p: float32 `(batch, width)`, in descending order.
        state: of the step function.
        written: what the constraints have to know.
        coverage: `(batch * width, source_length)`, the attention so far, or nothing.
    """

    ids: tf.Tensor
    log_p: tf.Tensor
    state: Any
    written: tuple[tf.Tensor, ...]
    coverage: tuple[tf.Tensor, ...]


class _Ended(NamedTuple):
    """The best hypotheses that have ended, each `(batch, n)`, in descending order.

    Attributes:
        score, log_p, length: as in `Hypotheses`; a score of minus infinity where there is none.
        row: which of the live hypotheses was the one before `<eos>`.
    """

    score: tf.Tensor
    log_p: tf.Tensor
    length: tf.Tensor
    row: tf.Tensor

    @classmethod
    def none(cls, batch_size, n):
        nothing, zero = tf.fill([batch_size, n], -float("inf")), tf.zeros([batch_size, n], tf.int32)
        return cls(nothing, nothing, zero, zero)

    @property
    def count(self):
        return tf.math.count_nonzero(self.score > -float("inf"), axis=1, dtype=tf.int32)

    def merge(self, others: _Ended) -> _Ended:
        """The best of both, as many as there are here."""
        together = [tf.concat(pair, axis=1) for pair in zip(self, others, strict=True)]
        _, best = tf.math.top_k(together[0], tf.shape(self.score)[1])
        return _Ended(*(tf.gather(each, best, batch_dims=1) for each in together))


def check_penalty(name: str, value: Any, otherwise: str = "") -> None:
    """Raise a ValueError that names what is no finite number of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < np.inf:
        raise ValueError(f"Expected `{name}` of 0 or more, {otherwise}got {value!r}.")


def _length_penalty(option):
    """The function that `length_penalty` names, of a length."""
    if option == "average":
        return lambda length: tf.cast(length, tf.float32)
    check_penalty("length_penalty", option, "or 'average', ")
    return lambda length: ((5.0 + tf.cast(length, tf.float32)) / 6.0) ** option


def _follow_back(path, row, length, ended):
    """From the last id of hypotheses to their first.

    Args:
        path: arrays by step: whose continuation each live hypothesis is, int32
            `(batch * width,)`, its id, of the same shape, and, if there are any, the attention
            weights of the step, by the hypotheses before it.
        row: int32 `(batch, n)`, the live hypotheses that were the last.
        length: int32 `(batch, n)`.
        ended: bool `(batch, n)`, whether an `<eos>` comes after the live hypothesis.

    Returns:
        `(ids, alignment)` of `Hypotheses`.
    """
    parents, ids, *weights = path
    longest = tf.maximum(tf.reduce_max(length), 1)
    outputs = [tf.TensorArray(tf.int32, longest, element_shape=[None] * 2)]
    outputs += [tf.TensorArray(tf.float32, longest, element_shape=[None] * 3) for _ in weights]

    def body(t, row, outputs):
        written = t < length
        last = ended & (t == length - 1)
        chosen = tf.where(last, EOS_ID, tf.gather(ids.read(t), row))
        row = tf.where(last | ~written, row, tf.gather(parents.read(t), row))
        values = [tf.where(written, chosen, PAD_ID)]
        values += [
            tf.where(written[:, :, None], tf.gather(each.read(t), row), 0.0) for each in weights
        ]
        outputs = [array.write(t, value) for array, value in zip(outputs, values, strict=True)]
        return t - 1, row, outputs

    _, _, outputs = tf.while_loop(lambda t, *_: t >= 0, body, (longest - 1, row, outputs))
    all_ids, *alignment = (output.stack() for output in outputs)
    return (
        tf.transpose(all_ids, [1, 2, 0]),
        tf.transpose(alignment[0], [1, 2, 0, 3]) if alignment else None,
    )
