"""Copy and reverse: two tasks on strings of symbols, each with exactly one right answer.

They need little training and isolate memory from language, so they are useful for tests and for
comparing architectures: a decoder that fails to copy a string has lost information about it.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence

from tf_seq2seq.checks import check_integer
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
    """Pair random strings of symbols with themselves: "a c b" -> "a c b".

    Args:
        alphabet: at least two different symbols without spaces.
        lengths: minimum and maximum number of symbols. All lengths are equally frequent, unless
            there are too few different strings of a short length.
        train: number of training pairs.
        dev: number of development pairs.
        test: number of test pairs. No string occurs twice, within a part or across parts.
        seed: the same seed gives the same corpus.

    Returns:
        The corpus; symbols are separated by single spaces.

    Raises:
        InputError: if an argument is invalid, or if there are not enough different strings.

    Example:

    >>> corpus = copy_corpus("abc", lengths=(4, 4), train=2, dev=0, test=0)
    >>> corpus.train.source == corpus.train.target
    True
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
    """Pair random strings of symbols with their reverses: "a c b" -> "b c a".

    The arguments, the result and the errors are those of `copy_corpus`.

    Example:

    >>> corpus = reverse_corpus("abc", lengths=(4, 4), train=2, dev=0, test=0)
    >>> corpus.train.target[0] == corpus.train.source[0][::-1]
    True
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
    train, dev, test = check_sizes(train, dev, test)
    symbols = _check_alphabet(alphabet)
    shortest, longest = _check_lengths(lengths)
    rng = random.Random(check_integer("seed", seed, minimum=0))
    left = train + dev + test
    strings: list[String] = []
    # Shorter lengths come first, so that longer ones can make up for strings they lack.
    for length in range(shortest, longest + 1):
        share = min(-(-left // (longest + 1 - length)), len(symbols) ** length)
        strings += _distinct_strings(symbols, length, share, rng)
        left -= share
    rng.shuffle(strings)
    return deal(
        ((" ".join(string), " ".join(answer(string))) for string in strings), train, dev, test
    )


def _check_alphabet(alphabet: Sequence[str]) -> tuple[str, ...]:
    valid = isinstance(alphabet, Sequence) and all(isinstance(symbol, str) for symbol in alphabet)
    if not valid or len(set(alphabet)) != len(alphabet) or len(alphabet) < 2:
        raise InputError(
            f"`alphabet` must be at least two different symbols, each a string, got {alphabet!r}."
        )
    if any(symbol.split() != [symbol] for symbol in alphabet):
        raise InputError(
            f"`alphabet` must consist of nonempty symbols without spaces, got {alphabet!r}."
        )
    return tuple(alphabet)


def _check_lengths(lengths: tuple[int, int]) -> tuple[int, int]:
    if not isinstance(lengths, Sequence) or isinstance(lengths, str) or len(lengths) != 2:
        raise InputError(f"`lengths` must be a pair (minimum, maximum), got {lengths!r}.")
    shortest = check_integer("lengths[0]", lengths[0], minimum=1)
    return shortest, check_integer("lengths[1]", lengths[1], minimum=shortest)


def _distinct_strings(
    alphabet: Sequence[str], length: int, count: int, rng: random.Random
) -> list[String]:
    if 2 * count > len(alphabet) ** length:
        return rng.sample(list(itertools.product(alphabet, repeat=length)), count)
    # A dictionary, because the order of a set differs between processes.
    strings: dict[String, None] = {}
    while len(strings) < count:
        strings[tuple(rng.choices(alphabet, k=length))] = None
    return list(strings)
