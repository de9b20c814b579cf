"""Split a stream of distinct pairs into test, development and training parts."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from tf_seq2seq.checks import check_integer
from tf_seq2seq.data.corpus import Corpus, Pairs
from tf_seq2seq.errors import InputError


def check_sizes(train: int, dev: int, test: int) -> tuple[int, int, int]:
    """Return the numbers of pairs as plain integers.

    Args:
        train, dev, test: numbers of pairs.

    Raises:
        InputError: if one of them is not an integer of at least 0.
    """
    return (
        check_integer("train", train, minimum=0),
        check_integer("dev", dev, minimum=0),
        check_integer("test", test, minimum=0),
    )


def deal(pairs: Iterable[tuple[str, str]], train: int, dev: int, test: int) -> Corpus:
    """Split a stream of distinct pairs into the three parts of a corpus.

    Test and dev come first, so that they do not depend on `train`.

    Args:
        pairs: the pairs; only as many as needed are drawn.
        train, dev, test: numbers of pairs.

    Raises:
        InputError: if a size is not an integer of at least 0, or there are too few pairs.

    Example:

    >>> deal([("a", "A"), ("b", "B"), ("c", "C")], train=1, dev=1, test=1).test
    Pairs(source=('a',), target=('A',))
    """
    train, dev, test = check_sizes(train, dev, test)
    total = train + dev + test
    dealt = list(islice(pairs, total))
    if len(dealt) < total:
        raise InputError(
            f"Expected {total} distinct pairs (train={train}, dev={dev}, test={test}), but there "
            f"are only {len(dealt)}; ask for fewer."
        )

    def part(start: int, stop: int) -> Pairs:
        sources, targets = (tuple(pair[side] for pair in dealt[start:stop]) for side in (0, 1))
        return Pairs(sources, targets)

    return Corpus(test=part(0, test), dev=part(test, test + dev), train=part(test + dev, total))
