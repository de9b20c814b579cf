"""Corpora in memory: sentence pairs and lines of text."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tf_seq2seq.errors import InputError
from tf_seq2seq.strings import check_not_one_string, check_strings


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Parallel sentences: `target[i]` translates `source[i]`.

    Args:
        source: the source sentences, `n` strings, stored as a tuple.
        target: the target sentences, `n` strings, stored as a tuple.

    Raises:
        InputError: if the two sides differ in length.
        TypeError: if a side is a single string, or has an element that is not a string, such as
            the NaN of an empty cell.

    Example:

    >>> pairs = Pairs(["Hi.", "Run!"], ["嗨。", "跑！"])
    >>> len(pairs), list(pairs[:1])
    (2, [('Hi.', '嗨。')])
    """

    source: Sequence[str]
    target: Sequence[str]

    def __post_init__(self) -> None:
        for side in ("source", "target"):
            check_not_one_string(side, getattr(self, side))
            object.__setattr__(self, side, tuple(getattr(self, side)))
            check_strings(side, getattr(self, side))
        if len(self.source) != len(self.target):
            raise InputError(
                "Expected as many target sentences as source sentences, "
                f"got {len(self.source)} source and {len(self.target)} target sentences."
            )

    def __len__(self) -> int:
        return len(self.source)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return zip(self.source, self.target, strict=True)

    def __getitem__(self, index: slice) -> Pairs:
        return Pairs(self.source[index], self.target[index])


class Corpus(NamedTuple):
    """The three parts of a corpus of sentence pairs."""

    train: Pairs
    dev: Pairs
    test: Pairs


class TextCorpus(NamedTuple):
    """The three parts of a text in one language, each a tuple of lines."""

    train: tuple[str, ...]
    dev: tuple[str, ...]
    test: tuple[str, ...]
