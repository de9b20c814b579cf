"""Check whether a stock TensorFlow Serving can serve an export.

tf-seq2seq-check-export saved_models/en_zh/1
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from tf_seq2seq.cli.settings import from_command_line, setting


@dataclasses.dataclass(frozen=True)
class Settings:
    """Check whether a stock TensorFlow Serving can serve a SavedModel."""

    directory: Path = setting(None, "the version's folder", positional=True)
    server: str = setting("2.20", "the server's version", choices=("2.20", "2.19", "2.18"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `tf-seq2seq-check-export`, and return its exit code: 1 for a problem."""
    settings = from_command_line(Settings, arguments)
    # Slow to import, and neither --help nor an error on the command line needs it.
    from tf_seq2seq.serving.check import check_export

    print(f"Running {settings.directory} in a fresh process ...", flush=True)
    check = check_export(settings.directory, server=settings.server)
    print(check)
    return int(bool(check.problems))


if __name__ == "__main__":
    sys.exit(main())
