"""Encoded corpora: the same batches as in memory, and damage that is noticed."""

import errno
import json
import os
import pickle
import signal
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from helpers import ROOT, defaults

import tf_seq2seq as s2s
from tf_seq2seq.data import EncodedCorpus, Pairs, batches, encode, encoding
from tf_seq2seq.data.epochs import start_at
from tf_seq2seq.data.shards import RECORD, SETTINGS
from tf_seq2seq.errors import InputError
from tf_seq2seq.text import EOS_ID, WordTokenizer


@pytest.fixture(scope="module")
def pairs():
    """Sentences of different lengths, one of them too long and three without a side."""
    draw = np.random.default_rng(1)
    sides = [
        [" ".join(f"{letter}{n}" for n in draw.integers(0, 30, length)) for length in lengths]
        for letter, lengths in (("a", draw.integers(1, 12, 300)), ("b", draw.integers(1, 9, 300)))
    ]
    sides[0][7], sides[1][9], sides[0][250] = "", "  ", "a1 " * 40
    sides[0][8] = sides[1][8] = ""
    return Pairs(*sides)


@pytest.fixture(scope="module")
def tokenizers(pairs):
    made = WordTokenizer(split_punctuation=False), WordTokenizer(split_punctuation=False)
    made[0].adapt(pairs.source)
    made[1].adapt(pairs.target, max_size=20)  # some words are unknown
    return made


@pytest.fixture(scope="module")
def encoded(pairs, tokenizers, tmp_path_factory):
    directory = tmp_path_factory.mktemp("corpora") / "encoded"
    return encode(iter(pairs), *tokenizers, directory, pairs_per_shard=64)


@pytest.fixture
def copy(encoded, tmp_path):
    """A copy of the corpus, to damage."""
    subprocess.run(["cp", "-r", encoded.directory, tmp_path / "copy"], check=True)
    return tmp_path / "copy"


def content(dataset):
    return [tf.nest.map_structure(lambda x: x.numpy().tolist(), batch) for batch in dataset]


@pytest.mark.parametrize(
    "options",
    [
        {"tokens": 256, "shuffle_seed": 1},
        {"batch_size": 30, "shuffle_seed": 7, "drop_remainder": True, "num_buckets": 3},
        {"batch_size": 64, "num_shards": 2, "shard_index": 1, "shuffle_seed": 1},
        {"max_length": 100, "tokens": 1000},
    ],
)
def test_the_batches_are_those_of_the_corpus_in_memory(pairs, tokenizers, encoded, options):
    options = {"max_length": 20, **options}
    reports = []
    in_memory = batches(pairs, *tokenizers, report=reports.append, **options)
    on_disk = batches(encoded, *tokenizers, report=reports.append, **options)
    assert on_disk.element_spec == in_memory.element_spec
    for _ in range(2):
        assert content(on_disk) == content(in_memory)
    memory, disk = (
        {k: v for k, v in vars(each).items() if not k.endswith("unknown")} for each in reports
    )
    assert disk == memory
    assert memory["dropped"]["empty source"] == 2
    assert memory["dropped"]["empty target"] == 1
    assert memory["dropped"]["overlong source"] == (options["max_length"] == 20)


def test_the_share_of_unknown_tokens(pairs, tokenizers, encoded):
    expected = [
        1 - t.coverage(side).ratio
        for t, side in zip(tokenizers, (pairs.source, pairs.target), strict=True)
    ]
    np.testing.assert_allclose(encoded.unknown, expected)
    assert expected[1] > 0.1


def test_the_shares_of_the_workers_make_up_each_batch(tokenizers, encoded):
    options = {"tokens": 256, "max_length": 20, "shuffle_seed": 3}
    whole = content(batches(encoded, *tokenizers, **options))
    shares = [
        content(batches(encoded, *tokenizers, num_shards=3, shard_index=i, **options))
        for i in range(3)
    ]
    assert len(whole) > 5
    for place, (_, labels) in enumerate(whole):
        for worker in range(3):
            assert shares[worker][place][1] == labels[worker::3]


