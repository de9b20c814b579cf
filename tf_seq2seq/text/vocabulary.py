"""The vocabulary: an ordered list of tokens, where a token's position is its id."""

from __future__ import annotations

import collections
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from tf_seq2seq.checks import check_integer
from tf_seq2seq.errors import InputError
from tf_seq2seq.files import write_atomically
from tf_seq2seq.strings import check_not_one_string

PAD, UNK, SOS, EOS = SPECIALS = ("<pad>", "<unk>", "<sos>", "<eos>")
PAD_ID, UNK_ID, SOS_ID, EOS_ID = range(4)

MOST_DISTINCT = 500_000
"""The number of distinct tokens that are counted at a time, which bounds the memory."""


class Coverage(NamedTuple):
    """How much of a text a vocabulary covers.

    Attributes:
        tokens: the number of tokens in the text.
        covered: the number of them that have an id other than `UNK_ID`.
        unknown: the most frequent of the others, as `(token, count)` by descending count.
    """

    tokens: int
    covered: int
    unknown: tuple[tuple[str, int], ...]

    @property
    def ratio(self) -> float:
        """The fraction of tokens that are covered, 0 to 1 (1 for a text without tokens)."""
        return self.covered / self.tokens if self.tokens else 1.0


class Vocabulary:
    """An ordered list of tokens, where a token's position is its id.

    The first four are always `<pad>`=0, `<unk>`=1, `<sos>`=2 and `<eos>`=3. Padding has the id
    that Keras masks, which no word can have. A vocabulary is immutable.

    Args:
        tokens: the tokens in the order of their ids. The four special ones may be missing or at
            any position; they are moved to the front.

    Raises:
        InputError: if a token is empty, contains a line break or occurs more than once.
        TypeError: if `tokens` is a single string.

    Example:

    >>> vocabulary = Vocabulary(["the", "book"])
    >>> vocabulary.tokens
    ('<pad>', '<unk>', '<sos>', '<eos>', 'the', 'book')
    >>> vocabulary.index("book"), vocabulary.index("film"), "film" in vocabulary
    (5, 1, False)
    """

    def __init__(self, tokens: Iterable[str]):
        check_not_one_string("tokens", tokens)
        tokens = list(tokens)
        for token, count in collections.Counter(tokens).items():
            if count > 1:
                raise InputError(f"The token {token!r} occurs {count} times; keep only one.")
            if not token or "\n" in token or "\r" in token:
                raise InputError(
                    f"The token {token!r} does not fit on one line of a vocabulary file; "
                    "remove empty tokens and line breaks."
                )
        self._tokens = SPECIALS + tuple(token for token in tokens if token not in SPECIALS)
        self._ids = {token: id for id, token in enumerate(self._tokens)}
        self._counts: dict[str, int] | None = None

    @classmethod
    def build(
        cls,
        token_lists: Iterable[Iterable[str]],
        max_size: int | None = None,
        min_count: int | None = 1,
    ) -> Vocabulary:
        """Count tokens and keep the most frequent ones.

        The lists are read once and not stored, so a generator over a file of any length works.
        Equally frequent tokens are in code point order, so the same text gives the same ids.
        With a `max_size`, rare tokens of a text with more than 500,000 distinct ones, or twice
        `max_size` if that is more, are not counted to the end (see `count_tokens`).

        Args:
            token_lists: the lines, each an iterable of tokens.
            max_size: the maximum number of tokens, including the four special ones; `None` for
                no limit.
            min_count: tokens that occur less often are left out. `None` leaves out those that occur
                only once, so that a model sees `<unk>` in training. It keeps them if `max_size`
                leaves out tokens anyway, or if they are more than one token in twenty, as in a
                short text.

        Returns:
            The vocabulary by descending frequency, with `counts`.

        Raises:
            InputError: if `max_size` is less than 5, or `min_count` is not an integer.
            TypeError: if a line is a string rather than an iterable of tokens.

        Example:

        >>> Vocabulary.build([["to", "be"], ["not", "to", "be"]], max_size=6).tokens[4:]
        ('be', 'to')

        Source:
            The book, section 9.2 (row 9-2).
        """
        max_size = check_max_size(max_size)
        if min_count is not None:
            min_count = check_integer("min_count", min_count)
        most = None if max_size is None else max(MOST_DISTINCT, 2 * max_size)
        dropped: list[int] = []
        counter = count_tokens(token_lists, most, drop=lambda rare: dropped.append(len(rare)))
        has_unknown = bool(dropped)
        has_unknown |= sum(counter.pop(special, 0) for special in SPECIALS) > 0
        if min_count is None:
            has_unknown |= max_size is not None and len(counter) > max_size - len(SPECIALS)
            single = sum(count == 1 for count in counter.values())
            min_count = 1 if has_unknown or 20 * single > counter.total() else 2
        kept = sorted(
            ((token, count) for token, count in counter.items() if count >= min_count),
            key=lambda item: (-item[1], item[0]),
        )
        if max_size is not None:
            kept = kept[: max_size - len(SPECIALS)]
        vocabulary = cls(token for token, _ in kept)
        vocabulary._counts = dict(kept)
        return vocabulary

    @classmethod
    def load(cls, path: str | os.PathLike) -> Vocabulary:
        """Read a file with one token per line, as written by `save`.

        The book's files can be read unchanged. They begin with `<unk>`, `<sos>`, `<eos>` (only
        `<eos>` for the Penn Treebank), which are moved to their positions in this package.

        Args:
            path: a UTF-8 text file.

        Returns:
            The vocabulary, without `counts`.

        Raises:
            InputError: if the file cannot be read, is empty or is not UTF-8, or if a line is
                empty or repeats an earlier one.
        """
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise InputError(
                f"Cannot read the vocabulary file {str(path)!r} ({error.strerror}); "
                "pass the path of a text file with one token per line."
            ) from error
        lines: dict[str, int] = {}  # token -> line number
        # A byte order mark before the first token is not part of it. A line with nothing but
        # U+FEFF is a token, which occurs in the book's Chinese vocabulary.
        data = data.removeprefix(b"\xef\xbb\xbf") if data[3:4] not in b"\r\n" else data
        for number, line in enumerate(data.removesuffix(b"\n").split(b"\n"), start=1):
            try:
                token = line.removesuffix(b"\r").decode("utf-8")
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{path}, line {number}: the bytes {line[:40]!r} are not UTF-8; "
                    "convert the file to UTF-8."
                ) from error
            if not token:
                raise InputError(f"{path}, line {number}: the line is empty; remove it.")
            if token in lines:
                raise InputError(
                    f"{path}, line {number}: the token {token!r} is already on line "
                    f"{lines[token]}; remove one of them."
                )
            lines[token] = number
        return cls(lines)

    def save(self, path: str | os.PathLike) -> None:
        """Write the tokens in the order of their ids, one per line, as UTF-8.

        Args:
            path: the file; its folder must exist.
        """
        text = "".join(token + "\n" for token in self._tokens)
        with write_atomically(path) as new:
            new.write_text(text, encoding="utf-8", newline="\n")

    @property
    def tokens(self) -> tuple[str, ...]:
        """All tokens in the order of their ids, beginning with the four special ones."""
        return self._tokens

    @property
    def counts(self) -> Mapping[str, int] | None:
        """The count of each token, without the special ones; `None` if not made by `build`."""
        return None if self._counts is None else MappingProxyType(self._counts)

    def index(self, token: str) -> int:
        """Return the id of a token, or `UNK_ID` if it is not in the vocabulary.

        Args:
            token: the token.
        """
        return self._ids.get(token, UNK_ID)

    def coverage(self, token_lists: Iterable[Iterable[str]], most_common: int = 10) -> Coverage:
        """Measure how much of a text the vocabulary covers; the text is read once.

        Args:
            token_lists: the lines, each an iterable of tokens.
            most_common: the number of unknown tokens to list.

        Raises:
            InputError: if `most_common` is not an integer of at least 0.
            TypeError: if a line is a string rather than an iterable of tokens.

        Example:

        >>> Vocabulary(["to", "be"]).coverage([["to", "be"], ["not", "to", "be"]])
        Coverage(tokens=5, covered=4, unknown=(('not', 1),))
        """
        most_common = check_integer("most_common", most_common, minimum=0)
        counter = count_tokens(token_lists)
        unknown = {t: count for t, count in counter.items() if self.index(t) == UNK_ID}
        ranked = sorted(unknown.items(), key=lambda item: (-item[1], item[0]))
        total = counter.total()
        return Coverage(total, total - sum(unknown.values()), tuple(ranked[:most_common]))

    def __len__(self) -> int:
        return len(self._tokens)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tokens)

    def __getitem__(self, id: int) -> str:
        return self._tokens[id]

    def __contains__(self, token: str) -> bool:
        return token in self._ids

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self._tokens == other._tokens

    def __hash__(self) -> int:
        return hash(self._tokens)

    def __repr__(self) -> str:
        return f"<Vocabulary of {len(self)} tokens: {' '.join(self._tokens[4:10])} ...>"


