"""Batches of sentence pairs of similar lengths, in shapes that are known before training.

Each side of a batch is as wide as its longest sentence. Batches of random pairs would be half
padding and have hundreds of shapes, and XLA compiles a program for each shape. Instead, each pair
is assigned to a *bucket* by its lengths, and all batches of a bucket have the same shape.

Everything that can be computed before training is computed once: the sentences are tokenized and
kept in memory as ids, and the boundaries between batches are planned. An epoch is then only a
permutation of the pairs, and a batch only a gather.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tf_seq2seq.checks import check_flag, check_integer
from tf_seq2seq.data.buckets import Buckets, fit_buckets
from tf_seq2seq.data.corpus import Pairs
from tf_seq2seq.data.encoded import Encoded, encode_pairs
from tf_seq2seq.data.epochs import BatchPlan, Epochs, plan_batches
from tf_seq2seq.data.shards import EncodedCorpus
from tf_seq2seq.errors import InputError
from tf_seq2seq.text import PAD_ID, Tokenizer

FEW, MANY = 8, 24
"""The number of buckets where XLA compiles a program for each shape, and the most elsewhere."""

BATCHES_PER_BUCKET = 4
"""The least mean number of batches per bucket, so that the pairs in a batch differ from epoch to
epoch."""

MAX_SHAPES_SHOWN = 10


def batches(
    pairs: Pairs | EncodedCorpus,
    source_tokenizer: Tokenizer,
    target_tokenizer: Tokenizer,
    *,
    tokens: int = 4096,
    batch_size: int | None = None,
    max_length: int = 50,
    num_buckets: int | None = None,
    shuffle_seed: int | None = None,
    drop_remainder: bool = False,
    num_shards: int | None = None,
    shard_index: int | None = None,
    report: Callable[[Summary], object] | None = None,
) -> tf.data.Dataset:
    """Tokenize sentence pairs and return them as bucketed batches for training or evaluation.

    Batches have the form that `keras.Model.fit` takes, where `ids` are the tokens of a sentence:

    ```
    ({"source": ids <eos>, "target": <sos> ids}, labels: ids <eos>)
    ```

    Each is an int32 tensor `(rows, width)`, padded on the right with `<pad>` = 0; the sources and
    the targets have different widths. Pairs that do not fill a batch of their bucket move to the
    next wider bucket, so at most one batch per epoch is short, and no pair is lost.

    The sentences are tokenized once, when this function is called; epochs read ids from memory. For
    a corpus that is larger than memory, `encode` does this beforehand, and epochs read ids from
    disk. The batches are the same.

    Args:
        pairs: the sentence pairs, in memory or encoded on disk.
        source_tokenizer: the tokenizer of the source side.
        target_tokenizer: the tokenizer of the target side.
        tokens: the size of a batch in tokens of its wider side, including padding. If the resulting
            number of rows is 8 or more, it is rounded down to a multiple of 8, which divides evenly
            among the replicas of a strategy and the tiles of a GPU.
        batch_size: the size of a batch in rows, for all widths; replaces `tokens`.
        max_length: the maximum width of a batch. Pairs with a longer side (including `<eos>`), or a
            side without tokens, are dropped and counted in the `Summary`.
        num_buckets: the maximum number of shapes, in addition to that of a short batch. None for 8
            with a GPU, for which XLA compiles the training step for each shape, and otherwise for
            up to 24, of which each has several batches.
        shuffle_seed: the seed for shuffling, which gives each epoch a new order. It determines the
            order in all epochs: a second dataset with the same seed repeats it. None for a fixed
            order, narrow batches first.
        drop_remainder: whether to leave out the short batch, if there is one. With shuffling, its
            pairs differ from epoch to epoch.
        num_shards: the number of workers that train in lockstep. All workers plan the same batches,
            and each takes its share of the rows of every batch, `shard_index`, `shard_index +
            num_shards`, ..., so that the widths agree at each step. The share of a short batch with
            fewer rows than workers may have no row. None for all rows.
        shard_index: the index of this worker, from 0, which is needed with `num_shards`.
        report: a function that is called once with the `Summary` of the batches, such as `print`.

    Returns:
        A prefetched dataset of known cardinality. Under a strategy, pass it to `fit` or to
        `strategy.experimental_distribute_dataset`, which distribute the rows of a batch among the
        replicas. With `num_shards`, it already yields one worker's share, so use
        `strategy.distribute_datasets_from_function` instead.

    Raises:
        InputError: if all pairs are dropped, an argument is out of range, or an encoded corpus has
            other tokenizers.

    Example:

    >>> corpus = s2s.data.copy_corpus("abc", lengths=(1, 4), train=40, dev=5, test=5)
    >>> tokenizer = s2s.text.WordTokenizer()
    >>> tokenizer.adapt(corpus.train.source)
    >>> train = batches(
    ...     corpus.train, tokenizer, tokenizer, batch_size=16, num_buckets=2, report=print
    ... )
    Pairs:    40 read, 40 kept
    Batches:  3 per epoch in 3 shapes (rows x source x target): ...
    """
    tokens = check_integer("tokens", tokens, minimum=1)
    if batch_size is not None:
        batch_size = check_integer("batch_size", batch_size, minimum=1)
    max_length = check_integer("max_length", max_length, minimum=2)
    if num_buckets is not None:
        num_buckets = check_integer("num_buckets", num_buckets, minimum=1)
    if shuffle_seed is not None:
        shuffle_seed = check_integer("shuffle_seed", shuffle_seed)
    drop_remainder = check_flag("drop_remainder", drop_remainder)
    if (num_shards is None) != (shard_index is None):
        raise InputError(
            f"num_shards={num_shards} and shard_index={shard_index} go together: pass the number "
            "of workers and the index of this one, or neither."
        )
    num_shards = check_integer("num_shards", 1 if num_shards is None else num_shards, minimum=1)
    shard_index = check_integer(
        "shard_index", 0 if shard_index is None else shard_index, minimum=0, maximum=num_shards - 1
    )
    if batch_size is None and tokens < max_length:
        raise InputError(
            f"tokens={tokens} is too small for a sentence of max_length={max_length}: raise "
            "`tokens` or lower `max_length`."
        )
    # Batches are gathered on the host, so keep the ids out of GPU memory.
    with tf.device("CPU:0"):
        encoded: Encoded
        if isinstance(pairs, EncodedCorpus):
            pairs.check_tokenizers(source_tokenizer, target_tokenizer)
            encoded = pairs.select(max_length)
        else:
            encoded = encode_pairs(pairs, source_tokenizer, target_tokenizer, max_length)
        buckets, rows = _choose_buckets(encoded, num_buckets, batch_size, tokens)
        if min(rows) < num_shards:
            raise InputError(
                f"A batch of {min(rows)} rows cannot be shared by num_shards={num_shards} workers: "
                "raise `tokens` or `batch_size`."
            )
        plan = plan_batches(np.bincount(buckets.of_pairs), buckets.widths, rows)
        if drop_remainder and plan.sizes[-1] < rows[-1]:
            plan = BatchPlan(*(column[:-1] for column in plan))
        if not len(plan.sizes):
            raise InputError(
                f"{len(encoded.lengths)} pairs do not fill one batch of {rows[-1]} rows: lower "
                "`tokens` or `batch_size`, or keep the short batch."
            )
        epochs = Epochs(buckets.of_pairs, len(plan.sizes), shuffle_seed)
        if report is not None:
            report(_summarize(encoded, epochs, plan))
        return _dataset(encoded, epochs, plan, num_shards, shard_index)


@dataclasses.dataclass(frozen=True)
class Summary:
    """Statistics of a corpus and its batches; `print` it for a short version.

    Attributes:
        pairs_read: the number of pairs in the corpus.
        pairs_kept: the number of pairs in the batches of one epoch.
        dropped: the number of pairs that were dropped, by reason.
        shapes: the number of batches per epoch of each shape, `{(rows, source_width,
            target_width): batches}`; the rows are summed over all workers.
        source_padding: the fraction of padding in the source ids of an epoch, 0 to 1.
        target_padding: the fraction of padding in the target ids of an epoch, 0 to 1.
        source_unknown: the fraction of `<unk>` among the source tokens, not counting `<eos>`.
        target_unknown: the fraction of `<unk>` among the target tokens, not counting `<eos>`.
    """

    pairs_read: int
    pairs_kept: int
    dropped: dict[str, int]
    shapes: dict[tuple[int, int, int], int]
    source_padding: float
    target_padding: float
    source_unknown: float
    target_unknown: float

    @property
    def num_batches(self) -> int:
        """The number of batches per epoch."""
        return sum(self.shapes.values())

    def __str__(self) -> str:
        dropped = ", ".join(f"{count} {why}" for why, count in self.dropped.items() if count)
        shapes = ["x".join(map(str, shape)) for shape in self.shapes]
        if len(shapes) > MAX_SHAPES_SHOWN:
            shapes = [shapes[0], "...", shapes[-1]]
        return (
            f"Pairs:    {self.pairs_read} read, {self.pairs_kept} kept"
            f"{f'; dropped: {dropped}' if dropped else ''}\n"
            f"Batches:  {self.num_batches} per epoch in {len(self.shapes)} shapes "
            f"(rows x source x target): {', '.join(shapes)}\n"
            f"Padding:  {self.source_padding:.1%} of source, {self.target_padding:.1%} of target\n"
            f"Unknown:  {self.source_unknown:.1%} of source, {self.target_unknown:.1%} of target"
        )


def _choose_buckets(encoded, num_buckets, batch_size, tokens) -> tuple[Buckets, np.ndarray]:
    """Return the buckets, and the number of rows of a full batch of each."""

    def rows_of(widths):
        return np.array([batch_size or _rows_of_width(width, tokens) for width in widths.tolist()])

    lengths = encoded.lengths
    if num_buckets is None and tf.config.list_physical_devices("GPU"):
        num_buckets = FEW
    if num_buckets is None:
        wider, counts = np.unique(lengths.max(axis=1), return_counts=True)
        num_batches = np.sum(counts / rows_of(wider))
        num_buckets = int(np.clip(num_batches // BATCHES_PER_BUCKET, FEW, MANY))
    buckets = fit_buckets(lengths, num_buckets)
    return buckets, rows_of(buckets.widths.max(axis=1))


def _rows_of_width(width: int, tokens: int) -> int:
    rows = tokens // width
    return rows - rows % 8 if rows >= 8 else rows


def _summarize(encoded: Encoded, epochs: Epochs, plan: BatchPlan) -> Summary:
    # If the plan leaves out the short batch, it leaves out the last pairs in this order.
    used = epochs.members[: plan.sizes.sum()]
    padded = plan.sizes @ plan.widths
    kept = encoded.lengths[used].sum(axis=0)
    shapes, num_batches = np.unique(
        np.column_stack([plan.widths, plan.sizes]), axis=0, return_counts=True
    )
    dropped = dict(encoded.dropped)
    source_unknown, target_unknown = encoded.unknown
    return Summary(
        pairs_read=len(epochs.members) + sum(dropped.values()),
        pairs_kept=len(used),
        dropped={**dropped, "short batch": len(epochs.members) - len(used)},
        shapes={
            (int(rows), int(source), int(target)): int(count)
            for (source, target, rows), count in zip(shapes, num_batches, strict=True)
        },
        source_padding=float(1 - kept[0] / padded[0]),
        target_padding=float(1 - kept[1] / padded[1]),
        source_unknown=source_unknown,
        target_unknown=target_unknown,
    )


def _dataset(
    encoded: Encoded, epochs: Epochs, plan: BatchPlan, num_shards: int, shard_index: int
) -> tf.data.Dataset:
    """Return the batches of `plan`, filled with different random pairs in each epoch."""

    # Convert to tensors, which the functions below capture as inputs rather than as constants.
    plan = BatchPlan(*(tf.constant(column) for column in plan))

    @tf.autograph.experimental.do_not_convert
    def epoch(pair_order, batch_order):
        def members(start, size, widths):
            return pair_order[start + shard_index : start + size : num_shards], widths

        columns = tuple(tf.gather(column, batch_order) for column in plan)
        return tf.data.Dataset.from_tensor_slices(columns).map(members)

    @tf.autograph.experimental.do_not_convert
    def padded_batch(members, widths):
        def dense(rows, side):
            return rows.to_tensor(PAD_ID, shape=tf.stack([-1, widths[side]]))

        source, target = encoded.gather(members)
        inputs = {"source": dense(source, 0), "target": dense(target[:, :-1], 1)}
        return inputs, dense(target[:, 1:], 1)

    dataset = (
        epochs.dataset().flat_map(epoch).map(padded_batch, num_parallel_calls=tf.data.AUTOTUNE)
    )

    # One worker's share must not be sharded again.
    policies = tf.data.experimental.AutoShardPolicy
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        policies.DATA if num_shards == 1 else policies.OFF
    )
    dataset = (
        dataset.apply(tf.data.experimental.assert_cardinality(len(plan.sizes)))
        .with_options(options)
        .prefetch(tf.data.AUTOTUNE)
    )
    dataset.epochs = epochs  # for `start_at`
    return dataset
