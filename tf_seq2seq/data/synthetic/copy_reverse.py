"""Copy and reverse: two tasks over strings of symbols, with an answer that is known exactly.

They need no language and little training, so tests and claims about an architecture rest on them:
a decoder that cannot copy a string has lost it on the way.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence

from tf_seq2seq.data.corpus import Corpus
from tf_seq2seq.data.synthetic.parts import check_sizes, deal
from tf_seq2seq.errors import InputError

String = tuple[str, ...]


def copy_corpus(
    alphabet: Sequence[str] = "abcdefghij",
    lengths: tuple[int, int] = (1, 10),
    train: int = 10_000,
    dev: int = 500,
    test: int = 500,
    seed: int = 1,
) -> Corpus:
    """Strings of symbols, each paired with itself: "a c b" -> "a c b".

    Args:
        alphabet: the symbols, at least two, all different, none with a space in it.
        lengths: least and greatest number of symbols of a string. Lengths are equally frequent, as
            far as there are enough strings of the shorter ones.
        train: number of training pairs.
        dev: number of development pairs.
        test: number of test pairs. No string occurs twice, within a part or across parts.
        seed: the same seed gives the same corpus.

    Returns:
        The corpus; symbols are separated by single spaces.

    Raises:
        InputError: if the alphabet, the lengths or a size is impossible, or if there are fewer
            strings than pairs asked for.
    """
    return _corpus(lambda string: string, alphabet, lengths, train, dev, test, seed)


def reverse_corpus(
    alphabet: Sequence[str] = "abcdefghij",
    lengths: tuple[int, int] = (1, 10),
    train: int = 10_000,
    dev: int = 500,
    test: int = 500,
    seed: int = 1,
) -> Corpus:
    """Strings of symbols, each paired with its reverse: "a c b" -> "b c a".

    Arguments, result and errors are those of `copy_corpus`.
    """
    return _corpus(lambda string: string[::-1], alphabet, lengths, train, dev, test, seed)


def _corpus(
    answer: Callable[[String], String],
    alphabet: Sequence[str],
    lengths: tuple[int, int],
    train: int,
    dev: int,
    test: int,
    seed: int,
) -> Corpus:
    check_sizes(train, dev, test)
    if len(set(alphabet)) != len(alphabet) or len(alphabet) < 2:
        raise InputError(
            f"Expected an alphabet of two or more different symbols, got {alphabet!r}."
        )
    if any(len(symbol.split()) != 1 or symbol != symbol.strip() for symbol in alphabet):
        raise InputError(f"Expected symbols that hold no space, got the alphabet {alphabet!r}.")
    shortest, longest = lengths
    if not 1 <= shortest <= longest:
        raise InputError(f"Expected `lengths` as (least, greatest), 1 or more, got {lengths!r}.")

    rng = random.Random(seed)
    left = train + dev + test
    strings: list[String] = []
    # The short lengths come first: what they cannot give is shared out among the longer ones.
    for length in range(shortest, longest + 1):
        share = min(-(-left // (longest + 1 - length)), len(alphabet) ** length)
        strings += _distinct_strings(alphabet, length, share, rng)
        left -= share
    rng.shuffle(strings)
    return deal(
        ((" ".join(string), " ".join(answer(string))) for string in strings), train, dev, test
    )


def _distinct_strings(
    alphabet: Sequence[str], length: int, count: int, rng: random.Random
) -> list[String]:
    if 2 * count > len(alphabet) ** length:
        return rng.sample(list(itertools.product(alphabet, repeat=length)), count)
    # A dictionary rather than a set: its order is the same in every process.
    strings: dict[String, None] = {}
    while len(strings) < count:
        strings[tuple(rng.choices(alphabet, k=length))] = None
    return list(strings)
