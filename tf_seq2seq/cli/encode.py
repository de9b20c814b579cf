"""Encode parallel files of any size as ids, for training from disk.

tf-seq2seq-encode --source train.de --target train.en --output output/corpus
"""

from __future__ import annotations

import dataclasses
import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tf_seq2seq.cli.settings import from_command_line, setting

LINES_TO_CHOOSE_FROM = 1_000_000
"""The number of lines that show which tokenizer suits a text."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """Encode two parallel files of any size as ids, for `data.batches`."""

    source: Path = setting(None, "the source sentences, one per line", required=True, reads=True)
    target: Path = setting(None, "their translations, line by line", required=True, reads=True)
    output: Path = setting(None, "the directory of the encoded corpus", required=True)
    tokenizers: Path | None = setting(
        None,
        "a saved translator or an encoded corpus, whose tokenizers to use (default: learn new ones "
        "from the two files)",
    )
    max_size: int = setting(8000, "the most tokens of each new vocabulary", least=5)
    pairs_per_shard: int = setting(2**20, "number of pairs per file", least=1)
    check: bool = setting(False, "when done, read all files and compare their SHA-256 hashes")

    def without_effect(self) -> Iterator[tuple[str, Sequence[str]]]:
        if self.tokenizers is not None:
            yield "with --tokenizers", ["max_size"]


def encode_files(settings: Settings) -> None:
    """Encode the files, and report the progress.

    Raises:
        InputError: if a file cannot be read, or the output is another corpus or was encoded with
            other options.
    """
    # Slow to import, and neither --help nor an error on the command line needs them.
    from tf_seq2seq import data
    from tf_seq2seq.data.encoding import corpus_at, encode_with
    from tf_seq2seq.errors import InputError
    from tf_seq2seq.text import Tokenizer, tokenizer_for

    known = settings.tokenizers
    learned = None if known else {"max_size": settings.max_size}
    corpus = corpus_at(settings.output)
    if corpus is not None and not known:
        # The second run of the same command uses what the first one has learned.
        known = settings.output
        remedy = f"choose another directory, or keep its tokenizers by --tokenizers {known}"
        if corpus.learned is None:
            raise InputError(
                f"{known} was encoded with tokenizers that this command did not learn: {remedy}."
            )
        if (before := corpus.learned["max_size"]) != settings.max_size:
            raise InputError(
                f"{known} was encoded with max_size={before}, not {settings.max_size}: {remedy}."
            )
    if not known:
        for _ in data.stream_parallel(settings.source, settings.target):
            pass  # learning takes long, and must not come before an error
    tokenizers = []
    for side in ("source", "target"):
        path = known / side if known else getattr(settings, side)
        if known:
            tokenizer = Tokenizer.load(path)
        else:
            lines = itertools.islice(data.stream_lines(path), LINES_TO_CHOOSE_FROM)
            tokenizer = tokenizer_for(lines, settings.max_size)
            tokenizer.adapt(data.stream_lines(path), settings.max_size)
        print(f"{path}: {type(tokenizer).__name__}, {tokenizer.vocabulary_size:,} tokens")
        tokenizers.append(tokenizer)
    corpus = encode_with(
        data.stream_parallel(settings.source, settings.target),
        (tokenizers[0], tokenizers[1]),
        settings.output,
        settings.pairs_per_shard,
        report=lambda pairs: print(f"{pairs:,} pairs", flush=True),
        learned=learned,
    )
    if settings.check:
        corpus.check()
    source, target = corpus.unknown
    print(
        f"Encoded corpus: {corpus.directory}, {len(corpus):,} pairs; {source:.1%} of the source "
        f"and {target:.1%} of the target is unknown"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `tf-seq2seq-encode`, and return its exit code."""
    encode_files(from_command_line(Settings, arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main())
