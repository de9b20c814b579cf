"""Score a translator on files of sources and files of references.

tf-seq2seq-evaluate --model output/beyond_3/tuned/tuned/translator --beam-width 5 \
    --source test2016.de,test2017.de --reference test2016.en,test2017.en
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from tf_seq2seq.cli.search import TranslatorSettings
from tf_seq2seq.cli.settings import from_command_line, setting


@dataclasses.dataclass(frozen=True)
class Settings(TranslatorSettings):
    """Translate files with a translator, and score the translations against references."""

    model: Path = setting(
        None,
        "a saved translator, such as a chapter's output/.../translator, or a SavedModel: the "
        "folder of a model or of one version",
        required=True,
    )
    source: str = setting(
        None, "the sentences to translate, one per line; several files: FILE,FILE", required=True
    )
    reference: str = setting(
        None, "their translations, line by line, as many files as --source", required=True
    )
    beam: bool = setting(False, "use the beam search of a SavedModel, whose options are fixed")
    tokenize: str | None = setting(
        None, "sacrebleu's tokenizer (default: by the writing system of the references)"
    )
    lowercase: bool = setting(False, "ignore case")
    bootstrap: int = setting(1000, "samples for the confidence interval, 0 for none", least=0)
    batch_size: int = setting(64, "number of sentences to translate at a time", least=1)
    output: Path | None = setting(
        None, "where to write the translations, one per line, file after file"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `tf-seq2seq-evaluate`, and return its exit code."""
    settings = from_command_line(Settings, arguments)
    # Slow to import, and neither --help nor an error on the command line needs it.
    from tf_seq2seq.cli.measure import measure

    print(measure(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
