import collections
import itertools

import numpy as np
import pytest
import tensorflow as tf
from helpers import defaults

from tf_seq2seq.data import encoded
from tf_seq2seq.data.batching import batches
from tf_seq2seq.data.corpus import Pairs
from tf_seq2seq.data.encoded import encode_pairs
from tf_seq2seq.data.epochs import plan_batches, start_at
from tf_seq2seq.errors import InputError
from tf_seq2seq.text import EOS_ID, PAD_ID, SOS_ID, UNK_ID, WordTokenizer


class NumberTokenizer:
    """Read a sentence of numbers as ids: a batch shows which sentences are in it."""

    def __init__(self):
        self.traces = 0

    def encode(self, text):
        self.traces += 1
        return tf.strings.to_number(tf.strings.split(text), tf.int32)


def number_batches(source, target, **kwargs):
    return batches(Pairs(source, target), NumberTokenizer(), NumberTokenizer(), **kwargs)


def numbered_pairs(lengths, target_lengths=None):
    """Return sentences of these lengths, each of which ends with a different number."""
    target_lengths = lengths if target_lengths is None else target_lengths
    return tuple(
        [" ".join(["9"] * (length - 1) + [str(1000 + i)]) for i, length in enumerate(side)]
        for side in (lengths, target_lengths)
    )


def sentences(dataset):
    """Return the pairs of an epoch in order, by the number in the source sentence."""
    return [int(row.max()) - 1000 for inputs, _ in dataset for row in inputs["source"].numpy()]


def summary_of(source, target, **kwargs):
    reports = []
    number_batches(source, target, report=reports.append, **kwargs)
    (summary,) = reports
    return summary


@pytest.fixture(scope="module")
def corpus():
    return numbered_pairs(np.random.default_rng(1).integers(1, 40, 500))


@pytest.fixture(scope="module")
def realistic_lengths():
    """Lengths like those of Multi30k: log-normal, 13 tokens on average, correlated sides."""
    draw = np.random.default_rng(0)
    common = draw.normal(np.log(12), 0.3, 4000)
    lengths = np.exp(common + draw.normal(0, 0.1, (2, 4000)))
    return np.clip(lengths.round().astype(int), 3, 45)


class TestContent:
    def test_of_one_batch(self):
        ((inputs, labels),) = number_batches(["5 6", "7", "8 9 10"], ["15", "16 17", "18 19"])
        expected = {
            "source": [[5, 6, EOS_ID, 0], [7, EOS_ID, 0, 0], [8, 9, 10, EOS_ID]],
            "target": [[SOS_ID, 15, 0], [SOS_ID, 16, 17], [SOS_ID, 18, 19]],
        }
        expected_labels = [[15, EOS_ID, 0], [16, 17, EOS_ID], [18, 19, EOS_ID]]
        assert inputs.keys() == expected.keys()
        for name, rows in expected.items():
            np.testing.assert_array_equal(inputs[name], rows)
        np.testing.assert_array_equal(labels, expected_labels)

    def test_types_and_cardinality(self):
        dataset = number_batches(*numbered_pairs([3] * 25), batch_size=10)
        inputs, labels = dataset.element_spec
        assert {spec.dtype for spec in (*inputs.values(), labels)} == {tf.int32}
        assert dataset.cardinality() == 3
        assert len(list(dataset)) == 3

    def test_tokenizes_once_for_all_epochs(self):
        tokenizer = NumberTokenizer()
        dataset = batches(Pairs(*numbered_pairs([3] * 10)), tokenizer, tokenizer)
        traces = tokenizer.traces
        for _ in range(3):
            list(dataset)
        assert tokenizer.traces == traces

    def test_without_a_seed_the_order_is_fixed_and_that_of_the_corpus(self):
        dataset = number_batches(*numbered_pairs([3] * 25), batch_size=10)
        assert sentences(dataset) == sentences(dataset) == list(range(25))

    @pytest.mark.parametrize("lines", [24, 25, 26])
    def test_lines_are_tokenized_in_chunks(self, monkeypatch, lines):
        monkeypatch.setattr(encoded, "LINES_PER_CHUNK", 25)
        dataset = number_batches(*numbered_pairs([3] * lines))
        assert sentences(dataset) == list(range(lines))


