"""Pretrained word vectors, in the text formats of word2vec, GloVe and fastText."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_seq2seq.data.text_files import stream_lines
from tf_seq2seq.errors import InputError
from tf_seq2seq.text import Tokenizer
from tf_seq2seq.text.vocabulary import SPECIALS


class WordVectors(NamedTuple):
    """Vectors for the tokens of a tokenizer.

    Attributes:
        tokens: the tokens, in the order of their ids.
        matrix: float32 `(vocabulary_size, width)`, zero for tokens without a vector.
        covered: bool `(vocabulary_size,)`, which tokens have a vector.
    """

    tokens: tuple[str, ...]
    matrix: np.ndarray
    covered: np.ndarray

    @property
    def width(self) -> int:
        """The size of the vectors."""
        return self.matrix.shape[1]

    @property
    def coverage(self) -> float:
        """The fraction of tokens with a vector, 0 to 1, without the four special tokens."""
        return float(np.mean(self.covered[len(SPECIALS) :]))

    def __str__(self) -> str:
        size, count = len(self.tokens) - len(SPECIALS), self.covered[len(SPECIALS) :].sum()
        missing = (
            token
            for token, covered in zip(self.tokens, self.covered, strict=True)
            if not covered and token not in SPECIALS
        )
        first = " ".join(itertools.islice(missing, 5))
        end = f"; the first without one: {first}" if first else ""
        return f"{count:,} of {size:,} tokens have a vector ({100 * self.coverage:.1f} %){end}"


def read_word_vectors(path: str | os.PathLike, tokenizer: Tokenizer) -> WordVectors:
    r"""Read the vectors of a tokenizer's tokens from a file.

    Each line has a word and its vector, separated by spaces. In the files of word2vec and fastText,
    a first line has the number of words and the width. The file, which may be compressed (gzip,
    bzip2, xz), is read line by line, and vectors of other words are not kept.

    A token's vector is that of the token as it is, as in a file that was made for these tokens; of
    its text, if the token begins a word; or of its text in lower case. If a word occurs several
    times, its first vector is taken.

    Args:
        path: the file.
        tokenizer: a tokenizer with a vocabulary.

    Raises:
        InputError: if the file cannot be read, a line does not have a word and as many finite
            numbers as the others, there are fewer words than the first line says, or no token
            has a vector.

    Example:

    >>> tokenizer = s2s.text.WordTokenizer()
    >>> tokenizer.adapt(["The book, the film."])
    >>> _ = (tmp_path / "vectors.txt").write_text("the 0.1 0.2\nbook 0.3 0.4\n")
    >>> vectors = read_word_vectors(tmp_path / "vectors.txt", tokenizer)
    >>> print(vectors)
    3 of 6 tokens have a vector (50.0 %); the first without one: film ￭, ￭.
    """
    wanted = _names(tokenizer)
    vocabulary = tokenizer.vocabulary
    lines: Iterator[tuple[int, bytes]] = enumerate(stream_lines(path), start=1)
    number, line = next(lines, (1, b""))
    announced, width = _header(line)
    if announced is None:
        lines = itertools.chain([(number, line)], lines)
        width = len(line.split()) - 1
        if width < 1:
            raise _not_a_vector(path, number, line, "a word and its vector")
    matrix = np.zeros([len(vocabulary), width], np.float32)
    ranks = np.full(len(vocabulary), len(_RANKS))
    words = 0
    for number, line in lines:
        word, *values = line.rstrip(b" ").rsplit(b" ", width)
        if len(values) != width:
            raise _not_a_vector(path, number, line, f"a word and {width} numbers")
        words += 1
        for rank, id in wanted.get(word, ()):
            if rank < ranks[id]:
                try:
                    vector = np.array([float(value) for value in values])
                except ValueError:
                    raise _not_a_vector(path, number, line, f"a word and {width} numbers") from None
                if not np.all(np.isfinite(vector)):
                    raise _not_a_vector(path, number, line, "finite numbers")
                matrix[id], ranks[id] = vector, rank
    if announced is not None and words < announced:
        raise InputError(
            f"{path} announces {announced:,} words but has {words:,}: download it again."
        )
    covered = ranks < len(_RANKS)
    if not np.any(covered[len(SPECIALS) :]):
        raise InputError(
            f"{path} has no vector for any of the {len(vocabulary) - len(SPECIALS):,} tokens of "
            "the tokenizer: pass a file for its language."
        )
    return WordVectors(vocabulary.tokens, matrix, covered)


_RANKS = ("the token", "its text", "its text in lower case")


def _names(tokenizer: Tokenizer) -> dict[bytes, list[tuple[int, int]]]:
    """Return the words whose vectors are wanted, each with `(rank, id)` of tokens; 0 is best."""
    tokens = tokenizer.vocabulary.tokens
    starts = tokenizer.starts_word(tf.constant(tokens)).numpy()
    names: dict[bytes, list[tuple[int, int]]] = {}
    for id, (token, begins_word) in enumerate(zip(tokens, starts, strict=True)):
        found = [token]
        if begins_word and token not in SPECIALS:
            text = tokenizer.display(token)
            found += [text, text.lower()]
        for rank, name in enumerate(found):
            names.setdefault(name.encode(), []).append((rank, id))
    return names


def _header(line: bytes) -> tuple[int | None, int]:
    """Return the number of words and the width from a first line, or None and 0."""
    fields = line.split()
    if len(fields) == 2 and all(field.isdigit() for field in fields):
        return int(fields[0]), int(fields[1])
    return None, 0


def _not_a_vector(path, number: int, line: bytes, expected: str) -> InputError:
    return InputError(
        f"{path}, line {number}: expected {expected}, got {line[:40].decode(errors='replace')!r}: "
        "pass a file in the text format of word2vec, GloVe or fastText."
    )
