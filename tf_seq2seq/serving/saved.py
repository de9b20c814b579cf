"""Use an exported translator from Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the operations of the tokenizers)

from tf_seq2seq.checks import check_flag
from tf_seq2seq.errors import InputError
from tf_seq2seq.files import first_line
from tf_seq2seq.metrics import perplexity
from tf_seq2seq.serving import answers
from tf_seq2seq.serving.versions import list_versions
from tf_seq2seq.strings import Texts, check_pairs, listed
from tf_seq2seq.text_io import BATCH_SIZE, run_in_batches
from tf_seq2seq.translation import Translation


class SavedTranslator:
    """Translate with a SavedModel that `export` wrote, without the code of the model.

    It has the interface of `TranslatorProtocol`. Its search options were fixed at export.

    Args:
        directory: a version's folder, or a model's folder to use its latest version.

    Raises:
        InputError: if the folder contains no SavedModel of a translator, or it is damaged.

    Example:

    >>> SavedTranslator("saved_models/en_zh")("She bought a new book.")[0].text
    '她买了一本新书。'
    """

    def __init__(self, directory: str | Path):
        directory = Path(directory)
        found = list_versions(directory)
        self.directory = directory / str(found[-1]) if found else directory
        if not (self.directory / "saved_model.pb").is_file():
            raise InputError(
                f"There is no SavedModel in {directory}: pass the folder to which a model was "
                "exported, or that of one version."
            )
        try:
            # The signatures work only as long as the model is not garbage-collected.
            self._model = tf.saved_model.load(str(self.directory))
        except (OSError, ValueError, tf.errors.OpError) as error:
            raise InputError(
                f"The SavedModel in {self.directory} cannot be read ({first_line(error)}); export "
                "it again."
            ) from error
        self._signatures = self._model.signatures
        default = self._signatures.get("serving_default")
        if default is None or not {*answers.TEXT} <= set(default.structured_outputs):
            raise InputError(f"The SavedModel in {self.directory} does not contain a translator.")

    @property
    def aligns(self) -> bool:
        """Whether translations have an alignment, which needs a model with attention."""
        details = self._signatures.get("details")
        return details is not None and "alignment" in details.structured_outputs

    @property
    def can_score(self) -> bool:
        """Whether the SavedModel has the signature `score`."""
        return "score" in self._signatures

    def __call__(
        self, sentences: Texts, batch_size: int = BATCH_SIZE, verbose: int = 0
    ) -> list[Translation]:
        """Translate sentences greedily.

        Args:
            sentences: one string, or any iterable of them.
            batch_size: how many sentences to translate at a time.
            verbose: 1 for a progress bar.

        Returns:
            A `Translation` for each sentence, in order. If the SavedModel does not have the
            signature `details`, they have no tokens and no alignment.

        Raises:
            TypeError: if something is not a string.
            InputError: if a score is not finite.

        Warns:
            UserWarning: for each sentence that the model cut off.
        """
        sentences = listed(sentences)
        signature = "details" if "details" in self._signatures else "serving_default"
        rows = self._rows(signature, batch_size, verbose, text=sentences)
        answers.warn_of_cut_offs(rows, sentences)
        return answers.translations(rows, sentences)

    def n_best(
        self, sentences: Texts, batch_size: int = BATCH_SIZE, verbose: int = 0
    ) -> list[list[Translation]]:
        """Find several translations of each sentence with the exported beam search.

        Args:
            sentences, batch_size, verbose: see `__call__`.

        Returns:
            The translations of each sentence, best first.

        Raises:
            See `__call__`.

        Warns:
            See `__call__`.
        """
        sentences = listed(sentences)
        rows = self._rows("beam_details", batch_size, verbose, text=sentences)
        answers.warn_of_cut_offs(rows, sentences)
        return answers.n_best(rows, sentences)

    def complete(
        self, sentences: Texts, prefixes: Texts, batch_size: int = BATCH_SIZE, verbose: int = 0
    ) -> list[Translation]:
        """Translate sentences greedily, continuing from given beginnings of the translations.

        Args:
            sentences, batch_size, verbose: see `__call__`.
            prefixes: the beginning of each translation, which may be empty; see
                `Translator.complete`.

        Returns:
            A `Translation` for each sentence, in order.

        Raises:
            InputError: if the numbers of sentences and prefixes differ, or a score is not finite.
            TypeError: if something is not a string.

        Warns:
            UserWarning: for each sentence and prefix that the model cut off.
        """
        sentences, prefixes = listed(sentences), listed(prefixes)
        check_pairs(sentences, prefixes, "prefix", "complete")
        texts = {"text": sentences, "prefix": prefixes}
        rows = self._rows("complete_details", batch_size, verbose, **texts)
        answers.warn_of_cut_offs(rows, sentences, prefixes)
        return answers.translations(rows, sentences)

    def complete_n_best(
        self, sentences: Texts, prefixes: Texts, batch_size: int = BATCH_SIZE, verbose: int = 0
    ) -> list[list[Translation]]:
        """Complete translations with the exported beam search.

        Args:
            sentences, prefixes, batch_size, verbose: see `complete`.

        Returns:
            The translations of each sentence, best first.

        Raises, Warns:
            See `complete`.
        """
        sentences, prefixes = listed(sentences), listed(prefixes)
        check_pairs(sentences, prefixes, "prefix", "complete")
        texts = {"text": sentences, "prefix": prefixes}
        rows = self._rows("complete_beam_details", batch_size, verbose, **texts)
        answers.warn_of_cut_offs(rows, sentences, prefixes)
        return answers.n_best(rows, sentences)

    def score(
        self,
        sentences: Texts,
        translations: Texts,
        batch_size: int = BATCH_SIZE,
        verbose: int = 0,
        *,
        details: bool = True,
    ) -> list[Translation]:
        """Score given translations.

        Args:
            sentences: one string, or any iterable of them.
            translations: a translation of each sentence.
            batch_size, verbose: see `__call__`.
            details: whether to return the tokens and the alignment too, which takes longer.
                Without details, the text of a result is exactly the given one; with them, it is
                the text as the tokenizer reads it.

        Returns:
            A `Translation` for each pair.

        Raises:
            InputError: if the numbers of sentences and translations differ, or a score is not
                finite.
            TypeError: if something is not a string.

        Warns:
            UserWarning: with `details`, for each sentence and translation that the model cut off.
        """
        sentences, translations = listed(sentences), listed(translations)
        check_pairs(sentences, translations)
        if not check_flag("details", details):
            rows = self._rows("score", batch_size, verbose, text=sentences, target=translations)
            return answers.scored(rows, sentences, translations)
        rows = self._rows("score_details", batch_size, verbose, text=sentences, target=translations)
        answers.warn_of_cut_offs(rows, sentences, translations)
        return answers.translations(rows, sentences)

    def perplexity(
        self, sentences: Texts, translations: Texts, batch_size: int = BATCH_SIZE, verbose: int = 0
    ) -> float | None:
        """Return the perplexity per token of given translations.

        Args:
            sentences, translations, batch_size, verbose: as for `score`.

        Returns:
            The perplexity; None if the SavedModel does not have the signature `score`.
        """
        if not self.can_score:
            return None
        scored = self.score(sentences, translations, batch_size, verbose, details=False)
        tokens = sum(each.target_length or 0 for each in scored)
        return perplexity(-sum(each.score for each in scored) / max(tokens, 1))

    def _rows(
        self, signature: str, batch_size: int, verbose: int, **inputs: Sequence[str | bytes]
    ) -> list[dict[str, Any]]:
        """Run a signature, and return its outputs for each sentence."""
        if signature not in self._signatures:
            raise InputError(
                f"The SavedModel in {self.directory} does not have the signature {signature!r}; "
                "export the model again."
            )
        run = self._signatures[signature]
        first, *others = inputs.values()
        rows: list[dict[str, Any]] = [{} for _ in first]
        for places, outputs in run_in_batches(
            lambda *texts: run(**dict(zip(inputs, texts, strict=True))),
            first,
            batch_size,
            *others,
            verbose=verbose,
        ):
            for row, place in enumerate(places):
                rows[place] = {name: values[row] for name, values in outputs.items()}
        return rows
