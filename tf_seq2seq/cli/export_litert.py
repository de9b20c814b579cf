"""Export a saved translator to a device, as a file for LiteRT.

tf-seq2seq-export-litert --translator output/quickstart/translator --weights int8 en_zh.tflite
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from tf_seq2seq.cli.settings import from_command_line, setting


@dataclasses.dataclass(frozen=True)
class Settings:
    """Export a saved translator as a file for LiteRT: greedy search, from ids to ids."""

    file: Path = setting(
        None, "the file to write, usually NAME.tflite; an older one is replaced", positional=True
    )
    translator: Path = setting(
        None, "a saved translator, such as a chapter's output/.../translator", required=True
    )
    weights: str = setting(
        "float32", "how to store the matrices", choices=("float32", "float16", "int8")
    )
    source_length: int | None = setting(
        None, "length of the input, for accelerators that need a fixed one (default: any)", least=1
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `tf-seq2seq-export-litert`, and return its exit code."""
    settings = from_command_line(Settings, arguments)
    # Slow to import, and neither --help nor an error on the command line needs it.
    from tf_seq2seq import serving
    from tf_seq2seq.translator import Translator

    translator = Translator.load(settings.translator)
    if translator.shortlist is not None:
        print("The shortlist is left out: the file translates with the whole vocabulary.")
        translator = translator.with_shortlist(None)
    path = serving.export_litert(
        translator, settings.file, weights=settings.weights, source_length=settings.source_length
    )
    print(f"LiteRT: {path}, {path.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
