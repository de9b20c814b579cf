"""From sentence pairs to batches of few fixed shapes.

A batch is as wide as its longest sentence, and XLA compiles a program for each shape it meets.
Batches of random pairs are therefore half padding, in hundreds of shapes. Here each pair goes by
its length to one of a few *buckets*, and all batches of a bucket have one shape. The widths of
the buckets are those that waste the least padding on the lengths at hand.

All that can be known before training is worked out once: the sentences are tokenised, measured
and kept in memory as ids, and the cuts between batches are planned. An epoch is then no more than
a permutation of the pairs, and a batch no more than a gather.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_seq2seq.data.corpus import Pairs
from tf_seq2seq.errors import InputError
from tf_seq2seq.files import LINES_PER_CHUNK
from tf_seq2seq.text import EOS_ID, PAD_ID, SOS_ID, UNK_ID, Tokenizer


def batches(
    pairs: Pairs,
    source_tokenizer: Tokenizer,
    target_tokenizer: Tokenizer,
    *,
    tokens: int = 4096,
    batch_size: int | None = None,
    max_length: int = 50,
    num_buckets: int = 8,
    shuffle_seed: int | None = None,
    drop_remainder: bool = False,
    num_shards: int = 1,
    shard_index: int = 0,
    report: Callable[[Summary], object] | None = None,
) -> tf.data.Dataset:
    """Tokenises sentence pairs and serves them as bucketed batches for training or evaluation.

    A batch is what `keras.Model.fit` takes, with `ids` the tokens of a sentence:

    ```
    ({"source": ids <eos>, "target": <sos> ids}, labels: ids <eos>)
    ```

    each an int32 array `(rows, width)`, padded on the right with `<pad>` = 0. Both sides of a
    batch have one width. Pairs that do not fill a batch of their bucket move up to the next wider
    one: at most one batch of an epoch is short, and no pair is lost.

    The sentences are tokenised here and now, once; the epochs read ids from memory.

    Args:
        pairs: the sentence pairs.
        source_tokenizer: the tokenizer of the source side.
        target_tokenizer: the tokenizer of the target side.
        tokens: the size of a batch in tokens of one side, padding included. The rows that make
            it up, if 8 or more, are rounded down to a multiple of 8, which the replicas of a
            strategy and the tiles of a GPU share evenly.
        batch_size: the size of a batch in rows, whatever the width, instead of `tokens`.
        max_length: the width of the widest batch. A pair is dropped if one of its sides is longer
            (the `<eos>` counts), or has no token at all.
        num_buckets: the most widths that the batches may have.
        shuffle_seed: seed of the shuffling, which orders each epoch anew. The seed, with that of
            `tf.random.set_seed`, decides the whole series of epochs: a second dataset of the same
            seed repeats it. None for one fixed order, narrow batches first.
        drop_remainder: whether to leave out the short batch, if there is one. Which pairs
            are in it differs from epoch to epoch when shuffling.
        num_shards: the number of workers that train in step. All workers plan the same batches,
            and each takes its own rows of every batch, so that shapes agree at each step. A short
            batch with fewer rows than workers is left out.
        shard_index: the number of this worker, counted from 0.
        report: called once with the `Summary` of the batches; for instance `print`.

    Returns:
        A prefetched dataset of known cardinality. Under a strategy, pass it to `fit` or to
        `strategy.experimental_distribute_dataset`, which deal the rows of a batch out to the
        replicas. With `num_shards`, where it yields a worker's share already, go through
        `strategy.distribute_datasets_from_function`.

    Raises:
        InputError: if no pair is fit to be kept or a size is out of range.

    Example:

    ```python
    train = batches(corpus.train, english, chinese, tokens=4096, shuffle_seed=1, report=print)
    model.fit(train, validation_data=batches(corpus.dev, english, chinese), epochs=5)
    ```
    """
    _check_sizes(tokens, batch_size, max_length, num_buckets, num_shards, shard_index)
    # Batches are gathered on the host, so the ids must not settle in the memory of a GPU.
    with tf.device("CPU:0"):
        encoded = encode_pairs(pairs, source_tokenizer, target_tokenizer, max_length)
        widths = fit_widths(encoded.lengths, num_buckets)
        rows = [batch_size or _rows_of_width(width, tokens) for width in widths]
        buckets = np.searchsorted(widths, encoded.lengths)
        if min(rows) < num_shards:
            raise InputError(
                f"A batch of {min(rows)} rows cannot be shared by num_shards={num_shards} workers: "
                "raise `tokens` or `batch_size`."
            )
        plan = plan_batches(np.bincount(buckets), widths, rows)
        if plan.sizes[-1] < (rows[-1] if drop_remainder else num_shards):
            plan = BatchPlan(*(column[:-1] for column in plan))
        if not len(plan.sizes):
            raise InputError(
                f"{len(buckets)} pairs do not fill one batch of {rows[-1]} rows: lower `tokens` "
                "or `batch_size`, or keep the short batch."
            )
        if report is not None:
            report(_summarize(encoded, buckets, plan))
        return _dataset(encoded, buckets, plan, shuffle_seed, num_shards, shard_index)


class EncodedPairs(NamedTuple):
    """Sentence pairs as ids, all of the `n` pairs fit for training.

    Args:
        source: ragged int32 `(n, (source_length))`, each row `ids <eos>`.
        target: ragged int32 `(n, (target_length + 1))`, each row `<sos> ids <eos>`.
        dropped: number of pairs left out, by reason.
    """

    source: tf.RaggedTensor
    target: tf.RaggedTensor
    dropped: dict[str, int]

    @property
    def source_lengths(self) -> np.ndarray:
        """Tokens of the source with its `<eos>`, int64 `(n,)`."""
        return self.source.row_lengths().numpy()

    @property
    def target_lengths(self) -> np.ndarray:
        """Tokens of the target with either `<sos>` or `<eos>`, int64 `(n,)`."""
        return self.target.row_lengths().numpy() - 1

    @property
    def lengths(self) -> np.ndarray:
        """The width that a pair needs, int64 `(n,)`."""
        return np.maximum(self.source_lengths, self.target_lengths)


def encode_pairs(
    pairs: Pairs, source_tokenizer: Tokenizer, target_tokenizer: Tokenizer, max_length: int = 50
) -> EncodedPairs:
    """Tokenises both sides, drops the pairs unfit for training and counts them by reason.

    Args:
        pairs: the sentence pairs.
        source_tokenizer: the tokenizer of the source side.
        target_tokenizer: the tokenizer of the target side.
        max_length: the most tokens of either side, `<eos>` included.

    Returns:
        The ids of the pairs kept, in the order of `pairs`. A pair with several faults is counted
        under the first of them.

    Raises:
        InputError: if `pairs` is empty or no pair is kept.
    """
    if not len(pairs):
        raise InputError("The corpus holds no sentence pair: give at least one.")

    def encode(source, target):
        return source_tokenizer.encode(source), target_tokenizer.encode(target)

    lines = tf.data.Dataset.from_tensor_slices((list(pairs.source), list(pairs.target)))
    chunks = lines.batch(LINES_PER_CHUNK).map(encode, num_parallel_calls=tf.data.AUTOTUNE)
    source, target = (tf.concat(side, axis=0) for side in zip(*chunks, strict=True))

    source_lengths = source.row_lengths().numpy() + 1
    target_lengths = target.row_lengths().numpy() + 1
    faults = {
        "empty source": source_lengths == 1,
        "empty target": target_lengths == 1,
        "over-long source": source_lengths > max_length,
        "over-long target": target_lengths > max_length,
    }
    keep = np.ones(len(pairs), bool)
    dropped = {}
    for fault, has_fault in faults.items():
        dropped[fault] = int(np.sum(keep & has_fault))
        keep &= ~has_fault
    if not keep.any():
        raise InputError(_nothing_left(source_lengths, target_lengths, max_length))

    source, target = tf.ragged.boolean_mask(source, keep), tf.ragged.boolean_mask(target, keep)
    column = tf.ones([source.nrows(), 1], tf.int32)
    return EncodedPairs(
        source=tf.concat([source, EOS_ID * column], axis=1),
        target=tf.concat([SOS_ID * column, target, EOS_ID * column], axis=1),
        dropped=dropped,
    )


def fit_widths(lengths: np.ndarray, num_widths: int) -> np.ndarray:
    """Finds the widths for which padding each length up to the next width costs the least.

    Dynamic programming over the distinct lengths: the cheapest way to serve the lengths up to
    `b` with `k` widths, the widest being `b`, is

    ```
    cost[k, b] = min over a < b of cost[k - 1, a] + b * (number of lengths in (a, b])
    ```

    Args:
        lengths: the lengths of the sentences or pairs, int `(n,)`, `n` >= 1.
        num_widths: the most widths to use.

    Returns:
        At most `num_widths` of the lengths, ascending, int `(widths,)`; the last is the greatest.

    Example:

    ```python
    fit_widths(np.array([3, 3, 4, 9]), 2)  # [4, 9]
    ```
    """
    candidates, counts = np.unique(lengths, return_counts=True)
    up_to = np.concatenate([[0], np.cumsum(counts)])
    num_candidates = len(candidates)

    # Row a, column b: the cost of padding candidates a to b - 1 up to the last of them.
    step = np.concatenate([[0], candidates]) * (up_to - up_to[:, None])
    step = np.where(up_to > up_to[:, None], step, np.inf)
    cost, choices = np.where(up_to == 0, 0.0, np.inf), []
    for _ in range(min(num_widths, num_candidates)):
        options = cost[:, None] + step
        choices.append(options.argmin(axis=0))
        cost = options.min(axis=0)

    widths, b = [], num_candidates
    for choice in reversed(choices):
        widths.append(candidates[b - 1])
        b = choice[b]
    return np.array(widths[::-1])


class BatchPlan(NamedTuple):
    """Where to cut the pairs, sorted by bucket, into batches.

    Args:
        starts: the place of a batch's first pair in the sorted order, int `(batches,)`.
        sizes: the rows of a batch, int `(batches,)`.
        widths: the width of a batch, int `(batches,)`.
    """

    starts: np.ndarray
    sizes: np.ndarray
    widths: np.ndarray


def plan_batches(counts: np.ndarray, widths: np.ndarray, rows: np.ndarray) -> BatchPlan:
    """Cuts buckets into full batches, moving what is left over up into the next bucket.

    Args:
        counts: the pairs in each bucket, int `(buckets,)`.
        widths: the width of each bucket, ascending, int `(buckets,)`.
        rows: the rows of a full batch of each bucket, int `(buckets,)`.

    Returns:
        The batches, narrow ones first. All are full but perhaps the last.
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


