"""The start of a chapter's run."""

from __future__ import annotations

import contextlib
import dataclasses
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
        started: the time at which it started.
    """

    strategy: tf.distribute.Strategy
    started: float

    @property
    def minutes(self) -> float:
        """The minutes since the start."""
        return (time.monotonic() - self.started) / 60


def start(settings: Any) -> Run:
    """Start the clock, make the output folders and set the seed.

    Args:
        settings: a chapter's settings, with `output_dir`, `seed` and `strategy`, and perhaps
            `model_dir` and `tokenize`.

    Raises:
        InputError: if sacrebleu has no tokenizer `tokenize`, or it is not installed.
    """
    started = time.monotonic()
    if getattr(settings, "tokenize", None) is not None:
        evaluation.bleu_metric(settings.tokenize)  # fail now rather than after training
    strategy = training.strategy(settings.strategy)
    keras.utils.set_random_seed(settings.seed)
    for folder in (settings.output_dir, getattr(settings, "model_dir", None)):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    return Run(strategy, started)


_IRRELEVANT = frozenset(
    [
        *("preset", "resume", "keep_checkpoints", "strategy", "label", "sentence", "tokenize"),
        *("dev", "test", "pairs", "corpus", "held_out", "columns"),
        *("systems", "ensemble", "beam_width", "length_penalty", "seeds"),
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