class TestEpochs:
    @pytest.mark.parametrize("sizes", [{"tokens": 300}, {"batch_size": 7}, {"tokens": 100_000}])
    @pytest.mark.parametrize("shuffle_seed", [None, 1])
    def test_nothing_is_lost_or_repeated(self, corpus, sizes, shuffle_seed):
        dataset = number_batches(*corpus, shuffle_seed=shuffle_seed, **sizes)
        for _ in range(3):
            assert sorted(sentences(dataset)) == list(range(500))

    def test_every_epoch_has_another_order_that_the_seed_repeats(self, corpus):
        def epochs(seed):
            dataset = number_batches(*corpus, tokens=300, shuffle_seed=seed)
            return [sentences(dataset) for _ in range(3)]

        first = epochs(seed=1)
        assert first == epochs(seed=1)
        assert all(a != b for a, b in itertools.combinations([*first, *epochs(seed=2)], 2))

    def test_both_batches_and_their_members_are_shuffled(self, corpus):
        dataset = number_batches(*corpus, tokens=300, shuffle_seed=1)
        epochs = [
            [frozenset(row.max() for row in inputs["source"].numpy()) for inputs, _ in dataset]
            for _ in range(2)
        ]
        widths = [[inputs["source"].shape[1] for inputs, _ in dataset] for _ in range(2)]
        assert not set(epochs[0]) & set(epochs[1])
        assert widths[0] != widths[1]
        assert sorted(widths[0]) == sorted(widths[1])

    @pytest.mark.parametrize("shuffle_seed", [None, -1])
    def test_an_iteration_can_begin_at_any_batch_of_any_epoch(self, corpus, shuffle_seed):
        def dataset():
            return number_batches(*corpus, batch_size=50, shuffle_seed=shuffle_seed)

        steady, moved = dataset(), dataset()
        epochs = [sentences(steady) for _ in range(4)]
        assert start_at(moved, 2, 3)
        assert sentences(moved) == epochs[2][150:] + epochs[2][:150]
        assert sentences(moved) == epochs[3]
        assert not start_at(moved.take(1), 0, 0)

    def test_the_dataset_repeats(self, corpus):
        dataset = number_batches(*corpus, tokens=300, shuffle_seed=1)
        counts = collections.Counter(sentences(dataset.repeat(2)))
        assert set(counts.values()) == {2}