@dataclasses.dataclass(frozen=True)
class Summary:
    """What became of a corpus on its way into batches. `print` it for a short account.

    Args:
        pairs_read: the pairs of the corpus.
        pairs_kept: the pairs in the batches of one epoch.
        dropped: the pairs left out, by reason.
        shapes: the batches of an epoch, by shape: `{(rows, width): batches}`; the rows are those of
            all workers together.
        source_padding: the share of padding in the source ids of an epoch, 0 to 1.
        target_padding: the share of padding in the target ids of an epoch, 0 to 1.
        source_unknown: the share of `<unk>` among the source tokens, `<eos>` aside, 0 to 1.
        target_unknown: the share of `<unk>` among the target tokens, `<eos>` aside, 0 to 1.
    """

    pairs_read: int
    pairs_kept: int
    dropped: dict[str, int]
    shapes: dict[tuple[int, int], int]
    source_padding: float
    target_padding: float
    source_unknown: float
    target_unknown: float

    @property
    def num_batches(self) -> int:
        """The batches of an epoch."""
        return sum(self.shapes.values())

    def __str__(self) -> str:
        dropped = ", ".join(f"{count} {why}" for why, count in self.dropped.items() if count)
        shapes = ", ".join(f"{rows}x{width}" for rows, width in self.shapes)
        return (
            f"Pairs:    {self.pairs_read} read, {self.pairs_kept} kept"
            f"{f'; dropped: {dropped}' if dropped else ''}\n"
            f"Batches:  {self.num_batches} an epoch in {len(self.shapes)} shapes "
            f"(rows x width): {shapes}\n"
            f"Padding:  {self.source_padding:.1%} of source, {self.target_padding:.1%} of target\n"
            f"Unknown:  {self.source_unknown:.1%} of source, {self.target_unknown:.1%} of target"
        )


