"""Shortlists: the target words that are probable given the words of a source sentence."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tf_seq2seq.checks import check_integer
from tf_seq2seq.data.word_pairs import WordPairs
from tf_seq2seq.errors import InputError
from tf_seq2seq.files import DAMAGED, first_line, write_atomically
from tf_seq2seq.search.constraints import Constraint, Constraints
from tf_seq2seq.text import EOS_ID, PAD_ID, Tokenizer

MULTIPLE = 64
"""The number of candidates is rounded up to a multiple of it, so that products have few shapes."""

SPECIAL = np.arange(EOS_ID + 1)
"""The ids of the special tokens, which are always candidates."""


class Shortlist(tf.Module):
    """The target words that are probable given the words of a source sentence.

    A search with a shortlist computes only the logits of the candidates of a sentence,

        C(x) = best(x_1) + ... + best(x_n) + frequent + special        (a union of sets)

    where `best(x_i)` are the most probable translations of the word `x_i` by a lexical table
    `t(y | x)`. The words of a prefix, if one is given, are also candidates. The softmax is over
    `C(x)`, so that the probabilities of the candidates add up to 1. A batch is multiplied with the
    weights of the candidates of all its sentences, and for each sentence those of the others are
    masked: a translation does not depend on the other sentences in its batch.

    `learn` makes a shortlist from sentence pairs; `Translator.with_shortlist` searches with it.

    Args:
        best: the translations of each source word, integers `(source_vocabulary_size, per_word)`,
            padded with 0.
        frequent: the ids of the frequent target words, an iterable of integers.
        target_vocabulary_size: the number of target ids.
        vocabularies: what identifies the vocabularies of both sides, from `vocabulary_hash`; None
            if they are not known.

    Raises:
        InputError: if `best` is not such an array, or an id is not in the target vocabulary.

    Example:

    >>> pairs = s2s.data.Pairs(["old book", "old film"], ["旧 书", "旧 片"])
    >>> source, target = s2s.text.WordTokenizer(), s2s.text.WordTokenizer()
    >>> source.adapt(pairs.source); target.adapt(pairs.target)
    >>> shortlist = Shortlist.learn(pairs, source, target, per_word=1, most_frequent=0)
    >>> candidates = shortlist.candidates(source.encode(["book"]).to_tensor())
    >>> [token.decode() for token in target.id_to_token(candidates.ids[:5]).numpy()]
    ['<pad>', '<unk>', '<sos>', '<eos>', '书']

    Source: Jean et al. 2015, "On Using Very Large Target Vocabulary for Neural Machine
    Translation", section 3 (candidates for decoding); L'Hostis et al. 2016, "Vocabulary Selection
    Strategies for Neural Machine Translation"; Senellart et al. 2018, "OpenNMT System Description
    for WNMT 2018".
    """

    def __init__(
        self,
        best: np.ndarray,
        frequent: Iterable[int],
        target_vocabulary_size: int,
        vocabularies: tuple[str, str] | None = None,
    ):
        super().__init__()
        size = check_integer("target_vocabulary_size", target_vocabulary_size, len(SPECIAL))
        best, frequent = np.asarray(best), np.array(list(frequent), np.int64)
        if best.ndim != 2 or not np.issubdtype(best.dtype, np.integer):
            raise InputError(
                "`best` must be integers (source_vocabulary_size, per_word), got an array of shape "
                f"{best.shape} and dtype {best.dtype}."
            )
        for name, ids in (("best", best), ("frequent", frequent)):
            if ids.size and not 0 <= ids.min() <= ids.max() < size:
                raise InputError(
                    f"`{name}` must contain target ids, from 0 to {size - 1}, got "
                    f"{ids.min()} to {ids.max()}."
                )
        self.frequent, self.target_vocabulary_size = frequent, size
        self.vocabularies = vocabularies
        # Variables, which an export stores once for all its graphs.
        always = np.isin(np.arange(size), [*SPECIAL, *frequent])
        self._best = tf.Variable(best, trainable=False, dtype=tf.int32, name="best")
        self._always = tf.Variable(always, trainable=False, name="always")

    @classmethod
    def learn(
        cls,
        pairs: Iterable[tuple[str, str]],
        source_tokenizer: Tokenizer,
        target_tokenizer: Tokenizer,
        *,
        per_word: int = 50,
        most_frequent: int = 200,
        iterations: int = 5,
    ) -> Shortlist:
        """Learn a shortlist from sentence pairs, such as those of the training.

        The lexical table is that of IBM Model 1, as in `evaluation.WordAligner`. Learning takes
        memory for each pair of a source and a target token in the same sentence pair, some GB for
        100,000 pairs: if there are more, pass a part of them.

        Args:
            pairs: `Pairs`, or any iterable of `(source, target)`.
            source_tokenizer, target_tokenizer: the tokenizers of the translator.
            per_word: the number of translations of each source word.
            most_frequent: the number of frequent target words.
            iterations: the number of iterations of expectation maximization.

        Raises:
            InputError: if there are no pairs, or an argument is out of range.
            RuntimeError: if a tokenizer has no vocabulary.
        """
        per_word = check_integer("per_word", per_word, minimum=1)
        most_frequent = check_integer("most_frequent", most_frequent, minimum=0)
        iterations = check_integer("iterations", iterations, minimum=1)
        texts = tuple(zip(*pairs, strict=True))
        if not texts:
            raise InputError("A shortlist is learned from sentence pairs, and there are none.")
        tokenizers = source_tokenizer, target_tokenizer
        source, target = (
            tokenizer.encode(list(side)) for tokenizer, side in zip(tokenizers, texts, strict=True)
        )
        words = WordPairs.of(source, target)
        t = words.target_given_source(iterations)
        # For each source word, the most probable translations first.
        order = np.lexsort((-t, words.source))
        x, y = words.source[order], words.target[order]
        rank = np.arange(len(x)) - np.searchsorted(x, x)
        best = np.full([source_tokenizer.vocabulary_size, per_word], PAD_ID)
        best[x[rank < per_word], rank[rank < per_word]] = y[rank < per_word]

        counts = np.bincount(target.flat_values.numpy(), minlength=target_tokenizer.vocabulary_size)
        counts[SPECIAL] = 0
        frequent = np.argsort(-counts, kind="stable")[: min(most_frequent, sum(counts > 0))]
        hashes = vocabulary_hash(source_tokenizer), vocabulary_hash(target_tokenizer)
        return cls(best, frequent, len(counts), hashes)

    def __reduce__(self):
        # TensorFlow's variables cannot be pickled.
        return type(self), tuple(self._state().values())

    @property
    def source_vocabulary_size(self) -> int:
        """The number of source ids."""
        return self._best.shape[0]

    @property
    def per_word(self) -> int:
        """The number of translations of each source word."""
        return self._best.shape[1]

    def candidates(self, source: tf.Tensor, prefix: tf.Tensor | None = None) -> Candidates:
        """Find the candidates of the sentences of a batch.

        Args:
            source: int `(batch, source_length)`, padded with 0.
            prefix: int `(batch, length)`, padded with 0, other ids that are candidates; or None.

        Returns:
            The `Candidates`.
        """
        batch_size, length = tf.unstack(tf.shape(source))
        own = tf.gather(tf.convert_to_tensor(self._best), source)
        own = tf.reshape(own, [batch_size, length * self.per_word])
        if prefix is not None:
            own = tf.concat([own, tf.cast(prefix, tf.int32)], axis=1)
        size = self.target_vocabulary_size
        is_own = tf.math.bincount(
            own, minlength=size, maxlength=size, axis=-1, binary_output=True, dtype=tf.int32
        )
        is_own = (is_own > 0) | self._always
        is_candidate = tf.reduce_any(is_own, axis=0) | self._always
        ids = tf.cast(tf.where(is_candidate)[:, 0], tf.int32)
        mask = tf.where(tf.gather(is_own, ids, axis=1), 0.0, -float("inf"))
        padding = -tf.size(ids) % MULTIPLE
        return Candidates(
            ids=tf.pad(ids, [[0, padding]], constant_values=PAD_ID),
            mask=tf.pad(mask, [[0, 0], [0, padding]], constant_values=-float("inf")),
            places=tf.where(is_candidate, tf.cumsum(tf.cast(is_candidate, tf.int32)) - 1, -1),
        )

    def check_tokenizers(self, source_tokenizer: Tokenizer, target_tokenizer: Tokenizer) -> None:
        """Check that the shortlist is for the vocabularies of these tokenizers.

        Raises:
            InputError: if it is for others.
        """
        for side, tokenizer, size, known in zip(
            ("source", "target"),
            (source_tokenizer, target_tokenizer),
            (self.source_vocabulary_size, self.target_vocabulary_size),
            self.vocabularies or (None, None),
            strict=True,
        ):
            found = tokenizer.vocabulary_size
            if found != size or known not in (None, vocabulary_hash(tokenizer)):
                raise InputError(
                    f"The shortlist is for another {side} vocabulary ({size} tokens) than the "
                    f"translator's ({found} tokens): learn one with the translator's tokenizers."
                )

    def save(self, path: str | os.PathLike) -> None:
        """Write the shortlist to a file, for `load`.

        Args:
            path: the file, usually `NAME.npz`; its folder must exist.

        Raises:
            OSError: if the disk is full or the folder cannot be written to.
        """
        arrays = {name: value for name, value in self._state().items() if value is not None}
        with write_atomically(path) as new, new.open("wb") as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Shortlist:
        """Read a shortlist that `save` wrote.

        Args:
            path: the file.

        Raises:
            InputError: if the file is missing or damaged.
        """
        path = Path(path)
        try:
            # NumPy would leave a damaged file open.
            with path.open("rb") as file, np.load(file) as arrays:
                state = {name: arrays[name] for name in arrays.files}
            vocabularies = state.pop("vocabularies", None)
            if vocabularies is not None:
                vocabularies = tuple(vocabularies.tolist())
            size = int(state.pop("target_vocabulary_size"))
            return cls(target_vocabulary_size=size, vocabularies=vocabularies, **state)
        except (*DAMAGED, RuntimeError) as error:  # a kind of zip file that Python cannot read
            raise InputError(
                f"There is no shortlist in {path} ({first_line(error)}): pass a file that "
                "`Shortlist.save` wrote."
            ) from error

    def _state(self) -> dict[str, Any]:
        """Return the arguments of the constructor, in its order."""
        return {
            "best": self._best.numpy(),
            "frequent": self.frequent,
            "target_vocabulary_size": self.target_vocabulary_size,
            "vocabularies": self.vocabularies,
        }


class Candidates(NamedTuple):
    """The candidates of the sentences of a batch, and of each sentence.

    A search takes the places of the candidates in `ids` for the ids of a vocabulary. The special
    ids keep theirs.

    Attributes:
        ids: int32 `(n,)`, the candidates of all sentences in ascending order, padded with 0.
        mask: float32 `(batch, n)`, to be added to the logits: 0 for the candidates of a sentence,
            minus infinity for those of other sentences and for padding.
        places: int32 `(target_vocabulary_size,)`, the place of each id in `ids`; -1 if it is not a
            candidate.
    """

    ids: tf.Tensor
    mask: tf.Tensor
    places: tf.Tensor

    def constraints(self, constraints: Constraints) -> Constraints:
        """Return constraints for the places of the candidates."""
        others = tuple(_ByPlace(each, self) for each in constraints.others)
        return dataclasses.replace(constraints, others=others)


class _ByPlace(Constraint):
    """Applies a custom constraint, which knows ids, to the places of candidates."""

    def __init__(self, constraint: Constraint, candidates: Candidates):
        self._constraint, self._candidates = constraint, candidates

    def begin(self, rows: tf.Tensor | int, max_length: tf.Tensor | int) -> Any:
        return self._constraint.begin(rows, max_length)

    def extend(self, memory: Any, t: tf.Tensor, ids: tf.Tensor) -> Any:
        return self._constraint.extend(memory, t, tf.gather(self._candidates.ids, ids))

    def apply(self, memory: Any, t: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        ids, _, places = self._candidates
        all_logits = tf.gather(logits, tf.maximum(places, 0), axis=1)
        all_logits = tf.where(places < 0, -float("inf"), all_logits)
        return tf.gather(self._constraint.apply(memory, t, all_logits), ids, axis=1)


def vocabulary_hash(tokenizer: Tokenizer) -> str:
    """Return what identifies the vocabulary of a tokenizer."""
    return hashlib.sha256("\n".join(tokenizer.vocabulary).encode()).hexdigest()
