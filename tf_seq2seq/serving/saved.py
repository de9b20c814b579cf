"""A SavedModel as a translator: what was exported is used from Python like what was trained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the operations of the tokenizers)

from tf_seq2seq.errors import InputError
from tf_seq2seq.metrics import perplexity
from tf_seq2seq.serving.export import versions
from tf_seq2seq.strings import listed, without_markers
from tf_seq2seq.text_io import run_in_batches
from tf_seq2seq.translation import Translation


class SavedTranslator:
    """Translates with a SavedModel that `export` wrote, without the model's code or weights.

    Args:
        directory: a model's folder, of which the last version is taken, or a version's folder.

    Raises:
        InputError: if there is no SavedModel of a translator, or a damaged one.

    Example:

    >>> SavedTranslator("saved_models/en_zh")("She bought a new book.")[0].text
    '她买了一本新书。'
    """

    def __init__(self, directory: str | Path):
        directory = Path(directory)
        found = versions(directory)
        self.directory = directory / str(found[-1]) if found else directory
        if not (self.directory / "saved_model.pb").is_file():
            raise InputError(
                f"There is no SavedModel in {directory}: give the folder that a training chapter "
                "exported to, its --model-dir."
            )
        try:
            self._model = tf.saved_model.load(str(self.directory))
        except (OSError, ValueError, tf.errors.OpError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise InputError(
                f"The SavedModel in {self.directory} cannot be read ({reason}); export it again."
            ) from error
        signatures = self._model.signatures
        self.aligns = "align" in signatures
        translate = signatures.get("align" if self.aligns else "serving_default")
        if translate is None or "translation" not in translate.structured_outputs:
            raise InputError(f"The SavedModel in {self.directory} is no translator's.")
        self._translate = translate

    def __call__(
        self, sentences: str | Iterable[str], batch_size: int = 64, verbose: int = 0
    ) -> list[Translation]:
        """Translate sentences.

        Args:
            sentences: one string, or any number of them.
            batch_size: how many sentences go through the graph at a time.
            verbose: 1 for a progress bar.

        Returns:
            A `Translation` for each sentence, in their order. Without attention it has neither
            tokens nor an alignment.

        Raises:
            TypeError: if something is not a string.
        """
        sentences = listed(sentences)
        results: list[Translation | None] = [None] * len(sentences)
        for rows, outputs in run_in_batches(
            self._translate, sentences, batch_size, verbose=verbose
        ):
            for row, i in enumerate(rows):
                results[i] = self._unpack(outputs, row)
        return results

    def perplexity(
        self,
        sentences: Sequence[str],
        translations: Sequence[str],
        batch_size: int = 64,
        verbose: int = 0,
    ) -> float | None:
        """Perplexity of a token of given translations; None for an export without `score`.

        Args:
            sentences: any number of strings.
            translations: as many.
            batch_size, verbose: as for a call.
        """
        if "score" not in self._model.signatures:
            return None
        score = self._model.signatures["score"]
        log_p, tokens = 0.0, 0
        for _, outputs in run_in_batches(
            lambda text, target: score(text=text, target=target),
            list(sentences),
            batch_size,
            list(translations),
            verbose=verbose,
        ):
            log_p += float(outputs["log_probability"].sum(dtype=float))
            tokens += int(outputs["tokens"].sum())
        return perplexity(-log_p / max(tokens, 1))

    def _unpack(self, outputs, row) -> Translation:
        text, score = outputs["translation"][row].decode(), float(outputs["score"][row])
        if not self.aligns:
            return Translation(text, score)
        width, height = outputs["source_length"][row], outputs["target_length"][row]
        return Translation(
            text,
            score,
            tuple(without_markers(t.decode()) for t in outputs["source_tokens"][row, :width]),
            tuple(without_markers(t.decode()) for t in outputs["target_tokens"][row, :height]),
            outputs["alignment"][row, :height, :width],
            int(height),
        )
