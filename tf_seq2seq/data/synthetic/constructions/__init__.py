"""The grammar's constructions, one module for each family.

The docstring of each construction has a sentence pair that it can generate. To add a construction,
write a function in the module of its family; to add a family, write a module and list it below.
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

# Changing this order changes the corpus of every seed.
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
