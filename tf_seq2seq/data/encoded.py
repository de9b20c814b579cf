"""Sentence pairs as ids: what `batches` needs of them, and those that are kept in memory."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from tf_seq2seq.data.corpus import Pairs
from tf_seq2seq.errors import InputError
from tf_seq2seq.files import LINES_PER_CHUNK
from tf_seq2seq.text import EOS_ID, SOS_ID, UNK_ID, Tokenizer


class Encoded(Protocol):
    """The `n` sentence pairs to make batches of, in memory or on disk."""

    @property
    def lengths(self) -> np.ndarray:
        """The number of tokens of the source and the target, with one `<eos>` each, `(n, 2)`."""

    @property
    def dropped(self) -> dict[str, int]:
        """The number of pairs that were dropped, by reason."""

    @property
    def unknown(self) -> tuple[float, float]:
        """The fraction of `<unk>` among the tokens of each side, not counting `<eos>`."""

    def gather(self, members: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """Return some pairs inside a graph.

        Args:
            members: positions, int `(rows,)`.

        Returns:
            The sources, ragged int32 `(rows, (source_length))`, each row `ids <eos>`; and the
            targets, ragged int32 `(rows, (target_length + 1))`, each row `<sos> ids <eos>`.
        """


class EncodedPairs(NamedTuple):
    """The `n` sentence pairs that are kept in memory, as ids.

    Attributes:
        source: ragged int32 `(n, (source_length))`, each row `ids <eos>`.
        target: ragged int32 `(n, (target_length + 1))`, each row `<sos> ids <eos>`.
        dropped: the number of pairs that were dropped, by reason.
    """

    source: tf.RaggedTensor
    target: tf.RaggedTensor
    dropped: dict[str, int]

    @property
    def lengths(self) -> np.ndarray:
        """The lengths of the source and the target of each pair, int64 `(n, 2)`."""
        source, target = (side.row_lengths().numpy() for side in (self.source, self.target))
        return np.stack([source, target - 1], axis=1)

    @property
    def unknown(self) -> tuple[float, float]:
        """The fraction of `<unk>` among the tokens of each side, not counting `<eos>`."""

        def share(ids, added_per_row):
            unknown = np.sum(ids.flat_values.numpy() == UNK_ID)
            return float(unknown / (len(ids.flat_values) - added_per_row * ids.nrows().numpy()))

        return share(self.source, 1), share(self.target, 2)

    def gather(self, members: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """Return some pairs inside a graph (see `Encoded`)."""
        return tf.gather(self.source, members), tf.gather(self.target, members)


def encode_pairs(
    pairs: Pairs, source_tokenizer: Tokenizer, target_tokenizer: Tokenizer, max_length: int = 50
) -> EncodedPairs:
    """Tokenize both sides, and drop and count the pairs that are empty or too long.

    Args:
        pairs: the sentence pairs.
        source_tokenizer: the tokenizer of the source side.
        target_tokenizer: the tokenizer of the target side.
        max_length: the maximum number of tokens of either side, including `<eos>`.

    Returns:
        The ids of the pairs that are kept, in the order of `pairs`. A pair that is dropped for
        several reasons is counted under the first.

    Raises:
        InputError: if `pairs` is empty or no pair is kept.
        RuntimeError: if a tokenizer has no vocabulary.
    """
    check_not_empty(len(pairs))
    for tokenizer in (source_tokenizer, target_tokenizer):
        getattr(tokenizer, "vocabulary", None)  # raises here, not in the graph, if it is missing

    # AutoGraph would have nothing to convert, and takes most of a second to find that out.
    @tf.autograph.experimental.do_not_convert
    def encode(source, target):
        return source_tokenizer.encode(source), target_tokenizer.encode(target)

    lines = tf.data.Dataset.from_tensor_slices((list(pairs.source), list(pairs.target)))
    chunks = lines.batch(LINES_PER_CHUNK).map(encode, num_parallel_calls=tf.data.AUTOTUNE)
    source, target = (tf.concat(side, axis=0) for side in zip(*chunks, strict=True))

    lengths = np.stack([side.row_lengths().numpy() + 1 for side in (source, target)], axis=1)
    keep, dropped = choose_pairs(lengths, max_length)
    source, target = tf.ragged.boolean_mask(source, keep), tf.ragged.boolean_mask(target, keep)
    column = tf.ones([source.nrows(), 1], tf.int32)
    return EncodedPairs(
        source=tf.concat([source, EOS_ID * column], axis=1),
        target=tf.concat([SOS_ID * column, target, EOS_ID * column], axis=1),
        dropped=dropped,
    )


def check_not_empty(pairs: int) -> None:
    """Refuse a corpus without pairs.

    Raises:
        InputError: if `pairs` is 0.
    """
    if not pairs:
        raise InputError("The corpus contains no sentence pairs: pass at least one.")


def choose_pairs(lengths: np.ndarray, max_length: int) -> tuple[np.ndarray, dict[str, int]]:
    """Choose the pairs that are neither empty nor too long.

    Args:
        lengths: the lengths of the source and the target, including `<eos>`, int `(n, 2)`.
        max_length: the maximum of both.

    Returns:
        Whether each pair is kept, bool `(n,)`, and the number of the others by reason.

    Raises:
        InputError: if no pair is kept.
    """
    keep = np.ones(len(lengths), bool)
    dropped = {}
    for reason, is_dropped in (("empty", lengths == 1), ("overlong", lengths > max_length)):
        for side, applies in zip(("source", "target"), is_dropped.T, strict=True):
            dropped[f"{reason} {side}"] = int(np.sum(keep & applies))
            keep &= ~applies
    if not keep.any():
        raise InputError(_nothing_left(lengths, max_length))
    return keep, dropped


def _nothing_left(lengths, max_length):
    filled = (lengths > 1).all(axis=1)
    if not filled.any():
        return f"All {len(filled)} pairs have an empty side: pass a corpus with text on both sides."
    shortest = lengths[filled].max(axis=1).min()
    return (
        f"All {len(filled)} pairs are too long: the shortest has {shortest} tokens, including "
        f"<eos>; raise max_length={max_length} to {shortest} or more."
    )