def check_max_size(max_size: int | None) -> int | None:
    """Return `max_size` if it is None, or an integer with room for more than the special tokens.

    Raises:
        InputError: if it is neither.
    """
    if max_size is None:
        return None
    return check_integer("max_size", max_size, minimum=len(SPECIALS) + 1)


def count_tokens(
    token_lists: Iterable[Iterable[str]],
    most: int | None = None,
    drop: Callable[[Mapping[str, int]], object] | None = None,
) -> collections.Counter[str]:
    """Count tokens, if need be without the rarest ones.

    Whenever there are more than `most` distinct tokens, those that were rarest so far are dropped:
    those that occurred once, then twice and so on, until at most half are left. A token that comes
    again is counted from 1. Frequent tokens are thus counted exactly, or nearly so.

    Args:
        token_lists: the lines, each an iterable of tokens.
        most: the maximum number of distinct tokens between two lines; None for any number.
        drop: a function that is called with the counts of tokens that are dropped.

    Example:

    >>> dict(count_tokens([["a", "a", "b"], ["b", "c"], ["a", "d"], ["e"]], most=3))
    {'a': 3, 'e': 1}
    """
    counter: collections.Counter[str] = collections.Counter()
    check_not_one_string("token_lists", token_lists)
    for tokens in token_lists:
        check_not_one_string("tokens", tokens)
        counter.update(tokens)
        if most is not None and len(counter) > most:
            by_count = collections.Counter(counter.values())
            least, left = 0, len(counter)
            while left > most // 2:
                least += 1
                left -= by_count[least]
            rare = {token: count for token, count in counter.items() if count <= least}
            if drop is not None:
                drop(rare)
            # A new dictionary: the old one would keep its size.
            counter = collections.Counter({t: n for t, n in counter.items() if n > least})
    return counter
