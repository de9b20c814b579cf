"""Turn the outputs of an export's signatures into translations, without TensorFlow.

A row maps the names of a signature's outputs to their values for one sentence: lists or arrays of
numbers, strings or UTF-8 bytes. The module `signatures` lists the outputs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tf_seq2seq.strings import check_score, warn_of_cut_off
from tf_seq2seq.translation import Translation

Row = Mapping[str, Any]

TEXT = ("translation", "score")
BEAM = ("translations", "scores")
SCORE = ("log_probability", "tokens")
_SOURCE = ("source_tokens", "source_length", "cut_off")
DETAILS = (*TEXT, *_SOURCE, "target_tokens", "target_length")
BEAM_DETAILS = (*BEAM, *_SOURCE, "target_tokens", "target_lengths")
SCORE_DETAILS = (*DETAILS, "target_cut_off")
COMPLETE_DETAILS = (*DETAILS, "prefix_cut_off")
COMPLETE_BEAM_DETAILS = (*BEAM_DETAILS, "prefix_cut_off")

# The score of a missing translation in a beam; JSON cannot represent -inf.
_LOWEST = -3.4e38


def translations(rows: Sequence[Row], sentences: Sequence[str | bytes]) -> list[Translation]:
    """Return the translations from rows of a signature with one translation per sentence.

    Args:
        rows: one row per sentence. A row without tokens yields a translation without tokens.
        sentences: the source sentences, for error messages.

    Raises:
        InputError: if a score is not finite.

    Example:

    >>> translations([{"translation": "甲", "score": -0.5}], ["a"])[0].text
    '甲'
    """
    return [
        _translation(
            row["translation"],
            check_score("sentence", place, sentences[place], row["score"]),
            row,
            row.get("target_tokens"),
            row.get("target_length"),
            row.get("alignment"),
        )
        for place, row in enumerate(rows)
    ]


def n_best(rows: Sequence[Row], sentences: Sequence[str | bytes]) -> list[list[Translation]]:
    """Return the translations, best first, from rows of a signature of beam search.

    Args:
        rows, sentences: as for `translations`.

    Raises:
        InputError: if the best score of a sentence is not finite.
    """
    found = []
    for place, row in enumerate(rows):
        scores = row["scores"]
        # The best translation always exists: the lowest score means -inf here. NaN stays NaN.
        best = -math.inf if scores[0] <= _LOWEST else scores[0]
        check_score("sentence", place, sentences[place], best)
        columns = zip(
            row["translations"],
            scores,
            *(
                row.get(name, [None] * len(scores))
                for name in ("target_tokens", "target_lengths", "alignments")
            ),
            strict=True,
        )
        found.append(
            [
                _translation(text, float(score), row, tokens, length, alignment)
                for text, score, tokens, length, alignment in columns
                if score > _LOWEST
            ]
        )
    return found


def scored(
    rows: Sequence[Row], sentences: Sequence[str | bytes], given: Sequence[str | bytes]
) -> list[Translation]:
    """Return given translations with their scores, from rows of `score`.

    Args:
        rows, sentences: as for `translations`.
        given: the translations that were scored.

    Raises:
        InputError: if a score is not finite.
    """
    return [
        Translation(
            _text(text),
            check_score("sentence", place, sentences[place], row["log_probability"]),
            target_length=int(row["tokens"]),
        )
        for place, (row, text) in enumerate(zip(rows, given, strict=True))
    ]


def warn_of_cut_offs(
    rows: Sequence[Row],
    sentences: Sequence[str | bytes],
    given: Sequence[str | bytes] = (),
    stacklevel: int = 3,
) -> None:
    """Warn about each source, and each given translation or prefix, that the model cut off.

    Args:
        rows: rows of a signature with details; others yield no warning.
        sentences, given: the sources, and the translations that were scored or the prefixes that
            were completed, if any.
        stacklevel: passed to `warnings.warn`; 3 is the caller's caller.
    """
    for place, row in enumerate(rows):
        # The lengths include `<eos>`. The limit includes it for translations, but not for sources.
        for name, kind, texts, limit in (
            ("cut_off", "Sentence", sentences, lambda row: row["source_length"] - 1),
            ("target_cut_off", "Translation", given, lambda row: row["target_length"]),
            ("prefix_cut_off", "Prefix", given, _longest),
        ):
            if row.get(name):
                maximum = f"the model's maximum of {limit(row)}"
                warn_of_cut_off(kind, place, texts[place], maximum, stacklevel)


def _longest(row: Row) -> int:
    """Return the length of the best translation, which is one of several in a beam."""
    return row["target_length"] if "target_length" in row else row["target_lengths"][0]


def _translation(text, score, row, target, height, alignment) -> Translation:
    if target is None:
        return Translation(_text(text), score)
    width = row["source_length"]
    if alignment is not None:
        # Reshaped because an empty list has no second dimension.
        alignment = np.asarray(alignment, np.float32).reshape(
            len(target), len(row["source_tokens"])
        )
        alignment = alignment[:height, :width]
    return Translation(
        _text(text),
        score,
        tuple(map(_text, row["source_tokens"][:width])),
        tuple(map(_text, target[:height])),
        alignment,
        int(height),
    )


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
