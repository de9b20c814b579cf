"""The start of a chapter's run."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tf_seq2seq import evaluation, training
from tf_seq2seq.data import Pairs
from tf_seq2seq.text import Tokenizer


class Run(NamedTuple):
    """A started run of a chapter.

    Attributes:
        strategy: the distribution strategy to train with.
        workers: the workers of the strategy.
        started: the time at which it started.
    """

    strategy: tf.distribute.Strategy
    workers: training.Workers
    started: float

    @property
    def minutes(self) -> float:
        """The minutes since the start."""
        return (time.monotonic() - self.started) / 60

    def read(self, file: Path) -> str | None:
        """Return the text of the chief's file on all workers; None if it does not exist."""
        text = file.read_text(encoding="utf-8") if file.exists() else None
        return json.loads(self.workers.broadcast(json.dumps(text).encode()))

    def end_unless_chief(self) -> None:
        """End this process after the training, unless it is the chief, which goes on alone."""
        if not self.workers.is_chief:
            sys.exit(0)


def start(settings: Any) -> tuple[Run, Any]:
    """Start the clock, make the output folders and set the seed.

    Args:
        settings: a chapter's settings, with `output_dir`, `seed` and `strategy`, and perhaps
            `model_dir` and `tokenize`.

    Returns:
        The run, and the settings. On a worker other than the chief, which alone writes files and
        prints, the settings name temporary folders, and what the worker prints is discarded.

    Raises:
        InputError: if sacrebleu has no tokenizer `tokenize`, or it is not installed.
    """
    started = time.monotonic()
    if getattr(settings, "tokenize", None) is not None:
        evaluation.bleu_metric(settings.tokenize)  # fail now rather than after training
    strategy = training.strategy(settings.strategy)
    workers = training.Workers(strategy)
    print(training.describe_strategy(strategy))
    folders = [name for name in ("output_dir", "model_dir") if getattr(settings, name, None)]
    if not workers.is_chief:
        scratch = Path(tempfile.mkdtemp(prefix="tf_seq2seq-worker-"))
        atexit.register(shutil.rmtree, scratch, ignore_errors=True)
        settings = dataclasses.replace(settings, **{name: scratch / name for name in folders})
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8", errors="replace")  # noqa: SIM115
    keras.utils.set_random_seed(settings.seed)
    for name in folders:
        getattr(settings, name).mkdir(parents=True, exist_ok=True)
    return Run(strategy, workers, started), settings


_IRRELEVANT = frozenset(
    [
        *("preset", "resume", "keep_checkpoints", "strategy", "label", "sentence", "tokenize"),
        *("dev", "dev_rows", "test", "pairs", "corpus", "held_out", "columns"),
        *("systems", "ensemble", "beam_width", "length_penalty", "seeds"),
        *("teacher_dir", "teacher_epochs", "students", "mixed"),
        *("small_units", "small_embedding_size"),
        *("comparison_steps", "strings", "string_epochs", "string_units"),
    ]
)
"""Settings that don't affect the training, or only through its data and tokenizers."""


def sides(pairs: Pairs) -> tuple[Sequence[str], Sequence[str]]:
    """Return the two texts of a parallel corpus, for `identity`."""
    return pairs.source, pairs.target


def identity(settings: Any, train: Sequence[Iterable[str]], *tokenizers: Tokenizer) -> dict:
    """Return what must be the same when a chapter resumes its training.

    Args:
        settings: the chapter's settings.
        train: the text or the two texts to train on.
        tokenizers: their tokenizers.
    """
    values = dataclasses.asdict(settings).items()
    return {
        **{
            name: value
            for name, value in values
            if name not in _IRRELEVANT and not isinstance(value, Path)
        },
        "training data": training.fingerprint(*train),
        "tokenizers": training.fingerprint(
            *([type(each).__name__, *each.vocabulary.tokens] for each in tokenizers)
        ),
    }


def remove_checkpoint(directory: Path) -> None:
    """Remove the checkpoints of a training run, and the folder unless it has other files.

    Args:
        directory: that of `training.fit`.
    """
    training.Checkpoint(directory).clear()
    with contextlib.suppress(OSError):
        directory.rmdir()
