r"""The base class of tokenizers: text -> tokens -> ids and back, inside the TensorFlow graph.

A tokenizer consists of three lists of rewriting rules, `(regular expression, replacement)`, which
are applied in order to a whole batch of strings. One list normalizes the text; one puts a space at
every token boundary, so that splitting at spaces yields the tokens; and one restores the text after
the tokens have been joined with spaces:

    normalize("Don't\tpanic!")   "Don't panic!"
    tokenize(...)                ["Don", "￭'t", "panic", "￭!"]
    detokenize(...)              "Don't panic!"

For every text, `detokenize(tokenize(text))` equals `normalize(text)`. Training, evaluation and
serving run the same functions, which consist of core string ops and two TensorFlow Text ops, so a
SavedModel contains them and a server needs no Python.

The expressions use RE2 syntax, which has no lookaround. Rules may use `\x01` to mark a boundary
between two tokens that are not separated by a space: normalized text has no control characters.

To add a tokenizer, subclass `Tokenizer`. Override `rules`, or `tokenize` and `detokenize`;
override `get_config` if the constructor has more arguments, and `save_assets` and `load_assets` if
there are more files, such as a SentencePiece model.
"""

from __future__ import annotations

import base64
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import tensorflow as tf
import tensorflow_text as tf_text

from tf_seq2seq.checks import check_flag
from tf_seq2seq.errors import InputError
from tf_seq2seq.files import in_chunks, write_atomically
from tf_seq2seq.strings import check_not_one_string
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
    """The rewriting rules of a tokenizer.

    Attributes:
        normalize, tokenize, detokenize: pairs `(RE2 expression, replacement)`, applied in order.
    """

    normalize: tuple[tuple[str, str], ...] = ()
    tokenize: tuple[tuple[str, str], ...] = ()
    detokenize: tuple[tuple[str, str], ...] = ()


