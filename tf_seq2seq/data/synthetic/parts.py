"""Deal a stream of pairs into training, development and test parts."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from tf_seq2seq.data.corpus import Corpus, Pairs
from tf_seq2seq.errors import InputError


def check_sizes(train: int, dev: int, test: int) -> None:
    """Raises InputError if one of the sizes is not a whole number of pairs."""
    for name, size in (("train", train), ("dev", dev), ("test", test)):
        if not isinstance(size, int) or size < 0:
            raise InputError(
                f"Expected `{name}` to be a number of pairs, zero or more, got {size}."
            )


def deal(pairs: Iterable[tuple[str, str]], train: int, dev: int, test: int) -> Corpus:
    """Deals a stream of distinct pairs into the three parts of a corpus.

    Test and dev come first, so a corpus with more training pairs keeps them as they are.

    Raises:
        InputError: if a size is negative or the stream ends too early.
    """
    check_sizes(train, dev, test)
    wanted = train + dev + test
    pairs = list(islice(pairs, wanted))
    if len(pairs) < wanted:
        raise InputError(
            f"Expected {wanted} distinct pairs (train={train}, dev={dev}, test={test}), but only "
            f"{len(pairs)} could be generated; ask for fewer."
        )

    def part(start: int, stop: int) -> Pairs:
        return Pairs(*([pair[side] for pair in pairs[start:stop]] for side in (0, 1)))

    return Corpus(test=part(0, test), dev=part(test, test + dev), train=part(test + dev, wanted))