def _check_sizes(tokens, batch_size, max_length, num_buckets, num_shards, shard_index):
    if batch_size is None and tokens < max_length:
        raise InputError(
            f"tokens={tokens} is too small for a sentence of max_length={max_length}: raise "
            "`tokens` or lower `max_length`."
        )
    for name, value, least in (
        ("batch_size", batch_size, 1),
        ("max_length", max_length, 2),
        ("num_buckets", num_buckets, 1),
        ("num_shards", num_shards, 1),
    ):
        if value is not None and value < least:
            raise InputError(f"{name}={value} is out of range: give {least} or more.")
    if not 0 <= shard_index < num_shards:
        raise InputError(
            f"shard_index={shard_index} is out of range: give 0 to {num_shards - 1} for "
            f"num_shards={num_shards}."
        )


def _nothing_left(source_lengths, target_lengths, max_length):
    filled = (source_lengths > 1) & (target_lengths > 1)
    if not filled.any():
        return f"All {len(filled)} pairs have an empty side: give a corpus with text on both sides."
    shortest = np.maximum(source_lengths, target_lengths)[filled].min()
    return (
        f"All {len(filled)} pairs are dropped, the shortest has {shortest} tokens with its <eos>: "
        f"raise max_length={max_length} to {shortest} or more."
    )


