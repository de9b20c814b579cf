"""Settings that several chapters share."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tf_seq2seq.cli.settings import setting


def preset_setting() -> Any:
    """Return the field `preset`, which gets the name of the chosen set of defaults."""
    return setting("quick", "a set of defaults")


def strategy_setting(one_host: bool = False) -> Any:
    """Return the field `strategy`, for chapters that train.

    Args:
        one_host: whether the chapter cannot be trained with other hosts.
    """
    text = "mirrored: one replica on each GPU of this host, or on two logical CPUs if it has none"
    if one_host:
        return setting("default", text, choices=("default", "mirrored"))
    text += "; multi_worker: with other hosts, which TF_CONFIG or Slurm names"
    return setting("default", text, choices=("default", "mirrored", "multi_worker"))


def precision_setting() -> Any:
    """Return the field `precision`, for chapters that train large models."""
    return setting(
        "float32", "precision of matrix products in training", choices=("float32", "mixed_bfloat16")
    )


def keep_checkpoints_setting() -> Any:
    """Return the field `keep_checkpoints`, for chapters that can resume training."""
    return setting(2, "number of most recent checkpoints to keep", least=1)


def tokenize_setting() -> Any:
    """Return the field `tokenize`, for chapters that compute BLEU."""
    return setting(
        None, "sacrebleu's tokenizer for BLEU (default: by the writing system of the references)"
    )


def seed_setting(text: str = "seed of the weights and the shuffling") -> Any:
    """Return the field `seed`."""
    return setting(1, text, least=0, most=2**32 - 1)


def learning_rate_setting(default: float, text: str = "peak learning rate of Adam") -> Any:
    """Return the field `learning_rate`. At a rate above 10, no model here learns anything."""
    return setting(default, text, above=0, most=10)


def width_setting(default: int | None, text: str, least: int = 2) -> Any:
    """Return a field for the width of a layer."""
    return setting(default, text, least=least, most=10_000)


def more_source_setting(text: str = "more sentences to train on, one per line") -> Any:
    """Return the field `more_source`, for chapters that `read_more_pairs`."""
    return setting(None, text, reads=True)


def more_target_setting() -> Any:
    """Return the field `more_target`."""
    return setting(None, "their translations, line by line", reads=True)


def one_side_alone(settings: Any) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield, for `without_effect`, which of the two files has no effect without the other."""
    if settings.more_target is None:
        yield "without --more-target, the file of their translations", ("more_source",)
    if settings.more_source is None:
        yield "without --more-source, the file that it translates", ("more_target",)


def with_folders(
    folder: str, presets: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return presets that each have an `output_dir` in a folder, so that none overwrites another.

    Args:
        folder: the chapter's folder.
        presets: see `from_command_line`.
    """
    return {name: {"output_dir": Path(folder) / name, **each} for name, each in presets.items()}


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """Settings of the chapters that can resume training; each chapter adds its own."""

    data_dir: Path | None = setting(None, "folder of the corpus (default: download it once)")
    output_dir: Path = setting(Path("output"), "where checkpoints and plots go")
    strategy: str = strategy_setting()
    seed: int = seed_setting("seed of the weights, the dropout and the shuffling")
    resume: bool = setting(False, "continue from the last checkpoint of an interrupted run")
    keep_checkpoints: int = keep_checkpoints_setting()


@dataclasses.dataclass(frozen=True)
class CorpusSettings:
    """Settings of the chapters that only read a corpus, a synthetic one under `quick`."""

    preset: str = preset_setting()
    data_dir: Path | None = setting(None, "folder of the corpora (default: download it once)")

    def without_effect(self) -> Iterator[tuple[str, Sequence[str]]]:
        """Yield reasons, each with the options that have no effect because of it."""
        if self.preset == "quick":
            yield SYNTHETIC_PRESET


SYNTHETIC_PRESET = (
    "with --preset quick, whose corpus is synthetic: add --preset book",
    ("data_dir",),
)
"""For `without_effect`: the preset `quick` reads no files."""

SYNTHETIC_CORPUS = (
    "with --corpus synthetic: add the --corpus that the folder contains",
    ("data_dir",),
)
"""For `without_effect`, in chapters with a choice of corpora."""

ANOTHER_CORPUS = "Quick preset, another corpus: not comparable with the book."
"""To print above figures that are compared with the book's."""
