"""Accuracy of predictions by position in the source."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from tf_seq2seq.checks import check_integer
from tf_seq2seq.text import PAD_ID


def accuracy_by_position(
    model: Callable,
    dataset: Iterable,
    align: Callable[[np.ndarray, np.ndarray], Iterable[tuple[int, int]]],
    num_parts: int = 10,
) -> np.ndarray:
    """Measure how well target tokens are predicted, by the position of their source token.

    A token is predicted from the source and the true tokens before it (teacher forcing). If
    it were predicted from the model's output, one early mistake would affect all later positions.

    Args:
        model: maps the inputs of a batch to logits `(batch, target_length, vocabulary_size)`, as a
            `Seq2Seq` does.
        dataset: batches `({"source": ids, "target": ids}, labels)` as `data.batches` makes them.
        align: maps the ids of a source and a target sentence, without `<eos>`, to pairs `(i, j)`
            of tokens that translate each other: source `i` and target `j`, counted from 0. For
            instance a `WordAligner`.
        num_parts: number of parts of equal length that each source is divided into, at least 1.

    Returns:
        Float `(num_parts,)`: the share of correct predictions, 0 to 1, from the first part of the
        sources to the last; NaN for a part with no aligned tokens.

    Raises:
        InputError: if `num_parts` is out of range.

    Example:

    The ids of the copy task: source token `i` is target token `i`.

    >>> ids = np.array([[4, 5, 3]])
    >>> logits = np.eye(6)[[[4, 4, 3]]]  # the second token is wrong
    >>> batch = {"source": ids, "target": ids}, ids
    >>> def same(source, target):
    ...     return [(i, i) for i in range(len(source))]
    >>> accuracy_by_position(lambda inputs: logits, [batch], same, num_parts=2)
    array([1., 0.])
    """
    num_parts = check_integer("num_parts", num_parts, minimum=1)
    right, counted = np.zeros(num_parts), np.zeros(num_parts)
    for inputs, labels in dataset:
        best = np.argmax(model(inputs), axis=-1)
        rows = zip(np.asarray(inputs["source"]), np.asarray(labels), best, strict=True)
        for source, target, predicted in rows:
            source, target = (ids[ids != PAD_ID][:-1] for ids in (source, target))
            for i, j in align(source, target):
                part = i * num_parts // len(source)
                right[part] += predicted[j] == target[j]
                counted[part] += 1
    return np.divide(right, counted, out=np.full(num_parts, np.nan), where=counted > 0)
