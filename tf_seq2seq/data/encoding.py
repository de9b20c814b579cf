"""Write a corpus of any size as ids, in shards that `batches` reads.

The text is read once, as a stream, in chunks of lines. Threads convert the chunks to ids, inside
TensorFlow and thus in parallel, while the main thread reads the text and writes the records.
"""

from __future__ import annotations

import errno
import hashlib
import os
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tf_seq2seq.checks import check_integer
from tf_seq2seq.data.encoded import check_not_empty
from tf_seq2seq.data.shards import (
    CHECKSUMS,
    FOOTER,
    FORMAT,
    HEADER,
    LEARNED,
    LENGTHS,
    OFFSETS,
    SETTINGS,
    SIDES,
    EncodedCorpus,
    as_text,
    sha256_of,
)
from tf_seq2seq.errors import InputError
from tf_seq2seq.files import in_chunks, write_folder_alone
from tf_seq2seq.strings import utf8
from tf_seq2seq.text import EOS_ID, UNK_ID, Tokenizer

DIGITS = 5
"""The fewest digits of the numbers in the names of shards."""


def encode(
    pairs: Iterable[tuple[str, str]],
    source_tokenizer: Tokenizer,
    target_tokenizer: Tokenizer,
    directory: str | os.PathLike,
    *,
    pairs_per_shard: int = 2**20,
    report: Callable[[int], object] | None = None,
) -> EncodedCorpus:
    r"""Write a corpus of any size as ids, for `batches`.

    The text is read once, as a stream. All pairs are written, in their order: `batches` drops
    those that are empty or too long. The directory appears when it is complete. After an
    interruption, the same call starts again.

    If the directory already has a corpus, it is compared with the text, which is read for this, and
    with the arguments. If they are the same, nothing is written.

    Args:
        pairs: the sentence pairs, any iterable of `(source, target)`, such as
            `stream_parallel("train.de", "train.en")`.
        source_tokenizer: the tokenizer of the source side, with a vocabulary.
        target_tokenizer: the tokenizer of the target side, with a vocabulary.
        directory: where to write; its parent is created if it does not exist.
        pairs_per_shard: the number of pairs per file.
        report: a function that is called with the number of pairs so far after each shard, such as
            `print`.

    Returns:
        The encoded corpus.

    Raises:
        InputError: if `pairs` is empty, the directory contains other files, another process is
            writing to it, or an argument is out of range.
        RuntimeError: if a tokenizer has no vocabulary.
        TypeError: if `pairs` has something else than pairs of strings.

    Example:

    >>> corpus = s2s.data.copy_corpus("abc", lengths=(1, 4), train=40, dev=5, test=5)
    >>> tokenizer = s2s.text.WordTokenizer()
    >>> tokenizer.adapt(corpus.train.source)
    >>> encoded = encode(corpus.train, tokenizer, tokenizer, tmp_path / "train", pairs_per_shard=25)
    >>> len(encoded), sorted(path.name for path in encoded.directory.glob("*.tfrecord"))
    (40, ['pairs-00000-of-00002.tfrecord', 'pairs-00001-of-00002.tfrecord'])
    >>> train = s2s.data.batches(encoded, tokenizer, tokenizer, batch_size=16, shuffle_seed=1)
    """
    tokenizers = source_tokenizer, target_tokenizer
    return encode_with(pairs, tokenizers, directory, pairs_per_shard, report)


