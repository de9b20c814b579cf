"""Search: from a step function to sequences.

    greedy    the most probable id at each step
    sample    an id drawn at each step
    beam      the best of several hypotheses that are followed in parallel
    forced    the score of given sequences

They work with any step function (see `Step`): `LanguageModel.step` is one, and so are
`Seq2Seq.step` and `Ensemble.step` with their memory filled in. Each search is one graph.
"""

from tf_seq2seq.search.beam import beam
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
    "Step",
    "beam",
    "forced",
    "greedy",
    "repeat_rows",
    "sample",
]
