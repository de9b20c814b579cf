"""Scores of translations, in the form in which they can be compared with those of others.

BLEU depends on how the text is cut into tokens, so the number says nothing without its settings.
Scores therefore come from sacrebleu, over plain text, and carry its signature.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from sacrebleu.metrics import BLEU, CHRF

from tf_seq2seq.errors import InputError


@dataclasses.dataclass(frozen=True)
class Score:
    """A corpus score and the settings that it holds for.

    Args:
        name: the name of the metric.
        value: the score, 0 to 100.
        signature: sacrebleu's account of references, case, tokenizer, smoothing and version. It
            belongs beside the value wherever the value is quoted.
    """

    name: str
    value: float
    signature: str

    def __str__(self) -> str:
        return f"{self.name} = {self.value:.2f} ({self.signature})"


def bleu(
    hypotheses: Sequence[str],
    references: Sequence[str],
    tokenize: str = "13a",
    lowercase: bool = False,
) -> Score:
    """Corpus BLEU: how many of a translation's 1- to 4-grams stand in its reference.

    Args:
        hypotheses: the translations, plain text, `n` strings.
        references: the reference translations, one for each hypothesis, `n` strings.
        tokenize: sacrebleu's tokenizer: "13a" for languages with spaces, "zh" for Chinese, which
            it cuts into characters, "char" and others.
        lowercase: whether to ignore case.

    Returns:
        The score and its signature.

    Raises:
        InputError: if there is nothing to score, the counts differ or no such tokenizer exists.

    Example:

    ```python
    print(bleu(["the cat sat on the mat"], ["the cat sat on a mat"]))
    # BLEU = 48.89 (nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0)
    ```
    """
    _check_parallel(hypotheses, references)
    if tokenize not in BLEU.TOKENIZERS:
        raise InputError(
            f"tokenize={tokenize!r} is no tokenizer of sacrebleu's: choose one of "
            f"{', '.join(sorted(BLEU.TOKENIZERS))}."
        )
    return _score("BLEU", BLEU(tokenize=tokenize, lowercase=lowercase), hypotheses, references)


@dataclasses.dataclass(frozen=True)
class ScoreTable:
    """The scores of several test sets, and of all their sentences together; `print` it.

    Args:
        sets: the score of each set, by its name.
        sizes: how many sentences each set has.
        together: the score of all sentences as one set, which is not the mean of the others.
    """

    sets: dict[str, Score]
    sizes: dict[str, int]
    together: Score

    def __str__(self) -> str:
        rows = [*self.sets.items(), ("together", self.together)]
        sizes = [*self.sizes.values(), sum(self.sizes.values())]
        width = max(len(name) for name, _ in rows)
        head = f"{self.together.name} ({self.together.signature})"
        lines = [
            f"{name:{width}} {size:7,} sentences {score.value:7.2f}"
            for (name, score), size in zip(rows, sizes, strict=True)
        ]
        return "\n".join([head, *lines])


def bleu_of_sets(
    hypotheses: Mapping[str, Sequence[str]],
    references: Mapping[str, Sequence[str]],
    tokenize: str = "13a",
) -> ScoreTable:
    """Corpus BLEU of several test sets, each by itself and all together.

    Args:
        hypotheses: the translations of each set, by its name.
        references: the reference translations of the same sets.
        tokenize: see `bleu`.

    Returns:
        The scores.

    Raises:
        InputError: if the sets are not the same, or one cannot be scored (see `bleu`).
    """
    if hypotheses.keys() != references.keys() or not hypotheses:
        raise InputError(
            f"There are hypotheses of the sets {list(hypotheses)} and references of "
            f"{list(references)}: give both of the same sets, at least one."
        )

    def joined(sets):
        return [sentence for name in hypotheses for sentence in sets[name]]

    return ScoreTable(
        {name: bleu(hypotheses[name], references[name], tokenize) for name in hypotheses},
        {name: len(references[name]) for name in hypotheses},
        bleu(joined(hypotheses), joined(references), tokenize),
    )


def chrf(
    hypotheses: Sequence[str],
    references: Sequence[str],
    word_order: int = 0,
    lowercase: bool = False,
) -> Score:
    """Corpus chrF: the F-score of character 1- to 6-grams, kinder than BLEU to near misses.

    Args:
        hypotheses: the translations, plain text, `n` strings.
        references: the reference translations, one for each hypothesis, `n` strings.
        word_order: the longest word n-grams to count as well; 2 makes it chrF++.
        lowercase: whether to ignore case.

    Returns:
        The score and its signature.

    Raises:
        InputError: if there is nothing to score or the counts differ.

    Example:

    ```python
    print(chrf(["a black cat"], ["the black cats"]))
    ```
    """
    _check_parallel(hypotheses, references)
    name = "chrF" + "+" * word_order
    return _score(name, CHRF(word_order=word_order, lowercase=lowercase), hypotheses, references)


def exact_match(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """The share of translations that equal their reference, white space at the ends aside.

    Args:
        hypotheses: the translations, `n` strings.
        references: the reference translations, one for each hypothesis, `n` strings.

    Returns:
        The share in percent, 0 to 100.

    Raises:
        InputError: if there is nothing to score or the counts differ.

    Example:

    ```python
    exact_match(["c b a", "f e d"], ["c b a", "f d e"])  # 50.0
    ```
    """
    _check_parallel(hypotheses, references)
    matches = sum(a.strip() == b.strip() for a, b in zip(hypotheses, references, strict=True))
    return 100 * matches / len(references)


def _score(name, metric, hypotheses, references) -> Score:
    # sacrebleu takes a list for each set of references.
    result = metric.corpus_score(list(hypotheses), [list(references)])
    return Score(name, result.score, str(metric.get_signature()))


def _check_parallel(hypotheses, references):
    for name, sentences in (("hypotheses", hypotheses), ("references", references)):
        # A string is a sequence of strings, and would be scored letter by letter.
        if isinstance(sentences, (str, bytes)):
            raise InputError(f"{name} is one string, {sentences!r}: give a list of sentences.")
    if len(hypotheses) != len(references):
        raise InputError(
            f"There are {len(hypotheses)} hypotheses for {len(references)} references: give one "
            "hypothesis for each reference."
        )
    if not len(references):
        raise InputError("There is nothing to score: give at least one hypothesis and reference.")
