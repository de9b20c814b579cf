"""Export a saved translator as a SavedModel for TensorFlow Serving.

tf-seq2seq-export --translator output/beyond_3/tuned/tuned/translator --model-dir saved_models/de_en
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tf_seq2seq.cli.search import TranslatorSettings
from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.errors import InputError


@dataclasses.dataclass(frozen=True)
class Settings(TranslatorSettings):
    """Export a saved translator as a SavedModel, with its model card and warm-up requests."""

    translator: Path = setting(
        None, "a saved translator, such as a chapter's output/.../translator", required=True
    )
    model_dir: Path = setting(
        None, "the model's folder in a model repository; its name is the model's", required=True
    )
    version: int | None = setting(None, "the version to write (default: the next one)", least=1)
    sentences: Path | None = setting(
        None,
        "typical sentences to warm up the server with, one per line (default: sentences of the "
        "dev set, if they were saved with the translator)",
        reads=True,
    )
    data: str | None = setting(
        None, "for the model card: the training data (default: as saved with the translator)"
    )
    languages: str | None = setting(
        None, "for the model card: SOURCE,TARGET (default: as saved with the translator)"
    )
    label: str | None = setting(None, "for the model card: a label for this version")
    beam_width: int | None = setting(5, "hypotheses to follow in the signature beam", least=1)
    n_best: int | None = setting(
        None, "translations that the signature beam returns (default: all hypotheses)", least=1
    )


def export_saved(settings: Settings) -> Path:
    """Export a translator, and return the version's folder.

    Raises:
        InputError: if the translator or a file cannot be read, or an option is invalid.
        OSError: if the version cannot be written.
    """
    # Slow to import, and neither --help nor an error on the command line needs them.
    from tf_seq2seq import serving
    from tf_seq2seq.data import read_lines
    from tf_seq2seq.translator import Translator

    beam = settings.options()
    beam = beam.replace(n_best=settings.n_best or beam.beam_width)
    saved = Translator.load_card(settings.translator)
    card = saved.card | _given_facts(settings)
    sentences = read_lines(settings.sentences) if settings.sentences else saved.sentences
    if not sentences:
        print(
            "The export will have no warm-up requests, which makes a server's first answers "
            "slow: pass a file of typical sentences with --sentences."
        )
    if "data" not in card:
        print("The model card does not name the training data: pass --data to add it.")
    translator = settings.load(settings.translator)
    return serving.export(
        translator, settings.model_dir, settings.version, sentences=sentences, card=card, beam=beam
    )


def _given_facts(settings: Settings) -> dict[str, Any]:
    """Return the facts for the model card that the options give."""
    card: dict[str, Any] = {}
    if settings.data is not None:
        card["data"] = settings.data
    if settings.label is not None:
        card["labels"] = [settings.label]
    if settings.languages is not None:
        source, _, target = settings.languages.partition(",")
        if not (source and target) or "," in target:
            raise InputError(
                f"--languages takes two languages separated by a comma, got {settings.languages!r}."
            )
        card["languages"] = {"source": source, "target": target}
    return card


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `tf-seq2seq-export`, and return its exit code."""
    exported = export_saved(from_command_line(Settings, arguments))
    print(f"SavedModel: {exported}")
    print(f"Check it with: tf-seq2seq-check-export {exported}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
