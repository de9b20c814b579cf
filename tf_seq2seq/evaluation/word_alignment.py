"""Which word of a translation says what a word of its source says, learnt from pairs alone."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


class WordAligner:
    """Finds the words that translate each other, without looking at any model.

    IBM Model 1 has a target word `y` come from one of the source words, each as likely as the
    others, and learns the probabilities by expectation and maximisation:

        p(i | y_j) = t(y_j | x_i) / sum_k t(y_j | x_k)      which source word it came from
        t(y | x)  ~  sum of p(i | y_j) over all places where x_i = x, y_j = y

    It is learnt in both directions. A link joins `x_i` and `y_j` if each is the other's best, and
    neither occurs twice in its sentence: where a word would be linked at random there is no link.

    Args:
        source: ragged int `(n, (source_length))`, ids of the source sentences.
        target: ragged int `(n, (target_length))`, ids of their translations.
        iterations: of the learning.

    Call arguments:
        source, target: int `(source_length,)` and `(target_length,)`, ids of a sentence pair.

    Returns:
        Links `(i, j)`, counted from 0, in ascending order of `j`.

    Example:

    ```python
    align = WordAligner(english.encode(corpus.train.source), chinese.encode(corpus.train.target))
    align(english.encode(["I read books."])[0].numpy(), chinese.encode(["我看书。"])[0].numpy())
    # [(0, 0), (1, 1), (2, 2), (3, 3)]
    ```

    Source: Brown et al. 1993, "The Mathematics of Statistical Machine Translation", section 4.2;
    the best of both directions after Och and Ney 2003, section 4.3.
    """

    def __init__(self, source: tf.RaggedTensor, target: tf.RaggedTensor, iterations: int = 5):
        # All that can be linked: each source word with each target word of its sentence pair. A
        # slot is the place of a word in the corpus, a key tells the two words apart.
        xs, ys = source.flat_values.numpy(), target.flat_values.numpy()
        x_slots, y_slots = _couples(source.row_lengths().numpy(), target.row_lengths().numpy())
        self._keys, at = np.unique(_keys(xs[x_slots], ys[y_slots]), return_inverse=True)
        known_x, known_y = self._keys >> 32, self._keys & 0xFFFFFFFF
        self._target_given_source = _model_1(at, y_slots, known_x, iterations)
        self._source_given_target = _model_1(at, x_slots, known_y, iterations)

    def __call__(self, source: np.ndarray, target: np.ndarray) -> list[tuple[int, int]]:
        keys = _keys(np.asarray(source)[:, None], np.asarray(target)[None, :])
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        known = self._keys[at] == keys
        best_source = np.where(known, self._target_given_source[at], 0.0).argmax(axis=0)
        best_target = np.where(known, self._source_given_target[at], 0.0).argmax(axis=1)
        return [
            (int(i), j)
            for j, i in enumerate(best_source)
            if best_target[i] == j
            and known[i, j]
            and np.sum(source == source[i]) == np.sum(target == target[j]) == 1
        ]


def _keys(x, y):
    return x.astype(np.int64) << 32 | y


def _couples(x_lengths, y_lengths):
    """The slots of all couples of words that stand in the two sentences of a pair."""
    x_starts, y_starts = (np.cumsum(lengths) - lengths for lengths in (x_lengths, y_lengths))
    couples = [
        np.mgrid[x : x + width, y : y + height].reshape(2, -1)
        for x, width, y, height in zip(x_starts, x_lengths, y_starts, y_lengths, strict=True)
    ]
    return np.concatenate(couples, axis=1)


def _model_1(at, slots, given, iterations):
    """`t` of each key, from the couples' keys, the slots of their targets and each key's source."""
    t = np.ones(len(given))
    for _ in range(iterations):
        share = t[at]
        share /= np.bincount(slots, share)[slots]
        counts = np.bincount(at, share)
        t = counts / np.bincount(given, counts)[given]
    return t