def encode_with(
    pairs: Iterable[tuple[str, str]],
    tokenizers: tuple[Tokenizer, Tokenizer],
    directory: str | os.PathLike,
    pairs_per_shard: int,
    report: Callable[[int], object] | None,
    learned: dict[str, Any] | None = None,
) -> EncodedCorpus:
    """Do the same as `encode`, for tokenizers whose settings are known.

    Args:
        learned: the settings with which the tokenizers were learned, for `EncodedCorpus.learned`;
            None for tokenizers that come from somewhere else.
    """
    pairs_per_shard = check_integer("pairs_per_shard", pairs_per_shard, minimum=1)
    for tokenizer in tokenizers:
        _ = tokenizer.vocabulary  # raises if there is none
    directory = Path(directory).expanduser()
    corpus = corpus_at(directory)
    if corpus is not None:
        _check_same(corpus, pairs, tokenizers, pairs_per_shard)
        return corpus
    try:
        with write_folder_alone(directory) as new:
            _write(pairs, tokenizers, new, pairs_per_shard, report, learned)
    except BlockingIOError:
        raise InputError(
            f"Another process is encoding into {directory}: wait for its end, or choose another "
            "directory."
        ) from None
    except tf.errors.ResourceExhaustedError:  # how TensorFlow reports a full disk
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(directory)) from None
    return EncodedCorpus(directory)


def corpus_at(directory: Path) -> EncodedCorpus | None:
    """Return the encoded corpus of a directory, or None if `encode` can write one there.

    Raises:
        InputError: if there is something else.
    """
    if directory.exists() and not (directory.is_dir() and not any(directory.iterdir())):
        return EncodedCorpus(directory)
    return None


def _check_same(corpus: EncodedCorpus, pairs, tokenizers, pairs_per_shard: int) -> None:
    """Refuse a corpus that was encoded from other text or with other arguments."""
    corpus.check_tokenizers(*tokenizers)
    before = corpus.settings["pairs_per_shard"]
    if before != pairs_per_shard:
        raise InputError(
            f"{corpus.directory} was encoded with pairs_per_shard={before}, not {pairs_per_shard}: "
            "choose another directory, or delete this one."
        )
    text = _Text()
    for _ in text.chunks(pairs):
        pass
    if text.digest != corpus.settings["text"]:
        raise InputError(
            f"{corpus.directory} was encoded from other text: choose another directory, or delete "
            "this one."
        )


def _write(pairs, tokenizers, folder: Path, pairs_per_shard: int, report, learned) -> None:
    for side, tokenizer in zip(SIDES, tokenizers, strict=True):
        tokenizer.save(folder / side)
    text, totals = _Text(), np.zeros([2, 2], np.int64)
    with _Shards(folder, pairs_per_shard, report) as shards:
        for chunk in _in_parallel(_encoder(*tokenizers), text.chunks(pairs)):
            totals += [[len(side.ids) - len(side.lengths), side.unknown] for side in chunk]
            shards.write(*chunk)
    check_not_empty(shards.pairs)
    shards.number()
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    settings = {
        "format": FORMAT,
        "pairs": shards.pairs,
        "pairs_per_shard": pairs_per_shard,
        "text": text.digest,
        "tokens": totals[:, 0].tolist(),
        "unknown": totals[:, 1].tolist(),
        "files": {
            path.relative_to(folder).as_posix(): {
                "bytes": path.stat().st_size,
                "sha256": sha256_of(path),
            }
            for path in files
        },
    }
    if learned is not None:
        settings[LEARNED] = learned
    (folder / SETTINGS).write_text(as_text(settings), encoding="utf-8")


class _Text:
    """Sentence pairs in chunks, and a hash of those that were read."""

    def __init__(self):
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def chunks(self, pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[list[bytes], list[bytes]]]:
        """Yield chunks of sources and targets as UTF-8."""
        for chunk in in_chunks(pairs):
            for pair in chunk:
                if isinstance(pair, str | bytes) or not (
                    isinstance(pair, Sized) and len(pair) == 2
                ):
                    raise TypeError(f"`pairs` must hold pairs (source, target), got {pair!r}.")
            source, target = ([utf8(text) for text in side] for side in zip(*chunk, strict=True))
            for side in (source, target):
                # The lengths show where a sentence ends.
                self._hash.update(np.array([len(sentence) for sentence in side], "<u8"))
                self._hash.update(b"".join(side))
            yield source, target


