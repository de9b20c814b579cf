"""A tokenizer with the pieces of a SentencePiece model."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import tensorflow as tf
import tensorflow_text as tf_text
from tensorflow_text.python.ops.sentencepiece_tokenizer import gen_sentencepiece_tokenizer

from tf_seq2seq.errors import InputError
from tf_seq2seq.files import write_atomically
from tf_seq2seq.text.tokenizer import Rules, Tokenizer
from tf_seq2seq.text.vocabulary import UNK, Vocabulary

SPACE = "▁"
"""SentencePiece's marker (U+2581) for a space before a piece."""

_FILE = "sentencepiece.model"


class SentencePieceTokenizer(Tokenizer):
    """Split text into the pieces of a SentencePiece model that you have trained.

    The model already has a vocabulary, so `adapt` is not supported. `<pad>`, `<unk>`, `<sos>` and
    `<eos>` have the ids 0 to 3, as in every tokenizer of this package. The pieces follow in the
    model's order, without its own unknown and control symbols, whatever their names and ids
    are. A model trained with `--pad_id=0 --unk_id=1 --bos_id=2 --eos_id=3` has the same ids here.

    `normalize` also does what the model does to the text before it splits it, such as NFKC.

    Args:
        model: the file that SentencePiece wrote, such as `en.model`, or its content.
        lowercase: whether `normalize` lowercases the text.

    Raises:
        InputError: if the file cannot be read, is not a SentencePiece model, or was trained with
            `--treat_whitespace_as_suffix`.

    Source: Kudo and Richardson 2018, "SentencePiece: A simple and language independent subword
    tokenizer and detokenizer for Neural Text Processing".
    """

    # SentencePiece does not distinguish its marker in a text from a space.
    rules = Rules(normalize=((f" *{SPACE}[ {SPACE}]*", " "), ("^ | $", "")))

    def __init__(self, model: str | os.PathLike | bytes | None = None, lowercase: bool = False):
        super().__init__(lowercase)
        self._model = b""
        if model is not None:  # `load` reads it afterwards
            self._set_model(model)

    def normalize(self, text: tf.Tensor | list[str]) -> tf.Tensor:
        """Normalize the text as the model does (see `Tokenizer.normalize`)."""
        return self.detokenize(self._split(super().normalize(text)))

    def tokenize(self, text: tf.Tensor | list[str]) -> tf.RaggedTensor:
        """Normalize the text and split it into pieces (see `Tokenizer.tokenize`)."""
        return self._split(super().normalize(text))

    def detokenize(self, tokens: tf.RaggedTensor) -> tf.Tensor:
        """Join pieces into text (see `Tokenizer.detokenize`)."""
        # SentencePiece writes its unknown symbol as "⁇". It leaves pieces that it does not know
        # unchanged, and normalized text has no control characters.
        shown = tf.where(tokens.values == UNK, f"\x01{UNK}", tokens.values)
        text = self._pieces.detokenize(tokens.with_values(shown))
        return tf.strings.strip(tf.strings.regex_replace(text, "\x01", ""))

    def _split(self, text: tf.Tensor) -> tf.RaggedTensor:
        return self._pieces.tokenize(text)

    @property
    def _pieces(self) -> tf_text.SentencepieceTokenizer:
        _ = self.vocabulary  # raises an error before a model is set
        return self._splitter

    @property
    def vocabulary(self) -> Vocabulary:
        """The pieces and their ids.

        Raises:
            RuntimeError: if there is no model yet.
        """
        self._check_has_model()
        return super().vocabulary

    def _check_has_model(self) -> None:
        if not self._model:
            raise RuntimeError(
                f"This {type(self).__name__} has no model yet; pass the .model file that "
                "SentencePiece wrote."
            )

    @property
    def markers(self) -> str:
        """The marker for a space."""
        return SPACE

    def starts_word(self, tokens: tf.Tensor) -> tf.Tensor:
        """Return whether each token begins a word (see `Tokenizer.starts_word`)."""
        return tf.strings.regex_full_match(tokens, f"{SPACE}.*")

    def adapt(
        self, lines: Iterable[str], max_size: int | None = None, min_count: int | None = None
    ) -> NoReturn:
        """Refuse to learn a vocabulary: the pieces are those of the model.

        Raises:
            InputError: always.
        """
        raise InputError(
            "The vocabulary of a SentencePieceTokenizer is that of its model; leave out `adapt`, "
            "or pass a model that was trained on other text or with another size."
        )

    def set_vocabulary(self, vocabulary: Vocabulary) -> None:
        """Accept the vocabulary of the model, and no other.

        Raises:
            InputError: if it is another one.
            RuntimeError: if there is no model yet.
        """
        self._check_has_model()
        if vocabulary != self._model_vocabulary():
            raise InputError(
                f"The vocabulary of {len(vocabulary)} tokens is not that of the SentencePiece "
                "model; leave out `set_vocabulary`."
            )
        super().set_vocabulary(vocabulary)

    def equals(self, other: Tokenizer) -> bool:
        """Return whether another tokenizer has the same model and configuration."""
        return super().equals(other) and self._model == getattr(other, "_model", None)

    def save_assets(self, directory: Path) -> None:
        """Write the model to a file."""
        with write_atomically(directory / _FILE) as new:
            new.write_bytes(self._model)

    def load_assets(self, directory: Path) -> None:
        """Read the model from the file that `save_assets` wrote.

        Raises:
            InputError: if the file is missing or damaged.
        """
        self._set_model(directory / _FILE)

    def _set_model(self, model: str | os.PathLike | bytes) -> None:
        name = "the model" if isinstance(model, bytes) else repr(os.fspath(model))
        try:
            self._model = model if isinstance(model, bytes) else Path(model).read_bytes()
            self._splitter = _Splitter(self._model)
            super().set_vocabulary(self._model_vocabulary())
        except OSError as error:
            raise InputError(
                f"Cannot read {name} ({error.strerror}); pass the .model file that SentencePiece "
                "wrote."
            ) from error
        except tf.errors.OpError as error:
            raise InputError(
                f"{name} is not a SentencePiece model; pass the .model file that SentencePiece "
                "wrote."
            ) from error

    def _model_vocabulary(self) -> Vocabulary:
        """Return the pieces of the model without its unknown and control symbols.

        Raises:
            InputError: if a piece does not fit into a vocabulary.
        """
        splitter = self._splitter
        pieces = splitter.id_to_string(tf.range(splitter.vocab_size()))
        # Any other string has the id of the unknown symbol. Control symbols have no text.
        unknown = splitter.id_to_string(splitter.string_to_id("\x01"))
        text = splitter.detokenize(tf.stack([tf.fill(tf.shape(pieces), "\x01"), pieces], 1))
        kept = tf.boolean_mask(pieces, (pieces != unknown) & (text != "\x01"))
        vocabulary = Vocabulary(piece.decode("utf-8") for piece in kept.numpy())
        longer = [piece for piece in vocabulary if len(piece) > 1]
        if any(p.endswith(SPACE) for p in longer) and not any(p.startswith(SPACE) for p in longer):
            raise InputError(
                "The pieces of the SentencePiece model end with the space after them, so the first "
                "piece of a word is not known; train it without --treat_whitespace_as_suffix."
            )
        return vocabulary


class _Splitter(tf_text.SentencepieceTokenizer):
    """The operations of TensorFlow Text, with a model that outlives TensorFlow's caches."""

    def __init__(self, model: bytes):
        super().__init__(model, out_type=tf.string)
        self._model_resource = _SharedModel(model)


class _SharedModel(tf.saved_model.experimental.TrackableResource):
    """A SentencePiece model as a resource with a name.

    TensorFlow Text's own has none. It belongs to a cached kernel, which disappears when the caches
    are cleared, as by `keras.utils.set_random_seed`.
    """

    def __init__(self, model: bytes):
        super().__init__()
        self._model = model
        self._name = f"sentencepiece_{hashlib.sha256(model).hexdigest()}"
        _ = self.resource_handle  # creates the resource

    def _create_resource(self) -> tf.Tensor:
        return gen_sentencepiece_tokenizer.sentencepiece_op(
            model=self._model, shared_name=self._name
        )