def test_an_empty_share_of_a_short_batch(pairs, tokenizers, tmp_path):
    corpus = encode(list(pairs)[:7], *tokenizers, tmp_path / "seven")
    options = {"batch_size": 3, "max_length": 20}
    shares = [
        content(batches(corpus, *tokenizers, num_shards=3, shard_index=i, **options))
        for i in range(3)
    ]
    assert [[len(labels) for _, labels in share] for share in shares] == [
        [1, 1, 1],
        [1, 1, 0],
        [1, 1, 0],
    ]


def test_a_resumed_epoch_reads_only_what_is_left(tokenizers, encoded, monkeypatch):
    options = {"batch_size": 16, "max_length": 20, "shuffle_seed": 1}
    whole = batches(encoded, *tokenizers, **options)
    expected = [content(whole) for _ in range(3)][2]
    seen = []
    read = EncodedCorpus.read
    monkeypatch.setattr(
        EncodedCorpus, "read", lambda self, members: (seen.extend(members), read(self, members))[1]
    )
    resumed = batches(encoded, *tokenizers, **options)
    assert not seen  # planning reads no record
    assert start_at(resumed, 2, len(expected) - 4)
    steps = content(resumed.take(4))
    assert steps == expected[-4:]
    # Batches are read ahead, but none of the two epochs before and few of this one.
    assert 4 * 16 <= len(seen) + 16 <= 16 * (4 + 2 * (os.cpu_count() or 1) + 8)


def test_anyone_can_read_the_records(pairs, tokenizers, encoded):
    files = sorted(map(str, encoded.directory.glob("pairs-*-of-00005.tfrecord")))
    assert len(files) == 5
    records = tf.data.TFRecordDataset(files).batch(1000).get_single_element()
    examples = tf.io.parse_example(records, RECORD)
    for side, tokenizer, lines in zip(
        ("source", "target"), tokenizers, (pairs.source, pairs.target), strict=True
    ):
        ids = [[*row, EOS_ID] for row in tokenizer.encode(list(lines)).to_list()]
        assert examples[side].to_list() == ids


def test_records_are_read_in_any_order(pairs, encoded):
    everything = encoded.read(np.arange(300))
    some = [299, 0, 63, 64, 5]
    assert encoded.read(np.array(some)).tolist() == everything[some].tolist()


def test_no_more_is_read_than_the_records(encoded, monkeypatch):
    """Of a large corpus, each record of a batch is in another part of the files."""
    read, pread = [], os.pread
    monkeypatch.setattr(os, "pread", lambda *args: (read.append(pread(*args)), read[-1])[1])
    records = EncodedCorpus(encoded.directory).read(np.array([299, 0, 63, 64, 5]))
    assert sum(map(len, read)) == sum(map(len, records)) > 0


def test_a_copy_opens_the_files_itself(encoded):
    copied = pickle.loads(pickle.dumps(encoded))
    assert copied.read(np.array([5])).tolist() == encoded.read(np.array([5])).tolist()


def test_the_working_directory_may_change(encoded, monkeypatch):
    monkeypatch.chdir(encoded.directory.parent)
    corpus = EncodedCorpus(encoded.directory.name)
    monkeypatch.chdir("/")
    assert len(corpus.read(np.array([5]))) == 1


@pytest.mark.parametrize("fault", [errno.EMFILE, errno.EIO])
def test_a_file_that_cannot_be_read_is_named(encoded, monkeypatch, fault):
    def failing(*arguments):
        raise OSError(fault, os.strerror(fault))

    corpus = EncodedCorpus(encoded.directory)
    monkeypatch.setattr(os, "open" if fault == errno.EMFILE else "pread", failing)
    message = rf"pairs-00000-of-00005\.tfrecord cannot be read \({os.strerror(fault)}\): remove"
    with pytest.raises(InputError, match=message):
        corpus.read(np.array([5]))