class _Side(NamedTuple):
    """One side of a chunk of pairs.

    Attributes:
        ids: the ids of all sentences, each with `<eos>`, one after another.
        lengths: the number of ids of each sentence.
        unknown: the number of unknown tokens.
    """

    ids: np.ndarray
    lengths: np.ndarray
    unknown: int


def _encoder(*tokenizers: Tokenizer) -> Callable[..., list[_Side]]:
    """Return a function from chunks of both sides to their ids."""

    def encode(tokenizer, text):
        ids = tokenizer.encode(text)
        unknown = tf.math.count_nonzero(ids.values == UNK_ID)
        ids = tf.concat([ids, tf.fill([ids.nrows(), 1], EOS_ID)], axis=1)
        return ids.values, ids.row_lengths(), unknown

    strings = tf.TensorSpec([None], tf.string)

    @tf.function(input_signature=[strings, strings], autograph=False)
    def graph(*sides):
        return [encode(*each) for each in zip(tokenizers, sides, strict=True)]

    def run(sides):
        found = graph(*(tf.constant(side, tf.string) for side in sides))
        return [_Side(ids.numpy(), lengths.numpy(), int(n)) for ids, lengths, n in found]

    return run


def _in_parallel(function: Callable, items: Iterable[Any]) -> Iterator[Any]:
    """Yield the results of a function in order; a few calls are ahead."""
    count = os.cpu_count() or 1
    with ThreadPoolExecutor(count) as pool:
        waiting: deque = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class _Shards:
    """The files of records in a folder, and their index.

    Attributes:
        pairs: the number of pairs so far.
    """

    def __init__(self, folder: Path, pairs_per_shard: int, report):
        self.pairs = 0
        self._folder, self._pairs_per_shard, self._report = folder, pairs_per_shard, report
        self._paths: list[Path] = []
        self._writer: Any = None
        self._offset = 0

    def __enter__(self) -> _Shards:
        self._offsets, self._checksums, self._lengths = (
            (self._folder / name).open("wb") for name in (OFFSETS, CHECKSUMS, LENGTHS)
        )
        return self

    def __exit__(self, kind, error, traceback) -> None:
        self._close_shard()
        for file in (self._offsets, self._checksums, self._lengths):
            file.close()

    def write(self, source: _Side, target: _Side) -> None:
        """Append a chunk of pairs."""
        # One message for all records: creating its parts takes longer than filling them.
        example = tf.train.Example()
        features = example.features.feature
        source_ids, target_ids = (features[side].int64_list.value for side in SIDES)
        rows = np.stack([source.lengths, target.lengths], axis=1)
        lists, begins = (source.ids.tolist(), target.ids.tolist()), [0, 0]
        offsets, checksums = [], []
        for lengths in rows.tolist():
            if self.pairs % self._pairs_per_shard == 0:
                self._next_shard()
            for ids, values, place in zip((source_ids, target_ids), lists, (0, 1), strict=True):
                end = begins[place] + lengths[place]
                ids[:] = values[begins[place] : end]
                begins[place] = end
            record = example.SerializeToString()
            self._writer.write(record)
            offsets.append(self._offset)
            checksums.append(zlib.crc32(record))
            self._offset += HEADER + len(record) + FOOTER
            self.pairs += 1
        np.array(offsets, "<u8").tofile(self._offsets)
        np.array(checksums, "<u4").tofile(self._checksums)
        rows.astype("<u4").tofile(self._lengths)

    def _next_shard(self) -> None:
        self._close_shard()
        path = self._folder / f"{len(self._paths)}.tfrecord"
        self._paths.append(path)
        self._writer, self._offset = tf.io.TFRecordWriter(str(path)), 0

    def _close_shard(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            if self._report is not None:
                self._report(self.pairs)

    def number(self) -> None:
        """Rename the shards, whose number is known at the end; sorted names keep their order."""
        count = f"{len(self._paths):0{DIGITS}}"
        for place, path in enumerate(self._paths):
            path.rename(self._folder / f"pairs-{place:0{len(count)}}-of-{count}.tfrecord")
