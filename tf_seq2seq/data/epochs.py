"""The order of the pairs and the batches in each epoch, which the seed and the epoch determine.

No order depends on an earlier one. A training run can therefore be resumed at any batch without
going through the batches before it, and without reading them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf


class BatchPlan(NamedTuple):
    """The boundaries of the batches in the list of pairs, sorted by bucket.

    Attributes:
        starts: the position of each batch's first pair in the sorted order, int `(batches,)`.
        sizes: the number of rows of each batch, int `(batches,)`.
        widths: the widths of the source and the target of each batch, int `(batches, 2)`.
    """

    starts: np.ndarray
    sizes: np.ndarray
    widths: np.ndarray


def plan_batches(counts: np.ndarray, widths: np.ndarray, rows: np.ndarray) -> BatchPlan:
    """Cut buckets into full batches, and move the remaining pairs into the next bucket.

    Args:
        counts: the number of pairs in each bucket, int `(buckets,)`.
        widths: the widths of the source and the target of each bucket, ascending, int
            `(buckets, 2)`.
        rows: the number of rows of a full batch of each bucket, int `(buckets,)`.

    Returns:
        The batches, narrow ones first. Only the last may be short.
    """
    sizes, batch_widths, waiting = [], [], 0
    for count, width, size in zip(counts, widths, rows, strict=True):
        full, waiting = divmod(waiting + count, size)
        sizes += [size] * full
        batch_widths += [width] * full
    if waiting:
        sizes.append(waiting)
        batch_widths.append(widths[-1])
    starts = np.cumsum([0, *sizes[:-1]])
    return BatchPlan(starts, np.array(sizes), np.array(batch_widths))


class Epochs:
    """The order of pairs and batches in each epoch, and the batch at which an iteration begins.

    Args:
        buckets: the bucket of each pair, int `(pairs,)`.
        num_batches: the number of batches per epoch.
        shuffle_seed: the seed of all orders; None for the same order in each epoch.

    Attributes:
        members: the pairs, sorted by bucket, int `(pairs,)`.
        position: the epoch and the batch at which the next iteration begins.
    """

    def __init__(self, buckets: np.ndarray, num_batches: int, shuffle_seed: int | None):
        dtype = np.int32 if len(buckets) < 2**31 else np.int64
        self.members = np.argsort(buckets, kind="stable").astype(dtype)
        self.position = 0, 0
        self._ends = np.cumsum(np.bincount(buckets))
        self._num_batches = num_batches
        self._seed = shuffle_seed

    def begin(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the orders for one iteration, and go to the next epoch.

        Returns:
            The pairs, sorted by bucket and shuffled within each bucket, int `(pairs,)`; and the
            order of the batches, int64 `(batches,)`. Those before `position` come last.
        """
        epoch, step = self.position
        self.position = epoch + 1, 0
        pairs, batches = self.members, np.arange(self._num_batches)
        if self._seed is not None:
            # A seed of NumPy is not negative.
            random = np.random.default_rng([abs(self._seed), int(self._seed < 0), epoch])
            pairs = pairs.copy()
            for bucket in np.split(pairs, self._ends[:-1]):
                random.shuffle(bucket)
            random.shuffle(batches)
        return pairs, np.roll(batches, -step)

    def dataset(self) -> tf.data.Dataset:
        """Return a dataset of what `begin` returns, which each iteration calls once."""

        @tf.autograph.experimental.do_not_convert
        def orders(_):
            kinds = tf.as_dtype(self.members.dtype), tf.int64
            pairs, batches = tf.numpy_function(self.begin, [], kinds)
            return tf.ensure_shape(pairs, [None]), tf.ensure_shape(batches, [None])

        return tf.data.Dataset.from_tensors(0).map(orders)


def start_at(dataset: tf.data.Dataset, epoch: int, step: int) -> bool:
    """Let the next iteration over a dataset of `batches` begin in the middle of its epochs.

    The iteration has as many batches as any: after the last one of the epoch, those before `step`
    follow.

    Args:
        dataset: the batches.
        epoch: the epoch, from 0.
        step: the batch within the epoch, from 0.

    Returns:
        Whether the dataset can do that. Only the result of `batches` can, and no dataset derived
        from it.
    """
    epochs = getattr(dataset, "epochs", None)
    if not isinstance(epochs, Epochs):
        return False
    epochs.position = epoch, step
    return True
