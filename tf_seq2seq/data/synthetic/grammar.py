"""An engine for synchronous grammars, whose rules generate a sentence in two languages at once.

A *construction* is a function that returns the same clause in English and in Chinese. Its argument
`choose` is a function that returns an item of a sequence; it is the only source of randomness. A
construction usually ends in two f-strings with the words that it chose:

>>> drinks = Family()
>>> @drinks.construction(weight=1)
... def drinking(choose):
...     who, who_zh = choose((("I", "我"), ("we", "我们")))
...     drink, drink_zh = choose((("tea", "茶"), ("milk", "牛奶")))
...     return f"{who} drink {drink}", f"{who_zh}喝{drink_zh}"
>>> grammar = Grammar([drinks])
>>> grammar.write("drinking", choose=lambda options: options[0])
Example(source='I drink tea.', target='我喝茶。', construction='drinking')
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from tf_seq2seq.checks import check_choice, check_integer, check_number
from tf_seq2seq.errors import InputError

Choose = Callable[[Sequence[Any]], Any]
# The same clause in English and in Chinese.
Clause = tuple[str, str]
WriteClause = Callable[[Choose], Clause]

FULL_WIDTH = {".": "。", "?": "？"}


class Construction(NamedTuple):
    """A rule of the grammar.

    Attributes:
        write_clause: the function of `choose`.
        weight: how often the construction is tried, relative to the weights of the others.
        mark: the English mark that ends the sentence, "." or "?".
    """

    write_clause: WriteClause
    weight: float
    mark: str

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.write_clause.__name__


class Family:
    """A group of related constructions, which are in one module."""

    def __init__(self) -> None:
        self.constructions: list[Construction] = []

    def construction(self, weight: float, mark: str = ".") -> Callable[[WriteClause], WriteClause]:
        """Return a decorator that adds a function to the family under the function's name.

        Args:
            weight: how often the construction is tried, relative to the weights of the others.
            mark: the English mark that ends the sentence, "." or "?".
        """
        weight = check_number("weight", weight, above=0)
        mark = check_choice("mark", mark, tuple(FULL_WIDTH))

        def add(write_clause: WriteClause) -> WriteClause:
            self.constructions.append(Construction(write_clause, weight, mark))
            return write_clause

        return add


class Example(NamedTuple):
    """A sentence pair and the name of its construction."""

    source: str
    target: str
    construction: str


class Grammar:
    """The constructions of several families.

    Args:
        families: the families. Their order, and the order of the constructions within each,
            determine which sentences a seed gives.
        shortest: minimum number of tokens of a sentence, in either language.
        longest: maximum number of tokens of a sentence, in either language. `generate` skips
            sentences outside these bounds. Tokens are counted by `count_english` and
            `count_chinese`.

    Raises:
        InputError: if two constructions have the same name, or if a bound is invalid.
    """

    def __init__(self, families: Iterable[Family], shortest: int = 3, longest: int = 40):
        self.shortest = check_integer("shortest", shortest, minimum=1)
        self.longest = check_integer("longest", longest, minimum=self.shortest)
        self.constructions: dict[str, Construction] = {}
        for family in families:
            for construction in family.constructions:
                if construction.name in self.constructions:
                    raise InputError(f"There are two constructions named {construction.name!r}.")
                self.constructions[construction.name] = construction

    def write(self, name: str, choose: Choose) -> Example:
        """Generate one sentence pair with the construction `name`.

        The sentence is capitalized and ends with the construction's mark. Extra spaces, which empty
        optional parts leave in a clause, are removed.

        Args:
            name: a key of `constructions`.
            choose: a function from a sequence to one of its items.
        """
        construction = self.constructions[name]
        english, chinese = construction.write_clause(choose)
        english = " ".join(english.split()).replace(" ,", ",")
        return Example(
            source=english[0].upper() + english[1:] + construction.mark,
            target=chinese + FULL_WIDTH[construction.mark],
            construction=name,
        )

    def generate(self, seed: int, patience: int = 10_000) -> Iterator[Example]:
        """Yield examples, no two of which share a sentence in either language.

        Args:
            seed: the same seed gives the same examples in the same order.
            patience: the stream ends after this many attempts in a row without a new pair.

        Raises:
            InputError: at the first example, if an argument is invalid.
        """
        rng = random.Random(check_integer("seed", seed, minimum=0))
        patience = check_integer("patience", patience, minimum=1)
        names = list(self.constructions)
        weights = [construction.weight for construction in self.constructions.values()]
        seen_english, seen_chinese = set(), set()
        attempts = 0
        while attempts < patience:
            attempts += 1
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
                attempts = 0
                yield example


def count_english(sentence: str) -> int:
    """Count words and punctuation marks.

    >>> count_english("She doesn't swim.")
    4
    """
    return len(re.findall(r"[\w'-]+|[^\w\s]", sentence))


def count_chinese(sentence: str) -> int:
    """Count characters and punctuation marks; a Latin word or a number counts as one.

    >>> count_chinese("我在TED。")
    4
    """
    return len(re.findall(r"[A-Za-z0-9]+|\S", sentence))
