"""Settings that several chapters have in common."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from tf_seq2seq.cli.settings import setting


def strategy_setting() -> Any:
    """Return the field `strategy`, for any chapter that trains."""
    return setting(
        "default",
        "mirrored: one replica on each GPU of this host, or on two logical CPUs if it has none",
        choices=("default", "mirrored"),
    )


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """Settings of every chapter that trains; each chapter adds its own below these."""

    data_dir: Path | None = setting(None, "folder of the corpus (without it: downloaded once)")
    output_dir: Path = setting(Path("output"), "where checkpoints and plots go")
    strategy: str = strategy_setting()
    seed: int = setting(1, "seed of the weights, the dropout and the shuffling")
    resume: bool = setting(False, "continue from the last checkpoint of an interrupted run")
