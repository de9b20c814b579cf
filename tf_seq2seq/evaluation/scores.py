"""Scores of translations, in the form in which they can be compared with those of others.

BLEU depends on how the text is cut into tokens, so the number says nothing without its settings.
Scores therefore come from sacrebleu, over plain text, and carry its signature.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence

from sacrebleu.metrics import BLEU, CHRF

from tf_seq2seq import metrics
from tf_seq2seq.errors import InputError
from tf_seq2seq.text import is_chinese


@dataclasses.dataclass(frozen=True)
class Score:
    """A corpus score and the settings that it holds for.

    Args:
        name: the name of the metric.
        value: the score, 0 to 100.
        signature: sacrebleu's account of references, case, tokenizer, smoothing and version. It
            belongs beside the value wherever the value is quoted.
        interval: half the width of the 95 % confidence interval, by bootstrap resampling of the
            sentences (Koehn 2004); None if that was not asked for, or where sacrebleu cannot tell
            it, because some samples score nothing at all.
    """

    name: str
    value: float
    signature: str
    interval: float | None = None

    def __str__(self) -> str:
        return f"{self.name} = {self.figure} ({self.signature})"

    @property
    def figure(self) -> str:
        """The value as it is printed, with its interval."""
        interval = "" if self.interval is None else f" ± {self.interval:.2f}"
        return f"{self.value:.2f}{interval}"


def bleu(
    hypotheses: Sequence[str],
    references: Sequence[str],
    tokenize: str = "13a",
    lowercase: bool = False,
    bootstrap: int = 0,
) -> Score:
    """Corpus BLEU: how many of a translation's 1- to 4-grams stand in its reference.

        BLEU = 100 min(1, exp(1 - r / c)) exp(1/4 sum_n log p_n)

    with `p_n` the share of the n-grams that stand in the reference, `c` and `r` the tokens of all
    translations and of all references.

    Args:
        hypotheses: the translations, plain text, `n` strings.
        references: the reference translations, one for each hypothesis, `n` strings.
        tokenize: sacrebleu's tokenizer: "13a" for languages with spaces, "zh" for Chinese, which
            it cuts into characters, "char" and others.
        lowercase: whether to ignore case.
        bootstrap: from how many samples of the sentences to estimate the confidence interval; 0
            for none, 1000 is usual. The samples are the same each time.

    Returns:
        The score and its signature.

    Raises:
        InputError: if there is nothing to score, the counts differ or no such tokenizer exists.

    Source: Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation";
    Post 2018, "A Call for Clarity in Reporting BLEU Scores".

    Example:

    ```python
    print(bleu(["the cat sat on the mat"], ["the cat sat on a mat"]))
    # BLEU = 48.89 (nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0)
    ```
    """
    return _score(
        "BLEU", lambda: bleu_metric(tokenize, lowercase), hypotheses, references, bootstrap
    )


def tokenize_for(references: Iterable[str]) -> str:
    """What `bleu` should cut a language into tokens with: "zh" for Chinese, else "13a"."""
    return "zh" if is_chinese(references) else "13a"


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
    lowercase: bool = False,
) -> ScoreTable:
    """Corpus BLEU of several test sets, each by itself and all together.

    Args:
        hypotheses: the translations of each set, by its name.
        references: the reference translations of the same sets.
        tokenize, lowercase: see `bleu`.

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

    options = (tokenize, lowercase)
    return ScoreTable(
        {name: bleu(hypotheses[name], references[name], *options) for name in hypotheses},
        {name: len(references[name]) for name in hypotheses},
        bleu(joined(hypotheses), joined(references), *options),
    )


def bleu_by_length(
    hypotheses: Sequence[str],
    references: Sequence[str],
    lengths: Sequence[int],
    bounds: Sequence[int] = (5, 10, 15, 20, 25),
    tokenize: str = "13a",
    lowercase: bool = False,
) -> ScoreTable:
    """Corpus BLEU of the short sentences, of the longer ones, and so on.

    Args:
        hypotheses: the translations, `n` strings.
        references: the reference translations, `n` strings.
        lengths: by what the sentences are grouped, for instance the tokens of the sources, `n`
            numbers of 1 or more.
        bounds: the greatest length of each group, ascending; one more group has all above.
        tokenize, lowercase: see `bleu`.

    Returns:
        The scores by group, "1-5", "6-10" and so on to "26-"; groups without a sentence are absent.

    Raises:
        InputError: if the counts differ or the sentences cannot be scored (see `bleu`).

    Example:

    ```python
    lengths = [len(source.split()) for source in corpus.test.source]
    print(bleu_by_length(translations, corpus.test.target, lengths))
    ```
    """
    _check_parallel(hypotheses, references)
    if len(lengths) != len(references):
        raise InputError(
            f"There are {len(lengths)} lengths for {len(references)} references: give one each."
        )
    if any(length < 1 for length in lengths):
        raise InputError(f"A length is 1 or more, got {min(lengths)}.")
    if not all(a < b for a, b in itertools.pairwise((0, *bounds))):
        raise InputError(f"The bounds of the groups ascend from 1 or more, got {bounds}.")
    rows_of_group = {}
    for low, high in itertools.pairwise((0, *bounds, math.inf)):
        name = f"{low + 1}-{'' if high == math.inf else high}"
        rows_of_group[name] = [row for row, length in enumerate(lengths) if low < length <= high]

    def grouped(sentences):
        return {
            name: [sentences[row] for row in rows] for name, rows in rows_of_group.items() if rows
        }

    return bleu_of_sets(grouped(hypotheses), grouped(references), tokenize, lowercase)


