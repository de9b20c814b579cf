"""Accuracy by the position in the source."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from tf_seq2seq.text import PAD_ID


def accuracy_by_position(
    model: Callable,
    dataset: Iterable,
    align: Callable[[np.ndarray, np.ndarray], Iterable[tuple[int, int]]],
    num_parts: int = 10,
) -> np.ndarray:
    """How well target tokens are predicted, by where in the source their counterpart stands.

    A token is predicted from the source and the true tokens before it (teacher forcing): had the
    model to live with its own, one early mistake would count at all positions after it.

    Args:
        model: gives logits `(batch, target_length, vocabulary_size)` for a batch's inputs, as a
            `Seq2Seq` does.
        dataset: batches `({"source": ids, "target": ids}, labels)` as `data.batches` makes them.
        align: which tokens belong together. It is called with the ids of a source and a target
            sentence, without `<eos>`, and gives pairs `(i, j)`: target `j` says what source `i`
            says, counted from 0. For instance a `WordAligner`.
        num_parts: into how many parts of equal length each source is divided.

    Returns:
        Float `(num_parts,)`: the share of right predictions, 0 to 1, from the first part of the
        sources to the last; NaN for a part without a counted token.

    Example:

    ```python
    # In the copy task the i-th source token is the i-th target token.
    accuracy_by_position(model, batches, lambda source, target: enumerate(range(len(source))))
    ```
    """
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
