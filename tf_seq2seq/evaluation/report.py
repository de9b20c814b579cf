"""All scores of a test set in one report."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tf_seq2seq.evaluation.scores import Score, ScoreTable, bleu, bleu_by_length, chrf, exact_match
from tf_seq2seq.evaluation.tokenizers import bleu_metric, bleu_tokenizer, measure_lengths
from tf_seq2seq.strings import check_strings


@dataclasses.dataclass(frozen=True)
class TranslationReport:
    """All scores of the translations of a test set; `print` it.

    Args:
        sentences: the number of sentences.
        bleu, chrf: the corpus scores.
        exact_match: the share of translations that equal their reference, in percent.
        length_ratio: number of tokens of the translations per token of the references, as counted
            by BLEU; below 1 the translations are too short.
        by_length: BLEU by the length of the sources.
        length_unit: the unit of these lengths, "words" or "characters".
        tokenizer_reason: why BLEU's tokenizer was chosen; None if the caller chose it.
        perplexity: perplexity per token of the references; None if unknown.
    """

    sentences: int
    bleu: Score
    chrf: Score
    exact_match: float
    length_ratio: float
    by_length: ScoreTable
    length_unit: str = "words"
    tokenizer_reason: str | None = None
    perplexity: float | None = None

    def __str__(self) -> str:
        lines = [
            f"{self.sentences:,} sentences",
            f"BLEU         {self.bleu.figure:>14}   {self.bleu.signature}",
            f"chrF         {self.chrf.figure:>14}   {self.chrf.signature}",
            f"exact match  {self.exact_match:14.2f} %",
            f"length ratio {self.length_ratio:14.3f}",
        ]
        if self.tokenizer_reason is not None:
            tokenizer = self.bleu.signature.partition("tok:")[2].partition("|")[0]
            lines.append(f"tokenizer    {tokenizer:>14}   because {self.tokenizer_reason}")
        if self.perplexity is not None:
            lines.append(f"perplexity   {self.perplexity:14.3f}")
        lines.append(f"{'source ' + self.length_unit:17} sentences   BLEU")
        lines += [
            f"{name:17} {self.by_length.sizes[name]:9,} {score.value:6.2f}"
            for name, score in self.by_length.sets.items()
        ]
        return "\n".join(lines)


@dataclasses.dataclass(frozen=True)
class ReportTable:
    """The reports of several test sets and of all their sentences together; `print` it.

    Args:
        sets: the report of each set, by name.
        together: the report of all sentences as one set.
    """

    sets: dict[str, TranslationReport]
    together: TranslationReport

    def __str__(self) -> str:
        rows = {**self.sets, "together": self.together}
        width = max(map(len, rows))
        names = ("sentences", "BLEU", "chrF", "exact match", "length ratio", "perplexity")
        line = "{:{}} {:>9} {:>14} {:>14} {:>11} {:>12} {:>10}"
        lines = [line.format("", width, *names)]
        lines += [
            line.format(
                name,
                width,
                f"{report.sentences:,}",
                report.bleu.figure,
                report.chrf.figure,
                f"{report.exact_match:.2f} %",
                f"{report.length_ratio:.3f}",
                "" if report.perplexity is None else f"{report.perplexity:.3f}",
            ).rstrip()
            for name, report in rows.items()
        ]
        reason = self.together.tokenizer_reason
        because = "" if reason is None else f" (tokenizer chosen because {reason})"
        lines.append(f"BLEU: {self.together.bleu.signature}{because}")
        lines.append(f"chrF: {self.together.chrf.signature}")
        return "\n".join(lines)


def translation_report(
    hypotheses: Sequence[str],
    references: Sequence[str],
    sources: Sequence[str],
    tokenize: str | None = None,
    lowercase: bool = False,
    bootstrap: int = 1000,
    perplexity: float | None = None,
) -> TranslationReport:
    """Compute all scores of the translations of a test set.

    Args:
        hypotheses: the translations, `n` strings.
        references: the reference translations, `n` strings.
        sources: the source sentences, `n` strings.
        tokenize, lowercase, bootstrap: see `bleu`.
        perplexity: perplexity per token of the references (see `corpus_perplexity`), which the
            report includes.

    Returns:
        The `TranslationReport`.

    Raises:
        InputError: if the numbers of sentences differ, or they cannot be scored (see `bleu`).
        TypeError: if an argument is one string instead of a list.

    Example:

    >>> report = translation_report(["a b c d"], ["a b c d"], ["d c b a"], bootstrap=0)
    >>> report.exact_match
    100.0
    """
    check_strings("references", references)
    check_strings("sources", sources)
    reason: str | None = None
    if tokenize is None:
        tokenize, reason = bleu_tokenizer(references)
    lengths = measure_lengths(sources)
    by_length = bleu_by_length(
        hypotheses, references, lengths.lengths, lengths.bounds, tokenize, lowercase
    )
    result = bleu_metric(tokenize, lowercase).corpus_score(list(hypotheses), [list(references)])
    return TranslationReport(
        sentences=len(references),
        bleu=bleu(hypotheses, references, tokenize, lowercase, bootstrap),
        chrf=chrf(hypotheses, references, lowercase=lowercase, bootstrap=bootstrap),
        exact_match=exact_match(hypotheses, references, lowercase),
        length_ratio=result.sys_len / max(result.ref_len, 1),
        by_length=by_length,
        length_unit=lengths.unit,
        tokenizer_reason=reason,
        perplexity=perplexity,
    )
