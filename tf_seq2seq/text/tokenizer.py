r"""Tokenizers: text -> tokens -> ids and back, inside the TensorFlow graph.

A tokenizer here is a list of rewriting rules, `(regular expression, replacement)`, applied in
turn to a whole batch of strings. One list normalises the text, one sets a space at every token
boundary (so that splitting at spaces gives the tokens), and one undoes it after the tokens were
joined by spaces:

    normalize("Don't\tpanic!")   "Don't panic!"
    tokenize(...)                ["Don", "￭'t", "panic", "￭!"]
    detokenize(...)              "Don't panic!"

For every text, `detokenize(tokenize(text))` is `normalize(text)`. Training, evaluation and
serving run these same functions: they consist of core string ops (and two of TensorFlow Text's),
so a SavedModel carries them and a server needs no Python.

The expressions have the syntax of RE2, which has no look-around. `\x01` marks a boundary between
two tokens that no space separates: it is free for that, because normalised text has no control
characters.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import tensorflow as tf
import tensorflow_text as tf_text

from tf_seq2seq.errors import InputError
from tf_seq2seq.files import in_chunks
from tf_seq2seq.text.vocabulary import (
    EOS_ID,
    PAD_ID,
    SOS_ID,
    SPECIALS,
    UNK,
    UNK_ID,
    Coverage,
    Vocabulary,
)


class Rules(NamedTuple):
    """The rewriting rules of a tokenizer, each a pair `(RE2 expression, replacement)`."""

    normalize: tuple[tuple[str, str], ...] = ()
    tokenize: tuple[tuple[str, str], ...] = ()
    detokenize: tuple[tuple[str, str], ...] = ()


def rewrite(text: tf.Tensor, rules: Iterable[tuple[str, str]]) -> tf.Tensor:
    for pattern, replacement in rules:
        text = tf.strings.regex_replace(text, pattern, replacement)
    return text


class Tokenizer(tf.Module):
    """Text to tokens to ids, and back; the base class of all tokenizers.

    A tokenizer is made in two steps: the constructor says how text is cut, `adapt` (or
    `set_vocabulary`) says which tokens have an id. All functions take a batch of strings,
    `(batch,)`, as a string tensor or a list, run eagerly or in a graph, and accept any bytes:
    what is not UTF-8 becomes U+FFFD. As an attribute of an exported `tf.Module` a tokenizer is
    saved with it.

    A subclass gives its `rules`; the rest is here.

    Args:
        lowercase: whether `normalize` turns the text into lower case.

    Example:

    >>> tokenizer = s2s.text.WordTokenizer(lowercase=True)
    >>> tokenizer.adapt(["The book is old.", "The film is new."])
    >>> ids = tokenizer.encode(["The film is old."])
    >>> ids
    <tf.RaggedTensor [[5, 8, 4, 10, 6]]>
    >>> tokenizer.decode(ids)
    <tf.Tensor: shape=(1,), dtype=string, numpy=array([b'the film is old.'], dtype=object)>
    """

    rules = Rules()
    _classes: ClassVar[dict[str, type[Tokenizer]]] = {}

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        Tokenizer._classes[cls.__name__] = cls

    def __init__(self, lowercase: bool = False):
        super().__init__()
        self.lowercase = lowercase
        self._vocabulary: Vocabulary | None = None

    # Text and tokens.

    def normalize(self, text) -> tf.Tensor:
        """The text as the tokenizer sees it; normalising it again changes nothing.

        Invalid UTF-8 is replaced by U+FFFD, composed characters take their canonical form (NFC;
        the compatibility form NFKC would make full-width Chinese punctuation ASCII), every run
        of white space and control characters becomes one space, and the ends are stripped.

        Args:
            text: strings, `(batch,)`.

        Returns:
            Strings, `(batch,)`.

        Raises:
            ValueError: if the text is not a batch: one string or a matrix.
        """
        text = tf.convert_to_tensor(text, tf.string)
        if text.shape.rank not in (None, 1):
            raise ValueError(f"Expected a batch of strings, (batch,), got the shape {text.shape}.")
        text = tf.ensure_shape(text, [None])  # for servers, which do not check the rank
        text = tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace")
        if self.lowercase:
            # The op follows the locale of the process, and would make "I" a dotless "ı" where
            # that is Turkish; the two letters concerned are lowered beforehand.
            text = rewrite(text, [("I", "i"), ("İ", "i\u0307")])
            text = tf.strings.lower(text, encoding="utf-8")
        text = tf.strings.strip(rewrite(text, [(r"[\p{Z}\p{Cc}]+", " ")]))
        text = rewrite(text, self.rules.normalize)
        # Last, because rules that delete a space can bring a letter and its accent together.
        return tf_text.normalize_utf8(text, "NFC")

    def tokenize(self, text) -> tf.RaggedTensor:
        """Normalises the text and cuts it into tokens.

        Args:
            text: strings, `(batch,)`.

        Returns:
            Strings, `(batch, (tokens))`; a row without a token for an empty text.
        """
        return tf.strings.split(rewrite(self.normalize(text), self.rules.tokenize))

    def detokenize(self, tokens: tf.RaggedTensor) -> tf.Tensor:
        """Puts tokens together again, in whatever order a model wrote them.

        Args:
            tokens: strings, `(batch, (tokens))`.

        Returns:
            Strings, `(batch,)`.
        """
        text = tf.strings.reduce_join(tokens, axis=-1, separator=" ")
        return rewrite(text, self.rules.detokenize)

    @property
    def markers(self) -> str:
        """An expression for what tokens carry besides text; empty for nothing."""
        return ""

    def unmark(self, tokens: tf.Tensor) -> tf.Tensor:
        """Tokens as text, without markers; strings of any shape."""
        return tf.strings.regex_replace(tokens, self.markers, "") if self.markers else tokens

    def starts_word(self, tokens: tf.Tensor) -> tf.Tensor:
        """Whether each token begins a word, and does not go on with that of the token before.

        Args:
            tokens: strings of any shape.

        Returns:
            bool, of the same shape.
        """
        return tf.ones_like(tokens, tf.bool)

    def display(self, token: str) -> str:
        """The token as a reader wants to see it, say on the axis of a plot: without markers."""
        return re.sub(self.markers, "", token) or token

    # Tokens and ids.

    def encode(self, text) -> tf.RaggedTensor:
        """The ids of the text's tokens, without `<sos>` and `<eos>`.

        The text cannot smuggle in a control token: `<pad>`, `<sos>` and `<eos>`, written out in
        it, are unknown words.

        Args:
            text: strings, `(batch,)`.

        Returns:
            int32, `(batch, (tokens))`, with `UNK_ID` for tokens outside the vocabulary.
        """
        return self.token_to_id(self.tokenize(text))

    def decode(self, ids) -> tf.Tensor:
        """The text of token ids; `<pad>`, `<sos>` and `<eos>` are dropped, `<unk>` is shown.

        Args:
            ids: integers, `(batch, (tokens))` ragged or `(batch, tokens)` padded.

        Returns:
            Strings, `(batch,)`.
        """
        if not isinstance(ids, tf.RaggedTensor):
            ids = tf.RaggedTensor.from_tensor(ids)
        dropped = [ids.values == id for id in (PAD_ID, SOS_ID, EOS_ID)]
        ids = tf.ragged.boolean_mask(ids, ids.with_values(~tf.reduce_any(dropped, axis=0)))
        return self.detokenize(self.id_to_token(ids))

    def token_to_id(self, tokens: tf.RaggedTensor) -> tf.RaggedTensor:
        """The ids of tokens; `UNK_ID` for one outside the vocabulary.

        Args:
            tokens: strings, `(batch, (tokens))`.

        Returns:
            int32, `(batch, (tokens))`.
        """
        self._check_adapted()
        return tokens.with_values(tf.cast(self._token_to_id.lookup(tokens.values), tf.int32))

    def id_to_token(self, ids):
        """The tokens of ids, special ones too; `<unk>` for an id that no token has.

        Args:
            ids: integers of any shape, dense or ragged.

        Returns:
            Strings of the same shape.
        """
        self._check_adapted()

        def gather(ids):
            known = (ids >= 0) & (ids < self.vocabulary_size)
            return tf.gather(self._id_to_token, tf.where(known, ids, UNK_ID))

        return tf.ragged.map_flat_values(gather, ids)

    # The vocabulary.

    def adapt(self, lines: Iterable[str], max_size: int | None = None, min_count: int = 1) -> None:
        """Makes the vocabulary of a text, which is read once, a chunk of lines at a time.

        Args:
            lines: the text, any iterable of strings: a list, a generator, an open file.
            max_size: the largest number of tokens, with the four special ones; `None` for all.
            min_count: rarer tokens are left out.

        Raises:
            InputError: if the text has no token, or `max_size` has no room for one.
        """
        token_lists = tokenize_lines(lines, self.tokenize)
        self.set_vocabulary(not_empty(Vocabulary.build(token_lists, max_size, min_count)))

    def coverage(self, lines: Iterable[str]) -> Coverage:
        """Measures how much of a text the vocabulary knows (see `Vocabulary.coverage`)."""
        return self.vocabulary.coverage(tokenize_lines(lines, self.tokenize))

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokens and their ids."""
        self._check_adapted()
        return self._vocabulary

    def set_vocabulary(self, vocabulary: Vocabulary) -> None:
        """Uses a vocabulary that exists, such as `Vocabulary.load(path)`, instead of `adapt`."""
        # Of the special tokens only `<unk>` can be looked up (see `encode`).
        entries = [(t, id) for id, t in enumerate(vocabulary) if t not in SPECIALS or t == UNK]
        tokens, ids = zip(*entries, strict=True)
        self._token_to_id = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(tokens, ids, tf.string, tf.int64), UNK_ID
        )
        self._id_to_token = tf.constant(vocabulary.tokens)
        self._vocabulary = vocabulary

    @property
    def vocabulary_size(self) -> int:
        """The number of ids, with the four special tokens."""
        return len(self.vocabulary)

    def _check_adapted(self) -> None:
        if self._vocabulary is None:
            raise RuntimeError(
                f"This {type(self).__name__} has no vocabulary yet; "
                "call `adapt(lines)` or `set_vocabulary` first."
            )

    def equals(self, other: Tokenizer) -> bool:
        """Whether both give the same ids to any text: class, configuration and vocabulary agree."""
        return (
            type(self) is type(other)
            and self.get_config() == other.get_config()
            and self.vocabulary.tokens == other.vocabulary.tokens
        )

    # Configuration and files.

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, which JSON can hold."""
        return {"lowercase": self.lowercase}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Tokenizer:
        """A tokenizer of these constructor arguments, without a vocabulary."""
        return cls(**config)

    def save(self, directory: str | os.PathLike) -> None:
        """Writes `tokenizer.json` and `vocabulary.txt` into a directory, made if need be."""
        vocabulary = self.vocabulary
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        content = {"class_name": type(self).__name__, "config": self.get_config()}
        text = json.dumps(content, indent=2) + "\n"
        (directory / "tokenizer.json").write_text(text, encoding="utf-8")
        vocabulary.save(directory / "vocabulary.txt")

    @staticmethod
    def load(directory: str | os.PathLike) -> Tokenizer:
        """Reads a tokenizer of any class from the directory where `save` wrote it.

        Raises:
            InputError: if one of the two files is missing or damaged.
        """
        path = Path(directory) / "tokenizer.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            cls = Tokenizer._classes[content["class_name"]]
            tokenizer = cls.from_config(content["config"])
        except OSError as error:
            raise InputError(
                f"Cannot read {str(path)!r} ({error.strerror}); "
                "give a directory that `Tokenizer.save` wrote."
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{str(path)!r} does not describe a tokenizer ({type(error).__name__}: {error}); "
                "write it again with `Tokenizer.save`."
            ) from error
        tokenizer.set_vocabulary(Vocabulary.load(Path(directory) / "vocabulary.txt"))
        return tokenizer


def tokenize_lines(lines: Iterable[str], tokenize: Callable) -> Iterator[list[str]]:
    """Yields the tokens of `lines`, a list for every chunk of lines."""
    if isinstance(lines, str):
        raise TypeError(f"Expected an iterable of lines, got the string {lines[:40]!r}.")
    for chunk in in_chunks(lines):
        yield [token.decode("utf-8") for token in tokenize(chunk).values.numpy()]


def not_empty(vocabulary: Vocabulary) -> Vocabulary:
    if len(vocabulary) == len(SPECIALS):
        raise InputError(
            "The text to adapt to has no token that occurs often enough; "
            "give lines of text, or a lower `min_count`."
        )
    return vocabulary
