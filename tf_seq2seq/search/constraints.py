"""Constraints on the ids that a search may choose.

To add one, subclass `Constraint` and add an option to `Constraints`.
"""

from __future__ import annotations

import dataclasses
from typing import Any, TypedDict

import tensorflow as tf

from tf_seq2seq.checks import check_flag, check_integer
from tf_seq2seq.errors import InputError
from tf_seq2seq.search.steps import top_k
from tf_seq2seq.text import EOS_ID, PAD_ID, SOS_ID, UNK_ID


class Constraint:
    """A rule that forbids some ids at each step of a search.

    A constraint that depends on the ids chosen so far keeps a memory of them: any nested structure
    of tensors whose first dimension is the rows. The search passes it from step to step, and
    reorders its rows along with the hypotheses. Constraints must be immutable and hashable, like
    frozen dataclasses, because they are part of the keys of the cache of compiled graphs.

    Example:

    >>> class OnlyEvenIds(s2s.search.Constraint):
    ...     def apply(self, memory, t, logits):
    ...         odd = tf.range(tf.shape(logits)[1]) % 2 == 1
    ...         return tf.where(odd, -float("inf"), logits)
    >>> constraints = s2s.search.Constraints(others=(OnlyEvenIds(),))
    """

    def begin(self, rows: tf.Tensor | int, max_length: tf.Tensor | int) -> Any:
        """Return the memory before the first step.

        Args:
            rows: the number of rows: the batch size, times the width in a beam search.
            max_length: the maximum number of steps.
        """
        return ()

    def extend(self, memory: Any, t: tf.Tensor, ids: tf.Tensor) -> Any:
        """Return the memory after step `t`.

        Args:
            memory: the memory before the step.
            t: int32 scalar, the step, from 0.
            ids: int32 `(rows,)`, the ids chosen at this step.
        """
        return memory

    def apply(self, memory: Any, t: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """Return the logits of step `t`, with minus infinity for the forbidden ids.

        Args:
            memory: the memory before the step.
            t: int32 scalar, the step, from 0.
            logits: float32 `(rows, vocabulary_size)`, logits or log probabilities.
        """
        raise NotImplementedError


def _listed(name: str, value: Any) -> list | tuple:
    if not isinstance(value, list | tuple):
        raise InputError(f"`{name}` must be a tuple, got {value!r}.")
    return value


@dataclasses.dataclass(frozen=True)
class ForbidIds(Constraint):
    """Forbid certain ids.

    Args:
        ids: the ids.

    Raises:
        InputError: if they are not integers.
    """

    ids: tuple[int, ...]

    def __post_init__(self):
        # A tuple is hashable, as a constraint has to be.
        ids = tuple(check_integer("ids", each, minimum=0) for each in _listed("ids", self.ids))
        object.__setattr__(self, "ids", ids)

    def apply(self, memory: Any, t: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        vocabulary = tf.range(tf.shape(logits)[1])
        forbidden = tf.reduce_any(vocabulary[:, None] == tf.constant(self.ids, tf.int32), axis=1)
        return tf.where(forbidden, -float("inf"), logits)


@dataclasses.dataclass(frozen=True)
class MinLength(Constraint):
    """Forbid `<eos>` before `length` other ids.

    Args:
        length: the minimum number of ids before `<eos>`, at least 0.

    Raises:
        InputError: if it is not such an integer.
    """

    length: int

    def __post_init__(self):
        object.__setattr__(self, "length", check_integer("length", self.length, minimum=0))

    def apply(self, memory: Any, t: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        too_early = (tf.range(tf.shape(logits)[1]) == EOS_ID) & (t < self.length)
        return tf.where(too_early, -float("inf"), logits)


@dataclasses.dataclass(frozen=True)
class NoRepeatNgram(Constraint):
    """Forbid repeating an n-gram within a sequence.

    The memory is the ids chosen so far, int32 `(rows, max_length)`, padded with `<pad>`.

    Args:
        n: the length of the n-grams, at least 1.

    Raises:
        InputError: if it is not such an integer.

    Source: Paulus et al. 2018, "A Deep Reinforced Model for Abstractive Summarization", section
    2.5.
    """

    n: int

    def __post_init__(self):
        object.__setattr__(self, "n", check_integer("n", self.n, minimum=1))

    def begin(self, rows: tf.Tensor | int, max_length: tf.Tensor | int) -> tf.Tensor:
        return tf.fill([rows, max_length], PAD_ID)

    def extend(self, memory: tf.Tensor, t: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
        return tf.where(tf.range(tf.shape(memory)[1]) == t, ids[:, None], memory)

    def apply(self, memory: tf.Tensor, t: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        n, max_length = self.n, tf.shape(memory)[1]
        # An n-gram that begins at i ends at i + n - 1. Its last id is forbidden now if the ids
        # before it equal the n - 1 most recent ids.
        starts = tf.range(max_length)
        places = tf.minimum(starts[:, None] + tf.range(n), max_length - 1)
        ngrams = tf.gather(memory, places, axis=1)  # (rows, max_length, n)
        last = tf.gather(memory, tf.maximum(t - n + 1 + tf.range(n - 1), 0), axis=1)
        same = tf.reduce_all(ngrams[:, :, :-1] == last[:, None], axis=2) & (starts + n <= t)
        # N-grams that forbid nothing are marked with <pad>, which is always forbidden.
        repeated = tf.where(same, ngrams[:, :, -1], PAD_ID)
        rows = tf.broadcast_to(tf.range(tf.shape(memory)[0])[:, None], tf.shape(repeated))
        indices = tf.stack([rows, repeated], axis=2)
        return tf.tensor_scatter_nd_min(logits, indices, tf.fill(tf.shape(repeated), -float("inf")))


_NEVER = ForbidIds((PAD_ID, SOS_ID))


class ConstraintKeywords(TypedDict, total=False):
    """The type of the arguments of `Constraints`, for functions that take them as keywords."""

    min_length: int
    no_repeat_ngram: int
    forbid_unknown: bool
    others: tuple[Constraint, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Constraints:
    """All constraints on a search. `<pad>` and `<sos>` are always forbidden.

    If every id is forbidden, the sequence ends.

    Args:
        min_length: the minimum number of ids before `<eos>`.
        no_repeat_ngram: the length of n-grams that may not occur twice in a sequence; 0 to allow
            all repetitions.
        forbid_unknown: whether to forbid `<unk>`.
        others: custom constraints.

    Raises:
        InputError: if an argument is invalid.
    """

    min_length: int = 0
    no_repeat_ngram: int = 0
    forbid_unknown: bool = False
    others: tuple[Constraint, ...] = ()

    def __post_init__(self):
        checked = {
            "min_length": check_integer("min_length", self.min_length, minimum=0),
            "no_repeat_ngram": check_integer("no_repeat_ngram", self.no_repeat_ngram, minimum=0),
            "forbid_unknown": check_flag("forbid_unknown", self.forbid_unknown),
            "others": tuple(_listed("others", self.others)),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        for other in self.others:
            if not isinstance(other, Constraint):
                raise InputError(
                    f"`others` must be instances of `Constraint` subclasses, got {other!r}."
                )

    def chosen(self) -> tuple[Constraint, ...]:
        """Return the constraints that these options select."""
        chosen: list[Constraint] = []
        if self.forbid_unknown:
            chosen.append(ForbidIds((UNK_ID,)))
        if self.min_length:
            chosen.append(MinLength(self.min_length))
        if self.no_repeat_ngram:
            chosen.append(NoRepeatNgram(self.no_repeat_ngram))
        return (*chosen, *self.others)

    def begin(self, rows: tf.Tensor | int, max_length: tf.Tensor | int) -> tuple[Any, ...]:
        """Return the memories before the first step: see `Constraint.begin`."""
        return tuple(each.begin(rows, max_length) for each in self.chosen())

    def extend(self, memories: tuple[Any, ...], t: tf.Tensor, ids: tf.Tensor) -> tuple[Any, ...]:
        """Return the memories after step `t`: see `Constraint.extend`."""
        pairs = zip(self.chosen(), memories, strict=True)
        return tuple(each.extend(memory, t, ids) for each, memory in pairs)

    def apply(self, memories: tuple[Any, ...], t: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """Return the logits of step `t`, with minus infinity for the forbidden ids.

        Args:
            memories: from `begin` or `extend`.
            t: int32 scalar, the step, from 0.
            logits: float32 `(rows, vocabulary_size)`, logits or log probabilities.
        """
        allowed = _NEVER.apply((), t, logits)
        chosen = self.chosen()
        for each, memory in zip(chosen, memories, strict=True):
            allowed = each.apply(memory, t, allowed)
        if not chosen:
            return allowed
        nothing_left = tf.reduce_max(allowed, axis=1, keepdims=True) == -float("inf")
        is_eos = tf.range(tf.shape(logits)[1]) == EOS_ID
        return tf.where(nothing_left & is_eos, logits, allowed)

    def argmax(self, memories: tuple[Any, ...], t: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """Return the ids of the largest logits of `apply`, int32 `(rows,)`."""

        def allowed():
            return tf.argmax(self.apply(memories, t, logits), axis=-1, output_type=tf.int32)

        if self.chosen():
            return allowed()
        # Models hardly ever prefer the ids that are always forbidden.
        best = tf.argmax(logits, axis=-1, output_type=tf.int32)
        return tf.cond(tf.reduce_any(_forbidden(best)), allowed, lambda: best)

    def best(
        self, memories: tuple[Any, ...], t: tf.Tensor, logits: tf.Tensor, count: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the `count` largest logits of `apply`, or more, and their ids, each `(rows, n)`.

        The first id is an id of the largest logit, even if it is forbidden, unless there are
        constraints; forbidden ids have a logit of minus infinity.
        """
        if self.chosen():
            return top_k(self.apply(memories, t, logits), count)
        # Forbidding a few ids among the best takes less time than among all.
        best, ids = top_k(logits, count + len(_NEVER.ids))
        return tf.where(_forbidden(ids), -float("inf"), best), ids


def _forbidden(ids):
    """Return which ids are always forbidden."""
    return tf.reduce_any(ids[..., None] == tf.constant(_NEVER.ids), axis=-1)


NO_CONSTRAINTS = Constraints()


def check_constraints(value: Any) -> Constraints:
    """Return `value` if it is `Constraints`.

    Raises:
        InputError: if it is anything else. A single `Constraint` would lift the ban on `<pad>`.
    """
    if not isinstance(value, Constraints):
        raise InputError(f"`constraints` must be `Constraints`, got {value!r}.")
    return value
