"""Encode a generated corpus on disk, and measure what training from it takes.

    python benchmarks/corpus.py                      10 million pairs; about 10 minutes on two cores
    python benchmarks/corpus.py --pairs 100000

Reports, with the peak memory of each stage: learning the subwords of both sides, encoding, the time
to the first batch at the start and in the middle of an epoch, and the pairs per second of batches,
with the file in the cache of the operating system and without. Each stage is a process of its own,
whose memory is its largest resident set, without what others share.

The sentences are random words, whose frequencies follow Zipf's law. Needs 400 bytes of disk for
each pair, which are freed at the end.
"""

import dataclasses
import json
import multiprocessing
import os
import resource
import shutil
import time
from pathlib import Path

import numpy as np

from tf_seq2seq.cli.settings import from_command_line, setting

SENTENCE = np.log(14), 0.5  # mean and deviation of the logarithm of the number of words
CHUNK = 50_000


@dataclasses.dataclass(frozen=True)
class Settings:
    """Measure encoding a generated corpus, and reading it in batches."""

    pairs: int = setting(10_000_000, "number of pairs to generate", least=1000)
    words: int = setting(50_000, "number of different words of each side", least=1000)
    vocabulary_size: int = setting(8000, "number of subwords of each side", least=100)
    learn_from: int = setting(200_000, "number of lines to learn the subwords from", least=1)
    tokens: int = setting(4096, "tokens per batch", least=50)
    batches: int = setting(2000, "number of batches to measure", least=1)
    seed: int = setting(1, "the seed of the sentences", least=0)
    output: Path = setting(Path("output/corpus"), "where the files go; deleted at the end")


def words(random, count):
    """Return different words of two to twelve letters, short ones first."""
    letters = np.array(list("etaoinshrdlucmfwypvbgk"))
    found = {}
    while len(found) < count:
        length = min(12, 2 + len(found).bit_length() // 2)
        found["".join(random.choice(letters, random.integers(2, length + 1)))] = None
    return np.array(list(found))


def generate(settings):
    """Write the two files of text."""
    random = np.random.default_rng(settings.seed)
    sides = [words(random, settings.words) for _ in range(2)]
    weights = 1 / np.arange(1, settings.words + 1)
    cumulative = np.cumsum(weights / weights.sum())
    with (
        (settings.output / "source.txt").open("w") as source,
        (settings.output / "target.txt").open("w") as target,
    ):
        for begin in range(0, settings.pairs, CHUNK):
            count = min(CHUNK, settings.pairs - begin)
            common = random.normal(*SENTENCE, count)
            for vocabulary, file in zip(sides, (source, target), strict=True):
                lengths = np.exp(common + random.normal(0, 0.15, count)).astype(int).clip(1, 60)
                ids = np.searchsorted(cumulative, random.random(lengths.sum()))
                ends = np.cumsum(lengths)
                chosen = vocabulary[ids.clip(max=settings.words - 1)].tolist()
                for first, last in zip(ends - lengths, ends, strict=True):
                    file.write(" ".join(chosen[first:last]) + ".\n")


def learn(settings):
    """Learn the subwords of both sides from a stream of lines."""
    import itertools

    from tf_seq2seq.data import stream_lines
    from tf_seq2seq.text import SubwordTokenizer

    for side in ("source", "target"):
        tokenizer = SubwordTokenizer()
        lines = stream_lines(settings.output / f"{side}.txt")
        tokenizer.adapt(itertools.islice(lines, settings.learn_from), settings.vocabulary_size)
        tokenizer.save(settings.output / side)


def tokenizers(settings):
    from tf_seq2seq.text import Tokenizer

    return [Tokenizer.load(settings.output / side) for side in ("source", "target")]


def encode(settings):
    """Encode the corpus."""
    from tf_seq2seq import data

    files = (settings.output / f"{side}.txt" for side in ("source", "target"))
    data.encode(data.stream_parallel(*files), *tokenizers(settings), settings.output / "encoded")


def forget(settings):
    """Take the shards out of the cache of the operating system."""
    for path in (settings.output / "encoded").glob("*.tfrecord"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read(settings, cached, middle):
    """Measure the time to the first batch, and the pairs per second of the following ones."""
    from tf_seq2seq import data
    from tf_seq2seq.data.epochs import start_at

    if not cached:
        forget(settings)
    begin = time.perf_counter()
    corpus = data.EncodedCorpus(settings.output / "encoded")
    opened = time.perf_counter()
    train = data.batches(
        corpus, *tokenizers(settings), tokens=settings.tokens, shuffle_seed=1, report=print
    )
    planned = time.perf_counter()
    if middle:
        start_at(train, 1, int(train.cardinality()) // 2)
    iterator = iter(train)
    next(iterator)
    first = time.perf_counter()
    pairs = batches = 0
    for (_, labels), _ in zip(iterator, range(settings.batches), strict=False):
        pairs, batches = pairs + len(labels), batches + 1
    seconds = time.perf_counter() - first
    return {
        "seconds to open": opened - begin,
        "seconds to plan": planned - opened,
        "seconds to the first batch": first - planned,
        "pairs per second": pairs / seconds,
        "batches per second": batches / seconds,
    }


def measured(function, settings, arguments, connection):
    begin = time.perf_counter()
    results = function(settings, *arguments) or {}
    results["minutes"] = (time.perf_counter() - begin) / 60
    results["peak memory in MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    connection.send(results)


def stage(name, function, settings, *arguments):
    """Run a function in a process of its own, and print what it measured."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=measured, args=(function, settings, arguments, sender))
    process.start()
    sender.close()
    results = receiver.recv()
    process.join()
    print(name, json.dumps({key: round(value, 3) for key, value in results.items()}), flush=True)


def main():
    settings = from_command_line(Settings)
    settings.output.mkdir(parents=True, exist_ok=True)
    try:
        stage("generate", generate, settings)
        stage("learn subwords", learn, settings)
        stage("encode", encode, settings)
        sizes = {
            name: sum(path.stat().st_size for path in settings.output.glob(pattern)) / 2**20
            for name, pattern in {
                "text": "*.txt",
                "shards": "encoded/*.tfrecord",
                "index": "encoded/*.u*",
            }.items()
        }
        print("MiB", json.dumps({name: round(size) for name, size in sizes.items()}), flush=True)
        for cached in (True, False):
            for middle in (False, True):
                name = f"read, {'cached' if cached else 'from disk'}"
                name += f", from the {'middle' if middle else 'start'}"
                stage(name, read, settings, cached, middle)
    finally:
        shutil.rmtree(settings.output)


if __name__ == "__main__":
    main()
