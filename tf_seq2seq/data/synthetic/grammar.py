"""A small engine for synchronous grammars: rules that write a sentence in two languages at once.

A *construction* is a function of `choose` that returns the same clause in English and in Chinese.
`choose` is its only source of chance: it takes a sequence and returns one of its items. A
construction is therefore two f-strings around the words that it chose, and adding one takes a few
lines:

>>> grammar = Grammar()
>>> @grammar.construction(weight=1)
... def drinking(choose):
...     who, who_zh = choose((("I", "我"), ("we", "我们")))
...     drink, drink_zh = choose((("tea", "茶"), ("milk", "牛奶")))
...     return f"{who} drink {drink}", f"{who_zh}喝{drink_zh}"
>>> grammar.write("drinking", choose=lambda options: options[0])
Example(source='I drink tea.', target='我喝茶。', construction='drinking')
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

Choose = Callable[[Sequence[Any]], Any]
Construction = Callable[[Choose], tuple[str, str]]

FULL_WIDTH = {".": "。", "?": "？"}


class Example(NamedTuple):
    """A sentence pair and the name of the construction that wrote it."""

    source: str
    target: str
    construction: str


class Grammar:
    """Constructions, each with a weight.

    Args:
        shortest: least number of tokens of a sentence, on either side.
        longest: greatest number of tokens of a sentence, on either side. `generate` passes over
            what lies outside. `count_english` and `count_chinese` say what a token is.
    """

    def __init__(self, shortest: int = 3, longest: int = 40):
        self.shortest = shortest
        self.longest = longest
        self.constructions: dict[str, Construction] = {}
        self.weights: dict[str, float] = {}
        self._marks: dict[str, str] = {}

    def construction(
        self, weight: float, mark: str = "."
    ) -> Callable[[Construction], Construction]:
        """Decorator that adds a function to the grammar, under the function's own name.

        Args:
            weight: how often the construction is tried, relative to the others' weights.
            mark: the English mark that ends the sentence, "." or "?".
        """

        def add(function: Construction) -> Construction:
            name = function.__name__
            self.constructions[name] = function
            self.weights[name] = weight
            self._marks[name] = mark
            return function

        return add

    def write(self, name: str, choose: Choose) -> Example:
        """Writes one sentence of the construction `name`, with `choose` to make its choices.

        Clauses may hold needless spaces, left where an optional part is empty; a sentence holds
        none. It begins with a capital and ends with the construction's mark.
        """
        english, chinese = self.constructions[name](choose)
        english = " ".join(english.split()).replace(" ,", ",")
        mark = self._marks[name]
        return Example(
            source=english[0].upper() + english[1:] + mark,
            target=chinese + FULL_WIDTH[mark],
            construction=name,
        )

    def generate(self, seed: int, patience: int = 10_000) -> Iterator[Example]:
        """Yields examples of which no two share a sentence, on either side.

        Args:
            seed: the same seed gives the same examples in the same order.
            patience: the stream ends after so many tries in a row that gave nothing new.
        """
        rng = random.Random(seed)
        names, weights = list(self.weights), list(self.weights.values())
        seen_english, seen_chinese = set(), set()
        tries = 0
        while tries < patience:
            tries += 1
            (name,) = rng.choices(names, weights)
            example = self.write(name, rng.choice)
            if (
                example.source not in seen_english
                and example.target not in seen_chinese
                and self.shortest <= count_english(example.source) <= self.longest
                and self.shortest <= count_chinese(example.target) <= self.longest
            ):
                seen_english.add(example.source)
                seen_chinese.add(example.target)
                tries = 0
                yield example


def count_english(sentence: str) -> int:
    """Number of words and punctuation marks."""
    return len(re.findall(r"[\w'-]+|[^\w\s]", sentence))


def count_chinese(sentence: str) -> int:
    """Number of characters and punctuation marks, a Latin word or a number counted as one."""
    return len(re.findall(r"[A-Za-z0-9]+|\S", sentence))
