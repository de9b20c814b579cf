"""Corpora and examples that several tests read."""

import random

import pytest

from tf_seq2seq.data.corpus import Corpus, TextCorpus
from tf_seq2seq.data.synthetic.constructions import grammar
from tf_seq2seq.data.synthetic.corpus import synthetic_corpus, synthetic_text
from tf_seq2seq.data.synthetic.grammar import Example


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    return synthetic_corpus()


@pytest.fixture(scope="session")
def text() -> TextCorpus:
    return synthetic_text()


@pytest.fixture(scope="session")
def examples() -> list[Example]:
    """80,000 independent examples; sentences may repeat."""
    rng = random.Random(7)
    weights = [construction.weight for construction in grammar.constructions.values()]
    names = rng.choices(list(grammar.constructions), weights, k=80_000)
    return [grammar.write(name, rng.choice) for name in names]
