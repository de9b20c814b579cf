"""Corpus scores of translations that can be compared with published ones.

BLEU depends on how a text is split into tokens, so a score means nothing without its settings.
Scores therefore come from sacrebleu, over plain text, and carry its signature.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence

from sacrebleu.metrics import CHRF

from tf_seq2seq import metrics
from tf_seq2seq.checks import check_flag, check_integer
from tf_seq2seq.errors import InputError
from tf_seq2seq.evaluation.tokenizers import BOUNDS, bleu_metric, tokenize_for
from tf_seq2seq.strings import check_strings


@dataclasses.dataclass(frozen=True)
class Score:
    """A corpus score with its settings.

    Args:
        name: the name of the metric.
        value: the score, 0 to 100.
        signature: sacrebleu's record of references, case, tokenizer, smoothing and version. Quote
            it wherever you quote the value.
        interval: half the width of the 95% confidence interval, by bootstrap resampling of the
            sentences (Koehn 2004). None if there is no bootstrap, or if sacrebleu cannot
            compute it because some samples have no score.
    """

    name: str
    value: float
    signature: str
    interval: float | None = None

    def __str__(self) -> str:
        return f"{self.name} = {self.figure} ({self.signature})"

    @property
    def figure(self) -> str:
        """The value as printed, with its interval."""
        interval = "" if self.interval is None else f" ± {self.interval:.2f}"
        return f"{self.value:.2f}{interval}"


def bleu(
    hypotheses: Sequence[str],
    references: Sequence[str],
    tokenize: str | None = None,
    lowercase: bool = False,
    bootstrap: int = 0,
) -> Score:
    """Compute corpus BLEU: the share of 1- to 4-grams that also occur in the reference.

        BLEU = 100 min(1, exp(1 - r / c)) exp(1/4 sum_n log p_n)

    where `p_n` is the share of n-grams of the translations that occur in their references, and `c`
    and `r` are the numbers of tokens in all translations and in all references.

    Args:
        hypotheses: the translations, plain text, `n` strings.
        references: the reference translations, one for each hypothesis, `n` strings.
        tokenize: sacrebleu's tokenizer, such as "13a" for languages with spaces or "char"; None
            for the one that `bleu_tokenizer` chooses for the references.
        lowercase: whether to ignore case.
        bootstrap: number of bootstrap samples for the confidence interval; 0 for no interval,
            1000 is typical. The samples are the same every time.

    Returns:
        The score and its signature.

    Raises:
        InputError: if there is nothing to score, the numbers of sentences differ, or an argument
            is out of range.
        TypeError: if a hypothesis or a reference is not a string, such as a list of references for
            each sentence.

    Source: Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation";
    Post 2018, "A Call for Clarity in Reporting BLEU Scores".

    Example:

    >>> print(bleu(["the cat sat on the mat"], ["the cat sat on a mat"]))
    BLEU = 53.73 (nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:...)
    """

    def metric():
        return bleu_metric(tokenize_for(references) if tokenize is None else tokenize, lowercase)

    return _score("BLEU", metric, hypotheses, references, bootstrap)


@dataclasses.dataclass(frozen=True)
class ScoreTable:
    """The scores of several test sets and of all their sentences together; `print` it.

    Args:
        sets: the score of each set, by name.
        sizes: the number of sentences of each set.
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
    tokenize: str | None = None,
    lowercase: bool = False,
) -> ScoreTable:
    """Compute corpus BLEU of several test sets, separately and together.

    Args:
        hypotheses: the translations of each set, by name.
        references: the reference translations of the same sets.
        tokenize, lowercase: see `bleu`; all sets are scored with the same tokenizer.

    Returns:
        The scores.

    Raises:
        InputError: if the sets differ, or one cannot be scored (see `bleu`).
    """
    if hypotheses.keys() != references.keys() or not hypotheses:
        raise InputError(
            f"There are hypotheses for the sets {list(hypotheses)} and references for "
            f"{list(references)}: pass both for the same sets, at least one."
        )
    for name in hypotheses:
        check_parallel(hypotheses[name], references[name])

    def joined(sets):
        return [sentence for name in hypotheses for sentence in sets[name]]

    tokenize = tokenize_for(joined(references)) if tokenize is None else tokenize
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
    bounds: Sequence[int] = BOUNDS,
    tokenize: str | None = None,
    lowercase: bool = False,
) -> ScoreTable:
    """Compute corpus BLEU of sentences grouped by length.

    Args:
        hypotheses: the translations, `n` strings.
        references: the reference translations, `n` strings.
        lengths: the length of each sentence, for instance in tokens of the source, `n` integers
            of at least 1.
        bounds: the maximum length of each group, in ascending order; the last group contains
            all longer sentences.
        tokenize, lowercase: see `bleu`.

    Returns:
        The scores by group, "1-5", "6-10" and so on to "26-"; groups without sentences are absent.

    Raises:
        InputError: if the numbers of sentences differ, `lengths` or `bounds` are out of range, or
            the sentences cannot be scored (see `bleu`).

    Example:

    >>> sentences = ["a b c d", "a b c d e f g h"]
    >>> table = bleu_by_length(sentences, sentences, lengths=[4, 8])
    >>> table.sizes
    {'1-5': 1, '6-10': 1}
    """
    check_parallel(hypotheses, references)
    if len(lengths) != len(references):
        raise InputError(
            f"There are {len(lengths)} lengths for {len(references)} references: pass one length "
            "for each reference."
        )
    if any(length < 1 for length in lengths):
        raise InputError(f"`lengths` must be at least 1, got {min(lengths)}.")
    if not all(a < b for a, b in itertools.pairwise((0, *bounds))):
        raise InputError(f"`bounds` must be in ascending order, at least 1, got {bounds}.")
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
    """Compute corpus chrF: the F-score of character 1- to 6-grams, which rewards near misses.

        chrF = 100 (1 + 2^2) P R / (2^2 P + R)

    where the precision `P` is the share of n-grams of the translations that occur in their
    references, and the recall `R` is the share of n-grams of the references that occur in the
    translations, each averaged over n.

    Args:
        hypotheses: the translations, plain text, `n` strings.
        references: the reference translations, one for each hypothesis, `n` strings.
        word_order: also count word n-grams of up to this length; 2 makes it chrF++.
        lowercase, bootstrap: see `bleu`.

    Returns:
        The score and its signature.

    Raises:
        InputError: if there is nothing to score, the numbers of sentences differ, or an argument
            is out of range.

    Source: Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation".

    Example:

    >>> print(chrf(["a black cat"], ["a black cat"]).figure)
    100.00
    """
    word_order = check_integer("word_order", word_order, minimum=0)
    lowercase = check_flag("lowercase", lowercase)

    def metric():
        return CHRF(word_order=word_order, lowercase=lowercase)

    return _score("chrF" + "+" * word_order, metric, hypotheses, references, bootstrap)


