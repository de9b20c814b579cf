"""Search: from a step function to sequences.

    greedy    take the most probable id at each step
    sample    draw an id at each step
    beam      follow several hypotheses in parallel
    forced    score given sequences

A `Shortlist` limits a translation to the words that are probable given its source.

They work with any step function (see `Step`), such as `LanguageModel.step`, or `Seq2Seq.step` or
`Ensemble.step` with the argument `memory` bound. Each search is one graph.
"""

from tf_seq2seq.search.beam_search import beam
from tf_seq2seq.search.constraints import (
    NO_CONSTRAINTS,
    Constraint,
    Constraints,
    ForbidIds,
    MinLength,
    NoRepeatNgram,
)
from tf_seq2seq.search.options import GREEDY, SearchOptions
from tf_seq2seq.search.results import Hypotheses, Sequences
from tf_seq2seq.search.sequential import forced, greedy, sample
from tf_seq2seq.search.shortlist import Shortlist
from tf_seq2seq.search.steps import Step, repeat_rows

__all__ = [
    "GREEDY",
    "NO_CONSTRAINTS",
    "Constraint",
    "Constraints",
    "ForbidIds",
    "Hypotheses",
    "MinLength",
    "NoRepeatNgram",
    "SearchOptions",
    "Sequences",
    "Shortlist",
    "Step",
    "beam",
    "forced",
    "greedy",
    "repeat_rows",
    "sample",
]
