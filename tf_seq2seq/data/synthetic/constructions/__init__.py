"""The grammar's constructions, one module for each family.

Each construction documents itself with a sentence pair that it can write. To add one, write a
function in the module of its family; to add a family, write a module and list it below.
"""

from tf_seq2seq.data.synthetic.constructions import (
    abilities,
    aspect,
    comparisons,
    descriptions,
    locations,
    numbers,
    objects,
    pairs,
    questions,
    reasons,
    relative_clauses,
    reported_speech,
    requests,
    tenses,
    time_clauses,
    travel,
    weather,
)
from tf_seq2seq.data.synthetic.grammar import Grammar

# The order is part of what a seed means: a change of it changes every corpus.
FAMILIES = (
    tenses,
    abilities,
    descriptions,
    aspect,
    objects,
    locations,
    relative_clauses,
    comparisons,
    numbers,
    travel,
    questions,
    requests,
    pairs,
    reasons,
    time_clauses,
    weather,
    reported_speech,
)

grammar = Grammar([module.family for module in FAMILIES], shortest=3, longest=40)