def chrf(
    hypotheses: Sequence[str],
    references: Sequence[str],
    word_order: int = 0,
    lowercase: bool = False,
    bootstrap: int = 0,
) -> Score:
    """Corpus chrF: the F-score of character 1- to 6-grams, kinder than BLEU to near misses.

        chrF = 100 (1 + 2^2) P R / (2^2 P + R)

    with `P` the share of the translation's n-grams that stand in the reference and `R` that of
    the reference's in the translation, each the mean over n.

    Args:
        hypotheses: the translations, plain text, `n` strings.
        references: the reference translations, one for each hypothesis, `n` strings.
        word_order: the longest word n-grams to count as well; 2 makes it chrF++.
        lowercase: whether to ignore case.
        bootstrap: as of `bleu`.

    Returns:
        The score and its signature.

    Raises:
        InputError: if there is nothing to score or the counts differ.

    Source: Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation".

    Example:

    ```python
    print(chrf(["a black cat"], ["the black cats"]))
    ```
    """

    def metric():
        return CHRF(word_order=word_order, lowercase=lowercase)

    return _score("chrF" + "+" * word_order, metric, hypotheses, references, bootstrap)


def corpus_perplexity(log_probabilities: Iterable[float], tokens: Iterable[int]) -> float:
    """Perplexity of a token: `exp(-sum log P / number of tokens)`.

    Args:
        log_probabilities: of each sentence, in nats, as `Translator.score` gives them for the
            references.
        tokens: of each sentence, `<eos>` included.

    Raises:
        InputError: if there is no token.
    """
    count = sum(tokens)
    if not count:
        raise InputError("There is nothing to score: give at least one sentence.")
    return metrics.perplexity(-sum(log_probabilities) / count)


def exact_match(
    hypotheses: Sequence[str], references: Sequence[str], lowercase: bool = False
) -> float:
    """The share of translations that equal their reference, white space at the ends aside.

    Args:
        hypotheses: the translations, `n` strings.
        references: the reference translations, one for each hypothesis, `n` strings.
        lowercase: whether to ignore case.

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
    fold = str.lower if lowercase else str
    pairs = zip(hypotheses, references, strict=True)
    matches = [fold(a).strip() == fold(b).strip() for a, b in pairs]
    return 100 * sum(matches) / len(matches)


def bleu_metric(tokenize: str, lowercase: bool = False) -> BLEU:
    """sacrebleu's metric.

    Raises:
        InputError: if there is no such tokenizer, or what it wants is not installed.
    """
    if tokenize not in BLEU.TOKENIZERS:
        raise InputError(
            f"tokenize={tokenize!r} is no tokenizer of sacrebleu's: choose one of "
            f"{', '.join(sorted(BLEU.TOKENIZERS))}."
        )
    try:
        return BLEU(tokenize=tokenize, lowercase=lowercase)
    except (RuntimeError, ImportError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"sacrebleu's tokenizer {tokenize!r} is not ready: {reason}") from error


def _score(name, make_metric, hypotheses, references, bootstrap=0) -> Score:
    _check_parallel(hypotheses, references)
    # sacrebleu takes a list for each set of references.
    hypotheses, references = list(hypotheses), [list(references)]
    metric = make_metric()
    try:
        result = metric.corpus_score(hypotheses, references, n_bootstrap=max(bootstrap, 1))
    except TypeError:  # which it raises for samples of which some score nothing at all
        bootstrap, metric = 0, make_metric()
        result = metric.corpus_score(hypotheses, references)
    signature = str(metric.get_signature())
    interval = None
    if bootstrap > 1:
        # The only public way to the interval; there is none if no sentence scores at all.
        content = json.loads(result.format(width=4, is_json=True, signature=signature))
        interval = content.get("confidence_var", 0.0)
    return Score(name, result.score, signature, interval)


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
