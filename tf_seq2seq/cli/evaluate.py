"""Score an exported translator on a file of sources and a file of references.

tf-seq2seq-evaluate --model saved_models/en_zh --source test.en --reference test.zh
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tf_seq2seq.cli.lines import translate_lines
from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.errors import InputError

if TYPE_CHECKING:
    from tf_seq2seq.evaluation import TranslationReport


@dataclasses.dataclass(frozen=True)
class Settings:
    """Translate a file with an exported translator, and score it against the reference."""

    model: Path = setting(
        None, "the SavedModel: the folder of a model or of one version", required=True
    )
    source: Path = setting(None, "the sentences to translate, one per line", required=True)
    reference: Path = setting(None, "their translations, one per line", required=True)
    tokenize: str | None = setting(
        None, "sacrebleu's tokenizer (default: by the writing system of the references)"
    )
    lowercase: bool = setting(False, "ignore case")
    bootstrap: int = setting(1000, "samples for the confidence interval, 0 for none", least=0)
    batch_size: int = setting(64, "number of sentences to translate at a time", least=1)
    output: Path | None = setting(None, "where to write the translations, one per line")


def evaluate(settings: Settings) -> TranslationReport:
    """Translate the sources and score the translations.

    Raises:
        InputError: if a file or the model is missing or cannot be read, or if the files do not have
            the same number of lines.
    """
    # Slow to import, and neither --help nor an error on the command line needs them.
    from tf_seq2seq import evaluation
    from tf_seq2seq.data import read_lines
    from tf_seq2seq.serving import SavedTranslator

    sources, references = read_lines(settings.source), read_lines(settings.reference)
    if len(sources) != len(references):
        raise InputError(
            f"{settings.source} has {len(sources)} lines and {settings.reference} has "
            f"{len(references)}: they must be translations of each other, line by line."
        )
    # Report a wrong name before translating, not after.
    if settings.tokenize is not None:
        evaluation.bleu_metric(settings.tokenize)
    model = SavedTranslator(settings.model)
    hypotheses = translate_lines(model, sources, settings.output, settings.batch_size)
    return evaluation.translation_report(
        hypotheses,
        references,
        sources,
        settings.tokenize,
        settings.lowercase,
        settings.bootstrap,
        model.perplexity(sources, references, settings.batch_size),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `tf-seq2seq-evaluate`, and return its exit code."""
    print(evaluate(from_command_line(Settings, arguments)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
