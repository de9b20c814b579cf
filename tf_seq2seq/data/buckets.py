"""Buckets of sentence pairs of similar lengths, with little padding.

The pairs of a bucket are padded to the same two widths, one for each side. The buckets form a
chain: each is at least as wide as the one before it on both sides, so a pair also fits into all
later buckets. A pair is assigned by the larger of its two ranks:

    rank of a length = number of sentences on the same side that are not longer

Ranks rather than lengths are compared because one language may need more words than the other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Buckets(NamedTuple):
    """Buckets and the pairs in them.

    Attributes:
        of_pairs: the bucket of each pair, unsigned int `(pairs,)`.
        widths: the width of the source and the target of each bucket, int `(buckets, 2)`.
    """

    of_pairs: np.ndarray
    widths: np.ndarray


def fit_buckets(lengths: np.ndarray, num_buckets: int) -> Buckets:
    """Find the chain of buckets that needs the least padding in all.

    Args:
        lengths: the lengths of the source and the target of each pair, int `(pairs, 2)`.
        num_buckets: the maximum number of buckets.

    Returns:
        The buckets, narrow ones first. The last is as wide as the longest sentence of each side.

    Example:

    >>> lengths = np.array([[2, 1], [2, 1], [4, 2], [9, 5]])
    >>> fit_buckets(lengths, 2).widths
    array([[4, 2],
           [9, 5]])
    """
    # Large corpora have few different lengths, so only the last line handles all pairs.
    distinct, place, counts = _distinct(lengths)
    ranks, classes = np.unique(_ranks(distinct, counts).max(axis=1), return_inverse=True)
    widths = np.zeros([len(ranks), 2], np.int64)
    np.maximum.at(widths, classes, distinct)
    widths = np.maximum.accumulate(widths)
    class_counts = np.bincount(classes, weights=counts).astype(np.int64)
    last = _least_padding(widths.sum(axis=1), class_counts, num_buckets)
    buckets = np.searchsorted(last, classes).astype(np.min_scalar_type(len(last)))
    return Buckets(buckets[place], widths[last])


def _distinct(lengths):
    """Return the distinct pairs of lengths, the place of each pair in them, and their counts."""
    source, target = lengths.T
    keys = source.astype(np.uint64) << np.uint64(32) | target.astype(np.uint64)
    distinct = np.unique(keys)
    place = np.searchsorted(distinct, keys)
    sides = np.stack([distinct >> np.uint64(32), distinct & np.uint64(2**32 - 1)], axis=1)
    return sides.astype(np.int64), place, np.bincount(place)


def _ranks(distinct, counts):
    """Return for each length the number of sentences on its side that are not longer."""

    def ranks(side):
        _, place = np.unique(side, return_inverse=True)
        return np.cumsum(np.bincount(place, weights=counts))[place]

    return np.stack([ranks(side) for side in distinct.T], axis=1)


def _least_padding(sizes, counts, num_buckets):
    """Divide a chain of classes into buckets with the least total size.

    Each class takes up the size of the last class of its bucket. This is dynamic programming: the
    least total size of the classes up to `b` in `k` buckets, of which `b` ends the last, is

    ```
    total[k, b] = min over a < b of total[k - 1, a] + sizes[b] * (number of pairs in (a, b])
    ```

    Args:
        sizes: ascending, int `(classes,)`.
        counts: the number of pairs in each class, int `(classes,)`.
        num_buckets: the maximum number of buckets.

    Returns:
        The last class of each bucket, int `(buckets,)`.
    """
    up_to = np.concatenate([[0], np.cumsum(counts)])
    # Row a, column b: the total size of the classes a to b - 1 in one bucket.
    step = np.concatenate([[0], sizes]) * (up_to - up_to[:, None])
    step = np.where(up_to > up_to[:, None], step, np.inf)
    total, choices = np.where(up_to == 0, 0.0, np.inf), []
    for _ in range(min(num_buckets, len(sizes))):
        options = total[:, None] + step
        choices.append(options.argmin(axis=0))
        total = options.min(axis=0)

    last, b = [], len(sizes)
    for choice in reversed(choices):
        last.append(b - 1)
        b = choice[b]
    return np.array(last[::-1])