def test_more_shards_than_files_may_be_open(encoded, monkeypatch):
    corpus, opened, descriptors = EncodedCorpus(encoded.directory), os.open, []

    def limited(*arguments):
        if len(descriptors) >= 2:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        descriptors.append(opened(*arguments))
        return descriptors[-1]

    closed = os.close
    monkeypatch.setattr(os, "open", limited)
    monkeypatch.setattr(os, "close", lambda file: (descriptors.remove(file), closed(file)))
    assert corpus.read(np.arange(300)).tolist() == encoded.read(np.arange(300)).tolist()


@pytest.mark.parametrize("pairs_per_shard", [1, 300, 2**40, 2**70])
def test_any_number_of_pairs_per_shard(
    pairs, tokenizers, encoded, tmp_path, monkeypatch, pairs_per_shard
):
    monkeypatch.setattr(encoding, "DIGITS", 1)  # names of different lengths would be out of order
    corpus = encode(pairs, *tokenizers, tmp_path / "a", pairs_per_shard=pairs_per_shard)
    members = np.arange(300, dtype=np.int32)  # the type that `batches` uses
    assert corpus.read(members).tolist() == encoded.read(members).tolist()


def test_it_is_opened_again_with_its_tokenizers(tokenizers, encoded):
    corpus = EncodedCorpus(str(encoded.directory))
    assert len(corpus) == 300
    assert corpus.source_tokenizer.equals(tokenizers[0])
    assert corpus.target_tokenizer.equals(tokenizers[1])
    assert corpus.fingerprint == encoded.fingerprint
    corpus.check()


def flip(path, position):
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


class TestDamage:
    def test_of_a_record(self, copy, tokenizers):
        flip(copy / "pairs-00001-of-00005.tfrecord", 100)
        corpus = EncodedCorpus(copy)
        message = r"pairs-00001-of-00005\.tfrecord is damaged .*delete .*copy and encode"
        with pytest.raises(InputError, match=message):
            corpus.check()
        with pytest.raises(InputError, match=message):
            corpus.read(np.arange(300))
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            list(batches(corpus, *tokenizers))

    @pytest.mark.parametrize("name", ["pairs-00004-of-00005.tfrecord", "lengths.u32"])
    def test_of_a_file_that_was_truncated(self, copy, name):
        os.truncate(copy / name, 200)
        with pytest.raises(InputError, match=rf"{name} has 200 bytes instead of [\d,]+: delete"):
            EncodedCorpus(copy)

    @pytest.mark.parametrize("name", ["pairs-00000-of-00005.tfrecord", "source/vocabulary.txt"])
    def test_of_a_file_that_was_deleted(self, copy, name):
        (copy / name).unlink()
        with pytest.raises(InputError, match=f"{name} is missing: delete"):
            EncodedCorpus(copy)

    def test_of_a_shard_that_was_truncated_meanwhile(self, copy):
        corpus = EncodedCorpus(copy)
        os.truncate(copy / "pairs-00002-of-00005.tfrecord", 1000)
        with pytest.raises(InputError, match=r"pairs-00002-of-00005\.tfrecord is damaged at byte"):
            corpus.read(np.arange(128, 192))

    def test_of_a_shard_that_was_deleted_meanwhile(self, copy):
        corpus = EncodedCorpus(copy)
        (copy / "pairs-00002-of-00005.tfrecord").unlink()
        with pytest.raises(InputError, match=r"pairs-00002-of-00005\.tfrecord is missing"):
            corpus.read(np.array([130]))

    @pytest.mark.parametrize(
        "name", ["offsets.u64", "checksums.u32", "lengths.u32", "target/vocabulary.txt"]
    )
    def test_of_the_index_and_the_tokenizers(self, copy, name):
        flip(copy / name, 40)
        with pytest.raises(InputError, match=rf"{name} is damaged \(its SHA-256 has changed\)"):
            EncodedCorpus(copy)

    @pytest.mark.parametrize(
        "change",
        [
            *({"pairs": wrong} for wrong in (299, 301, 0, -1, "x", None)),
            *({"pairs_per_shard": wrong} for wrong in (63, 65, 128, 0, -1, "x", None)),
        ],
    )
    def test_of_a_number_in_the_settings(self, copy, change):
        settings = {**json.loads((copy / SETTINGS).read_text()), **change}
        (copy / SETTINGS).write_text(json.dumps(settings))
        with pytest.raises(InputError, match=r"corpus\.json is damaged \(.*delete"):
            EncodedCorpus(copy)

    @pytest.mark.parametrize("text", ["", "{}", "[1", '{"format": 1, "files": 3}'])
    def test_of_the_settings(self, copy, text):
        (copy / SETTINGS).write_text(text)
        with pytest.raises(InputError, match=r"corpus\.json is damaged"):
            EncodedCorpus(copy)

    def test_of_another_format(self, copy):
        settings = json.loads((copy / SETTINGS).read_text())
        (copy / SETTINGS).write_text(json.dumps({**settings, "format": 1}))
        with pytest.raises(InputError, match=r"corpus\.json has the format 1, not 2"):
            EncodedCorpus(copy)

    def test_no_corpus(self, tmp_path):
        with pytest.raises(InputError, match=r"is not an encoded corpus .*No such file"):
            EncodedCorpus(tmp_path)


