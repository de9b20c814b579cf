"""Floor 4: strings in, strings out, in one graph."""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tf_seq2seq import search
from tf_seq2seq.errors import InputError
from tf_seq2seq.layers.recurrence import check_positive
from tf_seq2seq.models import Seq2Seq
from tf_seq2seq.text import EOS, EOS_ID, PAD_ID, Tokenizer


@dataclasses.dataclass(frozen=True)
class Translation:
    """One sentence's translation.

    Attributes:
        text: the translation.
        score: its log probability, in nats, `<eos>` included.
        source_tokens: the source as the encoder read it, `<eos>` included.
        target_tokens: the translation as the decoder wrote it, `<eos>` included.
        alignment: float32 `(target tokens, source tokens)`, attention weights whose rows sum to 1;
            None for a model without attention.
    """

    text: str
    score: float
    source_tokens: list[str]
    target_tokens: list[str]
    alignment: np.ndarray | None


class Translator(tf.Module):
    """Translates strings: normalises, tokenises, encodes, searches and detokenises in one graph.

    A sentence's translation does not depend on the batch that it is in. An empty sentence has an
    empty translation of score 0. Invalid UTF-8 is read as U+FFFD.

    Args:
        model: a trained `Seq2Seq`.
        source_tokenizer, target_tokenizer: the tokenizers it was trained with.
        max_source_length: longer sentences are cut off after so many tokens.
        max_target_length: translations are cut off after so many tokens.

    Raises:
        ValueError: if a tokenizer's vocabulary is not of the size that the model was built for.

    Example:

    >>> translator = Translator(model, english, chinese)
    >>> translator(["She reads a book."])[0].text
    '她看书。'
    """

    def __init__(
        self,
        model: Seq2Seq,
        source_tokenizer: Tokenizer,
        target_tokenizer: Tokenizer,
        *,
        max_source_length: int = 100,
        max_target_length: int = 100,
    ):
        super().__init__()
        for side, tokenizer, layer in (
            ("source", source_tokenizer, model.encoder),
            ("target", target_tokenizer, model.decoder),
        ):
            if tokenizer.vocabulary_size != layer.vocabulary_size:
                raise ValueError(
                    f"The {side} tokenizer has {tokenizer.vocabulary_size} tokens, but the model "
                    f"was built for {layer.vocabulary_size}; pass the tokenizer that the model was "
                    "trained with."
                )
        for name, length in (
            ("max_source_length", max_source_length),
            ("max_target_length", max_target_length),
        ):
            check_positive(name, length)
        self.model = model
        self.source_tokenizer = source_tokenizer
        self.target_tokenizer = target_tokenizer
        self.max_source_length = max_source_length
        self.max_target_length = max_target_length
        self._translate = tf.function(
            self.graph, input_signature=[tf.TensorSpec([None], tf.string, "text")]
        )

    @property
    def aligns(self) -> bool:
        """Whether the model has attention, so that translations come with an alignment."""
        return self.model.decoder.attention is not None

    @property
    def tokenizers(self) -> list[Tokenizer]:
        """Both tokenizers, whose tables an export must hold."""
        return [self.source_tokenizer, self.target_tokenizer]

    @property
    def signatures(self) -> dict[str, Callable[[tf.Tensor], dict[str, tf.Tensor]]]:
        """What `serving.export` exports, each a function of `text`: see the table there."""

        def serving_default(text):
            outputs = self.graph(text)
            return {name: outputs[name] for name in ("translation", "score")}

        def align(text):
            outputs = self.graph(text)
            del outputs["cut_off"]
            return outputs

        signatures = {"serving_default": serving_default}
        return signatures | ({"align": align} if self.aligns else {})

    def graph(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """The whole way as TensorFlow operations, for calling inside a graph and for export.

        Args:
            text: string `(batch,)`; the batch may be empty.

        Returns:
            - `translation`: string `(batch,)`,
            - `score`: float32 `(batch,)`,
            - `source_tokens`: string `(batch, source_length)`, filled with empty strings,
            - `source_length`: int32 `(batch,)`, `<eos>` included, 0 for an empty sentence,
            - `target_tokens`: string `(batch, target_length)`, filled with empty strings,
            - `target_length`: int32 `(batch,)`, `<eos>` included, 0 for an empty sentence,
            - `cut_off`: bool `(batch,)`, whether the source was longer than `max_source_length`,
            - `alignment`: float32 `(batch, target_length, source_length)`, filled with zeros;
              absent for a model without attention.
        """
        # TF Serving does not check the rank, and a scalar would bring a TF-Text kernel down.
        text = tf.ensure_shape(text, [None])
        batch_size = tf.shape(text)[0]
        tokens = self.source_tokenizer.tokenize(text)
        cut_off = tokens.row_lengths() > self.max_source_length
        tokens = tokens[:, : self.max_source_length]
        empty = tokens.row_lengths() == 0

        source = self.source_tokenizer.token_to_id(tokens)
        source = append(source, EOS_ID, batch_size).to_tensor(default_value=PAD_ID)
        # The encoder wants at least one column, which an empty batch has not.
        source = tf.pad(source, [[0, 0], [0, tf.cast(batch_size == 0, tf.int32)]])

        state, memory = self.model.encode(source)
        found = search.greedy(
            lambda ids, state: self.model.decoder.step(ids, state, memory),
            state,
            batch_size,
            self.max_target_length,
            aligned=self.aligns,
            finished=empty,
        )
        written = found.ids != PAD_ID
        source_tokens = append(tokens, EOS, batch_size).to_tensor(default_value="")
        result = {
            "translation": self.target_tokenizer.decode(found.ids),
            "score": found.scores,
            "source_tokens": tf.where(empty[:, None], "", source_tokens),
            "source_length": tf.where(empty, 0, tf.cast(tokens.row_lengths() + 1, tf.int32)),
            "cut_off": cut_off,
            "target_tokens": tf.where(written, self.target_tokenizer.id_to_token(found.ids), ""),
            "target_length": found.lengths,
        }
        if self.aligns:
            result["alignment"] = found.alignment
        return result

    def __call__(self, sentences: str | Iterable[str], batch_size: int = 64) -> list[Translation]:
        """Translate sentences.

        Args:
            sentences: one string, or any number of them.
            batch_size: how many sentences go through the graph at a time.

        Returns:
            A `Translation` for each sentence, in their order.

        Raises:
            TypeError: if something is not a string.

        Warns:
            UserWarning: names each sentence that was cut off at `max_source_length`.
        """
        sentences = [sentences] if isinstance(sentences, str | bytes) else list(sentences)
        results: list[Translation | None] = [None] * len(sentences)
        for rows, outputs in run_in_batches(self._translate, sentences, batch_size):
            for i, translation in zip(rows, self._unpack(outputs), strict=True):
                results[i] = translation
            for row in np.flatnonzero(outputs["cut_off"]):
                warnings.warn(
                    f"Sentence {rows[row]} ({sentences[rows[row]][:30]!r}...) was cut off after "
                    f"max_source_length={self.max_source_length} tokens; split it into sentences.",
                    stacklevel=2,
                )
        return results

    def _unpack(self, arrays: dict[str, np.ndarray]):
        for row, text in enumerate(arrays["translation"]):
            width, height = arrays["source_length"][row], arrays["target_length"][row]
            yield Translation(
                text=text.decode(),
                score=float(arrays["score"][row]),
                source_tokens=[
                    self.source_tokenizer.display(token.decode())
                    for token in arrays["source_tokens"][row, :width]
                ],
                target_tokens=[
                    self.target_tokenizer.display(token.decode())
                    for token in arrays["target_tokens"][row, :height]
                ],
                alignment=(
                    arrays["alignment"][row, :height, :width] if "alignment" in arrays else None
                ),
            )

    def save(self, directory: str | Path) -> None:
        """Write model and tokenizers, for `Translator.load`.

        Args:
            directory: made if it is not there: `model.keras`, `source/`, `target/` and
                `translator.json`.
        """
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self.model.save(directory / "model.keras")
        self.source_tokenizer.save(directory / "source")
        self.target_tokenizer.save(directory / "target")
        config = {
            "max_source_length": self.max_source_length,
            "max_target_length": self.max_target_length,
        }
        (directory / "translator.json").write_text(json.dumps(config, indent=2) + "\n")

    @classmethod
    def load(cls, directory: str | Path) -> Translator:
        """Read what `save` wrote.

        Raises:
            InputError: if the directory does not hold a translator, or a damaged one.
        """
        directory = Path(directory)
        try:
            config = json.loads((directory / "translator.json").read_text())
            model = keras.saving.load_model(directory / "model.keras")
            tokenizers = [Tokenizer.load(directory / side) for side in ("source", "target")]
            return cls(model, *tokenizers, **config)
        except InputError:
            raise
        except FileNotFoundError as error:
            raise InputError(
                f"No translator in {directory}: {error.filename or error} is missing; pass the "
                "directory that `Translator.save` wrote."
            ) from error
        except (ValueError, OSError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"The translator in {directory} cannot be read ({error}); save it again."
            ) from error


def run_in_batches(
    translate: Callable[[tf.Tensor], dict[str, tf.Tensor]], sentences: list[str], batch_size: int
) -> Iterator[tuple[list[int], dict[str, np.ndarray]]]:
    """Yield the places of a batch's sentences and what `translate` puts out for them."""
    encoded = [utf8(sentence, position) for position, sentence in enumerate(sentences)]
    # Sentences of like length share a batch, so that little of it is padding.
    order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        outputs = translate(tf.constant([encoded[i] for i in rows]))
        yield rows, {name: tensor.numpy() for name, tensor in outputs.items()}


def utf8(sentence: str | bytes, position: int) -> bytes:
    """The bytes of the sentence at a position of a list, for a string tensor."""
    if isinstance(sentence, bytes):
        return sentence
    if not isinstance(sentence, str):
        raise TypeError(
            f"Expected sentences as strings, got {type(sentence).__name__} {sentence!r} "
            f"at position {position}."
        )
    # A command line hands bytes that are not UTF-8 on as surrogates, which UTF-8 cannot encode.
    return sentence.encode("utf-8", errors="surrogatepass")


def append(ragged: tf.RaggedTensor, value, batch_size) -> tf.RaggedTensor:
    """Put `value` behind each row."""
    column = tf.fill([batch_size, 1], tf.constant(value, ragged.dtype))
    return tf.concat([ragged, column], axis=1)
