"""Settings of the book's four chapters on the TED talks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from common.settings import (
    SYNTHETIC_PRESET,
    TrainingSettings,
    learning_rate_setting,
    more_source_setting,
    more_target_setting,
    one_side_alone,
    precision_setting,
    preset_setting,
    tokenize_setting,
    width_setting,
    with_folders,
)
from tf_seq2seq.cli.settings import setting


@dataclasses.dataclass(frozen=True)
class TalksSettings(TrainingSettings):
    """Settings of the chapters that train a translator of talks."""

    preset: str = preset_setting()
    recipe: str = setting(
        "tuned",
        "the model and the optimizer of the book, or better ones",
        choices=("book", "tuned"),
    )
    model_dir: Path | None = setting(
        None, "where the SavedModel goes (default: saved_model in the output directory)"
    )
    corpus: str = setting("ted", "sentence pairs to train on", choices=("ted", "ted+tatoeba"))
    more_source: Path | None = more_source_setting()
    more_target: Path | None = more_target_setting()
    pairs: int | None = setting(
        None, "maximum number of sentence pairs to train on: the first ones", least=1
    )
    source_size: int = setting(8_000, "maximum size of the English vocabulary", least=10)
    target_size: int = setting(4_001, "maximum size of the Chinese vocabulary", least=10)
    units: int = width_setting(128, "width of the decoder")
    embedding_size: int = width_setting(
        128, "width of the word embeddings (in the book's recipe: that of the decoder)", least=1
    )
    dropout: float = setting(0.1, "dropout rate", least=0, most=0.9)
    batch_size: int = setting(100, "sentence pairs in a batch, over all replicas", least=1)
    max_length: int = setting(50, "longest sentence to train on, in tokens", least=2)
    epochs: int = setting(2, "passes over the training pairs", least=1)
    learning_rate: float = learning_rate_setting(0.01, "peak learning rate of the optimizer")
    precision: str = precision_setting()
    tokenize: str | None = tokenize_setting()

    def without_effect(self) -> Iterator[tuple[str, Sequence[str]]]:
        """Yield reasons, each with the options that have no effect because of it."""
        if self.preset == "quick":
            reason, options = SYNTHETIC_PRESET
            yield reason, (*options, "corpus", "more_source", "more_target")
        yield from one_side_alone(self)
        if self.recipe == "book":
            yield "with --recipe book, whose embeddings are as wide as --units", ("embedding_size",)


PRESETS: dict[str, dict[str, Any]] = {
    "quick": {},
    "book": {
        "recipe": "book",
        "source_size": 10_001,  # the book's 10,000 and <pad>
        "units": 1024,
        "dropout": 0.2,
        "epochs": 5,
        "learning_rate": 1.0,
    },
    "tuned": {
        "units": 512,
        "embedding_size": 256,
        "dropout": 0.3,
        "max_length": 60,
        "epochs": 5,
        "learning_rate": 0.002,
        "precision": "mixed_bfloat16",
    },
}
"""`quick` trains on synthetic sentences, the other two on the talks."""


def presets(folder: str) -> dict[str, dict[str, Any]]:
    """Return the presets, each with an output folder in `folder`."""
    return with_folders(folder, PRESETS)


@dataclasses.dataclass(frozen=True)
class TranslationSettings:
    """Settings of the chapters that translate."""

    preset: str = preset_setting()
    trained_dir: Path = setting(
        Path(), "output directory of the chapter that trains: its last checkpoint"
    )
    model_dir: Path | None = setting(None, "a SavedModel to translate with, instead")
    sentence: str | None = setting(None, "a sentence to translate")
    file: Path | None = setting(None, "a file to translate, one sentence per line", reads=True)
    output: Path | None = setting(
        None, "where the translations of the file go (default: standard output)"
    )
    interactive: bool = setting(False, "translate sentences as they are typed, until Ctrl-D")
    data_dir: Path | None = setting(
        None, "folder of the book's vocabularies, book-vocab.en and book-vocab.zh, for its ids"
    )

    def without_effect(self) -> Iterator[tuple[str, Sequence[str]]]:
        """Yield reasons, each with the options that have no effect because of it."""
        if self.model_dir is not None:
            yield "with --model-dir", ("trained_dir",)
        if self.file is None:
            yield "without --file", ("output",)


def trained_presets(folder: str) -> dict[str, dict[str, Any]]:
    """Return the presets of a chapter that translates: the output folder of each training."""
    return {name: {"trained_dir": Path(folder) / name} for name in PRESETS}
