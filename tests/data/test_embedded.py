"""The embedded grammar: its guarantees, and literal sentence pairs for every construction."""

import random
import re
from collections import Counter

import pytest

from tf_seq2seq.data import embedded
from tf_seq2seq.data.embedded import embedded_corpus, generate, grammar
from tf_seq2seq.data.grammar import Example, Grammar, count_chinese, count_english
from tf_seq2seq.errors import InputError


@pytest.fixture(scope="module")
def sample() -> list[Example]:
    """80,000 examples, drawn without regard to what was drawn before."""
    rng = random.Random(7)
    names, weights = list(grammar.weights), list(grammar.weights.values())
    return [grammar.write(name, rng.choice) for name in rng.choices(names, weights, k=80_000)]


# --- Literal pairs --------------------------------------------------------------------------------


def spoken(option) -> list[str]:
    """The English by which an option of `choose` can be recognised in a sentence."""
    match option:
        case str():
            return [option]
        case embedded.Person():
            return [option.en]
        case embedded.Thing():
            return [option.en, option.plural]
        case embedded.Quality():
            return [option.en, option.more, option.most]
        case embedded.Phrase():
            return [option.en]
        case embedded.Verb():
            return [option.base, option.s, option.past, option.done, option.ing]
        case embedded.Action():
            return [f"{verb} {option.object}".strip() for verb in spoken(option.verb)]
        case embedded.Deed():
            return spoken(option.verb)
        case tuple() | list():
            return [text for item in option for text in spoken(item)]
    return []


def derives(name: str, english: str, chinese: str) -> bool:
    """Whether a construction can write a pair.

    Tries at random, but chooses only words that the sentence holds wherever there are such.
    """
    rng = random.Random(0)
    flat = english.lower()

    def choose(options):
        likely = [
            option
            for option in options
            if not (texts := spoken(option))
            or any(re.search(rf"\b{re.escape(' '.join(t.lower().split()))}\b", flat) for t in texts)
        ]
        return rng.choice(likely or options)

    return any(
        (example := grammar.write(name, choose)).source == english and example.target == chinese
        for _ in range(3_000)
    )


def example_of(construction) -> tuple[str, str]:
    """The pair at the end of a construction's docstring."""
    paragraph = " ".join(construction.__doc__.split("\n\n")[-1].split())
    english, chinese = paragraph.split(" / ")
    return english, chinese


def test_the_demo_pair_is_derivable():
    assert derives(
        "relative_subject",
        "The book that I bought yesterday is very interesting.",
        "我昨天买的书很有趣。",
    )


@pytest.mark.parametrize("name", grammar.constructions)
def test_a_construction_writes_the_pair_of_its_docstring(name):
    assert derives(name, *example_of(grammar.constructions[name]))