class TestStale:
    def test_the_same_call_again_writes_nothing(self, pairs, tokenizers, encoded):
        before = (encoded.directory / SETTINGS).stat().st_mtime_ns
        again = encode(pairs, *tokenizers, encoded.directory, pairs_per_shard=64)
        assert (again.directory / SETTINGS).stat().st_mtime_ns == before
        assert again.fingerprint == encoded.fingerprint

    def test_other_text(self, pairs, tokenizers, encoded):
        changed = [*list(pairs)[:-1], ("a1", "b2")]
        for other in (changed, pairs[:299]):
            with pytest.raises(InputError, match="was encoded from other text: choose another"):
                encode(other, *tokenizers, encoded.directory, pairs_per_shard=64)

    def test_another_tokenizer(self, pairs, tokenizers, encoded):
        message = "was encoded with another target tokenizer: pass the corpus's `target_tokenizer`"
        with pytest.raises(InputError, match=message):
            encode(pairs, *tokenizers[:1], tokenizers[0], encoded.directory, pairs_per_shard=64)
        with pytest.raises(InputError, match=message):
            batches(encoded, tokenizers[0], tokenizers[0])

    def test_other_settings(self, pairs, tokenizers, encoded):
        with pytest.raises(InputError, match="was encoded with pairs_per_shard=64, not 65"):
            encode(pairs, *tokenizers, encoded.directory, pairs_per_shard=65)

    def test_something_else(self, pairs, tokenizers, tmp_path):
        (tmp_path / "notes.txt").write_text("mine")
        with pytest.raises(InputError, match="is not an encoded corpus"):
            encode(pairs, *tokenizers, tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


class TestEncode:
    def test_no_pairs(self, tokenizers, tmp_path):
        with pytest.raises(InputError, match="contains no sentence pairs"):
            encode([], *tokenizers, tmp_path / "none")
        assert not list(tmp_path.iterdir())

    def test_a_tokenizer_without_a_vocabulary(self, pairs, tokenizers, tmp_path):
        with pytest.raises(RuntimeError, match="has no vocabulary yet"):
            encode(pairs, WordTokenizer(), tokenizers[1], tmp_path / "a")

    @pytest.mark.parametrize("wrong", ["ab", 5, ("a",), ("a", 3), ("a", None)])
    def test_something_else_than_pairs(self, pairs, tokenizers, tmp_path, wrong):
        with pytest.raises(TypeError, match="got"):
            encode([("a1", "b1"), wrong], *tokenizers, tmp_path / "a")
        assert not list(tmp_path.iterdir())

    def test_lines_that_are_not_utf8_are_named(self, tokenizers, tmp_path):
        (tmp_path / "a").write_bytes(b"a1\n" * 9999)
        (tmp_path / "b").write_bytes(b"b1\n" * 9998 + b"b\xff\n")
        with pytest.raises(InputError, match=r"b, line 9999, contains the byte 0xff"):
            encode(
                s2s.data.stream_parallel(tmp_path / "a", tmp_path / "b"),
                *tokenizers,
                tmp_path / "c",
            )
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]

    def test_a_long_sentence(self, tokenizers, tmp_path):
        long = "a1 " * 70_000
        corpus = encode([(long, "b1"), ("a1", "b1")], *tokenizers, tmp_path / "a")
        ((inputs, _),) = batches(corpus, *tokenizers)
        assert inputs["source"].shape == (1, 2)
        ((inputs, _),) = batches(corpus, *tokenizers, max_length=70_001, tokens=200_000)
        assert inputs["source"].shape == (2, 70_001)

    def test_reports_the_pairs_after_each_shard(self, pairs, tokenizers, tmp_path, monkeypatch):
        monkeypatch.setattr(
            encoding, "in_chunks", lambda pairs: [list(pairs)[:100], list(pairs)[100:130]]
        )
        seen = []
        encode(pairs, *tokenizers, tmp_path / "a", pairs_per_shard=60, report=seen.append)
        assert seen == [60, 120, 130]

    def test_only_one_process_at_a_time(self, pairs, tokenizers, tmp_path):
        def endless():
            yield ("a1", "b1")
            encode(pairs, *tokenizers, tmp_path / "a")

        with pytest.raises(InputError, match="Another process is encoding into"):
            encode(endless(), *tokenizers, tmp_path / "a")

    def test_the_defaults(self):
        assert defaults(encode) == {"pairs_per_shard": 2**20, "report": None}