class TestShapes:
    @pytest.mark.parametrize("num_buckets", [1, 8, None])
    def test_of_full_batches(self, realistic_lengths, num_buckets):
        dataset = number_batches(
            *numbered_pairs(*realistic_lengths),
            tokens=1024,
            num_buckets=num_buckets,
            shuffle_seed=1,
        )
        shapes = collections.Counter()
        for inputs, labels in dataset:
            assert inputs["target"].shape == labels.shape
            shapes[len(labels), inputs["source"].shape[1], labels.shape[1]] += 1
        rows = {shape: 1024 // max(shape[1:]) // 8 * 8 for shape in shapes}
        short = [shape for shape in shapes if shape[0] < min(rows.values())]
        assert sum(shapes[shape] for shape in short) <= 1
        assert all(shape[0] == rows[shape] for shape in shapes if shape not in short)
        assert len(shapes) <= (num_buckets or 24) + 1
        ordered = np.array(sorted(shape[1:] for shape in shapes))
        assert np.all(np.diff(ordered, axis=0) >= 0)

    def test_few_on_a_gpu(self, realistic_lengths, monkeypatch):
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
        pairs = numbered_pairs(*realistic_lengths)
        few = summary_of(*pairs, batch_size=32)
        assert few.shapes == summary_of(*pairs, batch_size=32, num_buckets=8).shapes
        monkeypatch.undo()
        many = summary_of(*pairs, batch_size=32)
        assert 20 < len(many.shapes) <= 25

    def test_little_padding(self, realistic_lengths):
        summary = summary_of(*numbered_pairs(*realistic_lengths), tokens=1024)
        assert summary.source_padding < 0.12
        assert summary.target_padding < 0.12
        few = summary_of(*numbered_pairs(*realistic_lengths), tokens=4096, num_buckets=8)
        assert few.source_padding < 0.16
        assert few.target_padding < 0.16
        # The bound means something: one width for all wastes far more.
        plain = summary_of(*numbered_pairs(*realistic_lengths), tokens=4096, num_buckets=1)
        assert plain.target_padding > 0.5

    def test_a_language_that_needs_more_words_is_wider(self, realistic_lengths):
        source, target = realistic_lengths
        reports = [
            summary_of(*numbered_pairs(3 * source // 2, target), batch_size=64, num_buckets=count)
            for count in (8, None)
        ]
        for summary, padding in zip(reports, (0.16, 0.12), strict=True):
            assert summary.source_padding < padding
            assert summary.target_padding < padding

    def test_fixed_rows(self):
        summary = summary_of(*numbered_pairs(range(1, 41)), batch_size=3, num_buckets=4)
        assert {rows for rows, _, _ in summary.shapes} == {3, 1}

    @pytest.mark.parametrize(
        ("tokens", "rows"), [(50, 5), (79, 7), (80, 8), (159, 8), (160, 16), (199, 16)]
    )
    def test_eight_or_more_rows_are_rounded_to_a_multiple_of_8(self, tokens, rows):
        summary = summary_of(*numbered_pairs([9] * 3 * rows), tokens=tokens)
        assert summary.shapes == {(rows, 10, 10): 3}

    def test_drop_remainder(self):
        source, target = numbered_pairs([3] * 25)
        dataset = number_batches(source, target, batch_size=10, drop_remainder=True, shuffle_seed=1)
        epochs = [sentences(dataset) for _ in range(2)]
        assert [len(set(epoch)) for epoch in epochs] == [20, 20]
        assert set(epochs[0]) != set(epochs[1])
        full = number_batches(source, target, batch_size=5, drop_remainder=True)
        assert len(sentences(full)) == 25


class TestFilter:
    SOURCE = ("5 6", "", "5", "5 6 7 8", "5", "  ", "5 6 7")
    TARGET = ("5", "5", " ", "5", "5 6 7 8", "", "5 6 7")

    def test_counts_each_pair_under_the_first_reason(self):
        summary = summary_of(self.SOURCE, self.TARGET, max_length=4)
        assert summary.pairs_read == 7
        assert summary.pairs_kept == 2
        assert summary.dropped == {
            "empty source": 2,
            "empty target": 1,
            "overlong source": 1,
            "overlong target": 1,
            "short batch": 0,
        }

    @pytest.mark.parametrize("side", ["source", "target"])
    @pytest.mark.parametrize("surplus", [0, 1])
    def test_a_sentence_may_just_reach_the_maximum_length(self, side, surplus):
        # With <eos>, the first sentence is as long as allowed or one token longer.
        long, short = " ".join(["1005"] * (3 + surplus)), "1006"
        sides = {"source": ["5", short], "target": ["5", short], side: [long, short]}
        reports = []
        ((inputs, labels),) = number_batches(**sides, max_length=4, report=reports.append)
        (summary,) = reports
        assert summary.pairs_kept == 2 - surplus
        assert summary.dropped[f"overlong {side}"] == sum(summary.dropped.values()) == surplus
        assert (f"dropped: 1 overlong {side}" in str(summary)) == bool(surplus)
        # Nothing is cut: every sentence that is kept is complete, up to its <eos>.
        assert labels.shape == (2 - surplus, 2 if surplus or side == "source" else 4)
        ids = {"source": inputs["source"], "target": labels}[side]
        np.testing.assert_array_equal(ids[-1, :2], [1006, EOS_ID])
        if not surplus:
            np.testing.assert_array_equal(ids[0], [1005, 1005, 1005, EOS_ID])

    def test_encodes_the_sentences_just_within_the_limit(self):
        pairs = encode_pairs(
            Pairs(self.SOURCE, self.TARGET), NumberTokenizer(), NumberTokenizer(), max_length=4
        )
        assert pairs.source.to_list() == [[5, 6, EOS_ID], [5, 6, 7, EOS_ID]]
        assert pairs.target.to_list() == [[SOS_ID, 5, EOS_ID], [SOS_ID, 5, 6, 7, EOS_ID]]
        np.testing.assert_array_equal(pairs.lengths, [[3, 2], [4, 4]])


class TestSummary:
    def test_of_a_small_corpus(self):
        unknown = str(UNK_ID)
        source = ["5 6 7", f"{unknown} 6 7", "5", "", "5 5 5 5 5 5 5 5 5 5"]
        target = ["5", "5 6", f"{unknown} {unknown} 7", "5", "5"]
        summary = summary_of(source, target, max_length=8, batch_size=2)
        # Three pairs of width 4 make a batch of 2 rows and one of 1 row: 12 positions.
        assert summary.shapes == {(2, 4, 4): 1, (1, 4, 4): 1}
        assert summary.num_batches == 2
        assert summary.source_padding == pytest.approx(1 - (4 + 4 + 2) / 12)
        assert summary.target_padding == pytest.approx(1 - (2 + 3 + 4) / 12)
        assert summary.source_unknown == pytest.approx(1 / 7)
        assert summary.target_unknown == pytest.approx(2 / 6)
        assert str(summary) == (
            "Pairs:    5 read, 3 kept; dropped: 1 empty source, 1 overlong source\n"
            "Batches:  2 per epoch in 2 shapes (rows x source x target): 1x4x4, 2x4x4\n"
            "Padding:  16.7% of source, 25.0% of target\n"
            "Unknown:  14.3% of source, 33.3% of target"
        )

    def test_agrees_with_the_batches(self, realistic_lengths):
        reports = []
        dataset = number_batches(
            *numbered_pairs(*realistic_lengths), tokens=512, shuffle_seed=1, report=reports.append
        )
        (summary,) = reports
        shapes, padding, places = (collections.Counter() for _ in range(3))
        for inputs, labels in dataset:
            shapes[(*inputs["source"].shape, labels.shape[1])] += 1
            for name, ids in inputs.items():
                places[name] += tf.size(ids).numpy()
                padding[name] += np.sum(ids == PAD_ID)
        assert summary.shapes == shapes
        assert summary.num_batches == len(dataset)
        assert len(shapes) > 10
        assert ", ..., " in str(summary)
        assert summary.source_padding == pytest.approx(padding["source"] / places["source"])
        assert summary.target_padding == pytest.approx(padding["target"] / places["target"])

    def test_a_dropped_short_batch_is_counted(self):
        summary = summary_of(*numbered_pairs([3] * 25), batch_size=10, drop_remainder=True)
        assert (summary.pairs_kept, summary.dropped["short batch"]) == (20, 5)


class TestShards:
    def test_divide_every_batch_and_lose_nothing(self, corpus):
        whole = number_batches(*corpus, tokens=512, shuffle_seed=3)
        shards = [
            number_batches(*corpus, tokens=512, shuffle_seed=3, num_shards=3, shard_index=index)
            for index in range(3)
        ]
        for batch, *shares in zip(whole, *shards, strict=True):
            rows = [share[0]["source"].numpy() for share in shares]
            assert max(map(len, rows)) - min(map(len, rows)) <= 1
            assert sorted(np.concatenate(rows).tolist()) == sorted(
                batch[0]["source"].numpy().tolist()
            )

    @pytest.mark.parametrize("short", [2, 3])
    def test_a_short_batch_may_have_no_row_for_a_worker(self, short):
        """So that the batches are the same for any number of workers."""
        reports = []
        shards = [
            number_batches(
                *numbered_pairs([3] * (20 + short)),
                batch_size=10,
                num_shards=3,
                shard_index=index,
                report=reports.append,
            )
            for index in range(3)
        ]
        assert [len(shard) for shard in shards] == [3] * 3
        assert sorted(itertools.chain(*map(sentences, shards))) == list(range(20 + short))
        assert {summary.dropped["short batch"] for summary in reports} == {0}
        widths = [[batch["source"].shape[1] for batch, _ in shard] for shard in shards]
        assert widths[0] == widths[1] == widths[2]

    def test_every_worker_has_at_least_one_row(self):
        pairs = numbered_pairs([3] * 6)
        shards = [
            number_batches(*pairs, batch_size=3, num_shards=3, shard_index=index)
            for index in range(3)
        ]
        assert [sentences(shard) for shard in shards] == [[0, 3], [1, 4], [2, 5]]
        with pytest.raises(InputError, match="2 rows cannot be shared by num_shards=3"):
            number_batches(*pairs, batch_size=2, num_shards=3, shard_index=0)

    def test_mirrored_strategy_distributes_the_rows(self):
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
        pairs = numbered_pairs(np.random.default_rng(2).integers(1, 40, 200))
        seen = []
        dataset = strategy.experimental_distribute_dataset(number_batches(*pairs, tokens=512))
        for inputs, _ in dataset:
            replicas = [x.numpy() for x in strategy.experimental_local_results(inputs["source"])]
            assert abs(len(replicas[0]) - len(replicas[1])) <= 1
            seen += [int(row.max()) - 1000 for rows in replicas for row in rows]
        assert sorted(seen) == list(range(200))


def test_plan_moves_remaining_pairs_to_the_next_bucket():
    widths = np.array([[3, 4], [6, 5], [9, 6]])
    plan = plan_batches(counts=np.array([5, 1, 4]), widths=widths, rows=[4, 3, 2])
    # 4 of 5 fill a batch; 1 + 1 wait; 2 + 4 make three batches of 2.
    np.testing.assert_array_equal(plan.starts, [0, 4, 6, 8])
    np.testing.assert_array_equal(plan.sizes, [4, 2, 2, 2])
    np.testing.assert_array_equal(plan.widths, [[3, 4], [9, 6], [9, 6], [9, 6]])


class TestBadInput:
    def test_empty_corpus(self):
        with pytest.raises(InputError, match="no sentence pair"):
            number_batches([], [])

    def test_all_over_long(self):
        with pytest.raises(
            InputError, match=r"All 2 pairs .* shortest has 6 .* max_length=4 to 6 or more"
        ):
            number_batches(["5 5 5 5 5", "5 5 5 5 5 5"], ["5", "5"], max_length=4)

    def test_all_empty(self):
        with pytest.raises(InputError, match="All 2 pairs have an empty side"):
            number_batches(["", "5"], ["5", ""])

    @pytest.mark.parametrize(
        "sizes,message",
        [
            ({"tokens": 49}, "tokens=49 is too small .* max_length=50"),
            ({"batch_size": 0}, "`batch_size` must be an integer of at least 1, got 0"),
            ({"batch_size": True}, "`batch_size` must be an integer of at least 1, got True"),
            ({"tokens": True}, "`tokens` must be an integer of at least 1, got True"),
            ({"tokens": 4096.0}, "`tokens` must be an integer of at least 1, got 4096.0"),
            ({"max_length": 1}, "`max_length` must be an integer of at least 2, got 1"),
            ({"num_buckets": 0}, "`num_buckets` must be an integer of at least 1, got 0"),
            (
                {"num_shards": 0, "shard_index": 0},
                "`num_shards` must be an integer of at least 1, got 0",
            ),
            ({"num_shards": 2}, "num_shards=2 and shard_index=None go together: pass the number"),
            ({"shard_index": 0}, "num_shards=None and shard_index=0 go together: pass the number"),
            (
                {"num_shards": 2, "shard_index": "0"},
                "`shard_index` must be an integer from 0 to 1, got '0'",
            ),
            (
                {"num_shards": 2, "shard_index": 2},
                "`shard_index` must be an integer from 0 to 1, got 2",
            ),
            ({"shuffle_seed": 1.5}, "`shuffle_seed` must be an integer, got 1.5"),
            ({"drop_remainder": 1}, "`drop_remainder` must be True or False, got 1"),
            (
                {"num_shards": 2, "shard_index": 0, "batch_size": 1},
                "1 rows cannot be shared by num_shards=2",
            ),
            ({"batch_size": 2, "drop_remainder": True}, "1 pairs do not fill one batch of 2 rows"),
        ],
    )
    def test_sizes(self, sizes, message):
        with pytest.raises(InputError, match=message):
            number_batches(["5"], ["5"], **sizes)

    def test_sizes_at_their_bounds(self):
        ((inputs, _),) = number_batches(["5"], ["5"], tokens=2, max_length=2, num_buckets=1)
        np.testing.assert_array_equal(inputs["source"], [[5, EOS_ID]])

    def test_numpy_scalars(self):
        pairs = numbered_pairs(range(2, 12))
        plain = number_batches(*pairs, tokens=64, max_length=12, shuffle_seed=1)
        scalars = number_batches(
            *pairs,
            tokens=np.int64(64),
            max_length=np.int32(12),
            num_buckets=np.int64(8),
            shuffle_seed=np.int64(1),
            drop_remainder=np.bool_(False),
            num_shards=np.int64(1),
            shard_index=np.int64(0),
        )
        assert sentences(scalars) == sentences(plain)
        summary = summary_of(*pairs, batch_size=np.int64(10))
        assert summary.shapes == {(10, 12, 12): 1}


def test_the_defaults():
    assert defaults(batches) == {
        "tokens": 4096,
        "batch_size": None,
        "max_length": 50,
        "num_buckets": None,
        "shuffle_seed": None,
        "drop_remainder": False,
        "num_shards": None,
        "shard_index": None,
        "report": None,
    }
    assert defaults(encode_pairs) == {"max_length": 50}


def test_a_tokenizer_without_a_vocabulary_is_named():
    with pytest.raises(RuntimeError, match=r"^This WordTokenizer has no vocabulary yet"):
        batches(Pairs(["a"], ["b"]), NumberTokenizer(), WordTokenizer())
