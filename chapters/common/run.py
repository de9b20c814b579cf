"""The start of a chapter's run."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tf_seq2seq import evaluation, training


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
    """Start the clock, make the output folder and set the seed.

    Args:
        settings: a chapter's settings, with `output_dir`, `seed` and `strategy`.

    Raises:
        InputError: if sacrebleu has no tokenizer `tokenize`, or it is not installed.
    """
    started = time.monotonic()
    if getattr(settings, "tokenize", None) is not None:
        evaluation.bleu_metric(settings.tokenize)  # fail now rather than after training
    strategy = training.strategy(settings.strategy)
    keras.utils.set_random_seed(settings.seed)
    settings.output_dir.mkdir(parents=True, exist_ok=True)
    return Run(strategy, started)
