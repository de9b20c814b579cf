"""The vocabulary: tokens in a fixed order, where the place of a token is its id."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from tf_seq2seq.errors import InputError

PAD, UNK, SOS, EOS = SPECIALS = ("<pad>", "<unk>", "<sos>", "<eos>")
PAD_ID, UNK_ID, SOS_ID, EOS_ID = range(4)


class Coverage(NamedTuple):
    """How much of a text a vocabulary knows.

    Attributes:
        tokens: how many tokens the text has.
        covered: how many of them have an id of their own, other than that of `<unk>`.
        unknown: the most frequent of the others, as `(token, count)` by descending count.
    """

    tokens: int
    covered: int
    unknown: tuple[tuple[str, int], ...]

    @property
    def ratio(self) -> float:
        """The covered share of the tokens, from 0 to 1 (1 for a text without tokens)."""
        return self.covered / self.tokens if self.tokens else 1.0


class Vocabulary:
    """Tokens in a fixed order, where the place of a token is its id.

    The first four are always `<pad>`=0, `<unk>`=1, `<sos>`=2 and `<eos>`=3: padding has the id
    that Keras masks, and no word ever does. A vocabulary does not change once it is made.

    Args:
        tokens: the tokens by id. The four special ones may be among them or not; wherever they
            stand, they are moved to the front.

    Raises:
        InputError: if a token is empty, holds a line break or occurs twice.

    Example:

    >>> vocabulary = Vocabulary(["the", "book"])
    >>> vocabulary.tokens
    ('<pad>', '<unk>', '<sos>', '<eos>', 'the', 'book')
    >>> vocabulary.index("book"), vocabulary.index("film"), "film" in vocabulary
    (5, 1, False)
    """

    def __init__(self, tokens: Iterable[str]):
        tokens = list(tokens)
        for token, count in collections.Counter(tokens).items():
            if count > 1:
                raise InputError(f"The token {token!r} occurs {count} times; keep one of them.")
            if not token or "\n" in token or "\r" in token:
                raise InputError(
                    f"The token {token!r} cannot stand on a line of its own; "
                    "remove empty tokens and line breaks."
                )
        self._tokens = SPECIALS + tuple(token for token in tokens if token not in SPECIALS)
        self._ids = {token: id for id, token in enumerate(self._tokens)}
        self._counts: Mapping[str, int] | None = None

    @classmethod
    def build(
        cls, token_lists: Iterable[Iterable[str]], max_size: int | None = None, min_count: int = 1
    ) -> Vocabulary:
        """Counts tokens and keeps the most frequent ones (section 9.2 of the book).

        The lists are read once and not kept, so a generator over a file of any length will do.
        Equally frequent tokens stand in code point order: the same text gives the same ids.

        Args:
            token_lists: the lines, each an iterable of tokens.
            max_size: the largest number of tokens, with the four special ones; `None` for all.
            min_count: rarer tokens are left out.

        Returns:
            The vocabulary by descending frequency, with `counts`.

        Raises:
            InputError: if `max_size` has no room for a token.
            TypeError: if a line is a string: its tokens would be its characters.

        Example:

        >>> Vocabulary.build([["to", "be"], ["not", "to", "be"]], max_size=6).tokens[4:]
        ('be', 'to')
        """
        check_max_size(max_size)
        counter = _count(token_lists)
        for special in SPECIALS:
            del counter[special]
        kept = sorted(
            ((token, count) for token, count in counter.items() if count >= min_count),
            key=lambda item: (-item[1], item[0]),
        )
        if max_size is not None:
            kept = kept[: max_size - len(SPECIALS)]
        vocabulary = cls(token for token, _ in kept)
        vocabulary._counts = MappingProxyType(dict(kept))
        return vocabulary

    @classmethod
    def load(cls, path: str | os.PathLike) -> Vocabulary:
        """Reads a file of one token a line, as `save` writes it.

        The book's files are read as they are: theirs begin with `<unk>`, `<sos>`, `<eos>` (with
        `<eos>` for the Penn Treebank), and these tokens move to the places that they have here.

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
                "give the path of a text file with one token a line."
            ) from error
        lines: dict[str, int] = {}  # token -> the line it stands on
        # A byte order mark before the first token is no part of it. On a line of its own U+FEFF
        # is a token: the book's Chinese vocabulary has it.
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
                    f"{path}, line {number}: the token {token!r} already stands on line "
                    f"{lines[token]}; remove one of them."
                )
            lines[token] = number
        return cls(lines)

    def save(self, path: str | os.PathLike) -> None:
        """Writes one token a line, in order of their ids, as UTF-8."""
        text = "".join(token + "\n" for token in self._tokens)
        Path(path).write_text(text, encoding="utf-8", newline="\n")

    @property
    def tokens(self) -> tuple[str, ...]:
        """All tokens by id, beginning with the four special ones."""
        return self._tokens

    @property
    def counts(self) -> Mapping[str, int] | None:
        """How often each token but the special ones occurred; `None` unless made by `build`."""
        return self._counts

    def index(self, token: str) -> int:
        """The id of a token, which is that of `<unk>` for a token that is not there."""
        return self._ids.get(token, UNK_ID)

    def coverage(self, token_lists: Iterable[Iterable[str]], most_common: int = 10) -> Coverage:
        """Measures how much of a text the vocabulary knows; the text is read once.

        Args:
            token_lists: the lines, each an iterable of tokens.
            most_common: how many unknown tokens to list.

        Example:

        >>> Vocabulary(["to", "be"]).coverage([["to", "be"], ["not", "to", "be"]])
        Coverage(tokens=5, covered=4, unknown=(('not', 1),))
        """
        counter = _count(token_lists)
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

    def __eq__(self, other) -> bool:
        return isinstance(other, Vocabulary) and self._tokens == other._tokens

    def __hash__(self) -> int:
        return hash(self._tokens)

    def __repr__(self) -> str:
        return f"<Vocabulary of {len(self)} tokens: {' '.join(self._tokens[4:10])} ...>"


def check_max_size(max_size: int | None) -> None:
    """Raises `InputError` unless a vocabulary of `max_size` has room for more than specials."""
    if max_size is not None and max_size <= len(SPECIALS):
        raise InputError(
            f"A vocabulary of max_size={max_size} has no room for tokens beside "
            f"{', '.join(SPECIALS)}; give at least {len(SPECIALS) + 1}."
        )


def _count(token_lists: Iterable[Iterable[str]]) -> collections.Counter[str]:
    counter = collections.Counter()
    for tokens in token_lists:
        if isinstance(tokens, str):
            raise TypeError(f"Expected lists of tokens, got the string {tokens[:40]!r}.")
        counter.update(tokens)
    return counter