KILLED = """
import sys
from tf_seq2seq.data import encode
from tf_seq2seq.text import Tokenizer

def pairs():
    while True:
        yield "a1 a2", "b1"

tokenizers = [Tokenizer.load(f"{sys.argv[1]}/{side}") for side in ("source", "target")]
report = lambda pairs: print(pairs, flush=True)
encode(pairs(), *tokenizers, sys.argv[2], pairs_per_shard=5000, report=report)
"""


def test_a_killed_process_leaves_nothing_that_loads(pairs, tokenizers, encoded, tmp_path):
    directory = tmp_path / "corpus"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, encoded.directory, directory],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert [path.name for path in tmp_path.iterdir()] == [".corpus.partial"]
    with pytest.raises(InputError, match="is not an encoded corpus"):
        EncodedCorpus(directory)
    corpus = encode(pairs, *tokenizers, directory, pairs_per_shard=64)
    assert corpus.fingerprint == encoded.fingerprint
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


def test_training_names_a_damaged_record(copy, tokenizers, tmp_path):
    flip(copy / "pairs-00000-of-00005.tfrecord", 100)
    sizes = [tokenizer.vocabulary_size for tokenizer in tokenizers]
    model = s2s.Seq2Seq(s2s.Encoder(sizes[0], 4), s2s.Decoder(sizes[1], 4, feeding="context"))
    model.compile("sgd", run_eagerly=True)
    train = batches(EncodedCorpus(copy), *tokenizers, max_length=20)
    with pytest.raises(InputError, match=r"^\S*pairs-00000-of-00005\.tfrecord is damaged at byte"):
        s2s.training.fit(model, train, epochs=1, directory=tmp_path / "run")