def corpus_perplexity(log_probabilities: Iterable[float], tokens: Iterable[int]) -> float:
    """Compute the perplexity per token: `exp(-sum log P / number of tokens)`.

    Args:
        log_probabilities: the log-probability of each sentence in nats, as `Translator.score`
            returns it for a reference.
        tokens: the number of tokens of each sentence, `<eos>` included.

    Raises:
        InputError: if there are no tokens.

    Example:

    >>> round(corpus_perplexity([-2.0, -4.0], [1, 2]), 3)  # exp(6 / 3)
    7.389
    """
    count = sum(tokens)
    if not count:
        raise InputError("There is nothing to score: pass at least one sentence.")
    return metrics.perplexity(-sum(log_probabilities) / count)


def exact_match(
    hypotheses: Sequence[str], references: Sequence[str], lowercase: bool = False
) -> float:
    """Compute the share of translations that equal their reference, up to surrounding white space.

    Args:
        hypotheses: the translations, `n` strings.
        references: the reference translations, one for each hypothesis, `n` strings.
        lowercase: whether to ignore case.

    Returns:
        The share in percent, 0 to 100.

    Raises:
        InputError: if there is nothing to score, or the numbers of sentences differ.

    Example:

    >>> exact_match(["c b a", "f e d"], ["c b a", "f d e"])
    50.0
    """
    lowercase = check_flag("lowercase", lowercase)
    check_parallel(hypotheses, references)
    fold = str.lower if lowercase else str
    pairs = zip(hypotheses, references, strict=True)
    matches = [fold(a).strip() == fold(b).strip() for a, b in pairs]
    return 100 * sum(matches) / len(matches)


def _score(name, make_metric, hypotheses, references, bootstrap=0) -> Score:
    bootstrap = check_integer("bootstrap", bootstrap, minimum=0)
    check_parallel(hypotheses, references)
    # sacrebleu takes a list for each set of references.
    hypotheses, references = list(hypotheses), [list(references)]
    metric = make_metric()
    try:
        result = metric.corpus_score(hypotheses, references, n_bootstrap=max(bootstrap, 1))
    except TypeError:  # sacrebleu raises it if some samples have no score
        bootstrap, metric = 0, make_metric()
        result = metric.corpus_score(hypotheses, references)
    signature = str(metric.get_signature())
    interval = None
    if bootstrap > 1:
        # Only the JSON form has the interval; it is missing if no sentence has a score.
        content = json.loads(result.format(width=4, is_json=True, signature=signature))
        interval = content.get("confidence_var", 0.0)
    return Score(name, result.score, signature, interval)


def check_parallel(hypotheses: Sequence[str], references: Sequence[str]) -> None:
    """Refuse what cannot be scored sentence by sentence.

    Raises:
        InputError: if there is nothing to score, or the numbers of sentences differ.
        TypeError: if a hypothesis or a reference is not a string.
    """
    for name, sentences in (("hypotheses", hypotheses), ("references", references)):
        check_strings(name, sentences)
    if len(hypotheses) != len(references):
        raise InputError(
            f"There are {len(hypotheses)} hypotheses for {len(references)} references: pass one "
            "hypothesis for each reference."
        )
    if not len(references):
        raise InputError("There is nothing to score: pass at least one hypothesis and reference.")
