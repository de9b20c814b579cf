"""Encoded corpora on disk: records in any order, without reading those before them.

A directory that `encode` wrote has these files:

    corpus.json                       the number of pairs, and size and SHA-256 of all other files
    pairs-00000-of-00010.tfrecord     TFRecords of tf.train.Example: two lists of ids, source and
                                      target, each with <eos>
    offsets.u64                       where each record begins in its shard, little-endian
    checksums.u32                     the CRC-32 of each record's data
    lengths.u32                       the lengths of the source and the target of each pair
    source/, target/                  the tokenizers, see `Tokenizer.load`

The batches of an epoch are planned from the lengths alone, and the offsets give access to any pair.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tf_seq2seq.data.encoded import choose_pairs
from tf_seq2seq.errors import InputError
from tf_seq2seq.files import DAMAGED, first_line
from tf_seq2seq.text import SOS_ID, Tokenizer

FORMAT = 2
SETTINGS = "corpus.json"
OFFSETS, CHECKSUMS, LENGTHS = "offsets.u64", "checksums.u32", "lengths.u32"
LEARNED = "learned"
"""The key of the settings with which the tokenizers were learned."""

SIDES = ("source", "target")
RECORD = {side: tf.io.RaggedFeature(tf.int64) for side in SIDES}
"""How `tf.io.parse_example` reads the records."""

HEADER, FOOTER = 12, 4
"""The bytes of a TFRecord before its data, the length and its checksum, and after it."""

OPEN_SHARDS = 500
"""The number of files to keep open; many systems allow a process 1,024."""


class EncodedCorpus:
    """Sentence pairs as ids on disk, for `batches`; the result of `encode`.

    Opening it reads the lengths of the pairs, and checks the sizes of all files. A record is read
    when a batch needs it, and its checksum is verified.

    Args:
        directory: a directory that `encode` wrote.

    Attributes:
        directory: the directory.
        settings: the content of its file `corpus.json`.

    Raises:
        InputError: if the directory contains no encoded corpus, or a file is missing or damaged.
    """

    def __init__(self, directory: str | os.PathLike):
        self.directory = Path(directory).expanduser().absolute()
        try:
            self._content = (self.directory / SETTINGS).read_bytes()
            self.settings: dict[str, Any] = json.loads(self._content)
            known = self.settings["format"] == FORMAT
            for name, facts in self.settings["files"].items():
                self._check_file(name, facts, content=not name.endswith(".tfrecord"))
            if known:
                self._plan_reading()
        except OSError as error:
            raise InputError(
                f"{self.directory} is not an encoded corpus (cannot read {SETTINGS}: "
                f"{error.strerror}): pass a directory that `encode` wrote."
            ) from None
        except InputError:
            raise
        except DAMAGED as error:
            raise self._damaged(SETTINGS, f"is damaged ({first_line(error)})") from None
        if not known:
            raise self._damaged(SETTINGS, f"has the format {self.settings['format']}, not {FORMAT}")
        self._opened = functools.lru_cache(OPEN_SHARDS)(_Shard)

    def _plan_reading(self) -> None:
        """Open the index, and find the files of the records; a wrong number raises ValueError."""
        count, files = len(self), self.settings["files"]
        self._lengths = np.memmap(self.directory / LENGTHS, "<u4", "r").reshape(count, 2)
        self._offsets = np.memmap(self.directory / OFFSETS, "<u8", "r").reshape(count)
        self._checksums = np.memmap(self.directory / CHECKSUMS, "<u4", "r").reshape(count)
        self._shards = [name for name in files if name.endswith(".tfrecord")]
        self._sizes = np.array([files[name]["bytes"] for name in self._shards], np.uint64)
        self._paths = [str(self.directory / name) for name in self._shards]
        # Any larger number gives the same file, and this one fits the integers of positions.
        self._pairs_per_shard = min(self.settings["pairs_per_shard"], count)
        begins = self._offsets[:: self._pairs_per_shard]
        if len(begins) != len(self._shards) or begins.any():
            raise ValueError(f"wrong pairs_per_shard: {self.settings['pairs_per_shard']}")

    def __len__(self) -> int:
        return self.settings["pairs"]

    def __reduce__(self) -> tuple:
        return type(self), (str(self.directory),)  # a copy opens the files itself

    @functools.cached_property
    def source_tokenizer(self) -> Tokenizer:
        """The tokenizer of the source side."""
        return Tokenizer.load(self.directory / "source")

    @functools.cached_property
    def target_tokenizer(self) -> Tokenizer:
        """The tokenizer of the target side."""
        return Tokenizer.load(self.directory / "target")

    @property
    def fingerprint(self) -> str:
        """A value that identifies text and tokenizers, for the `settings` of `training.fit`."""
        content = self._content
        if self.learned is not None:  # how tokenizers came about changes nothing
            settings = {name: value for name, value in self.settings.items() if name != LEARNED}
            content = as_text(settings).encode()
        return f"sha256:{hashlib.sha256(content).hexdigest()}"

    @property
    def learned(self) -> dict[str, Any] | None:
        """The settings with which `tf-seq2seq-encode` learned the tokenizers; None if it did
        not."""
        return self.settings.get(LEARNED)

    @property
    def unknown(self) -> tuple[float, float]:
        """The fraction of `<unk>` among the tokens of each side, not counting `<eos>`."""
        tokens, unknown = self.settings["tokens"], self.settings["unknown"]
        source, target = (u / max(n, 1) for u, n in zip(unknown, tokens, strict=True))
        return source, target

    def check_tokenizers(self, source_tokenizer: Tokenizer, target_tokenizer: Tokenizer) -> None:
        """Refuse other tokenizers than those that the pairs were encoded with.

        Raises:
            InputError: if one differs.
        """
        for side, given in zip(SIDES, (source_tokenizer, target_tokenizer), strict=True):
            if not getattr(self, f"{side}_tokenizer").equals(given):
                raise InputError(
                    f"{self.directory} was encoded with another {side} tokenizer: pass the "
                    f"corpus's `{side}_tokenizer`, or encode the text again into another directory."
                )

    def check(self) -> None:
        """Read all files, and compare them with the SHA-256 hashes of when they were written.

        Raises:
            InputError: if a file is damaged; the message names it.
        """
        for name, facts in self.settings["files"].items():
            self._check_file(name, facts, content=True)

    def select(self, max_length: int) -> SelectedPairs:
        """Choose the pairs that are neither empty nor too long.

        Args:
            max_length: the maximum number of tokens of either side, including `<eos>`.

        Raises:
            InputError: if no pair is kept.
        """
        keep, dropped = choose_pairs(self._lengths, max_length)
        if keep.all():
            return SelectedPairs(self, None, self._lengths, dropped)
        return SelectedPairs(self, np.flatnonzero(keep), self._lengths[keep], dropped)

    def read(self, members: np.ndarray) -> np.ndarray:
        """Read records.

        Args:
            members: positions, int `(rows,)`.

        Returns:
            The records, each a serialized `tf.train.Example`, `(rows,)`.

        Raises:
            InputError: if a record is damaged, or its shard cannot be read.
        """
        members = np.asarray(members)
        records = np.empty(len(members), object)
        shards = members // self._pairs_per_shard
        begins, sizes = self._offsets[members], self._data_sizes(members, shards)
        checksums = self._checksums[members]
        for place in np.argsort(members):  # in the order on disk
            shard, begin = shards[place], int(begins[place])
            name = self._shards[shard]
            try:
                record = self._open(self._paths[shard]).read(begin, int(sizes[place]))
            except FileNotFoundError:
                raise self._damaged(name, "is missing") from None
            except OSError as error:
                raise InputError(
                    f"{self._paths[shard]} cannot be read ({error.strerror}): remove the cause, "
                    "and continue with `resume`."
                ) from None
            if zlib.crc32(record) != checksums[place]:
                raise self._damaged(name, f"is damaged at byte {begin} (its CRC-32 has changed)")
            records[place] = record
        return records

    def _open(self, path: str) -> _Shard:
        try:
            return self._opened(path)
        except OSError as error:
            if error.errno != errno.EMFILE:
                raise
        self._opened.cache_clear()  # the system allows fewer open files
        return self._opened(path)

    def _data_sizes(self, members: np.ndarray, shards: np.ndarray) -> np.ndarray:
        """Return the number of bytes of the data of records: up to the next one, or to the end."""
        last = len(self) - 1
        ends_shard = (members == last) | ((members + 1) % self._pairs_per_shard == 0)
        ends = np.where(
            ends_shard, self._sizes[shards], self._offsets[np.minimum(members + 1, last)]
        )
        return ends - self._offsets[members] - np.uint64(HEADER + FOOTER)

    def _check_file(self, name: str, facts: Mapping[str, Any], content: bool) -> None:
        path = self.directory / name
        if not path.exists():
            raise self._damaged(name, "is missing")
        size = path.stat().st_size
        if size != facts["bytes"]:
            raise self._damaged(name, f"has {size:,} bytes instead of {facts['bytes']:,}")
        if content and sha256_of(path) != facts["sha256"]:
            raise self._damaged(name, "is damaged (its SHA-256 has changed)")

    def _damaged(self, name: str, what: str) -> InputError:
        return InputError(
            f"{self.directory / name} {what}: delete {self.directory} and encode the text again."
        )


class SelectedPairs(NamedTuple):
    """Those pairs of an `EncodedCorpus` that are kept (see `Encoded`).

    Attributes:
        corpus: the corpus.
        kept: the positions of the pairs in the corpus, `(n,)`; None for all of them.
        lengths: their lengths, `(n, 2)`.
        dropped: the number of the other pairs, by reason.
    """

    corpus: EncodedCorpus
    kept: np.ndarray | None
    lengths: np.ndarray
    dropped: dict[str, int]

    @property
    def unknown(self) -> tuple[float, float]:
        """The fraction of `<unk>` among the tokens of each side, in all pairs of the corpus."""
        return self.corpus.unknown

    def gather(self, members: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """Return some pairs inside a graph (see `Encoded`)."""

        def read(members):
            return self.corpus.read(members if self.kept is None else self.kept[members])

        records = tf.ensure_shape(tf.numpy_function(read, [members], tf.string), [None])
        examples = tf.io.parse_example(records, RECORD)
        source, target = (tf.cast(examples[side], tf.int32) for side in SIDES)
        return source, tf.concat([tf.fill([target.nrows(), 1], SOS_ID), target], axis=1)


class _Shard:
    """A file of records, any of which can be read, by several threads at once.

    TensorFlow's reader of single records reads 16 MiB for each of them.

    Raises:
        FileNotFoundError: if it is missing.
    """

    def __init__(self, path: str):
        self._file = os.open(path, os.O_RDONLY)

    def __del__(self):
        if hasattr(self, "_file"):
            os.close(self._file)

    def read(self, begin: int, size: int) -> bytes:
        """Return the data of the record that begins at a byte; fewer bytes if the file ends."""
        return os.pread(self._file, size, begin + HEADER)


def as_text(settings: dict[str, Any]) -> str:
    """Return the content of `corpus.json`."""
    return json.dumps(settings, indent=1) + "\n"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 hash of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
