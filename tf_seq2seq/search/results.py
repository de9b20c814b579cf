"""The results of a search."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class Sequences(NamedTuple):
    """One sequence for each row of the batch.

    Attributes:
        ids: int32 `(batch, length)`. Each row ends with `<eos>`, unless it was cut off at the
            maximum length, and is padded with `<pad>`. `length` is that of the longest row.
        lengths: int32 `(batch,)`, the number of ids of each row, including `<eos>`.
        scores: float32 `(batch,)`, the log probability of each row in nats.
        alignment: float32 `(batch, length, source_length)`, the attention weights of each step,
            zero where `ids` is padding. None if the search was not `aligned`.
    """

    ids: tf.Tensor
    lengths: tf.Tensor
    scores: tf.Tensor
    alignment: tf.Tensor | None


class Hypotheses(NamedTuple):
    """The `n_best` best sequences for each row of the batch, in descending order of score.

    Attributes:
        ids: int32 `(batch, n_best, length)`. Each sequence ends with `<eos>`, unless it was cut
            off at the maximum length, and is padded with `<pad>`. `length` is that of the longest.
        lengths: int32 `(batch, n_best)`, the number of ids, including `<eos>`.
        scores: float32 `(batch, n_best)`, the log probabilities with the penalties for length and
            coverage, by which the sequences are ordered. If there are fewer than `n_best`
            sequences, the rest have a score of minus infinity and a length of 0.
        log_probabilities: float32 `(batch, n_best)`, in nats.
        alignment: float32 `(batch, n_best, length, source_length)`, the attention weights of each
            step, zero where `ids` is padding. None if the search was not `aligned`.
    """

    ids: tf.Tensor
    lengths: tf.Tensor
    scores: tf.Tensor
    log_probabilities: tf.Tensor
    alignment: tf.Tensor | None

    def best(self) -> Sequences:
        """Return the first sequence of each row, with its log probability as the score."""
        alignment = None if self.alignment is None else self.alignment[:, 0]
        return Sequences(
            self.ids[:, 0], self.lengths[:, 0], self.log_probabilities[:, 0], alignment
        )