def _rows_of_width(width: int, tokens: int) -> int:
    rows = tokens // width
    return rows - rows % 8 if rows >= 8 else rows


def _summarize(encoded: EncodedPairs, buckets: np.ndarray, plan: BatchPlan) -> Summary:
    # A plan without its short batch leaves out the last pairs of the order.
    used = np.argsort(buckets, kind="stable")[: plan.sizes.sum()]
    padded = (plan.sizes * plan.widths).sum()
    shapes, num_batches = np.unique([plan.widths, plan.sizes], axis=1, return_counts=True)

    def unknown_share(ids, added_per_row):
        unknown = np.sum(ids.flat_values.numpy() == UNK_ID)
        return float(unknown / (len(ids.flat_values) - added_per_row * len(buckets)))

    dropped = dict(encoded.dropped)
    return Summary(
        pairs_read=len(buckets) + sum(dropped.values()),
        pairs_kept=len(used),
        dropped={**dropped, "short batch": len(buckets) - len(used)},
        shapes={
            (int(rows), int(width)): int(count)
            for (width, rows), count in zip(shapes.T, num_batches, strict=True)
        },
        source_padding=float(1 - encoded.source_lengths[used].sum() / padded),
        target_padding=float(1 - encoded.target_lengths[used].sum() / padded),
        source_unknown=unknown_share(encoded.source, added_per_row=1),
        target_unknown=unknown_share(encoded.target, added_per_row=2),
    )


def _dataset(
    encoded: EncodedPairs,
    buckets: np.ndarray,
    plan: BatchPlan,
    shuffle_seed: int | None,
    num_shards: int,
    shard_index: int,
) -> tf.data.Dataset:
    """Serves the batches of `plan`, filled anew at random in each epoch."""

    # As tensors, these are inputs of the functions below and not constants within their graphs.
    buckets, plan = tf.constant(buckets), BatchPlan(*(tf.constant(column) for column in plan))
    num_pairs, num_batches = len(buckets), len(plan.sizes)

    def permutation(count):
        order = tf.data.Dataset.range(count)
        if shuffle_seed is not None:
            order = order.shuffle(count, seed=shuffle_seed, reshuffle_each_iteration=True)
        return order.batch(count)

    def epoch(pair_order, batch_order):
        # A stable sort by bucket keeps the random order within each bucket.
        by_bucket = tf.argsort(tf.gather(buckets, pair_order), stable=True)
        pair_order = tf.gather(pair_order, by_bucket)

        def members(start, size, width):
            return pair_order[start + shard_index : start + size : num_shards], width

        columns = tuple(tf.gather(column, batch_order) for column in plan)
        return tf.data.Dataset.from_tensor_slices(columns).map(members)

    def padded_batch(members, width):
        def dense(rows):
            return rows.to_tensor(PAD_ID, shape=tf.stack([-1, width]))

        source, target = tf.gather(encoded.source, members), tf.gather(encoded.target, members)
        return {"source": dense(source), "target": dense(target[:, :-1])}, dense(target[:, 1:])

    orders = tf.data.Dataset.zip(permutation(num_pairs), permutation(num_batches))
    dataset = orders.flat_map(epoch).map(padded_batch, num_parallel_calls=tf.data.AUTOTUNE)

    # What is a worker's share already must not be sharded once more.
    policies = tf.data.experimental.AutoShardPolicy
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        policies.DATA if num_shards == 1 else policies.OFF
    )
    return (
        dataset.apply(tf.data.experimental.assert_cardinality(num_batches))
        .with_options(options)
        .prefetch(tf.data.AUTOTUNE)
    )
