"""Whether the difference between two systems is more than chance."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, cast

from sacrebleu.significance import PairedTest

from tf_seq2seq.checks import check_integer
from tf_seq2seq.evaluation.scores import check_parallel
from tf_seq2seq.evaluation.tokenizers import bleu_metric, tokenize_for


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The difference between the BLEU of two systems on the same sentences.

    Args:
        difference: BLEU of the system minus that of the baseline.
        p_value: the probability of a difference at least as large, in either direction, between
            systems that are equally good.
        signature: sacrebleu's record of the settings, with the number of samples and the seed.
    """

    difference: float
    p_value: float
    signature: str

    def __str__(self) -> str:
        return f"{self.difference:+.2f} BLEU, p = {self.p_value:.3f}"


def paired_bootstrap(
    hypotheses: Sequence[str],
    baseline: Sequence[str],
    references: Sequence[str],
    tokenize: str | None = None,
    lowercase: bool = False,
    samples: int = 1000,
) -> Comparison:
    """Compare the BLEU of two systems by paired bootstrap resampling.

    Each sample draws sentences with replacement, the same ones for both systems. That some
    sentences are hard for both does not blur the difference, as it does in the intervals of `bleu`.

    Args:
        hypotheses: the translations of the system, plain text, `n` strings.
        baseline: those of the system to compare it with, `n` strings.
        references: the reference translations, `n` strings.
        tokenize, lowercase: see `bleu`.
        samples: number of samples, at least 1. They are the same every time.

    Returns:
        The `Comparison`; `print` it.

    Raises:
        InputError: if there is nothing to score, the numbers of sentences differ, or an argument
            is out of range.
        TypeError: if a hypothesis or a reference is not a string.

    Source: Koehn 2004, "Statistical Significance Tests for Machine Translation Evaluation".

    Example:

    >>> references = ["a black cat sat", "on the mat at home"] * 20
    >>> worse = ["a black cat sat", "on a mat in house"] * 20
    >>> print(paired_bootstrap(references, worse, references))
    +55.82 BLEU, p = 0.001
    """
    samples = check_integer("samples", samples, minimum=1)
    for texts in (hypotheses, baseline):
        check_parallel(texts, references)
    metric = bleu_metric(tokenize_for(references) if tokenize is None else tokenize, lowercase)
    systems: list[tuple[str, Sequence[str]]] = [
        ("baseline", list(baseline)),
        ("system", list(hypotheses)),
    ]
    test = PairedTest(systems, {"BLEU": metric}, [list(references)], "bs", samples)
    signatures, scores = test()
    before, after = (cast(Any, result) for result in scores["BLEU"])
    (signature,) = signatures.values()
    difference = after.score - before.score
    # sacrebleu would find any two systems with equal translations different, at the smallest p.
    return Comparison(difference, after.p_value if difference else 1.0, str(signature))