class Tokenizer(tf.Module):
    """Convert text to tokens to ids, and back; the base class of all tokenizers.

    A tokenizer is set up in two steps: the constructor defines how text is split into tokens, and
    `adapt` (or `set_vocabulary`) defines which tokens have an id. The methods for text take a batch
    of strings, `(batch,)`, as a string tensor or a list, and run eagerly or in a graph. They accept
    any bytes: invalid UTF-8 becomes U+FFFD. A tokenizer that is an attribute of an exported
    `tf.Module` is exported with it.

    Args:
        lowercase: whether `normalize` lowercases the text.

    Example:

    >>> tokenizer = s2s.text.WordTokenizer(lowercase=True)
    >>> tokenizer.adapt(["The book is old.", "The film is new."])
    >>> ids = tokenizer.encode(["The film is old."])
    >>> ids
    <tf.RaggedTensor [[5, 8, 4, 10, 6]]>
    >>> tokenizer.decode(ids)
    <tf.Tensor: shape=(1,), dtype=string, numpy=array([b'the film is old.'], dtype=object)>
    """

    _classes: ClassVar[dict[str, type[Tokenizer]]] = {}

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        Tokenizer._classes[cls.__name__] = cls

    def __init__(self, lowercase: bool = False):
        super().__init__()
        self.lowercase = check_flag("lowercase", lowercase)
        self._vocabulary: Vocabulary | None = None
        self._in_checkpoints = InCheckpoints(self)

    @property
    def rules(self) -> Rules:
        """The rewriting rules. A subclass can override this property with a class attribute."""
        return Rules()

    # Text and tokens.

    def normalize(self, text: tf.Tensor | list[str]) -> tf.Tensor:
        """Normalize the text; normalizing it again changes nothing.

        Invalid UTF-8 is replaced with U+FFFD, characters are composed (NFC; the compatibility form
        NFKC would turn full-width Chinese punctuation into ASCII), every run of white space and
        control characters becomes one space, and the ends are stripped.

        Args:
            text: strings, `(batch,)`.

        Returns:
            Strings, `(batch,)`.

        Raises:
            ValueError: if `text` is a single string or has more than one dimension.
        """
        text = tf.convert_to_tensor(text, tf.string)
        if text.shape.rank not in (None, 1):
            raise ValueError(f"Expected a batch of strings, (batch,), got the shape {text.shape}.")
        text = tf.ensure_shape(text, [None])  # for servers, which do not check the rank
        text = tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace")
        if self.lowercase:
            # `tf.strings.lower` depends on the locale of the process: in Turkish it would turn "I"
            # into a dotless "ı". These two letters are therefore lowercased first.
            text = rewrite(text, [("I", "i"), ("İ", "i\u0307")])
            text = tf.strings.lower(text, encoding="utf-8")
        text = tf.strings.strip(rewrite(text, [(r"[\p{Z}\p{Cc}]+", " ")]))
        text = rewrite(text, self.rules.normalize)
        # Last, because rules that delete a space can bring a letter and its accent together.
        return tf_text.normalize_utf8(text, "NFC")

    def tokenize(self, text: tf.Tensor | list[str]) -> tf.RaggedTensor:
        """Normalize the text and split it into tokens.

        Args:
            text: strings, `(batch,)`.

        Returns:
            Strings, `(batch, (tokens))`. The row of an empty text is empty.
        """
        return tf.strings.split(rewrite(self.normalize(text), self.rules.tokenize))

    def detokenize(self, tokens: tf.RaggedTensor) -> tf.Tensor:
        """Join tokens into text. Any sequence of tokens is allowed.

        Args:
            tokens: strings, `(batch, (tokens))`.

        Returns:
            Strings, `(batch,)`.
        """
        text = tf.strings.reduce_join(tokens, axis=-1, separator=" ")
        return rewrite(text, self.rules.detokenize)

    @property
    def markers(self) -> str:
        """A regular expression for the marks in tokens that are not text; empty if there are
        none."""
        return ""

    def starts_word(self, tokens: tf.Tensor) -> tf.Tensor:
        """Return whether each token begins a word rather than continuing the previous one.

        Args:
            tokens: strings of any shape.

        Returns:
            bool, same shape.
        """
        return tf.ones_like(tokens, tf.bool)

    def display(self, token: str) -> str:
        """Return a token without its markers, for display, such as on the axis of a plot.

        Args:
            token: a token of this tokenizer. One that is only a marker is returned unchanged.
        """
        return re.sub(self.markers, "", token) or token

    def display_graph(self, tokens: tf.Tensor) -> tf.Tensor:
        """Do the same as `display` inside a graph.

        Args:
            tokens: strings of any shape.

        Returns:
            Strings, same shape.
        """
        if not self.markers:
            return tokens
        shown = tf.strings.regex_replace(tokens, self.markers, "")
        return tf.where(shown == "", tokens, shown)  # keep a token that is only a marker

    # Tokens and ids.

    def encode(self, text: tf.Tensor | list[str]) -> tf.RaggedTensor:
        """Convert text to token ids, without `<sos>` and `<eos>`.

        The text cannot inject control tokens: a literal `<pad>`, `<sos>` or `<eos>` becomes
        `<unk>`.

        Args:
            text: strings, `(batch,)`.

        Returns:
            int32, `(batch, (tokens))`, with `UNK_ID` for tokens that are not in the vocabulary.
        """
        return self.token_to_id(self.tokenize(text))

    def decode(self, ids: tf.Tensor | tf.RaggedTensor) -> tf.Tensor:
        """Convert token ids to text; `<pad>`, `<sos>` and `<eos>` are dropped, `<unk>` is kept.

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
        """Convert tokens to ids.

        Args:
            tokens: strings, `(batch, (tokens))`.

        Returns:
            int32, `(batch, (tokens))`, with `UNK_ID` for tokens that are not in the vocabulary.
        """
        _ = self.vocabulary  # raises if there is none
        return tokens.with_values(tf.cast(self._token_to_id.lookup(tokens.values), tf.int32))

    def id_to_token(self, ids: tf.Tensor | tf.RaggedTensor) -> tf.Tensor | tf.RaggedTensor:
        """Convert ids to tokens, including special tokens.

        Args:
            ids: integers of any shape, dense or ragged.

        Returns:
            Strings, same shape, with `<unk>` for ids that are out of range.
        """
        size = self.vocabulary_size

        def gather(ids):
            known = (ids >= 0) & (ids < size)
            return tf.gather(self._id_to_token, tf.where(known, ids, UNK_ID))

        return tf.ragged.map_flat_values(gather, ids)

    # The vocabulary.

    def adapt(
        self, lines: Iterable[str], max_size: int | None = None, min_count: int | None = None
    ) -> None:
        """Build the vocabulary from a text, which is read once, in chunks of lines.

        With a `max_size`, a text of any length takes little memory: if it has more than 500,000
        distinct tokens, or twice `max_size` if that is more, rare ones are not counted to the end
        (see `count_tokens`).

        Args:
            lines: the text, any iterable of strings: a list, a generator, an open file.
            max_size: the maximum number of tokens, including the four special ones; `None` for
                no limit.
            min_count: tokens that occur less often are left out. By default, those that occur only
                once are left out unless there are too many of them or `max_size` leaves out others
                (see `Vocabulary.build`). A model learns from them what to do with new tokens.

        Raises:
            InputError: if no token of the text occurs often enough, or `max_size` is less than 5.
            TypeError: if `lines` is a single string.
        """
        token_lists = tokenize_lines(lines, self.tokenize)
        self.set_vocabulary(not_empty(Vocabulary.build(token_lists, max_size, min_count)))

    def coverage(self, lines: Iterable[str]) -> Coverage:
        """Measure how much of a text the vocabulary covers (see `Vocabulary.coverage`).

        Args:
            lines: the text, any iterable of strings.
        """
        return self.vocabulary.coverage(tokenize_lines(lines, self.tokenize))

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokens and their ids.

        Raises:
            RuntimeError: if there is no vocabulary yet.
        """
        if self._vocabulary is None:
            raise RuntimeError(
                f"This {type(self).__name__} has no vocabulary yet; "
                "call `adapt(lines)` or `set_vocabulary` first."
            )
        return self._vocabulary

    def set_vocabulary(self, vocabulary: Vocabulary) -> None:
        """Use an existing vocabulary instead of building one with `adapt`.

        Args:
            vocabulary: the vocabulary, such as `Vocabulary.load(path)`.
        """
        # The only special token that can be looked up is `<unk>` (see `encode`).
        entries = [(t, id) for id, t in enumerate(vocabulary) if t not in SPECIALS or t == UNK]
        tokens, ids = zip(*entries, strict=True)
        self._token_to_id = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(tokens, ids, tf.string, tf.int64), UNK_ID
        )
        self._id_to_token = tf.constant(vocabulary.tokens)
        self._vocabulary = vocabulary

    @property
    def vocabulary_size(self) -> int:
        """The number of ids, including the four special tokens."""
        return len(self.vocabulary)

    def equals(self, other: Tokenizer) -> bool:
        """Return whether another tokenizer produces the same ids for every text.

        That is the case if class, configuration and vocabulary are the same. Override this method
        for a tokenizer with assets, to compare those too.

        Args:
            other: a tokenizer with a vocabulary.
        """
        return (
            type(self) is type(other)
            and self.get_config() == other.get_config()
            and self.vocabulary.tokens == other.vocabulary.tokens
        )

    # Configuration and files.

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, as values that JSON can represent."""
        return {"lowercase": self.lowercase}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Tokenizer:
        """Create a tokenizer, without a vocabulary, from the result of `get_config`."""
        return cls(**config)

    def save_assets(self, directory: Path) -> None:
        """Write the files that `load_assets` reads; by default none.

        Override both for a tokenizer that has data other than its configuration and vocabulary.

        Args:
            directory: where `save` writes `tokenizer.json` and `vocabulary.txt`.
        """

    def load_assets(self, directory: Path) -> None:
        """Read the files that `save_assets` wrote.

        `load` calls it after the constructor and before `set_vocabulary`.

        Args:
            directory: where `save_assets` wrote them.

        Raises:
            InputError: if a file is missing or damaged.
        """

    def save(self, directory: str | os.PathLike) -> None:
        """Write `tokenizer.json`, `vocabulary.txt` and the assets to a directory.

        Args:
            directory: created if it does not exist.

        Raises:
            RuntimeError: if there is no vocabulary yet.
        """
        vocabulary = self.vocabulary
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self.save_assets(directory)
        vocabulary.save(directory / "vocabulary.txt")
        content = {"class_name": type(self).__name__, "config": self.get_config()}
        with write_atomically(directory / "tokenizer.json") as new:
            new.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    def __reduce__(self):
        # A table of TensorFlow cannot be pickled or copied.
        return restored, (type(self), self._state())

    def _state(self) -> State:
        """Return what `save` writes."""
        if self._vocabulary is None:
            return State(self.get_config(), None, {})
        with tempfile.TemporaryDirectory() as folder:
            self.save_assets(Path(folder))
            files = [path for path in Path(folder).rglob("*") if path.is_file()]
            assets = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
        return State(self.get_config(), self._vocabulary, assets)

    def _set_state(self, state: State) -> None:
        """Set the assets and the vocabulary."""
        if state.vocabulary is None:
            return
        with tempfile.TemporaryDirectory() as folder:
            for name, content in state.assets.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            self.load_assets(Path(folder))
        self.set_vocabulary(state.vocabulary)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        # The method by which TensorFlow finds the attributes of an object.
        children = super()._trackable_children(save_type, **kwargs)
        if save_type == "savedmodel":  # where the tables suffice
            children.pop("_in_checkpoints")
        return children

    @staticmethod
    def load(directory: str | os.PathLike) -> Tokenizer:
        """Read a tokenizer of any class from a directory that `save` wrote.

        Args:
            directory: the directory. If the tokenizer's class is not part of this package, import
                its module first.

        Raises:
            InputError: if a file is missing or damaged, or the class is unknown.
        """
        directory = Path(directory)
        path = directory / "tokenizer.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            name, config = content["class_name"], content["config"]
            cls = Tokenizer._classes.get(name)
            tokenizer = None if cls is None else cls.from_config(config)
        except OSError as error:
            raise InputError(
                f"Cannot read {str(path)!r} ({error.strerror}); "
                "pass a directory that `Tokenizer.save` wrote."
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{str(path)!r} does not describe a tokenizer ({type(error).__name__}: {error}); "
                "write it again with `Tokenizer.save`."
            ) from error
        if tokenizer is None:
            raise InputError(
                f"{str(path)!r} describes a tokenizer of the unknown class {name!r}; "
                "first import the module that defines it."
            )
        tokenizer.load_assets(directory)
        tokenizer.set_vocabulary(Vocabulary.load(directory / "vocabulary.txt"))
        return tokenizer


class State(NamedTuple):
    """The complete state of a tokenizer, apart from its class.

    Attributes:
        config: the result of `get_config`.
        vocabulary: the vocabulary, or None if there is none yet.
        assets: the contents of the files that `save_assets` writes, by path.
    """

    config: dict[str, Any]
    vocabulary: Vocabulary | None
    assets: dict[str, bytes]


def restored(cls: type[Tokenizer], state: State) -> Tokenizer:
    """Create a tokenizer from its state."""
    tokenizer = cls.from_config(state.config)
    tokenizer._set_state(state)
    return tokenizer


class InCheckpoints(tf.train.experimental.PythonState):
    """The state of a tokenizer in the files of `tf.train.Checkpoint`.

    A tokenizer without a vocabulary gets that of the checkpoint.

    Args:
        tokenizer: the tokenizer.

    Raises:
        InputError: when a checkpoint of a different tokenizer is restored.
    """

    def __init__(self, tokenizer: Tokenizer):
        self._tokenizer = tokenizer

    def serialize(self) -> bytes:
        state = self._tokenizer._state()
        content = {
            "class_name": type(self._tokenizer).__name__,
            "config": state.config,
            "tokens": None if state.vocabulary is None else state.vocabulary.tokens,
            "assets": {name: base64.b64encode(a).decode() for name, a in state.assets.items()},
        }
        return json.dumps(content).encode()

    def deserialize(self, value: bytes) -> None:
        content, ours = json.loads(value), self._tokenizer
        name, config, tokens = (content[key] for key in ("class_name", "config", "tokens"))
        # An older configuration can lack an argument, for which `from_config` has a value.
        fits = name == type(ours).__name__ and (
            type(ours).from_config(config).get_config() == ours.get_config()
        )
        if fits and tokens is not None:
            assets = {name: base64.b64decode(text) for name, text in content["assets"].items()}
            state = State(config, Vocabulary(tokens), assets)
            if ours._vocabulary is None:
                ours._set_state(state)
            else:
                fits = ours.equals(restored(type(ours), state))
        if not fits:
            arguments = ", ".join(f"{key}={value!r}" for key, value in config.items())
            raise InputError(
                "The checkpoint is of a different tokenizer; restore it into "
                f"{name}({arguments}) without calling `adapt` first."
            )


def rewrite(text: tf.Tensor, rules: Iterable[tuple[str, str]]) -> tf.Tensor:
    """Apply rewriting rules in order.

    Args:
        text: strings of any shape.
        rules: pairs `(RE2 expression, replacement)`.

    Returns:
        Strings, same shape.
    """
    for pattern, replacement in rules:
        text = tf.strings.regex_replace(text, pattern, replacement)
    return text


def tokenize_lines(lines: Iterable[str], tokenize: Callable) -> Iterator[list[str]]:
    """Yield the tokens of a text, one list per chunk of lines."""
    check_not_one_string("lines", lines)
    for chunk in in_chunks(lines):
        yield [token.decode("utf-8") for token in tokenize(chunk).values.numpy()]


def not_empty(vocabulary: Vocabulary) -> Vocabulary:
    """Return the vocabulary if it has any tokens other than the special ones.

    Raises:
        InputError: if it does not.
    """
    if len(vocabulary) == len(SPECIALS):
        raise InputError(
            "No token in the text occurs often enough to enter the vocabulary; "
            "pass more text or a lower `min_count`."
        )
    return vocabulary
